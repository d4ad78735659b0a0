// RUN: aac-opt %s --split-input-file --verify-diagnostics --aac-verify-quantised

#f0 = #aac.af<8, 3, bias = 7, scale = 0>
#f1 = #aac.af<8, 3, bias = 7, scale = 1>
#low = #aac.af<8, 3, bias = 0, scale = -20>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1> : tensor<2x4xi8> {format = #aac.af<8, 3, bias = 7, scale = 0>}
  aac.param @w : tensor<4x4xf32> = dense<1> : tensor<4x4xi8> {format = #aac.af<8, 3, bias = 0, scale = 0>}
  aac.param @w1 : tensor<4x4xf32> = dense<1> : tensor<4x4xi8> {format = #aac.af<8, 3, bias = 1, scale = 0>}
  aac.param @g : tensor<4xf32> = dense<1> : tensor<4xi8> {format = #aac.af<8, 3, bias = 7, scale = 0>}
  aac.param @plain : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %g = aac.use @g : tensor<4xf32>
    %plain = aac.use @plain : tensor<4xf32>
    // expected-error @+1 {{the result has no format: run aac-quantise}}
    %none = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %a = aac.embedding ids(%ids) tables(%t) {format = #f0} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{lhs has scale 0 and result has scale 1: the engine adds at one scale}}
    %sum = aac.add %a, %a {format = #f1} : tensor<1x3x4xf32>
    // expected-error @+1 {{beta has no format: run aac-quantise}}
    %n0 = aac.layer_norm %a, %g, %plain epsilon 0.0 {format = #f0} : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{gamma has scale 0 and result has scale 1}}
    %n1 = aac.layer_norm %a, %g, %g epsilon 0.0 {format = #f1} : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{needs a shift of -11, the engine has 0 to 31: operands have smallest exponents -3 and -10, the result has scale -20}}
    %l = aac.linear %a, %w {format = #low} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{bias @g has a format: linear biases stay f32}}
    %lb = aac.linear %a, %w, %g {format = #f0} : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{the result has format #aac.af<8, 3, bias = 7, scale = 0> and the relu applied with it has #aac.af<8, 3, bias = 7, scale = 1>}}
    %lr = aac.linear %a, %w {format = #f0} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    %r = aac.activation relu %lr {format = #f1} : tensor<1x3x4xf32>
    // expected-error @+1 {{scale 3.000000e+00 is no power of two}}
    %s = aac.scores %a, %a heads 2 scale 3.0 {format = #f1} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    // expected-error @+1 {{scores have scale 1 and the result has 0: the softmax unit works at scale 0}}
    %p = aac.softmax %s {format = #f0} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    // expected-error @+1 {{the result has bias 7: probabilities need 3 at most}}
    %p2 = aac.softmax %p {format = #f0} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    // expected-error @+1 {{an initial value has format #aac.af<8, 3, bias = 7, scale = 0> and what is yielded for it has #aac.af<8, 3, bias = 7, scale = 1>}}
    %o = aac.loop 2 (%h = %a) : (tensor<1x3x4xf32>) {
      // expected-error @+1 {{@w1 and @w have different formats}}
      %each = aac.use_each [@w, @w1] : tensor<4x4xf32>
      %z = aac.linear %h, %each {format = #f1} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
      aac.yield %z : tensor<1x3x4xf32>
    }
    // expected-error @+1 {{the result has format #aac.af<8, 3, bias = 7, scale = 1> and the input has #aac.af<8, 3, bias = 7, scale = 0>}}
    %c = aac.select %a[0] {format = #f1} : tensor<1x3x4xf32> -> tensor<1x4xf32>
    aac.return %c : tensor<1x4xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 5, scale = 0>
aac.suite {
  aac.param @d : tensor<2x4xf32> = dense<0x30> : tensor<2x4xi8> {format = #f}
  aac.param @db : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  aac.param @u : tensor<4x2xf32> = dense<0x30> : tensor<4x2xi8> {format = #f}
  aac.param @ub : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.param @table : tensor<2x4xf32> = dense<0x30> : tensor<2x4xi8> {format = #f}
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %d = aac.use @d : tensor<2x4xf32>
    %db = aac.use @db : tensor<2xf32>
    %u = aac.use @u : tensor<4x2xf32>
    %ub = aac.use @ub : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{must be written out before lowering (aac-expand-adapters)}}
    %y = aac.adapter relu %e down(%d, %db) up(%u, %ub) {format = #f} : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}
