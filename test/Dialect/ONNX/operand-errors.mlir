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
