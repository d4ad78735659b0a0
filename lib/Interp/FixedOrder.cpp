//===- FixedOrder.cpp - products and exponentials, the same everywhere ----===//
//
// Compiled once per SIMD target (Highway's foreach_target), one chosen at run time, with
// -ffp-contract=off. Lanes are different results, never parts of one sum.
//
//===----------------------------------------------------------------------===//
#include "FixedOrder.h"

#include <algorithm>
#include <vector>

// Vectors of unknown length cannot be kept in arrays; those targets use the baseline.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "FixedOrder.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace aac::interp {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kLanes = hn::MaxLanes(D());
constexpr size_t kColumns = 2 * kLanes; // of a panel
constexpr size_t kRows = kLanes >= 16 ? 10 : kLanes >= 8 ? 5 : 4;
constexpr size_t kBlock = 256; // of the sum

/// Sums of a [R x k] with a panel [k x kColumns], added to `columns` columns of c.
template <size_t R>
HWY_INLINE void addTile(size_t k, float alpha, const float *a, size_t aStride, const float *panel,
                        float *c, size_t cStride, size_t columns) {
  const D d;
  V sums[R][2];
  for (size_t r = 0; r < R; ++r)
    sums[r][0] = sums[r][1] = hn::Zero(d);
  for (size_t i = 0; i < k; ++i) {
    const V first = hn::Load(d, panel + i * kColumns);
    const V second = hn::Load(d, panel + i * kColumns + kLanes);
    for (size_t r = 0; r < R; ++r) {
      const V value = hn::Set(d, a[r * aStride + i]);
      sums[r][0] = hn::Add(sums[r][0], hn::Mul(value, first));
      sums[r][1] = hn::Add(sums[r][1], hn::Mul(value, second));
    }
  }
  const V factor = hn::Set(d, alpha);
  HWY_ALIGN float row[kColumns];
  for (size_t r = 0; r < R; ++r) {
    hn::Store(hn::Mul(sums[r][0], factor), d, row);
    hn::Store(hn::Mul(sums[r][1], factor), d, row + kLanes);
    for (size_t j = 0; j < columns; ++j)
      c[r * cStride + j] += row[j];
  }
}

void addProductOf(size_t m, size_t n, size_t k, float alpha, MatrixView a, MatrixView b,
                  bool bIsTransposed, float *c, size_t cStride) {
  HWY_ALIGN float panel[kBlock * kColumns];
  for (size_t start = 0; start < k; start += kBlock) {
    size_t depth = std::min(kBlock, k - start);
    for (size_t column = 0; column < n; column += kColumns) {
      size_t columns = std::min(kColumns, n - column);
      for (size_t i = 0; i < depth; ++i) {
        float *to = panel + i * kColumns;
        if (bIsTransposed) {
          const float *from = b.data + column * b.stride + start + i;
          for (size_t j = 0; j < columns; ++j)
            to[j] = from[j * b.stride];
        } else {
          std::copy_n(b.data + (start + i) * b.stride + column, columns, to);
        }
        std::fill(to + columns, to + kColumns, 0.0f);
      }
      size_t row = 0;
      for (; row + kRows <= m; row += kRows)
        addTile<kRows>(depth, alpha, a.data + row * a.stride + start, a.stride, panel,
                       c + row * cStride + column, cStride, columns);
      for (; row < m; ++row)
        addTile<1>(depth, alpha, a.data + row * a.stride + start, a.stride, panel,
                   c + row * cStride + column, cStride, columns);
    }
  }
}

