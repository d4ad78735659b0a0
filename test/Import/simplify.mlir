// RUN: aac-opt %s --pass-pipeline='builtin.module(onnx.graph(aac-simplify-onnx))' --split-input-file | FileCheck %s

// Sum adds from the left; the first sum is broadcast already.
// CHECK-LABEL: onnx.graph @sum
// CHECK: %[[AB:.*]] = onnx.Add %arg0, %arg1 : (tensor<3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[ABC:.*]] = onnx.Add %[[AB]], %arg0 : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: onnx.return %[[ABC]]
onnx.graph @sum(%a: tensor<3xf32>, %b: tensor<2x1xf32>) inputs ["a", "b"] outputs ["y"] {
  %y = onnx.Sum %a, %b, %a : (tensor<3xf32>, tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  onnx.return %y : tensor<2x3xf32>
}

// -----

// CHECK-LABEL: onnx.graph @signs
// CHECK-NEXT: %[[A:.*]] = onnx.Sub %arg0, %arg1
// CHECK-NEXT: %[[B:.*]] = onnx.Sub %arg0, %arg1
// CHECK-NEXT: %[[C:.*]] = onnx.Add %arg0, %arg1
// CHECK-NEXT: onnx.return %[[A]], %[[B]], %[[C]], %arg1
onnx.graph @signs(%x: tensor<3xf32>, %y: tensor<3xf32>) inputs ["x", "y"] outputs ["a", "b", "c", "d"] {
  %n = onnx.Neg %y : (tensor<3xf32>) -> tensor<3xf32>
  %a = onnx.Add %x, %n : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %b = onnx.Add %n, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %c = onnx.Sub %x, %n : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %d = onnx.Neg %n : (tensor<3xf32>) -> tensor<3xf32>
  onnx.return %a, %b, %c, %d : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// -(x - y) is not y - x where they are equal: -0.
// CHECK-LABEL: onnx.graph @zero
// CHECK: onnx.Sub %arg0, %arg1
// CHECK-NEXT: onnx.Neg
onnx.graph @zero(%x: tensor<3xf32>, %y: tensor<3xf32>) inputs ["x", "y"] outputs ["a"] {
  %d = onnx.Sub %x, %y : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %a = onnx.Neg %d : (tensor<3xf32>) -> tensor<3xf32>
  onnx.return %a : tensor<3xf32>
}

// -----

// Of two permutations one is left, of two that undo each other none; the inner one stays for its other user.
// CHECK-LABEL: onnx.graph @permutations
// CHECK-NEXT: %[[T:.*]] = onnx.Transpose %arg0 {perm = array<i64: 1, 2, 0>}
// CHECK-NEXT: %[[Y:.*]] = onnx.Transpose %arg0 {perm = array<i64: 2, 1, 0>}
// CHECK-NEXT: onnx.return %[[T]], %[[Y]], %arg0
onnx.graph @permutations(%x: tensor<2x3x4xf32>) inputs ["x"] outputs ["t", "y", "z"] {
  %t = onnx.Transpose %x {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %y = onnx.Transpose %t {perm = array<i64: 1, 0, 2>} : (tensor<3x4x2xf32>) -> tensor<4x3x2xf32>
  %z = onnx.Transpose %t {perm = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  onnx.return %t, %y, %z : tensor<3x4x2xf32>, tensor<4x3x2xf32>, tensor<2x3x4xf32>
}
