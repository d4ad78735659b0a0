//===- FixedOrder.cpp - products and exponentials, the same everywhere ----===//
//
// Compiled once per SIMD target (Highway's foreach_target), one chosen at run time, with
// -ffp-contract=off. Lanes are different results, never parts of one sum.
//
//===----------------------------------------------------------------------===//
#include "FixedOrder.h"

#include <algorithm>

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
constexpr size_t kColumns = 2 * kLanes; // of a tile
constexpr size_t kRows = kLanes >= 16 ? 10 : kLanes >= 8 ? 5 : 4;

/// Sums of a [R x k] with kColumns of a panel [k x kPanel], added to `columns` columns of c.
template <size_t R>
HWY_INLINE void addTile(size_t k, float alpha, const float *a, size_t aStride, const float *panel,
                        float *c, size_t cStride, size_t columns) {
  const D d;
  V sums[R][2];
  for (size_t r = 0; r < R; ++r)
    sums[r][0] = sums[r][1] = hn::Zero(d);
  for (size_t i = 0; i < k; ++i) {
    const V first = hn::Load(d, panel + i * kPanel);
    const V second = hn::Load(d, panel + i * kPanel + kLanes);
    for (size_t r = 0; r < R; ++r) {
      const V value = hn::Set(d, a[r * aStride + i]);
      sums[r][0] = hn::Add(sums[r][0], hn::Mul(value, first));
      sums[r][1] = hn::Add(sums[r][1], hn::Mul(value, second));
    }
  }
  const V factor = hn::Set(d, alpha);
  for (size_t r = 0; r < R; ++r) {
    float *to = c + r * cStride;
    const V first = hn::Mul(sums[r][0], factor), second = hn::Mul(sums[r][1], factor);
    if (columns == kColumns) {
      hn::StoreU(hn::Add(hn::LoadU(d, to), first), d, to);
      hn::StoreU(hn::Add(hn::LoadU(d, to + kLanes), second), d, to + kLanes);
      continue;
    }
    HWY_ALIGN float row[kColumns];
    hn::Store(first, d, row);
    hn::Store(second, d, row + kLanes);
    for (size_t j = 0; j < columns; ++j)
      to[j] += row[j];
  }
}

/// addTile for the `rows` that are left, at most R.
template <size_t R>
void addRest(size_t rows, size_t k, float alpha, const float *a, size_t aStride, const float *panel,
             float *c, size_t cStride, size_t columns) {
  if (rows == R)
    return addTile<R>(k, alpha, a, aStride, panel, c, cStride, columns);
  if constexpr (R > 1)
    addRest<R - 1>(rows, k, alpha, a, aStride, panel, c, cStride, columns);
}

void addPanelOf(size_t m, size_t columns, size_t k, float alpha, MatrixView a, const float *panel,
                float *c, size_t cStride) {
  for (size_t column = 0; column < columns; column += kColumns) {
    size_t own = std::min(kColumns, columns - column);
    for (size_t row = 0; row < m; row += kRows)
      addRest<kRows>(std::min(kRows, m - row), k, alpha, a.data + row * a.stride, a.stride,
                     panel + column, c + row * cStride + column, cStride, own);
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

HWY_EXPORT(addPanelOf);
HWY_EXPORT(mapExp);
HWY_EXPORT(mapSigmoid);
HWY_EXPORT(mapSilu);
HWY_EXPORT(mapGeluTanh);

namespace {

/// Rows `start` to `start + depth` and `columns` (at most kPanel) columns from `column` of b, or of
/// b' if `bIsTransposed`, as a panel [depth x kPanel] that ends in zeros.
void packPanel(MatrixView b, bool bIsTransposed, size_t start, size_t depth, size_t column,
               size_t columns, float *panel) {
  if (columns < kPanel)
    std::fill_n(panel, depth * kPanel, 0.0f);
  if (!bIsTransposed) {
    for (size_t i = 0; i < depth; ++i)
      std::copy_n(b.data + (start + i) * b.stride + column, columns, panel + i * kPanel);
    return;
  }
  // A cache line of each row at a time: rows may lie so that caches hold few of them.
  constexpr size_t kStep = 16;
  const float *from = b.data + column * b.stride + start;
  for (size_t first = 0; first < depth; first += kStep)
    for (size_t j = 0; j < columns; ++j)
      for (size_t i = first; i < std::min(depth, first + kStep); ++i)
        panel[i * kPanel + j] = from[j * b.stride + i];
}

size_t roundUp(size_t value, size_t step) { return (value + step - 1) / step * step; }

} // namespace

PackedMatrix::PackedMatrix(size_t n, size_t k, MatrixView b, bool bIsTransposed)
    : columns(n), depth(k),
      values(hwy::AllocateAligned<float>(std::max<size_t>(k * roundUp(n, kPanel), 1))) {
  float *to = values.get();
  for (size_t start = 0; start < k; start += kBlock) {
    size_t block = std::min(kBlock, k - start);
    for (size_t column = 0; column < n; column += kPanel, to += block * kPanel)
      packPanel(b, bIsTransposed, start, block, column, std::min(kPanel, n - column), to);
  }
}

void addProduct(size_t m, float alpha, MatrixView a, const PackedMatrix &b, size_t from, size_t to,
                float *c, size_t cStride) {
  const size_t n = b.columns, k = b.depth, padded = roundUp(n, kPanel);
  // So many rows of a block of `a` stay in the second cache while all panels pass.
  constexpr size_t kRowsAtOnce = 240;
  for (size_t row = 0; row < m; row += kRowsAtOnce)
    for (size_t start = 0; start < k; start += kBlock) {
      size_t block = std::min(kBlock, k - start);
      for (size_t column = from; column < std::min(to, n); column += kPanel)
        HWY_DYNAMIC_DISPATCH(addPanelOf)
      (std::min(kRowsAtOnce, m - row), std::min(kPanel, n - column), block, alpha,
       {a.data + row * a.stride + start, a.stride},
       b.values.get() + start * padded + column * block, c + row * cStride + column, cStride);
    }
}

void addProduct(size_t m, size_t n, size_t k, float alpha, MatrixView a, MatrixView b,
                bool bIsTransposed, float *c, size_t cStride) {
  alignas(HWY_ALIGNMENT) float panel[kBlock * kPanel];
  for (size_t start = 0; start < k; start += kBlock) {
    size_t block = std::min(kBlock, k - start);
    for (size_t column = 0; column < n; column += kPanel) {
      size_t columns = std::min(kPanel, n - column);
      packPanel(b, bIsTransposed, start, block, column, columns, panel);
      HWY_DYNAMIC_DISPATCH(addPanelOf)
      (m, columns, block, alpha, {a.data + start, a.stride}, panel, c + column, cStride);
    }
  }
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
