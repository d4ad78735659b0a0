//===- CodecTest.cpp - images near their entropy ---------------------------===//
#include "aac/Stream/Codec.h"

#include "aac/Numerics/Layout.h"
#include "aac/Numerics/WeightTiles.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace aac;
using testing::HasSubstr;

namespace {

std::vector<uint8_t> bell(size_t count, double width, uint32_t seed = 1) {
  std::mt19937 draw(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t &byte : bytes) {
    // A sum of draws, because std::normal_distribution differs between libraries.
    double sum = 0;
    for (int i = 0; i < 12; ++i)
      sum += static_cast<double>(draw() >> 8) / (1 << 24);
    byte = static_cast<uint8_t>(std::lround((sum - 6) * width));
  }
  return bytes;
}

std::vector<uint8_t> roundTrip(const std::vector<uint8_t> &bytes) {
  std::string coded = encodeEntropy(bytes);
  EXPECT_LE(coded.size(), bytes.size() + 1);
  EXPECT_EQ(coded, encodeEntropy(bytes));
  auto decoded = decodeEntropy(coded, bytes.size());
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  return decoded.ok() ? *decoded : std::vector<uint8_t>();
}

/// Codes of which so many percent are zero.
std::vector<uint8_t> pruned(size_t count, int percent, uint32_t seed = 1) {
  std::vector<uint8_t> codes = bell(count, 20, seed);
  for (size_t i = 0; i < count; ++i)
    if ((codes[i] & 0x7f) == 0)
      codes[i] = 1;
  std::mt19937 draw(seed + 1);
  for (uint8_t &code : codes)
    if (draw() % 100 < static_cast<uint32_t>(percent))
      code = 0;
  return codes;
}

/// A table of bit-masked rows, as aac-encode stores it.
std::vector<uint8_t> tableImage(const std::vector<uint8_t> &codes, int64_t rows, int64_t columns) {
  EncodedRows encoded = encodeRows(codes, rows, columns);
  std::vector<uint8_t> image;
  for (uint32_t offset : encoded.offset)
    for (int shift = 0; shift < 32; shift += 8)
      image.push_back(static_cast<uint8_t>(offset >> shift));
  image.resize(roundUp(static_cast<int64_t>(image.size()), kLanes), 0);
  image.insert(image.end(), encoded.data.begin(), encoded.data.end());
  image.resize(roundUp(static_cast<int64_t>(image.size()), kLanes), 0);
  return image;
}

/// A weight, as aac-encode stores it: of each repetition all masks (none if `dense`), then all
/// data, whose rows are those of the longest repetition. `codes` has one tensor a repetition.
std::vector<uint8_t> weightImage(const WeightTileSpec &spec,
                                 const std::vector<std::vector<uint8_t>> &codes, bool dense) {
  std::vector<float> bias(static_cast<size_t>(spec.outFeatures));
  for (size_t i = 0; i < bias.size(); ++i)
    bias[i] = static_cast<float>(i * 7919 % 1000) / 4000 - 0.125f;
  std::vector<std::vector<EncodedVectors>> tiles;
  std::vector<size_t> most(static_cast<size_t>(spec.tiles()), 0);
  for (const std::vector<uint8_t> &mine : codes) {
    tiles.emplace_back();
    for (int64_t t = 0; t < spec.tiles(); ++t) {
      std::vector<uint8_t> tile =
          weightTile(spec, t, mine, spec.hasBias ? bias : std::vector<float>());
      tiles.back().push_back(dense ? EncodedVectors{{}, tile} : encodeBitMask(tile));
      size_t &size = most[static_cast<size_t>(t)];
      size = std::max(size, tiles.back().back().data.size());
    }
  }
  std::vector<uint8_t> image;
  for (const std::vector<EncodedVectors> &repetition : tiles) {
    for (const EncodedVectors &tile : repetition)
      for (uint16_t mask : tile.mask) {
        image.push_back(static_cast<uint8_t>(mask));
        image.push_back(static_cast<uint8_t>(mask >> 8));
      }
    for (size_t t = 0; t < repetition.size(); ++t) {
      size_t end = image.size() + most[t];
      image.insert(image.end(), repetition[t].data.begin(), repetition[t].data.end());
      image.resize(end, 0);
    }
  }
  return image;
}

WeightTileSpec weightSpec(int64_t out, int64_t in, int64_t tileRows, bool hasBias) {
  WeightTileSpec spec;
  spec.outFeatures = out;
  spec.inFeatures = in;
  spec.tileRows = tileRows;
  spec.hasBias = hasBias;
  spec.biasExponent = -3;
  spec.minExponent = -7;
  return spec;
}

double entropyBytes(const std::vector<uint8_t> &codes) {
  return orderZeroEntropy(codes) * static_cast<double>(codes.size()) / 8;
}

} // namespace

