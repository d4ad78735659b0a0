//===- InferMovers.cpp - results that are elements of operands ------------===//
#include "InferRules.h"

using namespace mlir;

namespace aac::onnx {
using namespace infer;

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

Inference infer::concat(ConcatOp op) {
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

Inference infer::split(SplitOp op) {
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

Inference infer::slice(SliceOp op, ConstantLookup constants) {
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

Inference infer::pad(PadOp op, ConstantLookup constants) {
  auto type = typeOf(op.getData());
  StringRef mode = op.getMode();
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return invalid("mode " + quoted(mode) + " is not supported");
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

Inference infer::gather(GatherOp op) {
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

Inference infer::gatherElements(GatherElementsOp op) {
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

Inference infer::trilu(TriluOp op) {
  auto type = typeOf(op.getInput());
  if (type.getRank() < 2)
    return invalid("operand must be matrices, got " + str(type));
  if (!isAbsent(op.getK()) && (typeOf(op.getK()).getNumElements() != 1 ||
                               !typeOf(op.getK()).getElementType().isInteger(64)))
    return invalid("k must be one i64, got " + str(op.getK().getType()));
  return known(type);
}

Inference infer::reshape(ReshapeOp op, ConstantLookup constants) {
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

Inference infer::flatten(FlattenOp op) {
  auto type = typeOf(op.getInput());
  int64_t rank = type.getRank(), axis = op.getAxis();
  if (axis < -rank || axis > rank)
    return badAxis(axis, rank);
  axis += axis < 0 ? rank : 0;
  int64_t rows = 1, columns = 1; // the type's elements can be counted, zeros left out
  for (int64_t d : type.getShape().take_front(axis))
    rows *= d;
  for (int64_t d : type.getShape().drop_front(axis))
    columns *= d;
  return tensor({rows, columns}, type.getElementType());
}

Inference infer::squeeze(SqueezeOp op) {
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

Inference infer::unsqueeze(UnsqueezeOp op) {
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

Inference infer::transpose(TransposeOp op) {
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

Inference infer::tile(TileOp op, ConstantLookup constants) {
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

Inference infer::expand(ExpandOp op, ConstantLookup constants) {
  auto type = typeOf(op.getInput());
  auto wanted = constants(op.getShape());
  if (!wanted)
    return unknown();
  auto shape = broadcastShapes(type.getShape(), *wanted);
  if (!shape)
    return invalid(str(type) + " does not broadcast to " + str(*wanted));
  return tensor(*shape, type.getElementType());
}

} // namespace aac::onnx
