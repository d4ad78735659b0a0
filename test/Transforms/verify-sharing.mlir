// RUN: aac-opt %s --split-input-file --verify-diagnostics --aac-verify-sharing

aac.suite {
  // expected-note @+1 {{the other one is here}}
  aac.param @w : tensor<1xf32> = dense<1.0> : tensor<1xf32> {role = #aac.role<ffn>, content_hash = 7 : i64, sharing = #aac.sharing<shared>, tasks = ["a"]}
  // expected-error @+1 {{@copy has the content hash, type and role of @w: a shared parameter was forked (mark a wanted copy with 'aac.fork')}}
  aac.param @copy : tensor<1xf32> = dense<1.0> : tensor<1xf32> {role = #aac.role<ffn>, content_hash = 7 : i64, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @wanted : tensor<1xf32> = dense<1.0> : tensor<1xf32> {role = #aac.role<ffn>, content_hash = 7 : i64, sharing = #aac.sharing<shared>, tasks = ["a"], aac.fork = "test"}
}

// -----

aac.suite {
  // expected-error @+2 {{@w belongs to task @a, which does not use it}}
  // expected-error @+1 {{@w is used by task @b, which is not in its tasks ["a"]}}
  aac.param @w : tensor<1x2xf32> = dense<1.0> : tensor<1x2xf32> {role = #aac.role<ffn>, content_hash = 7 : i64, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.task @b(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<1x2xf32>
    %0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
    aac.return %0 : tensor<1x1xf32>
  }
}

// -----

// A pass gave one task a copy with other bytes, under a hash of its own.
aac.suite {
  // expected-error @+1 {{@w belongs to task @b, which does not use it: a pass gave it something else instead}}
  aac.param @w : tensor<1x2xf32> = dense<1.0> : tensor<1x2xf32> {role = #aac.role<ffn>, content_hash = 7 : i64, sharing = #aac.sharing<shared>, tasks = ["a", "b"]}
  aac.param @w_b : tensor<1x2xf32> = dense<2.0> : tensor<1x2xf32> {role = #aac.role<ffn>, content_hash = 8 : i64, sharing = #aac.sharing<task>, tasks = ["b"]}
  aac.task @a(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<1x2xf32>
    %0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
    aac.return %0 : tensor<1x1xf32>
  }
  aac.task @b(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w_b : tensor<1x2xf32>
    %0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
    aac.return %0 : tensor<1x1xf32>
  }
}

// -----

aac.suite {
  // expected-error @+2 {{@w has no 'content_hash': aac-share sets it and no pass may drop it}}
  // expected-error @+1 {{@w has no 'sharing': aac-share sets it and no pass may drop it}}
  aac.param @w : tensor<1xf32> = dense<1.0> : tensor<1xf32> {tasks = ["a"]}
  // expected-error @+1 {{@u has no 'tasks': aac-share sets it and no pass may drop it}}
  aac.param @u : tensor<1xf32> = dense<1.0> : tensor<1xf32> {content_hash = 7 : i64, sharing = #aac.sharing<shared>}
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#shared = #aac.sharing<shared>
aac.suite {
  aac.param @t : tensor<1x16xf32> = dense<48> : tensor<1x16xi8> {role = #aac.role<embedding>, content_hash = 7 : i64, sharing = #shared, tasks = ["a", "b"], format = #f}
  aac.param @u : tensor<1x16xf32> = dense<49> : tensor<1x16xi8> {role = #aac.role<embedding>, content_hash = 8 : i64, sharing = #shared, tasks = ["a", "b"], format = #f}
  // expected-note @+1 {{the other one is here}}
  aac.stored @t.rows "rows" = dense<48> : tensor<16xi8> {sources = ["t"], count = 1, stride = 16, sharing = #shared, tasks = ["a", "b"]}
  // expected-error @+1 {{@t.again stores @t, which @t.rows stores already: a shared parameter is stored once}}
  aac.stored @t.again "rows" = dense<48> : tensor<16xi8> {sources = ["t"], count = 1, stride = 16, sharing = #shared, tasks = ["a", "b"]}
  // expected-error @+1 {{@u.rows is stored for tasks ["a"], but @u belongs to ["a", "b"]}}
  aac.stored @u.rows "rows" = dense<49> : tensor<16xi8> {sources = ["u"], count = 1, stride = 16, sharing = #shared, tasks = ["a"]}
}

// -----

// One hash in another shape or role is no fork; what a task has alone, or as a wanted copy, may be stored twice; a
// repetition may use what another one does.
#f = #aac.af<8, 3, bias = 7, scale = 0>
#shared = #aac.sharing<shared>
#task = #aac.sharing<task>
#ffn = #aac.role<ffn>
aac.suite {
  aac.param @t : tensor<1x16xf32> = dense<48> : tensor<1x16xi8> {role = #ffn, content_hash = 7 : i64, sharing = #task, tasks = ["a"], format = #f}
  aac.param @wide : tensor<2x8xf32> = dense<48> : tensor<2x8xi8> {role = #ffn, content_hash = 7 : i64, sharing = #shared, tasks = ["a", "b"], format = #f}
  aac.param @fork : tensor<1x16xf32> = dense<49> : tensor<1x16xi8> {role = #ffn, content_hash = 8 : i64, sharing = #shared, tasks = ["a", "b"], format = #f, aac.fork = "test"}
  aac.param @twice : tensor<1x16xf32> = dense<50> : tensor<1x16xi8> {role = #ffn, content_hash = 9 : i64, sharing = #shared, tasks = ["a", "b"], format = #f}
  aac.stored @t.rows "rows" = dense<48> : tensor<16xi8> {sources = ["t"], count = 1, stride = 16, sharing = #task, tasks = ["a"]}
  aac.stored @t.again "rows" = dense<48> : tensor<16xi8> {sources = ["t"], count = 1, stride = 16, sharing = #task, tasks = ["a"]}
  aac.stored @fork.rows "rows" = dense<49> : tensor<16xi8> {sources = ["fork"], count = 1, stride = 16, sharing = #shared, tasks = ["a", "b"]}
  aac.stored @fork.again "rows" = dense<49> : tensor<16xi8> {sources = ["fork"], count = 1, stride = 16, sharing = #shared, tasks = ["a", "b"]}
  aac.stored @twice.rows "rows" = dense<50> : tensor<32xi8> {sources = ["twice", "twice"], count = 2, stride = 16, sharing = #shared, tasks = ["a", "b"]}
}
