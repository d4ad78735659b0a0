//===- Attention.cpp - recognises scores, softmax and context -------------===//
//
// Heads are split by Reshape [batch, tokens, heads, size] and Transpose; the key's two
// transposes are often one. A product is a MatMul or an Einsum, whose indices say which axis is
// which without any transposition. The scale stands anywhere between the projections and the
// mask, as Div or Mul: all factors are multiplied into one. Behind the mask it scales the mask too.
// Factors of probabilities, values or the context go into the projection of the values.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"

#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
/// A projection split into heads: `value` is [batch, tokens, heads * size].
struct Heads {
  Value value;
  double factor = 1.0;
  int64_t batch, tokens, heads, size;
};
/// A product of two values of four axes: both have `batch` and `head`, `a` has rows, `b` columns.
/// The axes of an operand are counted in its own order.
struct HeadProduct {
  Value a, b;
  SmallVector<int64_t> axesA; ///< of batch, head, row, summed
  SmallVector<int64_t> axesB; ///< of batch, head, column, summed
};
} // namespace

/// "bhid,bhjd->bhij" and the like: which axis of which operand each axis of the result
/// (`order`: its axes of batch, head, row and column) comes from.
static std::optional<HeadProduct> einsumProduct(onnx::EinsumOp op, ArrayRef<int64_t> order) {
  std::string ignored;
  std::optional<onnx::EinsumTerms> terms = onnx::parseEinsum(op, ignored);
  if (!terms || terms->output.size() != 4)
    return std::nullopt;
  auto letter = [&](int64_t i) { return terms->output[order[i]]; };
  auto has = [&](int term, char c) { return terms->inputs[term].find(c) != std::string::npos; };
  int first = has(0, letter(2)) ? 0 : 1; // the operand with the rows
  const std::string &x = terms->inputs[first], &y = terms->inputs[1 - first];
  auto summed =
      llvm::find_if(x, [&](char c) { return terms->output.find(c) == std::string::npos; });
  if (x.size() != 4 || y.size() != 4 || summed == x.end() || !has(1 - first, letter(3)) ||
      has(first, letter(3)) || has(1 - first, letter(2)))
    return std::nullopt;
  HeadProduct product{op.getInputs()[first], op.getInputs()[1 - first], {}, {}};
  for (char c : {letter(0), letter(1), letter(2), *summed})
    product.axesA.push_back(static_cast<int64_t>(x.find(c)));
  for (char c : {letter(0), letter(1), letter(3), *summed})
    product.axesB.push_back(static_cast<int64_t>(y.find(c)));
  if (llvm::is_contained(product.axesA, -1) || llvm::is_contained(product.axesB, -1))
    return std::nullopt;
  return product;
}

/// The product behind `value`, whose axes of batch, head, row and column are `order`.
static std::optional<HeadProduct> headProduct(Graph &graph, Value value, ArrayRef<int64_t> order) {
  if (auto einsum = graph.as<onnx::EinsumOp>(value))
    return einsum.getInputs().size() == 2 ? einsumProduct(einsum, order) : std::nullopt;
  auto matmul = graph.as<onnx::MatMulOp>(value);
  if (!matmul || order != ArrayRef<int64_t>{0, 1, 2, 3} || shapeOf(matmul.getA()).size() != 4 ||
      shapeOf(matmul.getB()).size() != 4)
    return std::nullopt;
  return HeadProduct{matmul.getA(), matmul.getB(), {0, 1, 2, 3}, {0, 1, 3, 2}};
}

/// A linear without a scale: that is looked for on the way to it.
static bool isLinear(Graph &graph, Value value) {
  std::string ignored;
  size_t mark = graph.visited.size();
  std::optional<LinearParts> parts = linearParts(graph, value, ignored);
  graph.visited.resize(mark);
  return parts && parts->scale == 1.0f;
}

