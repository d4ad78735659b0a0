// RUN: aac-opt %s --aac-quantise=format=int8 --aac-verify-quantised | FileCheck %s --check-prefix=PLAIN
// RUN: aac-opt %s --aac-quantise=format=int8:asymmetric --aac-verify-quantised | FileCheck %s --check-prefix=ASYM
// RUN: aac-opt %s --aac-quantise=format=int8:channel --aac-verify-quantised | FileCheck %s --check-prefix=CHANNEL
// RUN: aac-opt %s --aac-quantise=format=int8:asymmetric:channel --aac-verify-quantised | FileCheck %s --check-prefix=BOTH
// RUN: aac-opt %s "--aac-quantise=formats=w=int8:channel,gamma=int8,b=int8,relu=int8" --aac-verify-quantised | FileCheck %s --check-prefix=NAMED
// RUN: aac-opt %s "--aac-quantise=format=int8 formats=w=af12e3" --aac-verify-quantised | FileCheck %s --check-prefix=MIXED
// RUN: aac-opt %s --aac-calibrate=ranges | FileCheck %s --check-prefix=RANGE
// RUN: aac-opt %s --aac-calibrate | FileCheck %s --check-prefix=NORANGE
// RUN: not aac-opt %s --aac-quantise=format=int8:row 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not aac-opt %s --aac-quantise=format=int8:channel:channel 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not aac-opt %s --aac-quantise=formats=w=int4 2>&1 | FileCheck %s --check-prefix=CHOICE
// RUN: not aac-opt %s "--aac-share=merge=quantised format=int8" 2>&1 | FileCheck %s --check-prefix=MERGE
// RUN: aac-opt %s --aac-quantise=format=int8:channel -o %t.mlir
// RUN: not aac-opt %t.mlir --aac-encode=machine=edgebert 2>&1 | FileCheck %s --check-prefix=ENGINE

// A result's scale is 127th of its largest magnitude, a table's, weight's, gamma's and beta's of its
// own; the bias stays f32. A linear whose relu counts has the relu's format.
// PLAIN: aac.param @table : tensor<2x4xf32> = dense<{{\[\[}}32, -16, 8, 64], [127, 0, 0, 3]]> : tensor<2x4xi8> {format = #aac.int8<0.0314960629>}
// PLAIN: aac.param @w : tensor<2x4xf32> = dense<{{\[\[}}127, -64, 0, 32], [1, 0, 0, 0]]> : tensor<2x4xi8> {format = #aac.int8<0.0157480314>}
// PLAIN: aac.param @b : tensor<2xf32> = dense<5.000000e-01> : tensor<2xf32>
// PLAIN: aac.param @gamma : tensor<2xf32> = dense<[127, -42]> : tensor<2xi8> {format = #aac.int8<0.0236220472>}
// PLAIN: aac.embedding {{.*}}format = #aac.int8<0.0314960629>
// PLAIN: aac.linear {{.*}}format = #aac.int8<0.0433070883>
// PLAIN: aac.activation relu {{.*}}format = #aac.int8<0.0433070883>
// PLAIN: aac.layer_norm {{.*}}format = #aac.int8<0.031496

// What cannot be negative, or was not seen to be, has no codes below zero.
// ASYM: aac.param @table : {{.*}} = dense<{{\[\[}}-43, -128, -86, 13], [127, -100, -100, -94]]> {{.*}}#aac.int8<0.0176470596, zero = -100>
// ASYM: aac.embedding {{.*}}format = #aac.int8<0.0196078438, zero = -77>
// ASYM: aac.linear {{.*}}format = #aac.int8<0.021568628, zero = -128>
// ASYM: aac.activation relu {{.*}}format = #aac.int8<0.021568628, zero = -128>
// ASYM: aac.layer_norm {{.*}}format = #aac.int8<0.0313725509, zero = -1>

