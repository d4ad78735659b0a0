//===- IndexKernels.cpp - kernels that work by position -------------------===//
//
// Each sees its tensor as [outer, size, inner] around one axis, or walks all positions.
//
//===----------------------------------------------------------------------===//
#include "Strides.h"

#include <cmath>

namespace aac::interp {
namespace {

/// A tensor around one of its axes.
struct Around {
  int64_t axis, outer = 1, size = 1, inner = 1;
};

absl::StatusOr<Around> around(const Tensor &x, int64_t axis) {
  int64_t rank = x.shape.size();
  absl::StatusOr<int64_t> resolved = resolve(axis, rank);
  if (!resolved.ok())
    return resolved.status();
  Around result{*resolved};
  for (int64_t i = 0; i < rank; ++i)
    (i < result.axis ? result.outer : i == result.axis ? result.size : result.inner) *= x.shape[i];
  return result;
}

Tensor like(const Tensor &x, Shape shape) {
  return x.kind == Kind::Float ? Tensor::floats(std::move(shape))
                               : Tensor::integers(std::move(shape));
}

/// Calls fn with the element vectors of both, which are of one kind.
template <typename Fn> void onElements(const Tensor &x, Tensor &y, Fn fn) {
  if (x.kind == Kind::Float)
    fn(x.f, y.f);
  else
    fn(x.i, y.i);
}

/// The next position in `shape`, row-major; false after the last one.
bool advance(Shape &at, const Shape &shape) {
  for (size_t i = shape.size(); i-- > 0;) {
    if (++at[i] < shape[i])
      return true;
    at[i] = 0;
  }
  return false;
}

int64_t reflected(int64_t at, int64_t size) {
  if (size == 1)
    return 0;
  int64_t period = 2 * (size - 1);
  at = ((at % period) + period) % period;
  return at < size ? at : period - at;
}

} // namespace

absl::StatusOr<Tensor> trilu(const Tensor &x, int64_t k, bool upper) {
  if (x.shape.size() < 2)
    return bad(absl::StrCat("needs a matrix, got ", shapeText(x.shape)));
  int64_t rows = x.shape[x.shape.size() - 2], columns = x.shape.back();
  k = std::clamp(k, -rows - 1, columns + 1);
  Tensor y = x;
  auto clear = [&](auto &elements) {
    for (size_t at = 0; at < elements.size(); ++at) {
      int64_t column = at % columns, row = at / columns % rows;
      if (upper ? column - row < k : column - row > k)
        elements[at] = 0;
    }
  };
  clear(y.f);
  clear(y.i);
  return y;
}

absl::StatusOr<Tensor> cumulativeSum(const Tensor &x, int64_t axis, bool exclusive, bool reverse) {
  auto view = around(x, axis);
  if (!view.ok())
    return view.status();
  Tensor y = like(x, x.shape);
  onElements(x, y, [&](const auto &in, auto &out) {
    for (int64_t o = 0; o < view->outer; ++o)
      for (int64_t i = 0; i < view->inner; ++i) {
        // Integers wrap, floats sum in f64.
        using T = typename std::decay_t<decltype(in)>::value_type;
        std::conditional_t<std::is_same_v<T, float>, double, uint64_t> sum = 0;
        for (int64_t n = 0; n < view->size; ++n) {
          int64_t row = reverse ? view->size - 1 - n : n;
          int64_t at = (o * view->size + row) * view->inner + i;
          if (exclusive)
            out[at] = static_cast<T>(sum);
          sum += in[at];
          if (!exclusive)
            out[at] = static_cast<T>(sum);
        }
      }
  });
  return y;
}

absl::StatusOr<Tensor> argReduce(const Tensor &x, int64_t axis, bool largest, bool keepDims,
                                 bool last) {
  auto view = around(x, axis);
  if (!view.ok())
    return view.status();
  if (view->size == 0)
    return bad(absl::StrCat("nothing to choose from in ", shapeText(x.shape)));
  Shape shape = x.shape;
  if (keepDims)
    shape[view->axis] = 1;
  else
    shape.erase(shape.begin() + view->axis);
  Tensor y = Tensor::integers(shape);
  auto choose = [&](const auto &in) {
    for (int64_t o = 0; o < view->outer; ++o)
      for (int64_t i = 0; i < view->inner; ++i) {
        int64_t best = 0;
        auto valueAt = [&](int64_t n) { return in[(o * view->size + n) * view->inner + i]; };
        for (int64_t n = 1; n < view->size; ++n) {
          auto now = valueAt(n), then = valueAt(best);
          if ((largest ? now > then : now < then) || (last && now == then))
            best = n;
        }
        y.i[o * view->inner + i] = best;
      }
  };
  if (x.kind == Kind::Float)
    choose(x.f);
  else
    choose(x.i);
  return y;
}

absl::StatusOr<Tensor> gatherElements(const Tensor &data, const Tensor &indices, int64_t axis) {
  auto view = around(data, axis);
  if (!view.ok())
    return view.status();
  if (indices.kind != Kind::Integer || indices.shape.size() != data.shape.size())
    return bad("indices must be integers of the data's rank");
  for (size_t i = 0; i < data.shape.size(); ++i)
    if (static_cast<int64_t>(i) != view->axis && indices.shape[i] > data.shape[i])
      return bad(absl::StrCat("indices ", shapeText(indices.shape), " do not fit data ",
                              shapeText(data.shape)));
  for (int64_t index : indices.i)
    if (index < -view->size || index >= view->size)
      return bad(absl::StrCat("index ", index, " is outside the ", view->size, " entries of axis ",
                              view->axis));
  Tensor y = like(data, indices.shape);
  onElements(data, y, [&](const auto &in, auto &out) {
    Shape at(indices.shape.size(), 0);
    for (size_t n = 0; n < out.size(); ++n) {
      int64_t offset = 0;
      for (size_t i = 0; i < at.size(); ++i) {
        int64_t index = indices.i[n];
        int64_t place = static_cast<int64_t>(i) != view->axis ? at[i]
                        : index < 0                           ? index + view->size
                                                              : index;
        offset = offset * data.shape[i] + place;
      }
      out[n] = in[offset];
      advance(at, indices.shape);
    }
  });
  return y;
}

absl::StatusOr<Tensor> pad(const Tensor &x, absl::Span<const int64_t> before,
                           absl::Span<const int64_t> shape, PadMode mode, const Tensor *value) {
  size_t rank = x.shape.size();
  if (before.size() != rank || shape.size() != rank)
    return bad(absl::StrCat("pads of ", before.size(), " axes for rank ", rank));
  if (value && (value->kind != x.kind || value->size() != 1))
    return bad("the value must be one element of the data's type");
  for (size_t i = 0; i < rank; ++i)
    if (mode != PadMode::Constant && x.shape[i] == 0 && shape[i] > 0)
      return bad(absl::StrCat("nothing to repeat along axis ", i));
  Tensor y = like(x, Shape(shape.begin(), shape.end()));
  onElements(x, y, [&](const auto &in, auto &out) {
    using T = typename std::decay_t<decltype(in)>::value_type;
    T fill = !value ? T{0} : static_cast<T>(value->kind == Kind::Float ? value->f[0] : value->i[0]);
    Shape at(rank, 0);
    for (size_t n = 0; n < out.size(); ++n) {
      int64_t offset = 0;
      bool inside = true;
      for (size_t i = 0; i < rank; ++i) {
        int64_t size = x.shape[i], place = at[i] - before[i];
        if (place < 0 || place >= size) {
          inside &= mode != PadMode::Constant;
          if (mode == PadMode::Edge)
            place = std::clamp<int64_t>(place, 0, size - 1);
          else if (mode == PadMode::Reflect)
            place = reflected(place, size);
          else if (mode == PadMode::Wrap)
            place = ((place % size) + size) % size;
        }
        offset = offset * size + place;
      }
      out[n] = inside ? in[offset] : fill;
      advance(at, y.shape);
    }
  });
  return y;
}

absl::StatusOr<Tensor> oneHot(const Tensor &indices, int64_t depth, const Tensor &values,
                              int64_t axis) {
  int64_t rank = indices.shape.size() + 1;
  if (axis < -rank || axis >= rank)
    return bad(absl::StrCat("axis ", axis, " is outside rank ", rank));
  axis += axis < 0 ? rank : 0;
  if (values.size() != 2 || depth < 1)
    return bad("needs a depth from 1 and two values, off and on");
  Shape shape = indices.shape;
  shape.insert(shape.begin() + axis, depth);
  int64_t inner = 1;
  for (size_t i = axis + 1; i < shape.size(); ++i)
    inner *= shape[i];
  Tensor y = like(values, shape);
  onElements(values, y, [&](const auto &in, auto &out) {
    std::fill(out.begin(), out.end(), in[0]);
    for (int64_t n = 0; n < indices.size(); ++n) {
      double at = indices.kind == Kind::Float ? std::trunc(indices.f[n])
                                              : static_cast<double>(indices.i[n]);
      at += at < 0 ? static_cast<double>(depth) : 0.0;
      if (at >= 0 && at < static_cast<double>(depth))
        out[(n / inner * depth + static_cast<int64_t>(at)) * inner + n % inner] = in[1];
    }
  });
  return y;
}

} // namespace aac::interp
