// RUN: aac-opt %s -split-input-file --aac-hoist-qdq --aac-fold-onnx | FileCheck %s

// In front of what moves elements, as far as what computes them; a pair of a pair is one.
// CHECK-LABEL: onnx.graph @movers
// CHECK: %[[R:.*]] = onnx.Relu
// CHECK: %[[Q:.*]] = onnx.QuantizeLinear %[[R]], %{{.*}}, %{{.*}} : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
// CHECK: %[[D:.*]] = onnx.DequantizeLinear %[[Q]]
// CHECK: %[[S:.*]] = onnx.Reshape %[[D]]
// CHECK: %[[T:.*]] = onnx.Transpose %[[S]]
// CHECK: onnx.return %[[T]]
onnx.graph @movers(%x: tensor<2x6xf32>) inputs ["x"] outputs ["y"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %shape = onnx.Constant dense<[2, 3, 2]> : tensor<3xi64>
  %r = onnx.Relu %x : (tensor<2x6xf32>) -> tensor<2x6xf32>
  %q0 = onnx.QuantizeLinear %r, %s, %z : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
  %d0 = onnx.DequantizeLinear %q0, %s, %z : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  %m = onnx.Reshape %d0, %shape : (tensor<2x6xf32>, tensor<3xi64>) -> tensor<2x3x2xf32>
  %t = onnx.Transpose %m {perm = array<i64: 0, 2, 1>} : (tensor<2x3x2xf32>) -> tensor<2x2x3xf32>
  %q1 = onnx.QuantizeLinear %t, %s, %z : (tensor<2x2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x2x3xi8>
  %d1 = onnx.DequantizeLinear %q1, %s, %z : (tensor<2x2x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2x3xf32>
  onnx.return %d1 : tensor<2x2x3xf32>
}

// -----

// With other constants it stays a pair of its own.
// CHECK-LABEL: onnx.graph @others
// CHECK-COUNT-2: onnx.DequantizeLinear
onnx.graph @others(%x: tensor<2x6xf32>) inputs ["x"] outputs ["y"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %o = onnx.Constant dense<4> : tensor<i8>
  %q0 = onnx.QuantizeLinear %x, %s, %z : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
  %d0 = onnx.DequantizeLinear %q0, %s, %z : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  %q1 = onnx.QuantizeLinear %d0, %s, %o : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
  %d1 = onnx.DequantizeLinear %q1, %s, %o : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  onnx.return %d1 : tensor<2x6xf32>
}

// -----

// Behind a product with a power of two, with the scale times that; not with another factor.
// CHECK-LABEL: onnx.graph @factors
// CHECK-DAG: %[[S:.*]] = onnx.Constant dense<6.250000e-02> : tensor<f32>
// CHECK: %[[P:.*]] = onnx.Div %arg0
// CHECK: onnx.QuantizeLinear %[[P]], %[[S]]
// CHECK: onnx.DequantizeLinear %{{.*}}, %[[S]]
// CHECK: onnx.QuantizeLinear %arg1
// CHECK: %[[D:.*]] = onnx.DequantizeLinear
// CHECK: onnx.Mul %[[D]]
onnx.graph @factors(%x: tensor<2x6xf32>, %y: tensor<2x6xf32>) inputs ["x", "y"] outputs ["a", "b"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %eight = onnx.Constant dense<8.0> : tensor<f32>
  %three = onnx.Constant dense<3.0> : tensor<f32>
  %q0 = onnx.QuantizeLinear %x, %s, %z : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
  %d0 = onnx.DequantizeLinear %q0, %s, %z : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  %a = onnx.Div %d0, %eight : (tensor<2x6xf32>, tensor<f32>) -> tensor<2x6xf32>
  %q1 = onnx.QuantizeLinear %y, %s, %z : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
  %d1 = onnx.DequantizeLinear %q1, %s, %z : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  %b = onnx.Mul %d1, %three : (tensor<2x6xf32>, tensor<f32>) -> tensor<2x6xf32>
  onnx.return %a, %b : tensor<2x6xf32>, tensor<2x6xf32>
}

// -----

// An attention's context is merged first.
// CHECK-LABEL: onnx.graph @context
// CHECK: %[[M:.*]] = onnx.MatMul
// CHECK: %[[T:.*]] = onnx.Transpose %[[M]]
// CHECK: %[[R:.*]] = onnx.Reshape %[[T]]
// CHECK: %[[Q:.*]] = onnx.QuantizeLinear %[[R]]
// CHECK: %[[D:.*]] = onnx.DequantizeLinear %[[Q]]
// CHECK: onnx.return %[[D]]
onnx.graph @context(%p: tensor<1x2x3x3xf32>, %v: tensor<1x2x3x2xf32>) inputs ["p", "v"] outputs ["y"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %shape = onnx.Constant dense<[1, 3, 4]> : tensor<3xi64>
  %m = onnx.MatMul %p, %v : (tensor<1x2x3x3xf32>, tensor<1x2x3x2xf32>) -> tensor<1x2x3x2xf32>
  %q = onnx.QuantizeLinear %m, %s, %z : (tensor<1x2x3x2xf32>, tensor<f32>, tensor<i8>) -> tensor<1x2x3x2xi8>
  %d = onnx.DequantizeLinear %q, %s, %z : (tensor<1x2x3x2xi8>, tensor<f32>, tensor<i8>) -> tensor<1x2x3x2xf32>
  %t = onnx.Transpose %d {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x3x2xf32>) -> tensor<1x3x2x2xf32>
  %y = onnx.Reshape %t, %shape : (tensor<1x3x2x2xf32>, tensor<3xi64>) -> tensor<1x3x4xf32>
  onnx.return %y : tensor<1x3x4xf32>
}