/// The [batch, heads, a, b] behind a value [batch, heads, b, a] that is transposed as a stack of
/// matrices: Reshape to [batch * heads, a, b], Transpose, Reshape back. Null for others.
static Value transposedStack(Graph &graph, Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  Operation *back = value.getDefiningOp();
  if (!regroups(back) || shape.size() != 4)
    return nullptr;
  auto transpose = graph.skip(back->getOperand(0)).getDefiningOp<onnx::TransposeOp>();
  if (!transpose || transpose.getPerm() != ArrayRef<int64_t>{0, 2, 1})
    return nullptr;
  Operation *there = graph.skip(transpose.getData()).getDefiningOp();
  if (!regroups(there))
    return nullptr;
  Value stack = there->getOperand(0);
  ArrayRef<int64_t> matrices = shapeOf(transpose.getData());
  if (shapeOf(stack) != ArrayRef<int64_t>{shape[0], shape[1], shape[3], shape[2]} ||
      matrices != ArrayRef<int64_t>{shape[0] * shape[1], shape[3], shape[2]})
    return nullptr;
  graph.visited.append({back, transpose, there});
  return stack;
}

/// Proves that `value` is a split projection whose axes of batch, head, token and feature are
/// `axes`.
static std::optional<Heads> splitHeads(Graph &graph, Value value, SmallVector<int64_t> axes,
                                       std::string &why) {
  if (shapeOf(value).size() != 4)
    return std::nullopt;
  Heads result;
  for (int steps = 0; steps < kMaxChain; ++steps) {
    Scaled inner = graph.scaled(value);
    result.factor *= inner.factor;
    value = inner.value;
    if (Value stack = transposedStack(graph, value)) {
      for (int64_t &axis : axes)
        axis = axis >= 2 ? 5 - axis : axis;
      value = stack;
      continue;
    }
    auto transpose = graph.as<onnx::TransposeOp>(value);
    if (!transpose)
      break;
    for (int64_t &axis : axes)
      axis = transpose.getPerm()[axis];
    value = transpose.getData();
  }
  SmallVector<int64_t> shape(shapeOf(value));
  // A projection to heads is what it is; one of several packed ones is matched by itself.
  bool projects = true;
  if (std::optional<PackedPart> packed = packedPart(graph, value)) {
    shape = packed->shape;
    for (int64_t &axis : axes)
      axis = packed->axes[axis];
  } else {
    projects = !regroups(value.getDefiningOp());
    if (projects && !isLinear(graph, value))
      return std::nullopt;
  }
  if (shape.size() != 4)
    return std::nullopt;
  if (axes != SmallVector<int64_t>{0, 2, 1, 3}) {
    why = "attention with batch, heads, tokens and features on axes " + shapeText(axes) +
          " of the split projection, expected [0, 2, 1, 3]";
    return std::nullopt;
  }
  result.batch = shape[0];
  result.tokens = shape[1];
  result.heads = shape[2];
  result.size = shape[3];
  if (projects) { // their features side by side
    result.value = value;
    return result;
  }
  // Down through the reshapes to the projection, and scales in front of them.
  int64_t width = result.heads * result.size;
  Value projected;
  for (int steps = 0; steps < kMaxChain && regroups(value.getDefiningOp()); ++steps) {
    graph.visited.push_back(value.getDefiningOp());
    value = graph.skip(value.getDefiningOp()->getOperand(0));
    if (lastDim(value) == width) {
      projected = value;
      break;
    }
  }
  if (!projected) {
    why =
        "attention heads are not split from a projection of " + std::to_string(width) + " features";
    return std::nullopt;
  }
  Scaled inner = graph.scaled(graph.canon(projected));
  result.factor *= inner.factor;
  result.value = graph.canon(inner.value);
  return result;
}

/// Fails unless a raised projection is [batch, tokens, features] as the split says.
static bool fits(Emitter &emitter, Value value, const Heads &heads) {
  SmallVector<int64_t> expected{heads.batch, heads.tokens, heads.heads * heads.size};
  if (shapeOf(value) == ArrayRef<int64_t>(expected))
    return true;
  emitter.fail("attention over " + shapeText(expected) + " of a value that is " +
               shapeText(shapeOf(value)) + " here");
  return false;
}

