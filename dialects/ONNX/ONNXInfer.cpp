//===- ONNXInfer.cpp - result types of onnx operations --------------------===//
//
// One function a family of operations. Sizes are int64; a product that overflows is
// refused, so that later stages may multiply dimensions freely.
//
//===----------------------------------------------------------------------===//
#include "dialects/ONNX/ONNXInfer.h"
#include "dialects/ONNX/ONNXDialect.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace aac::onnx {
namespace {

using Shape = SmallVector<int64_t>;

Inference known(Type type) { return {Inference::Known, {type}, ""}; }
Inference unknown() { return {Inference::Unknown, {}, ""}; }
Inference invalid(const Twine &message) { return {Inference::Invalid, {}, message.str()}; }

std::string str(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os);
  os << ']';
  return text;
}
std::string str(Type type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << type;
  return text;
}

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
ArrayRef<int64_t> shapeOf(Value value) { return typeOf(value).getShape(); }
bool isAbsent(Value value) { return isa<NoneType>(value.getType()); }

/// A tensor type, or Invalid when its elements cannot be counted, zeros left out.
Inference tensor(ArrayRef<int64_t> shape, Type element) {
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

std::optional<int64_t> resolveAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

Inference badAxis(int64_t axis, int64_t rank) {
  return invalid("axis " + Twine(axis) + " is outside rank " + Twine(rank));
}

Inference inferElementwise(Operation *op) {
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
    return invalid("approximate must be \"none\" or \"tanh\", got \"" + gelu.getApproximate() +
                   "\"");
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

Inference inferReduce(Operation *op) {
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

Inference inferArg(Operation *op) {
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

Inference inferCumSum(CumSumOp op) {
  auto type = typeOf(op.getX());
  if (!resolveAxis(op.getAxis(), type.getRank()))
    return badAxis(op.getAxis(), type.getRank());
  if (type.getElementType().isInteger(1))
    return invalid("operand must be numbers, got bool");
  return known(type);
}

Inference inferTrilu(TriluOp op) {
  auto type = typeOf(op.getInput());
  if (type.getRank() < 2)
    return invalid("operand must be matrices, got " + str(type));
  if (!isAbsent(op.getK()) && (typeOf(op.getK()).getNumElements() != 1 ||
                               !typeOf(op.getK()).getElementType().isInteger(64)))
    return invalid("k must be one i64, got " + str(op.getK().getType()));
  return known(type);
}

Inference inferGatherElements(GatherElementsOp op) {
  auto data = typeOf(op.getData()), indices = typeOf(op.getIndices());
  auto axis = resolveAxis(op.getAxis(), data.getRank());
  if (!axis)
    return badAxis(op.getAxis(), data.getRank());
  bool fits = indices.getRank() == data.getRank() && isa<IntegerType>(indices.getElementType());
  for (int64_t i = 0; fits && i < data.getRank(); ++i)
    fits = i == *axis || indices.getDimSize(i) <= data.getDimSize(i);
  if (!fits)
    return invalid("indices " + str(indices) + " do not fit data " + str(data));
  return tensor(indices.getShape(), data.getElementType());
}

Inference inferOneHot(OneHotOp op, ConstantLookup constants) {
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

Inference inferPad(PadOp op, ConstantLookup constants) {
  auto type = typeOf(op.getData());
  StringRef mode = op.getMode();
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return invalid("mode \"" + mode + "\" is not supported");
  if (!isAbsent(op.getValue()) && (typeOf(op.getValue()).getNumElements() != 1 ||
                                   typeOf(op.getValue()).getElementType() != type.getElementType()))
    return invalid("the value must be one element of " + str(type.getElementType()) + ", got " +
                   str(op.getValue().getType()));
  auto pads = resolvePads(op, constants);
  if (!pads)
    return unknown();
  if (!pads->why.empty())
    return invalid(pads->why);
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (mode != "constant" && type.getDimSize(i) == 0 && pads->shape[i] > 0)
      return invalid("nothing to repeat along axis " + Twine(i) + " of " + str(type));
  return tensor(pads->shape, type.getElementType());
}

Inference inferMatMul(MatMulOp op) {
  auto a = typeOf(op.getA()), b = typeOf(op.getB());
  if (a.getElementType() != b.getElementType())
    return invalid("element types differ: " + str(a) + " and " + str(b));
  if (a.getRank() == 0 || b.getRank() == 0)
    return invalid("operands must have a dimension, got " + str(a) + " and " + str(b));
  Shape as(a.getShape()), bs(b.getShape());
  if (as.size() == 1)
    as.insert(as.begin(), 1);
  if (bs.size() == 1)
    bs.push_back(1);
  if (as.back() != bs[bs.size() - 2])
    return invalid("inner sizes of " + str(a) + " and " + str(b) + " differ: " + Twine(as.back()) +
                   " and " + Twine(bs[bs.size() - 2]));
  auto shape = broadcastShapes(ArrayRef(as).drop_back(2), ArrayRef(bs).drop_back(2));
  if (!shape)
    return invalid("batches of " + str(a) + " and " + str(b) + " do not broadcast");
  if (a.getRank() > 1)
    shape->push_back(as[as.size() - 2]);
  if (b.getRank() > 1)
    shape->push_back(bs.back());
  return tensor(*shape, a.getElementType());
}

Inference inferGemm(GemmOp op) {
  auto a = typeOf(op.getA()), b = typeOf(op.getB());
  if (a.getRank() != 2 || b.getRank() != 2)
    return invalid("operands must be matrices, got " + str(a) + " and " + str(b));
  if (a.getElementType() != b.getElementType())
    return invalid("element types differ: " + str(a) + " and " + str(b));
  for (auto [name, factor] : {std::pair("alpha", op.getAlpha()), {"beta", op.getBeta()}})
    if (!factor.isFinite())
      return invalid(Twine(name) + " must be finite");
  bool ta = op.getTransA() != 0, tb = op.getTransB() != 0;
  if (a.getShape()[ta ? 0 : 1] != b.getShape()[tb ? 1 : 0])
    return invalid("inner sizes of " + str(a) + " and " + str(b) + " differ");
  Shape shape{a.getShape()[ta ? 1 : 0], b.getShape()[tb ? 0 : 1]};
  if (!isAbsent(op.getC())) {
    auto joined = broadcastShapes(shape, shapeOf(op.getC()));
    if (!joined || *joined != shape)
      return invalid("c " + str(op.getC().getType()) + " does not broadcast to " + str(shape));
    if (typeOf(op.getC()).getElementType() != a.getElementType())
      return invalid("element types differ: " + str(a) + " and " + str(op.getC().getType()));
  }
  return tensor(shape, a.getElementType());
}

Inference inferEinsum(EinsumOp op) {
  std::string why;
  auto terms = parseEinsum(op, why);
  if (!terms)
    return invalid(why);
  int64_t sizes[256] = {};
  bool seen[256] = {};
  for (auto [term, operand] : llvm::zip_equal(terms->inputs, op.getInputs())) {
    auto type = typeOf(operand);
    if (type.getRank() != static_cast<int64_t>(term.size()))
      return invalid("term \"" + term + "\" names " + Twine(term.size()) + " indices, operand is " +
                     str(type));
    if (type.getElementType() != typeOf(op.getInputs()[0]).getElementType())
      return invalid("element types differ");
    for (auto [letter, size] : llvm::zip_equal(term, type.getShape())) {
      auto index = static_cast<unsigned char>(letter);
      if (seen[index] && sizes[index] != size)
        return invalid("index '" + Twine(letter) + "' is " + Twine(sizes[index]) + " and " +
                       Twine(size));
      seen[index] = true;
      sizes[index] = size;
    }
  }
  Shape shape;
  for (char letter : terms->output)
    shape.push_back(sizes[static_cast<unsigned char>(letter)]);
  return tensor(shape, typeOf(op.getInputs()[0]).getElementType());
}

Inference inferConcat(ConcatOp op) {
  if (op.getInputs().empty())
    return invalid("needs at least one input");
  auto first = typeOf(op.getInputs()[0]);
  auto axis = resolveAxis(op.getAxis(), first.getRank());
  if (!axis)
    return badAxis(op.getAxis(), first.getRank());
  Shape shape(first.getShape());
  for (Value input : op.getInputs().drop_front()) {
    auto type = typeOf(input);
    bool fits =
        type.getRank() == first.getRank() && type.getElementType() == first.getElementType();
    for (int64_t i = 0; fits && i < first.getRank(); ++i)
      fits = i == *axis || type.getDimSize(i) == first.getDimSize(i);
    if (!fits || llvm::AddOverflow(shape[*axis], type.getDimSize(*axis), shape[*axis]))
      return invalid("inputs " + str(first) + " and " + str(type) + " do not fit along axis " +
                     Twine(*axis));
  }
  return tensor(shape, first.getElementType());
}

Inference inferReshape(ReshapeOp op, ConstantLookup constants) {
  auto type = typeOf(op.getData());
  auto wanted = constants(op.getShape());
  if (!wanted)
    return unknown();
  Shape shape;
  int64_t hole = -1, rest = 1;
  for (auto [index, d] : llvm::enumerate(*wanted)) {
    if (d < -1)
      return invalid("size " + Twine(d) + " in shape " + str(*wanted));
    if (d == -1) {
      if (hole >= 0)
        return invalid("shape " + str(*wanted) + " has two -1");
      hole = index;
    } else if (d == 0 && op.getAllowzero() == 0) {
      if (static_cast<int64_t>(index) >= type.getRank())
        return invalid("0 at place " + Twine(index) + " of shape " + str(*wanted) +
                       " names no dimension of " + str(type));
      d = type.getDimSize(index);
    }
    shape.push_back(d);
    if (d >= 0 && llvm::MulOverflow(rest, d, rest))
      return invalid("shape " + str(*wanted) + " has too many elements");
  }
  int64_t count = type.getNumElements();
  if (hole >= 0) {
    if (rest == 0 || count % rest != 0)
      return invalid(str(type) + " cannot have shape " + str(*wanted));
    shape[hole] = count / rest;
  } else if (rest != count) {
    return invalid(str(type) + " cannot have shape " + str(*wanted) + ": " + Twine(count) +
                   " and " + Twine(rest) + " elements");
  }
  return tensor(shape, type.getElementType());
}

Inference inferSlice(SliceOp op, ConstantLookup constants) {
  auto type = typeOf(op.getData());
  int64_t rank = type.getRank();
  auto starts = constants(op.getStarts()), ends = constants(op.getEnds());
  if (!starts || !ends)
    return unknown();
  Shape axes, steps(starts->size(), 1);
  if (isAbsent(op.getAxes())) {
    for (size_t i = 0; i < starts->size(); ++i)
      axes.push_back(i);
  } else if (auto given = constants(op.getAxes())) {
    axes = *given;
  } else {
    return unknown();
  }
  if (!isAbsent(op.getSteps())) {
    auto given = constants(op.getSteps());
    if (!given)
      return unknown();
    steps = *given;
  }
  if (ends->size() != starts->size() || axes.size() != starts->size() ||
      steps.size() != starts->size())
    return invalid("starts, ends, axes and steps differ in length: " + Twine(starts->size()) +
                   ", " + Twine(ends->size()) + ", " + Twine(axes.size()) + ", " +
                   Twine(steps.size()));
  Shape shape(type.getShape());
  SmallVector<bool> seen(rank, false);
  for (size_t i = 0; i < axes.size(); ++i) {
    auto axis = resolveAxis(axes[i], rank);
    if (!axis)
      return badAxis(axes[i], rank);
    if (seen[*axis])
      return invalid("axis " + Twine(*axis) + " is sliced twice");
    seen[*axis] = true;
    auto range = resolveSlice((*starts)[i], (*ends)[i], steps[i], shape[*axis]);
    if (!range)
      return invalid("step must not be 0");
    shape[*axis] = range->count;
  }
  return tensor(shape, type.getElementType());
}

/// QuantizeLinear and DequantizeLinear: x, scale, zero point.
Inference inferQuantisation(Operation *op, int64_t axis) {
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

Inference inferGather(GatherOp op) {
  auto data = typeOf(op.getData()), indices = typeOf(op.getIndices());
  auto axis = resolveAxis(op.getAxis(), data.getRank());
  if (!axis)
    return badAxis(op.getAxis(), data.getRank());
  if (!isa<IntegerType>(indices.getElementType()))
    return invalid("indices must be integers, got " + str(indices));
  Shape shape(data.getShape().take_front(*axis));
  llvm::append_range(shape, indices.getShape());
  llvm::append_range(shape, data.getShape().drop_front(*axis + 1));
  return tensor(shape, data.getElementType());
}

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

Inference inferRange(RangeOp op, ConstantLookup constants, FloatLookup floats) {
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
  if (llvm::SubOverflow(to->front(), from->front(), span) ||
      delta == std::numeric_limits<int64_t>::min())
    return invalid("the range is too long");
  // ceil(span / delta), at least 0
  int64_t count = span / delta + ((span % delta != 0 && (span < 0) == (delta < 0)) ? 1 : 0);
  return tensor({std::max<int64_t>(count, 0)}, start.getElementType());
}

Inference inferSplit(SplitOp op) {
  // The sizes are given by the result types: check them only.
  auto type = typeOf(op.getInput());
  auto axis = resolveAxis(op.getAxis(), type.getRank());
  if (!axis)
    return badAxis(op.getAxis(), type.getRank());
  int64_t total = 0;
  Inference inference{Inference::Known, {}, ""};
  for (Value output : op.getOutputs()) {
    auto part = dyn_cast<RankedTensorType>(output.getType());
    if (!part || part.getRank() != type.getRank())
      return unknown();
    Shape shape(type.getShape());
    shape[*axis] = part.getDimSize(*axis);
    total += shape[*axis];
    inference.types.push_back(RankedTensorType::get(shape, type.getElementType()));
  }
  if (total != type.getDimSize(*axis))
    return invalid("parts have " + Twine(total) + " elements along axis " + Twine(*axis) + ", " +
                   str(type) + " has " + Twine(type.getDimSize(*axis)));
  return inference;
}

Inference inferSqueeze(SqueezeOp op) {
  auto type = typeOf(op.getData());
  Shape shape;
  Shape axes;
  if (auto given = op.getAxes()) {
    auto resolved = resolveAxes(*given, type.getRank());
    if (!resolved)
      return invalid("axes " + str(*given) + " do not fit rank " + Twine(type.getRank()));
    axes = *resolved;
  }
  for (auto [axis, size] : llvm::enumerate(type.getShape())) {
    bool chosen = op.getAxes() ? llvm::is_contained(axes, static_cast<int64_t>(axis)) : size == 1;
    if (chosen && size != 1)
      return invalid("axis " + Twine(axis) + " of " + str(type) + " has size " + Twine(size) +
                     ", not 1");
    if (!chosen)
      shape.push_back(size);
  }
  return tensor(shape, type.getElementType());
}

Inference inferUnsqueeze(UnsqueezeOp op) {
  auto type = typeOf(op.getData());
  int64_t rank = type.getRank() + op.getAxes().size();
  if (rank > static_cast<int64_t>(kMaxRank))
    return invalid("a result of " + Twine(rank) + " dimensions; the most are " + Twine(kMaxRank));
  auto axes = resolveAxes(op.getAxes(), rank);
  if (!axes)
    return invalid("axes " + str(op.getAxes()) + " do not fit rank " + Twine(rank));
  Shape shape;
  auto sizes = type.getShape();
  for (int64_t axis = 0; axis < rank; ++axis) {
    if (llvm::is_contained(*axes, axis)) {
      shape.push_back(1);
    } else {
      shape.push_back(sizes.front());
      sizes = sizes.drop_front();
    }
  }
  return tensor(shape, type.getElementType());
}

Inference inferTranspose(TransposeOp op) {
  auto type = typeOf(op.getData());
  auto sorted = resolveAxes(op.getPerm(), type.getRank());
  if (!sorted || static_cast<int64_t>(sorted->size()) != type.getRank() ||
      llvm::any_of(op.getPerm(), [](int64_t p) { return p < 0; }))
    return invalid("perm " + str(op.getPerm()) + " is no permutation of the axes of " + str(type));
  Shape shape;
  for (int64_t axis : op.getPerm())
    shape.push_back(type.getDimSize(axis));
  return tensor(shape, type.getElementType());
}

Inference inferTile(TileOp op, ConstantLookup constants) {
  auto type = typeOf(op.getInput());
  auto repeats = constants(op.getRepeats());
  if (!repeats)
    return unknown();
  if (static_cast<int64_t>(repeats->size()) != type.getRank())
    return invalid("repeats " + str(*repeats) + " must have one number for each axis of " +
                   str(type));
  Shape shape(type.getShape());
  for (auto [size, times] : llvm::zip_equal(shape, *repeats))
    if (times < 0 || llvm::MulOverflow(size, times, size))
      return invalid("repeats " + str(*repeats) + " do not fit " + str(type));
  return tensor(shape, type.getElementType());
}

Inference inferExpand(ExpandOp op, ConstantLookup constants) {
  auto type = typeOf(op.getInput());
  auto wanted = constants(op.getShape());
  if (!wanted)
    return unknown();
  auto shape = broadcastShapes(type.getShape(), *wanted);
  if (!shape)
    return invalid(str(type) + " does not broadcast to " + str(*wanted));
  return tensor(*shape, type.getElementType());
}

Inference inferLayerNormalization(LayerNormalizationOp op) {
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

Inference inferShape(ShapeOp op) {
  int64_t rank = typeOf(op.getData()).getRank();
  auto [start, end] = resolveShapeRange(op, rank);
  return tensor({std::max<int64_t>(end - start, 0)}, IntegerType::get(op.getContext(), 64));
}

template <typename Op> Inference inferSoftmax(Op op) {
  auto type = typeOf(op.getInput());
  if (!resolveAxis(op.getAxis(), type.getRank()))
    return badAxis(op.getAxis(), type.getRank());
  if (!isa<FloatType>(type.getElementType()))
    return invalid("operand must be float, got " + str(type));
  return known(type);
}

} // namespace

//===----------------------------------------------------------------------===//
// Public helpers
//===----------------------------------------------------------------------===//

std::optional<SliceRange> resolveSlice(int64_t start, int64_t end, int64_t step, int64_t size) {
  if (step == 0)
    return std::nullopt;
  auto clamp = [&](int64_t value, int64_t low, int64_t high) {
    if (value < 0)
      value = value < -size ? low : value + size;
    return std::min(std::max(value, low), high);
  };
  if (step > 0) {
    start = clamp(start, 0, size);
    end = clamp(end, 0, size);
    int64_t span = std::max<int64_t>(end - start, 0);
    return SliceRange{start, step, span == 0 ? 0 : (span - 1) / step + 1};
  }
  start = size == 0 ? 0 : clamp(start, 0, size - 1);
  end = clamp(end, -1, size);
  int64_t span = size == 0 ? 0 : std::max<int64_t>(start - end, 0);
  if (step == std::numeric_limits<int64_t>::min())
    ++step;
  return SliceRange{start, step, span == 0 ? 0 : (span - 1) / -step + 1};
}

std::optional<PadRange> resolvePads(PadOp op, ConstantLookup constants) {
  auto type = cast<RankedTensorType>(op.getData().getType());
  int64_t rank = type.getRank();
  auto pads = constants(op.getPads());
  if (!pads)
    return std::nullopt;
  SmallVector<int64_t> axes;
  if (isAbsent(op.getAxes())) {
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  } else if (auto given = constants(op.getAxes())) {
    for (int64_t axis : *given) {
      auto resolved = resolveAxis(axis, rank);
      if (!resolved || llvm::is_contained(axes, *resolved))
        return PadRange{{}, {}, "axes " + str(*given) + " do not fit rank " + std::to_string(rank)};
      axes.push_back(*resolved);
    }
  } else {
    return std::nullopt;
  }
  if (pads->size() != 2 * axes.size())
    return PadRange{{},
                    {},
                    std::to_string(pads->size()) + " pads for " + std::to_string(axes.size()) +
                        " axes"};
  PadRange range{SmallVector<int64_t>(rank, 0), SmallVector<int64_t>(type.getShape()), ""};
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t before = (*pads)[i], after = (*pads)[axes.size() + i];
    range.before[axis] = before;
    int64_t &size = range.shape[axis];
    if (llvm::AddOverflow(size, before, size) || llvm::AddOverflow(size, after, size) || size < 0)
      range.why = "pads " + std::to_string(before) + " and " + std::to_string(after) +
                  " do not fit axis " + std::to_string(axis) + " of " + str(Type(type));
  }
  return range;
}

std::pair<int64_t, int64_t> resolveShapeRange(ShapeOp op, int64_t rank) {
  auto clamp = [&](int64_t value) {
    return std::min(std::max<int64_t>(value < 0 ? value + rank : value, 0), rank);
  };
  return {clamp(op.getStart()), clamp(op.getEnd().value_or(rank))};
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

namespace {

/// Letters for the axes of the ellipses of `terms`, the same from the last one on: as many as the
/// longest has. Nothing when a term has more indices than its operand axes.
std::optional<std::string> ellipsisLetters(ArrayRef<StringRef> terms, OperandRange operands,
                                           StringRef used) {
  int64_t most = 0;
  for (auto [term, operand] : llvm::zip_equal(terms, operands)) {
    if (!term.contains("..."))
      continue;
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    int64_t axes = type ? type.getRank() - static_cast<int64_t>(term.size()) + 3 : -1;
    if (axes < 0)
      return std::nullopt;
    most = std::max(most, axes);
  }
  std::string letters;
  for (char c = 'A'; c <= 'z' && static_cast<int64_t>(letters.size()) < most; ++c)
    if (llvm::isAlpha(c) && !used.contains(c))
      letters.push_back(c);
  return static_cast<int64_t>(letters.size()) == most ? std::optional(letters) : std::nullopt;
}

} // namespace

std::optional<EinsumTerms> parseEinsum(EinsumOp op, std::string &why) {
  StringRef equation = op.getEquation();
  size_t operands = op.getInputs().size();
  auto fail = [&](const Twine &message) {
    why = ("equation \"" + equation + "\" " + message).str();
    return std::nullopt;
  };
  std::string packed;
  for (char c : equation)
    if (c != ' ')
      packed.push_back(c);
  StringRef text = packed;
  EinsumTerms terms;
  size_t arrow = text.find("->");
  SmallVector<StringRef> parts;
  text.take_front(arrow).split(parts, ',');
  if (parts.size() != operands)
    return fail("has " + Twine(parts.size()) + " terms for " + Twine(operands) + " operands");
  if (operands > 2)
    return fail("has more than two operands, which is not supported");
  std::optional<std::string> hidden = ellipsisLetters(parts, op.getInputs(), text);
  if (!hidden)
    return fail("has an ellipsis that does not fit the ranks of its operands");
  // The last ones of the hidden letters in the place of an ellipsis.
  auto written = [&](StringRef term, size_t count) {
    auto [before, after] = term.split("...");
    return term.contains("...") ? (before + StringRef(*hidden).take_back(count) + after).str()
                                : term.str();
  };
  std::string all;
  for (auto [part, operand] : llvm::zip_equal(parts, op.getInputs())) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    terms.inputs.push_back(written(part, type ? type.getRank() + 3 - part.size() : 0));
    all += terms.inputs.back();
  }
  if (arrow == StringRef::npos) { // the ellipsis, indices that occur once in alphabetical order
    std::string sorted = all;
    llvm::sort(sorted);
    terms.output = *hidden;
    for (char c : sorted)
      if (StringRef(sorted).count(c) == 1 && hidden->find(c) == std::string::npos)
        terms.output.push_back(c);
  } else {
    StringRef output = text.drop_front(arrow + 2);
    if (output.contains("...") != text.take_front(arrow).contains("..."))
      return fail("has an ellipsis on one side of its arrow only");
    terms.output = written(output, hidden->size());
  }
  auto checkTerm = [&](StringRef term) {
    for (char c : term)
      if (!llvm::isAlpha(c) || term.count(c) != 1)
        return false;
    return true;
  };
  for (StringRef term : terms.inputs)
    if (!checkTerm(term))
      return fail("has term \"" + term + "\", which is not letters that differ");
  if (!checkTerm(terms.output))
    return fail("has output \"" + terms.output + "\", which is not letters that differ");
  for (char c : terms.output)
    if (!StringRef(all).contains(c))
      return fail("has the output index '" + Twine(c) + "', which no input has");
  return terms;
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
          [](Operation *o) { return inferReduce(o); })
      .Case<ArgMaxOp, ArgMinOp>([](Operation *o) { return inferArg(o); })
      .Case([](CumSumOp o) { return inferCumSum(o); })
      .Case([](TriluOp o) { return inferTrilu(o); })
      .Case([](GatherElementsOp o) { return inferGatherElements(o); })
      .Case([&](OneHotOp o) { return inferOneHot(o, constants); })
      .Case([&](PadOp o) { return inferPad(o, constants); })
      .Case([](MatMulOp o) { return inferMatMul(o); })
      .Case([](GemmOp o) { return inferGemm(o); })
      .Case([](EinsumOp o) { return inferEinsum(o); })
      .Case([](ConcatOp o) { return inferConcat(o); })
      .Case([&](ReshapeOp o) { return inferReshape(o, constants); })
      .Case([&](SliceOp o) { return inferSlice(o, constants); })
      .Case([](GatherOp o) { return inferGather(o); })
      .Case<QuantizeLinearOp, DequantizeLinearOp>(
          [](auto o) { return inferQuantisation(o, o.getAxis()); })
      .Case([&](RangeOp o) { return inferRange(o, constants, floats); })
      .Case([](SplitOp o) { return inferSplit(o); })
      .Case([](SqueezeOp o) { return inferSqueeze(o); })
      .Case([](UnsqueezeOp o) { return inferUnsqueeze(o); })
      .Case([](TransposeOp o) { return inferTranspose(o); })
      .Case([&](TileOp o) { return inferTile(o, constants); })
      .Case([&](ExpandOp o) { return inferExpand(o, constants); })
      .Case([](LayerNormalizationOp o) { return inferLayerNormalization(o); })
      .Case([](SoftmaxOp o) { return inferSoftmax(o); })
      .Case([](LogSoftmaxOp o) { return inferSoftmax(o); })
      .Case([](ShapeOp o) { return inferShape(o); })
      .Case([](SizeOp o) { return tensor({}, IntegerType::get(o.getContext(), 64)); })
      .Case([](FlattenOp o) -> Inference {
        auto type = typeOf(o.getInput());
        int64_t rank = type.getRank(), axis = o.getAxis();
        if (axis < -rank || axis > rank)
          return badAxis(axis, rank);
        axis += axis < 0 ? rank : 0;
        int64_t rows = 1, columns = 1; // the type's elements can be counted, zeros left out
        for (int64_t d : type.getShape().take_front(axis))
          rows *= d;
        for (int64_t d : type.getShape().drop_front(axis))
          columns *= d;
        return tensor({rows, columns}, type.getElementType());
      })
      .Case([&](ConstantOfShapeOp o) -> Inference {
        Type element = Float32Type::get(o.getContext());
        if (auto value = o.getValue()) {
          if (value->getNumElements() != 1)
            return invalid("value must have one element, got " + str(value->getType()));
          element = value->getElementType();
        }
        auto shape = constants(o.getShape());
        if (!shape)
          return unknown();
        return tensor(*shape, element);
      })
      .Default([](Operation *o) -> Inference {
        if (o->hasTrait<trait::Elementwise>())
          return inferElementwise(o);
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
