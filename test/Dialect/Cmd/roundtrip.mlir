// RUN: aac-opt %s --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: aac-opt %s --verify-roundtrip
// RUN: aac-opt %s --emit-bytecode | aac-opt --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: cmd.stream "toy" text "name: \22toy\22"
cmd.stream "toy" text "name: \"toy\"" {
  // CHECK: cmd.task "a task" run @run inputs [#cmd.tensor<"ids", tensor<1x8xi64>>, #cmd.tensor<"mask", tensor<1x8xi1>>] outputs [#cmd.tensor<"y", tensor<1x2xf32>>]
  cmd.task "a task" run @run
    inputs [#cmd.tensor<"ids", tensor<1x8xi64>>, #cmd.tensor<"mask", tensor<1x8xi1>>]
    outputs [#cmd.tensor<"y", tensor<1x2xf32>>]
  cmd.task "b" run @run inputs [] outputs []
  // CHECK: cmd.image "dram" at 2147483648 owners ["a task", "b"] = dense_resource<image_0> : tensor<4xi8>
  cmd.image "dram" at 2147483648 owners ["a task", "b"] = dense_resource<image_0> : tensor<4xi8>
  // CHECK: cmd.image "rram" at 0 owners ["b"] = dense<1> : tensor<16xi8>
  cmd.image "rram" at 0 owners ["b"] = dense<1> : tensor<16xi8>
  // CHECK: cmd.switch from "a task" to "b" program @switch
  cmd.switch from "a task" to "b" program @switch
  // CHECK: cmd.switch to "b" program @switch
  cmd.switch to "b" program @switch
  // CHECK: cmd.symbol "w" role "ffn" placement "shared" owners ["b"] in "dram" at 64 bytes 32 shape [8, 8] format "af<8,3,bias=5,scale=-2>" hash -1
  cmd.symbol "w" role "ffn" placement "shared" owners ["b"] in "dram" at 64 bytes 32
    shape [8, 8] format "af<8,3,bias=5,scale=-2>" hash -1
  // CHECK: cmd.program @switch role(switch) owners ["a task", "b"]
  cmd.program @switch role(switch) owners ["a task", "b"] {
  }
  // CHECK: cmd.program @power role(power_on) owners ["b"]
  cmd.program @power role(power_on) owners ["b"] {
  }
  // CHECK: cmd.program @run role(run) owners ["a task", "b"]
  cmd.program @run role(run) owners ["a task", "b"] {
    // CHECK-NEXT: cmd.task_begin task = 0
    cmd.task_begin task = 0
    // CHECK-NEXT: cmd.loop count = 12
    cmd.loop count = 12
    // CHECK-NEXT: cmd.load_aux row = 0, rows = 6, address = 4294967295, loop_stride = 96 loc("LayerNorm_3")
    cmd.load_aux row = 0, rows = 6, address = 4294967295, loop_stride = 96 loc("LayerNorm_3")
    // CHECK-NEXT: cmd.matmul n0 = 64, n1 = 16, m = 32, relu = 1, bias_enable = 0, weight_bias = -8, shift = 3, out_bias = 7, base0 = 0, base1 = 1, data_offset0 = 0, data_offset1 = 1, out_memory = 1, out_base = 64 loc(fused<#cmd.origin<"linear", "layer">>["MatMul_7"])
    cmd.matmul n0 = 64, n1 = 16, m = 32, relu = 1, bias_enable = 0, weight_bias = -8, shift = 3,
      out_bias = 7, base0 = 0, base1 = 1, data_offset0 = 0, data_offset1 = 1, out_memory = 1,
      out_base = 64 loc(fused<#cmd.origin<"linear", "layer">>["MatMul_7"])
    // CHECK-NEXT: cmd.end
    cmd.end
    // CHECK-NEXT: cmd.wait units = 7
    cmd.wait units = 7
    // CHECK-NEXT: cmd.task_end task = 0
    cmd.task_end task = 0
  }
}

{-#
  dialect_resources: { builtin: { image_0: "0x1000000001020304" } }
#-}
