// Masks, softmaxes and outputs that the accelerator does not run are refused by name; those at the
// end of a task run.
// RUN: aac-opt %s -split-input-file -verify-diagnostics --pass-pipeline='builtin.module(aac-encode,aac-place,aac-tile,aac-lower-to-cmd)' | FileCheck %s

aac.suite {
  // expected-remark @+1 {{activations in}}
  aac.task @t(%m: tensor<1x3xf32>) inputs ["m"] outputs [] {
    // expected-error @+1 {{its input is f32; the host makes the engine's span of a mask of integers or booleans: export it as such}}
    %y = aac.mask %m, -10000.0 : tensor<1x3xf32> -> tensor<1x1x1x3xf32>
  }
}

// -----

// Ones that mark padding, by either rule; zeros that do.
aac.suite {
  // CHECK-LABEL: cmd.program @run_t
  // expected-remark @+1 {{activations in}}
  aac.task @t(%m: tensor<1x3xi64>, %n: tensor<1x3xi1>) inputs ["m", "n"] outputs [] {
    // CHECK: cmd.host_mask input = 0, {{.*}}inverted = 1
    %a = aac.mask %m, -10000.0 rule zero : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
    // CHECK: cmd.host_mask input = 0, {{.*}}inverted = 1
    %b = aac.mask %m, -10000.0 rule times : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
    // CHECK: cmd.host_mask input = 1, {{.*}}inverted = 0
    %c = aac.mask %n, -10000.0 rule one : tensor<1x3xi1> -> tensor<1x1x1x3xf32>
  }
}

// -----

aac.suite {
  // expected-remark @+1 {{activations in}}
  aac.task @t(%m: tensor<1x3xi64>) inputs ["m"] outputs [] {
    // expected-error @+1 {{adds -1.000000e+02 to masked scores, which does not switch them off}}
    %y = aac.mask %m, -100.0 rule one : tensor<1x3xi64> -> tensor<1x1x1x3xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>, %mask: tensor<1x1x1x16xf32>) inputs ["ids", "mask"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %s = aac.scores %e, %e heads 1 scale 0.25 {format = #f} : (tensor<1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x1x16x16xf32>
    // expected-error @+1 {{its mask is an f32 input of the task}}
    %p = aac.softmax %s, %mask {format = #p} : (tensor<1x1x16x16xf32>, tensor<1x1x1x16xf32>) -> tensor<1x1x16x16xf32>
    %c = aac.context %p, %e {format = #f} : (tensor<1x1x16x16xf32>, tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %c : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 1>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    // expected-error @+1 {{its input and result must have formats of scale 0; run aac-quantise first}}
    %p = aac.softmax %e {format = #p} : (tensor<1x16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %p : tensor<1x16x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x70000xf32> = dense<0x30> : tensor<4x70000xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x1xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x70000xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x1xi64>, tensor<4x70000xf32>) -> tensor<1x1x70000xf32>
    // expected-error @+1 {{a softmax over 70000 features that is no attention's cannot run on the engine}}
    %p = aac.softmax %e {format = #p} : (tensor<1x1x70000xf32>) -> tensor<1x1x70000xf32>
    aac.return %p : tensor<1x1x70000xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x1xf32> = dense<0x30> : tensor<4x1xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x1xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x3xi64>, tensor<4x1xf32>) -> tensor<1x3x1xf32>
    // expected-error @+1 {{is no output of the task; only outputs are squeezed}}
    %s = aac.squeeze %e : tensor<1x3x1xf32> -> tensor<1x3xf32>
    %a = aac.add %s, %s {format = #f} : tensor<1x3xf32>
    aac.return %a : tensor<1x3xf32>
  }
}

// -----

// Probabilities of 20 tokens and the one feature of each of them.
#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x3xf32> = dense<0x30> : tensor<4x3xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  aac.param @w : tensor<1x3xf32> = dense<0x30> : tensor<1x3xi8> {format = #p, role = #aac.role<classifier>, sharing = #aac.sharing<shared>, tasks = ["t"]}
  // CHECK-LABEL: cmd.program @run_t
  // expected-remark @+1 {{activations in}}
  aac.task @t(%ids: tensor<1x20xi64>) inputs ["ids"] outputs ["p", "s"] {
    %t = aac.use @table : tensor<4x3xf32>
    %w = aac.use @w : tensor<1x3xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x20xi64>, tensor<4x3xf32>) -> tensor<1x20x3xf32>
    // CHECK: cmd.load_aux row = 0, rows = 1
    // CHECK: cmd.softmax {{.*}}vectors = 1, timesteps = 20, in_bias = 7, out_bias = 3, span_base = 0, span_bias = 7, pad_lanes = 13
    // CHECK-NEXT: cmd.store_data
    %p = aac.softmax %e {format = #p} : (tensor<1x20x3xf32>) -> tensor<1x20x3xf32>
    %l = aac.linear %e, %w {format = #f} : (tensor<1x20x3xf32>, tensor<1x3xf32>) -> tensor<1x20x1xf32>
    %s = aac.squeeze %l : tensor<1x20x1xf32> -> tensor<1x20xf32>
    // CHECK: cmd.host_output output = 0, {{.*}}timesteps = 20, columns = 3
    // CHECK-NEXT: cmd.host_output output = 1, {{.*}}timesteps = 20, columns = 1
    aac.return %p, %s : tensor<1x20x3xf32>, tensor<1x20xf32>
  }
}
