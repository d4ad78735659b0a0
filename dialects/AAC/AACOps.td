//===- AACOps.td - operations of the aac dialect -----------*- tablegen -*-===//
#ifndef AAC_DIALECTS_AAC_AACOPS
#define AAC_DIALECTS_AAC_AACOPS

include "AACAttrs.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class AAC_Op<string mnemonic, list<Trait> traits = []> : Op<AAC_Dialect, mnemonic, traits>;

def AAC_Tensor : RankedTensorOf<[F32]>;
def AAC_Ids : RankedTensorOf<[I32, I64]>;
def AAC_MaskInput : RankedTensorOf<[I1, I32, I64, F32]>;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def AAC_SuiteOp : AAC_Op<"suite", [IsolatedFromAbove, SymbolTable, SingleBlock, NoTerminator,
                                  NoRegionArguments]> {
  let summary = "the tasks that one stream is compiled for, and their parameters";
  let description = [{
    Example:
    ```mlir
    aac.suite {
      aac.param @w : tensor<2x4xf32> = dense<0.5> : tensor<2x4xf32> {role = #aac.role<classifier>}
      aac.task @sst2(%x: tensor<1x4xf32>) -> (tensor<1x2xf32>)
          inputs ["x"] outputs ["logits"] {
        %w = aac.use @w : tensor<2x4xf32>
        %y = aac.linear %x, %w : (tensor<1x4xf32>, tensor<2x4xf32>) -> tensor<1x2xf32>
        aac.return %y : tensor<1x2xf32>
      }
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "attr-dict-with-keyword $body";
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins)>];
}

def AAC_ParamOp : AAC_Op<"param", [Symbol, HasParent<"SuiteOp">]> {
  let summary = "a parameter, stored once";
  let description = [{
    `type` is the parameter's shape in f32. `value` holds its f32 values or,
    when `format` is set, its codes (element type i8 for formats of 8 bits or
    fewer, else i16) in the same shape.

    `content_hash` is the XXH3 of the f32 bytes as imported (after the
    exporter's noise is removed); it never changes, so that a task can be added
    later. `quantised`: the values were codes of this format in the file; int8 keeps it while
    they still are. `sharing` and `tasks` say who uses it (set by `aac-share`, fixed from
    then on: `aac-verify-sharing` fails when a pass forks a parameter). A linear
    weight is always [out, in].

    Example:
    ```mlir
    aac.param @wq : tensor<768x768xf32> = dense_resource<h1234> : tensor<768x768xf32>
        {role = #aac.role<attention>, sharing = #aac.sharing<shared>, tasks = ["mnli", "sst2"]}
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, TypeAttrOf<AAC_Tensor>:$type, ElementsAttr:$value,
    OptionalAttr<AAC_RoleAttr>:$role,
    OptionalAttr<AAC_SharingAttr>:$sharing,
    OptionalAttr<StrArrayAttr>:$tasks,
    OptionalAttr<I64Attr>:$content_hash,
    OptionalAttr<F64Attr>:$sparsity,
    OptionalAttr<AAC_FormatAttr>:$format,
    OptionalAttr<AAC_Int8Attr>:$quantised);
  let assemblyFormat = "$sym_name `:` $type `=` $value attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
  }];
}

