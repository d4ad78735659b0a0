// RUN: aac-opt %s --split-input-file --verify-diagnostics

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has 1 terms for 2 operands}}
  %y = onnx.Einsum %x, %x {equation = "ij"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has more than two operands, which is not supported}}
  %y = onnx.Einsum %x, %x, %x {equation = "ij,jk,kl->il"}
      : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has 3 terms for 2 operands}}
  %y = onnx.Einsum %x, %x {equation = "...ij,...jk,->ik"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has an ellipsis that does not fit the ranks of its operands}}
  %y = onnx.Einsum %x, %x {equation = "...ijk,jk->...i"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has an ellipsis on one side of its arrow only}}
  %y = onnx.Einsum %x, %x {equation = "...ij,jk->ik"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has term "i0", which is not letters that differ}}
  %y = onnx.Einsum %x, %x {equation = "i0,jk->ik"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has term "ii", which is not letters that differ}}
  %y = onnx.Einsum %x, %x {equation = "ii,jk->ik"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has output "ii", which is not letters that differ}}
  %y = onnx.Einsum %x, %x {equation = "ij,jk->ii"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{has the output index 'z', which no input has}}
  %y = onnx.Einsum %x, %x {equation = "ij,jk->iz"}
      : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g() inputs [] outputs ["y"] {
  %s = onnx.Initializer "s" dense<2> : tensor<1xi64>
  // expected-error @below {{value must have one element, got tensor<2xf32>}}
  %y = onnx.ConstantOfShape %s {value = dense<[1.0, 2.0]> : tensor<2xf32>} : (tensor<1xi64>) -> tensor<2xf32>
  onnx.return %y : tensor<2xf32>
}

// -----

onnx.graph @g(%x: tensor<2xf32>) inputs ["x"] outputs ["y"] {
  %low = onnx.Constant dense<0.0> : tensor<2xf32>
  %none = onnx.None
  // expected-error @below {{min and max must be scalars, got tensor<2xf32>}}
  %y = onnx.Clip %x, %low, %none : (tensor<2xf32>, tensor<2xf32>, none) -> tensor<2xf32>
  onnx.return %y : tensor<2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x3xf32>, %s: tensor<2xf32>) inputs ["x", "s"] outputs ["y"] {
  // expected-error @below {{scale and bias must broadcast to [3], got}}
  %y = onnx.LayerNormalization %x, %s, %s : (tensor<2x3xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  onnx.return %y : tensor<2x3xf32>
}

// -----

onnx.graph @g(%a: tensor<2xi64>) inputs ["a"] outputs ["y"] {
  // expected-error @below {{start, limit and delta must be scalars of one type}}
  %y = onnx.Range %a, %a, %a : (tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  onnx.return %y : tensor<2xi64>
}

// -----

onnx.graph @g() inputs [] outputs ["y"] {
  // expected-error @below {{needs at least one input}}
  %y = onnx.Max : () -> tensor<2xf32>
  onnx.return %y : tensor<2xf32>
}

// -----

onnx.graph @g(%x: tensor<4x4xf32>) inputs ["x"] outputs ["y"] {
  %i = onnx.Constant dense<[0, 0]> : tensor<2xi64>
  %n = onnx.Constant dense<[2, 2]> : tensor<2xi64>
  %none = onnx.None
  // expected-error @below {{axis 0 is sliced twice}}
  %y = onnx.Slice %x, %i, %n, %i, %none : (tensor<4x4xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, none) -> tensor<2x4xf32>
  onnx.return %y : tensor<2x4xf32>
}

// -----

onnx.graph @g(%x: tensor<4xf32>) inputs ["x"] outputs ["y"] {
  %s = onnx.Constant dense<-1> : tensor<2xi64>
  // expected-error @below {{shape [-1, -1] has two -1}}
  %y = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g(%x: tensor<4xf32>) inputs ["x"] outputs ["y"] {
  %s = onnx.Constant dense<[4, 0]> : tensor<2xi64>
  // expected-error @below {{0 at place 1 of shape [4, 0] names no dimension of tensor<4xf32>}}
  %y = onnx.Reshape %x, %s : (tensor<4xf32>, tensor<2xi64>) -> tensor<4x1xf32>
  onnx.return %y : tensor<4x1xf32>
}

// -----

onnx.graph @g(%x: tensor<2x2xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{term "ijk" names 3 indices, operand is tensor<2x2xf32>}}
  %y = onnx.Einsum %x {equation = "ijk->ij"} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  onnx.return %y : tensor<2x2xf32>
}

// -----

onnx.graph @g() inputs [] outputs ["y"] {
  %s = onnx.Constant dense<-3> : tensor<1xi64>
  // expected-error @below {{a dimension of [-3] is negative}}
  %y = onnx.ConstantOfShape %s : (tensor<1xi64>) -> tensor<2xf32>
  onnx.return %y : tensor<2xf32>
}

// -----

onnx.graph @g() inputs [] outputs ["w"] {
  // expected-error @below {{elements must be integers or floats, got 'tensor<1xindex>'}}
  %w = onnx.Initializer "w" dense_resource<words> : tensor<1xindex>
  onnx.return %w : tensor<1xindex>
}

{-#
  dialect_resources: {
    builtin: {
      words: "0x080000000100000000000000"
    }
  }
#-}
