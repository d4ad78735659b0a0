// RUN: aac-opt %s --split-input-file --aac-prune=sparsity=all:0.25,encoder:0.5,ffn:0.6,adapter:0 | FileCheck %s
// RUN: aac-opt %s --split-input-file --aac-prune | FileCheck %s --check-prefix=NONE

// floor(0.6 * 4) = 2 of @ffn; ties of @attention go by position; zeros that are there count
// in @classifier; nothing of @adapter, but its zeros are counted; one-dimensional @bias stays.
// CHECK: @ffn : tensor<2x2xf32> = dense<{{\[\[}}0.000000e+00, -4.000000e+00], [3.000000e+00, 0.000000e+00]]>
// CHECK-SAME: sparsity = 5.000000e-01 : f64
// CHECK: @attention : tensor<2x2xf32> = dense<{{\[\[}}2.000000e+00, 0.000000e+00], [0.000000e+00, 1.000000e+00]]>
// CHECK: @classifier : tensor<2x4xf32> = dense<{{\[\[}}1.000000e+00, 0.000000e+00, 2.000000e+00, 3.000000e+00], [4.000000e+00, 5.000000e+00, 0.000000e+00, 6.000000e+00]]>
// CHECK-SAME: sparsity = 2.500000e-01
// CHECK: @adapter : tensor<1x2xf32> = dense<{{\[\[}}0.000000e+00, 1.000000e+00]]>
// CHECK-SAME: sparsity = 5.000000e-01
// CHECK: @bias : tensor<4xf32> = dense<1.000000e+00> : tensor<4xf32> {role = #aac.role<ffn>}
// CHECK: @stored : tensor<2x2xf32> = dense_resource<h{{[0-9a-f]+}}>
// CHECK: builtin: {
// CHECK-NEXT: h{{[0-9a-f]+}}: "0x0400000000000000000000400000404000000000"

// NONE-NOT: sparsity
aac.suite {
  aac.param @ffn : tensor<2x2xf32> = dense<[[1.0, -4.0], [3.0, -2.0]]> : tensor<2x2xf32> {role = #aac.role<ffn>}
  aac.param @attention : tensor<2x2xf32> = dense<[[2.0, 1.0], [-1.0, 1.0]]> : tensor<2x2xf32> {role = #aac.role<attention>}
  aac.param @classifier : tensor<2x4xf32> = dense<[[1.0, 0.0, 2.0, 3.0], [4.0, 5.0, 0.0, 6.0]]> : tensor<2x4xf32> {role = #aac.role<classifier>}
  aac.param @adapter : tensor<1x2xf32> = dense<[[0.0, 1.0]]> : tensor<1x2xf32> {role = #aac.role<adapter>}
  aac.param @bias : tensor<4xf32> = dense<1.0> : tensor<4xf32> {role = #aac.role<ffn>}
  aac.param @stored : tensor<2x2xf32> = dense_resource<stored> : tensor<2x2xf32> {role = #aac.role<ffn>}
}
{-# dialect_resources: { builtin: { stored: "0x040000000000803F00000040000040400000003F" } } #-}
