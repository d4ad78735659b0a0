// Ranges of results in int8, and which format a choice gives what must agree.
// RUN: aac-opt %s --split-input-file --aac-quantise=format=int8:asymmetric | FileCheck %s
// RUN: aac-opt %s --split-input-file "--aac-quantise=format=int8:asymmetric formats=w0=af12e3,w1=af10e3" | FileCheck %s --check-prefix=WIDEST
// RUN: aac-opt %s --split-input-file "--aac-quantise=format=int8:asymmetric formats=w1=int8,w0=af12e3" | FileCheck %s --check-prefix=LAST
// RUN: aac-opt %s --split-input-file "--aac-quantise=formats=w0=int8,w0=af12e3" | FileCheck %s --check-prefix=LAST

// A range is as wide as its largest magnitude may get: -2 to 4, where -1 to 2 was seen. Softmax and sigmoid have no
// codes below zero, and probabilities end at 1.
// CHECK-LABEL: aac.task @ranges
// CHECK: aac.embedding {{.*}}format = #aac.int8<0.0235294122, zero = -43>
// CHECK: aac.activation sigmoid {{.*}}zero = -128>
// CHECK: aac.activation relu {{.*}}zero = -128>
// CHECK: aac.softmax {{.*}}format = #aac.int8<0.00392156886, zero = -128>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<100.0> : tensor<2x4xf32>
  aac.task @ranges(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["x", "y", "z"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) {aac.range = array<f64: -1.0, 2.0>, aac.clip = 4.0, absmax = 4.0} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %x = aac.activation sigmoid %e {aac.clip = 0.75, absmax = 0.75} : tensor<1x3x4xf32>
    %y = aac.activation relu %e {aac.range = array<f64: -1.0, 4.0>, aac.clip = 4.0, absmax = 4.0} : tensor<1x3x4xf32>
    %s = aac.scores %e, %e heads 2 scale 1.0 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    %p = aac.softmax %s {aac.clip = 1.5, absmax = 1.5} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    aac.return %x, %y, %p : tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x2x3x3xf32>
  }
}

// -----

// What a loop is given and gives has one format, of the largest of the ranges. The weights of its repetitions have one
// too: the most bits of those chosen, or what the last choice says.
// WIDEST: aac.param @w0 : {{.*}}format = #aac.af<12, 3,
// WIDEST: aac.param @w1 : {{.*}}format = #aac.af<12, 3,
// LAST: aac.param @w0 : {{.*}}format = #aac.af<12, 3,
// CHECK-LABEL: aac.task @loop
// CHECK: aac.embedding {{.*}}format = #aac.int8<0.0313725509, zero = -1>
// CHECK: aac.linear {{.*}}format = #aac.int8<0.0313725509, zero = -1>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<100.0> : tensor<2x4xf32>
  aac.param @w0 : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.param @w1 : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.task @loop(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) {aac.clip = 4.0, absmax = 4.0} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.loop 2 (%h = %e) : (tensor<1x3x4xf32>) {
      %w = aac.use_each [@w0, @w1] : tensor<4x4xf32>
      %a = aac.linear %h, %w {aac.clip = 1.0, absmax = 1.0} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
      aac.yield %a : tensor<1x3x4xf32>
    }
    aac.return %y : tensor<1x3x4xf32>
  }
}