def AAC_StoredOp : AAC_Op<"stored", [Symbol, HasParent<"SuiteOp">]> {
  let summary = "bytes as they lie in a memory tier";
  let description = [{
    Made by `aac-encode` from parameters (or, for tables and constants, from
    formats). `count` repetitions of `stride` bytes each, one a repetition of
    the loop that reads it; `sources` names the parameters.

    `kind` is one of
    - `weights`: engine operand. Tiles of `tile_rows` output features, each
      [features x reduction] in block order (`row_vectors` vectors a feature,
      the last one the bias tile if `bias_exponent` is set). Tile i's mask
      words start at byte `mask_offsets[i]` (-1: dense, all ones, not stored)
      and its `data_rows[i]` rows of 16 bytes at `data_offsets[i]`.
      `bias_exponent`: the bias tile expects constant lanes of 2^bias_exponent
      in the other operand.
    - `vectors`: layer norm's gamma, then beta, dense codes, padded to 16.
    - `rows`: an embedding table read row by row by the host; `data_offsets[0]`
      is where rows start, `mask_offsets[0]` (or -1: dense) the offset index.
    - `table`: 256 codes of an element-wise function.
    - `ids`: u32 per token.
    - `constant`: mask words all ones, constant lanes, span rows.

    `buffer` is where it is read from when its task runs, `rest` where its
    image lies if that is elsewhere (both set by `aac-place`).
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, StrAttr:$kind, ElementsAttr:$value,
    StrArrayAttr:$sources, I64Attr:$count, I64Attr:$stride,
    OptionalAttr<I64Attr>:$tile_rows, OptionalAttr<I64Attr>:$row_vectors,
    OptionalAttr<I64Attr>:$bias_exponent,
    OptionalAttr<DenseI64ArrayAttr>:$mask_offsets, OptionalAttr<DenseI64ArrayAttr>:$data_offsets,
    OptionalAttr<DenseI64ArrayAttr>:$data_rows,
    OptionalAttr<AAC_RoleAttr>:$role, AAC_SharingAttr:$sharing, StrArrayAttr:$tasks,
    OptionalAttr<AAC_AdaptivFloatAttr>:$format,
    OptionalAttr<AAC_BufferAttr>:$buffer, OptionalAttr<AAC_BufferAttr>:$rest);
  let assemblyFormat = "$sym_name $kind `=` $value attr-dict";
  let hasVerifier = 1;
}

def AAC_TaskOp : AAC_Op<"task", [Symbol, IsolatedFromAbove, HasParent<"SuiteOp">,
                                SingleBlockImplicitTerminator<"ReturnOp">]> {
  let summary = "the graph of one task";
  let description = [{
    Block arguments are the model's inputs, the operands of `aac.return` its
    outputs, named as in the ONNX file. `output_types`, where there, are the types
    that the file declares for them (`[f16]`): `aac eval` rounds to those.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$input_names,
                       StrArrayAttr:$output_names);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def AAC_ReturnOp : AAC_Op<"return", [Terminator, Pure, HasParent<"TaskOp">]> {
  let summary = "the outputs of a task";
  let arguments = (ins Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = "($outputs^ `:` type($outputs))? attr-dict";
  let builders = [OpBuilder<(ins), [{ }]>];
}

def AAC_UseOp : AAC_Op<"use", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "reads a parameter";
  let description = [{
    Example: `%w = aac.use @wq : tensor<768x768xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$param);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$param attr-dict `:` type($result)";
}

def AAC_UseEachOp : AAC_Op<"use_each", [Pure, HasParent<"LoopOp">,
                                       DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "reads the parameter of the current repetition of the loop";
  let description = [{
    As many parameters as the loop has repetitions, all of one type.

    Example: `%w = aac.use_each [@down_0, @down_1] : tensor<64x768xf32>`
  }];
  let arguments = (ins TypedArrayAttrBase<FlatSymbolRefAttr, "parameters">:$params);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$params attr-dict `:` type($result)";
}

def AAC_LoopOp : AAC_Op<"loop", [SingleBlock, AutomaticAllocationScope]> {
  let summary = "a layer repeated";
  let description = [{
    Runs its body `count` times; the body's arguments are `inits` first and
    what `aac.yield` gives afterwards. Values from outside may be used.

    Example:
    ```mlir
    %y = aac.loop 12 (%h = %x) : (tensor<1x128x768xf32>) {
      ...
      aac.yield %z : tensor<1x128x768xf32>
    }
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntPositive]>:$count,
                       Variadic<AAC_Tensor>:$inits);
  let results = (outs Variadic<AAC_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def AAC_YieldOp : AAC_Op<"yield", [Terminator, Pure, HasParent<"LoopOp">]> {
  let summary = "what the next repetition starts from";
  let arguments = (ins Variadic<AAC_Tensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

//===----------------------------------------------------------------------===//
// Transformer encoder with adapters
//
// Activations are [batch, tokens, features], or [batch, features] after
// aac.select. Every operation that makes an activation may carry `format`, the
// number format of its result (aac-quantise), `absmax`, the largest magnitude that
// calibration saw, and `buffer`, its place (aac-place).
//===----------------------------------------------------------------------===//

class AAC_ActivationOp<string mnemonic, list<Trait> traits = []>
    : AAC_Op<mnemonic, !listconcat([Pure], traits)> {
  dag annotations = (ins OptionalAttr<AAC_FormatAttr>:$format,
                         OptionalAttr<F64Attr>:$absmax,
                         OptionalAttr<AAC_BufferAttr>:$buffer);
}

def AAC_EmbeddingOp : AAC_ActivationOp<"embedding", [AttrSizedOperandSegments]> {
  let summary = "sum of embedding rows";
  let description = [{
    result[b, s, :] = sum over i of table_i[ids_i[b, s], :]. An `ids` of first
    dimension 1 serves every row of the batch. Constant ids (positions) come from
    `aac.constant_ids`.

    Example:
    ```mlir
    %e = aac.embedding ids(%ids, %pos) tables(%word, %position)
        : (tensor<1x8xi64>, tensor<1x8xi64>, tensor<100x16xf32>, tensor<32x16xf32>)
        -> tensor<1x8x16xf32>
    ```
  }];
  let arguments = !con((ins Variadic<AAC_Ids>:$ids, Variadic<AAC_Tensor>:$tables), annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = [{
    `ids` `(` $ids `)` `tables` `(` $tables `)` attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def AAC_ConstantIdsOp : AAC_Op<"constant_ids", [Pure, ConstantLike,
                                               AllTypesMatch<["value", "result"]>]> {
  let summary = "ids that do not depend on the input, such as positions";
  let description = [{
    Example: `%p = aac.constant_ids dense<[[0, 1, 2]]> : tensor<1x3xi64>`
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AAC_Ids:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
}

def AAC_LinearOp : AAC_ActivationOp<"linear"> {
  let summary = "x times transposed weight, plus bias";
  let description = [{
    result[..., n] = scale * (sum over k of x[..., k] * weight[n, k] + bias[n]).
    `weight` is [out, in] as state dictionaries have it. `scale` (LoRA's alpha / r, an
    adapter's gate) moves into weight and bias before quantisation (`aac-fold-scales`).

    Example: `%y = aac.linear %x, %w, %b {scale = 2.0 : f32} : ...`
  }];
  let arguments = !con((ins AAC_Tensor:$input, AAC_Tensor:$weight, Optional<AAC_Tensor>:$bias),
                       annotations, (ins DefaultValuedAttr<F32Attr, "1.0f">:$scale));
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AAC_MaskOp : AAC_ActivationOp<"mask"> {
  let summary = "what is added to the scores of each key";
  let description = [{
    result[b, 0, 0, s], f32, of m = mask[b, s] (or mask[b, 0, 0, s]) as `rule` says:

    | rule       | result                                 |
    |------------|----------------------------------------|
    | `inverted` | (1 - m) * constant                     |
    | `times`    | m * constant: m marks padding          |
    | `nonzero`  | 0 where m is not 0, else the constant  |
    | `zero`     | 0 where m is 0 (padding is marked), else the constant |
    | `one`      | 0 where m is 1, else the constant      |
    | `positive` | 0 where m is above 0, else the constant |

    Of a mask that holds only 0 and 1 `inverted`, `nonzero`, `one` and `positive` say the same; files differ in
    what they would make of other values. `constant` is the exporter's -10000, -FLT_MAX or whatever else it
    was; infinite only where nothing is multiplied by it.

    Example:
    ```mlir
    %m = aac.mask %attention_mask, -10000.0 : tensor<1x8xi64> -> tensor<1x1x1x8xf32>
    %n = aac.mask %attention_mask, -10000.0 rule nonzero : tensor<1x8xi64> -> tensor<1x1x1x8xf32>
    ```
  }];
  let arguments = !con((ins AAC_MaskInput:$mask, F32Attr:$constant,
                        DefaultValuedAttr<AAC_MaskRuleAttr, "MaskRule::Inverted">:$rule),
                       annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$mask `,` $constant (`rule` $rule^)? attr-dict `:` type($mask) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// True where ones stand for padding, false where they stand for tokens that count.
    bool marksPadding() {
      return getRule() == ::aac::ir::MaskRule::Zero || getRule() == ::aac::ir::MaskRule::Times;
    }
  }];
}

def AAC_ScoresOp : AAC_ActivationOp<"scores"> {
  let summary = "attention scores of all heads";
  let description = [{
    result[b, h, i, j] = scale * sum over d of query[b, i, h*D + d] * key[b, j, h*D + d],
    D = features / heads.
  }];
  let arguments = !con((ins AAC_Tensor:$query, AAC_Tensor:$key,
                        ConfinedAttr<I64Attr, [IntPositive]>:$heads, F32Attr:$scale), annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$query `,` $key `heads` $heads `scale` $scale attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AAC_SoftmaxOp : AAC_ActivationOp<"softmax"> {
  let summary = "softmax over the last axis, with an optional mask of keys";
  let description = [{
    result = softmax(scores + mask) over the last axis; `mask` is
    [batch or 1, 1, 1, keys] (broadcast over heads and queries). With `fill` the
    mask takes the place of the scores where it is not zero, instead of being added.

    Example: `%p = aac.softmax %s, %m : (tensor<1x2x8x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x2x8x8xf32>`
  }];
  let arguments = !con((ins AAC_Tensor:$scores, Optional<AAC_Tensor>:$mask, UnitAttr:$fill),
                       annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$scores (`,` $mask^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AAC_ContextOp : AAC_ActivationOp<"context"> {
  let summary = "attention-weighted values of all heads, side by side";
  let description = [{
    result[b, i, h*D + d] = sum over j of probabilities[b, h, i, j] * value[b, j, h*D + d].
  }];
  let arguments = !con((ins AAC_Tensor:$probabilities, AAC_Tensor:$value), annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$probabilities `,` $value attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AAC_LayerNormOp : AAC_ActivationOp<"layer_norm"> {
  let summary = "layer normalisation over the last axis";
  let description = [{
    result = (x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and
    (biased) variance over the last axis. `min_variance` is the smallest variance
    that calibration saw in an attended token's row.
  }];
  let arguments = !con((ins AAC_Tensor:$input, AAC_Tensor:$gamma, AAC_Tensor:$beta,
                        F32Attr:$epsilon, OptionalAttr<F64Attr>:$min_variance), annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$input `,` $gamma `,` $beta `epsilon` $epsilon attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AAC_AddOp : AAC_ActivationOp<"add", [SameOperandsAndResultType]> {
  let summary = "element-wise sum";
  let arguments = !con((ins AAC_Tensor:$lhs, AAC_Tensor:$rhs), annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def AAC_ActivationFnOp : AAC_ActivationOp<"activation", [SameOperandsAndResultType]> {
  let summary = "element-wise function";
  let description = [{
    relu: max(x, 0). gelu_tanh: 0.5 x (1 + tanh(0.7978845608 (x + 0.044715 x^3))).
    gelu_erf: 0.5 x (1 + erf(x / sqrt 2)). silu: x sigmoid(x). tanh, sigmoid.

    Example: `%y = aac.activation gelu_tanh %x : tensor<1x8x64xf32>`
  }];
  let arguments = !con((ins AAC_ActivationKindAttr:$kind, AAC_Tensor:$input), annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($result)";
}

def AAC_AdapterOp : AAC_ActivationOp<"adapter"> {
  let summary = "bottleneck adapter with residual";
  let description = [{
    result = x + scale * (up * f(down * x + down_bias) + up_bias), `down` [r, H],
    `up` [H, r], f the activation `kind`. `aac-expand-adapters` writes it out before
    quantisation.
  }];
  let arguments = !con((ins AAC_Tensor:$input, AAC_Tensor:$down, AAC_Tensor:$down_bias,
                        AAC_Tensor:$up, AAC_Tensor:$up_bias, AAC_ActivationKindAttr:$kind,
                        DefaultValuedAttr<F32Attr, "1.0f">:$scale), annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$kind $input `down` `(` $down `,` $down_bias `)` `up` `(` $up `,` $up_bias `)` attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AAC_RequantiseOp : AAC_ActivationOp<"requantise"> {
  let summary = "rounds to a format that the file chose, and adds a bias";
  let description = [{
    result = values of `to` nearest to the input (Numerics/Int8.h), plus `bias` for each feature where
    there is one: a QuantizeLinear and its DequantizeLinear, and the bias of the product whose result
    they round. `aac-absorb-requantise` takes it away before anything is quantised here.

    Example: `%r = aac.requantise %x to <0.05, zero = 3> : (tensor<1x8x16xf32>) -> tensor<1x8x16xf32>`
  }];
  let arguments = !con((ins AAC_Tensor:$input, Optional<AAC_Tensor>:$bias, AAC_Int8Attr:$to),
                       annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$input (`,` $bias^)? `to` $to attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def AAC_SelectOp : AAC_ActivationOp<"select"> {
  let summary = "one token of each sentence";
  let description = [{
    result[b, :] = input[b, index, :]; index 0 is the classification token.

    Example: `%c = aac.select %x[0] : tensor<1x8x16xf32> -> tensor<1x16xf32>`
  }];
  let arguments = !con((ins AAC_Tensor:$input, ConfinedAttr<I64Attr, [IntNonNegative]>:$index),
                       annotations);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$input `[` $index `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def AAC_SqueezeOp : AAC_Op<"squeeze", [Pure]> {
  let summary = "the one feature of each token or sentence, without its axis";
  let description = [{
    The same elements without the last axis, which is of size 1: the logits of a
    span's first or last token, a score. A view: it has the format and the place of its
    input. Only an output of a task is squeezed.

    Example: `%s = aac.squeeze %x : tensor<1x8x1xf32> -> tensor<1x8xf32>`
  }];
  let arguments = (ins AAC_Tensor:$input);
  let results = (outs AAC_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif
