// Every message of aac-encode and of the layout that it computes, provoked once.
// RUN: aac-opt %s --aac-encode=machine=%S/Inputs/spill.textproto -split-input-file -verify-diagnostics
// RUN: not aac-opt %s --aac-encode=machine=no-such-machine -split-input-file 2>&1 | FileCheck %s --check-prefix=MACHINE
// RUN: not aac-opt %s --aac-encode=tile-rows=24 -split-input-file 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not aac-opt %s --aac-encode=tile-rows=80 -split-input-file 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not aac-opt %s --aac-encode=tile-rows=0 -split-input-file 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: error: tiles of {{24|80|0}} rows are not possible; use 16, 32, 48 or 64
// MACHINE: error: {{.*}}no-such-machine

aac.suite {
  aac.task @a(%x: tensor<1x16x16xf32>) inputs ["x"] outputs ["y"] {
    // expected-error @+1 {{has no number format; run aac-quantise first}}
    %y = aac.activation tanh %x : tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

aac.suite {
  aac.task @a(%x: tensor<1x16x16xf32>, %w: tensor<16x16xf32>) inputs ["x", "w"] outputs ["y"] {
    // expected-error @+1 {{the weight and bias of a linear must be parameters}}
    %y = aac.linear %x, %w : (tensor<1x16x16xf32>, tensor<16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @w : tensor<16x16xf32> = dense<0x30> : tensor<16x16xi8> {format = #f}
  aac.task @a(%x: tensor<1x16x16xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<16x16xf32>
    // expected-error @+1 {{has no number format; run aac-quantise first}}
    %y = aac.linear %x, %w {format = #f} : (tensor<1x16x16xf32>, tensor<16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @t : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f}
  // expected-error @+1 {{machine 'spill' computes with af8e3, it cannot run af6e3 of 'w'}}
  aac.param @w : tensor<16x16xf32> = dense<0x10> : tensor<16x16xi8> {format = #aac.af<6, 3, bias = 7, scale = 0>}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %w = aac.use @w : tensor<16x16xf32>
    %y = aac.linear %x, %w {format = #f} : (tensor<1x16x16xf32>, tensor<16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @t : tensor<4x96xf32> = dense<0x30> : tensor<4x96xi8> {format = #f}
  aac.param @w : tensor<16x96xf32> = dense<0x30> : tensor<16x96xi8> {format = #f}
  aac.param @b : tensor<16xf32> = dense<1.0> : tensor<16xf32>
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x96xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x96xf32>) -> tensor<1x16x96xf32>
    %w = aac.use @w : tensor<16x96xf32>
    %b = aac.use @b : tensor<16xf32>
    // expected-error @+1 {{a reduction of 96 and a bias exceeds the engine's 96}}
    %y = aac.linear %x, %w, %b {format = #f} : (tensor<1x16x96xf32>, tensor<16x96xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @t : tensor<4x96xf32> = dense<0x30> : tensor<4x96xi8> {format = #f}
  aac.param @w : tensor<16x96xf32> = dense<0x30> : tensor<16x96xi8> {format = #f}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x96xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x96xf32>) -> tensor<1x16x96xf32>
    %w = aac.use @w : tensor<16x96xf32>
    // expected-error @+1 {{16 output features need 96 vectors, the engine's data memory has 64}}
    %y = aac.linear %x, %w {format = #f} : (tensor<1x16x96xf32>, tensor<16x96xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

aac.suite {
  aac.task @a(%x: tensor<1x16x16xf32>, %g: tensor<16xf32>) inputs ["x", "g"] outputs ["y"] {
    // expected-error @+1 {{gamma and beta of a layer norm must be parameters}}
    %y = aac.layer_norm %x, %g, %g epsilon 1.0e-12 : (tensor<1x16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

aac.suite {
  aac.param @g : tensor<16xf32> = dense<1.0> : tensor<16xf32>
  aac.task @a(%x: tensor<1x16x16xf32>) inputs ["x"] outputs ["y"] {
    %g = aac.use @g : tensor<16xf32>
    // expected-error @+1 {{has no number format; run aac-quantise first}}
    %y = aac.layer_norm %x, %g, %g epsilon 1.0e-12 : (tensor<1x16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

aac.suite {
  aac.param @t : tensor<4x16xf32> = dense<1.0> : tensor<4x16xf32>
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    // expected-error @+1 {{an embedding table must be a quantised parameter}}
    %x = aac.embedding ids(%ids) tables(%t) : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    aac.return %x : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @t : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f}
  aac.task @a() inputs [] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %ids = aac.constant_ids dense<[[0, 3, 4]]> : tensor<1x3xi64>
    // expected-error @+1 {{constant id 4 is outside the table's 4 rows}}
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x3xi64>, tensor<4x16xf32>) -> tensor<1x3x16xf32>
    aac.return %x : tensor<1x3x16xf32>
  }
}

// -----

// No power of two is a code of both inputs: their ranges do not meet.
#f = #aac.af<8, 3, bias = 7, scale = 0>
#g = #aac.af<8, 3, bias = 0, scale = 0>
aac.suite {
  aac.param @t : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f}
  aac.param @w : tensor<16x16xf32> = dense<0x30> : tensor<16x16xi8> {format = #f}
  aac.param @b : tensor<16xf32> = dense<1.0> : tensor<16xf32>
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %w = aac.use @w : tensor<16x16xf32>
    %b = aac.use @b : tensor<16xf32>
    // expected-error @+1 {{the inputs that 'w.weights' meets in different places have formats too far apart (2^-10 and 2^-3 smallest) for one bias}}
    %y = aac.linear %x, %w, %b {format = #g} : (tensor<1x16x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
    %z = aac.linear %y, %w, %b {format = #g} : (tensor<1x16x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
    aac.return %z : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  // expected-error @+1 {{the bytes of resource 'absent' are missing}}
  aac.param @t : tensor<4x16xf32> = dense_resource<absent> : tensor<4x16xi8> {format = #f}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    aac.return %x : tensor<1x16x16xf32>
  }
}

// -----

// The same weight with a bias of its own in each task.
#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @t : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, sharing = #aac.sharing<shared>, tasks = ["a", "b"]}
  aac.param @w : tensor<16x16xf32> = dense<0x30> : tensor<16x16xi8> {format = #f, sharing = #aac.sharing<shared>, tasks = ["a", "b"]}
  aac.param @bias : tensor<16xf32> = dense<1.0> : tensor<16xf32> {sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %w = aac.use @w : tensor<16x16xf32>
    %b = aac.use @bias : tensor<16xf32>
    // expected-error @+1 {{parameter 'w' belongs to 2 tasks, but only 1 use it with this bias or head width: it would be stored more than once}}
    %y = aac.linear %x, %w, %b {format = #f} : (tensor<1x16x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
  aac.task @b(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %w = aac.use @w : tensor<16x16xf32>
    %y = aac.linear %x, %w {format = #f} : (tensor<1x16x16xf32>, tensor<16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

aac.suite {
  aac.task @a(%x: tensor<1x16x24xf32>, %g: tensor<24xf32>) inputs ["x", "g"] outputs ["y"] {
    // expected-note @+1 {{not 'aac.layer_norm' here}}
    %q = aac.layer_norm %x, %g, %g epsilon 1.0e-12 : (tensor<1x16x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<1x16x24xf32>
    // expected-error @+1 {{heads of width 12 are padded to 16, which only linear, add, select and activation (but not sigmoid) can carry}}
    %s = aac.scores %q, %q heads 2 scale 0.25 : (tensor<1x16x24xf32>, tensor<1x16x24xf32>) -> tensor<1x2x16x16xf32>
    aac.return %s : tensor<1x2x16x16xf32>
  }
}

// -----

// sigmoid(0) is not 0: what is padded would count.
aac.suite {
  aac.task @a(%x: tensor<1x16x24xf32>) inputs ["x"] outputs ["y"] {
    // expected-note @+1 {{not 'aac.activation' here}}
    %q = aac.activation sigmoid %x : tensor<1x16x24xf32>
    // expected-error @+1 {{heads of width 12 are padded to 16}}
    %s = aac.scores %q, %q heads 2 scale 0.25 : (tensor<1x16x24xf32>, tensor<1x16x24xf32>) -> tensor<1x2x16x16xf32>
    aac.return %s : tensor<1x2x16x16xf32>
  }
}

// -----

// The parameters of one repetition have codes, those of the other do not.
#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @g : tensor<16xf32> = dense<0x30> : tensor<16xi8> {format = #f, role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["a"]}
  // expected-error @+1 {{must hold 8-bit codes, holds 'f32'}}
  aac.param @h : tensor<16xf32> = dense<1.0> : tensor<16xf32> {role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.task @a(%x: tensor<1x16x16xf32>) inputs ["x"] outputs ["y"] {
    %y = aac.loop 2 (%z = %x) : (tensor<1x16x16xf32>) {
      %g = aac.use_each [@g, @h] : tensor<16xf32>
      %n = aac.layer_norm %z, %g, %g epsilon 0.0 {format = #f} : (tensor<1x16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
      aac.yield %n : tensor<1x16x16xf32>
    }
    aac.return %y : tensor<1x16x16xf32>
  }
}
