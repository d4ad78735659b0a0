//===- CmdOps.td - operations of the cmd dialect -----------*- tablegen -*-===//
#ifndef AAC_DIALECTS_CMD_CMDOPS
#define AAC_DIALECTS_CMD_CMDOPS

include "CmdAttrs.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Cmd_Op<string mnemonic, list<Trait> traits = []> : Op<Cmd_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// The stream and its parts
//===----------------------------------------------------------------------===//

def Cmd_StreamOp : Cmd_Op<"stream", [IsolatedFromAbove, SymbolTable, SingleBlock, NoTerminator,
                                    NoRegionArguments]> {
  let summary = "a stream file";
  let description = [{
    `machine` is the name of the machine it was compiled for, `machine_text` that
    machine's whole resolved description. Tasks have the numbers of their order.

    Example:
    ```mlir
    cmd.stream "edgebert-sram" text "name: \"edgebert-sram\"" {
      cmd.task "sst2" run @run_sst2
          inputs [#cmd.tensor<"input_ids", tensor<1x128xi64>>]
          outputs [#cmd.tensor<"logits", tensor<1x2xf32>>]
      cmd.image "dram" at 2147483648 owners ["sst2"] = dense<1> : tensor<16xi8>
      cmd.switch to "sst2" program @to_sst2
      cmd.program @to_sst2 role(switch) owners ["sst2"] {
      }
      cmd.program @run_sst2 role(run) owners ["sst2"] {
        cmd.task_begin task = 0
        cmd.task_end task = 0
      }
    }
    ```
  }];
  let arguments = (ins StrAttr:$machine, StrAttr:$machine_text);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$machine `text` $machine_text attr-dict-with-keyword $body";
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$machine, "::llvm::StringRef":$machineText)>];
  let hasRegionVerifier = 1;
}

def Cmd_ImageOp : Cmd_Op<"image", [HasParent<"StreamOp">]> {
  let summary = "bytes that lie in a tier from the start";
  let description = [{
    `bytes` is a one-dimensional tensor of i8. `owners` are the tasks that need it.

    Example: `cmd.image "dram" at 2147483648 owners ["a", "b"] = dense_resource<w> : tensor<64xi8>`
  }];
  let arguments = (ins StrAttr:$tier, I64Attr:$address, StrArrayAttr:$owners, ElementsAttr:$bytes);
  let assemblyFormat = "$tier `at` $address `owners` $owners attr-dict `=` $bytes";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The bytes, where they are. Empty if the resource has gone. `scratch` serves a splat.
    ::llvm::ArrayRef<char> getRawBytes(std::string &scratch);
  }];
}

def Cmd_TaskOp : Cmd_Op<"task", [HasParent<"StreamOp">,
                                DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a task: its inputs, its outputs and the program that runs it";
  let arguments = (ins StrAttr:$task_name, FlatSymbolRefAttr:$run,
                       TypedArrayAttrBase<Cmd_TensorAttr, "tensors">:$inputs,
                       TypedArrayAttrBase<Cmd_TensorAttr, "tensors">:$outputs);
  let assemblyFormat = "$task_name `run` $run `inputs` $inputs `outputs` $outputs attr-dict";
}

def Cmd_SwitchOp : Cmd_Op<"switch", [HasParent<"StreamOp">,
                                    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the program that switches from one task to another";
  let description = [{
    Without `from`: the switch after power-on.

    Example: `cmd.switch from "sst2" to "mnli" program @to_mnli`
  }];
  let arguments = (ins OptionalAttr<StrAttr>:$from, StrAttr:$to, FlatSymbolRefAttr:$program);
  let assemblyFormat = "(`from` $from^)? `to` $to `program` $program attr-dict";
}

def Cmd_SymbolOp : Cmd_Op<"symbol", [HasParent<"StreamOp">]> {
  let summary = "a stored parameter, for reports and for adding a task later";
  let description = [{
    `address` is where it is read at run time, in `tier`; `hash` the XXH3 of its f32
    bytes.

    Example: `cmd.symbol "w" role "ffn" placement "shared" owners ["a", "b"] in "dram" at 64
    bytes 32 shape [8, 8] format "af<8,3,bias=5,scale=-2>" hash 4660`
  }];
  let arguments = (ins StrAttr:$symbol_name, StrAttr:$role, StrAttr:$placement,
                       StrArrayAttr:$owners, StrAttr:$tier, I64Attr:$address,
                       I64Attr:$stored_bytes, DenseI64ArrayAttr:$shape, StrAttr:$format,
                       I64Attr:$hash);
  let assemblyFormat = [{
    $symbol_name `role` $role `placement` $placement `owners` $owners `in` $tier `at` $address
    `bytes` $stored_bytes `shape` $shape `format` $format `hash` $hash attr-dict
  }];
}

def Cmd_ProgramOp : Cmd_Op<"program", [Symbol, IsolatedFromAbove, HasParent<"StreamOp">,
                                      SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "instructions that run from the first to the last";
  let arguments = (ins SymbolNameAttr:$sym_name, Cmd_ProgramRoleAttr:$role, StrArrayAttr:$owners);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `role` `(` custom<ProgramRole>($role) `)` `owners` $owners attr-dict-with-keyword $body";
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "ProgramRole":$role,
                                 "::llvm::ArrayRef<::llvm::StringRef>":$owners)>];
  let hasRegionVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

/// Built from the values of its fields, in their order.
class Cmd_Instruction<string mnemonic> : Cmd_Op<mnemonic, [HasParent<"ProgramOp">]> {
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::ArrayRef<int64_t>":$values),
                            [{ ::aac::cmd::buildInstruction($_builder, $_state, values); }]>];
}

/// A field of an instruction.
class Cmd_Number<int low, int high>
    : ConfinedAttr<I64Attr, [IntMinValue<low>, IntMaxValue<high>]> {
  let summary = "a number from " # low # " to " # high;
}

include "CmdInstructions.td"

#endif
