//===- Activation.cpp - recognises element-wise functions -----------------===//
//
// One-node functions, and those written out with one bend (Tanh, Erf or Sigmoid) t of a
// polynomial u of x:
//   gelu_tanh  0.5 x + 0.5 x tanh(u), u = sqrt(2/pi) x + sqrt(2/pi) 0.044715 x^3;
//              also x sigmoid(2 u)
//   gelu_erf   0.5 x + 0.5 x erf(x / sqrt 2)
//   silu       x sigmoid(x)
// Both the argument of the bend and the whole are multiplied out, so that association, order
// and factoring do not matter. A coefficient must be the function's within the rounding of the
// constants that it is a product of: each may be its f32 value or a neighbour of that, or its value
// in f16 or bf16 where that is what the file's floats are. What is nearby otherwise is a near-miss.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"

#include "llvm/ADT/SetVector.h"
#include <array>
#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
constexpr double kCubic = 0.044715;
constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kInverseSqrt2 = 0.70710678118654752440;
constexpr double kQuick = 1.702;

/// Nodes of one polynomial, and values that may be its variable: more than any exporter writes.
constexpr unsigned kMaxNodes = 20;
constexpr unsigned kMaxCandidates = 12;

/// A coefficient, with how many constants that f32 cannot hold exactly are its factors.
struct Coefficient {
  double value = 0;
  int rounded = 0;

  /// Equal to `expected` if each of those constants is at most one f32 away from its own.
  bool is(double expected) const {
    return std::fabs(value - expected) <= std::fabs(expected) * rounded * 1.5 / (1 << 23);
  }
};

/// Sum of coefficient[i][j] x^i t^j.
struct Polynomial {
  static constexpr int kDegree = 4; // of x, exclusive
  std::array<std::array<Coefficient, 2>, kDegree> at;

  static Polynomial monomial(int i, int j, Coefficient c) {
    Polynomial p;
    p.at[i][j] = c;
    return p;
  }
  const Coefficient &operator()(int i, int j = 0) const { return at[i][j]; }
  /// True when no other term than those of x^1 and x^`i` (with the powers of t there) is there.
  bool hasOnly(std::initializer_list<std::pair<int, int>> terms) const {
    for (int i = 0; i < kDegree; ++i)
      for (int j = 0; j < 2; ++j)
        if (at[i][j].value != 0 && !llvm::is_contained(terms, std::pair(i, j)))
          return false;
    return true;
  }
};
} // namespace

static Polynomial sum(const Polynomial &a, const Polynomial &b, double sign) {
  Polynomial result;
  for (int i = 0; i < Polynomial::kDegree; ++i)
    for (int j = 0; j < 2; ++j)
      result.at[i][j] = {a(i, j).value + sign * b(i, j).value,
                         std::max(a(i, j).rounded, b(i, j).rounded)};
  return result;
}

static std::optional<Polynomial> product(const Polynomial &a, const Polynomial &b) {
  Polynomial result;
  for (int i = 0; i < Polynomial::kDegree; ++i)
    for (int j = 0; j < 2; ++j) {
      if (a(i, j).value == 0)
        continue;
      for (int k = 0; k < Polynomial::kDegree; ++k)
        for (int l = 0; l < 2; ++l) {
          if (b(k, l).value == 0)
            continue;
          if (i + k >= Polynomial::kDegree || j + l >= 2)
            return std::nullopt;
          Coefficient &c = result.at[i + k][j + l];
          c.value += a(i, j).value * b(k, l).value;
          c.rounded = std::max(c.rounded, a(i, j).rounded + b(k, l).rounded);
        }
    }
  return result;
}

/// The constants that written-out functions are made of.
constexpr double kConstants[] = {kCubic,
                                 kSqrt2OverPi,
                                 2 * kSqrt2OverPi,
                                 kSqrt2OverPi *kCubic,
                                 2 * kSqrt2OverPi *kCubic,
                                 kInverseSqrt2,
                                 2 * kInverseSqrt2,
                                 kQuick};

/// Powers of two and small integers are what they are; other constants were rounded. In a file of
/// narrower floats one of kConstants rounded to those stands for itself.
static Coefficient constant(const Graph &graph, float value) {
  for (double exact : kConstants)
    if (graph.isNarrowed(std::fabs(value), exact))
      return {std::copysign(exact, value), 1};
  int exponent;
  bool exact = std::fabs(std::frexp(value, &exponent)) == 0.5 ||
               (std::fabs(value) < 1024 && value == std::rint(value));
  return {value, exact ? 0 : 1};
}

