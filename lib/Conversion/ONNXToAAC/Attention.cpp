//===- Attention.cpp - recognises scores, softmax, context and mask -------===//
//
// Heads are split by Reshape [batch, tokens, heads, size] and Transpose; the key's two
// transposes are often one. The scale stands anywhere between the projections and the mask, as
// Div or Mul: all factors are multiplied into one.
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
} // namespace

/// Proves that `value` is `perm` (against [batch, tokens, heads, size]) of a split projection.
static std::optional<Heads> splitHeads(Graph &graph, Value value, ArrayRef<int64_t> perm,
                                       std::string &why) {
  if (shapeOf(value).size() != 4)
    return std::nullopt;
  Heads result;
  SmallVector<int64_t> axes{0, 1, 2, 3}; // axis i of `value` is axes[i] of the current value
  for (;;) {
    Scaled inner = graph.scaled(value);
    result.factor *= inner.factor;
    value = inner.value;
    auto transpose = graph.as<onnx::TransposeOp>(value);
    if (!transpose)
      break;
    for (int64_t &axis : axes)
      axis = transpose.getPerm()[axis];
    value = transpose.getData();
  }
  ArrayRef<int64_t> shape = shapeOf(value);
  if (!regroups(value.getDefiningOp()) || shape.size() != 4)
    return std::nullopt;
  if (ArrayRef<int64_t>(axes) != perm) {
    why = "attention heads permuted by " + shapeText(axes) + ", expected " + shapeText(perm);
    return std::nullopt;
  }
  result.batch = shape[0];
  result.tokens = shape[1];
  result.heads = shape[2];
  result.size = shape[3];
  // Down through the reshapes to the projection, and scales in front of them.
  int64_t width = result.heads * result.size;
  Value projected;
  while (regroups(value.getDefiningOp())) {
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

bool raise::matchScores(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value) || shapeOf(value).size() != 4)
    return false;
  Scaled scaled = graph.scaled(value);
  auto matmul = graph.as<onnx::MatMulOp>(scaled.value);
  if (!matmul)
    return false;
  std::optional<Heads> query = splitHeads(graph, matmul.getA(), {0, 2, 1, 3}, why);
  if (!query)
    return false;
  std::optional<Heads> key = splitHeads(graph, matmul.getB(), {0, 2, 3, 1}, why);
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

/// `mask` without an Expand over queries or heads, whose broadcast the softmax repeats.
static Value unexpanded(Graph &graph, Value mask) {
  mask = graph.skip(mask);
  if (auto expand = mask.getDefiningOp<onnx::ExpandOp>();
      expand && shapeOf(expand.getInput()).size() == 4) {
    graph.visited.push_back(expand);
    return graph.skip(expand.getInput());
  }
  return mask;
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
  match.pattern = "softmax";
  match.inputs = {input};
  // scores + mask, the mask being the operand that is broadcast (or would be without Expand).
  if (shape.size() == 4)
    graph.either<onnx::AddOp>(input, [&](Value scores, Value mask) {
      scores = graph.skip(scores);
      Match inner;
      std::string ignored;
      size_t mark = graph.visited.size();
      bool isScores = matchScores(graph, scores, inner, ignored);
      graph.visited.resize(mark);
      if (!isScores || shapeOf(scores) != shape)
        return false;
      mask = unexpanded(graph, mask);
      Match maskMatch;
      std::string maskWhy;
      mark = graph.visited.size();
      bool isMask = matchMask(graph, mask, maskMatch, maskWhy);
      graph.visited.resize(mark);
      if (!isMask && !isMaskShape(shapeOf(mask), shape)) {
        why = "attention mask of shape " + shapeText(shapeOf(mask)) + " for scores " +
              shapeText(shape) + ", expected [batch or 1, 1, 1, keys]" +
              (maskWhy.empty() ? "" : "; " + maskWhy);
        return false;
      }
      match.inputs = {scores, mask};
      return true;
    });
  if (!why.empty())
    return false;
  match.emit = [](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    Value mask = inputs.size() > 1 ? inputs[1] : Value();
    if (mask && !isMaskShape(shapeOf(mask), shapeOf(inputs[0])))
      return emitter.fail("attention mask of shape " + shapeText(shapeOf(mask)) + " for scores " +
                          shapeText(shapeOf(inputs[0])));
    return ir::SoftmaxOp::create(emitter.builder, emitter.loc, inputs[0].getType(), inputs[0], mask,
                                 /*format=*/nullptr, /*absmax=*/nullptr,
                                 /*buffer=*/nullptr);
  };
  return true;
}

bool raise::matchContext(Graph &graph, Value value, Match &match, std::string &why) {
  auto transpose = graph.as<onnx::TransposeOp>(value);
  if (!transpose || !isFloat(value) || transpose.getPerm() != ArrayRef<int64_t>{0, 2, 1, 3})
    return false;
  auto matmul = graph.as<onnx::MatMulOp>(graph.skip(transpose.getData()));
  if (!matmul)
    return false;
  std::optional<Heads> heads = splitHeads(graph, matmul.getB(), {0, 2, 1, 3}, why);
  if (!heads)
    return false;
  if (heads->factor != 1.0) {
    why = "attention values scaled by " + floatText(static_cast<float>(heads->factor));
    return false;
  }
  Value probabilities = graph.skip(matmul.getA());
  ArrayRef<int64_t> shape = shapeOf(probabilities);
  if (shape.size() != 4 || shape[0] != heads->batch || shape[1] != heads->heads ||
      shape[3] != heads->tokens)
    return false;
  match.pattern = "context";
  match.inputs = {probabilities, heads->value};
  match.emit = [heads = *heads](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    if (!fits(emitter, inputs[1], heads))
      return nullptr;
    emitter.ffnSeen = false;
    Type type = emitter.floats({heads.batch, shapeOf(inputs[0])[2], heads.heads * heads.size});
    return ir::ContextOp::create(emitter.builder, emitter.loc, type, inputs[0], inputs[1],
                                 /*format=*/nullptr, /*absmax=*/nullptr, /*buffer=*/nullptr);
  };
  return true;
}

/// The {0,1} input behind 1 - m (sign 1) or m - 1 (sign -1), null otherwise. Casts keep a
/// {0,1} value; an Expand over queries is the softmax's broadcast.
static Value invertedMask(Graph &graph, Value value, float &sign) {
  auto through = [&](Value v) {
    for (;;) {
      v = graph.base(v);
      Operation *op = v.getDefiningOp();
      bool expands = isa_and_nonnull<onnx::ExpandOp>(op) && shapeOf(v).size() == 4 &&
                     lastDim(v) == lastDim(op->getOperand(0));
      if (!isa_and_nonnull<onnx::CastOp>(op) && !expands)
        return v;
      graph.visited.push_back(op);
      v = op->getOperand(0);
    }
  };
  auto sub = graph.as<onnx::SubOp>(through(value));
  if (!sub)
    return nullptr;
  if (graph.isScalar(sub.getA(), 1.0f)) {
    sign = 1.0f;
    return through(sub.getB());
  }
  if (graph.isScalar(sub.getB(), 1.0f)) {
    sign = -1.0f;
    return through(sub.getA());
  }
  return nullptr;
}

bool raise::matchMask(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value))
    return false;
  Value inverted = graph.base(value), mask;
  std::optional<float> constant;
  float sign = 1.0f;
  if (auto where = graph.as<onnx::WhereOp>(inverted)) {
    // 1 - m is 0 where the token counts: Where(1 - m, C, 1 - m) = (1 - m) * C.
    float signB = 1.0f;
    constant = graph.scalar(where.getA());
    mask = invertedMask(graph, where.getCondition(), sign);
    Value same = invertedMask(graph, where.getB(), signB);
    bool zero = graph.isScalar(where.getB(), 0.0f);
    if (!constant || !mask || (!zero && (same != mask || signB != sign)))
      return false;
    sign = 1.0f; // the condition asks only whether it is zero
  } else if (!graph.either<onnx::MulOp>(inverted, [&](Value a, Value c) {
               constant = graph.scalar(c);
               mask = constant ? invertedMask(graph, a, sign) : Value();
               return mask != nullptr;
             })) {
    return false;
  }
  ArrayRef<int64_t> in = shapeOf(mask), out = shapeOf(value);
  auto type = cast<RankedTensorType>(mask.getType());
  if (!isa<BlockArgument>(mask) ||
      !(type.getElementType().isInteger(32) || type.getElementType().isInteger(64))) {
    why = "attention mask that is not made of an i32 or i64 input";
    return false;
  }
  if (in.size() != 2 || out.size() != 4 || out[0] != in[0] || out[1] != 1 || out[3] != in[1]) {
    why = "attention mask of shape " + shapeText(out) + " made of " + shapeText(in) +
          ", expected [batch, 1, 1, tokens] of [batch, tokens]";
    return false;
  }
  match.pattern = "mask";
  match.inputs = {mask};
  float factor = *constant * sign;
  match.emit = [factor](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    ArrayRef<int64_t> shape = shapeOf(inputs[0]);
    return ir::MaskOp::create(emitter.builder, emitter.loc,
                              emitter.floats({shape[0], 1, 1, shape[1]}), inputs[0],
                              llvm::APFloat(factor), /*format=*/nullptr, /*absmax=*/nullptr,
                              /*buffer=*/nullptr);
  };
  return true;
}
