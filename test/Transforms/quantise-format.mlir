// RUN: not aac-opt %s --aac-quantise=format=int4 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: aac-opt %s --aac-quantise=format=af12e4 | FileCheck %s
// RUN: not aac-opt %s --aac-calibrate=samples=other=x.npz 2>&1 | FileCheck %s --check-prefix=TASK
// RUN: not aac-opt %s --aac-calibrate=samples=t 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not aac-opt %s --aac-calibrate=samples=t=does-not-exist.npz 2>&1 | FileCheck %s --check-prefix=FILE

// NAME: error: there is no format 'int4': write af<bits>e<exponent bits>, 4 to 16 bits, such as af8e3, or int8
// CHECK: aac.param @table : tensor<2x4xf32> = dense<{{-?[0-9]+}}> : tensor<2x4xi16> {format = #aac.af<12, 4,
// CHECK: aac.embedding {{.*}}format = #aac.af<12, 4,
// TASK: error: samples for 'other': there is no such task
// FORM: error: samples 't' must be task=path.npz or none
// FILE: error: samples of task @t: {{.*}}does-not-exist.npz
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    aac.return %e : tensor<1x3x4xf32>
  }
}
