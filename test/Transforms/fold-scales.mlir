// RUN: aac-opt %s --split-input-file --verify-diagnostics --aac-fold-scales | FileCheck %s

// 0.75 = 1 * 0.75: the query's weight and bias take up 0.75. The key reads the same weight and
// keeps the original.
// CHECK: aac.param @w : tensor<4x4xf32> = dense<2.000000e+00>
// CHECK: aac.param @w_0 : tensor<4x4xf32> = dense<1.500000e+00> {{.*}}aac.fork = "scaled"
// CHECK: aac.param @b : tensor<4xf32> = dense<3.000000e+00>
// CHECK-LABEL: aac.task @t
// CHECK: %[[KW:.*]] = aac.use @w :
// CHECK: %[[QW:.*]] = aac.use @w_0 :
// CHECK: %[[Q:.*]] = aac.linear %arg0, %[[QW]], %{{.*}}
// CHECK: %[[K:.*]] = aac.linear %arg0, %[[KW]]
// CHECK: aac.scores %[[Q]], %[[K]] heads 2 scale 1.000000e+00
aac.suite {
  aac.param @w : tensor<4x4xf32> = dense<2.0> : tensor<4x4xf32>
  aac.param @b : tensor<4xf32> = dense<4.0> : tensor<4xf32>
  aac.task @t(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %q = aac.linear %x, %w, %b : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    %k = aac.linear %x, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    %s = aac.scores %q, %k heads 2 scale 0.75 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    aac.return %s : tensor<1x2x3x3xf32>
  }
}

// -----

// A power of two stays; a query that is used elsewhere cannot take up a factor.
// CHECK-LABEL: aac.task @kept
// CHECK: scale 1.250000e-01
// CHECK: scale 3.000000e+00
aac.suite {
  aac.param @w : tensor<4x4xf32> = dense<2.0> : tensor<4x4xf32>
  aac.task @kept(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y", "z"] {
    %w = aac.use @w : tensor<4x4xf32>
    %q = aac.linear %x, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    %s = aac.scores %q, %q heads 2 scale 0.125 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    // expected-remark @+1 {{scale 3.000000e+00 is no power of two and the query is not the result of a linear of its own: not folded}}
    %t = aac.scores %q, %q heads 2 scale 3.0 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    aac.return %s, %t : tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>
  }
}

// -----

// A scale that differs from a power of two by rounding, as sqrt(sqrt(1/64)) squared does, is that power.
// CHECK: aac.param @w : tensor<4x4xf32> = dense<2.000000e+00>
// CHECK-NOT: aac.param
// CHECK-LABEL: aac.task @rounded
// CHECK: scale 1.250000e-01
aac.suite {
  aac.param @w : tensor<4x4xf32> = dense<2.0> : tensor<4x4xf32>
  aac.task @rounded(%x: tensor<1x3x4xf32>) inputs ["x"] outputs [] {
    %w = aac.use @w : tensor<4x4xf32>
    %q = aac.linear %x, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    %s = aac.scores %q, %x heads 2 scale 0.124999993 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
  }
}

// -----

// The scale of a linear goes into its weight and bias; so does what the scores leave, in every
// linear of a sum that is the query (LoRA).
// CHECK: aac.param @w : tensor<4x4xf32> = dense<1.500000e+00>
// CHECK: aac.param @b : tensor<4xf32> = dense<3.000000e+00>
// CHECK: aac.param @up : tensor<4x2xf32> = dense<3.000000e+00>
// CHECK-LABEL: aac.task @lora
// CHECK-NOT: scale = 2
// CHECK: aac.scores %{{.*}}, %{{.*}} heads 2 scale 1.000000e+00
aac.suite {
  aac.param @w : tensor<4x4xf32> = dense<2.0> : tensor<4x4xf32>
  aac.param @b : tensor<4xf32> = dense<4.0> : tensor<4xf32>
  aac.param @down : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @up : tensor<4x2xf32> = dense<2.0> : tensor<4x2xf32>
  aac.param @k : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.task @lora(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %d = aac.use @down : tensor<2x4xf32>
    %u = aac.use @up : tensor<4x2xf32>
    %kw = aac.use @k : tensor<4x4xf32>
    %0 = aac.linear %x, %w, %b : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    %1 = aac.linear %x, %d : (tensor<1x3x4xf32>, tensor<2x4xf32>) -> tensor<1x3x2xf32>
    %2 = aac.linear %1, %u {scale = 2.0 : f32} : (tensor<1x3x2xf32>, tensor<4x2xf32>) -> tensor<1x3x4xf32>
    %q = aac.add %0, %2 : tensor<1x3x4xf32>
    %k = aac.linear %x, %kw : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    %s = aac.scores %q, %k heads 2 scale 0.75 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    aac.return %s : tensor<1x2x3x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %w: tensor<4x4xf32>) inputs ["x", "w"] outputs ["y"] {
    // expected-error @+1 {{is scaled, but its weight or bias is no parameter that could be}}
    %0 = aac.linear %x, %w {scale = 2.0 : f32} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    aac.return %0 : tensor<1x3x4xf32>
  }
}
