// What aac-lower-to-cmd refuses of a suite that has gone through the passes before it. For suites that
// have not, and for aac-schedule: aac-to-cmd-order.test.
// RUN: aac-opt %s -split-input-file -verify-diagnostics --pass-pipeline='builtin.module(aac-encode,aac-place,aac-tile,aac-lower-to-cmd)'

aac.suite {
  // expected-remark @+1 {{activations in}}
  aac.task @t(%x: tensor<1x16xi64>) inputs ["x"] outputs [] {
    %ids = aac.constant_ids dense<1> : tensor<1x16xi64>
    // expected-error @+1 {{must read an input of the task; only ids may be constant}}
    %m = aac.mask %ids, -10000.0 : tensor<1x16xi64> -> tensor<1x1x1x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.task @t(%ids: tensor<1x16xi32>) inputs ["ids"] outputs ["y"] {
    // expected-error @+1 {{cannot be lowered to commands}}
    %i = builtin.unrealized_conversion_cast %ids : tensor<1x16xi32> to tensor<1x16xi64>
    aac.return %i : tensor<1x16xi64>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#far = #aac.af<8, 3, bias = 7, scale = 40>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  aac.param @w : tensor<16x16xf32> = dense<0x30> : tensor<16x16xi8> {format = #f, role = #aac.role<attention>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %w = aac.use @w : tensor<16x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    // expected-error @+1 {{needs an accumulator shift of 42, the engine's register holds 0 to 31 (input #aac.af<8, 3, bias = 7, scale = 0>, weight #aac.af<8, 3, bias = 7, scale = 0>, result #aac.af<8, 3, bias = 7, scale = 40>)}}
    %y = aac.linear %e, %w {format = #far} : (tensor<1x16x16xf32>, tensor<16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#g = #aac.af<8, 3, bias = 7, scale = 1>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    // expected-error @+1 {{operands and result must have formats of one scale; run aac-quantise first}}
    %y = aac.add %e, %e {format = #g} : tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %y = aac.loop 2 (%x = %e) : (tensor<1x16x16xf32>) {
      // expected-error @+1 {{is inside another loop; the engine's loops do not nest}}
      %z = aac.loop 2 (%w = %x) : (tensor<1x16x16xf32>) {
        %a = aac.add %w, %w {format = #f} : tensor<1x16x16xf32>
        aac.yield %a : tensor<1x16x16xf32>
      }
      aac.yield %z : tensor<1x16x16xf32>
    }
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y", "z"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %g = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %y:2 = aac.loop 2 (%a = %e, %b = %g) : (tensor<1x16x16xf32>, tensor<1x16x16xf32>) {
      // expected-error @+1 {{value 0 is another argument of the loop; values that change places cannot be copied one after the other}}
      aac.yield %b, %a : tensor<1x16x16xf32>, tensor<1x16x16xf32>
    }
    aac.return %y#0, %y#1 : tensor<1x16x16xf32>, tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    // expected-error @+1 {{token 3 is not the first of a block of 16}}
    %y = aac.select %e[3] {format = #f} : tensor<1x16x16xf32> -> tensor<1x16xf32>
    aac.return %y : tensor<1x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x5000xf32> = dense<0x30> : tensor<4x5000xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x5000xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x5000xf32>) -> tensor<1x16x5000xf32>
    // expected-error @+1 {{rows of 313 vectors do not fit the engine's special function unit (255 vectors, 4096 rows of data memory)}}
    %y = aac.add %e, %e {format = #f} : tensor<1x16x5000xf32>
    aac.return %y : tensor<1x16x5000xf32>
  }
}

// -----

// The span of 3600 keys, gamma and beta.
#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x256xf32> = dense<0x30> : tensor<4x256xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  aac.param @g : tensor<256xf32> = dense<0x30> : tensor<256xi8> {format = #f, role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x3600xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x256xf32>
    %g = aac.use @g : tensor<256xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x3600xi64>, tensor<4x256xf32>) -> tensor<1x3600x256xf32>
    // expected-error @+1 {{gamma, beta and the attention span need 257 rows of auxiliary memory, the engine has 256}}
    %y = aac.layer_norm %e, %g, %g epsilon 0.0 {format = #f} : (tensor<1x3600x256xf32>, tensor<256xf32>, tensor<256xf32>) -> tensor<1x3600x256xf32>
    aac.return %y : tensor<1x3600x256xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    // expected-error @+1 {{its scale 3.000000e-01 is no power of two; run aac-fold-scales first}}
    %s = aac.scores %e, %e heads 1 scale 0.3 {format = #f} : (tensor<1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x1x16x16xf32>
    %p = aac.softmax %s {format = #p} : (tensor<1x1x16x16xf32>) -> tensor<1x1x16x16xf32>
    %c = aac.context %p, %e {format = #f} : (tensor<1x1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %c : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#g = #aac.af<8, 3, bias = 7, scale = 1>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %s = aac.scores %e, %e heads 1 scale 0.25 {format = #g} : (tensor<1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x1x16x16xf32>
    // expected-error @+1 {{scores and probabilities must have scale 0; run aac-quantise first}}
    %p = aac.softmax %s {format = #p} : (tensor<1x1x16x16xf32>) -> tensor<1x1x16x16xf32>
    %c = aac.context %p, %e {format = #f} : (tensor<1x1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %c : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["c", "d"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %s = aac.scores %e, %e heads 1 scale 0.25 {format = #f} : (tensor<1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x1x16x16xf32>
    %p = aac.softmax %s {format = #p} : (tensor<1x1x16x16xf32>) -> tensor<1x1x16x16xf32>
    // expected-error @+1 {{its probabilities must come from a softmax of scores that nothing else reads}}
    %c = aac.context %p, %e {format = #f} : (tensor<1x1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
    %d = aac.context %p, %e {format = #f} : (tensor<1x1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %c, %d : tensor<1x16x16xf32>, tensor<1x16x16xf32>
  }
}
