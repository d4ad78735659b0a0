//===- ElementKernels.cpp - functions of each element ---------------------===//
#include "Strides.h"

#include "llvm/Support/ErrorHandling.h"
#include <cmath>

namespace aac::interp {
namespace {

const char *kindName(Kind kind) { return kind == Kind::Float ? "float" : "integer"; }

template <typename In, typename Out, typename Fn>
void apply2(const std::vector<In> &a, absl::Span<const int64_t> aShape, const std::vector<In> &b,
            absl::Span<const int64_t> bShape, std::vector<Out> &out,
            absl::Span<const int64_t> shape, Fn fn) {
  const Shape strides[2] = {broadcastStrides(aShape, shape), broadcastStrides(bShape, shape)};
  forEachRow(shape, strides, [&](int64_t o, const int64_t *at, int64_t n, const int64_t *step) {
    const In *x = a.data() + at[0], *y = b.data() + at[1];
    Out *z = out.data() + o;
    int64_t sx = step[0], sy = step[1];
    if (sx == 1 && sy == 1)
      for (int64_t i = 0; i < n; ++i)
        z[i] = fn(x[i], y[i]);
    else
      for (int64_t i = 0; i < n; ++i)
        z[i] = fn(x[i * sx], y[i * sy]);
  });
}

int64_t safeDiv(int64_t a, int64_t b) { return b == -1 ? wrapSub(0, a) : a / b; }
int64_t safeRem(int64_t a, int64_t b) { return b == -1 ? 0 : a % b; }
int64_t wrapPow(int64_t base, int64_t exponent) {
  if (exponent < 0) // 1/base^|exponent|, truncated
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1)
      result = wrapMul(result, base);
    base = wrapMul(base, base);
  }
  return result;
}

template <typename Fn> Tensor map(const Tensor &x, Fn fn) {
  Tensor y = Tensor::floats(x.shape);
  std::transform(x.f.begin(), x.f.end(), y.f.begin(), fn);
  return y;
}

