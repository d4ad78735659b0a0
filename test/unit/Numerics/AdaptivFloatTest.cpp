#include "aac/Numerics/AdaptivFloat.h"

#include <chrono>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace aac;

namespace {

constexpr AdaptivFloatFormat kEngine{8, 3};

std::vector<AdaptivFloatFormat> allFormats() {
  std::vector<AdaptivFloatFormat> formats;
  for (int bits = 4; bits <= 16; ++bits)
    for (int exponentBits = 1; exponentBits <= std::min(bits - 1, 6); ++exponentBits)
      formats.push_back({bits, exponentBits});
  return formats;
}

std::string nameOf(AdaptivFloatFormat f) {
  return "<" + std::to_string(f.bits) + "," + std::to_string(f.exponentBits) + ">";
}

TEST(AdaptivFloat, DecodesEveryEngineCodeOfEveryBias) {
  for (int bias = 0; bias != 8; ++bias)
    for (int code = 0; code != 256; ++code) {
      int field = code >> 4 & 7, mantissa = code & 15;
      double value = (code & 0x7f) == 0 ? 0
                                        : (code & 0x80 ? -1 : 1) * (1 + mantissa / 16.0) *
                                              std::pow(2.0, field + bias - 10);
      EXPECT_EQ(decodeAdaptivFloat(kEngine, bias + kEngineExponentOffset, code), value);
      EXPECT_EQ(significandAdaptivFloat8(code) * std::pow(2.0, bias - 10 - 4), value);
    }
}

// The table of reference section 2.1.
TEST(AdaptivFloat, RangeOfEachBias) {
  EXPECT_EQ(decodeAdaptivFloat(kEngine, -10, 0x7f), 0.2421875);
  EXPECT_EQ(decodeAdaptivFloat(kEngine, -10, 0x01), 1.0625 / 1024);
  EXPECT_EQ(decodeAdaptivFloat(kEngine, -5, 0x7f), 7.75);
  EXPECT_EQ(decodeAdaptivFloat(kEngine, -3, 0xff), -31.0);
  EXPECT_EQ(significandAdaptivFloat8(0x7f), 3968);
}

// The examples of docs/formats/numbers.md.
TEST(AdaptivFloat, DocumentedExamples) {
  EXPECT_EQ(encodeAdaptivFloat(kEngine, -3, 1.0), 0x30u);
  EXPECT_EQ(encodeAdaptivFloat(kEngine, -3, -1.03125), 0xb0u);
  EXPECT_EQ(encodeAdaptivFloat(kEngine, -3, 0.0664), 0u);
  EXPECT_EQ(encodeAdaptivFloat(kEngine, -3, -40.0), 0xffu);
}

TEST(AdaptivFloat, EncodeInvertsDecode) {
  for (AdaptivFloatFormat format : allFormats())
    for (int minExponent : {-40, -10, -3, 0, 5}) {
      uint32_t signBit = 1u << (format.bits - 1);
      for (uint32_t code = 0; code != 2 * signBit; ++code) {
        bool saturated = false;
        double value = decodeAdaptivFloat(format, minExponent, code);
        uint32_t expected = code == signBit ? 0 : code;
        ASSERT_EQ(encodeAdaptivFloat(format, minExponent, value, &saturated), expected)
            << nameOf(format) << " code " << code;
        ASSERT_FALSE(saturated);
      }
    }
}

// Between two neighbours: the nearer one, the even one in the middle. Mantissas of no
// bits round a tie up (the kept bit is the leading one, which is odd).
TEST(AdaptivFloat, RoundsToNearestEven) {
  for (AdaptivFloatFormat format : allFormats())
    for (uint32_t code = 1; code + 1 < 1u << (format.bits - 1); ++code) {
      double low = decodeAdaptivFloat(format, -7, code);
      double high = decodeAdaptivFloat(format, -7, code + 1);
      double middle = (low + high) / 2;
      uint32_t even = format.mantissaBits() == 0 ? code + 1 : code + (code & 1);
      uint32_t sign = 1u << (format.bits - 1);
      ASSERT_EQ(encodeAdaptivFloat(format, -7, middle), even) << nameOf(format) << code;
      ASSERT_EQ(encodeAdaptivFloat(format, -7, -middle), even | sign);
      ASSERT_EQ(encodeAdaptivFloat(format, -7, std::nextafter(middle, 0)), code);
      ASSERT_EQ(encodeAdaptivFloat(format, -7, std::nextafter(middle, 2 * high)), code + 1);
    }
}

TEST(AdaptivFloat, HalfMinimumRule) {
  for (AdaptivFloatFormat format : allFormats()) {
    uint32_t sign = 1u << (format.bits - 1);
    double vmin = decodeAdaptivFloat(format, -7, 1);
    EXPECT_EQ(encodeAdaptivFloat(format, -7, vmin / 2), 1u) << nameOf(format);
    EXPECT_EQ(encodeAdaptivFloat(format, -7, -vmin / 2), 1u | sign);
    EXPECT_EQ(encodeAdaptivFloat(format, -7, std::nextafter(vmin, 0)), 1u);
    EXPECT_EQ(encodeAdaptivFloat(format, -7, std::nextafter(vmin / 2, 0)), 0u);
    EXPECT_EQ(encodeAdaptivFloat(format, -7, -std::nextafter(vmin / 2, 0)), 0u);
  }
}

TEST(AdaptivFloat, SaturatesWithSign) {
  for (AdaptivFloatFormat format : allFormats()) {
    uint32_t sign = 1u << (format.bits - 1);
    double vmax = decodeAdaptivFloat(format, -7, sign - 1);
    bool saturated = false;
    EXPECT_EQ(encodeAdaptivFloat(format, -7, vmax, &saturated), sign - 1);
    EXPECT_FALSE(saturated);
    EXPECT_EQ(encodeAdaptivFloat(format, -7, std::nextafter(vmax, 2 * vmax), &saturated), sign - 1);
    EXPECT_TRUE(saturated);
    saturated = false;
    EXPECT_EQ(encodeAdaptivFloat(format, -7, -std::numeric_limits<double>::infinity(), &saturated),
              2 * sign - 1);
    EXPECT_TRUE(saturated);
  }
}

TEST(AdaptivFloat, NanAndZeroAreCodeZero) {
  bool saturated = false;
  EXPECT_EQ(encodeAdaptivFloat(kEngine, -10, std::nan(""), &saturated), 0u);
  EXPECT_EQ(encodeAdaptivFloat(kEngine, -10, -0.0, &saturated), 0u);
  EXPECT_FALSE(saturated);
}

void expectFixedAgrees(int64_t fixed, int fractionBits, int minExponent) {
  bool saturated = false, expectedSaturated = false;
  uint32_t expected =
      encodeAdaptivFloat(kEngine, minExponent,
                         std::ldexp(static_cast<double>(fixed), -fractionBits), &expectedSaturated);
  ASSERT_EQ(encodeAdaptivFloat8Fixed(fixed, fractionBits, minExponent, &saturated), expected)
      << fixed << " of " << fractionBits << " fraction bits, minimum exponent " << minExponent;
  ASSERT_EQ(saturated, expectedSaturated) << fixed;
}

TEST(AdaptivFloat, FixedEqualsTheRule) {
  // Every 20-bit SFU word and a dense range of shifted accumulators, every bias.
  for (int bias = 0; bias != 8; ++bias) {
    for (int64_t word = -(1 << 19); word != 1 << 19; ++word)
      expectFixedAgrees(word, 14, bias - 10);
    for (int64_t word = -200000; word <= 200000; ++word)
      expectFixedAgrees(word, 12, bias - 10);
  }
  // Any exponent that a scale can make, any 53-bit value (exact in the double).
  std::mt19937_64 random(1);
  for (int i = 0; i != 1000000; ++i) {
    int64_t fixed = static_cast<int64_t>(random()) >> (11 + random() % 53);
    expectFixedAgrees(fixed, static_cast<int>(random() % 60), static_cast<int>(random() % 80) - 50);
  }
  bool saturated = false;
  EXPECT_EQ(encodeAdaptivFloat8Fixed(std::numeric_limits<int64_t>::min(), 12, -3, &saturated),
            0xff);
  EXPECT_TRUE(saturated);
  EXPECT_EQ(encodeAdaptivFloat8Fixed(std::numeric_limits<int64_t>::min(), 12, 60), 0);
  EXPECT_EQ(encodeAdaptivFloat8Fixed(std::numeric_limits<int64_t>::max(), 0, 60), 0x30);
}

std::vector<float> trickyFloats(AdaptivFloatFormat format, int minExponent) {
  std::vector<float> values = {0.0f,
                               -0.0f,
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               std::nanf(""),
                               -std::nanf(""),
                               std::numeric_limits<float>::denorm_min(),
                               std::numeric_limits<float>::max()};
  for (uint32_t code = 0; code != 1u << format.bits; ++code) {
    double here = decodeAdaptivFloat(format, minExponent, code);
    double next = decodeAdaptivFloat(format, minExponent, code + 1);
    for (double v : {here, here / 2, (here + next) / 2}) {
      float f = static_cast<float>(v);
      values.insert(values.end(), {f, std::nextafterf(f, 0), std::nextafterf(f, 2 * f)});
    }
  }
  std::mt19937 random(2);
  std::uniform_real_distribution<float> exponents(-12, 12);
  for (int i = 0; i != 20000; ++i)
    values.push_back(std::exp2(exponents(random) + minExponent) * (i % 2 ? 1 : -1));
  return values;
}

TEST(AdaptivFloat, BulkEqualsScalar) {
  for (AdaptivFloatFormat format : allFormats()) {
    if (format.bits > 8)
      continue;
    // The last ones leave f32's normal range and take the slow way.
    for (int minExponent : {-10, -3, -40, 3, -119, -120, -140, 120, 124}) {
      std::vector<float> values = trickyFloats(format, minExponent);
      std::vector<uint8_t> codes(values.size());
      int64_t saturatedCount = 100, expectedCount = 100;
      encodeAdaptivFloat(format, minExponent, values, absl::MakeSpan(codes), &saturatedCount);
      for (size_t i = 0; i != values.size(); ++i) {
        bool saturated = false;
        ASSERT_EQ(codes[i], encodeAdaptivFloat(format, minExponent, values[i], &saturated))
            << nameOf(format) << " " << values[i] << " minimum exponent " << minExponent;
        expectedCount += saturated;
      }
      ASSERT_EQ(saturatedCount, expectedCount) << nameOf(format) << minExponent;
    }
  }
}

TEST(AdaptivFloat, RoundingIsEncodingAndDecoding) {
  for (AdaptivFloatFormat format : allFormats())
    for (int minExponent : {-10, -3, -120, -140, 112, 120}) {
      std::vector<float> values = trickyFloats(format, minExponent), rounded = values;
      roundToAdaptivFloat(format, minExponent, absl::MakeSpan(rounded));
      for (size_t i = 0; i != values.size(); ++i) {
        auto expected = static_cast<float>(decodeAdaptivFloat(
            format, minExponent, encodeAdaptivFloat(format, minExponent, values[i])));
        ASSERT_EQ(rounded[i], expected)
            << nameOf(format) << " " << values[i] << " minimum exponent " << minExponent;
        ASSERT_EQ(std::signbit(rounded[i]), std::signbit(expected)) << values[i];
      }
    }
}

TEST(AdaptivFloat, BulkDecodeEqualsScalar) {
  std::vector<uint8_t> codes(256);
  for (int i = 0; i != 256; ++i)
    codes[i] = i;
  std::vector<float> values(256);
  for (int bias = 0; bias != 8; ++bias) {
    decodeAdaptivFloat(kEngine, bias - 10, codes, absl::MakeSpan(values));
    for (int i = 0; i != 256; ++i)
      EXPECT_EQ(values[i], decodeAdaptivFloat(kEngine, bias - 10, i));
  }
}

TEST(AdaptivFloat, ChooseMinExponentIsTheSmallestWithoutSaturation) {
  for (AdaptivFloatFormat format : allFormats()) {
    std::mt19937 random(3);
    std::uniform_real_distribution<double> exponents(-20, 20);
    for (int i = 0; i != 200; ++i) {
      double max = std::exp2(exponents(random));
      int chosen = chooseMinExponent(format, max);
      bool saturated = false, saturatedBelow = false;
      encodeAdaptivFloat(format, chosen, max, &saturated);
      encodeAdaptivFloat(format, chosen - 1, max, &saturatedBelow);
      EXPECT_FALSE(saturated) << nameOf(format) << max;
      EXPECT_TRUE(saturatedBelow) << nameOf(format) << max;
    }
  }
  EXPECT_EQ(chooseMinExponent(kEngine, 1.0), -7);
  EXPECT_EQ(chooseMinExponent(kEngine, 1.9375), -7);
  EXPECT_EQ(chooseMinExponent(kEngine, 1.94), -6);
  EXPECT_EQ(chooseMinExponent(kEngine, 2.0), -6);
  EXPECT_EQ(chooseMinExponent(kEngine, 0.0), -7);
  EXPECT_EQ(chooseMinExponent(kEngine, std::nan("")), -7);
}

} // namespace
