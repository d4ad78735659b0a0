//===- ONNXInfer.cpp - result types of onnx operations --------------------===//
//
// One function a family of operations, in the files Infer*.cpp. Sizes are int64; a product that
// overflows is refused, so that later stages may multiply dimensions freely.
//
//===----------------------------------------------------------------------===//
#include "InferRules.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <limits>

using namespace mlir;

namespace aac::onnx {
using namespace infer;

std::string infer::str(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os);
  os << ']';
  return text;
}

std::string infer::str(Type type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << type;
  return text;
}

std::string infer::quoted(StringRef text) {
  std::string quoted;
  llvm::raw_string_ostream os(quoted);
  os << '"';
  os.write_escaped(text.take_front(200), /*UseHexEscapes=*/true);
  os << (text.size() > 200 ? "...\"" : "\"");
  return quoted;
}

Inference infer::tensor(ArrayRef<int64_t> shape, Type element) {
  if (shape.size() > kMaxRank)
    return invalid("a result of " + Twine(shape.size()) + " dimensions; the most are " +
                   Twine(kMaxRank));
  int64_t count = 1;
  for (int64_t d : shape) {
    if (d < 0)
      return invalid("a dimension of " + str(shape) + " is negative");
    if (llvm::MulOverflow(count, std::max<int64_t>(d, 1), count) ||
        count > std::numeric_limits<int64_t>::max() / 16)
      return invalid("a tensor of shape " + str(shape) + " has too many elements");
  }
  return known(RankedTensorType::get(shape, element));
}

std::optional<int64_t> infer::resolveAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

Inference infer::badAxis(int64_t axis, int64_t rank) {
  return invalid("axis " + Twine(axis) + " is outside rank " + Twine(rank));
}

std::optional<SmallVector<int64_t>> resolveAxes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> resolved;
  for (int64_t axis : axes) {
    auto one = resolveAxis(axis, rank);
    if (!one || llvm::is_contained(resolved, *one))
      return std::nullopt;
    resolved.push_back(*one);
  }
  llvm::sort(resolved);
  return resolved;
}

std::optional<SmallVector<int64_t>> broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<int64_t> shape(a);
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t &d = shape[a.size() - 1 - i];
    int64_t other = b[b.size() - 1 - i];
    if (d == 1)
      d = other;
    else if (other != 1 && other != d)
      return std::nullopt;
  }
  return shape;
}

Type elementType(MLIRContext *context, int64_t dataType) {
  switch (dataType) {
  case 1:  // FLOAT
  case 10: // FLOAT16
  case 11: // DOUBLE
  case 16: // BFLOAT16
    return Float32Type::get(context);
  case 2: // UINT8
    return IntegerType::get(context, 8, IntegerType::Unsigned);
  case 3: // INT8
    return IntegerType::get(context, 8);
  case 4: // UINT16
    return IntegerType::get(context, 16, IntegerType::Unsigned);
  case 5: // INT16
    return IntegerType::get(context, 16);
  case 6: // INT32
    return IntegerType::get(context, 32);
  case 7: // INT64
    return IntegerType::get(context, 64);
  case 9: // BOOL
    return IntegerType::get(context, 1);
  case 12: // UINT32
    return IntegerType::get(context, 32, IntegerType::Unsigned);
  default:
    return nullptr;
  }
}

std::optional<SmallVector<int64_t>> constantIntegers(Value value) {
  ElementsAttr elements;
  if (auto constant = value.getDefiningOp<ConstantOp>())
    elements = constant.getValue();
  else if (auto initializer = value.getDefiningOp<InitializerOp>())
    elements = initializer.getValue();
  auto dense = dyn_cast_if_present<DenseIntElementsAttr>(elements);
  if (!dense)
    return std::nullopt;
  SmallVector<int64_t> values;
  bool isUnsigned =
      dense.getElementType().isUnsignedInteger() || dense.getElementType().isInteger(1);
  for (const APInt &element : dense.getValues<APInt>())
    values.push_back(isUnsigned ? static_cast<int64_t>(element.getZExtValue())
                                : element.getSExtValue());
  return values;
}

