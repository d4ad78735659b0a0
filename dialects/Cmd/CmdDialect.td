//===- CmdDialect.td - the cmd dialect ---------------------*- tablegen -*-===//
#ifndef AAC_DIALECTS_CMD_CMDDIALECT
#define AAC_DIALECTS_CMD_CMDDIALECT

include "mlir/IR/OpBase.td"

def Cmd_Dialect : Dialect {
  let name = "cmd";
  let cppNamespace = "::aac::cmd";
  let summary = "a compiled suite, one operation per instruction";
  let description = [{
    A `cmd.stream` is a stream file as IR: images, programs, tasks, switches and
    symbols. Inside `cmd.program` each operation is one instruction, its fields
    numbers. These operations are generated from the instruction table
    (lib/ISA/Table.cpp), as are their ranges.

    Where an instruction comes from is its location: names (`loc("MatMul_7")`) are
    ONNX nodes; op and layer are the metadata of a fused location,
    `loc(fused<#cmd.origin<"linear", "layer">>["MatMul_7"])`. Both go into the
    stream. An instruction without either has no location there.
  }];
  let dependentDialects = [];
  let useDefaultAttributePrinterParser = 1;
}

#endif
