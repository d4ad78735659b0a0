// A layer norm's epsilon, which the engine does not have: left out where it moves no result by more
// than a quarter of a code's least step (epsilon up to 1/64 of the smallest variance), else refused.
// RUN: aac-opt %s -split-input-file -verify-diagnostics --pass-pipeline='builtin.module(aac-encode,aac-place,aac-tile,aac-lower-to-cmd)' | FileCheck %s

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @g : tensor<32xf32> = dense<0x30> : tensor<32xi8> {format = #f, role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.param @table : tensor<4x32xf32> = dense<0x30> : tensor<4x32xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  // CHECK-LABEL: cmd.program @run_a
  // expected-remark @+1 {{activations in}}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %g = aac.use @g : tensor<32xf32>
    %t = aac.use @table : tensor<4x32xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x32xf32>) -> tensor<1x16x32xf32>
    // Below the engine's guard of 2^-14: no word.
    // CHECK: cmd.layer_norm
    %a = aac.layer_norm %e, %g, %g epsilon 6.0e-5 {format = #f, min_variance = 1.0e-6 : f64} : (tensor<1x16x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<1x16x32xf32>
    // 1/64 of it.
    // CHECK: cmd.layer_norm
    // expected-remark @+1 {{its epsilon of 1.562500e-02 is left out: the row of the smallest variance seen, 1.000000e+00, comes out 7.812500e-01% larger}}
    %b = aac.layer_norm %a, %g, %g epsilon 0.015625 {format = #f, min_variance = 1.0 : f64} : (tensor<1x16x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<1x16x32xf32>
    aac.return %b : tensor<1x16x32xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @g : tensor<32xf32> = dense<0x30> : tensor<32xi8> {format = #f, role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.param @table : tensor<4x32xf32> = dense<0x30> : tensor<4x32xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  // expected-remark @+1 {{activations in}}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %g = aac.use @g : tensor<32xf32>
    %t = aac.use @table : tensor<4x32xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x32xf32>) -> tensor<1x16x32xf32>
    // expected-error @+1 {{its epsilon of 1.565000e-02 matters at the layer's scale (the engine's variance guard is 6.103516e-05, the smallest variance seen 1.000000e+00); the engine has no epsilon of its own: if real sentences vary more, calibrate with them}}
    %b = aac.layer_norm %e, %g, %g epsilon 0.01565 {format = #f, min_variance = 1.0 : f64} : (tensor<1x16x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<1x16x32xf32>
    aac.return %b : tensor<1x16x32xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @g : tensor<32xf32> = dense<0x30> : tensor<32xi8> {format = #f, role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.param @table : tensor<4x32xf32> = dense<0x30> : tensor<4x32xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  // expected-remark @+1 {{activations in}}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %g = aac.use @g : tensor<32xf32>
    %t = aac.use @table : tensor<4x32xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x32xf32>) -> tensor<1x16x32xf32>
    // expected-error @+1 {{its epsilon of 1.000000e-03 matters at the layer's scale (the engine's variance guard is 6.103516e-05, no variance was measured); the engine has no epsilon of its own: calibrate}}
    %b = aac.layer_norm %e, %g, %g epsilon 0.001 {format = #f} : (tensor<1x16x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<1x16x32xf32>
    aac.return %b : tensor<1x16x32xf32>
  }
}
