// RUN: aac-opt %s | aac-opt | FileCheck %s
// RUN: aac-opt %s --emit-bytecode | aac-opt | FileCheck %s

// CHECK-LABEL: onnx.graph @all(%arg0: tensor<1x4xf32>, %arg1: tensor<1x4xi64>)
// CHECK-SAME: inputs ["x", "ids"] outputs ["y"] attributes {opset = 13 : i64}
onnx.graph @all(%x: tensor<1x4xf32>, %ids: tensor<1x4xi64>) inputs ["x", "ids"] outputs ["y"]
    attributes {opset = 13 : i64} {
  // CHECK: %[[N:.*]] = onnx.None
  %none = onnx.None
  // CHECK: onnx.Initializer "fc.weight" dense<5.000000e-01> : tensor<4x4xf32>
  %w = onnx.Initializer "fc.weight" dense<0.5> : tensor<4x4xf32>
  // CHECK: onnx.Gemm %arg0, %{{.*}}, %[[N]] {transB = 1 : i64} : (tensor<1x4xf32>, tensor<4x4xf32>, none) -> tensor<1x4xf32>
  %g = onnx.Gemm %x, %w, %none {transB = 1 : i64} : (tensor<1x4xf32>, tensor<4x4xf32>, none) -> tensor<1x4xf32>
  // CHECK: onnx.ReduceMean %{{.*}} {axes = array<i64: -1>}
  %m = onnx.ReduceMean %g {axes = array<i64: -1>} : (tensor<1x4xf32>) -> tensor<1x1xf32>
  // CHECK: onnx.Split
  %p:2 = onnx.Split %g {axis = 1 : i64} : (tensor<1x4xf32>) -> (tensor<1x1xf32>, tensor<1x3xf32>)
  // CHECK: onnx.Unsupported "NonZero" domain ""(%{{.*}}) : (tensor<1x1xf32>) -> tensor<*xf32>
  %u = onnx.Unsupported "NonZero" domain "" (%m) : (tensor<1x1xf32>) -> tensor<*xf32>
  // CHECK: onnx.return %{{.*}} : tensor<1x4xf32>
  onnx.return %g : tensor<1x4xf32>
}
