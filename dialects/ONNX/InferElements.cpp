//===- InferElements.cpp - results with the shape of their operands -------===//
#include "InferRules.h"

using namespace mlir;

namespace aac::onnx {
using namespace infer;

Inference infer::elementwise(Operation *op) {
  Shape shape;
  bool first = true;
  Type element;
  // The operands that must be of one element type.
  unsigned begin = isa<WhereOp>(op) ? 1 : 0;
  unsigned end = isa<PowOp>(op) ? 1 : op->getNumOperands();
  if (op->getNumOperands() == 0)
    return invalid("needs at least one input");
  for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
    if (isAbsent(operand))
      continue;
    auto type = typeOf(operand);
    if (isa<ClipOp>(op) && index > 0) {
      if (type.getNumElements() != 1)
        return invalid("min and max must be scalars, got " + str(type));
    } else if (first) {
      shape.assign(type.getShape().begin(), type.getShape().end());
      first = false;
    } else {
      auto joined = broadcastShapes(shape, type.getShape());
      if (!joined)
        return invalid("shapes " + str(shape) + " and " + str(type.getShape()) +
                       " do not broadcast");
      shape = *joined;
    }
    if (index >= begin && index < end) {
      if (element && element != type.getElementType())
        return invalid("element types differ: " + str(element) + " and " +
                       str(type.getElementType()));
      element = type.getElementType();
    }
  }
  bool isBool = element.isInteger(1);
  if (isa<WhereOp>(op) && !typeOf(op->getOperand(0)).getElementType().isInteger(1))
    return invalid("the condition must be bool, got " + str(op->getOperand(0).getType()));
  if (isa<AndOp, OrOp, XorOp, NotOp>(op) && !isBool)
    return invalid("operands must be bool, got " + str(element));
  if (isa<IsInfOp, IsNaNOp, EluOp, LeakyReluOp, HardSigmoidOp, HardSwishOp, SoftsignOp, RoundOp,
          MeanOp, ErfOp, ExpOp, LogOp, SigmoidOp, SqrtOp, TanhOp, GeluOp, ReciprocalOp, CosOp,
          SinOp, SoftplusOp, CeilOp, FloorOp>(op) &&
      !isa<FloatType>(element))
    return invalid("operand must be float, got " + str(element));
  if (isBool && isa<AddOp, SubOp, MulOp, DivOp, PowOp, ModOp, MaxOp, MinOp, SumOp, AbsOp, NegOp,
                    ReluOp, SignOp, ClipOp, GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp>(op))
    return invalid("operands must be numbers, got bool");
  if (auto gelu = dyn_cast<GeluOp>(op);
      gelu && gelu.getApproximate() != "none" && gelu.getApproximate() != "tanh")
    return invalid("approximate must be \"none\" or \"tanh\", got " +
                   quoted(gelu.getApproximate()));
  for (const char *name : {"alpha", "beta"})
    if (auto factor = op->getAttrOfType<FloatAttr>(name); factor && !factor.getValue().isFinite())
      return invalid(Twine(name) + " must be finite");
  if (isa<EqualOp, GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp, IsInfOp, IsNaNOp>(op))
    element = IntegerType::get(op->getContext(), 1);
  if (auto cast = dyn_cast<CastOp>(op)) {
    element = elementType(op->getContext(), cast.getTo());
    if (!element)
      return invalid("cannot cast to element type " + Twine(cast.getTo()));
  }
  return tensor(shape, element);
}

Inference infer::reduce(Operation *op) {
  auto type = typeOf(op->getOperand(0));
  int64_t rank = type.getRank();
  Shape axes;
  if (auto given = op->getAttrOfType<DenseI64ArrayAttr>("axes")) {
    auto resolved = resolveAxes(given.asArrayRef(), rank);
    if (!resolved)
      return invalid("axes " + str(given.asArrayRef()) + " do not fit rank " + Twine(rank));
    axes = *resolved;
  } else {
    for (int64_t axis = 0; axis < rank; ++axis)
      axes.push_back(axis);
  }
  auto keep = op->getAttrOfType<IntegerAttr>("keepdims");
  Shape shape;
  for (auto [axis, size] : llvm::enumerate(type.getShape())) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      shape.push_back(size);
    else if (!keep || keep.getInt() != 0)
      shape.push_back(1);
  }
  if (type.getElementType().isInteger(1) && !isa<ReduceMaxOp, ReduceMinOp>(op))
    return invalid("operand must be numbers, got bool");
  if (isa<ReduceL1Op, ReduceL2Op, ReduceLogSumOp, ReduceLogSumExpOp, ReduceSumSquareOp>(op) &&
      !isa<FloatType>(type.getElementType()))
    return invalid("operand must be float, got " + str(type));
  return tensor(shape, type.getElementType());
}

