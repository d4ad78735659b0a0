//===- CmdAttrs.td - enums and attributes of the cmd dialect -*- tablegen -*-===//
#ifndef AAC_DIALECTS_CMD_CMDATTRS
#define AAC_DIALECTS_CMD_CMDATTRS

include "CmdDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Cmd_ProgramRole : I32EnumAttr<"ProgramRole", "when a program runs", [
  I32EnumAttrCase<"PowerOn", 0, "power_on">,
  I32EnumAttrCase<"Switch", 1, "switch">,
  I32EnumAttrCase<"Run", 2, "run">
]> {
  let cppNamespace = "::aac::cmd";
  let genSpecializedAttr = 0;
}
def Cmd_ProgramRoleAttr : EnumAttr<Cmd_Dialect, Cmd_ProgramRole, "role">;

def Cmd_OriginAttr : AttrDef<Cmd_Dialect, "Origin"> {
  let mnemonic = "origin";
  let summary = "op and layer that an instruction comes from";
  let description = [{
    Metadata of a fused location.

    Example: `loc(fused<#cmd.origin<"linear", "layer">>["MatMul_7"])`
  }];
  let parameters = (ins StringRefParameter<>:$op, StringRefParameter<>:$layer);
  let assemblyFormat = "`<` $op `,` $layer `>`";
}

def Cmd_TensorAttr : AttrDef<Cmd_Dialect, "Tensor"> {
  let mnemonic = "tensor";
  let summary = "an input or output of a task";
  let description = [{
    Static shape; element type i32, i64, f32 or i1 (bool).

    Example: `#cmd.tensor<"input_ids", tensor<1x128xi64>>`
  }];
  let parameters = (ins StringRefParameter<>:$name, "::mlir::RankedTensorType":$type);
  let assemblyFormat = "`<` $name `,` $type `>`";
  let genVerifyDecl = 1;
}

def Cmd_ValueAttr : AttrDef<Cmd_Dialect, "Value"> {
  let mnemonic = "value";
  let summary = "an activation that instructions write to a tier's memory";
  let description = [{
    The attribute `cmd.value` of each instruction that writes part of it; the last of them
    completes it. `number` tells values apart that are alike; `which` of the operations with the
    same location it is the result of. With a `group` every so many
    features are padded to a multiple of 16 of their own; a transposed one lies there as
    [features x tokens].

    Example: `#cmd.value<number = 3, which = 0, address = 536870912, tokens = 128, features = 768,
    group = 0, transposed = false, bias = 5, scale = -2>`
  }];
  let parameters = (ins "int64_t":$number, "int64_t":$which, "uint64_t":$address, "int64_t":$tokens,
                        "int64_t":$features, "int64_t":$group, "bool":$transposed,
                        "int64_t":$bias, "int64_t":$scale);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif
