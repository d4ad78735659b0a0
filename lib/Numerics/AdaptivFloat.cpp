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
  int m = format.mantissaBits();
  int64_t saturated = 0;
  // The bit pattern of a positive f32 is its exponent and mantissa in a row, as in our
  // codes: subtracting the smallest exponent and rounding away the low bits makes the
  // code. This needs both ends of the range among f32's normal numbers.
  if (minExponent < -120 || minExponent + format.maxExponentField() > 127) {
    for (size_t i = 0; i != count; ++i) {
      bool over = false;
      codes[i] = static_cast<uint8_t>(encodeAdaptivFloat(format, minExponent, values[i], &over));
      saturated += over;
    }
  } else {
    const int32_t shift = 23 - m;
    const int32_t base = (minExponent + 127) << 23;
    const int32_t halfMin =
        static_cast<int32_t>(floatBits(static_cast<float>(smallest(format, minExponent) / 2)));
    const int32_t max =
        static_cast<int32_t>(floatBits(static_cast<float>(largest(format, minExponent))));
    const int32_t maxCode = (1 << (format.bits - 1)) - 1;
    const int32_t roundDown = (1 << (shift - 1)) - 1;
    const int32_t alwaysOdd = m == 0; // the kept bit is then the leading one
    const int32_t infinity = 0x7f800000;
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
        int32_t odd = ((magnitude >> shift) & 1) | alwaysOdd;
        int32_t code = (magnitude - base + roundDown + odd) >> shift;
        code = code < 1 ? 1 : code;
        bool isOver = magnitude > max;
        bool isNan = magnitude > infinity;
        code = isOver ? maxCode : code;
        code |= static_cast<int32_t>((bits >> signShift) & signBit);
        code = ((magnitude < halfMin) | isNan) ? 0 : code;
        over += isOver & !isNan;
        out[i] = static_cast<uint8_t>(code);
      }
      saturated += over;
    }
  }
  if (saturatedCount)
    *saturatedCount += saturated;
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
