// Every op in its pretty form: text, generic form and bytecode say the same.
// RUN: aac-opt %s | FileCheck %s
// RUN: aac-opt %s | aac-opt | FileCheck %s
// RUN: aac-opt %s --mlir-print-op-generic | aac-opt | FileCheck %s
// RUN: aac-opt %s --emit-bytecode | aac-opt | FileCheck %s
// RUN: aac-opt %s --verify-roundtrip -o %t

// CHECK-LABEL: aac.suite
aac.suite {
  // CHECK: aac.param @table : tensor<5x4xf32> = dense<5.000000e-01> : tensor<5x4xf32> {content_hash = 7 : i64, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["sst2"]}
  aac.param @table : tensor<5x4xf32> = dense<0.5> : tensor<5x4xf32> {role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["sst2"], content_hash = 7 : i64}
  // CHECK: aac.param @w : tensor<4x4xf32> = dense_resource<blob> : tensor<4x4xf32> {role = #aac.role<attention>}
  aac.param @w : tensor<4x4xf32> = dense_resource<blob> : tensor<4x4xf32> {role = #aac.role<attention>}
  // CHECK: aac.param @codes : tensor<2x4xf32> = dense<17> : tensor<2x4xi8> {format = #aac.af<8, 3, bias = 5, scale = -2>, sparsity = 5.000000e-01 : f64}
  aac.param @codes : tensor<2x4xf32> = dense<17> : tensor<2x4xi8> {format = #aac.af<8, 3, bias = 5, scale = -2>, sparsity = 0.5 : f64}
  // CHECK: aac.param @wide : tensor<2xf32> = dense<17> : tensor<2xi16> {format = #aac.af<12, 4, bias = 0, scale = 1>}
  aac.param @wide : tensor<2xf32> = dense<17> : tensor<2xi16> {format = #aac.af<12, 4, bias = 0, scale = 1>}
  // CHECK: aac.param @int8 : tensor<2xf32> = dense<17> : tensor<2xi8> {format = #aac.int8<1.000000e-01, zero = -128>}
  aac.param @int8 : tensor<2xf32> = dense<17> : tensor<2xi8> {format = #aac.int8<0.1, zero = -128>}
  // CHECK: aac.param @channels : tensor<1x2xf32> = dense<17> : tensor<1x2xi8> {format = #aac.int8<[0.00784313772, 2.500000e-01], zero = [3, 0], axis = 1>}
  aac.param @channels : tensor<1x2xf32> = dense<17> : tensor<1x2xi8> {format = #aac.int8<[0.007843138, 0.25], zero = [3, 0], axis = 1>}
  // CHECK: aac.param @one_channel : tensor<1x2xf32> = dense<17> : tensor<1x2xi8> {format = #aac.int8<[2.500000e-01], axis = 0>}
  aac.param @one_channel : tensor<1x2xf32> = dense<17> : tensor<1x2xi8> {format = #aac.int8<[0.25], zero = [0], axis = 0>}
  aac.param @b : tensor<4xf32> = dense<0.25> : tensor<4xf32>
  aac.param @down : tensor<2x4xf32> = dense<0.25> : tensor<2x4xf32>
  aac.param @down_bias : tensor<2xf32> = dense<0.25> : tensor<2xf32>
  aac.param @up : tensor<4x2xf32> = dense<0.25> : tensor<4x2xf32>

  // CHECK: aac.task @sst2(%[[IDS:.*]]: tensor<1x3xi64>, %[[MASK:.*]]: tensor<1x3xi64>) inputs ["input_ids", "attention_mask"] outputs ["logits"] attributes {note = 1 : i64} {
  aac.task @sst2(%ids: tensor<1x3xi64>, %mask: tensor<1x3xi64>) inputs ["input_ids", "attention_mask"] outputs ["logits"] attributes {note = 1 : i64} {
    // CHECK: aac.use @table : tensor<5x4xf32>
    %table = aac.use @table : tensor<5x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    // CHECK: %[[POS:.*]] = aac.constant_ids dense<{{.*}}0, 1, 2{{.*}}> : tensor<1x3xi64>
    %pos = aac.constant_ids dense<[[0, 1, 2]]> : tensor<1x3xi64>
    // CHECK: aac.embedding ids(%[[IDS]], %[[POS]]) tables(%{{.*}}, %{{.*}}) : (tensor<1x3xi64>, tensor<1x3xi64>, tensor<5x4xf32>, tensor<5x4xf32>) -> tensor<1x3x4xf32>
    %e = aac.embedding ids(%ids, %pos) tables(%table, %table) : (tensor<1x3xi64>, tensor<1x3xi64>, tensor<5x4xf32>, tensor<5x4xf32>) -> tensor<1x3x4xf32>
    // CHECK: aac.mask %[[MASK]], -1.000000e+04 : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
    %m = aac.mask %mask, -10000.0 : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
    // CHECK: aac.mask %[[MASK]], 0xFF800000 rule nonzero : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
    %infinite = aac.mask %mask, 0xFF800000 rule nonzero : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
    // CHECK: aac.loop 2 (%[[H:.*]] = %{{.*}}) : (tensor<1x3x4xf32>) {
    %l = aac.loop 2 (%h = %e) : (tensor<1x3x4xf32>) {
      // CHECK: aac.use_each [@down, @codes] : tensor<2x4xf32>
      %down = aac.use_each [@down, @codes] : tensor<2x4xf32>
      %down_bias = aac.use @down_bias : tensor<2xf32>
      %up = aac.use @up : tensor<4x2xf32>
      // CHECK: aac.linear %[[H]], %{{.*}}, %{{.*}} {absmax = 2.000000e+00 : f64, format = #aac.af<8, 3, bias = 7, scale = 0>} : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      %q = aac.linear %h, %w, %b {absmax = 2.0 : f64, format = #aac.af<8, 3, bias = 7, scale = 0>} : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      // CHECK: aac.linear %[[H]], %{{.*}} {buffer = #aac.buffer<"sram", address = 16, bytes = 256>} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
      %k = aac.linear %h, %w {buffer = #aac.buffer<"sram", address = 16, bytes = 256>} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
      // CHECK: aac.scores %{{.*}}, %{{.*}} heads 2 scale 0.707106769 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
      %s = aac.scores %q, %k heads 2 scale 0.707106769 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
      // CHECK: aac.softmax %{{.*}}, %{{.*}} : (tensor<1x2x3x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x2x3x3xf32>
      %p = aac.softmax %s, %m : (tensor<1x2x3x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x2x3x3xf32>
      // CHECK: aac.softmax %{{.*}}, %{{.*}} {fill} : (tensor<1x2x3x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x2x3x3xf32>
      %p1 = aac.softmax %s, %infinite {fill} : (tensor<1x2x3x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x2x3x3xf32>
      // CHECK: aac.softmax %{{.*}} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
      %p2 = aac.softmax %s : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
      // CHECK: aac.context %{{.*}}, %[[H]] : (tensor<1x2x3x3xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
      %c = aac.context %p, %h : (tensor<1x2x3x3xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
      // CHECK: aac.add %{{.*}}, %[[H]] : tensor<1x3x4xf32>
      %a = aac.add %c, %h : tensor<1x3x4xf32>
      // CHECK: aac.layer_norm %{{.*}}, %{{.*}}, %{{.*}} epsilon {{.*}} {min_variance = 1.000000e-01 : f64} : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      %n = aac.layer_norm %a, %b, %b epsilon 1.0e-12 {min_variance = 0.1 : f64} : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      // CHECK: aac.adapter silu %{{.*}} down(%{{.*}}, %{{.*}}) up(%{{.*}}, %{{.*}}) {scale = 5.000000e-01 : f32} : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      %d = aac.adapter silu %n down(%down, %down_bias) up(%up, %b) {scale = 0.5 : f32} : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      // CHECK: aac.yield %{{.*}} : tensor<1x3x4xf32>
      aac.yield %d : tensor<1x3x4xf32>
    }
    // CHECK: aac.activation relu
    %a0 = aac.activation relu %l : tensor<1x3x4xf32>
    // CHECK: aac.activation gelu_tanh
    %a1 = aac.activation gelu_tanh %a0 : tensor<1x3x4xf32>
    // CHECK: aac.activation gelu_erf
    %a2 = aac.activation gelu_erf %a1 : tensor<1x3x4xf32>
    // CHECK: aac.activation sigmoid
    %a3 = aac.activation sigmoid %a2 : tensor<1x3x4xf32>
    // CHECK: aac.activation tanh
    %a4 = aac.activation tanh %a3 : tensor<1x3x4xf32>
    // CHECK: aac.select %{{.*}}[2] : tensor<1x3x4xf32> -> tensor<1x4xf32>
    %f = aac.select %a4[2] : tensor<1x3x4xf32> -> tensor<1x4xf32>
    // CHECK: aac.return %{{.*}} : tensor<1x4xf32>
    aac.return %f : tensor<1x4xf32>
  }
  // CHECK: aac.task @scores
  aac.task @scores(%x: tensor<1x3x1xf32>) inputs ["x"] outputs ["y"] {
    // CHECK: aac.squeeze %{{.*}} : tensor<1x3x1xf32> -> tensor<1x3xf32>
    %y = aac.squeeze %x : tensor<1x3x1xf32> -> tensor<1x3xf32>
    aac.return %y : tensor<1x3xf32>
  }
  // A task without outputs, and a loop that carries nothing.
  // CHECK: aac.task @none() inputs [] outputs []
  aac.task @none() inputs [] outputs [] {
    // CHECK: aac.loop 1 () : ()
    aac.loop 1 () : () {
      aac.yield
    }
  }
}

{-#
  dialect_resources: { builtin: { blob: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F" } }
#-}
