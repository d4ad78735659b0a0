//===- FixedOrder.h - products and exponentials, the same everywhere -*- C++ -*-===//
//
// What a BLAS adds depends on its threads and its machine; what these functions compute does
// not: each result is made by the same additions and multiplications in the same order, whatever
// the SIMD target, and none is fused. Calibration needs that, since its results end in the stream.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_INTERP_FIXEDORDER_H
#define AAC_LIB_INTERP_FIXEDORDER_H

#include <cstddef>
#include <hwy/aligned_allocator.h>

namespace aac::interp {

/// A matrix in row-major order; `stride` elements from row to row.
struct MatrixView {
  const float *data;
  size_t stride;
};

inline constexpr size_t kBlock = 256; ///< terms of a sum that are added to each other first
inline constexpr size_t kPanel = 32;  ///< columns that lie together in a PackedMatrix

/// The right operand [k x n] of a product, copied once into the order in which it is read.
class PackedMatrix {
public:
  /// Of `b` [k x n], or [n x k] if `bIsTransposed`.
  PackedMatrix(size_t n, size_t k, MatrixView b, bool bIsTransposed);

  const size_t columns; ///< n
  const size_t depth;   ///< k

private:
  friend void addProduct(size_t m, float alpha, MatrixView a, const PackedMatrix &b, size_t from,
                         size_t to, float *c, size_t cStride);
  /// Blocks of kBlock rows; in each, panels [rows x kPanel], the last one filled up with zeros.
  hwy::AlignedFreeUniquePtr<float[]> values;
};

/// c [m x n, rows `cStride` apart] += alpha * a [m x k] * b, in columns `from` to `to` (multiples
/// of kPanel, or n). Sums run over k in blocks of kBlock.
void addProduct(size_t m, float alpha, MatrixView a, const PackedMatrix &b, size_t from, size_t to,
                float *c, size_t cStride);

/// The same for all columns of b [k x n], or [n x k] if `bIsTransposed`, read where it lies.
void addProduct(size_t m, size_t n, size_t k, float alpha, MatrixView a, MatrixView b,
                bool bIsTransposed, float *c, size_t cStride);

/// values[i] = exp(values[i] - offset) within 2e-7 of it, relative; 0 below the normal numbers.
void expInPlace(float *values, size_t count, float offset);
/// values[i] = 1 / (1 + exp(-values[i])).
void sigmoidInPlace(float *values, size_t count);
/// values[i] = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), x = values[i].
void geluTanhInPlace(float *values, size_t count);
/// values[i] = x / (1 + exp(-x)), x = values[i].
void siluInPlace(float *values, size_t count);

} // namespace aac::interp

#endif // AAC_LIB_INTERP_FIXEDORDER_H
