// Two tasks share a gamma and a weight: one format of each for both, from the union of what the
// tasks do with it. Task @large adds values of 60 to the layer norm, so the shared class has a scale with
// which 120 fits; @small's own values keep small biases in it.
// RUN: aac-opt %s --aac-calibrate --aac-quantise --aac-verify-quantised | FileCheck %s

// CHECK: aac.param @gamma {{.*}}format = #aac.af<8, 3, bias = [[G:[0-9]]], scale = [[S:-?[0-9]+]]>
// CHECK: aac.param @w {{.*}}format = #[[W:aac.af<8, 3, bias = 7, scale = -?[0-9]+>]]
// CHECK-NOT: aac.param @w{{[_ ]}}
// CHECK: aac.task @large
// CHECK: aac.add {{.*}}format = #aac.af<8, 3, bias = 7, scale = [[S]]>
// CHECK: aac.task @small
// CHECK: aac.embedding {{.*}}format = #aac.af<8, 3, bias = {{[0-2]}}, scale = [[S]]>
// CHECK: aac.add {{.*}}format = #aac.af<8, 3, bias = {{[0-4]}}, scale = [[S]]>
aac.suite {
  aac.param @gamma : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.param @beta : tensor<4xf32> = dense<0.0> : tensor<4xf32>
  aac.param @w : tensor<4x4xf32> = dense<[[1.0, -2.0, 0.5, 0.25], [0.1, 0.2, 0.3, 0.4], [1.0, 1.5, -0.5, 0.75], [0.0, 0.0, 1.0, 0.0]]> : tensor<4x4xf32>
  aac.param @table_large : tensor<2x4xf32> = dense<[[60.0, -60.0, 1.0, 2.0], [0.5, 60.0, 2.0, 1.0]]> : tensor<2x4xf32>
  aac.param @table_small : tensor<2x4xf32> = dense<[[0.5, -0.5, 0.25, 0.125], [0.5, 0.25, 0.5, 0.125]]> : tensor<2x4xf32>
  aac.task @large(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table_large : tensor<2x4xf32>
    %g = aac.use @gamma : tensor<4xf32>
    %b = aac.use @beta : tensor<4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x16xi64>, tensor<2x4xf32>) -> tensor<1x16x4xf32>
    %n = aac.layer_norm %e, %g, %b epsilon 1.0e-12 : (tensor<1x16x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x16x4xf32>
    %a = aac.add %e, %n : tensor<1x16x4xf32>
    %y = aac.linear %a, %w : (tensor<1x16x4xf32>, tensor<4x4xf32>) -> tensor<1x16x4xf32>
    aac.return %y : tensor<1x16x4xf32>
  }
  aac.task @small(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table_small : tensor<2x4xf32>
    %g = aac.use @gamma : tensor<4xf32>
    %b = aac.use @beta : tensor<4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x16xi64>, tensor<2x4xf32>) -> tensor<1x16x4xf32>
    %n = aac.layer_norm %e, %g, %b epsilon 1.0e-12 : (tensor<1x16x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x16x4xf32>
    %a = aac.add %e, %n : tensor<1x16x4xf32>
    %y = aac.linear %a, %w : (tensor<1x16x4xf32>, tensor<4x4xf32>) -> tensor<1x16x4xf32>
    aac.return %y : tensor<1x16x4xf32>
  }
}
