//===- InferMakers.cpp - results made of sizes and numbers ----------------===//
#include "InferRules.h"

#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace aac::onnx {
using namespace infer;

std::pair<int64_t, int64_t> resolveShapeRange(ShapeOp op, int64_t rank) {
  auto clamp = [&](int64_t value) {
    return std::min(std::max<int64_t>(value < 0 ? value + rank : value, 0), rank);
  };
  return {clamp(op.getStart()), clamp(op.getEnd().value_or(rank))};
}

namespace {

/// max(ceil((limit - start) / delta), 0) elements.
Inference inferFloatRange(RangeOp op, FloatLookup floats) {
  auto from = floats(op.getStart()), to = floats(op.getLimit()), by = floats(op.getDelta());
  if (!from || !to || !by)
    return unknown();
  double count = std::ceil((static_cast<double>(to->front()) - from->front()) / by->front());
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  if (!(std::fabs(by->front()) > 0) || !std::isfinite(from->front()) || !(count <= kMost))
    return invalid("no range from " + std::to_string(from->front()) + " to " +
                   std::to_string(to->front()) + " by " + std::to_string(by->front()));
  return tensor({static_cast<int64_t>(std::max(count, 0.0))},
                typeOf(op.getStart()).getElementType());
}

} // namespace

Inference infer::range(RangeOp op, ConstantLookup constants, FloatLookup floats) {
  auto start = typeOf(op.getStart());
  for (Value value : op.getOperands())
    if (typeOf(value).getNumElements() != 1 ||
        typeOf(value).getElementType() != start.getElementType())
      return invalid("start, limit and delta must be scalars of one type");
  if (!isa<IntegerType>(start.getElementType()))
    return inferFloatRange(op, floats);
  auto from = constants(op.getStart()), to = constants(op.getLimit()),
       by = constants(op.getDelta());
  if (!from || !to || !by)
    return unknown();
  int64_t delta = by->front(), span;
  if (delta == 0)
    return invalid("delta must not be 0");
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(); // which has no negative
  if (llvm::SubOverflow(to->front(), from->front(), span) || span == kLeast || delta == kLeast)
    return invalid("the range is too long");
  // ceil(span / delta), at least 0
  int64_t count = span / delta + ((span % delta != 0 && (span < 0) == (delta < 0)) ? 1 : 0);
  return tensor({std::max<int64_t>(count, 0)}, start.getElementType());
}

Inference infer::oneHot(OneHotOp op, ConstantLookup constants) {
  auto indices = typeOf(op.getIndices()), values = typeOf(op.getValues());
  int64_t rank = indices.getRank() + 1;
  auto axis = resolveAxis(op.getAxis(), rank);
  if (!axis)
    return badAxis(op.getAxis(), rank);
  if (values.getShape() != ArrayRef<int64_t>{2} || typeOf(op.getDepth()).getNumElements() != 1)
    return invalid("depth must be one number and values two, got " + str(op.getDepth().getType()) +
                   " and " + str(values));
  auto depth = constants(op.getDepth());
  if (!depth)
    return unknown();
  if (depth->front() < 1)
    return invalid("depth is " + Twine(depth->front()) + ", must be positive");
  Shape shape(indices.getShape());
  shape.insert(shape.begin() + *axis, depth->front());
  return tensor(shape, values.getElementType());
}

Inference infer::shape(ShapeOp op) {
  int64_t rank = typeOf(op.getData()).getRank();
  auto [start, end] = resolveShapeRange(op, rank);
  return tensor({std::max<int64_t>(end - start, 0)}, IntegerType::get(op.getContext(), 64));
}

Inference infer::constantOfShape(ConstantOfShapeOp op, ConstantLookup constants) {
  Type element = Float32Type::get(op.getContext());
  if (auto value = op.getValue()) {
    if (value->getNumElements() != 1)
      return invalid("value must have one element, got " + str(value->getType()));
    element = value->getElementType();
  }
  auto sizes = constants(op.getShape());
  if (!sizes)
    return unknown();
  return tensor(*sizes, element);
}

} // namespace aac::onnx
