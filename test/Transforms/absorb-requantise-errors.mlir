// RUN: aac-opt %s -split-input-file -verify-diagnostics --aac-absorb-requantise

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @b : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{adds a bias, but not to a product of its own that has none}}
    %r = aac.requantise %e, %b to <0.5> : (tensor<1x3x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %r : tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.task @t(%ids: tensor<1x3xi64>, %b: tensor<4xf32>) inputs ["ids", "b"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.linear %e, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{adds a bias that is no parameter}}
    %r = aac.requantise %y, %b to <0.5> : (tensor<1x3x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %r : tensor<1x3x4xf32>
  }
}

// -----

// A product that has a bias, is scaled, or is read without the bias too.
aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.param @b : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.linear %e, %w, %b : (tensor<1x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{adds a bias, but not to a product of its own that has none}}
    %r = aac.requantise %y, %b to <0.5> : (tensor<1x3x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %r : tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.param @b : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.linear %e, %w {scale = 2.0 : f32} : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{adds a bias, but not to a product of its own that has none}}
    %r = aac.requantise %y, %b to <0.5> : (tensor<1x3x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %r : tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.param @table : tensor<2x4xf32> = dense<1.0> : tensor<2x4xf32>
  aac.param @w : tensor<4x4xf32> = dense<1.0> : tensor<4x4xf32>
  aac.param @b : tensor<4xf32> = dense<1.0> : tensor<4xf32>
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y", "z"] {
    %t = aac.use @table : tensor<2x4xf32>
    %w = aac.use @w : tensor<4x4xf32>
    %b = aac.use @b : tensor<4xf32>
    %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
    %y = aac.linear %e, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
    // expected-error @+1 {{adds a bias, but not to a product of its own that has none}}
    %r = aac.requantise %y, %b to <0.5> : (tensor<1x3x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
    aac.return %r, %y : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  }
}
