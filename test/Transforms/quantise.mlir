// RUN: aac-opt %s --aac-share --aac-calibrate --aac-quantise --aac-verify-quantised | FileCheck %s
// RUN: aac-opt %s --aac-share --aac-calibrate=samples=none --aac-quantise --aac-verify-quantised | FileCheck %s --check-prefix=BOUNDS

// Weights are codes, biases stay f32. Gamma and beta have the scale of the residual stream, to
// which adds and layer norms join everything; @beta is small and has a small bias. Scores and
// probabilities have scale 0. The relu is fused: one format with its linear.
// CHECK: aac.param @word : tensor<10x4xf32> = dense<{{.*}}> : tensor<10x4xi8> {{.*}}format = #aac.af<8, 3, bias = 7, scale = -3>
// CHECK: aac.param @gamma {{.*}}format = #aac.af<8, 3, bias = {{[0-9]}}, scale = [[S:-?[0-9]+]]>
// CHECK: aac.param @beta {{.*}}format = #aac.af<8, 3, bias = 0, scale = [[S]]>
// CHECK: aac.param @b : tensor<4xf32> = dense<{{.*}}> : tensor<4xf32> {
// CHECK-NOT: format
// CHECK: aac.embedding {{.*}}absmax = {{.*}}format = #aac.af<8, 3, bias = 7
// CHECK: aac.layer_norm {{.*}}format = #[[H:aac.af<8, 3, bias = [0-9], scale = ]][[S]]>, min_variance =
// CHECK: aac.loop
// CHECK: aac.scores {{.*}}scale = 0>
// CHECK: aac.softmax {{.*}}bias = 3, scale = 0>
// CHECK: aac.context {{.*}}scale = [[S]]>
// CHECK: aac.add {{.*}}scale = [[S]]>
// CHECK: aac.layer_norm {{.*}}scale = [[S]]>
// CHECK: aac.select {{.*}}scale = [[S]]>
// CHECK: aac.linear {{.*}}format = #[[F:.*]]>}
// CHECK: aac.activation {{.*}}format = #[[F]]>}

// BOUNDS-NOT: absmax
// BOUNDS: aac.layer_norm {{.*}}format = #aac.af<8, 3, bias = 5, scale = -2>
// BOUNDS: aac.activation {{.*}}format
aac.suite {
  aac.param @word : tensor<10x4xf32> = dense<[[1.0, -2.0, 0.5, 0.25],[0.1, 0.2, 0.3, 0.4],[1.0, 1.5, -0.5, 0.75],[1.0, -2.0, 0.5, 0.25],[0.1, 0.2, 0.3, 0.4],[1.0, 1.5, -0.5, 0.75],[0.1, 0.2, 0.3, 0.4],[1.0, 1.5, -0.5, 0.75],[0.1, 0.2, 0.3, 0.4],[1.0, 1.5, -0.5, 0.75]]> : tensor<10x4xf32> {role = #aac.role<embedding>}
  aac.param @segment : tensor<2x4xf32> = dense<0.125> : tensor<2x4xf32> {role = #aac.role<embedding>}
  aac.param @gamma : tensor<4xf32> = dense<[1.0, 0.5, 0.75, 1.0]> : tensor<4xf32> {role = #aac.role<layer_norm>}
  aac.param @beta : tensor<4xf32> = dense<[0.0, 0.01, -0.02, 0.0]> : tensor<4xf32> {role = #aac.role<layer_norm>}
  aac.param @w : tensor<4x4xf32> = dense<[[1.0, -2.0, 0.5, 0.25],[0.1, 0.2, 0.3, 0.4],[1.0, 1.5, -0.5, 0.75],[0.0, 0.0, 1.0, 0.0]]> : tensor<4x4xf32> {role = #aac.role<attention>}
  aac.param @b : tensor<4xf32> = dense<[1.0, 0.5, 0.75, 1.0]> : tensor<4xf32> {role = #aac.role<attention>}
  aac.task @t(%ids: tensor<1x3xi64>, %mask: tensor<1x3xi64>, %types: tensor<1x3xi64>) inputs ["input_ids", "attention_mask", "token_type_ids"] outputs ["y"] {
    %word = aac.use @word : tensor<10x4xf32>
    %segment = aac.use @segment : tensor<2x4xf32>
    %g = aac.use @gamma : tensor<4xf32>
    %be = aac.use @beta : tensor<4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %e = aac.embedding ids(%ids, %types) tables(%word, %segment) : (tensor<1x3xi64>, tensor<1x3xi64>, tensor<10x4xf32>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %x = aac.layer_norm %e, %g, %be epsilon 1.0e-12 : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    %m = aac.mask %mask, -10000.0 : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
    %out = aac.loop 2 (%h = %x) : (tensor<1x3x4xf32>) {
      %q = aac.linear %h, %w, %b : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      %k = aac.linear %h, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
      %s = aac.scores %q, %k heads 2 scale 0.5 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
      %p = aac.softmax %s, %m : (tensor<1x2x3x3xf32>, tensor<1x1x1x3xf32>) -> tensor<1x2x3x3xf32>
      %c = aac.context %p, %k : (tensor<1x2x3x3xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
      %a = aac.add %c, %h : tensor<1x3x4xf32>
      %n = aac.layer_norm %a, %g, %be epsilon 1.0e-12 : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      aac.yield %n : tensor<1x3x4xf32>
    }
    %cls = aac.select %out[0] : tensor<1x3x4xf32> -> tensor<1x4xf32>
    %l = aac.linear %cls, %w, %b : (tensor<1x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
    %r = aac.activation relu %l : tensor<1x4xf32>
    aac.return %r : tensor<1x4xf32>
  }
}
