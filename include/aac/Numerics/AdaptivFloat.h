//===- AdaptivFloat.h - the AdaptivFloat number format ----------*- C++ -*-===//
//
// AdaptivFloat<n,e> (arXiv 1909.13271): one sign bit, e exponent bits, m = n-e-1
// mantissa bits, no denormals, no infinities. All values of a tensor share one
// exponent bias, which is not stored with the codes.
//
//   code  = sign | exponent field E (e bits) | mantissa M (m bits)
//   value = (-1)^sign * (1 + M/2^m) * 2^(E + minExponent)
//   E = 0 and M = 0 is zero for either sign, so +-2^minExponent has no code.
//
// The engine's codes are AdaptivFloat<8,3> with a bias register b in 0..7 and
// minExponent = b - 10 (reference: accelerator section 2.1). A tensor also has a
// compile-time power-of-two scale s: real value = value * 2^s. So everything that
// matters for the arithmetic is minExponent = b - 10 + s.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_NUMERICS_ADAPTIVFLOAT_H
#define AAC_NUMERICS_ADAPTIVFLOAT_H

#include "absl/types/span.h"
#include <cstdint>

namespace aac {

/// The shape of a code: `bits` in all (4..16), `exponentBits` of them exponent.
struct AdaptivFloatFormat {
  int bits = 8;
  int exponentBits = 3;
  int mantissaBits() const { return bits - exponentBits - 1; }
  int maxExponentField() const { return (1 << exponentBits) - 1; }
  friend bool operator==(AdaptivFloatFormat a, AdaptivFloatFormat b) {
    return a.bits == b.bits && a.exponentBits == b.exponentBits;
  }
};

/// The format of an engine's codes.
inline constexpr AdaptivFloatFormat kEngineFormat{8, 3};

/// Offset between the engine's bias register and the smallest exponent.
inline constexpr int kEngineExponentOffset = -10;

/// Value of `code` when the smallest exponent is `minExponent`. Exact.
double decodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, uint32_t code);

/// The one rule that makes codes everywhere, compiler and CORRECTED engine
/// alike (the paper's quantiser):
///   |v| < vmin/2 -> 0 (code 0); vmin/2 <= |v| < vmin -> +-vmin; |v| > vmax -> +-vmax;
///   else the mantissa rounded to nearest, ties to even.
/// NaN -> 0. `saturated`, if given, is set when |v| > vmax.
uint32_t encodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, double value,
                            bool *saturated = nullptr);

/// The same for many values. `codes` has the size of `values`; `format` has at most 8
/// bits. Adds the number of saturated values to `*saturatedCount` if given. Equal to
/// the scalar rule bit for bit, at well under 1 ns a value.
void encodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, absl::Span<const float> values,
                        absl::Span<uint8_t> codes, int64_t *saturatedCount = nullptr);

/// Values of many codes as f32 (exact within f32's normal range). `values` has the
/// size of `codes`; `format` has at most 8 bits.
void decodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, absl::Span<const uint8_t> codes,
                        absl::Span<float> values);

/// Replaces each value by that of its code, as f32. Equal to encoding and decoding bit for bit, at
/// well under 1 ns a value.
void roundToAdaptivFloat(AdaptivFloatFormat format, int minExponent, absl::Span<float> values);

/// encodeAdaptivFloat of fixed * 2^-fractionBits, in integers alone and for any
/// int64 `fixed`; the engine's converter for AdaptivFloat<8,3>. Inline: it is in the
/// simulator's inner loop.
inline uint8_t encodeAdaptivFloat8Fixed(int64_t fixed, int fractionBits, int minExponent,
                                        bool *saturated = nullptr) {
  if (fixed == 0)
    return 0;
  uint64_t magnitude = fixed < 0 ? ~static_cast<uint64_t>(fixed) + 1 : fixed;
  uint8_t sign = fixed < 0 ? 0x80 : 0;
  int zeros = __builtin_clzll(magnitude);
  // The exponent field; below 0 the value is under 2^minExponent.
  int field = 63 - zeros - fractionBits - minExponent;
  uint64_t normal = magnitude << zeros; // the leading one in bit 63
  if (field < 0) // the smallest code where |v| >= vmin/2 = 17/32 * 2^minExponent
    return field == -1 && normal >= (uint64_t{17} << 59) ? sign | 1 : 0;
  if (field > 7 || (field == 7 && normal > (uint64_t{31} << 59))) {
    if (saturated)
      *saturated = true;
    return sign | 0x7f;
  }
  // Five bits are kept (16..31); rounding to even carries into the field by itself.
  uint32_t kept = static_cast<uint32_t>(normal >> 59);
  uint64_t rest = normal & ((uint64_t{1} << 59) - 1);
  constexpr uint64_t half = uint64_t{1} << 58;
  uint32_t up = rest > half - (kept & 1);
  uint32_t code = (static_cast<uint32_t>(field) << 4) + kept - 16 + up;
  return sign | static_cast<uint8_t>(code + (code == 0)); // [2^minExponent, vmin) -> vmin
}

/// Signed significand of an AdaptivFloat<8,3> code, +-(16+m) << E, 0 for zero: value =
/// significand * 2^(minExponent - 4). At most 31 << 7 = 3968 in magnitude.
int32_t significandAdaptivFloat8(uint8_t code);

/// The smallest exponent that represents |max| without saturation:
/// floor(log2 max) - maxExponentField, one more where rounding `max` up would
/// exceed vmax. `max` <= 0 gives -maxExponentField.
int chooseMinExponent(AdaptivFloatFormat format, double max);

} // namespace aac

#endif // AAC_NUMERICS_ADAPTIVFLOAT_H
