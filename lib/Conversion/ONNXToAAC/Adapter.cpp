//===- Adapter.cpp - recognises bottleneck adapters and plain additions ---===//
//
// x + scale * up(f(down(x))) is an adapter, but the feed-forward block of a layer without an
// adapter looks the same. A bottleneck smaller than the features is an adapter. With an equal or
// larger one it is the layer's feed-forward block if it is the first such block since the
// attention and does not start at a projection (an adapter stands behind the dense layer, a
// feed-forward block behind a normalisation).
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
struct AdapterParts {
  Value input;
  LinearParts down, up;
  ir::ActivationKind kind;
  float scale;
};
} // namespace

/// scale * up(f(down(x))) where x is canonically `input`; null input means any.
static std::optional<AdapterParts> bottleneck(Graph &graph, Value value, Value input) {
  std::string ignored;
  Scaled scaled = graph.scaled(graph.canon(value));
  std::optional<LinearParts> up = linearParts(graph, graph.canon(scaled.value), ignored);
  if (!up || !up->bias)
    return std::nullopt;
  std::optional<ActivationParts> act = activationParts(graph, up->input, ignored);
  if (!act)
    return std::nullopt;
  std::optional<LinearParts> down = linearParts(graph, act->input, ignored);
  if (!down || !down->bias || down->input != input || down->in != up->out)
    return std::nullopt;
  return AdapterParts{input, *down, *up, act->kind, static_cast<float>(scaled.factor)};
}

static Value emitAsAdapter(Emitter &emitter, const AdapterParts &parts, Value input) {
  auto [downName, downBiasName] = linearNames(parts.down);
  auto [upName, upBiasName] = linearNames(parts.up);
  Value down =
      emitter.matrix(parts.down.weight, parts.down.inOut, parts.down.out, parts.down.in, downName);
  Value downBias = emitter.tensor(*parts.down.bias, {parts.down.out}, downBiasName);
  Value up = emitter.matrix(parts.up.weight, parts.up.inOut, parts.up.out, parts.up.in, upName);
  Value upBias = emitter.tensor(*parts.up.bias, {parts.up.out}, upBiasName);
  if (!down || !downBias || !up || !upBias)
    return emitter.fail("the data of its weights is missing");
  return ir::AdapterOp::create(emitter.builder, emitter.loc, input.getType(), input, down, downBias,
                               up, upBias, parts.kind, llvm::APFloat(parts.scale),
                               /*format=*/nullptr, /*absmax=*/nullptr, /*buffer=*/nullptr);
}

bool raise::matchAdapter(Graph &graph, Value value, Match &match, std::string &why) {
  std::optional<AdapterParts> parts;
  graph.either<onnx::AddOp>(value, [&](Value residual, Value branch) {
    if (elementCount(residual) != elementCount(value) ||
        elementCount(branch) != elementCount(value))
      return false;
    parts = bottleneck(graph, branch, graph.canon(residual));
    return parts.has_value();
  });
  if (!parts)
    return false;
  match.pattern = "adapter";
  match.inputs = {parts->input};
  match.emit = [parts = *parts](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    Value x = inputs[0];
    if (lastDim(x) != parts.down.in)
      return emitter.fail("its input has " + std::to_string(lastDim(x)) +
                          " features here, the adapter takes " + std::to_string(parts.down.in));
    bool afterProjection = x.getDefiningOp<ir::LinearOp>() != nullptr;
    if (parts.down.out < parts.down.in || afterProjection || emitter.ffnSeen || parts.scale != 1.0f)
      return emitAsAdapter(emitter, parts, x);
    emitter.ffnSeen = true;
    Value inner = emitLinear(emitter, parts.down, x);
    if (!inner)
      return nullptr;
    inner = ir::ActivationFnOp::create(emitter.builder, emitter.loc, inner.getType(), parts.kind,
                                       inner, nullptr, nullptr, nullptr);
    Value outer = emitLinear(emitter, parts.up, inner);
    if (!outer)
      return nullptr;
    return ir::AddOp::create(emitter.builder, emitter.loc, x.getType(), outer, x, nullptr, nullptr,
                             nullptr);
  };
  return true;
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
    if (inputs[0].getType() != inputs[1].getType())
      return emitter.fail("adds " + shapeText(shapeOf(inputs[0])) + " and " +
                          shapeText(shapeOf(inputs[1])));
    return ir::AddOp::create(emitter.builder, emitter.loc, inputs[0].getType(), inputs[0],
                             inputs[1], /*format=*/nullptr, /*absmax=*/nullptr,
                             /*buffer=*/nullptr);
  };
  return true;
}