float gelu(float x) { return 0.5f * x * (1.0f + std::erf(x * 0.70710678118654752f)); }
float geluTanh(float x) {
  return 0.5f * x * (1.0f + std::tanh(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}
float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

Tensor unaryInteger(Unary function, const Tensor &x) {
  Tensor y = Tensor::integers(x.shape);
  for (size_t i = 0; i < x.i.size(); ++i) {
    int64_t v = x.i[i];
    switch (function) {
    case Unary::Abs:
      y.i[i] = v < 0 ? wrapSub(0, v) : v;
      break;
    case Unary::Neg:
      y.i[i] = wrapSub(0, v);
      break;
    case Unary::Relu:
      y.i[i] = std::max<int64_t>(v, 0);
      break;
    case Unary::Sign:
      y.i[i] = (v > 0) - (v < 0);
      break;
    default: // Not; unary() lets nothing else through
      y.i[i] = v == 0;
      break;
    }
  }
  return y;
}

template <typename T, typename Fn>
Tensor compare(const std::vector<T> &a, absl::Span<const int64_t> aShape, const std::vector<T> &b,
               absl::Span<const int64_t> bShape, Shape shape, Fn fn) {
  Tensor y = Tensor::integers(std::move(shape));
  apply2(a, aShape, b, bShape, y.i, y.shape, [fn](T x, T z) -> int64_t { return fn(x, z); });
  return y;
}

/// Comparisons of either kind; false when `function` is none.
template <typename T>
bool compareAny(Binary function, const std::vector<T> &a, absl::Span<const int64_t> aShape,
                const std::vector<T> &b, absl::Span<const int64_t> bShape, const Shape &shape,
                Tensor &result) {
  switch (function) {
  case Binary::Equal:
    result = compare(a, aShape, b, bShape, shape, std::equal_to<T>());
    return true;
  case Binary::Less:
    result = compare(a, aShape, b, bShape, shape, std::less<T>());
    return true;
  case Binary::LessOrEqual:
    result = compare(a, aShape, b, bShape, shape, std::less_equal<T>());
    return true;
  case Binary::Greater:
    result = compare(a, aShape, b, bShape, shape, std::greater<T>());
    return true;
  case Binary::GreaterOrEqual:
    result = compare(a, aShape, b, bShape, shape, std::greater_equal<T>());
    return true;
  default:
    return false;
  }
}

} // namespace

absl::StatusOr<Tensor> unary(Unary function, const Tensor &x) {
  if (x.kind == Kind::Integer) {
    if (function > Unary::Not)
      return bad("operand must be float");
    return unaryInteger(function, x);
  }
  switch (function) {
  case Unary::Abs:
    return map(x, [](float v) { return std::fabs(v); });
  case Unary::Neg:
    return map(x, [](float v) { return -v; });
  case Unary::Relu:
    return map(x, [](float v) { return v < 0.0f ? 0.0f : v; });
  case Unary::Sign:
    return map(x, [](float v) { return v > 0.0f ? 1.0f : v < 0.0f ? -1.0f : v; });
  case Unary::Not:
    return bad("operand must be bool");
  case Unary::Ceil:
    return map(x, [](float v) { return std::ceil(v); });
  case Unary::Cos:
    return map(x, [](float v) { return std::cos(v); });
  case Unary::Erf:
    return map(x, [](float v) { return std::erf(v); });
  case Unary::Exp:
    return map(x, [](float v) { return std::exp(v); });
  case Unary::Floor:
    return map(x, [](float v) { return std::floor(v); });
  case Unary::GeluErf:
    return map(x, gelu);
  case Unary::GeluTanh:
    return map(x, geluTanh);
  case Unary::Log:
    return map(x, [](float v) { return std::log(v); });
  case Unary::Reciprocal:
    return map(x, [](float v) { return 1.0f / v; });
  case Unary::Sigmoid:
    return map(x, sigmoid);
  case Unary::Silu:
    return map(x, [](float v) { return v * sigmoid(v); });
  case Unary::Sin:
    return map(x, [](float v) { return std::sin(v); });
  case Unary::Softplus:
    return map(
        x, [](float v) { return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)); });
  case Unary::Sqrt:
    return map(x, [](float v) { return std::sqrt(v); });
  case Unary::Tanh:
    return map(x, [](float v) { return std::tanh(v); });
  }
  llvm_unreachable("every function is above");
}

absl::StatusOr<Tensor> binary(Binary function, const Tensor &a, const Tensor &b) {
  auto shape = broadcast(a.shape, b.shape);
  if (!shape.ok())
    return shape.status();
  if (function == Binary::Pow && a.kind != b.kind) {
    Tensor base = a, exponent = b;
    for (Tensor *t : {&base, &exponent})
      if (t->kind == Kind::Integer) {
        t->f.assign(t->i.begin(), t->i.end());
        t->i.clear();
        t->kind = Kind::Float;
      }
    auto power = binary(function, base, exponent);
    if (power.ok() && a.kind == Kind::Integer) {
      // Truncated; saturated where int64 has no such number, NaN is 0.
      for (float f : power->f)
        power->i.push_back(std::isnan(f)                 ? 0
                           : f >= 9223372036854775808.0f ? std::numeric_limits<int64_t>::max()
                           : f < -9223372036854775808.0f ? std::numeric_limits<int64_t>::min()
                                                         : static_cast<int64_t>(f));
      power->f.clear();
      power->kind = Kind::Integer;
    }
    return power;
  }
  if (a.kind != b.kind)
    return bad(absl::StrCat("operands are ", kindName(a.kind), " and ", kindName(b.kind)));

  Tensor y;
  if (a.kind == Kind::Float) {
    if (compareAny(function, a.f, a.shape, b.f, b.shape, *shape, y))
      return y;
    y = Tensor::floats(*shape);
    auto run = [&](auto fn) { apply2(a.f, a.shape, b.f, b.shape, y.f, y.shape, fn); };
    switch (function) {
    case Binary::Add:
      run([](float p, float q) { return p + q; });
      return y;
    case Binary::Sub:
      run([](float p, float q) { return p - q; });
      return y;
    case Binary::Mul:
      run([](float p, float q) { return p * q; });
      return y;
    case Binary::Div:
      run([](float p, float q) { return p / q; });
      return y;
    case Binary::Pow: {
      // x^2 and x^3 as products, as the exporters' frameworks compute them.
      bool scalar = b.f.size() == 1;
      if (scalar && b.f[0] == 2.0f)
        run([](float p, float) { return p * p; });
      else if (scalar && b.f[0] == 3.0f)
        run([](float p, float) { return p * p * p; });
      else
        run([](float p, float q) { return std::pow(p, q); });
      return y;
    }
    case Binary::Max: // NaN wins, as in numpy
      run([](float p, float q) { return std::isnan(p) || p > q ? p : q; });
      return y;
    case Binary::Min:
      run([](float p, float q) { return std::isnan(p) || p < q ? p : q; });
      return y;
    case Binary::Fmod:
      run([](float p, float q) { return std::fmod(p, q); });
      return y;
    default:
      return bad("operands must be integers");
    }
  }

  if (compareAny(function, a.i, a.shape, b.i, b.shape, *shape, y))
    return y;
  if ((function == Binary::Div || function == Binary::FloorMod || function == Binary::Fmod) &&
      std::find(b.i.begin(), b.i.end(), 0) != b.i.end())
    return bad("integer division by zero");
  y = Tensor::integers(*shape);
  auto run = [&](auto fn) { apply2(a.i, a.shape, b.i, b.shape, y.i, y.shape, fn); };
  switch (function) {
  case Binary::Add:
    run(wrapAdd);
    return y;
  case Binary::Sub:
    run(wrapSub);
    return y;
  case Binary::Mul:
    run(wrapMul);
    return y;
  case Binary::Div:
    run(safeDiv);
    return y;
  case Binary::Pow:
    run(wrapPow);
    return y;
  case Binary::Max:
    run([](int64_t p, int64_t q) { return std::max(p, q); });
    return y;
  case Binary::Min:
    run([](int64_t p, int64_t q) { return std::min(p, q); });
    return y;
  case Binary::FloorMod:
    run([](int64_t p, int64_t q) {
      int64_t r = safeRem(p, q);
      return r != 0 && (r < 0) != (q < 0) ? r + q : r;
    });
    return y;
  case Binary::Fmod:
    run(safeRem);
    return y;
  case Binary::And:
    run([](int64_t p, int64_t q) -> int64_t { return p != 0 && q != 0; });
    return y;
  case Binary::Or:
    run([](int64_t p, int64_t q) -> int64_t { return p != 0 || q != 0; });
    return y;
  case Binary::Xor:
    run([](int64_t p, int64_t q) -> int64_t { return (p != 0) != (q != 0); });
    return y;
  default:
    llvm_unreachable("every function is above");
  }
}

absl::StatusOr<Tensor> where(const Tensor &condition, const Tensor &a, const Tensor &b) {
  if (condition.kind != Kind::Integer)
    return bad("the condition must be bool");
  if (a.kind != b.kind)
    return bad(absl::StrCat("operands are ", kindName(a.kind), " and ", kindName(b.kind)));
  auto both = broadcast(a.shape, b.shape);
  if (!both.ok())
    return both.status();
  auto shape = broadcast(condition.shape, *both);
  if (!shape.ok())
    return shape.status();
  const Shape strides[3] = {broadcastStrides(condition.shape, *shape),
                            broadcastStrides(a.shape, *shape), broadcastStrides(b.shape, *shape)};
  auto choose = [&](const auto &x, const auto &z, auto &out) {
    forEachRow(*shape, strides, [&](int64_t o, const int64_t *at, int64_t n, const int64_t *step) {
      for (int64_t i = 0; i < n; ++i)
        out[o + i] =
            condition.i[at[0] + i * step[0]] != 0 ? x[at[1] + i * step[1]] : z[at[2] + i * step[2]];
    });
  };
  Tensor y = a.kind == Kind::Float ? Tensor::floats(*shape) : Tensor::integers(*shape);
  if (a.kind == Kind::Float)
    choose(a.f, b.f, y.f);
  else
    choose(a.i, b.i, y.i);
  return y;
}

} // namespace aac::interp
