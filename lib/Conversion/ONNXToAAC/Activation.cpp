//===- Activation.cpp - recognises element-wise functions -----------------===//
//
// One-node functions, and the two gelus and silu written out. A written-out gelu is a product
// in any association and order: 0.5, x and 1 + tanh(u) (or 1 + erf(x / sqrt 2)), where u is
// sqrt(2/pi) (x + 0.044715 x^3), also as sqrt(2/pi) x (1 + 0.044715 x^2). Powers of x are Pow
// or products. Constants must be those, rounded to f32: nothing near them is taken.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"

#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace {
constexpr float kCubic = 0.044715f;
constexpr float kSqrt2OverPi = 0.79788456080286535588f;
constexpr float kSqrt2 = 1.41421356237309504880f;
constexpr float kInverseSqrt2 = 0.70710678118654752440f;

/// A product taken apart: scalars, powers of x, and everything else.
struct Product {
  int degree = 0;
  SmallVector<float> scalars;
  SmallVector<Value> others;
};
/// Factors of a product that is worth looking at.
constexpr size_t kMaxFactors = 16;
} // namespace

/// Takes Mul nodes (and Div by powers of two) apart down to `x` (may be null).
static std::optional<Product> factors(Graph &graph, Value value, Value x) {
  Product product;
  SmallVector<Value> stack{value};
  size_t count = 0;
  while (!stack.empty()) {
    if (++count > 2 * kMaxFactors)
      return std::nullopt;
    Value v = graph.skip(stack.pop_back_val());
    if (v == x) {
      ++product.degree;
      continue;
    }
    if (std::optional<float> scalar = graph.scalar(v)) {
      product.scalars.push_back(*scalar);
      continue;
    }
    if (auto mul = graph.as<onnx::MulOp>(v)) {
      stack.push_back(mul.getB());
      stack.push_back(mul.getA());
      continue;
    }
    if (auto div = v.getDefiningOp<onnx::DivOp>()) {
      std::optional<float> divisor = graph.scalar(div.getB());
      int exponent;
      if (divisor && std::frexp(std::fabs(*divisor), &exponent) == 0.5f) {
        graph.visited.push_back(div);
        product.scalars.push_back(1.0f / *divisor);
        stack.push_back(div.getA());
        continue;
      }
    }
    if (auto pow = v.getDefiningOp<onnx::PowOp>(); pow && x && graph.skip(pow.getA()) == x) {
      std::optional<float> exponent = graph.scalar(pow.getB());
      if (exponent && (*exponent == 2.0f || *exponent == 3.0f)) {
        graph.visited.push_back(pow);
        product.degree += static_cast<int>(*exponent);
        continue;
      }
    }
    product.others.push_back(v);
  }
  return product;
}

/// True when `value` is coefficient * x^degree. A wrong coefficient is a near-miss.
static bool isMonomial(Graph &graph, Value value, Value x, int degree, float coefficient,
                       std::string &why) {
  std::optional<Product> p = factors(graph, value, x);
  if (!p || p->degree != degree || !p->others.empty() || p->scalars.size() != 1)
    return false;
  if (p->scalars[0] == coefficient)
    return true;
  why = "gelu with cubic coefficient " + floatText(p->scalars[0]) + ", gelu_tanh has " +
        floatText(coefficient);
  return false;
}

/// True when `value` is scalar * x^degree * other with that scalar alone.
static bool isProduct(Graph &graph, Value value, Value x, int degree, Value other, float scalar,
                      const char *what, std::string &why) {
  std::optional<Product> p = factors(graph, value, x);
  if (!p || p->degree != degree || p->others.size() != 1 || p->others[0] != other)
    return false;
  if (p->scalars.size() == 1 && p->scalars[0] == scalar)
    return true;
  why = std::string("gelu with ") + what + " ";
  if (p->scalars.empty())
    why += "1";
  for (auto [i, s] : llvm::enumerate(p->scalars))
    why += (i ? " * " : "") + floatText(s);
  why += ", expected " + floatText(scalar);
  return false;
}

