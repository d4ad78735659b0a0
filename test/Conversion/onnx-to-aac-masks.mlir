// The rule and constant of each way to write a mask.
// RUN: aac-opt %s -split-input-file --aac-raise-onnx | FileCheck %s

// CHECK-LABEL: aac.task @inverted(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 :
onnx.graph @inverted(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %f = onnx.Cast %a {to = 1 : i64} : (tensor<1x1x1x2xi64>) -> tensor<1x1x1x2xf32>
  %i = onnx.Sub %one, %f : (tensor<f32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %y = onnx.Mul %i, %low : (tensor<1x1x1x2xf32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @less_one(
// CHECK: aac.mask %{{.*}}, 1.000000e+04 :
onnx.graph @less_one(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %f = onnx.Cast %a {to = 1 : i64} : (tensor<1x1x1x2xi64>) -> tensor<1x1x1x2xf32>
  %i = onnx.Sub %f, %one : (tensor<1x1x1x2xf32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  %y = onnx.Mul %i, %low : (tensor<1x1x1x2xf32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @times(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule times
onnx.graph @times(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %f = onnx.Cast %a {to = 1 : i64} : (tensor<1x1x1x2xi64>) -> tensor<1x1x1x2xf32>
  %y = onnx.Mul %f, %low : (tensor<1x1x1x2xf32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @greater(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule positive
onnx.graph @greater(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %n0 = onnx.Constant dense<0> : tensor<i64>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.Greater %a, %n0 : (tensor<1x1x1x2xi64>, tensor<i64>) -> tensor<1x1x1x2xi1>
  %y = onnx.Where %c, %zero, %low : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @not_less(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule positive
onnx.graph @not_less(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %n0 = onnx.Constant dense<0> : tensor<i64>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.Less %n0, %a : (tensor<i64>, tensor<1x1x1x2xi64>) -> tensor<1x1x1x2xi1>
  %y = onnx.Where %c, %zero, %low : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @greater_or_equal(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule positive
onnx.graph @greater_or_equal(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %n1 = onnx.Constant dense<1> : tensor<i64>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.GreaterOrEqual %a, %n1 : (tensor<1x1x1x2xi64>, tensor<i64>) -> tensor<1x1x1x2xi1>
  %y = onnx.Where %c, %zero, %low : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @less(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule positive
onnx.graph @less(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %n1 = onnx.Constant dense<1> : tensor<i64>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.Less %a, %n1 : (tensor<1x1x1x2xi64>, tensor<i64>) -> tensor<1x1x1x2xi1>
  %y = onnx.Where %c, %low, %zero : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @equal_one(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule one
onnx.graph @equal_one(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %n1 = onnx.Constant dense<1> : tensor<i64>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.Equal %a, %n1 : (tensor<1x1x1x2xi64>, tensor<i64>) -> tensor<1x1x1x2xi1>
  %y = onnx.Where %c, %zero, %low : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @equal_zero(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule nonzero
onnx.graph @equal_zero(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %n0 = onnx.Constant dense<0> : tensor<i64>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.Equal %a, %n0 : (tensor<1x1x1x2xi64>, tensor<i64>) -> tensor<1x1x1x2xi1>
  %y = onnx.Where %c, %low, %zero : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}

// -----

// CHECK-LABEL: aac.task @padding(
// CHECK: aac.mask %{{.*}}, -1.000000e+04 rule zero
onnx.graph @padding(%m: tensor<1x2xi64>) inputs ["m"] outputs ["y"] {
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %n0 = onnx.Constant dense<0> : tensor<i64>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.Equal %a, %n0 : (tensor<1x1x1x2xi64>, tensor<i64>) -> tensor<1x1x1x2xi1>
  %y = onnx.Where %c, %zero, %low : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  onnx.return %y : tensor<1x1x1x2xf32>
}
