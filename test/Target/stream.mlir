// cmd -> stream -> cmd -> stream gives the same bytes; so does text between, and the assembler.
// RUN: aac-translate --export-stream %s -o %t.aacs
// RUN: aac-translate --import-stream %t.aacs --text --locations -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: aac-translate --export-stream %t.mlir -o %t.again.aacs
// RUN: cmp %t.aacs %t.again.aacs
// RUN: aac-translate --import-stream %t.aacs | aac-opt --emit-bytecode | aac-translate --export-stream - -o %t.bytecode.aacs
// RUN: cmp %t.aacs %t.bytecode.aacs
// RUN: aac-sim dis %t.aacs -o %t.s
// RUN: FileCheck %s --check-prefix=DIS < %t.s
// RUN: aac-sim as %t.s -o %t.as.aacs
// RUN: cmp %t.aacs %t.as.aacs

// CHECK-LABEL: cmd.stream "toy" text "name: \22toy\22\0A"
// DIS: stream version=2
// DIS-NEXT: machine name="toy"
// DIS-NEXT: line "name: \"toy\"\n"
cmd.stream "toy" text "name: \"toy\"\0A" {
  // CHECK: cmd.task "a" run @run inputs [#cmd.tensor<"ids", tensor<1x8xi64>>] outputs [#cmd.tensor<"y", tensor<1x2xf32>>]
  // DIS-NEXT: task name="a" run=1
  // DIS-NEXT: input name="ids" type=i64 shape=1x8
  // DIS-NEXT: output name="y" type=f32 shape=1x2
  cmd.task "a" run @run inputs [#cmd.tensor<"ids", tensor<1x8xi64>>]
    outputs [#cmd.tensor<"y", tensor<1x2xf32>>]
  // DIS-NEXT: switch from=none to=0 program=0
  cmd.switch to "a" program @to_a
  // CHECK: cmd.image "dram" at 2147483648 owners ["a"] = dense_resource<image_0> : tensor<4xi8>
  // DIS-NEXT: image tier="dram" address=0x80000000 owners=0x1 bytes=4
  // DIS-NEXT: hex 01020304
  cmd.image "dram" at 2147483648 owners ["a"] = dense<[1, 2, 3, 4]> : tensor<4xi8>
  // A splat is written out.
  // DIS-NEXT: image tier="dram" address=0x80000010 owners=0x1 bytes=3
  // DIS-NEXT: hex 070707
  cmd.image "dram" at 2147483664 owners ["a"] = dense<7> : tensor<3xi8>
  cmd.program @to_a role(switch) owners ["a"] {
  }
  // CHECK: cmd.program @run role(run) owners ["a"]
  // DIS: program name="run" role=run owners=0x1
  cmd.program @run role(run) owners ["a"] {
    // DIS-NEXT: task_begin task=0
    cmd.task_begin task = 0
    // The node's name, the aac op and the layer are in the stream; equal ones once.
    // CHECK: cmd.wait units = 3 loc(#[[LOC:.+]])
    // DIS-NEXT: wait units=3 @0
    cmd.wait units = 3 loc(fused<#cmd.origin<"linear", "layer">>["MatMul_7"])
    // DIS-NEXT: wait units=1 @1
    // CHECK: cmd.wait units = 1 {cmd.value = #cmd.value<number = 0, which = 1, address = 64, tokens = 8, features = 24, group = 12, transposed = true, bias = 5, scale = -2>}
    cmd.wait units = 1 {cmd.value = #cmd.value<number = 3, which = 1, address = 64, tokens = 8, features = 24, group = 12, transposed = true, bias = 5, scale = -2>} loc("Add_1")
    // DIS-NEXT: wait units=2 @0
    cmd.wait units = 2 loc(fused<#cmd.origin<"linear", "layer">>["MatMul_7"])
    // DIS-NEXT: task_end task=0
    cmd.task_end task = 0
  }
  // DIS-NEXT: value after=2 which=1 address=0x40 tokens=8 features=24 group=12 transposed=1 bias=5 scale=-2
  // DIS-NEXT: symbol name="w" role="ffn" placement="task" owners=0x1 tier="dram" address=0x80000000 bytes=4 shape=2x2 format="af" hash=0xffffffffffffffff
  cmd.symbol "w" role "ffn" placement "task" owners ["a"] in "dram" at 2147483648 bytes 4
    shape [2, 2] format "af" hash -1
  // DIS-NEXT: location node="MatMul_7" op="linear" layer="layer"
  // DIS-NEXT: location node="Add_1" op="" layer=""
}
// CHECK-DAG: #[[NAME:.+]] = loc("MatMul_7")
// CHECK-DAG: #[[LOC]] = loc(fused<#cmd.origin<"linear", "layer">>[#[[NAME]]])
