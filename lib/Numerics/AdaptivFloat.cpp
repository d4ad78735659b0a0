#include "aac/Numerics/AdaptivFloat.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace aac {
namespace {

uint32_t floatBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// (2^mantissaBits + mantissa) * 2^(exponent - mantissaBits).
double scaled(AdaptivFloatFormat format, int mantissa, int exponent) {
  int m = format.mantissaBits();
  return std::ldexp(static_cast<double>((1 << m) + mantissa), exponent - m);
}

double smallest(AdaptivFloatFormat format, int minExponent) {
  return scaled(format, 1, minExponent);
}

double largest(AdaptivFloatFormat format, int minExponent) {
  return scaled(format, (1 << format.mantissaBits()) - 1, minExponent + format.maxExponentField());
}

/// The rule on the bit patterns of f32: a positive one is its exponent and mantissa in a row, as in
/// our codes, so subtracting the smallest exponent and rounding away the low bits makes the code.
struct OnBits {
  /// True if both ends of the range are among f32's normal numbers, as this needs.
  static bool fits(AdaptivFloatFormat format, int minExponent) {
    return minExponent >= -120 && minExponent + format.maxExponentField() <= 127;
  }
  OnBits(AdaptivFloatFormat format, int minExponent)
      : shift(23 - format.mantissaBits()), base((minExponent + 127) << 23),
        halfMin(bitsOf(smallest(format, minExponent) / 2)),
        max(bitsOf(largest(format, minExponent))), maxCode((1 << (format.bits - 1)) - 1),
        roundDown((1 << (shift - 1)) - 1), alwaysOdd(format.mantissaBits() == 0) {}

  /// The code of a `magnitude` that is not isZero().
  int32_t code(int32_t magnitude) const {
    int32_t odd = ((magnitude >> shift) & 1) | alwaysOdd;
    int32_t code = (magnitude - base + roundDown + odd) >> shift;
    code = code < 1 ? 1 : code;
    return magnitude > max ? maxCode : code;
  }
  bool isNan(int32_t magnitude) const { return magnitude > 0x7f800000; }
  bool isZero(int32_t magnitude) const { return (magnitude < halfMin) | isNan(magnitude); }
  bool isOver(int32_t magnitude) const { return (magnitude > max) & !isNan(magnitude); }

  const int32_t shift, base;

private:
  static int32_t bitsOf(double value) {
    return static_cast<int32_t>(floatBits(static_cast<float>(value)));
  }
  const int32_t halfMin, max, maxCode, roundDown;
  const int32_t alwaysOdd; ///< without mantissa the kept bit is the leading one
};

} // namespace

double decodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, uint32_t code) {
  int m = format.mantissaBits();
  uint32_t magnitude = code & ((1u << (format.bits - 1)) - 1);
  if (magnitude == 0)
    return 0.0;
  double value =
      scaled(format, magnitude & ((1u << m) - 1), minExponent + static_cast<int>(magnitude >> m));
  return (code >> (format.bits - 1)) & 1 ? -value : value;
}

uint32_t encodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, double value,
                            bool *saturated) {
  if (std::isnan(value))
    return 0;
  int m = format.mantissaBits();
  uint32_t sign = std::signbit(value) ? 1u << (format.bits - 1) : 0;
  double magnitude = std::fabs(value);
  if (magnitude > largest(format, minExponent)) {
    if (saturated)
      *saturated = true;
    return sign | ((1u << (format.bits - 1)) - 1);
  }
  double vmin = smallest(format, minExponent);
  if (magnitude < vmin / 2)
    return 0;
  if (magnitude < vmin)
    return sign | 1;
  // magnitude = fraction * 2^exponent with fraction in [1/2, 1): keep m + 1 bits.
  int exponent;
  double fraction = std::ldexp(std::frexp(magnitude, &exponent), m + 1);
  uint32_t kept = static_cast<uint32_t>(fraction);
  double rest = fraction - kept;
  kept += rest > 0.5 || (rest == 0.5 && (kept & 1));
  // A carry out of the mantissa moves into the exponent field by itself.
  uint32_t field = static_cast<uint32_t>(exponent - 1 - minExponent);
  return sign | ((field << m) + kept - (1u << m));
}

void encodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, absl::Span<const float> values,
                        absl::Span<uint8_t> codes, int64_t *saturatedCount) {
  size_t count = std::min(values.size(), codes.size());
  int64_t saturated = 0;
  if (!OnBits::fits(format, minExponent)) {
    for (size_t i = 0; i != count; ++i) {
      bool over = false;
      codes[i] = static_cast<uint8_t>(encodeAdaptivFloat(format, minExponent, values[i], &over));
      saturated += over;
    }
  } else {
    const OnBits rule(format, minExponent);
    const int signShift = 32 - format.bits;
    const uint32_t signBit = 1u << (format.bits - 1);
    const float *in = values.data();
    uint8_t *out = codes.data();
    constexpr size_t block = 4096; // keeps the counter in 32 bits
    for (size_t begin = 0; begin < count; begin += block) {
      size_t end = std::min(count, begin + block);
      int32_t over = 0;
      for (size_t i = begin; i != end; ++i) {
        uint32_t bits = floatBits(in[i]);
        int32_t magnitude = static_cast<int32_t>(bits & 0x7fffffff);
        int32_t code = rule.code(magnitude);
        code |= static_cast<int32_t>((bits >> signShift) & signBit);
        over += rule.isOver(magnitude);
        out[i] = static_cast<uint8_t>(rule.isZero(magnitude) ? 0 : code);
      }
      saturated += over;
    }
  }
  if (saturatedCount)
    *saturatedCount += saturated;
}

void roundToAdaptivFloat(AdaptivFloatFormat format, int minExponent, absl::Span<float> values) {
  if (!OnBits::fits(format, minExponent)) {
    for (float &value : values)
      value = static_cast<float>(
          decodeAdaptivFloat(format, minExponent, encodeAdaptivFloat(format, minExponent, value)));
    return;
  }
  const OnBits rule(format, minExponent);
  for (float &value : values) {
    uint32_t bits = floatBits(value);
    int32_t magnitude = static_cast<int32_t>(bits & 0x7fffffff);
    uint32_t rounded = static_cast<uint32_t>(rule.base + (rule.code(magnitude) << rule.shift));
    rounded = rule.isZero(magnitude) ? 0 : rounded | (bits & 0x80000000);
    std::memcpy(&value, &rounded, sizeof(value));
  }
}

void decodeAdaptivFloat(AdaptivFloatFormat format, int minExponent, absl::Span<const uint8_t> codes,
                        absl::Span<float> values) {
  std::array<float, 256> table;
  for (uint32_t code = 0; code != table.size(); ++code)
    table[code] = static_cast<float>(decodeAdaptivFloat(format, minExponent, code));
  size_t count = std::min(values.size(), codes.size());
  for (size_t i = 0; i != count; ++i)
    values[i] = table[codes[i]];
}

int32_t significandAdaptivFloat8(uint8_t code) {
  int32_t magnitude = code & 0x7f;
  if (magnitude == 0)
    return 0;
  int32_t value = (16 + (magnitude & 15)) << (magnitude >> 4);
  return code & 0x80 ? -value : value;
}

int chooseMinExponent(AdaptivFloatFormat format, double max) {
  if (!(max > 0))
    return -format.maxExponentField();
  int exponent;
  std::frexp(std::min(max, std::numeric_limits<double>::max()), &exponent);
  int minExponent = exponent - 1 - format.maxExponentField();
  return max > largest(format, minExponent) ? minExponent + 1 : minExponent;
}

} // namespace aac