TEST(Codec, RoundTripsOfEveryLengthAndContent) {
  for (size_t length : {0, 1, 2, 3, 15, 1023, 1024, 1025, 2048, 70001}) {
    std::vector<uint8_t> zeros(length, 0), ramp(length), two(length);
    for (size_t i = 0; i < length; ++i) {
      ramp[i] = static_cast<uint8_t>(i * 7);
      two[i] = i % 1000 == 999 ? 255 : 3;
    }
    for (const auto &bytes : {zeros, ramp, two, bell(length, 20), bell(length, 0.3)})
      EXPECT_EQ(roundTrip(bytes), bytes) << length;
  }
}

TEST(Codec, WithinTwoPercentOfTheEntropy) {
  for (double width : {3.0, 12.0, 40.0}) {
    std::vector<uint8_t> bytes = bell(300000, width);
    double entropy = orderZeroEntropy(bytes) * static_cast<double>(bytes.size()) / 8;
    EXPECT_LT(static_cast<double>(encodeEntropy(bytes).size()), 1.01 * entropy) << width;
  }
  // Masks in front of codes: each has its own table, so that the whole is below its order-0
  // entropy, within two percent of the parts'.
  std::vector<uint8_t> masks = bell(100000, 90), codes = bell(250000, 6, 2), both = masks;
  both.insert(both.end(), codes.begin(), codes.end());
  double parts = (orderZeroEntropy(masks) * 100000 + orderZeroEntropy(codes) * 250000) / 8;
  double coded = static_cast<double>(encodeEntropy(both).size());
  EXPECT_LT(coded, 1.02 * parts);
  EXPECT_LT(coded, orderZeroEntropy(both) * 350000 / 8);
  EXPECT_EQ(roundTrip(both), both);
}

TEST(Codec, TablesOfBitMaskedRowsLoseTheirOffsets) {
  for (int64_t columns : {16, 40, 128})
    for (int64_t rows : {3, 200}) {
      std::vector<uint8_t> codes = bell(rows * columns, 6);
      for (size_t i = 0; i < codes.size(); ++i)
        if (i * 7919 % 100 < 60)
          codes[i] = 0;
      std::vector<uint8_t> image = tableImage(codes, rows, columns);
      EXPECT_EQ(roundTrip(image), image);
      std::string coded = encodeEntropy(image);
      if (rows == 200) {
        EXPECT_EQ(coded[0], 2);
        double entropy = orderZeroEntropy(codes) * static_cast<double>(codes.size()) / 8;
        if (columns == 128) { // 16 kB of codes, whose frequencies take 2 % of them
          EXPECT_LT(static_cast<double>(coded.size()), 1.04 * entropy);
        }
      }
      // One wrong offset, and it is no table.
      std::vector<uint8_t> other = image;
      other[5] ^= 1;
      EXPECT_EQ(roundTrip(other), other);
      EXPECT_NE(encodeEntropy(other)[0], 2);
      for (size_t i = 1; i < 13 && coded[0] == 2; ++i) { // the shape
        std::string damaged = coded;
        damaged[i] = static_cast<char>(damaged[i] ^ 4);
        EXPECT_FALSE(decodeEntropy(damaged, image.size()).ok()) << i;
      }
      EXPECT_FALSE(decodeEntropy(coded, image.size() + 16).ok());
      EXPECT_FALSE(decodeEntropy(coded.substr(0, 7), image.size()).ok());
    }
}

