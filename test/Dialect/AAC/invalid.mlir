// Every message of the aac dialect's verifiers, provoked once.
// RUN: aac-opt %s -split-input-file -verify-diagnostics

aac.suite {
  // expected-error @+1 {{AdaptivFloat has 4 to 16 bits, got 3}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8> {format = #aac.af<3, 1, bias = 0, scale = 0>}
}

// -----

aac.suite {
  // expected-error @+1 {{AdaptivFloat<8> needs 1 to 7 exponent bits, got 8}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8> {format = #aac.af<8, 8, bias = 0, scale = 0>}
}

// -----

aac.suite {
  // expected-error @+1 {{the exponent bias register holds 0 to 7, got 8}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8> {format = #aac.af<8, 3, bias = 8, scale = 0>}
}

// -----

aac.suite {
  // expected-error @+1 {{value has shape 'tensor<3xf32>', parameter is 'tensor<2xf32>'}}
  aac.param @w : tensor<2xf32> = dense<1.0> : tensor<3xf32>
}

// -----

aac.suite {
  // expected-error @+1 {{without a format the value must be 'tensor<2xf32>', got 'tensor<2xi8>'}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8>
}

// -----

aac.suite {
  // expected-error @+1 {{codes of #aac.af<8, 3, bias = 0, scale = 0> are i8, got 'f32'}}
  aac.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32> {format = #aac.af<8, 3, bias = 0, scale = 0>}
}

// -----

aac.suite {
  // expected-error @+1 {{has 1 inputs but 2 input names}}
  aac.task @t(%x: tensor<1x4xf32>) inputs ["x", "y"] outputs [] {
  }
}

// -----

aac.suite {
  // expected-error @+1 {{returns 1 values but has 0 output names}}
  aac.task @t(%x: tensor<1x4xf32>) inputs ["x"] outputs [] {
    aac.return %x : tensor<1x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t() inputs [] outputs [] {
    // expected-error @+1 {{there is no parameter @w}}
    %w = aac.use @w : tensor<2xf32>
  }
}

// -----

aac.suite {
  // expected-note @+1 {{parameter declared here}}
  aac.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  aac.task @t() inputs [] outputs [] {
    // expected-error @+1 {{@w is 'tensor<2xf32>', used as 'tensor<3xf32>'}}
    %w = aac.use @w : tensor<3xf32>
  }
}

// -----

// expected-error @+1 {{is not inside an aac.suite}}
%w = aac.use @w : tensor<3xf32>

// -----

aac.suite {
  aac.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  aac.task @t() inputs [] outputs [] {
    aac.loop 2 () : () {
      // expected-error @+1 {{names 1 parameters, the loop has 2 repetitions}}
      %w = aac.use_each [@w] : tensor<2xf32>
      aac.yield
    }
  }
}

// -----

aac.suite {
  aac.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
  aac.task @t() inputs [] outputs [] {
    aac.loop 2 () : () {
      // expected-error @+1 {{there is no parameter @v}}
      %w = aac.use_each [@w, @v] : tensor<2xf32>
      aac.yield
    }
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<2xf32>) inputs ["x"] outputs [] {
    // expected-error @+1 {{body must end with aac.yield}}
    %r = "aac.loop"(%x) <{count = 2 : i64}> ({
    ^bb0(%y: tensor<2xf32>):
      "aac.return"() : () -> ()
    }) : (tensor<2xf32>) -> tensor<2xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<2xf32>, %z: tensor<3xf32>) inputs ["x", "z"] outputs [] {
    // expected-error @+1 {{initial values, arguments, yielded values and results must agree in type}}
    %r = aac.loop 2 (%y = %x) : (tensor<2xf32>) {
      aac.yield %z : tensor<3xf32>
    }
  }
}

// -----

aac.suite {
  aac.task @t(%i: tensor<1x3xi64>) inputs ["i"] outputs [] {
    // expected-error @+1 {{needs one table for each ids, got 1 and 0}}
    %e = "aac.embedding"(%i) <{operandSegmentSizes = array<i32: 1, 0>}> : (tensor<1x3xi64>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%i: tensor<1x3xi64>, %w: tensor<5x4xf32>) inputs ["i", "w"] outputs [] {
    // expected-error @+1 {{result must be [batch, tokens, features], got 'tensor<3x4xf32>'}}
    %e = aac.embedding ids(%i) tables(%w) : (tensor<1x3xi64>, tensor<5x4xf32>) -> tensor<3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%i: tensor<1x3xi64>, %w: tensor<5x4xf32>) inputs ["i", "w"] outputs [] {
    // expected-error @+1 {{ids must be [1 or 1, 4], got 'tensor<1x3xi64>'}}
    %e = aac.embedding ids(%i) tables(%w) : (tensor<1x3xi64>, tensor<5x4xf32>) -> tensor<1x4x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%i: tensor<1x3xi64>, %w: tensor<5x4xf32>) inputs ["i", "w"] outputs [] {
    // expected-error @+1 {{table must be [rows, 8], got 'tensor<5x4xf32>'}}
    %e = aac.embedding ids(%i) tables(%w) : (tensor<1x3xi64>, tensor<5x4xf32>) -> tensor<1x3x8xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %w: tensor<2x5xf32>) inputs ["x", "w"] outputs [] {
    // expected-error @+1 {{weight must be [2, 4], got 'tensor<2x5xf32>'}}
    %y = aac.linear %x, %w : (tensor<1x3x4xf32>, tensor<2x5xf32>) -> tensor<1x3x2xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %w: tensor<2x4xf32>, %b: tensor<3xf32>) inputs ["x", "w", "b"] outputs [] {
    // expected-error @+1 {{bias must be [2], got 'tensor<3xf32>'}}
    %y = aac.linear %x, %w, %b : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<3xf32>) -> tensor<1x3x2xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %w: tensor<2x4xf32>) inputs ["x", "w"] outputs [] {
    // expected-error @+1 {{input 'tensor<1x3x4xf32>' and result 'tensor<3x2xf32>' may differ in the last dimension only}}
    %y = aac.linear %x, %w : (tensor<1x3x4xf32>, tensor<2x4xf32>) -> tensor<3x2xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%m: tensor<3xi64>) inputs ["m"] outputs [] {
    // expected-error @+1 {{mask must be [batch, tokens] or [batch, 1, 1, tokens], got 'tensor<3xi64>'}}
    %y = aac.mask %m, -1.0 : tensor<3xi64> -> tensor<1x1x1x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%m: tensor<1x3xi64>) inputs ["m"] outputs [] {
    // expected-error @+1 {{result must be [1, 1, 1, 3], got 'tensor<1x3xf32>'}}
    %y = aac.mask %m, -1.0 : tensor<1x3xi64> -> tensor<1x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%m: tensor<1x3xi64>) inputs ["m"] outputs [] {
    // expected-error @+1 {{constant must be finite, got -INF}}
    %y = aac.mask %m, 0xFF800000 : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%m: tensor<1x3xi64>) inputs ["m"] outputs [] {
    // expected-error @+1 {{constant must be a number, got}}
    %y = aac.mask %m, 0x7FC00000 rule nonzero : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%s: tensor<1x2x3x3xf32>) inputs ["s"] outputs [] {
    // expected-error @+1 {{cannot fill without a mask}}
    %y = aac.softmax %s {fill} : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x2xf32>) inputs ["x"] outputs [] {
    // expected-error @+1 {{the last axis of the input must be of size 1, got 'tensor<1x3x2xf32>'}}
    %y = aac.squeeze %x : tensor<1x3x2xf32> -> tensor<1x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x1xf32>) inputs ["x"] outputs [] {
    // expected-error @+1 {{result must be [1, 3], got 'tensor<3xf32>'}}
    %y = aac.squeeze %x : tensor<1x3x1xf32> -> tensor<3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%q: tensor<1x3x4xf32>, %k: tensor<1x3x8xf32>) inputs ["q", "k"] outputs [] {
    // expected-error @+1 {{query 'tensor<1x3x4xf32>' and key 'tensor<1x3x8xf32>' must be [batch, tokens, features] and may differ in tokens only}}
    %s = aac.scores %q, %k heads 2 scale 1.0 : (tensor<1x3x4xf32>, tensor<1x3x8xf32>) -> tensor<1x2x3x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%q: tensor<1x3x4xf32>) inputs ["q"] outputs [] {
    // expected-error @+1 {{4 features do not divide by 3 heads}}
    %s = aac.scores %q, %q heads 3 scale 1.0 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x3x3x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%q: tensor<1x3x4xf32>) inputs ["q"] outputs [] {
    // expected-error @+1 {{result must be [1, 2, 3, 3], got 'tensor<1x2x3x4xf32>'}}
    %s = aac.scores %q, %q heads 2 scale 1.0 : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x2x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%s: tensor<1x2x3x3xf32>) inputs ["s"] outputs [] {
    // expected-error @+1 {{result 'tensor<1x2x3x4xf32>' must have the scores' type 'tensor<1x2x3x3xf32>'}}
    %p = aac.softmax %s : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%s: tensor<1x2x3x3xf32>, %m: tensor<1x2x1x3xf32>) inputs ["s", "m"] outputs [] {
    // expected-error @+1 {{mask must be [batch or 1, 1, 1, keys] of scores 'tensor<1x2x3x3xf32>', got 'tensor<1x2x1x3xf32>'}}
    %p = aac.softmax %s, %m : (tensor<1x2x3x3xf32>, tensor<1x2x1x3xf32>) -> tensor<1x2x3x3xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%p: tensor<1x0x3x3xf32>, %v: tensor<1x3x4xf32>) inputs ["p", "v"] outputs [] {
    // expected-error @+1 {{probabilities [batch, heads, queries, keys] and value [batch, keys, heads * n] do not fit: 'tensor<1x0x3x3xf32>', 'tensor<1x3x4xf32>'}}
    %c = aac.context %p, %v : (tensor<1x0x3x3xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%p: tensor<1x2x3x3xf32>, %v: tensor<1x3x4xf32>) inputs ["p", "v"] outputs [] {
    // expected-error @+1 {{result must be [1, 3, 4], got 'tensor<1x3x5xf32>'}}
    %c = aac.context %p, %v : (tensor<1x2x3x3xf32>, tensor<1x3x4xf32>) -> tensor<1x3x5xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %g: tensor<4xf32>) inputs ["x", "g"] outputs [] {
    // expected-error @+1 {{result must have the input's type 'tensor<1x3x4xf32>'}}
    %y = aac.layer_norm %x, %g, %g epsilon 0.0 : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<f32>, %g: tensor<4xf32>) inputs ["x", "g"] outputs [] {
    // expected-error @+1 {{input must have a last axis, got a scalar}}
    %y = aac.layer_norm %x, %g, %g epsilon 0.0 : (tensor<f32>, tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %g: tensor<5xf32>, %b: tensor<4xf32>) inputs ["x", "g", "b"] outputs [] {
    // expected-error @+1 {{gamma must be [4], got 'tensor<5xf32>'}}
    %y = aac.layer_norm %x, %g, %b epsilon 0.0 : (tensor<1x3x4xf32>, tensor<5xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %g: tensor<4xf32>, %b: tensor<5xf32>) inputs ["x", "g", "b"] outputs [] {
    // expected-error @+1 {{beta must be [4], got 'tensor<5xf32>'}}
    %y = aac.layer_norm %x, %g, %b epsilon 0.0 : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<5xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %g: tensor<4xf32>) inputs ["x", "g"] outputs [] {
    // expected-error @+1 {{epsilon must not be negative, got -1.0}}
    %y = aac.layer_norm %x, %g, %g epsilon -1.0 : (tensor<1x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %d: tensor<2x4xf32>, %db: tensor<2xf32>, %u: tensor<4x2xf32>, %ub: tensor<4xf32>) inputs ["x", "d", "db", "u", "ub"] outputs [] {
    // expected-error @+1 {{result must have the input's type 'tensor<1x3x4xf32>'}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<f32>, %d: tensor<2x4xf32>, %db: tensor<2xf32>, %u: tensor<4x2xf32>, %ub: tensor<4xf32>) inputs ["x", "d", "db", "u", "ub"] outputs [] {
    // expected-error @+1 {{input must have a last axis, got a scalar}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<f32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<f32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %d: tensor<8xf32>, %db: tensor<2xf32>, %u: tensor<4x2xf32>, %ub: tensor<4xf32>) inputs ["x", "d", "db", "u", "ub"] outputs [] {
    // expected-error @+1 {{down must be [bottleneck, 4], got 'tensor<8xf32>'}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<8xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %d: tensor<2x5xf32>, %db: tensor<2xf32>, %u: tensor<4x2xf32>, %ub: tensor<4xf32>) inputs ["x", "d", "db", "u", "ub"] outputs [] {
    // expected-error @+1 {{down must be [2, 4], got 'tensor<2x5xf32>'}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<2x5xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %d: tensor<2x4xf32>, %db: tensor<3xf32>, %u: tensor<4x2xf32>, %ub: tensor<4xf32>) inputs ["x", "d", "db", "u", "ub"] outputs [] {
    // expected-error @+1 {{down bias must be [2], got 'tensor<3xf32>'}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<3xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %d: tensor<2x4xf32>, %db: tensor<2xf32>, %u: tensor<2x4xf32>, %ub: tensor<4xf32>) inputs ["x", "d", "db", "u", "ub"] outputs [] {
    // expected-error @+1 {{up must be [4, 2], got 'tensor<2x4xf32>'}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>, %d: tensor<2x4xf32>, %db: tensor<2xf32>, %u: tensor<4x2xf32>, %ub: tensor<2xf32>) inputs ["x", "d", "db", "u", "ub"] outputs [] {
    // expected-error @+1 {{up bias must be [4], got 'tensor<2xf32>'}}
    %y = aac.adapter relu %x down(%d, %db) up(%u, %ub) : (tensor<1x3x4xf32>, tensor<2x4xf32>, tensor<2xf32>, tensor<4x2xf32>, tensor<2xf32>) -> tensor<1x3x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<3x4xf32>) inputs ["x"] outputs [] {
    // expected-error @+1 {{input must be [batch, tokens, features], got 'tensor<3x4xf32>'}}
    %y = aac.select %x[0] : tensor<3x4xf32> -> tensor<4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>) inputs ["x"] outputs [] {
    // expected-error @+1 {{token 3 is outside the 3 tokens}}
    %y = aac.select %x[3] : tensor<1x3x4xf32> -> tensor<1x4xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<1x3x4xf32>) inputs ["x"] outputs [] {
    // expected-error @+1 {{result must be [1, 4], got 'tensor<1x5xf32>'}}
    %y = aac.select %x[0] : tensor<1x3x4xf32> -> tensor<1x5xf32>
  }
}

// -----

aac.suite {
  aac.task @t(%x: tensor<2xf32>) inputs ["x"] outputs [] {
    // expected-error @+1 {{number of operands and types do not match: got 1 operands and 2 types}}
    %r = aac.loop 2 (%y = %x) : (tensor<2xf32>, tensor<2xf32>) {
      aac.yield %y : tensor<2xf32>
    }
  }
}

// -----

aac.suite {
  // expected-error @+1 {{int8 has 2 scales and 1 zero points}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8> {format = #aac.int8<[0.1, 0.2], zero = 3, axis = 0>}
}

// -----

aac.suite {
  // expected-error @+1 {{int8 without an axis has one scale, got 2}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8> {format = #aac.int8<[0.1, 0.2]>}
}

// -----

aac.suite {
  // expected-error @+1 {{an int8 scale is positive and finite, got 0}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8> {format = #aac.int8<0.0>}
}

// -----

aac.suite {
  // expected-error @+1 {{an int8 zero point is -128 to 127, got 200}}
  aac.param @w : tensor<2xf32> = dense<1> : tensor<2xi8> {format = #aac.int8<0.5, zero = 200>}
}

// -----

aac.suite {
  // expected-error @+1 {{format has 2 scales along axis 0, parameter is 'tensor<3xf32>'}}
  aac.param @w : tensor<3xf32> = dense<1> : tensor<3xi8> {format = #aac.int8<[0.1, 0.2], axis = 0>}
}

// -----

aac.suite {
  // expected-error @+1 {{codes of #aac.int8<5.000000e-01> are i8, got 'f32'}}
  aac.param @w : tensor<3xf32> = dense<1.0> : tensor<3xf32> {format = #aac.int8<0.5>}
}

// -----

aac.suite {
  // expected-error @+1 {{attribute 'format' failed to satisfy constraint}}
  aac.param @w : tensor<3xf32> = dense<1.0> : tensor<3xf32> {format = 8 : i64}
}

// -----

aac.suite {
  aac.param @b : tensor<3xf32> = dense<1.0> : tensor<3xf32>
  aac.task @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
    %b = aac.use @b : tensor<3xf32>
    // expected-error @+1 {{rounds 'tensor<1x2x4xf32>' to 'tensor<1x2x2xf32>'}}
    %y = aac.requantise %x to <0.5> : (tensor<1x2x4xf32>) -> tensor<1x2x2xf32>
    aac.return %x : tensor<1x2x4xf32>
  }
}

// -----

aac.suite {
  aac.param @b : tensor<3xf32> = dense<1.0> : tensor<3xf32>
  aac.task @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
    %b = aac.use @b : tensor<3xf32>
    // expected-error @+1 {{has 2 scales along axis 2 of 'tensor<1x2x4xf32>'}}
    %y = aac.requantise %x to <[0.5, 1.0], axis = 2> : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
    aac.return %x : tensor<1x2x4xf32>
  }
}

// -----

aac.suite {
  aac.param @b : tensor<3xf32> = dense<1.0> : tensor<3xf32>
  aac.task @t(%x: tensor<1x2x4xf32>) inputs ["x"] outputs ["y"] {
    %b = aac.use @b : tensor<3xf32>
    // expected-error @+1 {{adds a bias of 'tensor<3xf32>' to the features of 'tensor<1x2x4xf32>'}}
    %y = aac.requantise %x, %b to <0.5> : (tensor<1x2x4xf32>, tensor<3xf32>) -> tensor<1x2x4xf32>
    aac.return %x : tensor<1x2x4xf32>
  }
}

// -----

aac.suite {
  // expected-error @below {{unknown kind 'cells'; expected weights, vectors, rows, table, ids or constant}}
  aac.stored @s "cells" = dense<1> : tensor<16xi8> {sources = [], count = 1, stride = 16, sharing = #aac.sharing<task>, tasks = ["t"]}
}

// -----

aac.suite {
  // expected-error @below {{value must be one-dimensional i8, got 'tensor<1x16xi8>'}}
  aac.stored @s "rows" = dense<1> : tensor<1x16xi8> {sources = [], count = 1, stride = 16, sharing = #aac.sharing<task>, tasks = ["t"]}
}

// -----

aac.suite {
  // expected-error @below {{weights need tile_rows, row_vectors, mask_offsets, data_offsets, data_rows}}
  aac.stored @s "weights" = dense<1> : tensor<16xi8> {sources = [], count = 1, stride = 16, sharing = #aac.sharing<task>, tasks = ["t"]}
}

// -----

aac.suite {
  // expected-error @below {{mask_offsets, data_offsets and data_rows differ in length: 1, 2, 2}}
  aac.stored @s "weights" = dense<1> : tensor<16xi8> {sources = [], count = 1, stride = 16, sharing = #aac.sharing<task>, tasks = ["t"], tile_rows = 16 : i64, row_vectors = 1 : i64, mask_offsets = array<i64: 0>, data_offsets = array<i64: 0, 8>, data_rows = array<i64: 1, 1>}
}
