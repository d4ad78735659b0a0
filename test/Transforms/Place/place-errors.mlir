// Every message and remark of aac-place and aac-tile, provoked once.
// RUN: split-file %s %t
// RUN: aac-opt %t/spill.mlir --aac-place=machine=%S/Inputs/spill.textproto -split-input-file -verify-diagnostics
// RUN: aac-opt %t/image.mlir --aac-place=machine=%S/Inputs/small-dram.textproto -split-input-file -verify-diagnostics
// RUN: aac-opt %t/tile.mlir --aac-tile=machine=%S/Inputs/spill.textproto -split-input-file -verify-diagnostics
// RUN: not aac-opt %t/tile.mlir --aac-place=machine=no-such-machine 2>&1 | FileCheck %s --check-prefix=MACHINE
// RUN: not aac-opt %t/tile.mlir --aac-tile=machine=no-such-machine 2>&1 | FileCheck %s --check-prefix=MACHINE
// MACHINE: error: {{.*}}no-such-machine

//--- spill.mlir
#shared = #aac.sharing<shared>
aac.suite {
  aac.stored @small "constant" = dense<1> : tensor<1000xi8> {sources = [], count = 1, stride = 1000, sharing = #shared, tasks = ["a"]}
  // expected-remark @+1 {{does not fit 'rram' any more: 100 bytes go to 'dram'}}
  aac.stored @more "constant" = dense<1> : tensor<100xi8> {sources = [], count = 1, stride = 100, sharing = #shared, tasks = ["a"]}
}

// -----

aac.suite {
  // expected-error @+1 {{no tier of machine 'spill' has room for 70000 bytes of backbone data (rram: 0 of 1024 bytes used, sram: 0 of 6144 bytes used, dram: 0 of 65536 bytes used); prune more or choose a larger machine}}
  aac.stored @s "constant" = dense<1> : tensor<70000xi8> {sources = [], count = 1, stride = 70000, sharing = #aac.sharing<shared>, tasks = ["a"]}
}

// -----

#task = #aac.sharing<task>
aac.suite {
  // Tasks take turns: the second finds SRAM as empty as the first did.
  aac.stored @a1 "constant" = dense<1> : tensor<5000xi8> {sources = [], count = 1, stride = 5000, sharing = #task, tasks = ["a"]}
  aac.stored @b1 "constant" = dense<1> : tensor<5000xi8> {sources = [], count = 1, stride = 5000, sharing = #task, tasks = ["b"]}
  // expected-remark @+1 {{does not fit 'sram' any more: 2000 bytes go to 'dram'}}
  aac.stored @b2 "constant" = dense<1> : tensor<2000xi8> {sources = [], count = 1, stride = 2000, sharing = #task, tasks = ["b"]}
  aac.task @a() inputs [] outputs [] {}
  aac.task @b() inputs [] outputs [] {}
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f}
  // expected-remark @+2 {{a buffer of 8192 bytes does not fit 'sram' and goes to 'dram'}}
  // expected-remark @+1 {{activations in 'dram': 1 buffers, peak 8192 bytes, lower bound 8192}}
  aac.task @a(%ids: tensor<1x512xi64>) inputs ["ids"] outputs ["y"] {
    %c = aac.use @table : tensor<4x16xf32>
    %x = aac.embedding ids(%ids) tables(%c) {format = #f} : (tensor<1x512xi64>, tensor<4x16xf32>) -> tensor<1x512x16xf32>
    aac.return %x : tensor<1x512x16xf32>
  }
}

// -----

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f}
  // expected-remark @+2 {{a buffer of 131072 bytes does not fit 'sram' and goes to 'dram'}}
  // expected-error @+1 {{activations need 131072 bytes of 'dram', 65536 are free (rram: 0 of 1024 bytes used, sram: 0 of 6144 bytes used, dram: 0 of 65536 bytes used); use a shorter sequence or a larger machine}}
  aac.task @a(%ids: tensor<1x8192xi64>) inputs ["ids"] outputs ["y"] {
    %c = aac.use @table : tensor<4x16xf32>
    %x = aac.embedding ids(%ids) tables(%c) {format = #f} : (tensor<1x8192xi64>, tensor<4x16xf32>) -> tensor<1x8192x16xf32>
    aac.return %x : tensor<1x8192x16xf32>
  }
}

// -----

aac.suite {
  aac.task @a(%x: tensor<1x16x24xf32>) inputs ["x"] outputs ["y"] {
    // expected-note @+1 {{not 'aac.activation' here}}
    %q = aac.activation sigmoid %x : tensor<1x16x24xf32>
    // expected-error @+1 {{heads of width 12 are padded to 16}}
    %s = aac.scores %q, %q heads 2 scale 0.25 : (tensor<1x16x24xf32>, tensor<1x16x24xf32>) -> tensor<1x2x16x16xf32>
    aac.return %s : tensor<1x2x16x16xf32>
  }
}

//--- image.mlir
aac.suite {
  // expected-error @+1 {{no persistent tier of machine 'small-dram' has room for the image of 5000 bytes (dram: 0 of 4096 bytes used, rram: 0 of 1048576 bytes used, sram: 0 of 262144 bytes used)}}
  aac.stored @s "constant" = dense<1> : tensor<5000xi8> {sources = [], count = 1, stride = 5000, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.task @a() inputs [] outputs [] {}
}

// -----

aac.suite {
  // expected-error @+1 {{no tier of machine 'small-dram' has room for 300000 bytes of task data}}
  aac.stored @s "constant" = dense<1> : tensor<300000xi8> {sources = [], count = 1, stride = 300000, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.task @a() inputs [] outputs [] {}
}

//--- tile.mlir
aac.suite {
  aac.param @w : tensor<16x16xf32> = dense<0.5> : tensor<16x16xf32>
  aac.task @a(%x: tensor<1x16x16xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<16x16xf32>
    // expected-error @+1 {{has no stored weights; run aac-encode first}}
    %y = aac.linear %x, %w : (tensor<1x16x16xf32>, tensor<16x16xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}

// -----

aac.suite {
  aac.param @w : tensor<16x64xf32> = dense<0.5> : tensor<16x64xf32>
  aac.stored @w.weights "weights" = dense<1> : tensor<1024xi8> {sources = ["w"], count = 1, stride = 1024, tile_rows = 16, row_vectors = 4, mask_offsets = array<i64: -1>, data_offsets = array<i64: 0>, data_rows = array<i64: 64>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.task @a(%x: tensor<1x16x64xf32>) inputs ["x"] outputs ["y"] {
    %w = aac.use @w : tensor<16x64xf32>
    // expected-error @+1 {{16 tokens of 4 vectors and their results do not fit the 64 rows of the engine's data memory}}
    %y = aac.linear %x, %w {aac.weights = @w.weights} : (tensor<1x16x64xf32>, tensor<16x64xf32>) -> tensor<1x16x16xf32>
    aac.return %y : tensor<1x16x16xf32>
  }
}
