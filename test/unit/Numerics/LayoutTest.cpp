#include "aac/Numerics/Layout.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

using namespace aac;
using testing::HasSubstr;

namespace {

/// `count` codes of which a share `sparsity` is zero (0x00, now and then 0x80).
std::vector<uint8_t> randomCodes(size_t count, double sparsity, unsigned seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution zero(sparsity);
  std::vector<uint8_t> codes(count);
  for (uint8_t &code : codes) {
    code = static_cast<uint8_t>(random());
    if (zero(random))
      code = random() % 8 ? 0x00 : 0x80;
  }
  return codes;
}

/// What a decoder gives back: both zero codes become 0x00.
std::vector<uint8_t> withoutNegativeZero(std::vector<uint8_t> codes) {
  for (uint8_t &code : codes)
    if (code == 0x80)
      code = 0;
  return codes;
}

TEST(Layout, BlockOrderOfASmallMatrix) {
  // 17 x 18: two row blocks of two column blocks.
  std::vector<uint8_t> matrix(17 * 18);
  for (int r = 0; r != 17; ++r)
    for (int c = 0; c != 18; ++c)
      matrix[r * 18 + c] = r * 8 + c;
  std::vector<uint8_t> blocks = toBlockOrder(matrix, 17, 18);
  ASSERT_EQ(blocks.size(), 32u * 32u);
  EXPECT_EQ(blocks[0], matrix[0]);
  EXPECT_EQ(blocks[16], matrix[18]);       // row 1 of the first tile
  EXPECT_EQ(blocks[256 + 1], matrix[17]);  // the second column block
  EXPECT_EQ(blocks[256 + 2], 0);           // its padding
  EXPECT_EQ(blocks[512], matrix[16 * 18]); // the second row block
  EXPECT_EQ(blockVectorIndex(16, 1, 2), 48);
  EXPECT_EQ(blocks[48 * 16 + 1], matrix[16 * 18 + 17]);
}

TEST(Layout, BlockOrderRoundTrips) {
  for (auto [rows, columns] : {std::pair<int, int>{1, 1}, {16, 16}, {15, 33}, {48, 7}, {0, 5}}) {
    std::vector<uint8_t> matrix = randomCodes(rows * columns, 0.3, rows);
    std::vector<uint8_t> blocks = toBlockOrder(matrix, rows, columns);
    EXPECT_EQ(blocks.size(), size_t(roundUp(rows, 16) * roundUp(columns, 16)));
    EXPECT_EQ(fromBlockOrder(blocks, rows, columns), matrix);
  }
}

TEST(Layout, BitMaskCompactsEachLaneAlone) {
  std::vector<uint8_t> vectors(48);
  vectors[0] = 1, vectors[32] = 2; // lane 0 of vectors 0 and 2
  vectors[17] = 3;                 // lane 1 of vector 1
  vectors[18] = 0x80;              // a zero
  EncodedVectors encoded = encodeBitMask(vectors);
  EXPECT_EQ(encoded.mask, (std::vector<uint16_t>{1, 2, 1}));
  ASSERT_EQ(encoded.rows(), 2);
  EXPECT_EQ(encoded.data[0], 1);
  EXPECT_EQ(encoded.data[1], 3);
  EXPECT_EQ(encoded.data[16], 2);
  EXPECT_EQ(encoded.data[17], 0);
}

// The picture of docs/formats/numbers.md.
TEST(Layout, DocumentedBitMask) {
  std::vector<uint8_t> vectors(48);
  vectors[0] = 'a', vectors[2] = 'b';
  vectors[17] = 'c', vectors[18] = 'd';
  vectors[32] = 'e', vectors[34] = 'f';
  EncodedVectors encoded = encodeBitMask(vectors);
  EXPECT_EQ(encoded.mask, (std::vector<uint16_t>{0b0101, 0b0110, 0b0101}));
  ASSERT_EQ(encoded.rows(), 3);
  auto row = [&](int r) {
    return std::string(encoded.data.begin() + 16 * r, encoded.data.begin() + 16 * r + 4);
  };
  EXPECT_EQ(row(0), std::string("acb\0", 4));
  EXPECT_EQ(row(1), std::string("e\0d\0", 4));
  EXPECT_EQ(row(2), std::string("\0\0f\0", 4));
}

TEST(Layout, BitMaskRoundTrips) {
  for (double sparsity : {0.0, 0.1, 0.5, 0.9, 1.0})
    for (size_t vectors : {0, 1, 7, 256}) {
      std::vector<uint8_t> codes = randomCodes(vectors * 16, sparsity, vectors);
      EncodedVectors encoded = encodeBitMask(codes);
      EXPECT_EQ(encoded.mask.size(), vectors);
      EXPECT_LE(encoded.rows(), int64_t(vectors));
      auto decoded = decodeBitMask(encoded.mask, encoded.data);
      ASSERT_TRUE(decoded.ok());
      EXPECT_EQ(*decoded, withoutNegativeZero(codes));
    }
}

TEST(Layout, BitMaskPastTheDataIsAnError) {
  auto decoded = decodeBitMask({0x0001, 0x0001}, std::vector<uint8_t>(16));
  ASSERT_FALSE(decoded.ok());
  EXPECT_THAT(std::string(decoded.status().message()),
              HasSubstr("mask word 1 refers to byte 16 of lane 0, but the data has 16 bytes"));
}

TEST(Layout, RowsRoundTrip) {
  for (int columns : {1, 15, 16, 17, 128})
    for (double sparsity : {0.0, 0.6, 1.0}) {
      std::vector<uint8_t> table = randomCodes(20 * columns, sparsity, columns);
      EncodedRows encoded = encodeRows(table, 20, columns);
      ASSERT_EQ(encoded.offset.size(), 21u);
      EXPECT_EQ(encoded.offset.back(), encoded.data.size());
      std::vector<uint8_t> expected = withoutNegativeZero(table);
      for (int r = 0; r != 20; ++r) {
        std::vector<uint8_t> row(columns);
        ASSERT_TRUE(
            decodeRow(absl::MakeConstSpan(encoded.data)
                          .subspan(encoded.offset[r], encoded.offset[r + 1] - encoded.offset[r]),
                      absl::MakeSpan(row))
                .ok());
        EXPECT_TRUE(std::equal(row.begin(), row.end(), expected.begin() + r * columns));
      }
    }
}

TEST(Layout, RowErrors) {
  std::vector<uint8_t> out(17);
  auto message = [&](const std::vector<uint8_t> &row) {
    return std::string(decodeRow(row, absl::MakeSpan(out)).message());
  };
  EXPECT_THAT(message({0, 0, 0}), HasSubstr("has 4 bytes of mask, but it has only 3 bytes"));
  EXPECT_THAT(message({0, 0, 2, 0}), HasSubstr("has mask bit 17, past its last column"));
  EXPECT_THAT(message({3, 0, 0, 0, 9}), HasSubstr("ends before column 1: it has 5 bytes"));
}

TEST(Layout, Entropy) {
  EXPECT_EQ(orderZeroEntropy({}), 0);
  EXPECT_EQ(orderZeroEntropy(std::vector<uint8_t>(100, 7)), 0);
  EXPECT_DOUBLE_EQ(orderZeroEntropy({1, 2, 3, 4}), 2);
  std::vector<uint8_t> all(256);
  for (int i = 0; i != 256; ++i)
    all[i] = i;
  EXPECT_DOUBLE_EQ(orderZeroEntropy(all), 8);
}

} // namespace
