//===- Norm.cpp - recognises layer normalisation --------------------------===//
//
// One node, or written out as a product (or quotient) in any order of
//   the centred value x - mean(x),
//   1 / sqrt(variance + epsilon), as a division, a reciprocal or a power,
//   the scale, which may be missing,
// plus the shift, which may be missing; also multiplied out as x r + (shift - mean(x) r), where
// r is the product of the last two. Means are over the last axis: ReduceMean, or ReduceSum
// divided by the width. What is missing becomes ones or zeros.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
struct NormParts {
  Value input;
  std::optional<Constant> gamma, beta;
  float epsilon = 0;
};

/// Factors over divisors.
struct Ratio {
  SmallVector<Value> factors, divisors;
  int nodes = 0; ///< that were taken apart
};
/// More factors, and nodes between them, than a normalisation has.
constexpr size_t kMaxFactors = 6;
constexpr int kMaxNodes = 16;
} // namespace

/// The reduction over the last axis that `value` is, one value a row; null otherwise.
template <typename Reduce> static Reduce overLastAxis(Graph &graph, Value value, std::string &why) {
  value = graph.skip(value);
  bool kept = false;
  if (regroups(value.getDefiningOp()) && lastDim(value) == 1) { // keepdims = 0, then Unsqueeze
    auto inner = graph.skip(value.getDefiningOp()->getOperand(0)).template getDefiningOp<Reduce>();
    kept =
        inner && !inner.getKeepdims() && shapeOf(value).drop_back() == shapeOf(inner.getResult());
    if (!kept)
      return nullptr;
    graph.visited.push_back(value.getDefiningOp());
    value = inner.getResult();
  }
  auto reduction = graph.as<Reduce>(value);
  if (!reduction)
    return nullptr;
  int64_t rank = shapeOf(reduction.getData()).size();
  std::optional<ArrayRef<int64_t>> axes = reduction.getAxes();
  kept |= reduction.getKeepdims() != 0;
  if (!axes || axes->size() != 1 || ((*axes)[0] != -1 && (*axes)[0] != rank - 1) || !kept) {
    why = "layer normalisation over other axes than the last";
    return nullptr;
  }
  return reduction;
}

/// The x of the mean of x over the last axis; null otherwise.
static Value meanOf(Graph &graph, Value value, std::string &why) {
  if (auto mean = overLastAxis<onnx::ReduceMeanOp>(graph, value, why))
    return graph.skip(mean.getData());
  Scaled scaled = graph.scaled(value);
  if (scaled.factor == 1.0)
    return nullptr;
  auto sum = overLastAxis<onnx::ReduceSumOp>(graph, scaled.value, why);
  if (!sum)
    return nullptr;
  auto width = static_cast<double>(lastDim(sum.getData()));
  if (scaled.factor == 1 / width ||
      static_cast<float>(scaled.factor) == 1.0f / lastDim(sum.getData()) ||
      graph.isNarrowed(static_cast<float>(scaled.factor), 1 / width))
    return graph.skip(sum.getData());
  why = "mean of " + std::to_string(lastDim(sum.getData())) + " features with factor " +
        floatText(static_cast<float>(scaled.factor));
  return nullptr;
}

/// The x of x - mean(x); null otherwise.
static Value centred(Graph &graph, Value value, std::string &why) {
  auto sub = graph.as<onnx::SubOp>(graph.skip(value));
  if (!sub)
    return nullptr;
  Value x = graph.skip(sub.getA());
  return meanOf(graph, sub.getB(), why) == x ? x : Value();
}

/// True when `value` is x - mean(x) or mean(x) - x.
static bool isDistance(Graph &graph, Value value, Value x, std::string &why) {
  if (centred(graph, value, why) == x)
    return true;
  auto sub = graph.as<onnx::SubOp>(graph.skip(value));
  return sub && graph.skip(sub.getB()) == x && meanOf(graph, sub.getA(), why) == x;
}

/// True when `value` is (x - mean(x))^2.
static bool isSquare(Graph &graph, Value value, Value x, std::string &why) {
  value = graph.skip(value);
  if (auto pow = graph.as<onnx::PowOp>(value)) {
    std::optional<float> exponent = graph.scalar(pow.getB());
    if (!exponent || !isDistance(graph, pow.getA(), x, why))
      return false;
    if (*exponent != 2.0f)
      why = "variance with Pow exponent " + floatText(*exponent) + ", layer normalisation has 2";
    return *exponent == 2.0f;
  }
  auto mul = graph.as<onnx::MulOp>(value);
  return mul && isDistance(graph, mul.getA(), x, why) && isDistance(graph, mul.getB(), x, why);
}

