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

namespace aac::interp {

/// A matrix in row-major order; `stride` elements from row to row.
struct MatrixView {
  const float *data;
  size_t stride;
};

/// c [m x n, rows `cStride` apart] += alpha * a [m x k] * b' where b is [n x k] if `bIsTransposed`,
/// else [k x n]. Sums run over k in blocks of 256.
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
