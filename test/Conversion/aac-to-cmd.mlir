// RUN: aac-opt %s --pass-pipeline='builtin.module(aac-encode,aac-place,aac-tile,aac-lower-to-cmd)' 2>/dev/null | FileCheck %s
// RUN: aac-opt %s --pass-pipeline='builtin.module(aac-encode,aac-place,aac-tile,aac-lower-to-cmd,aac-schedule)' 2>/dev/null | FileCheck %s --check-prefix=WAIT

#f = #aac.af<8, 3, bias = 7, scale = 0>
#p = #aac.af<8, 3, bias = 3, scale = 0>
aac.suite {
  aac.param @table : tensor<4x32xf32> = dense<0x30> : tensor<4x32xi8> {format = #f, role = #aac.role<embedding>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @w : tensor<32x32xf32> = dense<0x30> : tensor<32x32xi8> {format = #p, role = #aac.role<attention>, sharing = #aac.sharing<shared>, tasks = ["a"]}
  aac.param @g0 : tensor<32xf32> = dense<0x30> : tensor<32xi8> {format = #f, role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.param @g1 : tensor<32xf32> = dense<0x31> : tensor<32xi8> {format = #f, role = #aac.role<layer_norm>, sharing = #aac.sharing<task>, tasks = ["a"]}
  aac.task @a(%ids: tensor<1x20xi64>, %m: tensor<1x20xi64>) inputs ["ids", "mask"] outputs ["y"] {
    // CHECK-LABEL: cmd.program @run_a
    // CHECK: cmd.task_begin task = 0
    %t = aac.use @table : tensor<4x32xf32>
    // CHECK: cmd.host_gather source = 0, input = 0, {{.*}}table_rows = 4, columns = 32, timesteps = 20
    // CHECK: cmd.host_emit {{.*}}timesteps = 20, columns = 32, bias = 7, scale = 0
    %e = aac.embedding ids(%ids) tables(%t) {format = #f} : (tensor<1x20xi64>, tensor<4x32xf32>) -> tensor<1x20x32xf32>
    // CHECK: cmd.host_mask input = 1, {{.*}}timesteps = 20, vectors = 2, bias = 7
    %mask = aac.mask %m, -10000.0 : tensor<1x20xi64> -> tensor<1x1x1x20xf32>
    // The loop's value stays where the embedding put it: no copies.
    // CHECK-NEXT: cmd.loop count = 2
    %y = aac.loop 2 (%x = %e) : (tensor<1x20x32xf32>) {
      %w = aac.use @w : tensor<32x32xf32>
      // Queries and keys: rows are tokens. 32 tokens, 32 features, one tile.
      // CHECK: cmd.load_data memory = 1
      // CHECK: cmd.load_data memory = 0
      // CHECK: cmd.matmul n0 = 32, n1 = 32, m = 32, relu = 0, bias_enable = 0, weight_bias = 0, shift = 6
      // CHECK: cmd.store_data memory = 1
      %q = aac.linear %x, %w {format = #f} : (tensor<1x20x32xf32>, tensor<32x32xf32>) -> tensor<1x20x32xf32>
      // CHECK: cmd.matmul
      %k = aac.linear %x, %w {format = #f} : (tensor<1x20x32xf32>, tensor<32x32xf32>) -> tensor<1x20x32xf32>
      // Values are written transposed: the input is operand 0.
      // CHECK: cmd.load_data memory = 0
      // CHECK: cmd.matmul {{.*}}out_memory = 0
      %v = aac.linear %x, %w {format = #f} : (tensor<1x20x32xf32>, tensor<32x32xf32>) -> tensor<1x20x32xf32>
      // Two heads of 16; scale 1/4 takes two bits off the shift's -log2.
      // CHECK: cmd.load_aux row = 0, rows = 2
      // CHECK: cmd.matmul n0 = 32, n1 = 32, m = 16, {{.*}}shift = 4
      // CHECK-NEXT: cmd.softmax {{.*}}vectors = 2, timesteps = 20, in_bias = 7, out_bias = 3, span_base = 0, span_bias = 7, pad_lanes = 12
      // CHECK-NEXT: cmd.matmul n0 = 16, n1 = 32, m = 32
      // CHECK-NEXT: cmd.store_data
      // CHECK: cmd.softmax
      %s = aac.scores %q, %k heads 2 scale 0.25 {format = #f} : (tensor<1x20x32xf32>, tensor<1x20x32xf32>) -> tensor<1x2x20x20xf32>
      %p = aac.softmax %s, %mask {format = #p} : (tensor<1x2x20x20xf32>, tensor<1x1x1x20xf32>) -> tensor<1x2x20x20xf32>
      %c = aac.context %p, %v {format = #f} : (tensor<1x2x20x20xf32>, tensor<1x20x32xf32>) -> tensor<1x20x32xf32>
      // The add and the norm stay in the engine; gamma and beta go by repetition.
      // CHECK: cmd.element_add memory = 0, {{.*}}timesteps = 20
      // CHECK-NEXT: cmd.load_aux row = 2, rows = 4, {{.*}}loop_stride = 64
      // CHECK-NEXT: cmd.layer_norm {{.*}}timesteps = 20
      // CHECK-NEXT: cmd.store_data
      // CHECK-NEXT: cmd.end
      %r = aac.add %c, %x {format = #f} : tensor<1x20x32xf32>
      %g = aac.use_each [@g0, @g1] : tensor<32xf32>
      %n = aac.layer_norm %r, %g, %g epsilon 1.0e-12 {format = #f} : (tensor<1x20x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<1x20x32xf32>
      aac.yield %n : tensor<1x20x32xf32>
    }
    // CHECK-NEXT: cmd.host_output output = 0, {{.*}}timesteps = 20, columns = 32
    // CHECK-NEXT: cmd.task_end
    aac.return %y : tensor<1x20x32xf32>
  }
}

// WAIT: cmd.host_emit
// WAIT: cmd.wait units = 4
// WAIT-NEXT: cmd.loop
// WAIT: cmd.load_data
// WAIT: cmd.wait units = 1
// WAIT-NEXT: cmd.matmul