/// The epsilon of mean((x - mean(x))^2) + epsilon; nothing otherwise.
static std::optional<float> varianceEpsilon(Graph &graph, Value value, Value x, std::string &why) {
  auto isVariance = [&](Value v) {
    Value squares = meanOf(graph, v, why);
    return squares && isSquare(graph, squares, x, why);
  };
  value = graph.skip(value);
  if (!value.getDefiningOp<onnx::AddOp>()) {
    if (isVariance(value))
      return 0.0f;
    return std::nullopt;
  }
  std::optional<float> epsilon;
  graph.either<onnx::AddOp>(value, [&](Value variance, Value added) {
    std::optional<float> scalar = graph.scalar(added);
    if (!scalar || !isVariance(variance))
      return false;
    epsilon = scalar;
    return true;
  });
  return epsilon;
}

/// The epsilon of (variance + epsilon)^power, as Sqrt or Pow; nothing otherwise.
static std::optional<float> deviationEpsilon(Graph &graph, Value value, Value x, float power,
                                             std::string &why) {
  value = graph.skip(value);
  if (auto pow = graph.as<onnx::PowOp>(value)) {
    if (graph.isScalar(pow.getB(), power))
      return varianceEpsilon(graph, pow.getA(), x, why);
    return std::nullopt;
  }
  if (power != 0.5f)
    return std::nullopt;
  if (auto sqrt = graph.as<onnx::SqrtOp>(value))
    return varianceEpsilon(graph, sqrt.getX(), x, why);
  graph.either<onnx::AddOp>(value, [&](Value deviation, Value added) {
    auto sqrt = graph.as<onnx::SqrtOp>(graph.skip(deviation));
    std::string ignored;
    std::optional<float> scalar = graph.scalar(added);
    if (sqrt && scalar && varianceEpsilon(graph, sqrt.getX(), x, ignored))
      why = "normalisation that adds " + floatText(*scalar) +
            " to the deviation, layer normalisation adds it to the variance";
    return false;
  });
  return std::nullopt;
}

/// Takes products, quotients and reciprocals apart.
static bool takeApart(Graph &graph, Value value, bool divides, Ratio &ratio) {
  if (ratio.factors.size() + ratio.divisors.size() >= kMaxFactors || ++ratio.nodes > kMaxNodes)
    return false;
  value = graph.skip(value);
  if (auto mul = value.getDefiningOp<onnx::MulOp>()) {
    graph.visited.push_back(mul);
    return takeApart(graph, mul.getA(), divides, ratio) &&
           takeApart(graph, mul.getB(), divides, ratio);
  }
  if (auto div = value.getDefiningOp<onnx::DivOp>()) {
    graph.visited.push_back(div);
    return takeApart(graph, div.getA(), divides, ratio) &&
           takeApart(graph, div.getB(), !divides, ratio);
  }
  if (auto reciprocal = value.getDefiningOp<onnx::ReciprocalOp>()) {
    graph.visited.push_back(reciprocal);
    return takeApart(graph, reciprocal.getX(), !divides, ratio);
  }
  if (!graph.isScalar(value, 1.0f))
    (divides ? ratio.divisors : ratio.factors).push_back(value);
  return true;
}

/// Proves that `ratio` (without the centred value) is gamma / sqrt(variance of x + epsilon).
static bool isScaledReciprocal(Graph &graph, const Ratio &ratio, Value x, NormParts &parts,
                               std::string &why) {
  std::optional<float> epsilon;
  parts.gamma.reset();
  for (Value factor : ratio.factors) {
    std::optional<float> found;
    if (!epsilon)
      found = deviationEpsilon(graph, factor, x, -0.5f, why);
    if (found) {
      epsilon = found;
      continue;
    }
    if (parts.gamma)
      return false;
    parts.gamma = graph.constant(factor);
    if (!parts.gamma)
      return false;
  }
  for (Value divisor : ratio.divisors) {
    if (epsilon)
      return false;
    epsilon = deviationEpsilon(graph, divisor, x, 0.5f, why);
    if (!epsilon)
      return false;
  }
  parts.input = x;
  parts.epsilon = epsilon.value_or(0);
  return epsilon.has_value();
}

