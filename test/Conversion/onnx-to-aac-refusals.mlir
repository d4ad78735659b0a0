// What is near a pattern is refused with the constant that differs, never taken for it.
// RUN: aac-opt %s -split-input-file -verify-diagnostics --aac-raise-onnx

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %three = onnx.Constant dense<3.0> : tensor<f32>
  %c = onnx.Constant dense<0.0456> : tensor<f32>
  %k = onnx.Constant dense<0.797884583> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %0 = onnx.Pow %x, %three : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %1 = onnx.Mul %c, %0 : (tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Add %1, %x : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.Mul %2, %k : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %4 = onnx.Tanh %3 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %5 = onnx.Add %one, %4 : (tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %6 = onnx.Mul %x, %5 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Mul): gelu with cubic coefficient 0.0456, gelu_tanh has 0.044715}}
  %7 = onnx.Mul %6, %half : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  onnx.return %7 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  // expected-note @+1 {{(Softplus): no operation of a transformer encoder ends in it}}
  %0 = onnx.Softplus %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %0 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x3xf32>
  %b = onnx.Initializer "b" dense<0.5> : tensor<3xf32>
  // expected-note @+1 {{(Gemm): Gemm with alpha = 2 and beta = 1, a linear scales its product and its bias alike}}
  %0 = onnx.Gemm %x, %w, %b {alpha = 2.0 : f32} : (tensor<2x4xf32>, tensor<4x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  onnx.return %0 : tensor<2x3xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x3xf32>
  %v = onnx.Initializer "v" dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x4xf32>, tensor<4x3xf32>) -> tensor<1x2x3xf32>
  // expected-note @+1 {{(Mul): product with constant [3], only products with scalars are supported}}
  %1 = onnx.Mul %0, %v : (tensor<1x2x3xf32>, tensor<3xf32>) -> tensor<1x2x3xf32>
  onnx.return %1 : tensor<1x2x3xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
  // expected-note @+1 {{(ReduceMean): pooling over tokens (mean, sum or maximum) is not supported; a task reads one token}}
  %0 = onnx.ReduceMean %x {axes = array<i64: 1>, keepdims = 0 : i64} : (tensor<1x3x4xf32>) -> tensor<1x4xf32>
  onnx.return %0 : tensor<1x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
  // expected-note @+1 {{(Split): part of the features of a value that is no product with a weight}}
  %0:2 = onnx.Split %x {axis = 2 : i64} : (tensor<1x3x4xf32>) -> (tensor<1x3x1xf32>, tensor<1x3x3xf32>)
  onnx.return %0#1 : tensor<1x3x3xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %none = onnx.None
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %r = onnx.Constant dense<0.25> : tensor<f32>
  %v = onnx.Constant dense<0.5> : tensor<2xf32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %q = onnx.QuantizeLinear %x, %s, %z : (tensor<1x2x4xf32>, tensor<f32>, tensor<i8>) -> tensor<1x2x4xi8>
  // expected-note @+1 {{(DequantizeLinear): an activation is quantised with scale 0.5 and zero point 3 (signed), but dequantised with 0.25 and 3}}
  %y = onnx.DequantizeLinear %q, %r, %z : (tensor<1x2x4xi8>, tensor<f32>, tensor<i8>) -> tensor<1x2x4xf32>
  onnx.return %y : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %none = onnx.None
  %s = onnx.Constant dense<0.5> : tensor<f32>
  %r = onnx.Constant dense<0.25> : tensor<f32>
  %v = onnx.Constant dense<0.5> : tensor<2xf32>
  %z = onnx.Constant dense<3> : tensor<i8>
  %q = onnx.QuantizeLinear %x, %v, %none {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<2xf32>, none) -> tensor<1x2x4xui8>
  // expected-note @+1 {{(DequantizeLinear): an activation is quantised with one constant scale above 0 and an 8-bit zero point, not with scales [2]: quantise activations per tensor}}
  %y = onnx.DequantizeLinear %q, %v, %none {axis = 1 : i64} : (tensor<1x2x4xui8>, tensor<2xf32>, none) -> tensor<1x2x4xf32>
  onnx.return %y : tensor<1x2x4xf32>
}

// -----

// Weights that were elided when the file was printed.
// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense_resource<absent> : tensor<3x2xf32>
  // expected-note @+1 {{(MatMul): a linear, but the data of its weight or bias is missing}}
  %0 = onnx.MatMul %x, %w : (tensor<1x2x3xf32>, tensor<3x2xf32>) -> tensor<1x2x2xf32>
  onnx.return %0 : tensor<1x2x2xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2xi64>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense_resource<absent> : tensor<4x16xf32>
  // expected-note @+1 {{(Gather): an embedding, but the data of its table is missing}}
  %0 = onnx.Gather %w, %x : (tensor<4x16xf32>, tensor<1x2xi64>) -> tensor<1x2x16xf32>
  onnx.return %0 : tensor<1x2x16xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<1.0> : tensor<3xf32>
  %b = onnx.Initializer "b" dense_resource<absent> : tensor<3xf32>
  // expected-note @+1 {{(LayerNormalization): a layer norm, but the data of its scale or bias is missing}}
  %0 = onnx.LayerNormalization %x, %w, %b {epsilon = 0.1 : f32} : (tensor<1x2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x2x3xf32>
  onnx.return %0 : tensor<1x2x3xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %s = onnx.Initializer "s" dense<0.5> : tensor<f32>
  %z = onnx.Initializer "z" dense<0> : tensor<i8>
  %b = onnx.Initializer "b" dense_resource<absent> : tensor<3xf32>
  %q = onnx.QuantizeLinear %x, %s, %z : (tensor<1x2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<1x2x3xi8>
  %d = onnx.DequantizeLinear %q, %s, %z : (tensor<1x2x3xi8>, tensor<f32>, tensor<i8>) -> tensor<1x2x3xf32>
  // expected-note @+1 {{(Add): a requantise, but the data of its bias is missing}}
  %0 = onnx.Add %d, %b : (tensor<1x2x3xf32>, tensor<3xf32>) -> tensor<1x2x3xf32>
  onnx.return %0 : tensor<1x2x3xf32>
}
