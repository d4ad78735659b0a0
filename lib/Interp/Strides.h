//===- Strides.h - what the kernels share -----------------------*- C++ -*-===//
//
// Walks over row-major tensors, broadcasting, errors.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_INTERP_STRIDES_H
#define AAC_LIB_INTERP_STRIDES_H

#include "aac/Interp/Kernels.h"

#include "absl/strings/str_cat.h"
#include <algorithm>
#include <functional>
#include <numeric>

namespace aac::interp {

inline absl::Status bad(absl::string_view message) { return absl::InvalidArgumentError(message); }

/// Elements of a tensor of `shape`.
inline int64_t count(absl::Span<const int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

/// `axis` from the front; an error that names both if it is outside `rank`.
absl::StatusOr<int64_t> resolve(int64_t axis, int64_t rank);

/// Row-major strides, in elements.
Shape stridesOf(absl::Span<const int64_t> shape);

/// The shape of a result of both, numpy's rule.
absl::StatusOr<Shape> broadcast(absl::Span<const int64_t> a, absl::Span<const int64_t> b);

/// Strides of an operand of `from` in a result of `to`: 0 along axes that repeat.
Shape broadcastStrides(absl::Span<const int64_t> from, absl::Span<const int64_t> to);

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

// Integers wrap: arithmetic on the unsigned type.
inline int64_t wrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t wrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
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
Tensor copyStrided(const Tensor &x, Shape shape, const Shape &strides, int64_t base = 0);

} // namespace aac::interp

#endif // AAC_LIB_INTERP_STRIDES_H
