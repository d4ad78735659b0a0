//===- Sum.cpp - recognises additions -------------------------------------===//
//
// Two values of one shape; and a vector in a sum: it is the bias of the product in that sum that
// has none yet, as in (x W + (x A) B) + bias.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

Value raise::emitAdd(Emitter &emitter, Value lhs, Value rhs) {
  if (lhs.getType() != rhs.getType())
    return emitter.fail("adds " + shapeText(shapeOf(lhs)) + " and " + shapeText(shapeOf(rhs)));
  return ir::AddOp::create(emitter.builder, emitter.loc, lhs.getType(), lhs, rhs,
                           /*format=*/nullptr, /*absmax=*/nullptr, /*buffer=*/nullptr);
}

bool raise::matchAdd(Graph &graph, Value value, Match &match, std::string &why) {
  auto add = graph.as<onnx::AddOp>(value);
  if (!add || !isFloat(value))
    return false;
  for (Value operand : {add.getA(), add.getB()}) {
    if (std::optional<Constant> constant = graph.constant(operand)) {
      why = "constant " + shapeText(constant->shape) +
            " added to a value that is not a product with a weight";
      return false;
    }
    if (elementCount(operand) != elementCount(value)) {
      why = "addition that broadcasts " + shapeText(shapeOf(operand)) + " to " +
            shapeText(shapeOf(value));
      return false;
    }
  }
  match.pattern = "add";
  match.inputs = {graph.canon(add.getA()), graph.canon(add.getB())};
  match.emit = [](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    return emitAdd(emitter, inputs[0], inputs[1]);
  };
  return true;
}

/// Addends looked at to find the product that a vector is the bias of.
constexpr size_t kMaxAddends = 8;

/// False for a vector added to anything else than a product or a sum: the end of a layer norm.
static bool isSum(Graph &graph, onnx::AddOp add) {
  size_t mark = graph.visited.size();
  bool sums = true;
  for (auto [vector, other] :
       {std::pair(add.getA(), add.getB()), std::pair(add.getB(), add.getA())})
    if (graph.constant(vector)) {
      std::string ignored;
      Value inner = graph.canon(other);
      sums &= inner.getDefiningOp<onnx::AddOp>() || linearParts(graph, inner, ignored);
    }
  graph.visited.resize(mark);
  return sums;
}

/// How deep sums with a bias may lie in one another: each looks at all its addends again.
constexpr int kMaxNesting = 2;

static bool biasedSum(Graph &graph, Value value, Match &match, int nesting) {
  if (nesting > kMaxNesting || !isFloat(value) || !value.getDefiningOp<onnx::AddOp>())
    return false;
  std::optional<Constant> bias;
  SmallVector<Value> addends, stack{value};
  while (!stack.empty()) {
    Value v = graph.canon(stack.pop_back_val());
    auto add = v.getDefiningOp<onnx::AddOp>();
    std::string ignored;
    size_t mark = graph.visited.size();
    Match own;
    bool isAddend = !add || elementCount(add) != elementCount(value) ||
                    linearParts(graph, v, ignored) ||
                    (v != value && (!isSum(graph, add) || biasedSum(graph, v, own, nesting + 1)));
    if (isAddend) {
      graph.visited.resize(mark);
      addends.push_back(v);
    } else {
      graph.visited.push_back(add);
      for (Value operand : {add.getB(), add.getA()}) {
        std::optional<Constant> constant = graph.constant(operand);
        if (constant && (bias || !isVector(*constant, lastDim(value))))
          return false;
        if (constant)
          bias = constant;
        else
          stack.push_back(operand);
      }
    }
    if (addends.size() + stack.size() > kMaxAddends)
      return false;
  }
  if (!bias || addends.size() < 2)
    return false;
  // The first product of a value that is no product itself, as in x W + (x A) B + bias.
  std::optional<LinearParts> parts;
  for (bool anyInput : {false, true})
    for (size_t i = 0; i < addends.size() && !parts; ++i) {
      std::string ignored;
      size_t mark = graph.visited.size();
      std::optional<LinearParts> found = linearParts(graph, addends[i], ignored);
      size_t own = graph.visited.size();
      if (found && !found->bias && found->scale == 1.0f &&
          (anyInput || !linearParts(graph, found->input, ignored))) {
        graph.visited.resize(own);
        parts = found;
        addends.erase(addends.begin() + i);
      } else {
        graph.visited.resize(mark);
      }
    }
  if (!parts)
    return false;
  parts->bias = bias;
  match.pattern = "sum with a bias";
  match.inputs = {parts->input};
  match.inputs.append(addends);
  match.emit = [parts = *parts](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    Value sum = emitLinear(emitter, parts, inputs[0]);
    for (Value addend : inputs.drop_front()) {
      if (!sum)
        return nullptr;
      sum = emitAdd(emitter, sum, addend);
    }
    return sum;
  };
  return true;
}

bool raise::matchBiasedSum(Graph &graph, Value value, Match &match, std::string &) {
  return biasedSum(graph, value, match, /*nesting=*/0);
}