/// exp: x = n ln 2 + r, the series of exp(r) to r^7, times 2^n.
HWY_INLINE V expOf(V x) {
  const D d;
  const hn::RebindToSigned<D> di;
  const auto isTiny = hn::Lt(x, hn::Set(d, -87.3f));
  x = hn::Min(hn::Max(x, hn::Set(d, -87.3f)), hn::Set(d, 88.7f));
  const V n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  // ln 2 in two parts; the first has so few bits that n times it is exact.
  V r = hn::Sub(x, hn::Mul(n, hn::Set(d, 0.693359375f)));
  r = hn::Sub(r, hn::Mul(n, hn::Set(d, -2.12194440e-4f)));
  V p = hn::Set(d, 1.0f / 5040);
  for (float coefficient : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    p = hn::Add(hn::Mul(p, r), hn::Set(d, coefficient));
  // 2^n in two factors: n reaches 128.
  const auto whole = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(whole);
  const auto powerOf = [&](auto e) {
    return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(e, hn::Set(di, 127))));
  };
  p = hn::Mul(hn::Mul(p, powerOf(half)), powerOf(hn::Sub(whole, half)));
  return hn::IfThenZeroElse(isTiny, p);
}

template <typename Fn> HWY_INLINE void map(float *values, size_t count, Fn fn) {
  const D d;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    hn::StoreU(fn(hn::LoadU(d, values + i)), d, values + i);
  if (i == count)
    return;
  HWY_ALIGN float rest[kLanes] = {};
  std::copy(values + i, values + count, rest);
  hn::Store(fn(hn::Load(d, rest)), d, rest);
  std::copy_n(rest, count - i, values + i);
}

/// x / (1 + exp(-y)), 0 where the exponential is beyond f32.
HWY_INLINE V gate(V x, V y) {
  const D d;
  const V quotient = hn::Div(x, hn::Add(hn::Set(d, 1.0f), expOf(hn::Neg(y))));
  return hn::IfThenZeroElse(hn::Lt(y, hn::Set(d, -88.7f)), quotient);
}

void mapExp(float *values, size_t count, float offset) {
  const V shift = hn::Set(D(), offset);
  map(values, count, [&](V x) { return expOf(hn::Sub(x, shift)); });
}
void mapSigmoid(float *values, size_t count) {
  map(values, count, [](V x) { return gate(hn::Set(D(), 1.0f), x); });
}
void mapSilu(float *values, size_t count) {
  map(values, count, [](V x) { return gate(x, x); });
}
void mapGeluTanh(float *values, size_t count) {
  // (1 + tanh u) / 2 = 1 / (1 + exp(-2u))
  const D d;
  const V root = hn::Set(d, 2 * 0.79788456080286536f), cubic = hn::Set(d, 0.044715f);
  map(values, count, [&](V x) {
    const V cube = hn::Mul(hn::Mul(hn::Mul(cubic, x), x), x);
    return gate(x, hn::Mul(root, hn::Add(x, cube)));
  });
}

} // namespace HWY_NAMESPACE
} // namespace aac::interp
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aac::interp {

HWY_EXPORT(addProductOf);
HWY_EXPORT(mapExp);
HWY_EXPORT(mapSigmoid);
HWY_EXPORT(mapSilu);
HWY_EXPORT(mapGeluTanh);

void addProduct(size_t m, size_t n, size_t k, float alpha, MatrixView a, MatrixView b,
                bool bIsTransposed, float *c, size_t cStride) {
  HWY_DYNAMIC_DISPATCH(addProductOf)(m, n, k, alpha, a, b, bIsTransposed, c, cStride);
}
void expInPlace(float *values, size_t count, float offset) {
  HWY_DYNAMIC_DISPATCH(mapExp)(values, count, offset);
}
void sigmoidInPlace(float *values, size_t count) {
  HWY_DYNAMIC_DISPATCH(mapSigmoid)(values, count);
}
void siluInPlace(float *values, size_t count) { HWY_DYNAMIC_DISPATCH(mapSilu)(values, count); }
void geluTanhInPlace(float *values, size_t count) {
  HWY_DYNAMIC_DISPATCH(mapGeluTanh)(values, count);
}

} // namespace aac::interp
#endif // HWY_ONCE
