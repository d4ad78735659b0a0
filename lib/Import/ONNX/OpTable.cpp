//===- OpTable.cpp - the operators that import ----------------------------===//
#include "OpTable.h"

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

} // namespace

llvm::ArrayRef<OpSpec> opTable() { return kOps; }

const OpSpec *findOp(llvm::StringRef name) {
  const OpSpec *found = llvm::lower_bound(
      kOps, name, [](const OpSpec &spec, llvm::StringRef key) { return spec.name < key; });
  return found != std::end(kOps) && found->name == name ? found : nullptr;
}

} // namespace aac::onnx