// Rows of matrices have channels; vectors and results do not.
// CHANNEL: aac.param @table : {{.*}}format = #aac.int8<[0.0157480314, 0.0314960629], axis = 0>
// CHANNEL: aac.param @w : {{.*}} = dense<{{\[\[}}127, -64, 0, 32], [127, 0, 0, 0]]> {{.*}}format = #aac.int8<[0.0157480314, 7.87401586E-5], axis = 0>
// CHANNEL: aac.param @gamma : {{.*}}format = #aac.int8<0.0236220472>
// CHANNEL: aac.embedding {{.*}}format = #aac.int8<0.0314960629>
// BOTH: aac.param @table : {{.*}}format = #aac.int8<[0.00980392192, 0.0156862754], zero = [-77, -128], axis = 0>

// NAMED: aac.param @table : {{.*}}format = #aac.af<8, 3,
// NAMED: aac.param @w : {{.*}}format = #aac.int8<[{{.*}}], axis = 0>
// NAMED: aac.param @b : tensor<2xf32> = dense<127> : tensor<2xi8> {format = #aac.int8<0.00393700786>}
// NAMED: aac.param @gamma : {{.*}}format = #aac.int8<
// NAMED: aac.param @beta : {{.*}}format = #aac.af<8, 3,
// NAMED: aac.embedding {{.*}}format = #aac.af<8, 3,
// NAMED: aac.linear {{.*}}format = #aac.int8<0.0433070883>
// NAMED: aac.activation relu {{.*}}format = #aac.int8<0.0433070883>
// NAMED: aac.layer_norm {{.*}}format = #aac.af<8, 3,
// MIXED: aac.param @table : {{.*}}format = #aac.int8<
// MIXED: aac.param @w : {{.*}}format = #aac.af<12, 3,

// RANGE: aac.embedding {{.*}}aac.range = array<f64: -{{.*}}, {{.*}}>
// NORANGE-NOT: aac.range

// NAME: error: there is no format 'int8:{{.*}}': write af<bits>e<exponent bits>, 4 to 16 bits, such as af8e3, or int8, int8:asymmetric, int8:channel, int8:channel:asymmetric
// CHOICE: error: formats 'w=int4' must be PATTERN=FORMAT, such as layer_0_*=af12e3 or *_weight=int8:channel
// MERGE: error: cannot compare codes of format 'int8'
// ENGINE: error: machine 'edgebert' has no int8, the format (int8:channel) of 'table' (aac.param): use af8e3

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<[[1.0, -0.5, 0.25, 2.0], [4.0, 0.0, 0.0, 0.1]]> : tensor<2x4xf32>
  aac.param @w : tensor<2x4xf32> = dense<[[2.0, -1.0, 0.0, 0.5], [0.01, 0.0, 0.0, 0.0]]> : tensor<2x4xf32>
  aac.param @b : tensor<2xf32> = dense<0.5> : tensor<2xf32>
  aac.param @gamma : tensor<2xf32> = dense<[3.0, -1.0]> : tensor<2xf32>
  aac.param @beta : tensor<2xf32> = dense<0.0> : tensor<2xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<2x4xf32>
    %b = aac.use @b : tensor<2xf32>
    %g = aac.use @gamma : tensor<2xf32>
    %z = aac.use @beta : tensor<2xf32>
    %e = aac.embedding ids(%ids) tables(%t) {aac.range = array<f64: -1.0, 4.0>, aac.clip = 4.0, absmax = 4.0} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.linear %e, %w, %b {aac.clip = 9.0, absmax = 9.0} : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
    %r = aac.activation relu %y {aac.clip = 5.5, absmax = 5.5} : tensor<1x3x2xf32> loc("relu")
    %n = aac.layer_norm %r, %g, %z epsilon 1.0e-5 {aac.clip = 4.0, absmax = 4.0} : (tensor<1x3x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
    aac.return %n : tensor<1x3x2xf32>
  }
}
