// Where constants, scales, biases and rows of the file go.
// RUN: aac-opt %s -split-input-file --aac-raise-onnx | FileCheck %s

// An adapter scales its result alone: with a scale in front of its function it stays apart.
// CHECK-LABEL: aac.task @scaled_down
// CHECK: aac.linear %{{.*}} {scale = 2.000000e+00 : f32}
// CHECK-NEXT: aac.activation relu
// CHECK-NOT: aac.adapter
// CHECK: aac.add
onnx.graph @scaled_down(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %d = onnx.Initializer "d" dense<0.5> : tensor<3x1xf32>
  %db = onnx.Initializer "db" dense<0.25> : tensor<1xf32>
  %u = onnx.Initializer "u" dense<0.5> : tensor<1x3xf32>
  %ub = onnx.Initializer "ub" dense<0.25> : tensor<3xf32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %0 = onnx.MatMul %x, %d : (tensor<1x2x3xf32>, tensor<3x1xf32>) -> tensor<1x2x1xf32>
  %1 = onnx.Add %db, %0 : (tensor<1xf32>, tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %s = onnx.Mul %1, %two : (tensor<1x2x1xf32>, tensor<f32>) -> tensor<1x2x1xf32>
  %2 = onnx.Relu %s : (tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  %3 = onnx.MatMul %2, %u : (tensor<1x2x1xf32>, tensor<1x3xf32>) -> tensor<1x2x3xf32>
  %4 = onnx.Add %ub, %3 : (tensor<3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %6 = onnx.Add %4, %x : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  onnx.return %6 : tensor<1x2x3xf32>
}

// -----

// The low-rank product is an adapter's, the bias goes to the other product.
// CHECK-DAG: aac.param @a {{.*}}role = #aac.role<adapter>
// CHECK-DAG: aac.param @u {{.*}}role = #aac.role<adapter>
// CHECK-DAG: aac.param @w {{.*}}role = #aac.role<classifier>
// CHECK-DAG: aac.param @b {{.*}}role = #aac.role<classifier>
// CHECK-LABEL: aac.task @lora
// CHECK: %[[A:.*]] = aac.use @a
// CHECK: %[[LOW:.*]] = aac.linear %[[X:.*]], %[[A]] :
// CHECK: %[[U:.*]] = aac.use @u
// CHECK: %[[DELTA:.*]] = aac.linear %[[LOW]], %[[U]] :
// CHECK: %[[W:.*]] = aac.use @w
// CHECK: %[[B:.*]] = aac.use @b
// CHECK: %[[BASE:.*]] = aac.linear %[[X]], %[[W]], %[[B]] :
// CHECK: aac.add %[[BASE]], %[[DELTA]]
onnx.graph @lora(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x4xf32>
  %b = onnx.Initializer "b" dense<0.25> : tensor<4xf32>
  %a = onnx.Initializer "a" dense<0.5> : tensor<4x1xf32>
  %u = onnx.Initializer "u" dense<0.5> : tensor<1x4xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %1 = onnx.MatMul %x, %a : (tensor<1x2x4xf32>, tensor<4x1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.MatMul %1, %u : (tensor<1x2x1xf32>, tensor<1x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.Add %2, %0 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %4 = onnx.Add %3, %b : (tensor<1x2x4xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  onnx.return %4 : tensor<1x2x4xf32>
}

// -----

// Weights without names are called what they are for.
// CHECK-DAG: aac.param @classifier_lora_down_weight : tensor<1x4xf32> {{.*}}role = #aac.role<adapter>
// CHECK-DAG: aac.param @classifier_lora_up_weight : tensor<4x1xf32> {{.*}}role = #aac.role<adapter>
// CHECK-DAG: aac.param @classifier_weight : tensor<4x4xf32> {{.*}}role = #aac.role<classifier>
// CHECK-LABEL: aac.task @lora_without_names
onnx.graph @lora_without_names(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Constant dense<0.5> : tensor<4x4xf32>
  %a = onnx.Constant dense<0.5> : tensor<4x1xf32>
  %u = onnx.Constant dense<0.25> : tensor<1x4xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %1 = onnx.MatMul %x, %a : (tensor<1x2x4xf32>, tensor<4x1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.MatMul %1, %u : (tensor<1x2x1xf32>, tensor<1x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.Add %0, %2 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %3 : tensor<1x2x4xf32>
}

// -----

// With a bias between the two it is none.
// CHECK-NOT: role<adapter>
// CHECK-LABEL: aac.task @no_lora_with_a_bias
onnx.graph @no_lora_with_a_bias(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x4xf32>
  %b = onnx.Initializer "b" dense<0.25> : tensor<4xf32>
  %a = onnx.Initializer "a" dense<0.5> : tensor<4x1xf32>
  %ab = onnx.Initializer "ab" dense<0.5> : tensor<1xf32>
  %u = onnx.Initializer "u" dense<0.5> : tensor<1x4xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %00 = onnx.Add %0, %b : (tensor<1x2x4xf32>, tensor<4xf32>) -> tensor<1x2x4xf32>
  %1 = onnx.MatMul %x, %a : (tensor<1x2x4xf32>, tensor<4x1xf32>) -> tensor<1x2x1xf32>
  %11 = onnx.Add %1, %ab : (tensor<1x2x1xf32>, tensor<1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.MatMul %11, %u : (tensor<1x2x1xf32>, tensor<1x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.Add %00, %2 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %3 : tensor<1x2x4xf32>
}

// -----

// Nor of another value than the product's.
// CHECK-NOT: role<adapter>
// CHECK-LABEL: aac.task @no_lora_of_another_value
onnx.graph @no_lora_of_another_value(%x: tensor<1x2x4xf32>, %z: tensor<1x2x4xf32>) inputs ["x", "z"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<4x4xf32>
  %a = onnx.Initializer "a" dense<0.5> : tensor<4x1xf32>
  %u = onnx.Initializer "u" dense<0.5> : tensor<1x4xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %1 = onnx.MatMul %z, %a : (tensor<1x2x4xf32>, tensor<4x1xf32>) -> tensor<1x2x1xf32>
  %2 = onnx.MatMul %1, %u : (tensor<1x2x1xf32>, tensor<1x4xf32>) -> tensor<1x2x4xf32>
  %3 = onnx.Add %0, %2 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %3 : tensor<1x2x4xf32>
}

// -----

// Scales of query (2), key (3) and scores (5) are one; that of the probabilities (7) is that of both
// addends of the values.
// CHECK-LABEL: aac.task @attention
// CHECK: %[[WQ:.*]] = aac.use @q
// CHECK: %[[Q:.*]] = aac.linear %[[X:.*]], %[[WQ]] :
// CHECK: %[[WK:.*]] = aac.use @k
// CHECK: %[[K:.*]] = aac.linear %[[X]], %[[WK]] :
// CHECK: %[[S:.*]] = aac.scores %[[Q]], %[[K]] heads 2 scale 3.000000e+01 :
// CHECK: %[[M:.*]] = aac.mask %{{.*}}, -1.000000e+04 : tensor<1x2xi64>
// CHECK: %[[P:.*]] = aac.softmax %[[S]], %[[M]] :
// CHECK: %[[LOW:.*]] = aac.linear %[[X]], %{{.*}} : (tensor<1x2x4xf32>, tensor<1x4xf32>)
// CHECK: %[[BASE:.*]] = aac.linear %[[X]], %{{.*}} {scale = 7.000000e+00 : f32}
// CHECK: %[[DELTA:.*]] = aac.linear %[[LOW]], %{{.*}} {scale = 7.000000e+00 : f32}
// CHECK: %[[V:.*]] = aac.add %[[BASE]], %[[DELTA]]
// CHECK: aac.context %[[P]], %[[V]]
onnx.graph @attention(%x: tensor<1x2x4xf32>, %m: tensor<1x2xi64>) inputs ["x", "m"] outputs ["y"] {
  %wq = onnx.Initializer "q" dense<0.5> : tensor<4x4xf32>
  %wk = onnx.Initializer "k" dense<0.25> : tensor<4x4xf32>
  %wv = onnx.Initializer "v" dense<0.125> : tensor<4x4xf32>
  %wa = onnx.Initializer "a" dense<0.5> : tensor<4x1xf32>
  %wu = onnx.Initializer "u" dense<0.5> : tensor<1x4xf32>
  %split = onnx.Constant dense<[1, 2, 2, 2]> : tensor<4xi64>
  %merged = onnx.Constant dense<[1, 2, 4]> : tensor<3xi64>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %three = onnx.Constant dense<3.0> : tensor<f32>
  %five = onnx.Constant dense<5.0> : tensor<f32>
  %seven = onnx.Constant dense<7.0> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %q0 = onnx.MatMul %x, %wq : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %q1 = onnx.Reshape %q0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %q2 = onnx.Transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %q3 = onnx.Mul %q2, %two : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %k0 = onnx.MatMul %x, %wk : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %k1 = onnx.Reshape %k0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %k2 = onnx.Transpose %k1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %k3 = onnx.Mul %k2, %three : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %s = onnx.MatMul %q3, %k3 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %s2 = onnx.Mul %s, %five : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %axes = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %mf = onnx.Cast %axes {to = 1 : i64} : (tensor<1x1x1x2xi64>) -> tensor<1x1x1x2xf32>
  %mi = onnx.Sub %one, %mf : (tensor<f32>, tensor<1x1x1x2xf32>) -> tensor<1x1x1x2xf32>
  %ma = onnx.Mul %mi, %low : (tensor<1x1x1x2xf32>, tensor<f32>) -> tensor<1x1x1x2xf32>
  %masked = onnx.Add %ma, %s2 : (tensor<1x1x1x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %p = onnx.Softmax %masked {axis = -1 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %p2 = onnx.Mul %p, %seven : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %vw = onnx.MatMul %x, %wv : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %va = onnx.MatMul %x, %wa : (tensor<1x2x4xf32>, tensor<4x1xf32>) -> tensor<1x2x1xf32>
  %vu = onnx.MatMul %va, %wu : (tensor<1x2x1xf32>, tensor<1x4xf32>) -> tensor<1x2x4xf32>
  %v0 = onnx.Add %vw, %vu : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %v1 = onnx.Reshape %v0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %v2 = onnx.Transpose %v1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %c = onnx.MatMul %p2, %v2 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %c2 = onnx.Transpose %c {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %y = onnx.Reshape %c2, %merged : (tensor<1x2x2x2xf32>, tensor<3xi64>) -> tensor<1x2x4xf32>
  onnx.return %y : tensor<1x2x4xf32>
}

// -----

// Ids count from a table's end; rows of a Slice start where it does.
// CHECK-LABEL: aac.task @embedding
// CHECK: %[[W:.*]] = aac.use @w
// CHECK: %[[T:.*]] = aac.use @t
// CHECK: %[[T_IDS:.*]] = aac.constant_ids dense<{{\[\[}}2, 1]]>
// CHECK: %[[P:.*]] = aac.use @p
// CHECK: %[[P_IDS:.*]] = aac.constant_ids dense<{{\[\[}}3, 4]]>
// CHECK: %[[R:.*]] = aac.use @rows
// CHECK: %[[R_IDS:.*]] = aac.constant_ids dense<{{\[\[}}0, 1]]>
// CHECK: aac.embedding ids(%{{.*}}, %[[T_IDS]], %[[P_IDS]], %[[R_IDS]]) tables(%[[W]], %[[T]], %[[P]], %[[R]])
onnx.graph @embedding(%i: tensor<1x2xi64>) inputs ["i"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<0.5> : tensor<5x4xf32>
  %p = onnx.Initializer "p" dense<0.25> : tensor<6x4xf32>
  %t = onnx.Initializer "t" dense<0.125> : tensor<3x4xf32>
  %ids = onnx.Constant dense<[[-1, 1]]> : tensor<1x2xi64>
  %three = onnx.Constant dense<3> : tensor<1xi64>
  %end = onnx.Constant dense<5> : tensor<1xi64>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %rows = onnx.Initializer "rows" dense<0.75> : tensor<2x4xf32>
  %none = onnx.None
  %0 = onnx.Gather %w, %i : (tensor<5x4xf32>, tensor<1x2xi64>) -> tensor<1x2x4xf32>
  %1 = onnx.Gather %t, %ids : (tensor<3x4xf32>, tensor<1x2xi64>) -> tensor<1x2x4xf32>
  %2 = onnx.Slice %p, %three, %end, %zero, %none : (tensor<6x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<2x4xf32>
  %3 = onnx.Add %0, %1 : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %4 = onnx.Add %3, %2 : (tensor<1x2x4xf32>, tensor<2x4xf32>) -> tensor<1x2x4xf32>
  %5 = onnx.Add %4, %rows : (tensor<1x2x4xf32>, tensor<2x4xf32>) -> tensor<1x2x4xf32>
  onnx.return %5 : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: aac.task @last_token
// CHECK: aac.select %{{.*}}[2] : tensor<1x3x4xf32> -> tensor<1x4xf32>
onnx.graph @last_token(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
  %i = onnx.Constant dense<-1> : tensor<i64>
  %0 = onnx.Gather %x, %i {axis = 1 : i64} : (tensor<1x3x4xf32>, tensor<i64>) -> tensor<1x4xf32>
  onnx.return %0 : tensor<1x4xf32>
}

// -----

// Weight and bias of a part are its own.
// CHECK: aac.param @[[W:.*]] : tensor<2x2xf32> = dense<{{\[\[}}2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]>
// CHECK: aac.param @[[B:.*]] : tensor<2xf32> = dense<[8.000000e+00, 9.000000e+00]>
// CHECK-LABEL: aac.task @second_part
onnx.graph @second_part(%x: tensor<1x3x2xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %b = onnx.Initializer "b" dense<[7.0, 8.0, 9.0]> : tensor<3xf32>
  %0 = onnx.MatMul %x, %w : (tensor<1x3x2xf32>, tensor<2x3xf32>) -> tensor<1x3x3xf32>
  %1 = onnx.Add %0, %b : (tensor<1x3x3xf32>, tensor<3xf32>) -> tensor<1x3x3xf32>
  %2:2 = onnx.Split %1 {axis = -1 : i64} : (tensor<1x3x3xf32>) -> (tensor<1x3x1xf32>, tensor<1x3x2xf32>)
  onnx.return %2#1 : tensor<1x3x2xf32>
}

// -----

// CHECK-LABEL: aac.task @middle_token
// CHECK: aac.select %{{.*}}[1] : tensor<1x3x4xf32> -> tensor<1x4xf32>
onnx.graph @middle_token(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
  %start = onnx.Constant dense<-2> : tensor<1xi64>
  %end = onnx.Constant dense<2> : tensor<1xi64>
  %axis = onnx.Constant dense<1> : tensor<1xi64>
  %none = onnx.None
  %0 = onnx.Slice %x, %start, %end, %axis, %none : (tensor<1x3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x1x4xf32>
  %1 = onnx.Squeeze %0 {axes = array<i64: 1>} : (tensor<1x1x4xf32>) -> tensor<1x4xf32>
  onnx.return %1 : tensor<1x4xf32>
}

// -----

// A factor behind the mask is that of the scores and of the mask.
// CHECK-LABEL: aac.task @scaled_mask
// CHECK: %[[M:.*]] = aac.mask %{{.*}}, -5.000000e+03 : tensor<1x2xi64>
// CHECK: %[[S:.*]] = aac.scores %{{.*}} heads 2 scale 5.000000e-01 :
// CHECK: aac.softmax %[[S]], %[[M]] :
onnx.graph @scaled_mask(%x: tensor<1x2x4xf32>, %m: tensor<1x2xi64>) inputs ["x", "m"] outputs ["y"] {
  %wq = onnx.Initializer "q" dense<0.5> : tensor<4x4xf32>
  %wk = onnx.Initializer "k" dense<0.25> : tensor<4x4xf32>
  %split = onnx.Constant dense<[1, 2, 2, 2]> : tensor<4xi64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %factor = onnx.Constant dense<0.5> : tensor<f32>
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
  %scaled = onnx.Mul %masked, %factor : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %y = onnx.Softmax %scaled {axis = -1 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  onnx.return %y : tensor<1x2x2x2xf32>
}

// -----

// A factor of the input is the product's, where no bias is added in between.
// CHECK-LABEL: aac.task @scaled_input
// CHECK: aac.linear %{{.*}} {scale = 3.000000e+00 : f32}
onnx.graph @scaled_input(%x: tensor<1x2x3xf32>) inputs ["x"] outputs ["y"] {
  %three = onnx.Constant dense<3.0> : tensor<f32>
  %w = onnx.Initializer "w" dense<0.5> : tensor<3x2xf32>
  %0 = onnx.Mul %x, %three : (tensor<1x2x3xf32>, tensor<f32>) -> tensor<1x2x3xf32>
  %1 = onnx.MatMul %0, %w : (tensor<1x2x3xf32>, tensor<3x2xf32>) -> tensor<1x2x2xf32>
  onnx.return %1 : tensor<1x2x2xf32>
}

// -----

// A mask that takes the scores' place; the factor behind it multiplies theirs.
// CHECK-LABEL: aac.task @filled_mask
// CHECK: %[[M:.*]] = aac.mask %{{.*}}, -2.000000e+04 rule nonzero : tensor<1x2xi64>
// CHECK: %[[S:.*]] = aac.scores %{{.*}} heads 2 scale 6.000000e+00 :
// CHECK: aac.softmax %[[S]], %[[M]] {fill} :
onnx.graph @filled_mask(%x: tensor<1x2x4xf32>, %m: tensor<1x2xi64>) inputs ["x", "m"] outputs ["y"] {
  %wq = onnx.Initializer "q" dense<0.5> : tensor<4x4xf32>
  %wk = onnx.Initializer "k" dense<0.25> : tensor<4x4xf32>
  %split = onnx.Constant dense<[1, 2, 2, 2]> : tensor<4xi64>
  %three = onnx.Constant dense<3.0> : tensor<f32>
  %n0 = onnx.Constant dense<0> : tensor<i64>
  %low = onnx.Constant dense<-1.0e+04> : tensor<f32>
  %factor = onnx.Constant dense<2.0> : tensor<f32>
  %q0 = onnx.MatMul %x, %wq : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %q1 = onnx.Reshape %q0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %q2 = onnx.Transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %k0 = onnx.MatMul %x, %wk : (tensor<1x2x4xf32>, tensor<4x4xf32>) -> tensor<1x2x4xf32>
  %k1 = onnx.Reshape %k0, %split : (tensor<1x2x4xf32>, tensor<4xi64>) -> tensor<1x2x2x2xf32>
  %k2 = onnx.Transpose %k1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %s = onnx.MatMul %q2, %k2 : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %a = onnx.Unsqueeze %m {axes = array<i64: 1, 2>} : (tensor<1x2xi64>) -> tensor<1x1x1x2xi64>
  %c = onnx.Equal %a, %n0 : (tensor<1x1x1x2xi64>, tensor<i64>) -> tensor<1x1x1x2xi1>
  %s3 = onnx.Mul %s, %three : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %masked = onnx.Where %c, %low, %s3 : (tensor<1x1x1x2xi1>, tensor<f32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %scaled = onnx.Mul %masked, %factor : (tensor<1x2x2x2xf32>, tensor<f32>) -> tensor<1x2x2x2xf32>
  %y = onnx.Softmax %scaled {axis = -1 : i64} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  onnx.return %y : tensor<1x2x2x2xf32>
}

// -----

// A square weight's rows are inputs or outputs, as the equation says.
// CHECK: aac.param @by_in : tensor<2x2xf32> = dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]>
// CHECK: aac.param @by_out : tensor<2x2xf32> = dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]>
// CHECK-LABEL: aac.task @einsum
onnx.graph @einsum(%x: tensor<1x2x2xf32>) inputs ["x"] outputs ["y"] {
  %a = onnx.Initializer "by_in" dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = onnx.Initializer "by_out" dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %0 = onnx.Einsum %x, %a {equation = "bsi,io->bso"} : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
  %1 = onnx.Einsum %0, %b {equation = "bsi,oi->bso"} : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
  onnx.return %1 : tensor<1x2x2xf32>
}

// -----

// Features that a Slice counts from the end.
// CHECK: aac.param @{{.*}} : tensor<2x2xf32> = dense<{{\[\[}}2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]>
// CHECK-LABEL: aac.task @negative
onnx.graph @negative(%x: tensor<1x3x2xf32>) inputs ["x"] outputs ["y"] {
  %w = onnx.Initializer "w" dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %s = onnx.Constant dense<-2> : tensor<1xi64>
  %e = onnx.Constant dense<3> : tensor<1xi64>
  %ax = onnx.Constant dense<-1> : tensor<1xi64>
  %none = onnx.None
  %0 = onnx.MatMul %x, %w : (tensor<1x3x2xf32>, tensor<2x3xf32>) -> tensor<1x3x3xf32>
  %1 = onnx.Slice %0, %s, %e, %ax, %none : (tensor<1x3x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<1x3x2xf32>
  onnx.return %1 : tensor<1x3x2xf32>
}
