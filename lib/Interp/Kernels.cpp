//===- Kernels.cpp - element-wise, normalising and layout kernels ---------===//
#include "aac/Interp/Kernels.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace aac::interp {

std::string shapeText(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

namespace {

absl::Status bad(absl::string_view message) { return absl::InvalidArgumentError(message); }

const char *kindName(Kind kind) { return kind == Kind::Float ? "float" : "integer"; }

int64_t count(absl::Span<const int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

/// Row-major strides, in elements.
Shape stridesOf(absl::Span<const int64_t> shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

absl::StatusOr<Shape> broadcast(absl::Span<const int64_t> a, absl::Span<const int64_t> b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1;
    int64_t db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1)
      return bad(absl::StrCat("shapes ", shapeText(a), " and ", shapeText(b), " do not broadcast"));
    shape[shape.size() - 1 - i] = da == 1 ? db : da;
  }
  return shape;
}

/// Strides of an operand of `from` in a result of `to`: 0 along axes that repeat.
Shape broadcastStrides(absl::Span<const int64_t> from, absl::Span<const int64_t> to) {
  Shape own = stridesOf(from), strides(to.size(), 0);
  size_t lead = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    strides[lead + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

/// Calls row(result offset, operand offsets, length, operand strides) for each run along the
/// last axis of `shape`. Operand strides are along that axis.
template <size_t N, typename Row>
void forEachRow(absl::Span<const int64_t> shape, const Shape (&strides)[N], Row &&row) {
  int64_t total = count(shape);
  if (total == 0)
    return;
  int64_t offsets[N] = {};
  int64_t inner[N] = {};
  if (shape.empty()) {
    row(0, offsets, 1, inner);
    return;
  }
  size_t last = shape.size() - 1;
  for (size_t n = 0; n < N; ++n)
    inner[n] = strides[n][last];
  Shape index(last, 0);
  for (int64_t out = 0; out < total; out += shape[last]) {
    row(out, offsets, shape[last], inner);
    for (size_t axis = last; axis-- > 0;) {
      for (size_t n = 0; n < N; ++n)
        offsets[n] += strides[n][axis];
      if (++index[axis] < shape[axis])
        break;
      for (size_t n = 0; n < N; ++n)
        offsets[n] -= strides[n][axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

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

// Integers wrap: arithmetic on the unsigned type.
int64_t wrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t wrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
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

/// Runs `fn` with the element vectors of `x` and of a new tensor of `shape`.
template <typename Fn> Tensor likeWithShape(const Tensor &x, Shape shape, Fn fn) {
  if (x.kind == Kind::Float) {
    Tensor y = Tensor::floats(std::move(shape));
    fn(x.f, y.f);
    return y;
  }
  Tensor y = Tensor::integers(std::move(shape));
  fn(x.i, y.i);
  return y;
}

/// Copies x, seen through `strides` from `base`, to a new tensor of `shape`.
Tensor copyStrided(const Tensor &x, Shape shape, const Shape &strides, int64_t base = 0) {
  Shape dims = shape;
  return likeWithShape(x, std::move(shape), [&](const auto &in, auto &out) {
    const Shape all[1] = {strides};
    forEachRow(dims, all, [&](int64_t o, const int64_t *at, int64_t n, const int64_t *step) {
      auto source = in.begin() + base + at[0];
      if (step[0] == 1)
        std::copy(source, source + n, out.begin() + o);
      else
        for (int64_t i = 0; i < n; ++i)
          out[o + i] = source[i * step[0]];
    });
  });
}

absl::StatusOr<int64_t> resolve(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return bad(absl::StrCat("axis ", axis, " is outside rank ", rank));
  return axis < 0 ? axis + rank : axis;
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
  return bad("unknown function");
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
    return bad("unknown function");
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

absl::StatusOr<Tensor> softmax(const Tensor &x, int64_t axis, bool log) {
  if (x.kind != Kind::Float)
    return bad("operand must be float");
  auto at = resolve(axis, x.shape.size());
  if (!at.ok())
    return at.status();
  int64_t size = x.shape[*at], inner = count(absl::MakeSpan(x.shape).subspan(*at + 1));
  int64_t outer = count(absl::MakeSpan(x.shape).subspan(0, *at));
  Tensor y = Tensor::floats(x.shape);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t n = 0; n < inner; ++n) {
      const float *in = x.f.data() + o * size * inner + n;
      float *out = y.f.data() + o * size * inner + n;
      float top = -std::numeric_limits<float>::infinity();
      for (int64_t i = 0; i < size; ++i)
        top = std::max(top, in[i * inner]);
      double sum = 0;
      for (int64_t i = 0; i < size; ++i) {
        out[i * inner] = std::exp(in[i * inner] - top);
        sum += out[i * inner];
      }
      if (log) {
        float shift = top + static_cast<float>(std::log(sum));
        for (int64_t i = 0; i < size; ++i)
          out[i * inner] = in[i * inner] - shift;
      } else {
        float scale = static_cast<float>(1.0 / sum);
        for (int64_t i = 0; i < size; ++i)
          out[i * inner] *= scale;
      }
    }
  return y;
}

absl::StatusOr<Tensor> layerNorm(const Tensor &x, const Tensor &scale, const Tensor *bias,
                                 double epsilon, int64_t axis) {
  if (x.kind != Kind::Float || scale.kind != Kind::Float || (bias && bias->kind != Kind::Float))
    return bad("operands must be float");
  auto at = resolve(axis, x.shape.size());
  if (!at.ok())
    return at.status();
  auto tail = absl::MakeSpan(x.shape).subspan(*at);
  auto gamma = broadcastTo(scale, tail);
  if (!gamma.ok())
    return gamma.status();
  absl::StatusOr<Tensor> beta = Tensor::floats({});
  if (bias) {
    beta = broadcastTo(*bias, tail);
    if (!beta.ok())
      return beta.status();
  }
  int64_t width = count(tail);
  Tensor y = Tensor::floats(x.shape);
  for (int64_t row = 0; width > 0 && row < static_cast<int64_t>(x.f.size()); row += width) {
    const float *in = x.f.data() + row;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < width; ++i)
      mean += in[i];
    mean /= width;
    for (int64_t i = 0; i < width; ++i)
      variance += (in[i] - mean) * (in[i] - mean);
    double inverse = 1.0 / std::sqrt(variance / width + epsilon);
    for (int64_t i = 0; i < width; ++i)
      y.f[row + i] =
          static_cast<float>((in[i] - mean) * inverse) * gamma->f[i] + (bias ? beta->f[i] : 0.0f);
  }
  return y;
}

absl::StatusOr<Tensor> reduce(Reduction reduction, const Tensor &x, absl::Span<const int64_t> axes,
                              bool keepDims) {
  Shape shape, strides; // of the result; of x's axes in the result, 0 where reduced
  int64_t rank = x.shape.size();
  std::vector<bool> gone(rank, false);
  int64_t elements = 1;
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= rank)
      return bad(absl::StrCat("axis ", axis, " is outside rank ", rank));
    gone[axis] = true;
    elements *= x.shape[axis];
  }
  Shape kept;
  for (int64_t axis = 0; axis < rank; ++axis) {
    kept.push_back(gone[axis] ? 1 : x.shape[axis]);
    if (!gone[axis] || keepDims)
      shape.push_back(kept.back());
  }
  Shape into = broadcastStrides(kept, x.shape);
  if (elements == 0 && reduction != Reduction::Sum && reduction != Reduction::Prod)
    return bad(absl::StrCat("nothing to reduce in ", shapeText(x.shape)));

  auto run = [&](const auto &in, auto &out, auto start, auto fn) {
    std::fill(out.begin(), out.end(), start);
    const Shape all[1] = {into};
    forEachRow(x.shape, all, [&](int64_t o, const int64_t *at, int64_t n, const int64_t *step) {
      for (int64_t i = 0; i < n; ++i) {
        auto &slot = out[at[0] + i * step[0]];
        slot = fn(slot, in[o + i]);
      }
    });
  };
  if (x.kind == Kind::Float) {
    Tensor y = Tensor::floats(shape);
    std::vector<double> wide(y.f.size());
    switch (reduction) {
    case Reduction::Sum:
    case Reduction::Mean:
      run(x.f, wide, 0.0, [](double p, float q) { return p + q; });
      break;
    case Reduction::Prod:
      run(x.f, wide, 1.0, [](double p, float q) { return p * q; });
      break;
    case Reduction::Max:
      run(x.f, wide, -std::numeric_limits<double>::infinity(),
          [](double p, float q) { return std::isnan(q) || q > p ? q : p; });
      break;
    case Reduction::Min:
      run(x.f, wide, std::numeric_limits<double>::infinity(),
          [](double p, float q) { return std::isnan(q) || q < p ? q : p; });
      break;
    }
    double scale = reduction == Reduction::Mean ? 1.0 / elements : 1.0;
    for (size_t i = 0; i < wide.size(); ++i)
      y.f[i] = static_cast<float>(reduction == Reduction::Mean ? wide[i] * scale : wide[i]);
    return y;
  }
  Tensor y = Tensor::integers(shape);
  switch (reduction) {
  case Reduction::Sum:
  case Reduction::Mean:
    run(x.i, y.i, int64_t{0}, wrapAdd);
    break;
  case Reduction::Prod:
    run(x.i, y.i, int64_t{1}, wrapMul);
    break;
  case Reduction::Max:
    run(x.i, y.i, std::numeric_limits<int64_t>::min(),
        [](int64_t p, int64_t q) { return std::max(p, q); });
    break;
  case Reduction::Min:
    run(x.i, y.i, std::numeric_limits<int64_t>::max(),
        [](int64_t p, int64_t q) { return std::min(p, q); });
    break;
  }
  if (reduction == Reduction::Mean)
    for (int64_t &v : y.i)
      v /= elements;
  return y;
}

absl::StatusOr<Tensor> reshape(Tensor x, Shape shape) {
  if (count(shape) != x.size())
    return bad(absl::StrCat(shapeText(x.shape), " cannot have shape ", shapeText(shape)));
  x.shape = std::move(shape);
  return x;
}

absl::StatusOr<Tensor> transpose(const Tensor &x, absl::Span<const int64_t> perm) {
  Shape own = stridesOf(x.shape), shape, strides;
  std::vector<bool> seen(x.shape.size(), false);
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= static_cast<int64_t>(x.shape.size()) || seen[axis])
      return bad(absl::StrCat("perm ", shapeText(perm), " is no permutation of ", x.shape.size(),
                              " axes"));
    seen[axis] = true;
    shape.push_back(x.shape[axis]);
    strides.push_back(own[axis]);
  }
  if (perm.size() != x.shape.size())
    return bad(
        absl::StrCat("perm ", shapeText(perm), " is no permutation of ", x.shape.size(), " axes"));
  return copyStrided(x, std::move(shape), strides);
}

absl::StatusOr<Tensor> broadcastTo(const Tensor &x, absl::Span<const int64_t> shape) {
  auto joined = broadcast(x.shape, shape);
  if (!joined.ok() || absl::MakeConstSpan(*joined) != shape)
    return bad(absl::StrCat(shapeText(x.shape), " does not broadcast to ", shapeText(shape)));
  if (absl::MakeConstSpan(x.shape) == shape)
    return x;
  return copyStrided(x, *joined, broadcastStrides(x.shape, shape));
}

absl::StatusOr<Tensor> gather(const Tensor &data, const Tensor &indices, int64_t axis) {
  if (indices.kind != Kind::Integer)
    return bad("indices must be integers");
  auto at = resolve(axis, data.shape.size());
  if (!at.ok())
    return at.status();
  int64_t size = data.shape[*at], inner = count(absl::MakeSpan(data.shape).subspan(*at + 1));
  int64_t outer = count(absl::MakeSpan(data.shape).subspan(0, *at));
  Shape shape(data.shape.begin(), data.shape.begin() + *at);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), data.shape.begin() + *at + 1, data.shape.end());
  std::vector<int64_t> rows;
  for (int64_t index : indices.i) {
    if (index < -size || index >= size)
      return bad(absl::StrCat("index ", index, " is outside the ", size, " entries of axis ", *at));
    rows.push_back(index < 0 ? index + size : index);
  }
  return likeWithShape(data, std::move(shape), [&](const auto &in, auto &out) {
    auto to = out.begin();
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t row : rows) {
        auto from = in.begin() + (o * size + row) * inner;
        to = std::copy(from, from + inner, to);
      }
  });
}