TEST(Codec, WeightsOfEveryFormRoundTrip) {
  for (int64_t tileRows : {16, 32, 48, 64})
    for (int64_t out : {16, 160})
      for (int64_t in : {16, 40, 128})
        for (size_t repetitions : {1, 3})
          for (bool hasBias : {false, true})
            for (int zeros : {0, 50, 95}) {
              std::vector<std::vector<uint8_t>> codes;
              for (size_t r = 0; r < repetitions; ++r)
                codes.push_back(
                    pruned(static_cast<size_t>(out * in), zeros, static_cast<uint32_t>(r)));
              WeightTileSpec spec = weightSpec(out, in, std::min(tileRows, out), hasBias);
              for (bool dense : {false, true}) {
                std::vector<uint8_t> image = weightImage(spec, codes, dense);
                EXPECT_EQ(roundTrip(image), image);
                if (in == 128 && zeros == 50 && !dense) {
                  EXPECT_EQ(encodeEntropy(image)[0], 3)
                      << out << "x" << in << " in tiles of " << tileRows << ", " << repetitions;
                }
              }
            }
}

TEST(Codec, WeightsAreWithinTwoPercentOfTheirEntropy) {
  for (int zeros : {0, 50, 80})
    for (bool dense : {false, true})
      for (size_t repetitions : {1, 3}) {
        std::vector<std::vector<uint8_t>> codes;
        codes.reserve(repetitions);
        double entropy = 0;
        for (size_t r = 0; r < repetitions; ++r) {
          codes.push_back(pruned(400 * 720, zeros, static_cast<uint32_t>(r)));
          entropy += entropyBytes(codes.back());
        }
        // Biases are no weights: the fewer of these are left, the more they count.
        std::vector<uint8_t> image =
            weightImage(weightSpec(400, 720, 64, zeros < 80), codes, dense);
        std::string coded = encodeEntropy(image);
        EXPECT_EQ(roundTrip(image), image);
        EXPECT_LT(static_cast<double>(coded.size()), 1.02 * entropy)
            << zeros << " % zeros, " << (dense ? "dense, " : "") << repetitions;
      }
}

TEST(Codec, WhatOnlyLooksLikeAWeightRoundTrips) {
  std::vector<uint8_t> image =
      weightImage(weightSpec(160, 128, 64, true), {pruned(160 * 128, 50)}, false);
  ASSERT_EQ(encodeEntropy(image)[0], 3);
  for (size_t at = 0; at < image.size(); at += 37)
    for (uint8_t value : {0x00, 0x01, 0x80, 0xff}) {
      std::vector<uint8_t> other = image;
      other[at] = value;
      ASSERT_EQ(roundTrip(other), other) << at;
    }
  image.resize(image.size() + 16, 0);
  EXPECT_EQ(roundTrip(image), image);
  image.push_back(1);
  EXPECT_EQ(roundTrip(image), image);
}

TEST(Codec, WhatCannotShrinkStaysPlain) {
  std::vector<uint8_t> bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(i);
  std::string coded = encodeEntropy(bytes);
  EXPECT_EQ(coded.size(), 1001u);
  EXPECT_EQ(coded[0], 0);
  EXPECT_EQ(roundTrip(bytes), bytes);
}

TEST(Codec, DamageIsToldAndNeverACrash) {
  std::vector<uint8_t> bytes = bell(5000, 9);
  std::string coded = encodeEntropy(bytes);
  ASSERT_EQ(coded[0], 1);
  auto message = [](absl::string_view text, uint64_t size) {
    return std::string(decodeEntropy(text, size).status().message());
  };
  EXPECT_THAT(message("", 3), HasSubstr("method is unknown"));
  EXPECT_THAT(message("\x04", 3), HasSubstr("method is unknown"));
  EXPECT_THAT(message(std::string("\0abc", 4), 4), HasSubstr("3 plain bytes where 4 are due"));
  EXPECT_THAT(message("\x01\x08", 3), HasSubstr("too many tables"));
  EXPECT_THAT(message(coded.substr(0, 20), 5000), HasSubstr("a table is cut off"));
  EXPECT_THAT(message(coded.substr(0, coded.size() - 1), 5000), HasSubstr("end too early"));
  EXPECT_THAT(message(coded + "x", 5000), HasSubstr("do not end where they should"));
  EXPECT_THAT(message(coded, 4999), HasSubstr("do not end where they should"));
  // A size that the input cannot have is refused before memory is asked for.
  EXPECT_THAT(message(coded, uint64_t{1} << 60), HasSubstr("segments are cut off"));
  for (size_t i = 0; i < coded.size(); ++i)
    for (int bit : {0, 5}) {
      std::string damaged = coded;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      auto decoded = decodeEntropy(damaged, bytes.size());
      EXPECT_FALSE(decoded.ok() && *decoded == bytes) << "byte " << i;
    }
}

