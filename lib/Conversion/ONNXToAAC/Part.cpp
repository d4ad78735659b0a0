//===- Part.cpp - recognises parts of a linear's features ------------------===//
//
// Query, key and value packed into one product, or the two logits of a span, are taken apart by
// Split, Slice, Gather or a Transpose that brings the features to the front. Such a part of a
// linear is a linear of some rows of its weight and bias: what no part needs is not computed.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
/// Some features of each token of `whole`.
struct Part {
  Value whole;
  Rows features;
  bool dropsAxis = false; ///< one feature, without its axis
};
} // namespace

/// Elements [first, first + count) that `value` takes along one axis of `data`.
static std::optional<Part> takenAlong(Graph &graph, Value value, int64_t &axis) {
  Operation *op = value.getDefiningOp();
  if (auto split = dyn_cast_or_null<onnx::SplitOp>(op)) {
    graph.visited.push_back(op);
    axis = frontAxis(split.getAxis(), shapeOf(value).size());
    int64_t first = 0;
    for (Value output : split.getOutputs().take_front(cast<OpResult>(value).getResultNumber()))
      first += shapeOf(output)[axis];
    return Part{split.getInput(), {first, shapeOf(value)[axis]}};
  }
  if (auto slice = graph.as<onnx::SliceOp>(value)) {
    std::optional<SmallVector<int64_t>> starts = graph.integers(slice.getStarts()), axes, steps;
    if (!isa<NoneType>(slice.getAxes().getType()))
      axes = graph.integers(slice.getAxes());
    if (!isa<NoneType>(slice.getSteps().getType()))
      steps = graph.integers(slice.getSteps());
    ArrayRef<int64_t> shape = shapeOf(slice.getData());
    if (!starts || starts->size() != 1 || !axes || axes->size() != 1 || shape.empty() ||
        (!isa<NoneType>(slice.getSteps().getType()) && (!steps || (*steps)[0] != 1)))
      return std::nullopt;
    axis = frontAxis((*axes)[0], shape.size());
    int64_t first = (*starts)[0] < 0 ? (*starts)[0] + shape[axis] : (*starts)[0];
    first = std::clamp<int64_t>(first, 0, shape[axis]);
    return Part{slice.getData(), {first, shapeOf(value)[axis]}};
  }
  if (auto gather = graph.as<onnx::GatherOp>(value)) {
    std::optional<SmallVector<int64_t>> index = graph.integers(gather.getIndices());
    ArrayRef<int64_t> shape = shapeOf(gather.getData());
    if (!index || index->size() != 1 || shape.empty())
      return std::nullopt;
    axis = frontAxis(gather.getAxis(), shape.size());
    int64_t first = (*index)[0] < 0 ? (*index)[0] + shape[axis] : (*index)[0];
    if (first < 0 || first >= shape[axis])
      return std::nullopt;
    return Part{gather.getData(), {first, 1}, shapeOf(gather.getIndices()).empty()};
  }
  return std::nullopt;
}

/// `value` as some features of a value: taken along the last axis, or along the first after a
/// Transpose that has brought the features there.
static std::optional<Part> featurePart(Graph &graph, Value value) {
  int64_t axis = -1;
  std::optional<Part> part = takenAlong(graph, value, axis);
  if (!part || part->features.count < 1)
    return std::nullopt;
  int64_t rank = shapeOf(part->whole).size();
  if (axis == rank - 1) {
    part->whole = graph.canon(part->whole);
    return part;
  }
  auto transpose = graph.as<onnx::TransposeOp>(graph.skip(part->whole));
  if (!transpose || axis != 0 || part->features.count != 1)
    return std::nullopt;
  for (auto [i, from] : llvm::enumerate(transpose.getPerm()))
    if (from != (i == 0 ? rank - 1 : static_cast<int64_t>(i) - 1))
      return std::nullopt;
  part->whole = graph.canon(transpose.getData());
  part->dropsAxis = true; // [1, batch, tokens]: an axis in front instead
  return part;
}

std::optional<PackedPart> raise::packedPart(Graph &graph, Value value) {
  size_t mark = graph.visited.size(), rank = shapeOf(value).size();
  auto find = [&]() -> std::optional<PackedPart> {
    // One index along the packed axis, which is dropped at once or by a Squeeze; or some of a
    // head's features.
    Value taken = value;
    if (regroups(taken.getDefiningOp())) {
      graph.visited.push_back(taken.getDefiningOp());
      taken = graph.skip(taken.getDefiningOp()->getOperand(0));
    }
    int64_t axis = -1;
    std::optional<Part> part = takenAlong(graph, taken, axis);
    if (!part)
      return std::nullopt;
    SmallVector<int64_t> left(shapeOf(part->whole));
    bool drops = left.size() == rank + 1 && part->features.count == 1;
    if (drops)
      left.erase(left.begin() + axis);
    else if (taken == value && rank == 4 && axis == 3)
      left.back() = part->features.count;
    if (shapeOf(value) != ArrayRef<int64_t>(left))
      return std::nullopt;
    // Of the view, possibly permuted.
    Value split = graph.skip(part->whole);
    PackedPart packed;
    for (size_t i = 0; i < shapeOf(split).size(); ++i)
      packed.axes.push_back(static_cast<int64_t>(i));
    if (auto transpose = graph.as<onnx::TransposeOp>(split)) {
      packed.axes.assign(transpose.getPerm().begin(), transpose.getPerm().end());
      split = graph.skip(transpose.getData());
    }
    // The axis of the view that is packed, behind batch and tokens.
    int64_t packs = packed.axes[axis], width = 1;
    packed.shape.assign(shapeOf(split).begin(), shapeOf(split).end());
    if (packs < 2 || !regroups(split.getDefiningOp()))
      return std::nullopt;
    for (int64_t d : ArrayRef<int64_t>(packed.shape).drop_front(2))
      width *= d;
    Rows &features = packed.features = part->features;
    features.block = features.count;
    features.step = packed.shape[packs];
    for (int64_t d : ArrayRef<int64_t>(packed.shape).drop_front(packs + 1)) {
      features.first *= d;
      features.block *= d;
      features.step *= d;
    }
    if (features.step == 0)
      return std::nullopt;
    features.count = width / features.step * features.block;
    if (drops) {
      packed.axes.erase(packed.axes.begin() + axis);
      for (int64_t &from : packed.axes)
        from -= from > packs;
      packed.shape.erase(packed.shape.begin() + packs);
    } else {
      packed.shape[packs] = part->features.count;
    }
    for (int steps = 0;
         steps < kMaxChain && regroups(split.getDefiningOp()) && lastDim(split) != width; ++steps) {
      graph.visited.push_back(split.getDefiningOp());
      split = graph.skip(split.getDefiningOp()->getOperand(0));
    }
    packed.whole = graph.canon(split);
    return lastDim(split) == width ? std::optional(packed) : std::nullopt;
  };
  std::optional<PackedPart> found = rank == 3 || rank == 4 ? find() : std::nullopt;
  if (!found)
    graph.visited.resize(mark);
  return found;
}