/// `value` times `factor`, written as the products with weights or the scores that it is made of
/// with other scales; null if it is made of something else. Those without a scale stay for other
/// users.
static Value emitScaled(Emitter &emitter, Value value, double factor, int nesting = 0) {
  constexpr int kMaxNesting = 8;
  Operation *op = value.getDefiningOp();
  if (factor == 1.0)
    return value;
  if (auto add = dyn_cast_or_null<ir::AddOp>(op); add && nesting < kMaxNesting) {
    Value lhs = emitScaled(emitter, add.getLhs(), factor, nesting + 1);
    Value rhs = lhs ? emitScaled(emitter, add.getRhs(), factor, nesting + 1) : lhs;
    return rhs ? emitAdd(emitter, lhs, rhs) : rhs;
  }
  if (!isa_and_nonnull<ir::LinearOp, ir::ScoresOp>(op))
    return nullptr;
  auto old = op->getAttrOfType<FloatAttr>("scale");
  auto scale = static_cast<float>(factor * (old ? old.getValueAsDouble() : 1.0));
  if (!std::isfinite(scale))
    return nullptr;
  Operation *scaled = emitter.builder.clone(*op);
  scaled->setAttr("scale", emitter.builder.getF32FloatAttr(scale));
  return scaled->getResult(0);
}

bool raise::matchScores(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value) || shapeOf(value).size() != 4)
    return false;
  Scaled scaled = graph.scaled(value);
  std::optional<HeadProduct> product = headProduct(graph, scaled.value, {0, 1, 2, 3});
  if (!product)
    return false;
  std::optional<Heads> query = splitHeads(graph, product->a, product->axesA, why);
  if (!query)
    return false;
  std::optional<Heads> key = splitHeads(graph, product->b, product->axesB, why);
  if (!key)
    return false;
  if (query->heads != key->heads || query->size != key->size || query->batch != key->batch)
    return false;
  float scale = static_cast<float>(scaled.factor * query->factor * key->factor);
  if (!std::isfinite(scale)) {
    why = "attention scores scaled by " + floatText(scale);
    return false;
  }
  match.pattern = "scores";
  match.inputs = {query->value, key->value};
  match.emit = [query = *query, key = *key, scale](Emitter &emitter,
                                                   ArrayRef<Value> inputs) -> Value {
    if (!fits(emitter, inputs[0], query) || !fits(emitter, inputs[1], key))
      return nullptr;
    Type type = emitter.floats({query.batch, query.heads, query.tokens, key.tokens});
    return ir::ScoresOp::create(emitter.builder, emitter.loc, type, inputs[0], inputs[1],
                                static_cast<uint64_t>(query.heads), llvm::APFloat(scale),
                                /*format=*/nullptr, /*absmax=*/nullptr, /*buffer=*/nullptr);
  };
  return true;
}

/// True when `shape` can be the mask of scores of `scores`' shape: [batch or 1, 1, 1, keys].
static bool isMaskShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> scores) {
  return shape.size() == 4 && (shape[0] == 1 || shape[0] == scores[0]) && shape[1] == 1 &&
         shape[2] == 1 && shape[3] == scores[3];
}

namespace {
/// The operand of an attention's softmax: scores, and a mask made from one input.
struct MaskedScores {
  Value scores;
  std::optional<MaskParts> parts; ///< with `mask` set instead, that is added as it is
  Value mask;
  bool fill = false;   ///< the mask takes the scores' place
  double factor = 1.0; ///< of scores and mask
};
} // namespace

static bool isScores(Graph &graph, Value value) {
  Match inner;
  std::string ignored;
  size_t mark = graph.visited.size();
  if (std::optional<RequantiseParts> rounded = requantiseParts(graph, value, ignored))
    value = rounded->input;
  bool found = matchScores(graph, value, inner, ignored);
  graph.visited.resize(mark);
  return found;
}

/// scores + mask, in either order.
static bool addedMask(Graph &graph, Value value, MaskedScores &found, std::string &why) {
  ArrayRef<int64_t> shape = shapeOf(value);
  return graph.either<onnx::AddOp>(value, [&](Value scores, Value mask) {
    scores = graph.skip(scores);
    if (shapeOf(scores) != shape || !isScores(graph, scores))
      return false;
    found.scores = scores;
    mask = graph.skip(mask);
    if (graph.splat(mask) == 0.0f)
      return true;
    std::string reason;
    if (isa<BlockArgument>(mask) && isMaskShape(shapeOf(mask), shape)) {
      found.mask = mask;
      return true;
    }
    found.parts = maskParts(graph, mask, reason);
    if (found.parts && keepsAxes(shapeOf(mask), shape))
      return true;
    why = "attention mask of shape " + shapeText(shapeOf(mask)) + " for scores " +
          shapeText(shape) + " is not made of an input of [batch, keys] by a rule that is known" +
          (reason.empty() ? "; masks for each query are not supported" : ": " + reason);
    return false;
  });
}

