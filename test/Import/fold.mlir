// RUN: aac-opt %s --pass-pipeline='builtin.module(onnx.graph(aac-fold-onnx))' --split-input-file | FileCheck %s

// Shape arithmetic becomes a constant.
// CHECK-LABEL: onnx.graph @shapes
// CHECK: %[[S:.*]] = onnx.Constant dense<[2, 12]>
// CHECK: onnx.Reshape %arg0, %[[S]]
// CHECK-NOT: onnx.Shape
onnx.graph @shapes(%x: tensor<2x3x4xf32>) inputs ["x"] outputs ["y"] {
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %rest = onnx.Constant dense<-1> : tensor<1xi64>
  %s = onnx.Shape %x : (tensor<2x3x4xf32>) -> tensor<3xi64>
  %b = onnx.Gather %s, %zero : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %n = onnx.Concat %b, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %c = onnx.Constant dense<[1, -12]> : tensor<2xi64>
  %m = onnx.Mul %n, %c : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %y = onnx.Reshape %x, %m : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32>
  onnx.return %y : tensor<2x12xf32>
}

// -----

// What does nothing goes; a Mul that broadcasts does something.
// CHECK-LABEL: onnx.graph @noops
// CHECK: %[[Y:.*]] = onnx.Mul %arg0
// CHECK: onnx.return %arg0, %[[Y]]
onnx.graph @noops(%x: tensor<3xf32>) inputs ["x"] outputs ["a", "b"] {
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %wide = onnx.Constant dense<1.0> : tensor<1x1xf32>
  %i = onnx.Identity %x : (tensor<3xf32>) -> tensor<3xf32>
  %d = onnx.Dropout %i : (tensor<3xf32>) -> tensor<3xf32>
  %c = onnx.Cast %d {to = 1 : i64} : (tensor<3xf32>) -> tensor<3xf32>
  %a = onnx.Mul %one, %c : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>
  %b = onnx.Mul %x, %wide : (tensor<3xf32>, tensor<1x1xf32>) -> tensor<1x3xf32>
  onnx.return %a, %b : tensor<3xf32>, tensor<1x3xf32>
}

// -----

// Axes of size 1 that are added and removed again.
// CHECK-LABEL: onnx.graph @ones
// CHECK-NEXT: onnx.return %arg0
onnx.graph @ones(%x: tensor<2x3xf32>) inputs ["x"] outputs ["y"] {
  %a = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
  %b = onnx.Unsqueeze %a {axes = array<i64: 2>} : (tensor<1x2x3xf32>) -> tensor<1x2x1x3xf32>
  %y = onnx.Squeeze %b {axes = array<i64: 0, 2>} : (tensor<1x2x1x3xf32>) -> tensor<2x3xf32>
  onnx.return %y : tensor<2x3xf32>
}

// -----

// Nothing is computed on a parameter; a scalar may be.
// CHECK-LABEL: onnx.graph @parameters
// CHECK: onnx.Transpose
// CHECK: onnx.Constant dense<4.000000e+00>
// CHECK-NOT: onnx.Sqrt
onnx.graph @parameters(%x: tensor<1x2xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %t = onnx.Transpose %w {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %s = onnx.Initializer "s" dense<16.0> : tensor<f32>
  %r = onnx.Sqrt %s : (tensor<f32>) -> tensor<f32>
  %h = onnx.MatMul %x, %t : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %y = onnx.Div %h, %r : (tensor<1x2xf32>, tensor<f32>) -> tensor<1x2xf32>
  onnx.return %y : tensor<1x2xf32>
}

// -----

// A division by zero is left to whoever runs it.
// CHECK-LABEL: onnx.graph @division
// CHECK: onnx.Div
onnx.graph @division() inputs [] outputs ["y"] {
  %a = onnx.Constant dense<1> : tensor<i64>
  %b = onnx.Constant dense<0> : tensor<i64>
  %y = onnx.Div %a, %b : (tensor<i64>, tensor<i64>) -> tensor<i64>
  onnx.return %y : tensor<i64>
}

// -----

// A quantised weight becomes its f32 values, whatever its size, and keeps its scale; without a stored scale it stays.
// CHECK-LABEL: onnx.graph @quantised
// CHECK-DAG: %[[W:.*]] = onnx.Initializer "w" dense<{{\[\[}}-5.000000e-01, 6.350000e+01], [4.000000e+00, 0.000000e+00]]> : tensor<2x2xf32> {onnx.quantised = {axis = 0 : i64, codes = i8, scale = dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>}}
// CHECK-DAG: %[[D:.*]] = onnx.DequantizeLinear
// CHECK: onnx.Add %[[D]], %[[W]]
onnx.graph @quantised(%s: tensor<f32>) inputs ["s"] outputs ["y"] {
  %none = onnx.None
  %w = onnx.Initializer "w" dense<[[-1, 127], [2, 0]]> : tensor<2x2xi8>
  %scale = onnx.Initializer "s" dense<[0.5, 2.0]> : tensor<2xf32>
  %f = onnx.DequantizeLinear %w, %scale, %none {axis = 0 : i64} : (tensor<2x2xi8>, tensor<2xf32>, none) -> tensor<2x2xf32>
  %d = onnx.DequantizeLinear %w, %s, %none : (tensor<2x2xi8>, tensor<f32>, none) -> tensor<2x2xf32>
  %y = onnx.Add %d, %f : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

// So does one that the file leaves as f32 to be rounded; an input is not.
// CHECK-LABEL: onnx.graph @rounded
// CHECK-DAG: %[[W:.*]] = onnx.Initializer "w" dense<{{\[\[}}0.000000e+00, 5.000000e+00], [1.000000e+00, 5.000000e-01]]> : tensor<2x2xf32> {onnx.quantised = {codes = ui8, scale = dense<5.000000e-01> : tensor<f32>, zero_point = dense<245> : tensor<ui8>}}
// CHECK-DAG: %[[Q:.*]] = onnx.QuantizeLinear
// CHECK-DAG: %[[D:.*]] = onnx.DequantizeLinear %[[Q]]
// CHECK: onnx.Add %[[D]], %[[W]]
onnx.graph @rounded(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<[[-0.2, 127.0], [0.9, 0.3]]> : tensor<2x2xf32>
  %scale = onnx.Initializer "s" dense<0.5> : tensor<f32>
  %zero = onnx.Initializer "z" dense<245> : tensor<ui8>
  %q = onnx.QuantizeLinear %w, %scale, %zero : (tensor<2x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x2xui8>
  %f = onnx.DequantizeLinear %q, %scale, %zero : (tensor<2x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x2xf32>
  %p = onnx.QuantizeLinear %x, %scale, %zero : (tensor<2x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x2xui8>
  %d = onnx.DequantizeLinear %p, %scale, %zero : (tensor<2x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x2xf32>
  %y = onnx.Add %d, %f : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}
