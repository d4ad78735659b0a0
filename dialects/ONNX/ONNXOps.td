//===- ONNXOps.td - operations of the onnx dialect ---------*- tablegen -*-===//
//
// The order: structure, element-wise, comparison and logic, reductions and
// normalisation, products, layout and indexing. What an operation computes is ONNX's
// specification of it; descriptions say what this form leaves out.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_DIALECTS_ONNX_ONNXOPS
#define AAC_DIALECTS_ONNX_ONNXOPS

include "ONNXDialect.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNX_Tensor : AnyTypeOf<[AnyRankedTensor, AnyUnrankedTensor], "tensor">;
def ONNX_OptionalTensor : AnyTypeOf<[ONNX_Tensor, NoneType], "tensor or absent">;

/// An integer whose accessor is signed, unlike I64Attr's: axes count from the end.
def ONNX_Int : TypedSignlessIntegerAttrBase<I64, "int64_t", "64-bit integer attribute">;

/// The result types must be what the operands and attributes imply (ONNXInfer.h).
def ONNX_InferredTypes : NativeOpTrait<"InferredTypes"> {
  let cppNamespace = "::aac::onnx::trait";
}

/// Result i is element-wise in the (broadcast) operands.
def ONNX_Elementwise : NativeOpTrait<"Elementwise"> {
  let cppNamespace = "::aac::onnx::trait";
}

class ONNX_StructureOp<string mnemonic, list<Trait> traits = []>
    : Op<ONNX_Dialect, mnemonic, traits>;

