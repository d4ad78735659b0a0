// RUN: aac-opt %s --split-input-file --verify-diagnostics --aac-quantise | FileCheck %s

// How much room a measured magnitude gets: of 12 elements 2.4 times it, of 50 repetitions of them 1.2 times; never
// more than the weights make possible. Of two samples, 24 elements, it is 1.2 times, 1.7 here.
// CHECK-LABEL: aac.task @room
// CHECK: aac.embedding {{.*}}absmax = 1.500000e+00 {{.*}}format = #aac.af<8, 3, bias = 7, scale = -4>
// CHECK: aac.embedding {{.*}}absmax = 1.000000e+00 {{.*}}format = #aac.af<8, 3, bias = 7, scale = -3>
// CHECK: aac.linear {{.*}}absmax = 1.125000e+00 {{.*}}format = #aac.af<8, 3, bias = 7, scale = -4>
// CHECK-LABEL: aac.task @samples
// CHECK: aac.embedding {{.*}}format = #aac.af<8, 3, bias = 7, scale = -4>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.875> : tensor<2x4xf32>
  aac.param @large : tensor<2x4xf32> = dense<1000.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.task @room(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["x", "y", "z"] {
    %t = aac.use @table : tensor<2x4xf32>
    %l = aac.use @large : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %x = aac.embedding ids(%ids) tables(%t) {absmax = 1.5} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.embedding ids(%ids) tables(%l) {absmax = 1.0} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %z = aac.loop 50 (%h = %y) : (tensor<1x3x4xf32>) {
      %a = aac.linear %h, %w {absmax = 1.125} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
      %b = aac.linear %a, %w {absmax = 1.0} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
      aac.yield %b : tensor<1x3x4xf32>
    }
    aac.return %x, %y, %z : tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>
  }
  aac.task @samples(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["x"] attributes {aac.samples = 2} {
    %l = aac.use @large : tensor<2x4xf32>
    %x = aac.embedding ids(%ids) tables(%l) {absmax = 1.4} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    aac.return %x : tensor<1x3x4xf32>
  }
}

// -----

// Over more than 64 keys probabilities end below 1; that they saturate there is no surprise.
// CHECK-LABEL: aac.task @keys
// CHECK: aac.softmax {{.*}}format = #aac.af<8, 3, bias = 2, scale = 0>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.task @keys(%ids: tensor<1x65xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x65xi64>, tensor<2x4xf32>) -> tensor<1x65x4xf32>
    %s = aac.scores %e, %e heads 2 scale 1.0 : (tensor<1x65x4xf32>, tensor<1x65x4xf32>) -> tensor<1x2x65x65xf32>
    %p = aac.softmax %s {absmax = 1.0} : (tensor<1x2x65x65xf32>) -> tensor<1x2x65x65xf32>
    aac.return %p : tensor<1x2x65x65xf32>
  }
}

// -----

// Of two factors the larger gives way.
// CHECK-LABEL: aac.task @factors
// CHECK: aac.embedding {{.*}}format = #aac.af<8, 3, bias = 7, scale = 4>
// CHECK: aac.embedding {{.*}}format = #aac.af<8, 3, bias = 7, scale = -2>
aac.suite {
  aac.param @large : tensor<2x4xf32> = dense<1000.0> : tensor<2x4xf32>
  aac.param @small : tensor<2x4xf32> = dense<4.0> : tensor<2x4xf32>
  aac.task @factors(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %l = aac.use @large : tensor<2x4xf32>
    %m = aac.use @small : tensor<2x4xf32>
    %x = aac.embedding ids(%ids) tables(%l) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.embedding ids(%ids) tables(%m) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-remark @+1 {{may get so large that its factors' formats need a shift below 0}}
    %s = aac.scores %x, %y heads 2 scale 1.0 {absmax = 30.0, aac.clip = 30.0} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    %p = aac.softmax %s : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    aac.return %p : tensor<1x2x3x3xf32>
  }
}

// -----

// A result whose scale is too small for a shift of 0 gets a larger one and a smaller bias.
// CHECK-LABEL: aac.task @raised
// CHECK: aac.linear {{.*}}format = #aac.af<8, 3, bias = 3, scale = 10>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1000.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1000.0> : tensor<4x4xf32>
  aac.task @raised(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.linear %e, %w {absmax = 1000.0, aac.clip = 1000.0} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}

// -----

// The weights of a loop's repetitions have one format, the largest one's, and the largest of their biases counts.
// CHECK: aac.param @w0 : {{.*}}format = [[F:#aac.af<8, 3, bias = 7, scale = -2>]]
// CHECK: aac.param @w1 : {{.*}}format = [[F]]
// CHECK-LABEL: aac.task @loop
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w0 : tensor<4x4xf32> = dense<2.5> : tensor<4x4xf32>
  aac.param @w1 : tensor<4x4xf32> = dense<0.1> : tensor<4x4xf32>
  aac.param @b0 : tensor<4xf32> = dense<100.0> : tensor<4xf32>
  aac.param @b1 : tensor<4xf32> = dense<0.1> : tensor<4xf32>
  aac.task @loop(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.loop 2 (%h = %e) : (tensor<1x3x4xf32>) {
      %w = aac.use_each [@w0, @w1] : tensor<4x4xf32>
      %b = aac.use_each [@b0, @b1] : tensor<4xf32>
      // expected-remark @+1 {{a bias of 1.000000e+02 is more than 16 lanes hold: weight and input give up 1 octaves}}
      %a = aac.linear %h, %w, %b {absmax = 1.0, aac.clip = 1.0} : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
      aac.yield %a : tensor<1x3x4xf32>
    }
    aac.return %y : tensor<1x3x4xf32>
  }
}

// -----

// Where a weight is stored already, its input alone gives way to a large bias.
// CHECK: aac.param @w : {{.*}}format = #aac.af<8, 3, bias = 3, scale = -3>
// CHECK-LABEL: aac.task @stored
// CHECK: aac.embedding {{.*}}format = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<0.1> : tensor<4x4xf32> {aac.pinned = #aac.af<8, 3, bias = 3, scale = -3>}
  aac.param @b : tensor<4xf32> = dense<60.0> : tensor<4xf32>
  aac.task @stored(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-remark @+1 {{weight and input give up 4 octaves of their smallest values}}
    %y = aac.linear %e, %w, %b : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}

// -----

// What the file rounds to int8 is at most 127 steps large: 30.9 here, which smallest exponent -3 has.
// CHECK-LABEL: aac.task @rounded
// CHECK: aac.embedding {{.*}}format = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1000.0> : tensor<2x4xf32>
  aac.task @rounded(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) {aac.quantised = #aac.int8<0.2432>} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    aac.return %e : tensor<1x3x4xf32>
  }
}
