// RUN: aac-opt %s -split-input-file --aac-raise-onnx | FileCheck %s

// A product in any association and order, powers as products.
// CHECK-LABEL: aac.task @gelu
// CHECK-NEXT: %[[Y:.*]] = aac.activation gelu_tanh %{{.*}} : tensor<1x2x4xf32>
// CHECK-NEXT: aac.return %[[Y]]
onnx.graph @gelu(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %c = onnx.Constant dense<0.044715> : tensor<f32>
  %k = onnx.Constant dense<0.797884583> : tensor<1xf32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %00 = onnx.Mul %x, %x : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %0 = onnx.Mul %00, %x : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %1 = onnx.Mul %c, %0 : (tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %2 = onnx.Add %1, %x : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.Mul %2, %k : (tensor<1x2x4xf32>, tensor<1xf32>) -> tensor<1x2x4xf32>
  %4 = onnx.Tanh %3 : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %5 = onnx.Add %one, %4 : (tensor<f32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %6 = onnx.Mul %x, %5 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %7 = onnx.Mul %6, %half : (tensor<1x2x4xf32>, tensor<f32>) -> tensor<1x2x4xf32>
  onnx.return %7 : tensor<1x2x4xf32>
}

// -----

// The weight is transposed to [out, in]; the bias may be the first operand.
// CHECK: aac.param @w : tensor<2x3xf32> = dense<{{\[\[}}1.000000e+00, 3.000000e+00, 5.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00]]>
// CHECK-SAME: role = #aac.role<classifier>
// CHECK: aac.param @b : tensor<2xf32>
// CHECK-LABEL: aac.task @linear
// CHECK: aac.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x2x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<1x2x2xf32>
onnx.graph @linear(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %b = onnx.Initializer "b" dense<0.5> : tensor<2xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x3xf32>, tensor<3x2xf32>) -> tensor<1x2x2xf32>
  %1 = onnx.Add %b, %0 : (tensor<2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  onnx.return %1 : tensor<1x2x2xf32>
}

// -----

// A bottleneck with a residual, scaled; the residual is the adapter's input.
// CHECK-LABEL: aac.task @adapter
// CHECK: aac.adapter relu %{{.*}} down(%{{.*}}, %{{.*}}) up(%{{.*}}, %{{.*}}) {scale = 2.000000e+00 : f32} : (tensor<1x2x3xf32>, tensor<1x3xf32>, tensor<1xf32>, tensor<3x1xf32>, tensor<3xf32>) -> tensor<1x2x3xf32>
onnx.graph @adapter(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %d = onnx.Initializer "d" dense<0.5> : tensor<3x1xf32>
  %db = onnx.Initializer "db" dense<0.25> : tensor<1xf32>
  %u = onnx.Initializer "u" dense<0.5> : tensor<1x3xf32>
  %ub = onnx.Initializer "ub" dense<0.25> : tensor<3xf32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %0 = onnx.MatMul %x, %d : (tensor<1x2x3xf32>, tensor<3x1xf32>) -> tensor<1x2x1xf32>
  %1 = onnx.Add %db, %0 : (tensor<1xf32>, tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.Relu %1 : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %3 = onnx.MatMul %2, %u : (tensor<1x2x1xf32>, tensor<1x3xf32>) -> tensor<1x2x3xf32>
  %4 = onnx.Add %ub, %3 : (tensor<3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %5 = onnx.Mul %4, %two : (tensor<1x2x3xf32>, tensor<f32>) -> tensor<1x2x3xf32>
  %6 = onnx.Add %5, %x : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  onnx.return %6 : tensor<1x2x3xf32>
}

// -----

// The residual is another value: no adapter.
// CHECK-LABEL: aac.task @other_residual
// CHECK-NOT: aac.adapter
// CHECK: aac.add
onnx.graph @other_residual(%x: tensor<1x2x3xf32>, %z: tensor<1x2x3xf32>) inputs ["x", "z"] outputs ["y"] {
  %d = onnx.Initializer "d" dense<0.5> : tensor<3x1xf32>
  %db = onnx.Initializer "db" dense<0.25> : tensor<1xf32>
  %u = onnx.Initializer "u" dense<0.5> : tensor<1x3xf32>
  %ub = onnx.Initializer "ub" dense<0.25> : tensor<3xf32>
  %0 = onnx.MatMul %x, %d : (tensor<1x2x3xf32>, tensor<3x1xf32>) -> tensor<1x2x1xf32>
  %1 = onnx.Add %db, %0 : (tensor<1xf32>, tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.Relu %1 : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %3 = onnx.MatMul %2, %u : (tensor<1x2x1xf32>, tensor<1x3xf32>) -> tensor<1x2x3xf32>
  %4 = onnx.Add %ub, %3 : (tensor<3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %6 = onnx.Add %4, %z : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  onnx.return %6 : tensor<1x2x3xf32>
}

// -----

// Unmerged LoRA with its scale; the bias, added last, is the product's with the weight. A and B
// have the role of adapters, whatever they are added to.
// CHECK: aac.param @A : tensor<1x3xf32> {{.*}}role = #aac.role<adapter>
// CHECK: aac.param @B : tensor<2x1xf32> {{.*}}role = #aac.role<adapter>
// CHECK: aac.param @w : {{.*}}role = #aac.role<classifier>
// CHECK: aac.param @b : {{.*}}role = #aac.role<classifier>
// CHECK-LABEL: aac.task @lora
// CHECK: %[[L:.*]] = aac.linear %{{.*}}, %{{.*}} {scale = 2.000000e+00 : f32} : (tensor<1x2x1xf32>, tensor<2x1xf32>)
// CHECK: %[[Y:.*]] = aac.linear %arg0, %{{.*}}, %{{.*}} : (tensor<1x2x3xf32>, tensor<2x3xf32>, tensor<2xf32>)
// CHECK: aac.add %[[Y]], %[[L]]
onnx.graph @lora(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %b = onnx.Initializer "b" dense<[0.5, 1.0]> : tensor<2xf32>
  %a = onnx.Initializer "A" dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %bb = onnx.Initializer "B" dense<[[0.5, 0.25]]> : tensor<1x2xf32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x3xf32>, tensor<3x2xf32>) -> tensor<1x2x2xf32>
  %1 = onnx.MatMul %x, %a : (tensor<1x2x3xf32>, tensor<3x1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.MatMul %1, %bb : (tensor<1x2x1xf32>, tensor<1x2xf32>) -> tensor<1x2x2xf32>
  %3 = onnx.Div %2, %half : (tensor<1x2x2xf32>, tensor<f32>) -> tensor<1x2x2xf32>
  %4 = onnx.Add %0, %3 : (tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  %5 = onnx.Add %b, %4 : (tensor<2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
  onnx.return %5 : tensor<1x2x2xf32>
}
