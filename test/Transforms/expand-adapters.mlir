// RUN: aac-opt %s --aac-expand-adapters | FileCheck %s

// A scale goes into the up projection; the task without one keeps the original, the other
// gets a copy.
// CHECK: aac.param @up : tensor<4x2xf32> = dense<1.000000e+00>
// CHECK-NEXT: aac.param @up_0 : tensor<4x2xf32> = dense<5.000000e-01> {{.*}}aac.fork = "scaled"
// CHECK: aac.param @up_bias : tensor<4xf32> = dense<2.000000e+00>
// CHECK-NEXT: aac.param @up_bias_1 : tensor<4xf32> = dense<1.000000e+00> {{.*}}aac.fork = "scaled"
// CHECK-LABEL: aac.task @plain
// CHECK: %[[U:.*]] = aac.use @up :
// CHECK: %[[D:.*]] = aac.linear %arg0, %{{.*}}, %{{.*}} -> tensor<1x3x2xf32>
// CHECK: %[[R:.*]] = aac.activation {{ ?}}relu %[[D]] : tensor<1x3x2xf32>
// CHECK: %[[P:.*]] = aac.linear %[[R]], %[[U]], %{{.*}} -> tensor<1x3x4xf32>
// CHECK: %[[S:.*]] = aac.add %arg0, %[[P]] : tensor<1x3x4xf32>
// CHECK: aac.return %[[S]]
// CHECK-LABEL: aac.task @scaled
// CHECK-DAG: %[[U:.*]] = aac.use @up_0 :
// CHECK-DAG: %[[UB:.*]] = aac.use @up_bias_1 :
// CHECK: aac.linear %{{.*}}, %[[U]], %[[UB]]
// CHECK-NOT: aac.adapter
aac.suite {
  aac.param @down : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32> {role = #aac.role<adapter>}
  aac.param @down_bias : tensor<2xf32> = dense<0.0> : tensor<2xf32> {role = #aac.role<adapter>}
  aac.param @up : tensor<4x2xf32> = dense<1.0> : tensor<4x2xf32> {role = #aac.role<adapter>}
  aac.param @up_bias : tensor<4xf32> = dense<2.0> : tensor<4xf32> {role = #aac.role<adapter>}
  aac.task @plain(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
    %d = aac.use @down : tensor<2x4xf32>
    %db = aac.use @down_bias : tensor<2xf32>
    %u = aac.use @up : tensor<4x2xf32>
    %ub = aac.use @up_bias : tensor<4xf32>
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
  aac.task @scaled(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
    %d = aac.use @down : tensor<2x4xf32>
    %db = aac.use @down_bias : tensor<2xf32>
    %u = aac.use @up : tensor<4x2xf32>
    %ub = aac.use @up_bias : tensor<4xf32>
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) {scale = 0.5 : f32} : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}
