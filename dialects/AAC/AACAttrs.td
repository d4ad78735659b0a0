//===- AACAttrs.td - enums and attributes of the aac dialect -*- tablegen -*-===//
#ifndef AAC_DIALECTS_AAC_AACATTRS
#define AAC_DIALECTS_AAC_AACATTRS

include "AACDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def AAC_ActivationKind : I32EnumAttr<"ActivationKind", "element-wise function", [
  I32EnumAttrCase<"Relu", 0, "relu">,
  I32EnumAttrCase<"GeluTanh", 1, "gelu_tanh">,
  I32EnumAttrCase<"GeluErf", 2, "gelu_erf">,
  I32EnumAttrCase<"Silu", 3, "silu">,
  I32EnumAttrCase<"Tanh", 4, "tanh">,
  I32EnumAttrCase<"Sigmoid", 5, "sigmoid">
]> {
  let cppNamespace = "::aac::ir";
  let genSpecializedAttr = 0;
}
def AAC_ActivationKindAttr : EnumAttr<AAC_Dialect, AAC_ActivationKind, "activation_kind">;

def AAC_MaskRule : I32EnumAttr<"MaskRule", "what an attention mask adds to the scores", [
  I32EnumAttrCase<"Inverted", 0, "inverted">,
  I32EnumAttrCase<"Times", 1, "times">,
  I32EnumAttrCase<"NonZero", 2, "nonzero">,
  I32EnumAttrCase<"Zero", 3, "zero">,
  I32EnumAttrCase<"One", 4, "one">,
  I32EnumAttrCase<"Positive", 5, "positive">
]> {
  let cppNamespace = "::aac::ir";
  let genSpecializedAttr = 0;
}
def AAC_MaskRuleAttr : EnumAttr<AAC_Dialect, AAC_MaskRule, "mask_rule">;

def AAC_Role : I32EnumAttr<"Role", "what a parameter is for", [
  I32EnumAttrCase<"Other", 0, "other">,
  I32EnumAttrCase<"Embedding", 1, "embedding">,
  I32EnumAttrCase<"Attention", 2, "attention">,
  I32EnumAttrCase<"Ffn", 3, "ffn">,
  I32EnumAttrCase<"LayerNorm", 4, "layer_norm">,
  I32EnumAttrCase<"Adapter", 5, "adapter">,
  I32EnumAttrCase<"Pooler", 6, "pooler">,
  I32EnumAttrCase<"Classifier", 7, "classifier">
]> {
  let cppNamespace = "::aac::ir";
  let genSpecializedAttr = 0;
}
def AAC_RoleAttr : EnumAttr<AAC_Dialect, AAC_Role, "role"> {
  let assemblyFormat = "`<` $value `>`";
}

def AAC_Placement : I32EnumAttr<"Sharing", "which tasks a parameter belongs to", [
  I32EnumAttrCase<"Task", 0, "task">,
  I32EnumAttrCase<"Subset", 1, "subset">,
  I32EnumAttrCase<"Shared", 2, "shared">
]> {
  let cppNamespace = "::aac::ir";
  let genSpecializedAttr = 0;
}
def AAC_SharingAttr : EnumAttr<AAC_Dialect, AAC_Placement, "sharing"> {
  let assemblyFormat = "`<` $value `>`";
}

def AAC_AdaptivFloatAttr : AttrDef<AAC_Dialect, "AdaptivFloat"> {
  let mnemonic = "af";
  let summary = "AdaptivFloat number format of a tensor";
  let description = [{
    `bits` in all, `exponentBits` of them exponent. The smallest exponent is
    bias - 10 + scale: `bias` is the engine's 3-bit register, `scale` a
    compile-time power of two that only the compiler and the host know.

    Example: `#aac.af<8, 3, bias = 5, scale = -2>`
  }];
  let parameters = (ins "unsigned":$bits, "unsigned":$exponentBits, "int":$bias, "int":$scale);
  let assemblyFormat = "`<` $bits `,` $exponentBits `,` `bias` `=` $bias `,` `scale` `=` $scale `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Smallest exponent: bias - 10 + scale (Numerics/AdaptivFloat.h).
    int getMinExponent() const { return getBias() - 10 + getScale(); }
  }];
}

def AAC_Int8Attr : AttrDef<AAC_Dialect, "Int8"> {
  let mnemonic = "int8";
  let summary = "8-bit integers with scales and zero points";
  let description = [{
    value = (code - zero) * scale (Numerics/Int8.h). One scale for the whole tensor, or one for
    each index along `axis`; zero points in -128..127, as many as scales, left out where all are 0
    (symmetric).

    Examples: `#aac.int8<0.05>`, `#aac.int8<0.05, zero = -128>`,
    `#aac.int8<[0.1, 0.2], zero = [3, -7], axis = 0>`
  }];
  let parameters = (ins "::mlir::DenseF32ArrayAttr":$scales, "::mlir::DenseI32ArrayAttr":$zeros,
                        "int64_t":$axis);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Each index along an axis has its own scale; else `getAxis()` is -1.
    bool isPerChannel() const { return getAxis() >= 0; }
    /// All zero points are 0.
    bool isSymmetric() const;
    /// True if a tensor of `shape` can have this format.
    bool fits(::llvm::ArrayRef<int64_t> shape) const;
  }];
}

/// What the codes of a tensor are: of a parameter, or of an operation's result.
def AAC_FormatAttr : AnyAttrOf<[AAC_AdaptivFloatAttr, AAC_Int8Attr], "a number format">;

def AAC_TileAttr : AttrDef<AAC_Dialect, "Tile"> {
  let mnemonic = "tile";
  let summary = "how the engine works through an operation";
  let description = [{
    `tokens` rows of the input are in the engine at a time. `order` says what
    stays there while the other operand streams by: `input` or `weights`.

    Example: `#aac.tile<tokens = 64, order = "input">`
  }];
  let parameters = (ins "int64_t":$tokens, StringRefParameter<>:$order);
  let assemblyFormat = "`<` `tokens` `=` $tokens `,` `order` `=` $order `>`";
}

def AAC_BufferAttr : AttrDef<AAC_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "where a tensor lies in the machine's address map";
  let description = [{
    Example: `#aac.buffer<"sram", address = 536870912, bytes = 98304>`
  }];
  let parameters = (ins StringRefParameter<>:$tier, "uint64_t":$address, "uint64_t":$bytes);
  let assemblyFormat = "`<` $tier `,` `address` `=` $address `,` `bytes` `=` $bytes `>`";
}

#endif
