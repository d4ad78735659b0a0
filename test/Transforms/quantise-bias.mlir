// A bias of 60 with weights of 0.2 and inputs of 1: sixteen lanes of 0.242 times 1 reach 3.9, so that four
// octaves are missing, two of the weight and two of the input. A bias of 3 fits as it is.
// RUN: aac-opt %s --aac-quantise --aac-verify-quantised 2>&1 | FileCheck %s
// CHECK: remark: a bias of 6.000000e+01 is more than 16 lanes hold: weight and input give up 4 octaves of their smallest values
// CHECK-NOT: remark:
// CHECK: aac.param @w {{.*}}format = #aac.af<8, 3, bias = 7, scale = -5>
// CHECK: aac.param @fits {{.*}}format = #aac.af<8, 3, bias = 7, scale = -7>
// CHECK: aac.embedding {{.*}}format = #aac.af<8, 3, bias = 7, scale = -2>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<0.2> : tensor<4x4xf32>
  aac.param @fits : tensor<4x4xf32> = dense<0.2> : tensor<4x4xf32>
  aac.param @large : tensor<4xf32> = dense<[0.05, 60.0, -0.05, 0.1]> : tensor<4xf32>
  aac.param @few : tensor<4xf32> = dense<[0.05, 3.0, -0.05, 0.1]> : tensor<4xf32>
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y", "z"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %v = aac.use @fits : tensor<4x4xf32>
    %large = aac.use @large : tensor<4xf32>
    %few = aac.use @few : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x16xi64>, tensor<2x4xf32>) -> tensor<1x16x4xf32>
    %y = aac.linear %e, %w, %large : (tensor<1x16x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x16x4xf32>
    %z = aac.linear %e, %v, %few : (tensor<1x16x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x16x4xf32>
    aac.return %y, %z : tensor<1x16x4xf32>, tensor<1x16x4xf32>
  }
}
