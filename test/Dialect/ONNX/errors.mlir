// RUN: aac-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{has 1 inputs but 2 input names}}
onnx.graph @g(%x: tensor<2xf32>) inputs ["x", "z"] outputs ["x"] {
  onnx.return %x : tensor<2xf32>
}

// -----

// expected-error @below {{returns 1 values but has 0 output names}}
onnx.graph @g(%x: tensor<2xf32>) inputs ["x"] outputs [] {
  onnx.return %x : tensor<2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x3xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{result is 'tensor<2x3xf32>' by its operands, got 'tensor<3x2xf32>'}}
  %y = onnx.Relu %x : (tensor<2x3xf32>) -> tensor<3x2xf32>
  onnx.return %y : tensor<3x2xf32>
}

// -----

onnx.graph @g(%x: tensor<2x3xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{inner sizes of tensor<2x3xf32> and tensor<2x3xf32> differ: 3 and 2}}
  %y = onnx.MatMul %x, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  onnx.return %y : tensor<2x3xf32>
}

// -----

onnx.graph @g(%x: tensor<6xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{parts have 5 elements along axis 0, tensor<6xf32> has 6}}
  %y:2 = onnx.Split %x : (tensor<6xf32>) -> (tensor<2xf32>, tensor<3xf32>)
  onnx.return %y#0 : tensor<2xf32>
}

// -----

onnx.graph @g(%x: tensor<6xf32>) inputs ["x"] outputs ["y"] {
  // expected-error @below {{requires attribute 'to'}}
  %y = "onnx.Cast"(%x) : (tensor<6xf32>) -> tensor<6xf32>
  onnx.return %y : tensor<6xf32>
}

// -----

onnx.graph @g() inputs [] outputs ["w"] {
  // expected-error @below {{resource has 3 bytes, 'tensor<4xi8>' needs 4}}
  %w = onnx.Initializer "w" dense_resource<short> : tensor<4xi8>
  onnx.return %w : tensor<4xi8>
}

{-#
  dialect_resources: {
    builtin: {
      short: "0x01000000010203"
    }
  }
#-}
