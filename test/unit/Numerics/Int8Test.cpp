//===- Int8Test.cpp - codes, scales and zero points against the obvious ---===//
#include "aac/Numerics/Int8.h"

#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace aac;

namespace {

/// The definition, case by case: the floor, then which side of the middle.
int obviousCode(Int8Scale scale, float value, bool &saturated) {
  saturated = false;
  if (std::isnan(value))
    return scale.zeroPoint;
  double quotient = value / scale.scale; // an f32 division, as ONNX has it
  if (quotient > 1000 || quotient < -1000) {
    saturated = true;
    return quotient > 0 ? 127 : -128;
  }
  int below = static_cast<int>(std::floor(quotient));
  double rest = quotient - below;
  int rounded = rest < 0.5 ? below : rest > 0.5 ? below + 1 : below % 2 == 0 ? below : below + 1;
  int code = rounded + scale.zeroPoint;
  saturated = code < -128 || code > 127;
  return code < -128 ? -128 : code > 127 ? 127 : code;
}

const std::vector<Int8Scale> kScales = {
    {1, 0},      {0.5f, 3},   {0.1f, 0},   {0.007843138f, -128},
    {0.3f, 127}, {1e-30f, 5}, {3e36f, -7}, {1.17549435e-38f, 0}};

TEST(Int8, EveryUpperHalfOfAFloatAsTheDefinitionSays) {
  for (Int8Scale scale : kScales)
    for (uint32_t high = 0; high <= 0xffff; ++high)
      for (uint32_t low : {0u, 1u, 0x8000u, 0xffffu}) {
        uint32_t bits = high << 16 | low;
        float value;
        std::memcpy(&value, &bits, sizeof(value));
        bool saturated = false, over = false;
        int wanted = obviousCode(scale, value, saturated);
        ASSERT_EQ(encodeInt8(scale, value, &over), wanted) << value << " / " << scale.scale;
        ASSERT_EQ(over, saturated) << value << " / " << scale.scale;
      }
}

TEST(Int8, HalvesGoToTheEvenInteger) {
  // Before the zero point is added: 0.5 is 0 and 1.5 is 2, whatever the zero point.
  EXPECT_EQ(encodeInt8({1, 0}, 0.5f), 0);
  EXPECT_EQ(encodeInt8({1, 0}, 1.5f), 2);
  EXPECT_EQ(encodeInt8({1, 0}, -2.5f), -2);
  EXPECT_EQ(encodeInt8({1, 1}, 0.5f), 1);
  EXPECT_EQ(encodeInt8({1, 1}, 1.5f), 3);
  EXPECT_EQ(encodeInt8({1, 0}, 127.5f), 127);
}

TEST(Int8, EveryCodeOfEveryZeroPointComesBack) {
  for (float scale : {1.0f, 0.1f, 0.007843138f, 3e36f / 300, 1.17549435e-38f})
    for (int zero = -128; zero <= 127; ++zero)
      for (int code = -128; code <= 127; ++code) {
        float value = decodeInt8({scale, zero}, static_cast<int8_t>(code));
        ASSERT_EQ(value, static_cast<float>(code - zero) * scale);
        bool saturated = false;
        ASSERT_EQ(encodeInt8({scale, zero}, value, &saturated), code) << scale << " " << zero;
        ASSERT_FALSE(saturated);
      }
}

TEST(Int8, WhatIsNoNumber) {
  EXPECT_EQ(encodeInt8({1, 5}, NAN), 5);
  EXPECT_EQ(encodeInt8({1, 5}, INFINITY), 127);
  EXPECT_EQ(encodeInt8({1, 5}, -INFINITY), -128);
}

TEST(Int8, ChannelsAlongAnyAxis) {
  // 2 x 3 x 2: channels along the middle axis have 2 elements behind them.
  std::vector<Int8Scale> scales = {{1, 0}, {2, 1}, {4, -1}};
  std::vector<float> values(12);
  for (int i = 0; i < 12; ++i)
    values[i] = static_cast<float>(4 * i - 20);
  std::vector<int8_t> codes(12);
  int64_t saturated = 0;
  encodeInt8(scales, 2, values, absl::MakeSpan(codes), &saturated);
  std::vector<float> back(12);
  decodeInt8(scales, 2, codes, absl::MakeSpan(back));
  for (int i = 0; i < 12; ++i) {
    Int8Scale scale = scales[i / 2 % 3];
    EXPECT_EQ(codes[i], encodeInt8(scale, values[i])) << i;
    EXPECT_EQ(back[i], values[i]) << i;
  }
  EXPECT_EQ(saturated, 0);
}

TEST(Int8, SaturatedValuesAreCounted) {
  std::vector<float> values = {127, 127.4f, 128, -128, -129, 1e30f, -INFINITY, NAN};
  std::vector<int8_t> codes(values.size());
  int64_t saturated = 7;
  encodeInt8({{1, 0}}, 1, values, absl::MakeSpan(codes), &saturated);
  EXPECT_EQ(codes, (std::vector<int8_t>{127, 127, 127, -128, -128, 127, -128, 0}));
  EXPECT_EQ(saturated, 7 + 4);
}

Int8Scale chosen(double least, double largest, bool symmetric) {
  absl::StatusOr<Int8Scale> scale = chooseInt8(least, largest, symmetric);
  EXPECT_TRUE(scale.ok()) << scale.status();
  return scale.ok() ? *scale : Int8Scale{};
}

TEST(Int8, ChosenScales) {
  EXPECT_EQ(chosen(-1, 2, true), (Int8Scale{2.0f / 127, 0}));
  EXPECT_EQ(chosen(-254, 2, true), (Int8Scale{2, 0}));
  EXPECT_EQ(chosen(-128, 127, false), (Int8Scale{1, 0}));
  EXPECT_EQ(chosen(0, 255, false), (Int8Scale{1, -128}));
  EXPECT_EQ(chosen(-255, -3, false), (Int8Scale{1, 127})); // all negative: extended to zero
  EXPECT_EQ(chosen(51, 51, false), (Int8Scale{0.2f, -128}));
  EXPECT_EQ(chosen(0, 0, true), (Int8Scale{1, 0}));
  EXPECT_EQ(chosen(0, 0, false), (Int8Scale{1, -128}));
  EXPECT_EQ(chosen(0, 1e-44, true).scale, std::numeric_limits<float>::min());
  float most = std::numeric_limits<float>::max();
  EXPECT_EQ(encodeInt8(chosen(-most, most, false), most), 127);
  EXPECT_EQ(encodeInt8(chosen(-most, most, true), -most), -127);
}

TEST(Int8, ChosenScalesHoldTheirRange) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> magnitude(-20, 20), sign(-1, 1);
  for (int i = 0; i < 20000; ++i) {
    float a = sign(random) * std::exp2(magnitude(random));
    float b = sign(random) * std::exp2(magnitude(random));
    if (a > b)
      std::swap(a, b);
    for (bool symmetric : {false, true}) {
      Int8Scale scale = chosen(a, b, symmetric);
      for (float value : {a, b, (a + b) / 2, 0.0f}) {
        bool over = false;
        float back = decodeInt8(scale, encodeInt8(scale, value, &over));
        // The zero point is rounded too, so an end may lie half a step outside.
        ASSERT_LE(std::fabs(back - value), (symmetric ? 0.5001f : 1.001f) * scale.scale)
            << a << " to " << b << ": " << value;
        ASSERT_FALSE(symmetric && over);
      }
      ASSERT_EQ(decodeInt8(scale, encodeInt8(scale, 0)), 0);
    }
  }
}

