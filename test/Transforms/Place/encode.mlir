// RUN: aac-opt %s --aac-encode=machine=edgebert-rram | FileCheck %s
// RUN: aac-opt %s --pass-pipeline='builtin.module(aac-encode{machine=edgebert-rram},aac-place{machine=edgebert-rram})' 2>/dev/null | FileCheck %s --check-prefix=PLACE
// RUN: aac-opt %s --pass-pipeline='builtin.module(aac-encode{machine=edgebert-sram},aac-place{machine=edgebert-sram})' 2>/dev/null | FileCheck %s --check-prefix=SRAM

// A weight of ones (code 0x30 at bias 7: 2^0) with a bias of one: dense, 16 rows of one data
// block and one bias block. The bias of row r is one code in lane r.

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @table : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @w : tensor<16x16xf32> = dense<0x30> : tensor<16x16xi8> {format = #f, role = #aac.role<ffn>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @b : tensor<16xf32> = dense<1.0> : tensor<16xf32> {role = #aac.role<ffn>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @sparse : tensor<64x32xf32> = dense<0> : tensor<64x32xi8> {format = #f, role = #aac.role<classifier>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.param @zero : tensor<64xf32> = dense<0.0> : tensor<64xf32> {role = #aac.role<classifier>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.param @w2 : tensor<32x16xf32> = dense<0x31> : tensor<32x16xi8> {format = #f, role = #aac.role<pooler>, sharing = #aac.sharing<task>, tasks = ["a"]}
  // CHECK-LABEL: aac.task @a
  aac.task @a(%ids: tensor<1x16xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @table : tensor<4x16xf32>
    // CHECK: aac.embedding {{.*}}aac.tables = [@table.rows]
    // PLACE: aac.embedding {{.*}}buffer = #aac.buffer<"sram"
    // SRAM: aac.embedding {{.*}}buffer = #aac.buffer<"sram"
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x16xi64>, tensor<4x16xf32>) -> tensor<1x16x16xf32>
    %w = aac.use @w : tensor<16x16xf32>
    %b = aac.use @b : tensor<16xf32>
    // CHECK: aac.linear {{.*}}aac.lanes = @lanes_10, aac.weights = @w.weights
    %x = aac.linear %e, %w, %b {format = #f} : (tensor<1x16x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<1x16x16xf32>
    // CHECK: aac.activation tanh {{.*}}aac.table = @tanh.table
    %y = aac.activation tanh %x {format = #aac.af<8, 3, bias = 3, scale = 0>} : tensor<1x16x16xf32>
    %w2 = aac.use @w2 : tensor<32x16xf32>
    %h = aac.linear %y, %w2 {format = #f} : (tensor<1x16x16xf32>, tensor<32x16xf32>) -> tensor<1x16x32xf32>
    %s = aac.use @sparse : tensor<64x32xf32>
    %z = aac.use @zero : tensor<64xf32>
    %o = aac.linear %h, %s, %z {format = #f} : (tensor<1x16x32xf32>, tensor<64x32xf32>, tensor<64xf32>) -> tensor<1x16x64xf32>
    aac.return %o : tensor<1x16x64xf32>
  }
  // CHECK: aac.stored @table.rows "rows" = {{.*}} data_offsets = array<i64: 0>, {{.*}}mask_offsets = array<i64: -1>
  // PLACE: aac.stored @table.rows "rows" {{.*}}buffer = #aac.buffer<"rram"
  // SRAM: aac.stored @table.rows "rows" {{.*}}buffer = #aac.buffer<"sram", {{.*}}rest = #aac.buffer<"dram"
  // CHECK: aac.stored @w.weights "weights" = {{.*}}bias_exponent = -2 : i64, {{.*}}data_rows = array<i64: 17>, {{.*}}mask_offsets = array<i64: 0>, {{.*}}row_vectors = 2 : i64, {{.*}}tile_rows = 16 : i64
  // CHECK: aac.stored @tanh.table "table" = {{.*}} : tensor<256xi8>
  // The all-zero weight stores nothing but its masks; the zero bias is dropped.
  // CHECK: aac.stored @sparse.weights "weights" = {{.*}}data_rows = array<i64: 0>, {{.*}}row_vectors = 2 : i64, {{.*}}sharing = #aac.sharing<task>
  // PLACE: aac.stored @sparse.weights {{.*}}buffer = #aac.buffer<"sram", {{.*}}rest = #aac.buffer<"dram"
}