absl::StatusOr<Tensor> slice(const Tensor &x, absl::Span<const int64_t> starts,
                             absl::Span<const int64_t> steps, absl::Span<const int64_t> counts) {
  size_t rank = x.shape.size();
  if (starts.size() != rank || steps.size() != rank || counts.size() != rank)
    return bad(absl::StrCat("a slice of ", shapeText(x.shape), " needs ", rank, " ranges"));
  Shape own = stridesOf(x.shape), strides;
  int64_t base = 0;
  for (size_t i = 0; i < rank; ++i) {
    int64_t last = counts[i] > 0 ? starts[i] + (counts[i] - 1) * steps[i] : starts[i];
    if (counts[i] < 0 || (counts[i] > 0 && (starts[i] < 0 || starts[i] >= x.shape[i] || last < 0 ||
                                            last >= x.shape[i])))
      return bad(absl::StrCat("elements ", starts[i], " to ", last, " are outside the ", x.shape[i],
                              " of axis ", i));
    base += counts[i] > 0 ? starts[i] * own[i] : 0;
    strides.push_back(counts[i] > 1 ? own[i] * steps[i] : 0); // a step may be any number
  }
  return copyStrided(x, Shape(counts.begin(), counts.end()), strides, base);
}

absl::StatusOr<Tensor> concat(absl::Span<const Tensor *const> parts, int64_t axis) {
  if (parts.empty())
    return bad("nothing to concatenate");
  const Tensor &first = *parts.front();
  auto at = resolve(axis, first.shape.size());
  if (!at.ok())
    return at.status();
  Shape shape = first.shape;
  shape[*at] = 0;
  for (const Tensor *part : parts) {
    Shape like = part->shape;
    if (part->kind == first.kind && like.size() == shape.size())
      like[*at] = first.shape[*at];
    if (part->kind != first.kind || like != first.shape)
      return bad(absl::StrCat("parts ", shapeText(first.shape), " and ", shapeText(part->shape),
                              " do not fit along axis ", *at));
    shape[*at] += part->shape[*at];
  }
  int64_t outer = count(absl::MakeSpan(shape).subspan(0, *at));
  int64_t inner = count(absl::MakeSpan(shape).subspan(*at + 1));
  Tensor y = first.kind == Kind::Float ? Tensor::floats(shape) : Tensor::integers(shape);
  auto copy = [&](auto member) {
    auto to = (y.*member).begin();
    for (int64_t o = 0; o < outer; ++o)
      for (const Tensor *part : parts) {
        int64_t run = part->shape[*at] * inner;
        auto from = (part->*member).begin() + o * run;
        to = std::copy(from, from + run, to);
      }
  };
  if (first.kind == Kind::Float)
    copy(&Tensor::f);
  else
    copy(&Tensor::i);
  return y;
}