/// Where(condition, constant, scores) or Where(condition, scores, constant).
static bool filledMask(Graph &graph, Value value, MaskedScores &found, std::string &why) {
  auto where = graph.as<onnx::WhereOp>(value);
  if (!where)
    return false;
  for (bool fillsWhen : {true, false}) {
    std::optional<float> constant = graph.splat(fillsWhen ? where.getA() : where.getB());
    Value scores = graph.skip(fillsWhen ? where.getB() : where.getA());
    if (!constant || shapeOf(scores) != shapeOf(value) || !isScores(graph, scores))
      continue;
    std::string reason;
    found.scores = scores;
    found.fill = true;
    found.parts = fillParts(graph, where.getCondition(), fillsWhen, *constant, reason);
    if (found.parts && keepsAxes(shapeOf(where.getCondition()), shapeOf(value)))
      return true;
    why = "scores of shape " + shapeText(shapeOf(value)) + " filled with " + floatText(*constant) +
          " by a condition of shape " + shapeText(shapeOf(where.getCondition())) +
          ", which is not made of an input of [batch, keys] by a rule that is known" +
          (reason.empty() ? "" : ": " + reason);
  }
  return false;
}

/// Scores with a mask, times a factor that moves into both exactly.
static bool scaledMask(Graph &graph, Value value, MaskedScores &found, std::string &why) {
  size_t mark = graph.visited.size();
  Scaled scaled = graph.scaled(value);
  std::string reason;
  if (scaled.factor == 1.0 || (!addedMask(graph, scaled.value, found, reason) &&
                               !filledMask(graph, scaled.value, found, reason))) {
    graph.visited.resize(mark);
    why = why.empty() ? reason : why;
    return false;
  }
  found.factor = scaled.factor;
  if (!found.parts && !found.mask)
    return true;
  // A sum rounds alike before and after a power of two, and where the mask takes all of it.
  constexpr float kTakesAll = 1e30f;
  int exponent;
  bool isPower = std::frexp(found.factor, &exponent) == 0.5;
  float constant = found.parts ? found.parts->constant : 0;
  auto moved = static_cast<float>(constant * found.factor);
  std::string text = "attention mask scaled by " + floatText(static_cast<float>(found.factor)) +
                     " after it is added: ";
  if (found.mask)
    why = text + "an input is added as it is";
  else if (!(found.factor > 0) || !(found.fill || isPower || std::fabs(constant) >= kTakesAll))
    why =
        text + "exact only for a power of two, or a mask of -1e30 or below; scale the scores first";
  else if (std::isfinite(constant) && !std::isnormal(moved))
    why = text + floatText(constant) + " becomes " + floatText(moved);
  else
    found.parts->constant = moved;
  return why.empty();
}