Inference infer::arg(Operation *op) {
  auto type = typeOf(op->getOperand(0));
  auto integer = [&](const char *name, int64_t otherwise) {
    auto attr = op->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : otherwise;
  };
  auto axis = resolveAxis(integer("axis", 0), type.getRank());
  if (!axis)
    return badAxis(integer("axis", 0), type.getRank());
  if (type.getElementType().isInteger(1))
    return invalid("operand must be numbers, got bool");
  Shape shape(type.getShape());
  if (shape[*axis] == 0)
    return invalid("nothing to choose from in " + str(type));
  if (integer("keepdims", 1) != 0)
    shape[*axis] = 1;
  else
    shape.erase(shape.begin() + *axis);
  return tensor(shape, IntegerType::get(op->getContext(), 64));
}

Inference infer::cumSum(CumSumOp op) {
  auto type = typeOf(op.getX());
  if (!resolveAxis(op.getAxis(), type.getRank()))
    return badAxis(op.getAxis(), type.getRank());
  if (type.getElementType().isInteger(1))
    return invalid("operand must be numbers, got bool");
  return known(type);
}

Inference infer::softmax(Operation *op, int64_t axis) {
  auto type = typeOf(op->getOperand(0));
  if (!resolveAxis(axis, type.getRank()))
    return badAxis(axis, type.getRank());
  if (!isa<FloatType>(type.getElementType()))
    return invalid("operand must be float, got " + str(type));
  return known(type);
}

Inference infer::layerNormalization(LayerNormalizationOp op) {
  auto type = typeOf(op.getX());
  auto axis = resolveAxis(op.getAxis(), type.getRank());
  if (!axis)
    return badAxis(op.getAxis(), type.getRank());
  for (Value part : {op.getScale(), op.getBias()}) {
    if (isAbsent(part))
      continue;
    auto joined = broadcastShapes(type.getShape().drop_front(*axis), shapeOf(part));
    if (!joined || ArrayRef(*joined) != type.getShape().drop_front(*axis))
      return invalid("scale and bias must broadcast to " + str(type.getShape().drop_front(*axis)) +
                     ", got " + str(part.getType()));
  }
  if (!isa<FloatType>(type.getElementType()))
    return invalid("operand must be float, got " + str(type));
  if (!op.getEpsilon().isFinite() || op.getEpsilon().isNegative())
    return invalid("epsilon must be finite and not negative");
  if (op.getStashType() != 1)
    return invalid("stash_type must be 1 (float), got " + Twine(op.getStashType()));
  return known(type);
}

Inference infer::quantisation(Operation *op, int64_t axis) {
  Value x = op->getOperand(0), scale = op->getOperand(1), zero = op->getOperand(2);
  auto type = typeOf(x);
  Type code = type.getElementType();
  bool quantises = isa<QuantizeLinearOp>(op);
  if (quantises) {
    if (!isa<FloatType>(code))
      return invalid("operand must be float, got " + str(type));
    code = isAbsent(zero) ? IntegerType::get(op->getContext(), 8, IntegerType::Unsigned)
                          : typeOf(zero).getElementType();
  } else if (!isAbsent(zero) && typeOf(zero).getElementType() != code) {
    return invalid("element types differ: " + str(code) + " and " + str(zero.getType()));
  }
  bool isWord = !quantises && code.isSignlessInteger(32);
  if (!isWord && !(isa<IntegerType>(code) && code.getIntOrFloatBitWidth() == 8))
    return invalid("codes must be int8 or uint8" + Twine(quantises ? "" : ", or int32") + ", got " +
                   str(code));
  if (!isa<FloatType>(typeOf(scale).getElementType()))
    return invalid("the scale must be float, got " + str(scale.getType()));
  int64_t scales = typeOf(scale).getNumElements();
  if (!isAbsent(zero) && typeOf(zero).getNumElements() != scales)
    return invalid("scale " + str(scale.getType()) + " and zero point " + str(zero.getType()) +
                   " differ in size");
  if (scales != 1) { // one scale serves all slices, whatever the axis
    auto resolved = resolveAxis(axis, type.getRank());
    if (!resolved)
      return badAxis(axis, type.getRank());
    if (typeOf(scale).getRank() != 1 || scales != type.getDimSize(*resolved))
      return invalid("the scale must be a scalar or a vector of " +
                     Twine(type.getDimSize(*resolved)) + ", got " + str(scale.getType()));
  }
  return tensor(type.getShape(), quantises ? code : Float32Type::get(op->getContext()));
}

} // namespace aac::onnx