std::optional<SmallVector<float>> constantFloats(Value value) {
  ElementsAttr elements;
  if (auto constant = value.getDefiningOp<ConstantOp>())
    elements = constant.getValue();
  else if (auto initializer = value.getDefiningOp<InitializerOp>())
    elements = initializer.getValue();
  auto dense = dyn_cast_if_present<DenseFPElementsAttr>(elements);
  if (!dense || !dense.getElementType().isF32())
    return std::nullopt;
  return llvm::to_vector(dense.getValues<float>());
}

Inference inferTypes(Operation *op, ConstantLookup constants, FloatLookup floats) {
  for (Value operand : op->getOperands()) {
    if (isAbsent(operand))
      continue;
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || !type.hasStaticShape())
      return unknown();
  }
  return llvm::TypeSwitch<Operation *, Inference>(op)
      .Case<ReduceL1Op, ReduceL2Op, ReduceLogSumOp, ReduceLogSumExpOp, ReduceMaxOp, ReduceMeanOp,
            ReduceMinOp, ReduceProdOp, ReduceSumOp, ReduceSumSquareOp>(
          [](Operation *o) { return infer::reduce(o); })
      .Case<ArgMaxOp, ArgMinOp>([](Operation *o) { return infer::arg(o); })
      .Case([](CumSumOp o) { return infer::cumSum(o); })
      .Case([](TriluOp o) { return infer::trilu(o); })
      .Case([](GatherElementsOp o) { return infer::gatherElements(o); })
      .Case([&](OneHotOp o) { return infer::oneHot(o, constants); })
      .Case([&](PadOp o) { return infer::pad(o, constants); })
      .Case([](MatMulOp o) { return infer::matMul(o); })
      .Case([](GemmOp o) { return infer::gemm(o); })
      .Case([](EinsumOp o) { return infer::einsum(o); })
      .Case([](ConcatOp o) { return infer::concat(o); })
      .Case([&](ReshapeOp o) { return infer::reshape(o, constants); })
      .Case([&](SliceOp o) { return infer::slice(o, constants); })
      .Case([](GatherOp o) { return infer::gather(o); })
      .Case<QuantizeLinearOp, DequantizeLinearOp>(
          [](auto o) { return infer::quantisation(o, o.getAxis()); })
      .Case([&](RangeOp o) { return infer::range(o, constants, floats); })
      .Case([](SplitOp o) { return infer::split(o); })
      .Case([](SqueezeOp o) { return infer::squeeze(o); })
      .Case([](UnsqueezeOp o) { return infer::unsqueeze(o); })
      .Case([](TransposeOp o) { return infer::transpose(o); })
      .Case([&](TileOp o) { return infer::tile(o, constants); })
      .Case([&](ExpandOp o) { return infer::expand(o, constants); })
      .Case([](LayerNormalizationOp o) { return infer::layerNormalization(o); })
      .Case<SoftmaxOp, LogSoftmaxOp>([](auto o) { return infer::softmax(o, o.getAxis()); })
      .Case([](ShapeOp o) { return infer::shape(o); })
      .Case([](SizeOp o) { return tensor({}, IntegerType::get(o.getContext(), 64)); })
      .Case([](FlattenOp o) { return infer::flatten(o); })
      .Case([&](ConstantOfShapeOp o) { return infer::constantOfShape(o, constants); })
      .Default([](Operation *o) -> Inference {
        if (o->hasTrait<trait::Elementwise>())
          return infer::elementwise(o);
        return unknown();
      });
}

LogicalResult trait::verifyInferredTypes(Operation *op) {
  Inference inference = inferTypes(op, constantIntegers, constantFloats);
  if (inference.kind == Inference::Invalid)
    return op->emitOpError() << inference.message;
  if (inference.kind == Inference::Unknown)
    return success();
  for (auto [type, result] : llvm::zip(inference.types, op->getResults())) {
    auto given = dyn_cast<RankedTensorType>(result.getType());
    if (given && given != type)
      return op->emitOpError() << "result is " << type << " by its operands, got " << given;
  }
  return success();
}

} // namespace aac::onnx