TEST(Codec, WrongShapesAreTold) {
  auto message = [](absl::string_view text, uint64_t size) {
    return std::string(decodeEntropy(text, size).status().message());
  };
  for (bool dense : {false, true}) {
    std::vector<uint8_t> image =
        weightImage(weightSpec(160, 128, 64, true), {pruned(160 * 128, dense ? 0 : 50)}, dense);
    std::string coded = encodeEntropy(image);
    ASSERT_EQ(coded[0], 3);
    EXPECT_THAT(message(coded.substr(0, 20), image.size()), HasSubstr("the shape is cut off"));
    for (uint64_t size :
         {image.size() + 16, image.size() - 16, image.size() - 1, 16 * image.size()})
      EXPECT_THAT(message(coded, size),
                  HasSubstr("masks, codes and size of a weight do not agree"));
    auto with = [&](size_t at, char value) {
      std::string other = coded;
      other[at] = value;
      return message(other, image.size());
    };
    EXPECT_THAT(with(13, 1), HasSubstr("the shape of a weight is none")); // vectors a row
    EXPECT_THAT(with(13, 30), HasSubstr("of a weight do not agree"));
    if (!dense) {
      EXPECT_THAT(with(1, 0), HasSubstr("the shape of a weight is none")); // repetitions
      EXPECT_THAT(with(4, 1), HasSubstr("the shape of a weight is none"));
      EXPECT_THAT(with(9, 17), HasSubstr("of a weight do not agree")); // words of a tile
    }
  }
  std::vector<uint8_t> table = tableImage(pruned(200 * 40, 60), 200, 40);
  std::string coded = encodeEntropy(table);
  ASSERT_EQ(coded[0], 2);
  EXPECT_THAT(message(coded.substr(0, 9), table.size()), HasSubstr("the shape is cut off"));
  EXPECT_THAT(message(coded, table.size() + 16), HasSubstr("of a table do not agree"));
  coded[5] = 0; // words a row
  EXPECT_THAT(message(coded, table.size()), HasSubstr("the shape of a table is none"));
}

// What a file may do to a decoder: any change ends in an error or in as many bytes as were asked
// for, never outside of memory (which sanitizers see).
TEST(Codec, RandomDamageIsSafe) {
  std::vector<std::vector<uint8_t>> images = {
      bell(5000, 9), tableImage(pruned(200 * 40, 60), 200, 40),
      weightImage(weightSpec(160, 128, 64, true), {pruned(160 * 128, 50)}, false),
      weightImage(weightSpec(80, 40, 48, true), {pruned(3200, 70), pruned(3200, 60, 2)}, false),
      weightImage(weightSpec(160, 128, 64, true), {pruned(160 * 128, 0)}, true)};
  std::string methods;
  std::mt19937 draw(static_cast<uint32_t>(images.size()));
  for (const std::vector<uint8_t> &image : images) {
    std::string coded = encodeEntropy(image);
    methods += static_cast<char>('0' + coded[0]);
    for (int trial = 0; trial < 1000; ++trial) {
      std::string damaged = coded;
      uint64_t size = image.size();
      // Most of it at the front, where shapes and tables are.
      size_t range = trial % 2 ? damaged.size() : 64;
      for (uint32_t changes = draw() % 4 + 1; changes > 0; --changes)
        damaged[draw() % range] ^= static_cast<char>(1u << draw() % 8);
      if (trial % 5 == 0)
        damaged.resize(draw() % damaged.size());
      if (trial % 7 == 0)
        damaged.insert(draw() % (damaged.size() + 1), draw() % 40, static_cast<char>(draw()));
      if (trial % 11 == 0)
        size = draw() % (4 * image.size());
      auto decoded = decodeEntropy(damaged, size);
      if (decoded.ok()) {
        EXPECT_EQ(decoded->size(), size);
      } else {
        EXPECT_THAT(std::string(decoded.status().message()),
                    testing::StartsWith("the coded bytes are damaged: "));
      }
    }
  }
  EXPECT_EQ(methods, "12333");
}