absl::StatusOr<Tensor> tile(const Tensor &x, absl::Span<const int64_t> repeats) {
  if (repeats.size() != x.shape.size())
    return bad(absl::StrCat("repeats ", shapeText(repeats), " do not fit ", shapeText(x.shape)));
  // [r0, d0, r1, d1, ...] with stride 0 along each r.
  Shape own = stridesOf(x.shape), split, strides, shape;
  for (size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0)
      return bad(absl::StrCat("repeats ", shapeText(repeats), " are negative"));
    split.insert(split.end(), {repeats[i], x.shape[i]});
    strides.insert(strides.end(), {0, own[i]});
    shape.push_back(repeats[i] * x.shape[i]);
  }
  Tensor y = copyStrided(x, std::move(split), strides);
  y.shape = std::move(shape);
  return y;
}

absl::Status checkScales(const Tensor &scale) {
  if (scale.kind != Kind::Float)
    return bad("the scale must be float");
  for (float v : scale.f)
    if (!(v > 0.0f) || !std::isfinite(v))
      return bad(absl::StrCat("its scale ", v,
                              " is not finite and positive: quantise the model again, with "
                              "calibration data in which the tensor varies"));
  return absl::OkStatus();
}

namespace {

/// Calls each(element, scale, zero) for the elements of `shape`.
template <typename Each>
absl::Status forEachScaled(const Shape &shape, const Tensor &scale, const Tensor *zero,
                           int64_t axis, Each &&each) {
  if (absl::Status status = checkScales(scale); !status.ok())
    return status;
  int64_t rank = shape.size(), scales = scale.size();
  axis += axis < 0 ? rank : 0;
  if (zero && (zero->kind != Kind::Integer || zero->size() != scales))
    return bad("scale and zero point differ in size");
  if (scales != 1 && (axis < 0 || axis >= rank || shape[axis] != scales))
    return bad(absl::StrCat(scales, " scales do not fit axis ", axis, " of ", shapeText(shape)));
  int64_t inner = scales == 1 ? count(shape) : count(absl::MakeConstSpan(shape).subspan(axis + 1));
  for (int64_t at = 0, total = count(shape), n = 0; at < total; n = (n + 1) % scales)
    for (int64_t end = at + inner; at < end; ++at)
      each(at, scale.f[n], zero ? zero->i[n] : 0);
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Tensor> quantizeLinear(const Tensor &x, const Tensor &scale, const Tensor *zero,
                                      int64_t axis, int64_t low, int64_t high) {
  if (x.kind != Kind::Float)
    return bad("operand must be float");
  Tensor y = Tensor::integers(x.shape);
  auto status = forEachScaled(x.shape, scale, zero, axis, [&](int64_t at, float s, int64_t z) {
    float code = std::nearbyint(x.f[at] / s) + static_cast<float>(z);
    y.i[at] = std::isnan(code) ? z
                               : static_cast<int64_t>(std::clamp(code, static_cast<float>(low),
                                                                 static_cast<float>(high)));
  });
  if (!status.ok())
    return status;
  return y;
}

absl::StatusOr<Tensor> dequantizeLinear(const Tensor &x, const Tensor &scale, const Tensor *zero,
                                        int64_t axis) {
  if (x.kind != Kind::Integer)
    return bad("operand must be integers");
  Tensor y = Tensor::floats(x.shape);
  auto status = forEachScaled(x.shape, scale, zero, axis, [&](int64_t at, float s, int64_t z) {
    y.f[at] = static_cast<float>(wrapSub(x.i[at], z)) * s;
  });
  if (!status.ok())
    return status;
  return y;
}

} // namespace aac::interp
