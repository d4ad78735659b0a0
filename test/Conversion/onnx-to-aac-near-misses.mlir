// Of each pattern what is almost one: refused with what differs, never taken for it.
// RUN: aac-opt %s -split-input-file -verify-diagnostics --aac-raise-onnx

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %c = onnx.Constant dense<0.7> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %0 = onnx.Mul %x, %c : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %1 = onnx.Tanh %0 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Add %1, %one : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %3 = onnx.Mul %x, %2 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Mul): 0.5 x (1 + tanh(0.7 x)) is neither silu nor gelu}}
  %4 = onnx.Mul %3, %half : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  onnx.return %4 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %c = onnx.Constant dense<0.7> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %0 = onnx.Mul %x, %c : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %1 = onnx.Erf %0 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Add %1, %one : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %3 = onnx.Mul %x, %2 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Mul): gelu whose erf is of x times 0.7, expected 0.70710677}}
  %4 = onnx.Mul %3, %half : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  onnx.return %4 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %c = onnx.Constant dense<1.5> : tensor<f32>
  %0 = onnx.Mul %x, %c : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %1 = onnx.Sigmoid %0 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Mul): x sigmoid(1.5 x), silu has the factor 1}}
  %2 = onnx.Mul %x, %1 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %2 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %none = onnx.None
  %low = onnx.Constant dense<0.5> : tensor<f32>
  // expected-note @+1 {{(Clip): no operation of a transformer encoder ends in it}}
  %0 = onnx.Clip %x, %low, %none : (tensor<1x2x4xf32>, tensor<f32>, none) -> tensor<1x2x4xf32>
  onnx.return %0 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %low = onnx.Constant dense<0.5> : tensor<f32>
  // expected-note @+1 {{(Max): no operation of a transformer encoder ends in it}}
  %0 = onnx.Max %x, %low : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  onnx.return %0 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %three = onnx.Constant dense<3.0> : tensor<f32>
  %e = onnx.Constant dense<1.0e-05> : tensor<f32>
  %0 = onnx.ReduceMean %x {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %1 = onnx.Sub %x, %0 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Pow %1, %three : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %3 = onnx.ReduceMean %2 {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %4 = onnx.Add %3, %e : (tensor<1x2x1xf32>, tensor<f32>) -> tensor<1x2x1xf32>
  %5 = onnx.Sqrt %4 : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  // expected-note @+1 {{(Div): variance with Pow exponent 3, layer normalisation has 2}}
  %6 = onnx.Div %1, %5 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  onnx.return %6 : tensor<1x2x4xf32>
}

// -----

// The second factor is of another value.
// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>, %z: tensor<1x2x4xf32>) inputs ["x", "z"] outputs ["y"] {
  %e = onnx.Constant dense<1.0e-05> : tensor<f32>
  %0 = onnx.ReduceMean %x {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %1 = onnx.Sub %x, %0 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  %z1 = onnx.Sub %z, %0 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Mul %1, %z1 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.ReduceMean %2 {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %4 = onnx.Add %3, %e : (tensor<1x2x1xf32>, tensor<f32>) -> tensor<1x2x1xf32>
  %5 = onnx.Sqrt %4 : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  // expected-note @+1 {{(Div): no operation of a transformer encoder ends in it}}
  %6 = onnx.Div %1, %5 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  onnx.return %6 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %e = onnx.Constant dense<1.0e-05> : tensor<f32>
  %third = onnx.Constant dense<0.3> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %0 = onnx.ReduceMean %x {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %1 = onnx.Sub %x, %0 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Pow %1, %two : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %3 = onnx.ReduceSum %2 {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %4 = onnx.Mul %3, %third : (tensor<1x2x1xf32>, tensor<f32>) -> tensor<1x2x1xf32>
  %5 = onnx.Add %4, %e : (tensor<1x2x1xf32>, tensor<f32>) -> tensor<1x2x1xf32>
  %6 = onnx.Sqrt %5 : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  // expected-note @+1 {{(Div): mean of 4 features with factor 0.3}}
  %7 = onnx.Div %1, %6 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  onnx.return %7 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %none = onnx.None
  %g = onnx.Initializer "g" dense<0.5> : tensor<2x4xf32>
  // expected-note @+1 {{(LayerNormalization): LayerNormalization from axis 1 of 3 on, only the last one is supported}}
  %0 = onnx.LayerNormalization %x, %g, %none {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<2x4xf32>, none) -> tensor<1x2x4xf32>
  onnx.return %0 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  // expected-note @+1 {{(Softmax): Softmax along axis 1 of 3, only the last one is supported}}
  %0 = onnx.Softmax %x {axis = 1 : i64} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %0 : tensor<1x2x4xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x3xf32>
  %b = onnx.Initializer "b" dense<0.5> : tensor<3xf32>
  %two = onnx.Constant dense<3.0> : tensor<f32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x4xf32>, tensor<4x3xf32>) -> tensor<1x2x3xf32>
  %1 = onnx.Add %0, %b : (tensor<1x2x3xf32>, tensor<3xf32>) -> tensor<1x2x3xf32>
  // expected-note @+1 {{(Add): constant [3] added to a value that is not a product with a weight}}
  %2 = onnx.Add %1, %b : (tensor<1x2x3xf32>, tensor<3xf32>) -> tensor<1x2x3xf32>
  onnx.return %2 : tensor<1x2x3xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
  %none = onnx.None
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x3xf32>
  %b = onnx.Initializer "b" dense<0.5> : tensor<3xf32>
  %0 = onnx.Gemm %x, %w, %none {alpha = 3.0 : f32} : (tensor<2x4xf32>, tensor<4x3xf32>, none) -> tensor<2x3xf32>
  // expected-note @+1 {{(Add): a bias added to a product scaled by 3}}
  %1 = onnx.Add %0, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  onnx.return %1 : tensor<2x3xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x3xf32>
  %b = onnx.Initializer "b" dense<0.5> : tensor<2x1xf32>
  %0 = onnx.MatMul %x, %w : (tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  // expected-note @+1 {{(Add): constant [2, 1] added to a product of 3 features is no bias}}
  %1 = onnx.Add %0, %b : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  onnx.return %1 : tensor<2x3xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%i: tensor<1x2xi64>) inputs ["i"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x3xf32>
  // expected-note @+1 {{(Gather): Gather of columns of a table, an embedding takes rows}}
  %0 = onnx.Gather %w, %i {axis = 1 : i64} : (tensor<4x3xf32>, tensor<1x2xi64>) -> tensor<4x1x2xf32>
  onnx.return %0 : tensor<4x1x2xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x4x4xf32>) inputs ["x"] outputs ["y"] {
  %i = onnx.Constant dense<0> : tensor<i64>
  // expected-note @+1 {{(Gather): Gather of 1 indices along axis 0, a token is one index along axis 1}}
  %0 = onnx.Gather %x, %i {axis = 0 : i64} : (tensor<1x4x4xf32>, tensor<i64>) -> tensor<4x4xf32>
  onnx.return %0 : tensor<4x4xf32>
}

// -----

// Multiplied out with two factors that differ.
// expected-error @+1 {{task t: cannot raise 2 nodes}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %e = onnx.Constant dense<1.0e-05> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %g = onnx.Initializer "g" dense<0.5> : tensor<4xf32>
  %h = onnx.Initializer "h" dense<0.25> : tensor<4xf32>
  %b = onnx.Initializer "b" dense<0.125> : tensor<4xf32>
  %0 = onnx.ReduceMean %x {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %1 = onnx.Sub %x, %0 : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Pow %1, %two : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  %3 = onnx.ReduceMean %2 {axes = array<i64: -1>} : (tensor<1x2x4xf32>) -> tensor<1x2x1xf32>
  %4 = onnx.Add %3, %e : (tensor<1x2x1xf32>, tensor<f32>) -> tensor<1x2x1xf32>
  %5 = onnx.Sqrt %4 : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %6 = onnx.Reciprocal %5 : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %r = onnx.Mul %6, %g : (tensor<1x2x1xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  %s = onnx.Mul %6, %h : (tensor<1x2x1xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Mul): no operation of a transformer encoder ends in it}}
  %xr = onnx.Mul %x, %r : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %ms = onnx.Mul %0, %s : (tensor<1x2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Sub): no operation of a transformer encoder ends in it}}
  %shift = onnx.Sub %b, %ms : (tensor<4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = onnx.Add %xr, %shift : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %y : tensor<1x2x4xf32>
}

// -----

// The query's heads are not brought in front of its tokens; the sizes fit all the same.
// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %wq = onnx.Initializer "q" dense<0.5> : tensor<4x4xf32>
  %wk = onnx.Initializer "k" dense<0.25> : tensor<4x4xf32>
  %split = onnx.Constant dense<[1, 2, 2, 2]> : tensor<4xi64>
  %q0 = onnx.MatMul %x, %wq : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %q1 = onnx.Reshape %q0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %k0 = onnx.MatMul %x, %wk : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %k1 = onnx.Reshape %k0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %k2 = onnx.Transpose %k1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  // expected-note @+1 {{(MatMul): attention with batch, heads, tokens and features on axes [0, 1, 2, 3] of the split projection, expected [0, 2, 1, 3]}}
  %s = onnx.MatMul %q1, %k2 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %y = onnx.Softmax %s {axis = -1 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  onnx.return %y : tensor<1x2x2x2xf32>
}

// -----

// A mask that is turned round after it is added takes the scores of what counts.
// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>, %m: tensor<1x2xi64>) inputs ["x", "m"] outputs ["y"] {
  %wq = onnx.Initializer "q" dense<0.5> : tensor<4x4xf32>
  %wk = onnx.Initializer "k" dense<0.25> : tensor<4x4xf32>
  %split = onnx.Constant dense<[1, 2, 2, 2]> : tensor<4xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+30> : tensor<f32>
  %turn = onnx.Constant dense<-2.0> : tensor<f32>
  %q0 = onnx.MatMul %x, %wq : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %q1 = onnx.Reshape %q0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %q2 = onnx.Transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %k0 = onnx.MatMul %x, %wk : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %k1 = onnx.Reshape %k0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %k2 = onnx.Transpose %k1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %s = onnx.MatMul %q2, %k2 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %f = onnx.Cast %a {to = 1 : i64} : (tensor<1x1x1x2xi64>) -> tensor<1x1x1x2xf32>
  %i = onnx.Sub %one, %f : (tensor<f32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %c = onnx.Mul %i, %low : (tensor<1x1x1x2xf32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  %masked = onnx.Add %s, %c : (tensor<1x2x2x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x2x2x2xf32>
  %t = onnx.Mul %masked, %turn : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  // expected-note @+1 {{(Softmax): attention mask scaled by -2 after it is added: exact only for a power of two, or a mask of -1e30 or below; scale the scores first}}
  %y = onnx.Softmax %t {axis = -1 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  onnx.return %y : tensor<1x2x2x2xf32>
}

// -----

// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<4x4xf32>) inputs ["x"] outputs ["y"] {
  %none = onnx.None
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x4xf32>
  // expected-note @+1 {{(Gemm): Gemm with transA = 1 is no linear}}
  %0 = onnx.Gemm %x, %w, %none {transA = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>, none) -> tensor<4x4xf32>
  onnx.return %0 : tensor<4x4xf32>
}

// -----

// Every second row of a table.
// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%i: tensor<1x2xi64>) inputs ["i"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<5x4xf32>
  %p = onnx.Initializer "p" dense<0.25> : tensor<6x4xf32>
  %start = onnx.Constant dense<1> : tensor<1xi64>
  %end = onnx.Constant dense<5> : tensor<1xi64>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %two = onnx.Constant dense<2> : tensor<1xi64>
  %0 = onnx.Gather %w, %i : (tensor<5x4xf32>, tensor<1x2xi64>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Slice): no operation of a transformer encoder ends in it}}
  %1 = onnx.Slice %p, %start, %end, %zero, %two : (tensor<6x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x4xf32>
  %2 = onnx.Add %0, %1 : (tensor<1x2x4xf32>, tensor<2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %2 : tensor<1x2x4xf32>
}

// -----

// Two vectors in one sum: one has no product left.
// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x4xf32>
  %v = onnx.Initializer "v" dense<0.5> : tensor<4x4xf32>
  %b = onnx.Initializer "b" dense<0.25> : tensor<4xf32>
  %c = onnx.Initializer "c" dense<0.75> : tensor<4xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %1 = onnx.MatMul %x, %v : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Add %0, %1 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.Add %2, %b : (tensor<1x2x4xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  // expected-note @+1 {{(Add): constant [4] added to a value that is not a product with a weight}}
  %4 = onnx.Add %3, %c : (tensor<1x2x4xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  onnx.return %4 : tensor<1x2x4xf32>
}

// -----

// All columns of a table, counted from their end: no rows.
// expected-error @+1 {{task t: cannot raise 1 node}}
onnx.graph @t(%x: tensor<1x4xi64>) inputs ["x"] outputs ["y"] {
  %t = onnx.Initializer "t" dense<0.5> : tensor<4x2xf32>
  %p = onnx.Initializer "p" dense<0.25> : tensor<4x2xf32>
  %s = onnx.Constant dense<-2> : tensor<1xi64>
  %e = onnx.Constant dense<2> : tensor<1xi64>
  %ax = onnx.Constant dense<1> : tensor<1xi64>
  %none = onnx.None
  %0 = onnx.Gather %t, %x : (tensor<4x2xf32>, tensor<1x4xi64>) -> tensor<1x4x2xf32>
  // expected-note @+1 {{(Slice): part of the features of a value that is no product with a weight}}
  %1 = onnx.Slice %p, %s, %e, %ax, %none : (tensor<4x2xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<4x2xf32>
  %2 = onnx.Add %0, %1 : (tensor<1x4x2xf32>, tensor<4x2xf32>) -> tensor<1x4x2xf32>
  onnx.return %2 : tensor<1x4x2xf32>
}
