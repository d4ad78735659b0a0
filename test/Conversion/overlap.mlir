// Tiles of weights that do not fit twice: what the tile before does not cover comes in beside the
// engine, the rest when it is done. Memory 0 has room for one and a half operands.
// RUN: aac-opt %s --pass-pipeline='builtin.module(aac-encode{machine=%S/Inputs/overlap.textproto},aac-place{machine=%S/Inputs/overlap.textproto},aac-tile{machine=%S/Inputs/overlap.textproto},aac-lower-to-cmd{machine=%S/Inputs/overlap.textproto},aac-schedule)' -split-input-file 2>/dev/null | FileCheck %s

// Sparse: masks and data have places of their own. Two times one row of data fit whole, two times 64
// masks do not: 32 are free to come in, 32 wait.

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x48xf32> = dense<0x30> : tensor<4x48xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @sparse : tensor<48x48xf32> = dense<0> : tensor<48x48xi8> {format = #f, role = #aac.role<ffn>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @bias : tensor<48xf32> = dense<1.0> : tensor<48xf32> {role = #aac.role<ffn>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x48xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x48xf32>) -> tensor<1x16x48xf32>
    %w = aac.use @sparse : tensor<48x48xf32>
    %b = aac.use @bias : tensor<48xf32>
    %y = aac.linear %e, %w, %b {format = #f} : (tensor<1x16x48xf32>, tensor<48x48xf32>, tensor<48xf32>) -> tensor<1x16x48xf32>
    aac.return %y : tensor<1x16x48xf32>
  }
}

// CHECK-LABEL: cmd.program @run_a
// While the host gathers, the first tile and the second's free half come in.
// CHECK: cmd.host_gather
// CHECK: cmd.load_mask memory = 0, row = 0, words = 64
// CHECK: cmd.load_mask memory = 0, row = 64, words = 32
// CHECK: cmd.matmul {{.*}}m = 64, {{.*}}base0 = 0, base1 = 0, data_offset0 = 0,
// CHECK-NEXT: cmd.wait units = 2
// CHECK-NEXT: cmd.load_mask memory = 0, row = 32, words = 32
// CHECK-NEXT: cmd.wait units = 1
// CHECK-NEXT: cmd.matmul {{.*}}base0 = 32, base1 = 0, data_offset0 = 31,
// Beside the second product: the third tile's free half, and the first result.
// CHECK-NEXT: cmd.load_mask memory = 0, row = 0, words = 32
// CHECK-NEXT: cmd.load_data memory = 0, row = 0, rows = 1
// CHECK-NEXT: cmd.store_data
// CHECK-NEXT: cmd.wait units = 2
// CHECK-NEXT: cmd.load_mask memory = 0, row = 32, words = 32
// CHECK-NEXT: cmd.wait units = 1
// CHECK-NEXT: cmd.matmul {{.*}}base0 = 0, base1 = 0, data_offset0 = 0,
// CHECK-NOT: cmd.operand_rows

// -----

// Dense, and products shorter than loads: of a tile's 64 rows 32 come in beside the engine.

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x64xf32> = dense<0x30> : tensor<4x64xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @dense : tensor<48x64xf32> = dense<0x30> : tensor<48x64xi8> {format = #f, role = #aac.role<ffn>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x64xf32>
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x64xf32>) -> tensor<1x16x64xf32>
    %w = aac.use @dense : tensor<48x64xf32>
    %y = aac.linear %e, %w {format = #f} : (tensor<1x16x64xf32>, tensor<48x64xf32>) -> tensor<1x16x48xf32>
    aac.return %y : tensor<1x16x48xf32>
  }
}

// CHECK-LABEL: cmd.program @run_a
// CHECK: cmd.load_data memory = 0, row = 0, rows = 64
// CHECK: cmd.load_data memory = 0, row = 64, rows = 32
// CHECK: cmd.matmul {{.*}}base0 = 0, base1 = 0, data_offset0 = 0,
// CHECK-NEXT: cmd.wait units = 2
// CHECK-NEXT: cmd.load_data memory = 0, row = 32, rows = 32
// CHECK-NEXT: cmd.wait units = 1
// CHECK-NEXT: cmd.matmul {{.*}}base0 = 32, base1 = 0, data_offset0 = 0,
// CHECK-NEXT: cmd.load_data memory = 0, row = 0, rows = 32

// -----

// An attention whose keys and values take more than half of the memory: one head after the other.

#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x32xf32> = dense<0x30> : tensor<4x32xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @w : tensor<32x32xf32> = dense<0x30> : tensor<32x32xi8> {format = #p, role = #aac.role<attention>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.task @a(%ids: tensor<1x32xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x32xf32>
    %x = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x32xi64>, tensor<4x32xf32>) -> tensor<1x32x32xf32>
    %w = aac.use @w : tensor<32x32xf32>
    %v = aac.linear %x, %w {format = #f} : (tensor<1x32x32xf32>, tensor<32x32xf32>) -> tensor<1x32x32xf32>
    %s = aac.scores %x, %x heads 2 scale 0.25 {format = #f} : (tensor<1x32x32xf32>, tensor<1x32x32xf32>) -> tensor<1x2x32x32xf32>
    %p = aac.softmax %s {format = #p} : (tensor<1x2x32x32xf32>) -> tensor<1x2x32x32xf32>
    %c = aac.context %p, %v {format = #f} : (tensor<1x2x32x32xf32>, tensor<1x32x32xf32>) -> tensor<1x32x32xf32>
    aac.return %c : tensor<1x32x32xf32>
  }
}

// CHECK-LABEL: cmd.program @run_a
// Keys and values of the first head, then its two blocks of queries.
// CHECK: cmd.load_data memory = 0, row = 0, rows = 16, {{.*}}chunks = 2
// CHECK: cmd.softmax
// CHECK-NOT: cmd.load_data memory = 0, row = 0, rows = 16
// CHECK: cmd.matmul n0 = 32, n1 = 16, m = 16,
// CHECK-NOT: cmd.load_data memory = 0, row = 0, rows = 16
// CHECK: cmd.softmax
// The keys of the second are loaded as soon as no scores are made of the first's any more.
// CHECK-NEXT: cmd.load_data memory = 0, row = 0, rows = 16, {{.*}}chunks = 2
// CHECK: cmd.matmul n0 = 32, n1 = 16, m = 16,
