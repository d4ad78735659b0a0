// What is raised although a larger operation almost took it is a remark, where it is and why.
// RUN: aac-opt %s -split-input-file -verify-diagnostics --aac-raise-onnx | FileCheck %s

// CHECK: aac.embedding
// CHECK: aac.add
onnx.graph @t(%ids: tensor<1x3xi64>, %features: tensor<1x3x2xf32>) inputs ["ids", "features"] outputs ["y"] {
  %table = onnx.Initializer "table" dense<0.5> : tensor<5x2xf32>
  %0 = onnx.Gather %table, %ids : (tensor<5x2xf32>, tensor<1x3xi64>) -> tensor<1x3x2xf32>
  // expected-remark @+1 {{raised as an add, not as part of a larger operation: an embedding sums rows of tables, and an addend is none: input 1}}
  %1 = onnx.Add %0, %features : (tensor<1x3x2xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  onnx.return %1 : tensor<1x3x2xf32>
}

// -----

// CHECK: aac.embedding
// CHECK: aac.linear
// CHECK: aac.add
onnx.graph @t(%ids: tensor<1x3xi64>, %features: tensor<1x3x4xf32>) inputs ["ids", "features"] outputs ["y"] {
  %table = onnx.Initializer "table" dense<0.5> : tensor<5x2xf32>
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x2xf32>
  %0 = onnx.Gather %table, %ids : (tensor<5x2xf32>, tensor<1x3xi64>) -> tensor<1x3x2xf32>
  %1 = onnx.MatMul %features, %w : (tensor<1x3x4xf32>, tensor<4x2xf32>) -> tensor<1x3x2xf32>
  // expected-remark @+1 {{an addend is none: node without a name (MatMul)}}
  %2 = onnx.Add %1, %0 : (tensor<1x3x2xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  onnx.return %2 : tensor<1x3x2xf32>
}
