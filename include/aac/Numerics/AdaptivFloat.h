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

/// encodeAdaptivFloat of fixed * 2^-fractionBits, in integers alone and for any
/// int64 `fixed`; the engine's converter for AdaptivFloat<8,3>.
uint8_t encodeAdaptivFloat8Fixed(int64_t fixed, int fractionBits, int minExponent,
                                 bool *saturated = nullptr);

/// Signed significand of an AdaptivFloat<8,3> code, +-(16+m) << E, 0 for zero: value =
/// significand * 2^(minExponent - 4). At most 31 << 7 = 3968 in magnitude.
int32_t significandAdaptivFloat8(uint8_t code);

/// The smallest exponent that represents |max| without saturation:
/// floor(log2 max) - maxExponentField, one more where rounding `max` up would
/// exceed vmax. `max` <= 0 gives -maxExponentField.
int chooseMinExponent(AdaptivFloatFormat format, double max);

} // namespace aac

#endif // AAC_NUMERICS_ADAPTIVFLOAT_H
