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