/// `value` multiplied out in x and t (may be null); nothing if it has other variables.
static std::optional<Polynomial> multipliedOut(Graph &graph, Value value, Value x, Value t,
                                               unsigned &budget) {
  Value v = graph.skip(value);
  if (v == x)
    return Polynomial::monomial(1, 0, {1.0, 0});
  if (v == t)
    return Polynomial::monomial(0, 1, {1.0, 0});
  if (std::optional<float> scalar = graph.scalar(v))
    return Polynomial::monomial(0, 0, constant(graph, *scalar));
  Operation *op = v.getDefiningOp();
  if (!isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::SubOp, onnx::NegOp,
                       onnx::PowOp>(op) ||
      budget == 0)
    return std::nullopt;
  --budget;
  graph.visited.push_back(op);
  std::optional<Polynomial> a = multipliedOut(graph, op->getOperand(0), x, t, budget);
  if (!a)
    return std::nullopt;
  if (isa<onnx::NegOp>(op))
    return sum(Polynomial(), *a, -1);
  if (isa<onnx::PowOp>(op)) {
    std::optional<float> exponent = graph.scalar(op->getOperand(1));
    if (!exponent || (*exponent != 2.0f && *exponent != 3.0f))
      return std::nullopt;
    std::optional<Polynomial> power = product(*a, *a);
    return power && *exponent == 3.0f ? product(*power, *a) : power;
  }
  std::optional<Polynomial> b = multipliedOut(graph, op->getOperand(1), x, t, budget);
  if (!b)
    return std::nullopt;
  if (isa<onnx::AddOp, onnx::SubOp>(op))
    return sum(*a, *b, isa<onnx::AddOp>(op) ? 1 : -1);
  if (isa<onnx::DivOp>(op)) {
    if (!b->hasOnly({{0, 0}}) || (*b)(0).value == 0)
      return std::nullopt;
    b->at[0][0].value = 1 / (*b)(0).value;
  }
  return product(*a, *b);
}

/// Values that arithmetic makes `value` of, itself first, nearest first.
static SmallVector<Value> arithmeticBehind(Graph &graph, Value value) {
  llvm::SmallSetVector<Value, kMaxCandidates> found;
  size_t mark = graph.visited.size();
  found.insert(graph.skip(value));
  for (size_t next = 0; next < found.size() && found.size() < kMaxCandidates; ++next)
    if (Operation *op = found[next].getDefiningOp();
        isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::SubOp, onnx::NegOp,
                        onnx::PowOp>(op))
      for (Value operand : op->getOperands())
        if (!graph.scalar(operand))
          found.insert(graph.skip(operand));
  graph.visited.resize(mark);
  return found.takeVector();
}

/// The function that `whole` is, a polynomial in x and the bend of `argument`; nothing, with a
/// reason if it is near one.
static std::optional<ir::ActivationKind> functionOf(Operation *bend, const Polynomial &argument,
                                                    const Polynomial &whole, std::string &why) {
  if (!argument.hasOnly({{1, 0}, {3, 0}}) || !whole.hasOnly({{1, 0}, {1, 1}}) ||
      whole(1, 1).value == 0)
    return std::nullopt;
  auto text = [](double value) { return floatText(static_cast<float>(value)); };
  const Coefficient &first = argument(1), &third = argument(3);
  bool cubic = third.value != 0;
  if (isa<onnx::SigmoidOp>(bend)) {
    if (whole(1, 0).value != 0)
      return std::nullopt;
    if (!whole(1, 1).is(1)) {
      why = "x sigmoid(..) with outer factor " + text(whole(1, 1).value) + ", expected 1";
      return std::nullopt;
    }
    if (!cubic && first.is(1))
      return ir::ActivationKind::Silu;
    if (cubic && first.is(2 * kSqrt2OverPi) && third.is(2 * kSqrt2OverPi * kCubic))
      return ir::ActivationKind::GeluTanh;
    if (cubic)
      why = "x sigmoid(" + text(first.value) + " x + " + text(third.value) + " x^3) is no gelu";
    else if (Coefficient{first.value, 1}.is(kQuick))
      why = "quick_gelu, x sigmoid(1.702 x), is not supported";
    else
      why = "x sigmoid(" + text(first.value) + " x), silu has the factor 1";
    return std::nullopt;
  }
  // 0.5 x + 0.5 x t
  if (whole(1, 0).value == 0)
    return std::nullopt;
  double added = whole(1, 0).value / whole(1, 1).value;
  if (!Coefficient{added, whole(1, 0).rounded + whole(1, 1).rounded}.is(1)) {
    why = "gelu that adds " + text(added) + ", expected 1";
    return std::nullopt;
  }
  if (!whole(1, 1).is(0.5)) {
    why = "gelu with outer factor " + text(whole(1, 1).value) + ", expected 0.5";
    return std::nullopt;
  }
  if (isa<onnx::ErfOp>(bend)) {
    if (!cubic && first.is(kInverseSqrt2))
      return ir::ActivationKind::GeluErf;
    why = cubic ? "gelu whose erf is of a cubic"
                : "gelu whose erf is of x times " + text(first.value) + ", expected " +
                      text(kInverseSqrt2);
    return std::nullopt;
  }
  if (!cubic) {
    if (first.is(0.5)) // sigmoid(x) = (1 + tanh(x / 2)) / 2
      return ir::ActivationKind::Silu;
    why = "0.5 x (1 + tanh(" + text(first.value) + " x)) is neither silu nor gelu";
    return std::nullopt;
  }
  if (!first.is(kSqrt2OverPi))
    why = "gelu with factor " + text(first.value) + ", expected " + text(kSqrt2OverPi);
  else if (!third.is(kSqrt2OverPi * kCubic))
    why = "gelu with cubic coefficient " + text(third.value / first.value) + ", gelu_tanh has " +
          text(kCubic);
  else
    return ir::ActivationKind::GeluTanh;
  return std::nullopt;
}

