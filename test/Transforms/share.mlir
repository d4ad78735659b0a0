// RUN: aac-opt %s --split-input-file --aac-share --aac-verify-sharing | FileCheck %s

// Equal bytes, type and role: one parameter. Another role, other bytes: their own. What
// nobody uses goes.
// CHECK-LABEL: aac.suite
// CHECK-NEXT: aac.param @a_q : tensor<2x2xf32>
// CHECK-SAME: content_hash = {{-?[0-9]+}} : i64
// CHECK-SAME: sharing = #aac.sharing<shared>
// CHECK-SAME: tasks = ["alpha", "beta", "gamma"]
// CHECK-NEXT: aac.param @a_f
// CHECK-SAME: role = #aac.role<ffn>, sharing = #aac.sharing<subset>, tasks = ["alpha", "gamma"]
// CHECK-NEXT: aac.param @b_f
// CHECK-SAME: sharing = #aac.sharing<task>, tasks = ["beta"]
// CHECK-NOT: aac.param
// CHECK: aac.task @gamma
// CHECK-NEXT: aac.use @a_q
// CHECK-NEXT: aac.use @a_f
aac.suite {
  aac.param @unused : tensor<1xf32> = dense<1.0> : tensor<1xf32> {role = #aac.role<ffn>}
  aac.param @a_q : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> {role = #aac.role<attention>}
  aac.param @a_f : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> {role = #aac.role<ffn>}
  aac.param @b_q : tensor<2x2xf32> = dense_resource<b_q> : tensor<2x2xf32> {role = #aac.role<attention>}
  aac.param @b_f : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 5.0]]> : tensor<2x2xf32> {role = #aac.role<ffn>}
  aac.task @gamma(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %q = aac.use @b_q : tensor<2x2xf32>
    %f = aac.use @a_f : tensor<2x2xf32>
    %0 = aac.linear %x, %q : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %f : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    aac.return %1 : tensor<1x2xf32>
  }
  aac.task @alpha(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %q = aac.use @a_q : tensor<2x2xf32>
    %f = aac.use @a_f : tensor<2x2xf32>
    %0 = aac.linear %x, %q : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %f : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    aac.return %1 : tensor<1x2xf32>
  }
  aac.task @beta(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %q = aac.use @b_q : tensor<2x2xf32>
    %f = aac.use @b_f : tensor<2x2xf32>
    %0 = aac.linear %x, %q : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %f : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    aac.return %1 : tensor<1x2xf32>
  }
}
{-# dialect_resources: { builtin: { b_q: "0x040000000000803F000000400000404000008040" } } #-}

// -----

// A constant of a task role stays one per task even when the exporter stored it once; a
// frozen pooler is shared; zero biases of the backbone are shared.
// CHECK-LABEL: aac.suite
// CHECK-NEXT: aac.param @zero_adapter :
// CHECK-SAME: aac.fork = "constant"
// CHECK-SAME: sharing = #aac.sharing<task>, tasks = ["alpha"]
// CHECK-NEXT: aac.param @zero_adapter.beta :
// CHECK-SAME: aac.fork = "constant"
// CHECK-SAME: sharing = #aac.sharing<task>, tasks = ["beta"]
// CHECK-NEXT: aac.param @zero_ffn :
// CHECK-SAME: sharing = #aac.sharing<shared>
// CHECK-NEXT: aac.param @pooler_a :
// CHECK-SAME: sharing = #aac.sharing<shared>
// CHECK-NOT: aac.param
// CHECK: aac.task @beta
// CHECK: aac.use @zero_adapter.beta
aac.suite {
  aac.param @zero_adapter : tensor<2xf32> = dense<0.0> : tensor<2xf32> {role = #aac.role<adapter>}
  aac.param @zero_ffn : tensor<2xf32> = dense<0.0> : tensor<2xf32> {role = #aac.role<ffn>}
  aac.param @pooler_a : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> {role = #aac.role<pooler>}
  aac.param @pooler_b : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> {role = #aac.role<pooler>}
  aac.task @alpha(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @pooler_a : tensor<2x2xf32>
    %a = aac.use @zero_adapter : tensor<2xf32>
    %f = aac.use @zero_ffn : tensor<2xf32>
    %0 = aac.linear %x, %w, %a : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %w, %f : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    aac.return %1 : tensor<1x2xf32>
  }
  aac.task @beta(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @pooler_b : tensor<2x2xf32>
    %a = aac.use @zero_adapter : tensor<2xf32>
    %f = aac.use @zero_ffn : tensor<2xf32>
    %0 = aac.linear %x, %w, %a : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %w, %f : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
    aac.return %1 : tensor<1x2xf32>
  }
}

// -----

// One task: the role decides.
// CHECK-LABEL: aac.suite
// CHECK-NEXT: aac.param @wq
// CHECK-SAME: sharing = #aac.sharing<shared>, tasks = ["only"]
// CHECK-NEXT: aac.param @wc
// CHECK-SAME: sharing = #aac.sharing<task>, tasks = ["only"]
aac.suite {
  aac.param @wq : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> {role = #aac.role<attention>}
  aac.param @wc : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> {role = #aac.role<classifier>}
  aac.task @only(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %q = aac.use @wq : tensor<2x2xf32>
    %c = aac.use @wc : tensor<2x2xf32>
    %0 = aac.linear %x, %q : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %c : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    aac.return %1 : tensor<1x2xf32>
  }
}

// -----

// A wanted copy is never merged.
// CHECK-LABEL: aac.suite
// CHECK-NEXT: aac.param @w :
// CHECK-NEXT: aac.param @copy {{.*}}aac.fork = "for robustness"
aac.suite {
  aac.param @w : tensor<1x2xf32> = dense<[[1.0, 2.0]]> : tensor<1x2xf32> {role = #aac.role<ffn>}
  aac.param @copy : tensor<1x2xf32> = dense<[[1.0, 2.0]]> : tensor<1x2xf32> {role = #aac.role<ffn>, aac.fork = "for robustness"}
  aac.task @a(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y", "z"] {
    %w = aac.use @w : tensor<1x2xf32>
    %c = aac.use @copy : tensor<1x2xf32>
    %0 = aac.linear %x, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
    %1 = aac.linear %x, %c : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
    aac.return %0, %1 : tensor<1x1xf32>, tensor<1x1xf32>
  }
}

// -----

// Which roles are a task's, and of one task which are the backbone's.
// CHECK-LABEL: aac.suite
// CHECK: aac.param @norm : {{.*}}aac.fork = "constant"
// CHECK: aac.param @norm.beta : {{.*}}aac.fork = "constant"
// CHECK: aac.param @pooler : {{.*}}aac.fork = "constant"
// CHECK: aac.param @pooler.beta : {{.*}}aac.fork = "constant"
// CHECK: aac.param @classifier : {{.*}}aac.fork = "constant"
// CHECK: aac.param @classifier.beta : {{.*}}aac.fork = "constant"
// CHECK: aac.task @alpha
aac.suite {
  aac.param @norm : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32> {role = #aac.role<layer_norm>}
  aac.param @pooler : tensor<2x2xf32> = dense<2.0> : tensor<2x2xf32> {role = #aac.role<pooler>}
  aac.param @classifier : tensor<2x2xf32> = dense<3.0> : tensor<2x2xf32> {role = #aac.role<classifier>}
  aac.task @alpha(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %n = aac.use @norm : tensor<2x2xf32>
    %p = aac.use @pooler : tensor<2x2xf32>
    %c = aac.use @classifier : tensor<2x2xf32>
    %0 = aac.linear %x, %n : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %p : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %2 = aac.linear %1, %c : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    aac.return %2 : tensor<1x2xf32>
  }
  aac.task @beta(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %n = aac.use @norm : tensor<2x2xf32>
    %p = aac.use @pooler : tensor<2x2xf32>
    %c = aac.use @classifier : tensor<2x2xf32>
    %0 = aac.linear %x, %n : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %1 = aac.linear %0, %p : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %2 = aac.linear %1, %c : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    aac.return %2 : tensor<1x2xf32>
  }
}

// -----

// CHECK-LABEL: aac.suite
// CHECK: aac.param @table : {{.*}}sharing = #aac.sharing<shared>, tasks = ["only"]
// CHECK: aac.param @ffn : {{.*}}sharing = #aac.sharing<shared>, tasks = ["only"]
// CHECK: aac.param @adapter : {{.*}}sharing = #aac.sharing<task>, tasks = ["only"]
// CHECK: aac.param @copy : {{.*}}sharing = #aac.sharing<task>, tasks = ["only"]
aac.suite {
  aac.param @table : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32> {role = #aac.role<embedding>}
  aac.param @ffn : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 5.0]]> : tensor<2x2xf32> {role = #aac.role<ffn>}
  aac.param @adapter : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32> {role = #aac.role<adapter>}
  aac.param @copy : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32> {role = #aac.role<adapter>, aac.fork = "for robustness"}
  aac.task @only(%ids: tensor<1x1xi64>) inputs ["x"] outputs ["y"] {
    %t = aac.use @table : tensor<2x2xf32>
    %f = aac.use @ffn : tensor<2x2xf32>
    %a = aac.use @adapter : tensor<2x2xf32>
    %c = aac.use @copy : tensor<2x2xf32>
    %x = aac.embedding ids(%ids) tables(%t) : (tensor<1x1xi64>, tensor<2x2xf32>) -> tensor<1x1x2xf32>
    %0 = aac.linear %x, %f : (tensor<1x1x2xf32>, tensor<2x2xf32>) -> tensor<1x1x2xf32>
    %1 = aac.linear %0, %a : (tensor<1x1x2xf32>, tensor<2x2xf32>) -> tensor<1x1x2xf32>
    %2 = aac.linear %1, %c : (tensor<1x1x2xf32>, tensor<2x2xf32>) -> tensor<1x1x2xf32>
    aac.return %2 : tensor<1x1x2xf32>
  }
}

// -----

// Equal codes are one only where they come from one tensor; a hash that is there stays. The weights of a loop's
// repetitions are renamed too.
// CHECK-LABEL: aac.suite
// CHECK: aac.param @a : {{.*}}content_hash = 7 : i64
// CHECK-NEXT: aac.param @scaled :
// CHECK-NEXT: aac.param @pruned : {{.*}}content_hash = 8 : i64
// CHECK-NOT: aac.param
// CHECK: aac.use_each [@a, @a, @scaled, @pruned]
aac.suite {
  aac.param @a : tensor<1x2xf32> = dense<[[48, 49]]> : tensor<1x2xi8> {role = #aac.role<ffn>, content_hash = 7 : i64, format = #aac.af<8, 3, bias = 7, scale = 0>}
  aac.param @b : tensor<1x2xf32> = dense<[[48, 49]]> : tensor<1x2xi8> {role = #aac.role<ffn>, content_hash = 7 : i64, format = #aac.af<8, 3, bias = 7, scale = 0>}
  aac.param @scaled : tensor<1x2xf32> = dense<[[48, 49]]> : tensor<1x2xi8> {role = #aac.role<ffn>, content_hash = 9 : i64, format = #aac.af<8, 3, bias = 7, scale = 1>}
  aac.param @pruned : tensor<1x2xf32> = dense<[[48, 49]]> : tensor<1x2xi8> {role = #aac.role<ffn>, content_hash = 8 : i64, format = #aac.af<8, 3, bias = 7, scale = 0>}
  aac.task @a_task(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
    %0 = aac.loop 4 (%h = %x) : (tensor<1x2xf32>) {
      %w = aac.use_each [@a, @b, @scaled, @pruned] : tensor<1x2xf32>
      %u = aac.linear %h, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
      aac.yield %h : tensor<1x2xf32>
    }
    aac.return %0 : tensor<1x2xf32>
  }
}
