// RUN: aac-opt %s --split-input-file --verify-diagnostics --aac-quantise

aac.suite {
  aac.param @w : tensor<1x4xf32> = dense<1.0> : tensor<1x4xf32>
  aac.task @t(%x: tensor<1x4xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<1x4xf32>
    // expected-error @+1 {{reads 'tensor<1x4xf32>' that no operation of the task makes: the engine gets ids and masks from outside, nothing else}}
    %y = aac.linear %x, %w : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x1xf32>
    aac.return %y : tensor<1x1xf32>
  }
}

// -----

aac.suite {
  // expected-error @+1 {{@w holds a value that is not finite}}
  aac.param @w : tensor<1x2xf32> = dense<[[1.0, 0x7F800000]]> : tensor<1x2xf32>
}

// -----

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{scale 3.000000e-01 is no power of two: the engine can only shift (aac-fold-scales moves the rest into the query's weight)}}
    %s = aac.scores %e, %e heads 2 scale 0.3 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    %p = aac.softmax %s : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    aac.return %p : tensor<1x2x3x3xf32>
  }
}

// -----

// Scores entering a softmax have scale 0: the factors give way.
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1000.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-remark @+2 {{may get so large that its factors' formats need a shift below 0: smaller ones are taken, which saturate first}}
    // expected-remark @+1 {{largest magnitude 1.000000e+03 is beyond 3.100000e+01, the largest that smallest exponent -3 has: it saturates}}
    %s = aac.scores %e, %e heads 2 scale 1.0 {absmax = 1000.0} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    %p = aac.softmax %s : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    aac.return %p : tensor<1x2x3x3xf32>
  }
}

// -----

// A result far smaller than its factors.
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1000.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1000.0> : tensor<4x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{needs a shift of -26, the engine has 0 to 31: operands have smallest exponents 3 and 3, the result has scale -16}}
    %y = aac.linear %e, %w {absmax = 0.0001} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}

// -----

// Beyond 31 scores saturate knowingly.
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-remark @+1 {{largest magnitude 6.400000e+01 is beyond 3.100000e+01, the largest that smallest exponent -3 has: it saturates}}
    %s = aac.scores %e, %e heads 2 scale 32.0 {absmax = 64.0} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x3xf32>
    %p = aac.softmax %s : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    aac.return %p : tensor<1x2x3x3xf32>
  }
}

// -----

aac.suite {
  aac.param @table : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
  aac.param @w : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
  aac.param @g : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x2xf32>
    %w = aac.use @w : tensor<2x2xf32>
    %g = aac.use @g : tensor<2xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
    %n = aac.layer_norm %e, %g, %g epsilon 0.0 : (tensor<1x3x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
    // expected-error @+1 {{bias @g is used as a weight or layer norm parameter too: it cannot be f32 and codes; copy it}}
    %y = aac.linear %n, %w, %g : (tensor<1x3x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
    aac.return %y : tensor<1x3x2xf32>
  }
}

// -----

aac.suite {
  aac.param @d : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @db : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  aac.param @u : tensor<4x2xf32> = dense<1.0> : tensor<4x2xf32>
  aac.param @ub : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.task @t(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
    %d = aac.use @d : tensor<2x4xf32>
    %db = aac.use @db : tensor<2xf32>
    %u = aac.use @u : tensor<4x2xf32>
    %ub = aac.use @ub : tensor<4xf32>
    // expected-error @+1 {{cannot be quantised: run aac-expand-adapters first}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.param @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.task @t(%x: tensor<1x3x4xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<4x4xf32>
    // expected-error @+1 {{cannot be quantised with a scale: run aac-fold-scales first}}
    %y = aac.linear %x, %w {scale = 2.0 : f32} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{cannot be quantised: run aac-absorb-requantise first}}
    %r = aac.requantise %e to <0.5> : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
    aac.return %r : tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    // expected-error @+1 {{has no usable largest magnitude (-}}
    %e = aac.embedding ids(%ids) tables(%t) {absmax = -1.0 : f64} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    aac.return %e : tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    // expected-error @+1 {{needs scale 163, an instruction holds -128 to 127: magnitude }}
    %e = aac.embedding ids(%ids) tables(%t) {absmax = 1.0e50 : f64} : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    aac.return %e : tensor<1x3x4xf32>
  }
}

// -----

// Gamma and beta of a layer norm have one scale; these are stored already.
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @g : tensor<4xf32> = dense<1.0> : tensor<4xf32> {aac.pinned = #aac.af<8, 3, bias = 5, scale = 0>}
  // expected-error @+1 {{'b' is stored as #aac.af<8, 3, bias = 5, scale = 3>, but this task combines it with what has another scale or format}}
  aac.param @b : tensor<4xf32> = dense<1.0> : tensor<4xf32> {aac.pinned = #aac.af<8, 3, bias = 5, scale = 3>}
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %g = aac.use @g : tensor<4xf32>
    %b = aac.use @b : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.layer_norm %e, %g, %b epsilon 0.0 : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %y : tensor<1x3x4xf32>
  }
}