/// Writes the rows of a linear; its result keeps the features' axis.
static Value emitRows(Emitter &emitter, const LinearParts &parts, const Part &part, Value input) {
  if (lastDim(input) != parts.in)
    return emitter.fail("its input has " + std::to_string(lastDim(input)) +
                        " features here, the weight takes " + std::to_string(parts.in));
  Value weight = emitter.rows(parts.weight, parts.inOut, parts.out, parts.in, part.features);
  Value bias;
  if (parts.bias)
    bias = emitter.elements(*parts.bias, parts.out, part.features);
  if (!weight || (parts.bias && !bias))
    return emitter.fail("the data of its weight or bias is missing");
  return ir::LinearOp::create(emitter.builder, emitter.loc,
                              emitter.withWidth(input, part.features.count), input, weight, bias,
                              /*format=*/nullptr, /*absmax=*/nullptr,
                              /*buffer=*/nullptr, llvm::APFloat(parts.scale));
}

/// One feature of each token, without its axis; null if that is not the shape of `value`.
Value raise::emitSqueeze(Emitter &emitter, Value input, ArrayRef<int64_t> shape) {
  if (lastDim(input) != 1 || shapeOf(input).drop_back() != shape)
    return emitter.fail("its features are " + shapeText(shapeOf(input)) + " here, expected " +
                        shapeText(shape));
  return ir::SqueezeOp::create(emitter.builder, emitter.loc, emitter.floats(shape), input);
}

bool raise::matchPart(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value))
    return false;
  SmallVector<int64_t> shape(shapeOf(value));
  if (std::optional<PackedPart> packed = packedPart(graph, value)) {
    // Heads in front of tokens are for attention to look at, not for a product with a weight.
    bool inOrder = llvm::is_sorted(packed->axes) ||
                   (shape.size() == 4 && llvm::none_of(value.getUsers(), [&](Operation *user) {
                      return isa<onnx::EinsumOp>(user) &&
                             llvm::any_of(user->getOperands(), [&](Value operand) {
                               return graph.constant(operand).has_value();
                             });
                    }));
    std::optional<LinearParts> parts = linearParts(graph, packed->whole, why);
    if (inOrder && parts && packed->features.fit(parts->out)) {
      match.pattern = "part of a linear";
      match.inputs = {parts->input};
      match.emit = [parts = *parts, part = Part{packed->whole, packed->features}](
                       Emitter &emitter, ArrayRef<Value> inputs) {
        return emitRows(emitter, parts, part, inputs[0]);
      };
      return true;
    }
    graph.visited.clear();
  }
  // A Squeeze (or a Reshape) behind it may drop the features' axis, the last or the first one.
  Value taken = value;
  for (int steps = 0; steps < kMaxChain && regroups(taken.getDefiningOp()); ++steps) {
    graph.visited.push_back(taken.getDefiningOp());
    taken = graph.skip(taken.getDefiningOp()->getOperand(0));
  }
  std::optional<Part> part = featurePart(graph, taken);
  if (part) {
    std::optional<LinearParts> parts = linearParts(graph, part->whole, why);
    if (!parts) {
      why = "part of the features of a value that is no product with a weight" +
            (why.empty() ? "" : ": " + why);
      return false;
    }
    part->dropsAxis |= taken != value;
    if (taken != value && part->features.count != 1)
      return false;
    if (!part->features.fit(parts->out))
      return false;
    match.pattern = "part of a linear";
    match.inputs = {parts->input};
    match.emit = [parts = *parts, part = *part](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
      Value result = emitRows(emitter, parts, part, inputs[0]);
      if (!result || !part.dropsAxis)
        return result;
      return emitSqueeze(emitter, result, shapeOf(result).drop_back());
    };
    return true;
  }
  // One feature of a token, without its axis.
  Operation *op = value.getDefiningOp();
  if (!regroups(op) || lastDim(op->getOperand(0)) != 1 ||
      shapeOf(op->getOperand(0)).drop_back() != ArrayRef<int64_t>(shape))
    return false;
  graph.visited.clear();
  match.pattern = "squeeze";
  match.inputs = {graph.canon(op->getOperand(0))};
  match.emit = [shape](Emitter &emitter, ArrayRef<Value> inputs) {
    return emitSqueeze(emitter, inputs[0], shape);
  };
  return true;
}