TEST(Int8, ChannelsHaveTheirOwnRange) {
  std::vector<float> values = {1, 127, 0, 0, -254, 3}; // 3 x 2
  auto rows = chooseInt8(values, true, 3, 2);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(*rows, (std::vector<Int8Scale>{{1, 0}, {1, 0}, {2, 0}}));
  auto columns = chooseInt8(values, true, 2, 1);
  ASSERT_TRUE(columns.ok());
  EXPECT_EQ(*columns, (std::vector<Int8Scale>{{2, 0}, {1, 0}}));
  auto whole = chooseInt8(values, false);
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(*whole, (std::vector<Int8Scale>{{381.0f / 255, 42}}));
  EXPECT_EQ(chooseInt8({}, false)->size(), 1u);
}

TEST(Int8, WhatHasNoScale) {
  EXPECT_EQ(chooseInt8({1, 2, NAN}, true).status().message(),
            "element 2 is nan, which no 8-bit integer stands for");
  EXPECT_EQ(chooseInt8({1, -INFINITY}, false).status().message(),
            "element 1 is -inf, which no 8-bit integer stands for");
  EXPECT_EQ(chooseInt8(2, 1, false).status().message(),
            "no 8-bit integers hold values from 2 to 1");
  EXPECT_FALSE(chooseInt8(0, INFINITY, true).ok());
  EXPECT_FALSE(chooseInt8(NAN, 1, true).ok());
}

TEST(Int8, LargestMagnitude) {
  EXPECT_EQ(largestInt8({0.5f, 0}), 64);
  EXPECT_EQ(largestInt8({2, -128}), 510);
  EXPECT_EQ(largestInt8({2, 100}), 456);
}

} // namespace