/// The x of sqrt(2/pi) (x + 0.044715 x^3), null otherwise.
static Value geluTanhArgument(Graph &graph, Value u, std::string &why) {
  std::optional<Product> outer = factors(graph, u, nullptr);
  if (!outer)
    return nullptr;
  for (Value sum : outer->others) {
    Value x;
    // x + c x^3
    bool found = graph.either<onnx::AddOp>(sum, [&](Value a, Value b) {
      x = graph.skip(a);
      return isMonomial(graph, b, x, 3, kCubic, why) &&
             isProduct(graph, u, x, 0, sum, kSqrt2OverPi, "factor", why);
    });
    // x (1 + c x^2)
    found = found || graph.either<onnx::AddOp>(sum, [&](Value one, Value square) {
      if (!graph.isScalar(one, 1.0f))
        return false;
      std::optional<Product> p = factors(graph, square, nullptr);
      if (!p || p->others.empty())
        return false;
      x = p->others[0];
      if (auto pow = graph.as<onnx::PowOp>(x))
        x = graph.skip(pow.getA());
      return isMonomial(graph, square, x, 2, kCubic, why) &&
             isProduct(graph, u, x, 1, sum, kSqrt2OverPi, "factor", why);
    });
    if (found)
      return x;
  }
  return nullptr;
}

/// The x of x / sqrt 2, null otherwise.
static Value geluErfArgument(Graph &graph, Value u, std::string &why) {
  u = graph.skip(u);
  auto wrong = [&](const char *what, float found, float expected) {
    why = std::string("gelu whose erf is of x ") + what + " " + floatText(found) + ", expected " +
          floatText(expected);
    return Value();
  };
  if (auto div = graph.as<onnx::DivOp>(u))
    if (std::optional<float> divisor = graph.scalar(div.getB()))
      return *divisor == kSqrt2 ? graph.skip(div.getA()) : wrong("divided by", *divisor, kSqrt2);
  Value x;
  graph.either<onnx::MulOp>(u, [&](Value a, Value b) {
    std::optional<float> factor = graph.scalar(b);
    if (!factor)
      return false;
    x = *factor == kInverseSqrt2 ? graph.skip(a) : wrong("times", *factor, kInverseSqrt2);
    return true;
  });
  return x;
}

/// 0.5 x (1 + tanh(u)) or 0.5 x (1 + erf(u)).
static std::optional<ActivationParts> geluParts(Graph &graph, Value value, std::string &why) {
  std::optional<Product> outer = factors(graph, value, nullptr);
  if (!outer)
    return std::nullopt;
  for (Value sum : outer->others) {
    std::optional<ActivationParts> parts;
    graph.either<onnx::AddOp>(sum, [&](Value one, Value inner) {
      std::optional<float> added = graph.scalar(one);
      inner = graph.skip(inner);
      Value x;
      auto kind = ir::ActivationKind::GeluTanh;
      if (!added) {
        return false;
      } else if (auto tanh = graph.as<onnx::TanhOp>(inner)) {
        x = geluTanhArgument(graph, tanh.getX(), why);
      } else if (auto erf = graph.as<onnx::ErfOp>(inner)) {
        x = geluErfArgument(graph, erf.getX(), why);
        kind = ir::ActivationKind::GeluErf;
      }
      if (!x)
        return false;
      if (*added != 1.0f) {
        why = "gelu that adds " + floatText(*added) + ", expected 1";
        return false;
      }
      if (!isProduct(graph, value, x, 1, sum, 0.5f, "outer factor", why))
        return false;
      parts = ActivationParts{kind, x};
      return true;
    });
    if (parts)
      return parts;
  }
  return std::nullopt;
}

static std::optional<ActivationParts> siluParts(Graph &graph, Value value) {
  std::optional<ActivationParts> parts;
  graph.either<onnx::MulOp>(value, [&](Value a, Value b) {
    auto sigmoid = graph.as<onnx::SigmoidOp>(graph.skip(b));
    if (!sigmoid || graph.skip(sigmoid.getX()) != graph.skip(a))
      return false;
    parts = ActivationParts{ir::ActivationKind::Silu, graph.skip(a)};
    return true;
  });
  return parts;
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
  } else if (value.getDefiningOp<onnx::MulOp>() || value.getDefiningOp<onnx::DivOp>()) {
    size_t mark = graph.visited.size();
    parts = siluParts(graph, value);
    if (!parts) {
      graph.visited.resize(mark);
      parts = geluParts(graph, value, why);
    }
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