static std::optional<ActivationParts> writtenOut(Graph &graph, Value value, std::string &why) {
  size_t mark = graph.visited.size();
  for (Value t : arithmeticBehind(graph, value)) {
    Operation *bend = t.getDefiningOp();
    if (!isa_and_nonnull<onnx::TanhOp, onnx::ErfOp, onnx::SigmoidOp>(bend))
      continue;
    for (Value x : arithmeticBehind(graph, bend->getOperand(0))) {
      graph.visited.resize(mark);
      graph.visited.push_back(bend);
      unsigned budget = kMaxNodes, outerBudget = kMaxNodes;
      std::optional<Polynomial> argument =
          multipliedOut(graph, bend->getOperand(0), x, nullptr, budget);
      if (!argument)
        continue;
      std::optional<Polynomial> whole = multipliedOut(graph, value, x, t, outerBudget);
      if (!whole)
        continue;
      if (std::optional<ir::ActivationKind> kind = functionOf(bend, *argument, *whole, why))
        return ActivationParts{*kind, x};
    }
  }
  graph.visited.resize(mark);
  return std::nullopt;
}

/// max(x, 0) as Max or Clip.
static Value limitedBelow(Graph &graph, Value value, std::string &why) {
  Value x;
  if (auto max = graph.as<onnx::MaxOp>(value); max && max.getInputs().size() == 2) {
    for (unsigned i : {0, 1})
      if (graph.isScalar(max.getInputs()[i], 0.0f))
        x = max.getInputs()[1 - i];
  } else if (auto clip = graph.as<onnx::ClipOp>(value)) {
    bool fromZero = graph.isScalar(clip.getMin(), 0.0f);
    bool open = isa<NoneType>(clip.getMax().getType());
    if (fromZero && open)
      x = clip.getX();
    else if (std::optional<float> top = open ? std::nullopt : graph.scalar(clip.getMax()))
      why = std::string(fromZero ? "Clip to [0, " : "Clip to at most ") + floatText(*top) +
            (fromZero ? "]" : "") + ", relu has no upper limit";
  }
  return x;
}

std::optional<ActivationParts> raise::activationParts(Graph &graph, Value value, std::string &why) {
  if (!isFloat(value))
    return std::nullopt;
  std::optional<ActivationParts> parts;
  if (auto relu = graph.as<onnx::ReluOp>(value))
    parts = {ir::ActivationKind::Relu, relu.getX()};
  else if (auto tanh = graph.as<onnx::TanhOp>(value))
    parts = {ir::ActivationKind::Tanh, tanh.getX()};
  else if (auto sigmoid = graph.as<onnx::SigmoidOp>(value))
    parts = {ir::ActivationKind::Sigmoid, sigmoid.getX()};
  else if (auto gelu = graph.as<onnx::GeluOp>(value)) {
    if (gelu.getApproximate() != "tanh" && gelu.getApproximate() != "none") {
      why = "Gelu with approximate = \"" + gelu.getApproximate().str() + "\"";
      return std::nullopt;
    }
    parts = {gelu.getApproximate() == "tanh" ? ir::ActivationKind::GeluTanh
                                             : ir::ActivationKind::GeluErf,
             gelu.getX()};
  } else if (Value x = limitedBelow(graph, value, why)) {
    parts = {ir::ActivationKind::Relu, x};
  } else if (isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::SubOp>(
                 value.getDefiningOp())) {
    parts = writtenOut(graph, value, why);
  }
  if (!parts || parts->input.getType() != value.getType())
    return std::nullopt;
  parts->input = graph.canon(parts->input);
  return parts;
}

bool raise::matchActivation(Graph &graph, Value value, Match &match, std::string &why) {
  std::optional<ActivationParts> parts = activationParts(graph, value, why);
  if (!parts)
    return false;
  match.pattern = "activation";
  match.inputs = {parts->input};
  match.emit = [kind = parts->kind](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    return ir::ActivationFnOp::create(emitter.builder, emitter.loc, inputs[0].getType(), kind,
                                      inputs[0], /*format=*/nullptr, /*absmax=*/nullptr,
                                      /*buffer=*/nullptr);
  };
  return true;
}