/// (x - mean(x)) / sqrt(variance + epsilon) * gamma, in any order.
static bool normalised(Graph &graph, Value value, NormParts &parts, std::string &why) {
  Ratio ratio;
  if (!takeApart(graph, value, /*divides=*/false, ratio))
    return false;
  size_t mark = graph.visited.size();
  for (size_t i = 0; i < ratio.factors.size(); ++i) {
    graph.visited.resize(mark);
    Value x = centred(graph, ratio.factors[i], why);
    if (!x)
      continue;
    Ratio rest = ratio;
    rest.factors.erase(rest.factors.begin() + i);
    if (isScaledReciprocal(graph, rest, x, parts, why))
      return true;
  }
  return false;
}

/// x r + (beta - mean(x) r) where r = gamma / sqrt(variance + epsilon); without beta x r - mean(x)
/// r.
static bool multipliedOut(Graph &graph, Value xr, Value shift, bool subtracts, NormParts &parts,
                          std::string &why) {
  xr = graph.skip(xr);
  shift = graph.skip(shift);
  if (!subtracts) {
    auto sub = graph.as<onnx::SubOp>(shift);
    if (!sub)
      return false;
    parts.beta = graph.constant(sub.getA());
    if (!parts.beta)
      return false;
    shift = graph.skip(sub.getB());
  }
  return graph.either<onnx::MulOp>(xr, [&](Value x, Value r) {
    x = graph.skip(x);
    r = graph.skip(r);
    return graph.either<onnx::MulOp>(shift, [&](Value mean, Value sameR) {
      std::string ignored;
      Ratio ratio;
      return graph.skip(sameR) == r && meanOf(graph, mean, ignored) == x &&
             takeApart(graph, r, /*divides=*/false, ratio) &&
             isScaledReciprocal(graph, ratio, x, parts, why);
    });
  });
}

static std::optional<NormParts> decomposedParts(Graph &graph, Value value, std::string &why) {
  NormParts parts;
  auto fresh = [&] { parts = NormParts(); };
  if (value.getDefiningOp<onnx::MulOp>() || value.getDefiningOp<onnx::DivOp>()) {
    if (normalised(graph, value, parts, why))
      return parts;
    return std::nullopt;
  }
  if (auto sub = graph.as<onnx::SubOp>(value)) {
    if (multipliedOut(graph, sub.getA(), sub.getB(), /*subtracts=*/true, parts, why))
      return parts;
    return std::nullopt;
  }
  bool found = graph.either<onnx::AddOp>(value, [&](Value first, Value second) {
    fresh();
    if (std::optional<Constant> beta = graph.constant(first)) {
      if (!normalised(graph, second, parts, why))
        return false;
      parts.beta = beta;
      return true;
    }
    return multipliedOut(graph, first, second, /*subtracts=*/false, parts, why);
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
  NormParts parts{op.getX(), graph.constant(op.getScale()), std::nullopt,
                  op.getEpsilon().convertToFloat()};
  bool shifts = !isa<NoneType>(op.getBias().getType());
  if (shifts)
    parts.beta = graph.constant(op.getBias());
  if (!parts.gamma || (shifts && !parts.beta)) {
    why = "LayerNormalization whose scale or bias is not constant";
    return std::nullopt;
  }
  return parts;
}

/// A vector of one value, for what a normalisation leaves out.
static Constant filled(OpBuilder &builder, float value, int64_t width) {
  auto type = RankedTensorType::get({width}, builder.getF32Type());
  return {DenseElementsAttr::get(type, value), {width}, false, "", nullptr};
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
  for (const std::optional<Constant> *vector : {&parts->gamma, &parts->beta})
    if (*vector && ((*vector)->size() != width || (*vector)->shape.empty() ||
                    (*vector)->shape.back() != width)) {
      why = "layer normalisation of " + std::to_string(width) + " features with a vector of " +
            shapeText((*vector)->shape);
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
    auto vector = [&](const std::optional<Constant> &given, float otherwise) {
      Constant constant = given ? *given : filled(emitter.builder, otherwise, width);
      return emitter.tensor(constant, {width}, constant.name);
    };
    Value gamma = vector(parts.gamma, 1.0f), beta = vector(parts.beta, 0.0f);
    if (!gamma || !beta)
      return emitter.fail("the data of its scale or bias is missing");
    return ir::LayerNormOp::create(emitter.builder, emitter.loc, inputs[0].getType(), inputs[0],
                                   gamma, beta, llvm::APFloat(parts.epsilon),
                                   /*min_variance=*/nullptr, /*format=*/nullptr,
                                   /*absmax=*/nullptr, /*buffer=*/nullptr);
  };
  return true;
}
