//===- Int8.h - 8-bit integers with a scale and a zero point ----*- C++ -*-===//
//
// value = (code - zeroPoint) * scale, code and zero point in -128..127, all in f32 arithmetic:
// ONNX's QuantizeLinear and DequantizeLinear to the bit. Symmetric formats have zero point 0.
// A file's uint8 codes are these plus 128. One scale serves a whole tensor, or each index along
// one axis (a channel) has its own.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_NUMERICS_INT8_H
#define AAC_NUMERICS_INT8_H

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <cstdint>
#include <vector>

namespace aac {

inline constexpr int kInt8Min = -128, kInt8Max = 127;

/// What the codes of a tensor, or of one of its channels, stand for. `scale` is positive and
/// finite.
struct Int8Scale {
  float scale = 1;
  int zeroPoint = 0;
  friend bool operator==(Int8Scale a, Int8Scale b) {
    return a.scale == b.scale && a.zeroPoint == b.zeroPoint;
  }
};

/// round(value / scale) + zeroPoint, halves to even, saturating; NaN becomes the zero point.
/// `saturated`, if given, is set when the code would lie outside -128..127.
int8_t encodeInt8(Int8Scale scale, float value, bool *saturated = nullptr);
/// (code - zeroPoint) * scale, rounded to f32.
float decodeInt8(Int8Scale scale, int8_t code);

/// Codes of `values`, which are `scales.size()` channels along an axis that has `inner` elements
/// behind it: element i has channel (i / inner) % scales.size(). With one scale `inner` does not
/// matter. `codes` has the size of `values`. Adds the number of saturated values to
/// `*saturatedCount` if given.
void encodeInt8(absl::Span<const Int8Scale> scales, int64_t inner, absl::Span<const float> values,
                absl::Span<int8_t> codes, int64_t *saturatedCount = nullptr);
/// The inverse. `values` has the size of `codes`.
void decodeInt8(absl::Span<const Int8Scale> scales, int64_t inner, absl::Span<const int8_t> codes,
                absl::Span<float> values);

/// The scale with which values from `least` to `largest` are encoded, zero always exactly.
/// Symmetric: the larger magnitude becomes 127 or -127. Asymmetric: the range, extended to hold
/// zero, becomes -128..127. A range of zeros alone has scale 1; a scale is at least the smallest
/// normal f32. Fails if a bound is not finite or the range is empty.
absl::StatusOr<Int8Scale> chooseInt8(double least, double largest, bool symmetric);

/// The same for the values of a tensor, or for each of `channels` channels (see encodeInt8).
/// Fails, with its index and value, on the first value that is not finite.
absl::StatusOr<std::vector<Int8Scale>> chooseInt8(absl::Span<const float> values, bool symmetric,
                                                  int64_t channels = 1, int64_t inner = 1);

/// The largest magnitude that a code has: of -128 or 127, whichever is further from the zero
/// point.
double largestInt8(Int8Scale scale);

} // namespace aac

#endif // AAC_NUMERICS_INT8_H
