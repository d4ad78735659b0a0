//===- Norm.cpp - recognises layer normalisation --------------------------===//
#include "Patterns.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
struct NormParts {
  Value input;
  Constant gamma, beta;
  float epsilon;
};
} // namespace

/// The x of ReduceMean(x) over the last axis, kept; null otherwise.
static Value meanOf(Graph &graph, Value value, std::string &why) {
  auto mean = graph.as<onnx::ReduceMeanOp>(graph.skip(value));
  if (!mean)
    return nullptr;
  int64_t rank = shapeOf(mean.getData()).size();
  std::optional<ArrayRef<int64_t>> axes = mean.getAxes();
  if (!axes || axes->size() != 1 || ((*axes)[0] != -1 && (*axes)[0] != rank - 1) ||
      !mean.getKeepdims()) {
    why = "layer normalisation over other axes than the last";
    return nullptr;
  }
  return graph.skip(mean.getData());
}

/// The x of x - mean(x); null otherwise.
static Value centred(Graph &graph, Value value, std::string &why) {
  auto sub = graph.as<onnx::SubOp>(graph.skip(value));
  if (!sub)
    return nullptr;
  Value x = graph.skip(sub.getA());
  return meanOf(graph, sub.getB(), why) == x ? x : Value();
}

/// True when `value` is (x - mean(x))^2.
static bool isSquare(Graph &graph, Value value, Value x, std::string &why) {
  value = graph.skip(value);
  if (auto pow = graph.as<onnx::PowOp>(value)) {
    std::optional<float> exponent = graph.scalar(pow.getB());
    if (exponent && *exponent != 2.0f && centred(graph, pow.getA(), why) == x)
      why = "variance with Pow exponent " + floatText(*exponent) + ", layer normalisation has 2";
    return exponent == 2.0f && centred(graph, pow.getA(), why) == x;
  }
  auto mul = graph.as<onnx::MulOp>(value);
  return mul && centred(graph, mul.getA(), why) == x && centred(graph, mul.getB(), why) == x;
}

/// The epsilon of sqrt(mean((x - mean(x))^2) + epsilon); nothing otherwise.
static std::optional<float> deviationEpsilon(Graph &graph, Value value, Value x, std::string &why) {
  auto sqrt = graph.as<onnx::SqrtOp>(graph.skip(value));
  if (!sqrt)
    return std::nullopt;
  auto isVariance = [&](Value v) {
    Value squares = meanOf(graph, v, why);
    return squares && isSquare(graph, squares, x, why);
  };
  Value inner = graph.skip(sqrt.getX());
  if (!inner.getDefiningOp<onnx::AddOp>()) {
    if (isVariance(inner))
      return 0.0f;
    return std::nullopt;
  }
  std::optional<float> epsilon;
  graph.either<onnx::AddOp>(inner, [&](Value variance, Value added) {
    std::optional<float> scalar = graph.scalar(added);
    if (!scalar || !isVariance(variance))
      return false;
    epsilon = scalar;
    return true;
  });
  return epsilon;
}

/// (x - mean(x)) / sqrt(variance + epsilon), the division also as a product with a reciprocal.
static bool normalised(Graph &graph, Value value, NormParts &parts, std::string &why) {
  value = graph.skip(value);
  auto accept = [&](Value top, Value bottom) {
    Value x = centred(graph, top, why);
    if (!x)
      return false;
    std::optional<float> epsilon = deviationEpsilon(graph, bottom, x, why);
    if (!epsilon)
      return false;
    parts.input = x;
    parts.epsilon = *epsilon;
    return true;
  };
  if (auto div = graph.as<onnx::DivOp>(value))
    return accept(div.getA(), div.getB());
  return graph.either<onnx::MulOp>(value, [&](Value top, Value factor) {
    factor = graph.skip(factor);
    if (auto reciprocal = graph.as<onnx::ReciprocalOp>(factor))
      return accept(top, reciprocal.getX());
    auto div = graph.as<onnx::DivOp>(factor);
    return div && graph.isScalar(div.getA(), 1.0f) && accept(top, div.getB());
  });
}

static std::optional<NormParts> decomposedParts(Graph &graph, Value value, std::string &why) {
  NormParts parts;
  bool found = graph.either<onnx::AddOp>(value, [&](Value vector, Value product) {
    std::optional<Constant> beta = graph.constant(vector);
    product = graph.skip(product);
    return beta && graph.either<onnx::MulOp>(product, [&](Value scale, Value inner) {
      std::optional<Constant> gamma = graph.constant(scale);
      if (!gamma || !normalised(graph, inner, parts, why))
        return false;
      parts.gamma = *gamma;
      parts.beta = *beta;
      return true;
    });
  });
  return found ? std::optional(parts) : std::nullopt;
}

static std::optional<NormParts> nativeParts(Graph &graph, onnx::LayerNormalizationOp op,
                                            std::string &why) {
  int64_t rank = shapeOf(op.getX()).size();
  int64_t axis = frontAxis(op.getAxis(), rank);
  if (axis != rank - 1) {
    why = "LayerNormalization from axis " + std::to_string(axis) + " of " + std::to_string(rank) +
          " on, only the last one is supported";
    return std::nullopt;
  }
  std::optional<Constant> gamma = graph.constant(op.getScale());
  std::optional<Constant> beta;
  if (!isa<NoneType>(op.getBias().getType()))
    beta = graph.constant(op.getBias());
  if (!gamma || !beta) {
    why = "LayerNormalization needs a constant scale and a constant bias";
    return std::nullopt;
  }
  return NormParts{op.getX(), *gamma, *beta, op.getEpsilon().convertToFloat()};
}

bool raise::matchLayerNorm(Graph &graph, Value value, Match &match, std::string &why) {
  std::optional<NormParts> parts;
  if (auto native = graph.as<onnx::LayerNormalizationOp>(value))
    parts = nativeParts(graph, native, why);
  else
    parts = decomposedParts(graph, value, why);
  if (!parts)
    return false;
  int64_t width = lastDim(value);
  for (const Constant *vector : {&parts->gamma, &parts->beta})
    if (vector->size() != width || vector->shape.back() != width) {
      why = "layer normalisation of " + std::to_string(width) + " features with a vector of " +
            shapeText(vector->shape);
      return false;
    }
  if (!(parts->epsilon >= 0)) {
    why = "layer normalisation with epsilon " + floatText(parts->epsilon);
    return false;
  }
  match.pattern = "layer norm";
  match.inputs = {graph.canon(parts->input)};
  match.emit = [parts = *parts, width](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    if (lastDim(inputs[0]) != width)
      return emitter.fail("its input has " + std::to_string(lastDim(inputs[0])) +
                          " features here, the normalisation " + std::to_string(width));
    Value gamma = emitter.tensor(parts.gamma, {width}, parts.gamma.name);
    Value beta = emitter.tensor(parts.beta, {width}, parts.beta.name);
    if (!gamma || !beta)
      return emitter.fail("the data of its scale or bias is missing");
    return ir::LayerNormOp::create(emitter.builder, emitter.loc, inputs[0].getType(), inputs[0],
                                   gamma, beta, llvm::APFloat(parts.epsilon),
                                   /*min_variance=*/nullptr, /*format=*/nullptr,
                                   /*absmax=*/nullptr, /*buffer=*/nullptr);
  };
  return true;
}
