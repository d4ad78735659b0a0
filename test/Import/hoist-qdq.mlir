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

// -----

// What is no pair with one scale stays where it is: other constants behind than in front, a scale per channel.
// CHECK-LABEL: onnx.graph @no_pairs
// CHECK: %[[A:.*]] = onnx.Transpose %arg0
// CHECK: onnx.QuantizeLinear %[[A]]
// CHECK: onnx.QuantizeLinear %[[A]]
// CHECK: onnx.QuantizeLinear %[[A]]
onnx.graph @no_pairs(%x: tensor<2x2xf32>) inputs ["x"] outputs ["a", "b", "c"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %s1 = onnx.Constant dense<0.25> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %z1 = onnx.Constant dense<4> : tensor<i8>
  %channels = onnx.Constant dense<[0.5, 0.25]> : tensor<2xf32>
  %zeros = onnx.Constant dense<0> : tensor<2xi8>
  %t = onnx.Transpose %x {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %q0 = onnx.QuantizeLinear %t, %s, %z : (tensor<2x2xf32>, tensor<f32>, tensor<i8>) -> tensor<2x2xi8>
  %d0 = onnx.DequantizeLinear %q0, %s1, %z : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %q1 = onnx.QuantizeLinear %t, %s, %z : (tensor<2x2xf32>, tensor<f32>, tensor<i8>) -> tensor<2x2xi8>
  %d1 = onnx.DequantizeLinear %q1, %s, %z1 : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %q2 = onnx.QuantizeLinear %t, %channels, %zeros : (tensor<2x2xf32>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x2xi8>
  %d2 = onnx.DequantizeLinear %q2, %channels, %zeros : (tensor<2x2xi8>, tensor<2xf32>, tensor<2xi8>) -> tensor<2x2xf32>
  onnx.return %d0, %d1, %d2 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// A pair of a pair with another scale does something.
// CHECK-LABEL: onnx.graph @scales
// CHECK-COUNT-2: onnx.DequantizeLinear
onnx.graph @scales(%x: tensor<2x6xf32>) inputs ["x"] outputs ["y"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %o = onnx.Constant dense<0.75> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %q0 = onnx.QuantizeLinear %x, %s, %z : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
  %d0 = onnx.DequantizeLinear %q0, %s, %z : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  %q1 = onnx.QuantizeLinear %d0, %o, %z : (tensor<2x6xf32>, tensor<f32>, tensor<i8>) -> tensor<2x6xi8>
  %d1 = onnx.DequantizeLinear %q1, %o, %z : (tensor<2x6xi8>, tensor<f32>, tensor<i8>) -> tensor<2x6xf32>
  onnx.return %d1 : tensor<2x6xf32>
}

// -----

// A pair stays in front of a product where it is the divisor, where others read it too, and where its scale would
// be too small for a normal number.
// CHECK-LABEL: onnx.graph @stays
// CHECK: %[[A:.*]] = onnx.DequantizeLinear
// CHECK: %[[X:.*]] = onnx.Div %{{.*}}, %[[A]]
// CHECK: %[[B:.*]] = onnx.DequantizeLinear
// CHECK: %[[Y:.*]] = onnx.Div %[[B]]
// CHECK: %[[C:.*]] = onnx.DequantizeLinear
// CHECK: %[[Z:.*]] = onnx.Div %[[C]]
// CHECK: onnx.return %[[X]], %[[Y]], %[[B]], %[[Z]]
onnx.graph @stays(%x: tensor<6xf32>, %y: tensor<6xf32>, %w: tensor<6xf32>) inputs ["x", "y", "w"] outputs ["a", "b", "c", "d"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %tiny = onnx.Constant dense<2.0e-38> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %eight = onnx.Constant dense<8.0> : tensor<f32>
  %q0 = onnx.QuantizeLinear %x, %s, %z : (tensor<6xf32>, tensor<f32>, tensor<i8>) -> tensor<6xi8>
  %d0 = onnx.DequantizeLinear %q0, %s, %z : (tensor<6xi8>, tensor<f32>, tensor<i8>) -> tensor<6xf32>
  %a = onnx.Div %eight, %d0 : (tensor<f32>, tensor<6xf32>) -> tensor<6xf32>
  %q1 = onnx.QuantizeLinear %y, %s, %z : (tensor<6xf32>, tensor<f32>, tensor<i8>) -> tensor<6xi8>
  %d1 = onnx.DequantizeLinear %q1, %s, %z : (tensor<6xi8>, tensor<f32>, tensor<i8>) -> tensor<6xf32>
  %b = onnx.Div %d1, %eight : (tensor<6xf32>, tensor<f32>) -> tensor<6xf32>
  %q2 = onnx.QuantizeLinear %w, %tiny, %z : (tensor<6xf32>, tensor<f32>, tensor<i8>) -> tensor<6xi8>
  %d2 = onnx.DequantizeLinear %q2, %tiny, %z : (tensor<6xi8>, tensor<f32>, tensor<i8>) -> tensor<6xf32>
  %c = onnx.Div %d2, %eight : (tensor<6xf32>, tensor<f32>) -> tensor<6xf32>
  onnx.return %a, %b, %d1, %c : tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>
}

// -----

// A product with a weight is no attention's, its pair moves in front; a context that others read too keeps its own.
// CHECK-LABEL: onnx.graph @products
// CHECK: %[[A:.*]] = onnx.MatMul %arg0
// CHECK: onnx.QuantizeLinear %[[A]]
// CHECK: %[[B:.*]] = onnx.MatMul %arg0, %arg0
// CHECK: onnx.QuantizeLinear %[[B]]
// CHECK: %[[D:.*]] = onnx.DequantizeLinear
// CHECK: %[[Y:.*]] = onnx.Transpose %[[D]]
// CHECK: onnx.return %{{.*}}, %[[Y]], %[[D]]
onnx.graph @products(%x: tensor<2x2xf32>) inputs ["x"] outputs ["a", "b", "c"] {
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %m0 = onnx.MatMul %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %t0 = onnx.Transpose %m0 {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %q0 = onnx.QuantizeLinear %t0, %s, %z : (tensor<2x2xf32>, tensor<f32>, tensor<i8>) -> tensor<2x2xi8>
  %d0 = onnx.DequantizeLinear %q0, %s, %z : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %m1 = onnx.MatMul %x, %x : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %q1 = onnx.QuantizeLinear %m1, %s, %z : (tensor<2x2xf32>, tensor<f32>, tensor<i8>) -> tensor<2x2xi8>
  %d1 = onnx.DequantizeLinear %q1, %s, %z : (tensor<2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<2x2xf32>
  %t1 = onnx.Transpose %d1 {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %d0, %t1, %d1 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
