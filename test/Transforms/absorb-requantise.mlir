// RUN: aac-opt %s -split-input-file -verify-diagnostics --aac-absorb-requantise | FileCheck %s
// RUN: aac-opt %s -split-input-file -verify-diagnostics --aac-absorb-requantise --aac-quantise=format=int8:channel --aac-verify-quantised | FileCheck %s --check-prefix=INT8

// What is always rounded to one format says so; what is also read as it is, or rounded in two ways, does not. The
// bias behind a rounded product is the product's.
// CHECK-LABEL: aac.suite
// CHECK-NOT: aac.requantise
// CHECK: %[[E:.*]] = aac.embedding {{.*}}aac.quantised = #aac.int8<5.000000e-01, zero = 3>
// CHECK: %[[Y:.*]] = aac.linear %[[E]], %{{.*}}, %{{.*}} : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>)
// CHECK-NOT: aac.use @b
// CHECK: %[[R:.*]] = aac.activation relu %[[Y]] : tensor<1x3x4xf32>
// CHECK: aac.add %[[R]], %[[R]]
// The file's format holds where there is one, also for the weight whose values it still has.
// INT8: aac.param @w : {{.*}}format = #aac.int8<5.000000e-01>
// INT8: aac.param @pruned : {{.*}}format = #aac.int8<[{{.*}}], axis = 0>
// INT8: aac.embedding {{.*}}format = #aac.int8<5.000000e-01, zero = 3>
// INT8: aac.linear {{.*}}format = #aac.int8<{{[^,]*}}>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1.5> : tensor<4x4xf32> {quantised = #aac.int8<0.5>}
  aac.param @pruned : tensor<4x4xf32> = dense<1.3> : tensor<4x4xf32> {quantised = #aac.int8<0.5>}
  aac.param @b : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y", "z"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %0 = aac.requantise %e to <0.5, zero = 3> : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
    %1 = aac.linear %0, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %2 = aac.requantise %1, %b to <0.25> : (tensor<1x3x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    %3 = aac.activation relu %2 : tensor<1x3x4xf32>
    %4 = aac.requantise %3 to <0.25> : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
    %5 = aac.requantise %3 to <0.5> : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
    %6 = aac.add %4, %5 : tensor<1x3x4xf32>
    %p = aac.use @pruned : tensor<4x4xf32>
    %7 = aac.linear %6, %p : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    aac.return %6, %7 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  }
}