bool raise::matchSoftmax(Graph &graph, Value value, Match &match, std::string &why) {
  auto softmax = graph.as<onnx::SoftmaxOp>(value);
  if (!softmax)
    return false;
  ArrayRef<int64_t> shape = shapeOf(value);
  int64_t rank = shape.size(), axis = frontAxis(softmax.getAxis(), rank);
  if (axis != rank - 1) {
    why = "Softmax along axis " + std::to_string(axis) + " of " + std::to_string(rank) +
          ", only the last one is supported";
    return false;
  }
  Value input = graph.canon(softmax.getInput());
  MaskedScores found{input, std::nullopt, nullptr};
  if (rank == 4 && !addedMask(graph, input, found, why) && !filledMask(graph, input, found, why) &&
      !scaledMask(graph, input, found, why)) {
    if (!why.empty())
      return false;
    found = {input, std::nullopt, nullptr};
  }
  match.pattern = "softmax";
  match.inputs = {found.scores};
  if (found.parts)
    found.mask = found.parts->mask;
  if (found.mask)
    match.inputs.push_back(found.mask);
  match.emit = [parts = found.parts, fill = found.fill, factor = found.factor,
                shape = SmallVector<int64_t>(shape)](Emitter &emitter,
                                                     ArrayRef<Value> inputs) -> Value {
    if (lastDim(inputs[0]) != shape.back() ||
        ((shape.size() == 4 || shapeOf(inputs[0]).size() == 4) &&
         shapeOf(inputs[0]) != ArrayRef<int64_t>(shape)))
      return emitter.fail("over " + shapeText(shape) + " of a value that is " +
                          shapeText(shapeOf(inputs[0])) + " here");
    Value mask = inputs.size() > 1 ? inputs[1] : Value();
    if (parts)
      mask = emitMask(emitter, *parts, mask);
    if (mask && !isMaskShape(shapeOf(mask), shapeOf(inputs[0])))
      return emitter.fail("attention mask of shape " + shapeText(shapeOf(mask)) + " for scores " +
                          shapeText(shapeOf(inputs[0])));
    Value scores = emitScaled(emitter, inputs[0], factor);
    if (!scores)
      return emitter.fail("over scores scaled by " + floatText(static_cast<float>(factor)) +
                          " that are no product");
    return ir::SoftmaxOp::create(emitter.builder, emitter.loc, scores.getType(), scores, mask, fill,
                                 /*format=*/nullptr, /*absmax=*/nullptr,
                                 /*buffer=*/nullptr);
  };
  return true;
}

bool raise::matchContext(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value))
    return false;
  // A scale may hide that heads are merged.
  int64_t width = lastDim(value);
  if (Operation *merge = value.getDefiningOp(); shapeOf(value).size() < 4 && regroups(merge)) {
    graph.visited.push_back(merge);
    value = graph.skip(merge->getOperand(0));
    if (shapeOf(value).size() == 4 && shapeOf(value)[2] * shapeOf(value)[3] != width)
      return false;
  }
  if (shapeOf(value).size() != 4)
    return false;
  // The axes of batch, head, row and column of the product.
  SmallVector<int64_t> order{0, 2, 1, 3};
  Scaled outer = graph.scaled(value);
  Value inner = outer.value;
  double factor = outer.factor;
  for (int steps = 0; steps < kMaxChain; ++steps) {
    auto transpose = graph.as<onnx::TransposeOp>(inner);
    if (!transpose)
      break;
    for (int64_t &axis : order)
      axis = transpose.getPerm()[axis];
    Scaled scaled = graph.scaled(transpose.getData());
    inner = scaled.value;
    factor *= scaled.factor;
  }
  std::optional<HeadProduct> product = headProduct(graph, inner, order);
  if (!product || product->axesA != SmallVector<int64_t>{0, 1, 2, 3})
    return false;
  std::optional<Heads> heads =
      splitHeads(graph, product->b,
                 {product->axesB[0], product->axesB[1], product->axesB[3], product->axesB[2]}, why);
  if (!heads)
    return false;
  Scaled weights = graph.scaled(product->a);
  Value probabilities = weights.value;
  factor *= heads->factor * weights.factor;
  ArrayRef<int64_t> shape = shapeOf(probabilities);
  if (shape.size() != 4 || shape[0] != heads->batch || shape[1] != heads->heads ||
      shape[3] != heads->tokens)
    return false;
  match.pattern = "context";
  match.inputs = {probabilities, heads->value};
  match.emit = [heads = *heads, factor](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    if (!fits(emitter, inputs[1], heads))
      return nullptr;
    Value values = emitScaled(emitter, inputs[1], factor);
    if (!values)
      return emitter.fail("attention values scaled by " + floatText(static_cast<float>(factor)) +
                          " that are no product with a weight");
    Type type = emitter.floats({heads.batch, shapeOf(inputs[0])[2], heads.heads * heads.size});
    return ir::ContextOp::create(emitter.builder, emitter.loc, type, inputs[0], values,
                                 /*format=*/nullptr, /*absmax=*/nullptr, /*buffer=*/nullptr);
  };
  return true;
}
