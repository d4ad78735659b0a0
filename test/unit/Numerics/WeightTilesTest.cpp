#include "aac/Numerics/WeightTiles.h"
#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Numerics/Layout.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

namespace aac {
namespace {

constexpr AdaptivFloatFormat kFormat{8, 3};

TEST(WeightTiles, EveryCodeIsFoundWhereTheLayoutSays) {
  std::mt19937 random(1);
  for (auto [out, in, outGroup, inGroup, tileRows] : {std::array<int64_t, 5>{36, 36, 12, 0, 32},
                                                      {36, 36, 0, 12, 16},
                                                      {5, 52, 0, 0, 16},
                                                      {64, 48, 0, 0, 32},
                                                      {70, 17, 0, 0, 64}}) {
    WeightTileSpec spec;
    spec.outFeatures = out, spec.inFeatures = in, spec.outGroup = outGroup;
    spec.inGroup = inGroup, spec.tileRows = tileRows;
    std::vector<uint8_t> codes(out * in);
    for (uint8_t &code : codes)
      code = random() & 0xff;
    auto position = [](int64_t f, int64_t group) {
      return group ? f / group * roundUp(group, 16) + f % group : f;
    };
    int64_t found = 0;
    std::vector<std::vector<uint8_t>> tiles;
    for (int64_t t = 0; t < spec.tiles(); ++t) {
      tiles.push_back(weightTile(spec, t, codes, {}));
      EXPECT_EQ(static_cast<int64_t>(tiles.back().size()),
                spec.rowsOfTile(t) * spec.rowVectors() * 16);
    }
    for (int64_t o = 0; o < out; ++o)
      for (int64_t i = 0; i < in; ++i, ++found) {
        int64_t p = position(o, outGroup), q = position(i, inGroup);
        const auto &tile = tiles[p / tileRows];
        int64_t vector = blockVectorIndex(p % tileRows, q / 16, spec.rowVectors());
        ASSERT_EQ(tile[vector * 16 + q % 16], codes[o * in + i]);
      }
    // Nothing else is there.
    int64_t nonZero = 0, expected = 0;
    for (const auto &tile : tiles)
      for (uint8_t code : tile)
        nonZero += code != 0;
    for (uint8_t code : codes)
      expected += code != 0;
    EXPECT_EQ(nonZero, expected);
  }
}

TEST(WeightTiles, ABiasIsSplitFinerThanHalfTheSmallestCode) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> uniform(-3, 3);
  for (int round = 0; round < 2000; ++round) {
    int minExponent = -10 + static_cast<int>(random() % 5), biasExponent = random() % 4;
    double bias = uniform(random), error = 0;
    int64_t row = random() % 32;
    uint8_t lanes[16];
    splitBias(bias, row, biasExponent, minExponent, lanes, &error);
    double sum = 0;
    for (uint8_t lane : lanes)
      sum += decodeAdaptivFloat(kFormat, minExponent, lane) * std::ldexp(1.0, biasExponent);
    EXPECT_DOUBLE_EQ(std::fabs(bias - sum), error);
    double vmin = std::ldexp(1 + 1.0 / 16, minExponent + biasExponent);
    double reach = 16 * std::ldexp(1.9375, minExponent + 7 + biasExponent);
    if (std::fabs(bias) <= reach) {
      EXPECT_LE(error, vmin / 2 * 1.0001) << bias;
    }
  }
}

TEST(WeightTiles, SmallBiasesSpreadOverTheLanes) {
  WeightTileSpec spec;
  spec.outFeatures = 16, spec.inFeatures = 16, spec.hasBias = true;
  spec.biasExponent = 0, spec.minExponent = -7;
  std::vector<uint8_t> codes(256, 0);
  std::vector<float> bias(16, 1.0f); // a power of two: one code each
  std::vector<uint8_t> tile = weightTile(spec, 0, codes, bias);
  EncodedVectors encoded = encodeBitMask(tile);
  EXPECT_EQ(encoded.rows(), 1);
}

} // namespace
} // namespace aac