class ONNX_Op<string mnemonic, string text, list<Trait> traits = []>
    : Op<ONNX_Dialect, mnemonic, !listconcat([Pure, ONNX_InferredTypes], traits)> {
  let summary = text;
  let results = (outs ONNX_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

def ONNX_GraphOp : ONNX_StructureOp<"graph", [Symbol, IsolatedFromAbove,
                                             SingleBlockImplicitTerminator<"ReturnOp">]> {
  let summary = "the graph of one ONNX file";
  let description = [{
    Block arguments are the model's inputs (initialisers that the file lists as inputs
    too are not among them), the operands of `onnx.return` its outputs.

    Example:
    ```mlir
    onnx.graph @sst2(%ids: tensor<1x8xi64>) inputs ["ids"] outputs ["y"]
        attributes {ir_version = 7 : i64, opset = 13 : i64, producer = "pytorch 1.13"} {
      %0 = onnx.Cast %ids {to = 1 : i64} : (tensor<1x8xi64>) -> tensor<1x8xf32>
      onnx.return %0 : tensor<1x8xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrArrayAttr:$input_names,
                       StrArrayAttr:$output_names, OptionalAttr<ONNX_Int>:$opset,
                       OptionalAttr<ONNX_Int>:$ir_version, OptionalAttr<StrAttr>:$producer);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def ONNX_ReturnOp : ONNX_StructureOp<"return", [Terminator, Pure, HasParent<"GraphOp">]> {
  let summary = "the outputs of a graph";
  let arguments = (ins Variadic<ONNX_Tensor>:$outputs);
  let assemblyFormat = "($outputs^ `:` type($outputs))? attr-dict";
  let builders = [OpBuilder<(ins), [{ }]>];
}

def ONNX_InitializerOp : ONNX_StructureOp<"Initializer", [Pure, ConstantLike,
                                                         AllTypesMatch<["value", "result"]>]> {
  let summary = "a tensor stored in the file under a name";
  let description = [{
    Tensors of floats are resources named by the hash of their bytes, so that equal ones
    of all files exist once; single values and integers are `dense`.

    Example: `%w = onnx.Initializer "fc.weight" dense_resource<h0123456789abcdef> : tensor<4x8xf32>`
  }];
  let arguments = (ins StrAttr:$name, ElementsAttr:$value);
  let results = (outs ONNX_Tensor:$result);
  let assemblyFormat = "$name $value attr-dict";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def ONNX_ConstantOp : ONNX_StructureOp<"Constant", [Pure, ConstantLike,
                                                   AllTypesMatch<["value", "result"]>]> {
  let summary = "a constant";
  let description = [{
    Every form of ONNX's attribute (`value_float`, `value_ints`, ...) arrives as `value`.

    Example: `%c = onnx.Constant dense<[1, -1]> : tensor<2xi64>`
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs ONNX_Tensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def ONNX_NoneOp : ONNX_StructureOp<"None", [Pure]> {
  let summary = "an optional input that is not there";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict";
}

def ONNX_UnsupportedOp : ONNX_StructureOp<"Unsupported"> {
  let summary = "a node that this compiler does not know";
  let description = [{
    Kept for inspection (`--allow-unsupported`); every later stage refuses it by name.
    Types of its results are unknown.

    Example: `%0 = onnx.Unsupported "NonZero" domain "" (%x) : (tensor<4xf32>) -> tensor<*xf32>`
  }];
  let arguments = (ins StrAttr:$op_type, StrAttr:$domain, Variadic<ONNX_OptionalTensor>:$inputs);
  let results = (outs Variadic<ONNX_Tensor>:$results);
  let assemblyFormat = [{
    $op_type `domain` $domain `(` $inputs `)` attr-dict `:` functional-type($inputs, $results)
  }];
}

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

class ONNX_Unary<string mnemonic, string text>
    : ONNX_Op<mnemonic, text, [ONNX_Elementwise]> {
  let arguments = (ins ONNX_Tensor:$x);
}
class ONNX_Binary<string mnemonic, string text>
    : ONNX_Op<mnemonic, text, [ONNX_Elementwise]> {
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b);
}
class ONNX_Nary<string mnemonic, string text>
    : ONNX_Op<mnemonic, text, [ONNX_Elementwise]> {
  let arguments = (ins Variadic<ONNX_Tensor>:$inputs);
}

def ONNX_AbsOp : ONNX_Unary<"Abs", "|x|">;
def ONNX_CeilOp : ONNX_Unary<"Ceil", "smallest integer not below x">;
def ONNX_CosOp : ONNX_Unary<"Cos", "cosine">;
def ONNX_ErfOp : ONNX_Unary<"Erf", "the error function">;
def ONNX_ExpOp : ONNX_Unary<"Exp", "e to the power of x">;
def ONNX_FloorOp : ONNX_Unary<"Floor", "largest integer not above x">;
def ONNX_LogOp : ONNX_Unary<"Log", "natural logarithm">;
def ONNX_NegOp : ONNX_Unary<"Neg", "-x">;
def ONNX_ReciprocalOp : ONNX_Unary<"Reciprocal", "1 / x">;
def ONNX_ReluOp : ONNX_Unary<"Relu", "max(x, 0)">;
def ONNX_SigmoidOp : ONNX_Unary<"Sigmoid", "1 / (1 + exp(-x))">;
def ONNX_SignOp : ONNX_Unary<"Sign", "-1, 0 or 1">;
def ONNX_SinOp : ONNX_Unary<"Sin", "sine">;
def ONNX_RoundOp : ONNX_Unary<"Round", "to the nearest integer, halves to the even one">;
def ONNX_SoftsignOp : ONNX_Unary<"Softsign", "x / (1 + |x|)">;
def ONNX_HardSwishOp : ONNX_Unary<"HardSwish", "x max(0, min(1, x / 6 + 0.5))">;
def ONNX_SoftplusOp : ONNX_Unary<"Softplus", "ln(1 + exp(x))">;
def ONNX_SqrtOp : ONNX_Unary<"Sqrt", "square root">;
def ONNX_TanhOp : ONNX_Unary<"Tanh", "hyperbolic tangent">;
def ONNX_IdentityOp : ONNX_Unary<"Identity", "x itself">;

def ONNX_DropoutOp : ONNX_Unary<"Dropout", "x itself: inference only"> {
  let description = [{
    `ratio` and `training_mode` are gone; a file that asks for training is refused.
  }];
}

def ONNX_GeluOp : ONNX_Unary<"Gelu", "gaussian error linear unit"> {
  let description = [{
    `approximate` "none": 0.5 x (1 + erf(x / sqrt 2)); "tanh":
    0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
  }];
  let arguments = (ins ONNX_Tensor:$x, DefaultValuedAttr<StrAttr, "\"none\"">:$approximate);
}

class ONNX_Alpha<string mnemonic, string alpha, string text> : ONNX_Unary<mnemonic, text> {
  let arguments = (ins ONNX_Tensor:$x, DefaultValuedAttr<F32Attr, alpha>:$alpha);
}
def ONNX_EluOp : ONNX_Alpha<"Elu", "1.0f", "x where positive, else alpha (exp(x) - 1)">;
def ONNX_LeakyReluOp : ONNX_Alpha<"LeakyRelu", "0.01f", "x where positive, else alpha x">;
def ONNX_HardSigmoidOp : ONNX_Unary<"HardSigmoid", "max(0, min(1, alpha x + beta))"> {
  let arguments = (ins ONNX_Tensor:$x, DefaultValuedAttr<F32Attr, "0.2f">:$alpha,
                       DefaultValuedAttr<F32Attr, "0.5f">:$beta);
}

def ONNX_CastOp : ONNX_Unary<"Cast", "conversion to another element type"> {
  let description = [{
    `to` is ONNX's number of the type (TensorProto.DataType). Floats to integers truncate;
    to bool: x != 0. A cast between float types is an identity, all of them being f32.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Int:$to, OptionalAttr<ONNX_Int>:$saturate);
}

def ONNX_AddOp : ONNX_Binary<"Add", "a + b, broadcast">;
def ONNX_DivOp : ONNX_Binary<"Div", "a / b, broadcast; integers truncate">;
def ONNX_MulOp : ONNX_Binary<"Mul", "a * b, broadcast">;
def ONNX_PowOp : ONNX_Binary<"Pow", "a to the power of b, of a's element type">;
def ONNX_SubOp : ONNX_Binary<"Sub", "a - b, broadcast">;
def ONNX_ModOp : ONNX_Binary<"Mod", "remainder"> {
  let description = [{`fmod` = 0: sign of b (integers only); 1: sign of a.}];
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b, DefaultValuedAttr<ONNX_Int, "0">:$fmod);
}
def ONNX_MaxOp : ONNX_Nary<"Max", "largest of all inputs, broadcast">;
def ONNX_MinOp : ONNX_Nary<"Min", "smallest of all inputs, broadcast">;
def ONNX_MeanOp : ONNX_Nary<"Mean", "mean of all inputs, broadcast">;
def ONNX_SumOp : ONNX_Nary<"Sum", "sum of all inputs, broadcast">;

def ONNX_ClipOp : ONNX_Op<"Clip", "x limited to [min, max]", [ONNX_Elementwise]> {
  let arguments = (ins ONNX_Tensor:$x, ONNX_OptionalTensor:$min, ONNX_OptionalTensor:$max);
}

def ONNX_WhereOp : ONNX_Op<"Where", "a where the condition holds, else b", [ONNX_Elementwise]> {
  let arguments = (ins ONNX_Tensor:$condition, ONNX_Tensor:$a, ONNX_Tensor:$b);
}

//===----------------------------------------------------------------------===//
// Comparison and logic: results are i1
//===----------------------------------------------------------------------===//

def ONNX_EqualOp : ONNX_Binary<"Equal", "a == b, broadcast">;
def ONNX_GreaterOp : ONNX_Binary<"Greater", "a > b, broadcast">;
def ONNX_GreaterOrEqualOp : ONNX_Binary<"GreaterOrEqual", "a >= b, broadcast">;
def ONNX_LessOp : ONNX_Binary<"Less", "a < b, broadcast">;
def ONNX_LessOrEqualOp : ONNX_Binary<"LessOrEqual", "a <= b, broadcast">;
def ONNX_AndOp : ONNX_Binary<"And", "a and b, broadcast">;
def ONNX_OrOp : ONNX_Binary<"Or", "a or b, broadcast">;
def ONNX_XorOp : ONNX_Binary<"Xor", "either a or b, broadcast">;
def ONNX_IsInfOp : ONNX_Unary<"IsInf", "whether x is infinite"> {
  let description = [{`detect_negative` and `detect_positive` say which infinities count.}];
  let arguments = (ins ONNX_Tensor:$x, DefaultValuedAttr<ONNX_Int, "1">:$detect_negative,
                       DefaultValuedAttr<ONNX_Int, "1">:$detect_positive);
}
def ONNX_IsNaNOp : ONNX_Unary<"IsNaN", "whether x is not a number">;
def ONNX_NotOp : ONNX_Unary<"Not", "not x">;

//===----------------------------------------------------------------------===//
// Reductions and normalisation
//===----------------------------------------------------------------------===//

class ONNX_Reduce<string mnemonic, string text> : ONNX_Op<mnemonic, text> {
  let description = [{
    Over `axes` (negative ones count from the end), all of them when absent; kept as
    size 1 when `keepdims`. In opset 13 or 18 the axes became an input: here they are an
    attribute always. An empty list reduces nothing.
  }];
  let arguments = (ins ONNX_Tensor:$data, OptionalAttr<DenseI64ArrayAttr>:$axes,
                       DefaultValuedAttr<ONNX_Int, "1">:$keepdims);
}
def ONNX_ReduceL1Op : ONNX_Reduce<"ReduceL1", "sum of |x| along axes">;
def ONNX_ReduceL2Op : ONNX_Reduce<"ReduceL2", "root of the sum of squares along axes">;
def ONNX_ReduceLogSumOp : ONNX_Reduce<"ReduceLogSum", "logarithm of the sum along axes">;
def ONNX_ReduceLogSumExpOp
    : ONNX_Reduce<"ReduceLogSumExp", "logarithm of the sum of exp(x) along axes">;
def ONNX_ReduceMaxOp : ONNX_Reduce<"ReduceMax", "largest along axes">;
def ONNX_ReduceMeanOp : ONNX_Reduce<"ReduceMean", "mean along axes">;
def ONNX_ReduceMinOp : ONNX_Reduce<"ReduceMin", "smallest along axes">;
def ONNX_ReduceProdOp : ONNX_Reduce<"ReduceProd", "product along axes">;
def ONNX_ReduceSumOp : ONNX_Reduce<"ReduceSum", "sum along axes">;

def ONNX_ReduceSumSquareOp : ONNX_Reduce<"ReduceSumSquare", "sum of squares along axes">;

class ONNX_Arg<string mnemonic, string text> : ONNX_Op<mnemonic, text> {
  let description = [{Of equal elements the first, the last when `select_last_index`.}];
  let arguments = (ins ONNX_Tensor:$data, DefaultValuedAttr<ONNX_Int, "0">:$axis,
                       DefaultValuedAttr<ONNX_Int, "1">:$keepdims,
                       DefaultValuedAttr<ONNX_Int, "0">:$select_last_index);
}
def ONNX_ArgMaxOp : ONNX_Arg<"ArgMax", "index of the largest along an axis">;
def ONNX_ArgMinOp : ONNX_Arg<"ArgMin", "index of the smallest along an axis">;

def ONNX_CumSumOp : ONNX_Op<"CumSum", "running sums along an axis"> {
  let description = [{`axis` is an input in the file, which must be constant.}];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Int:$axis, DefaultValuedAttr<ONNX_Int, "0">:$exclusive,
                       DefaultValuedAttr<ONNX_Int, "0">:$reverse);
}

def ONNX_SoftmaxOp : ONNX_Op<"Softmax", "exp(x) / sum exp(x) along one axis"> {
  let description = [{
    As from opset 13 on. Earlier ones flatten the trailing dimensions; the importer writes
    that as reshapes where it makes a difference.
  }];
  let arguments = (ins ONNX_Tensor:$input, DefaultValuedAttr<ONNX_Int, "-1">:$axis);
}
def ONNX_LogSoftmaxOp : ONNX_Op<"LogSoftmax", "logarithm of Softmax"> {
  let description = [{As `Softmax`.}];
  let arguments = (ins ONNX_Tensor:$input, DefaultValuedAttr<ONNX_Int, "-1">:$axis);
}

def ONNX_LayerNormalizationOp : ONNX_Op<"LayerNormalization", "layer normalisation"> {
  let description = [{
    (x - mean) / sqrt(variance + epsilon) * scale + bias over the axes from `axis` on.
    Only the first output; a file that uses the others is refused.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$scale, ONNX_OptionalTensor:$bias,
                       DefaultValuedAttr<ONNX_Int, "-1">:$axis,
                       DefaultValuedAttr<F32Attr, "1.0e-05f">:$epsilon,
                       DefaultValuedAttr<ONNX_Int, "1">:$stash_type);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def ONNX_MatMulOp : ONNX_Op<"MatMul", "matrix product, batched as in numpy"> {
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b);
}

def ONNX_GemmOp : ONNX_Op<"Gemm", "alpha * a' * b' + beta * c"> {
  let description = [{a' is a, transposed when `transA`; b' likewise. `c` is broadcast.}];
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b, ONNX_OptionalTensor:$c,
                       DefaultValuedAttr<F32Attr, "1.0f">:$alpha,
                       DefaultValuedAttr<F32Attr, "1.0f">:$beta,
                       DefaultValuedAttr<ONNX_Int, "0">:$transA,
                       DefaultValuedAttr<ONNX_Int, "0">:$transB);
}

def ONNX_EinsumOp : ONNX_Op<"Einsum", "sum of products by index equation"> {
  let description = [{
    One or two operands, no index twice in a term; the importer refuses others by name.

    Example: `onnx.Einsum %x, %w {equation = "bfnd,ndh->bfh"}`
  }];
  let arguments = (ins Variadic<ONNX_Tensor>:$inputs, StrAttr:$equation);
}

//===----------------------------------------------------------------------===//
// Linear quantisation
//===----------------------------------------------------------------------===//

def ONNX_QuantizeLinearOp : ONNX_Op<"QuantizeLinear", "saturate(round(x / scale) + zero point)"> {
  let description = [{
    Halves round to even. The zero point says the result's type, i8 or ui8; without one it is
    ui8. Scale and zero point are single values or one for each slice along `axis`. Scales
    must be finite and positive.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$scale, ONNX_OptionalTensor:$zero_point,
                       DefaultValuedAttr<ONNX_Int, "1">:$axis, OptionalAttr<ONNX_Int>:$saturate);
}
def ONNX_DequantizeLinearOp : ONNX_Op<"DequantizeLinear", "(x - zero point) * scale"> {
  let description = [{
    x is i8, ui8 or i32; otherwise as `QuantizeLinear`. `aac-fold-onnx` evaluates it where all
    operands are constant; the f32 weight keeps scale, zero point and axis as
    `onnx.quantised`.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$scale, ONNX_OptionalTensor:$zero_point,
                       DefaultValuedAttr<ONNX_Int, "1">:$axis);
}

//===----------------------------------------------------------------------===//
// Layout and indexing
//===----------------------------------------------------------------------===//

def ONNX_ConcatOp : ONNX_Op<"Concat", "inputs one behind the other along an axis"> {
  let arguments = (ins Variadic<ONNX_Tensor>:$inputs, ONNX_Int:$axis);
}
def ONNX_ConstantOfShapeOp : ONNX_Op<"ConstantOfShape", "one value in a given shape"> {
  let description = [{`value` is a tensor of one element, f32 zero when absent.}];
  let arguments = (ins ONNX_Tensor:$shape, OptionalAttr<ElementsAttr>:$value);
}
def ONNX_ExpandOp : ONNX_Op<"Expand", "broadcast to a shape"> {
  let arguments = (ins ONNX_Tensor:$input, ONNX_Tensor:$shape);
}
def ONNX_FlattenOp : ONNX_Op<"Flatten", "to a matrix: axes before `axis`, axes from it on"> {
  let arguments = (ins ONNX_Tensor:$input, DefaultValuedAttr<ONNX_Int, "1">:$axis);
}
def ONNX_GatherOp : ONNX_Op<"Gather", "slices of data along an axis, by index"> {
  let description = [{Negative indices count from the end.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$indices,
                       DefaultValuedAttr<ONNX_Int, "0">:$axis);
}
def ONNX_RangeOp : ONNX_Op<"Range", "start, start + delta, ... below limit, of integers or floats"> {
  let arguments = (ins ONNX_Tensor:$start, ONNX_Tensor:$limit, ONNX_Tensor:$delta);
}
def ONNX_ReshapeOp : ONNX_Op<"Reshape", "the same elements in another shape"> {
  let description = [{The result type says the shape; `shape` is kept as the file has it.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$shape,
                       DefaultValuedAttr<ONNX_Int, "0">:$allowzero);
}
def ONNX_ShapeOp : ONNX_Op<"Shape", "the shape as a vector of i64"> {
  let arguments = (ins ONNX_Tensor:$data, DefaultValuedAttr<ONNX_Int, "0">:$start,
                       OptionalAttr<ONNX_Int>:$end);
}
def ONNX_SizeOp : ONNX_Op<"Size", "the number of elements, i64"> {
  let arguments = (ins ONNX_Tensor:$data);
}
def ONNX_SliceOp : ONNX_Op<"Slice", "a part of each axis"> {
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$starts, ONNX_Tensor:$ends,
                       ONNX_OptionalTensor:$axes, ONNX_OptionalTensor:$steps);
}
def ONNX_SplitOp : ONNX_Op<"Split", "parts along an axis"> {
  let description = [{The result types say the sizes (attribute, input or count in the file).}];
  let arguments = (ins ONNX_Tensor:$input, DefaultValuedAttr<ONNX_Int, "0">:$axis);
  let results = (outs Variadic<ONNX_Tensor>:$outputs);
}
def ONNX_SqueezeOp : ONNX_Op<"Squeeze", "axes of size 1 removed"> {
  let description = [{All of them without `axes`. An attribute here in every opset.}];
  let arguments = (ins ONNX_Tensor:$data, OptionalAttr<DenseI64ArrayAttr>:$axes);
}
def ONNX_GatherElementsOp : ONNX_Op<"GatherElements", "elements along an axis, by index"> {
  let description = [{Negative indices count from the end.}];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$indices,
                       DefaultValuedAttr<ONNX_Int, "0">:$axis);
}
def ONNX_OneHotOp : ONNX_Op<"OneHot", "a vector with one element on for each index"> {
  let description = [{`depth` must be constant; `values` are off and on.}];
  let arguments = (ins ONNX_Tensor:$indices, ONNX_Tensor:$depth, ONNX_Tensor:$values,
                       DefaultValuedAttr<ONNX_Int, "-1">:$axis);
}
def ONNX_PadOp : ONNX_Op<"Pad", "elements added (or, negative, removed) around"> {
  let description = [{
    `pads`, constant, has the numbers in front along each of `axes` (all without it), then
    those behind.
  }];
  let arguments = (ins ONNX_Tensor:$data, ONNX_Tensor:$pads, ONNX_OptionalTensor:$value,
                       ONNX_OptionalTensor:$axes,
                       DefaultValuedAttr<StrAttr, "\"constant\"">:$mode);
}
def ONNX_TriluOp : ONNX_Op<"Trilu", "upper or lower triangle of matrices, zero elsewhere"> {
  let arguments = (ins ONNX_Tensor:$input, ONNX_OptionalTensor:$k,
                       DefaultValuedAttr<ONNX_Int, "1">:$upper);
}
def ONNX_TileOp : ONNX_Op<"Tile", "repetition along each axis"> {
  let arguments = (ins ONNX_Tensor:$input, ONNX_Tensor:$repeats);
}
def ONNX_TransposeOp : ONNX_Op<"Transpose", "axes permuted"> {
  let description = [{Result axis i is axis perm[i] of the input.}];
  let arguments = (ins ONNX_Tensor:$data, DenseI64ArrayAttr:$perm);
}
def ONNX_UnsqueezeOp : ONNX_Op<"Unsqueeze", "axes of size 1 added"> {
  let description = [{`axes` are positions in the result. An attribute here in every opset.}];
  let arguments = (ins ONNX_Tensor:$data, DenseI64ArrayAttr:$axes);
}

#endif
