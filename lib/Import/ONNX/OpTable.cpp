//===- OpTable.cpp - the operators that import ----------------------------===//
#include "OpTable.h"

#include "absl/strings/str_cat.h"
#include "llvm/ADT/STLExtras.h"

namespace aac::onnx {
namespace {

// name, inputs of the node (least, most), operands of the operation, first opset
constexpr OpSpec kOps[] = {
    {"Abs", 1, 1, 1, 1},
    {"Add", 2, 2, 2, 1},
    {"And", 2, 2, 2, 1},
    {"ArgMax", 1, 1, 1, 1},
    {"ArgMin", 1, 1, 1, 1},
    {"Cast", 1, 1, 1, 1},
    {"CastLike", 2, 2, 2, 15},
    {"Ceil", 1, 1, 1, 1},
    {"Clip", 1, 3, 3, 1},
    {"Concat", 1, -1, -1, 1},
    {"Constant", 0, 0, 0, 1},
    {"ConstantOfShape", 1, 1, 1, 1},
    {"Cos", 1, 1, 1, 1},
    {"CumSum", 2, 2, 1, 11},
    {"DequantizeLinear", 2, 3, 3, 1},
    {"Div", 2, 2, 2, 1},
    {"Dropout", 1, 3, 1, 1},
    {"Einsum", 1, -1, -1, 12},
    {"Elu", 1, 1, 1, 1},
    {"Equal", 2, 2, 2, 1},
    {"Erf", 1, 1, 1, 1},
    {"Exp", 1, 1, 1, 1},
    {"Expand", 2, 2, 2, 1},
    {"Flatten", 1, 1, 1, 1},
    {"Floor", 1, 1, 1, 1},
    {"Gather", 2, 2, 2, 1},
    {"GatherElements", 2, 2, 2, 11},
    {"Gelu", 1, 1, 1, 20},
    {"Gemm", 2, 3, 3, 1},
    {"Greater", 2, 2, 2, 1},
    {"GreaterOrEqual", 2, 2, 2, 12},
    {"HardSigmoid", 1, 1, 1, 1},
    {"HardSwish", 1, 1, 1, 14},
    {"Identity", 1, 1, 1, 1},
    {"IsInf", 1, 1, 1, 10},
    {"IsNaN", 1, 1, 1, 9},
    {"LayerNormalization", 2, 3, 3, 17},
    {"LeakyRelu", 1, 1, 1, 1},
    {"Less", 2, 2, 2, 1},
    {"LessOrEqual", 2, 2, 2, 12},
    {"Log", 1, 1, 1, 1},
    {"LogSoftmax", 1, 1, 1, 1},
    {"MatMul", 2, 2, 2, 1},
    {"Max", 1, -1, -1, 1},
    {"Mean", 1, -1, -1, 1},
    {"Min", 1, -1, -1, 1},
    {"Mod", 2, 2, 2, 1},
    {"Mul", 2, 2, 2, 1},
    {"Neg", 1, 1, 1, 1},
    {"Not", 1, 1, 1, 1},
    {"OneHot", 3, 3, 3, 9},
    {"Or", 2, 2, 2, 1},
    {"Pad", 2, 4, 4, 11},
    {"Pow", 2, 2, 2, 1},
    {"QuantizeLinear", 2, 3, 3, 1},
    {"Range", 3, 3, 3, 1},
    {"Reciprocal", 1, 1, 1, 1},
    {"ReduceL1", 1, 2, 1, 1},
    {"ReduceL2", 1, 2, 1, 1},
    {"ReduceLogSum", 1, 2, 1, 1},
    {"ReduceLogSumExp", 1, 2, 1, 1},
    {"ReduceMax", 1, 2, 1, 1},
    {"ReduceMean", 1, 2, 1, 1},
    {"ReduceMin", 1, 2, 1, 1},
    {"ReduceProd", 1, 2, 1, 1},
    {"ReduceSum", 1, 2, 1, 1},
    {"ReduceSumSquare", 1, 2, 1, 1},
    {"Relu", 1, 1, 1, 1},
    {"Reshape", 2, 2, 2, 1},
    {"Round", 1, 1, 1, 11},
    {"Shape", 1, 1, 1, 1},
    {"Sigmoid", 1, 1, 1, 1},
    {"Sign", 1, 1, 1, 1},
    {"Sin", 1, 1, 1, 1},
    {"Size", 1, 1, 1, 1},
    {"Slice", 3, 5, 5, 1},
    {"Softmax", 1, 1, 1, 1},
    {"Softplus", 1, 1, 1, 1},
    {"Softsign", 1, 1, 1, 1},
    {"Split", 1, 2, 1, 1},
    {"Sqrt", 1, 1, 1, 1},
    {"Squeeze", 1, 2, 1, 1},
    {"Sub", 2, 2, 2, 1},
    {"Sum", 1, -1, -1, 1},
    {"Tanh", 1, 1, 1, 1},
    {"Tile", 2, 2, 2, 1},
    {"Transpose", 1, 1, 1, 1},
    {"Trilu", 1, 2, 2, 14},
    {"Unsqueeze", 1, 2, 1, 1},
    {"Where", 3, 3, 3, 1},
    {"Xor", 2, 2, 2, 1},
};

// operator, attribute (or null: the input of this number), first and last opset
constexpr OpForm kForms[] = {
    {"ArgMax", "select_last_index", -1, 12, kNoEnd},
    {"ArgMin", "select_last_index", -1, 12, kNoEnd},
    {"Cast", "round_mode", -1, 24, kNoEnd},
    {"Cast", "saturate", -1, 19, kNoEnd},
    {"CastLike", "saturate", -1, 19, kNoEnd},
    {"Clip", "max", -1, 1, 10},
    {"Clip", "min", -1, 1, 10},
    {"Constant", "value_float", -1, 12, kNoEnd},
    {"Constant", "value_floats", -1, 12, kNoEnd},
    {"Constant", "value_int", -1, 12, kNoEnd},
    {"Constant", "value_ints", -1, 12, kNoEnd},
    {"DequantizeLinear", "axis", -1, 13, kNoEnd},
    {"DequantizeLinear", "block_size", -1, 21, kNoEnd},
    {"DequantizeLinear", "output_dtype", -1, 23, kNoEnd},
    {"Dropout", "ratio", -1, 1, 11},
    {"Dropout", "seed", -1, 12, kNoEnd},
    {"Dropout", nullptr, 1, 12, kNoEnd},
    {"Dropout", nullptr, 2, 12, kNoEnd},
    {"Pad", "pads", -1, 1, 10},
    {"Pad", "value", -1, 1, 10},
    {"Pad", nullptr, 3, 18, kNoEnd},
    {"QuantizeLinear", "axis", -1, 13, kNoEnd},
    {"QuantizeLinear", "block_size", -1, 21, kNoEnd},
    {"QuantizeLinear", "output_dtype", -1, 21, kNoEnd},
    {"QuantizeLinear", "precision", -1, 23, kNoEnd},
    {"QuantizeLinear", "saturate", -1, 19, kNoEnd},
    {"ReduceL1", "axes", -1, 1, 17},
    {"ReduceL1", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceL1", nullptr, 1, 18, kNoEnd},
    {"ReduceL2", "axes", -1, 1, 17},
    {"ReduceL2", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceL2", nullptr, 1, 18, kNoEnd},
    {"ReduceLogSum", "axes", -1, 1, 17},
    {"ReduceLogSum", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceLogSum", nullptr, 1, 18, kNoEnd},
    {"ReduceLogSumExp", "axes", -1, 1, 17},
    {"ReduceLogSumExp", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceLogSumExp", nullptr, 1, 18, kNoEnd},
    {"ReduceMax", "axes", -1, 1, 17},
    {"ReduceMax", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceMax", nullptr, 1, 18, kNoEnd},
    {"ReduceMean", "axes", -1, 1, 17},
    {"ReduceMean", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceMean", nullptr, 1, 18, kNoEnd},
    {"ReduceMin", "axes", -1, 1, 17},
    {"ReduceMin", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceMin", nullptr, 1, 18, kNoEnd},
    {"ReduceProd", "axes", -1, 1, 17},
    {"ReduceProd", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceProd", nullptr, 1, 18, kNoEnd},
    {"ReduceSum", "axes", -1, 1, 12},
    {"ReduceSum", "noop_with_empty_axes", -1, 13, kNoEnd},
    {"ReduceSum", nullptr, 1, 13, kNoEnd},
    {"ReduceSumSquare", "axes", -1, 1, 17},
    {"ReduceSumSquare", "noop_with_empty_axes", -1, 18, kNoEnd},
    {"ReduceSumSquare", nullptr, 1, 18, kNoEnd},
    {"Reshape", "allowzero", -1, 14, kNoEnd},
    {"Shape", "end", -1, 15, kNoEnd},
    {"Shape", "start", -1, 15, kNoEnd},
    {"Slice", "axes", -1, 1, 9},
    {"Slice", "ends", -1, 1, 9},
    {"Slice", "starts", -1, 1, 9},
    {"Split", "num_outputs", -1, 18, kNoEnd},
    {"Split", "split", -1, 1, 12},
    {"Split", nullptr, 1, 13, kNoEnd},
    {"Squeeze", "axes", -1, 1, 12},
    {"Squeeze", nullptr, 1, 13, kNoEnd},
    {"Unsqueeze", "axes", -1, 1, 12},
    {"Unsqueeze", nullptr, 1, 13, kNoEnd},
};

std::string why(const OpForm &form, int64_t opset) {
  if (opset < form.firstOpset)
    return absl::StrCat("is not in opset ", opset, " but from ", form.firstOpset, " on");
  if (opset > form.lastOpset)
    return absl::StrCat("is not in opset ", opset, " but up to ", form.lastOpset);
  return "";
}

} // namespace

llvm::ArrayRef<OpForm> opForms() { return kForms; }

std::string whyNoAttribute(llvm::StringRef op, llvm::StringRef attribute, int64_t opset) {
  for (const OpForm &form : kForms)
    if (form.attribute && op == form.op && attribute == form.attribute)
      return why(form, opset);
  return "";
}

std::string whyNoInput(llvm::StringRef op, int input, int64_t opset) {
  for (const OpForm &form : kForms)
    if (!form.attribute && op == form.op && input == form.input)
      return why(form, opset);
  return "";
}

llvm::ArrayRef<OpSpec> opTable() { return kOps; }

const OpSpec *findOp(llvm::StringRef name) {
  const OpSpec *found = llvm::lower_bound(
      kOps, name, [](const OpSpec &spec, llvm::StringRef key) { return spec.name < key; });
  return found != std::end(kOps) && found->name == name ? found : nullptr;
}

} // namespace aac::onnx
