//===- SlowEngine.h - docs/engine-arithmetic.md, slowly ---------*- C++ -*-===//
//
// Every operation of the CORRECTED engine by its definition, each step on its own, sharing
// nothing with lib/Sim: divisions that round down instead of shifts, values in f64 where they
// are exact there, tables made on the spot.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TEST_UNIT_SIM_SLOWENGINE_H
#define AAC_TEST_UNIT_SIM_SLOWENGINE_H

#include "aac/Numerics/AdaptivFloat.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace aac::sim::slow {

inline constexpr AdaptivFloatFormat kFormat{8, 3};

inline int64_t floorDivide(__int128 a, __int128 b) { // b > 0
  return static_cast<int64_t>(a >= 0 ? a / b : -((-a + b - 1) / b));
}

inline int64_t saturate(int64_t v) {
  return std::min<int64_t>(std::max<int64_t>(v, -524288), 524287);
}

inline int64_t wrap32(int64_t v) {
  return ((v + (int64_t{1} << 31)) & 0xffffffff) - (int64_t{1} << 31);
}

/// The word of a code: its value in units of 2^-14.
inline int64_t wordOf(uint8_t code, int bias) {
  return std::llround(std::ldexp(decodeAdaptivFloat(kFormat, bias - 10, code), 14));
}

/// The code of `number` * 2^-fractionBits; counts where it saturates.
inline uint8_t codeOf(double number, int fractionBits, int bias, int64_t &saturations) {
  bool saturated = false;
  uint32_t code =
      encodeAdaptivFloat(kFormat, bias - 10, std::ldexp(number, -fractionBits), &saturated);
  saturations += saturated;
  return static_cast<uint8_t>(code);
}

/// What follows an exact sum of products of significands; counts overflow and saturation.
inline uint8_t afterSum(int64_t sum, int shift, bool biasEnable, int weightBias, bool relu,
                        int outBias, int64_t &overflows, int64_t &saturations) {
  int64_t wrapped = wrap32(sum);
  overflows += wrapped != sum;
  int64_t x = floorDivide(wrapped, int64_t{1} << shift);
  if (biasEnable)
    x = wrap32(x + weightBias);
  if (relu)
    x = std::max<int64_t>(x, 0);
  return codeOf(static_cast<double>(x), 12, outBias, saturations);
}

/// Sum of products of codes' significands: the values times 2^4 at minExponent 0.
inline int64_t dotProduct(const uint8_t *a, const uint8_t *b, int64_t count) {
  static const std::vector<int64_t> significands = [] {
    std::vector<int64_t> table;
    for (uint32_t code = 0; code < 256; ++code)
      table.push_back(std::llround(decodeAdaptivFloat(kFormat, 0, code) * 16));
    return table;
  }();
  int64_t sum = 0;
  for (int64_t k = 0; k < count; ++k)
    sum += significands[a[k]] * significands[b[k]];
  return sum;
}

/// exp(d * 2^-14) in units of 2^-20, d <= 0.
inline int64_t exponential(int64_t d) {
  int64_t z = -floorDivide(static_cast<__int128>(-d) * 1549082005 + 524288, 1048576);
  int64_t whole = floorDivide(z, 16777216), fraction = z - whole * 16777216;
  auto table = [](int64_t k) { return std::llround(0x1p30L * exp2l(k / 64.0L)); };
  int64_t k = fraction / 262144, rest = fraction % 262144;
  int64_t power =
      table(k) +
      floorDivide(static_cast<__int128>(table(k + 1) - table(k)) * rest + 131072, 262144);
  if (10 - whole > 32)
    return 0;
  return floorDivide(power + (int64_t{1} << (9 - whole)), int64_t{1} << (10 - whole));
}

/// ln(s * 2^-20) in units of 2^-14: the logarithm of base 2, bit after bit.
inline int64_t logarithm(int64_t s) {
  int64_t exponent = 0;
  while (s >> (exponent + 1))
    ++exponent;
  __int128 mantissa = static_cast<__int128>(s) * (int64_t{1} << (31 - exponent));
  int64_t bits = 0;
  for (int i = 0; i < 24; ++i) {
    mantissa = mantissa * mantissa / (int64_t{1} << 31);
    bool bit = mantissa >= (static_cast<__int128>(1) << 32);
    if (bit)
      mantissa /= 2;
    bits = 2 * bits + bit;
  }
  __int128 log2 = static_cast<__int128>(exponent - 20) * 16777216 + bits;
  return floorDivide(log2 * 186065279 + (int64_t{1} << 37), int64_t{1} << 38);
}

inline std::vector<int64_t> layerNormRow(const std::vector<int64_t> &x,
                                         const std::vector<int64_t> &gamma,
                                         const std::vector<int64_t> &beta) {
  int64_t width = static_cast<int64_t>(x.size());
  __int128 sum = 0, squares = 0;
  for (int64_t v : x) {
    sum += v;
    squares += floorDivide(static_cast<__int128>(v) * v, 16384);
  }
  if (squares > 4294967295)
    squares = 4294967295;
  int64_t mean = sum >= 0 ? static_cast<int64_t>(sum / width) : -static_cast<int64_t>(-sum / width);
  int64_t variance = static_cast<int64_t>(squares / width) -
                     floorDivide(static_cast<__int128>(mean) * mean, 16384);
  variance = std::max<int64_t>(variance, 1);
  int64_t inverse = saturate(static_cast<int64_t>(std::floor(0x1p21L / sqrtl(variance) + 0.5L)));
  std::vector<int64_t> y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    y[i] = saturate(floorDivide(static_cast<__int128>(x[i] - mean) * inverse + 8192, 16384));
    y[i] = saturate(floorDivide(static_cast<__int128>(y[i]) * gamma[i] + 8192, 16384));
    y[i] = saturate(y[i] + beta[i]);
  }
  return y;
}

inline std::vector<int64_t> softmaxRow(const std::vector<int64_t> &x,
                                       const std::vector<int64_t> &span) {
  int64_t max = INT64_MIN, sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    if (span[i] > 0)
      max = std::max(max, x[i]);
  std::vector<int64_t> e(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    if (span[i] > 0)
      sum += e[i] = exponential(x[i] - max) * span[i] / 16384;
  sum = std::min<int64_t>(sum, 4294967295);
  for (int64_t &each : e)
    each = sum ? (each * 32768 + sum) / (2 * sum) : 0;
  return e;
}

/// In units of 2^-10.
inline int64_t entropyOfRow(const std::vector<int64_t> &x) {
  int64_t max = *std::max_element(x.begin(), x.end());
  __int128 sum = 0, moment = 0;
  for (int64_t v : x) {
    sum += exponential(v - max);
    moment += static_cast<__int128>(exponential(v - max)) * (max - v);
  }
  return floorDivide(logarithm(static_cast<int64_t>(sum)) + (moment + sum / 2) / sum + 8, 16);
}

/// Where element (row, column) of a matrix with `columns` columns lies in block order.
inline int64_t blockIndex(int64_t row, int64_t column, int64_t columns) {
  int64_t blocks = (columns + 15) / 16;
  return ((row / 16 * blocks + column / 16) * 16 + row % 16) * 16 + column % 16;
}

} // namespace aac::sim::slow

#endif // AAC_TEST_UNIT_SIM_SLOWENGINE_H
