//===- Sfu.cpp - layer norm, softmax and entropy in integers ---------------===//
#include "aac/Sim/Engine.h"

#include <algorithm>
#include <array>
#include <limits>

namespace aac::sim {
namespace {

/// round(2^30 * 2^(k/64)), k = 0..64.
constexpr std::array<uint32_t, 65> kPowersOfTwo = {
    1073741824u, 1085434106u, 1097253708u, 1109202018u, 1121280436u, 1133490379u, 1145833280u,
    1158310587u, 1170923762u, 1183674286u, 1196563654u, 1209593378u, 1222764986u, 1236080024u,
    1249540052u, 1263146652u, 1276901417u, 1290805962u, 1304861917u, 1319070932u, 1333434672u,
    1347954824u, 1362633090u, 1377471191u, 1392470869u, 1407633882u, 1422962010u, 1438457051u,
    1454120821u, 1469955159u, 1485961921u, 1502142985u, 1518500250u, 1535035634u, 1551751076u,
    1568648537u, 1585730000u, 1602997467u, 1620452965u, 1638098541u, 1655936265u, 1673968228u,
    1692196547u, 1710623359u, 1729250827u, 1748081133u, 1767116489u, 1786359126u, 1805811301u,
    1825475297u, 1845353420u, 1865448001u, 1885761398u, 1906295993u, 1927054196u, 1948038440u,
    1969251188u, 1990694927u, 2012372174u, 2034285470u, 2056437387u, 2078830522u, 2101467502u,
    2124350982u, 2147483648u};

constexpr int64_t kLog2E30 = 1549082005; ///< round(log2(e) * 2^30)
constexpr int64_t kLn2_28 = 186065279;   ///< round(ln(2) * 2^28)

uint64_t floorSqrt(uint64_t value) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit; bit >>= 1)
    if ((root + bit) * (root + bit) <= value)
      root += bit;
  return root;
}

/// (a * b) >> 14, half up, before saturation.
int64_t multiplyWords(int64_t a, int64_t b) { return (a * b + (1 << 13)) >> kSfuFractionBits; }

} // namespace

uint32_t expNegative(int32_t d) {
  // z = d * log2(e) with 24 fraction bits; 2^z = 2^whole * 2^fraction.
  int64_t z = -((-int64_t{d} * kLog2E30 + (1 << 19)) >> 20);
  int64_t whole = z >> 24;
  uint32_t fraction = static_cast<uint32_t>(z & ((1 << 24) - 1));
  uint32_t k = fraction >> 18, rest = fraction & ((1 << 18) - 1);
  uint64_t step = kPowersOfTwo[k + 1] - kPowersOfTwo[k];
  uint64_t power = kPowersOfTwo[k] + ((step * rest + (1 << 17)) >> 18); // 2^30..2^31
  int64_t shift = 10 - whole;                                           // to 20 fraction bits
  if (shift > 32)
    return 0;
  return static_cast<uint32_t>((power + (uint64_t{1} << (shift - 1))) >> shift);
}

int32_t inverseSqrt(uint32_t variance) {
  // n = floor(2^21/sqrt(v) + 1/2) is the largest n with (2n-1)^2 * v <= 2^44.
  uint64_t root = floorSqrt((uint64_t{1} << 44) / variance);
  return saturateSfu(static_cast<int64_t>((root + 1) / 2));
}

int32_t naturalLog(uint32_t value) {
  int exponent = 31 - __builtin_clz(value);
  // log2 of the mantissa, bit by bit: squaring doubles the logarithm.
  uint64_t mantissa = static_cast<uint64_t>(value) << (31 - exponent); // [2^31, 2^32)
  int64_t log2 = exponent - 20;
  for (int bit = 0; bit < 24; ++bit) {
    mantissa = (mantissa * mantissa) >> 31;
    log2 *= 2;
    if (mantissa >> 32) {
      mantissa >>= 1;
      ++log2;
    }
  }
  return static_cast<int32_t>((log2 * kLn2_28 + (int64_t{1} << 37)) >> 38);
}

void layerNormRow(absl::Span<const int32_t> x, absl::Span<const int32_t> gamma,
                  absl::Span<const int32_t> beta, absl::Span<int32_t> y) {
  int64_t width = static_cast<int64_t>(x.size());
  int64_t sum = 0, squares = 0;
  for (int32_t v : x) {
    sum += v;
    squares += (int64_t{v} * v) >> kSfuFractionBits;
  }
  squares = std::min<int64_t>(squares, std::numeric_limits<uint32_t>::max());
  int64_t mean = sum / width; // C++ division truncates toward zero
  int64_t variance = squares / width - ((mean * mean) >> kSfuFractionBits);
  int32_t inverse = inverseSqrt(static_cast<uint32_t>(std::max<int64_t>(variance, 1)));
  for (size_t i = 0; i < x.size(); ++i) {
    int32_t normal = saturateSfu(multiplyWords(x[i] - mean, inverse));
    int32_t scaled = saturateSfu(multiplyWords(normal, gamma[i]));
    y[i] = addWords(scaled, beta[i]);
  }
}

void softmaxRow(absl::Span<const int32_t> x, absl::Span<const int32_t> span,
                absl::Span<int32_t> p) {
  int32_t max = std::numeric_limits<int32_t>::min();
  for (size_t i = 0; i < x.size(); ++i)
    if (span[i] > 0)
      max = std::max(max, x[i]);
  uint64_t sum = 0;
  std::vector<uint64_t> weighted(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    if (span[i] <= 0)
      continue;
    uint64_t e = expNegative(x[i] - max);
    weighted[i] = (e * static_cast<uint64_t>(span[i])) >> kSfuFractionBits;
    sum += weighted[i];
  }
  sum = std::min<uint64_t>(sum, std::numeric_limits<uint32_t>::max());
  for (size_t i = 0; i < x.size(); ++i)
    p[i] =
        sum == 0 ? 0 : saturateSfu(static_cast<int64_t>(((weighted[i] << 15) + sum) / (2 * sum)));
}

int32_t entropyOfRow(absl::Span<const int32_t> x) {
  int32_t max = *std::max_element(x.begin(), x.end());
  uint64_t sum = 0, weighted = 0; // units 2^-20, 2^-34; the latter of -(x - max) e^(x - max)
  for (int32_t v : x) {
    uint64_t e = expNegative(v - max);
    sum += e;
    weighted += e * static_cast<uint64_t>(int64_t{max} - v);
  }
  int64_t mean = static_cast<int64_t>((weighted + sum / 2) / sum); // units 2^-14
  return static_cast<int32_t>((naturalLog(static_cast<uint32_t>(sum)) + mean + 8) >> 4);
}

} // namespace aac::sim
