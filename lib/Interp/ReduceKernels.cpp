//===- ReduceKernels.cpp - softmax, layer norm and reductions -------------===//
#include "Strides.h"

#include <cmath>
#include <limits>

namespace aac::interp {

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

} // namespace aac::interp
