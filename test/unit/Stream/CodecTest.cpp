//===- CodecTest.cpp - images near their entropy ---------------------------===//
#include "aac/Stream/Codec.h"

#include "aac/Numerics/Layout.h"
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
      EncodedRows encoded = encodeRows(codes, rows, columns);
      std::vector<uint8_t> image;
      for (uint32_t offset : encoded.offset)
        for (int shift = 0; shift < 32; shift += 8)
          image.push_back(static_cast<uint8_t>(offset >> shift));
      image.resize(roundUp(static_cast<int64_t>(image.size()), kLanes), 0);
      image.insert(image.end(), encoded.data.begin(), encoded.data.end());
      image.resize(roundUp(static_cast<int64_t>(image.size()), kLanes), 0);
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
  EXPECT_THAT(message("\x03", 3), HasSubstr("method is unknown"));
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
