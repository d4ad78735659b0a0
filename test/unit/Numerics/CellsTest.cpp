//===- CellsTest.cpp - codes in cells, and the bits that matter in the best ones ===//
#include "aac/Numerics/Cells.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace aac;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::vector<uint8_t> allCodes() {
  std::vector<uint8_t> codes(256);
  std::iota(codes.begin(), codes.end(), 0);
  return codes;
}

/// Probabilities that NVMExplorer's level distributions give (mlc_rram_args.p).
LevelErrors twoBits() { return {{0, 0, 1.417e-8, 0}, {0, 1.743e-8, 0, 0}}; }
LevelErrors threeBits() {
  return {{0, 2.397e-4, 2.752e-3, 2.459e-3, 2.865e-3, 3.1e-4, 6.3e-3, 2.264e-4},
          {1.493e-4, 1.123e-3, 2.21e-3, 3.999e-3, 2.787e-4, 4.472e-3, 3.058e-3, 0}};
}

/// Codes of normally distributed weights with the largest magnitude at the top.
std::vector<int64_t> bell() {
  std::vector<int64_t> histogram(256, 0);
  for (int code = 1; code < 128; ++code) {
    double value = std::ldexp(1 + (code & 15) / 16.0, code >> 4);
    double width = std::ldexp(1.0 / 16, code >> 4), x = value / 60;
    histogram[code] = histogram[code | 0x80] =
        static_cast<int64_t>(1e6 * width / 60 * std::exp(-x * x / 2));
  }
  return histogram;
}

} // namespace

TEST(Cells, EveryCodeRoundTripsInEveryOrder) {
  for (int bits = 1; bits <= 3; ++bits) {
    CellFormat format = CellFormat::natural(bits);
    EXPECT_EQ(format.cells(), static_cast<size_t>((8 + bits - 1) / bits));
    for (int turn = 0; turn < 8; ++turn) {
      std::rotate(format.order.begin(), format.order.begin() + 1, format.order.end());
      std::swap(format.order[0], format.order[3]);
      auto codes = unpackCells(packCells(allCodes(), format), format);
      ASSERT_TRUE(codes.ok()) << codes.status();
      EXPECT_EQ(*codes, allCodes());
    }
  }
}

TEST(Cells, LevelsByHand) {
  EXPECT_THAT(packCells({0xb4}, CellFormat::natural(1)), ElementsAre(1, 0, 1, 1, 0, 1, 0, 0));
  EXPECT_THAT(packCells({0xb4}, CellFormat::natural(2)), ElementsAre(2, 3, 1, 0));
  EXPECT_THAT(packCells({0xb4}, CellFormat::natural(3)), ElementsAre(5, 5, 0));
  CellFormat turned{{3, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7}};
  EXPECT_THAT(packCells({0xb4, 0x80}, turned), ElementsAre(1, 3, 1, 0, 0, 1));
  EXPECT_EQ(CellFormat::natural(3).text(), "s e2 e1 | e0 m3 m2 | m1 m0");
  EXPECT_EQ(turned.text(), "m0 m1 m2 | m3 e0 e1 | e2 s");
}

TEST(Cells, WrongCellsAreRefused) {
  CellFormat format = CellFormat::natural(3);
  EXPECT_THAT(std::string(unpackCells({1, 2, 3, 4}, format).status().message()),
              HasSubstr("4 cells are no whole codes of 3 cells"));
  EXPECT_THAT(std::string(unpackCells({1, 2, 4}, format).status().message()),
              HasSubstr("cell 2 has level 4, it holds 2 bits"));
}

TEST(Cells, UniformErrorsHaveTheirMean) {
  for (int bits = 1; bits <= 3; ++bits) {
    LevelErrors errors = LevelErrors::uniform(bits, 1e-3);
    EXPECT_DOUBLE_EQ(errors.mean(), 1e-3);
    EXPECT_EQ(errors.down.front(), 0);
    EXPECT_EQ(errors.up.back(), 0);
  }
  EXPECT_NEAR(threeBits().mean(), 3.805e-3, 1e-5);
  EXPECT_NEAR(twoBits().mean(), 7.9e-9, 1e-10);
}

TEST(Cells, LevelsScaleToARate) {
  LevelErrors doubled = threeBits().scaledTo(2 * threeBits().mean());
  for (size_t level = 0; level < 8; ++level) {
    EXPECT_DOUBLE_EQ(doubled.down[level], 2 * threeBits().down[level]);
    EXPECT_DOUBLE_EQ(doubled.up[level], 2 * threeBits().up[level]);
  }
  // Two levels fail, one of them on either side: each at most always.
  LevelErrors middle{{0, 0.1, 0.2, 0}, {0, 0.3, 0, 0}};
  LevelErrors always = middle.scaledTo(1);
  EXPECT_EQ(always.down, (std::vector<double>{0, 0.25, 1, 0}));
  EXPECT_DOUBLE_EQ(always.up[1], 0.75);
  EXPECT_EQ(always.up[0] + always.up[3] + always.down[0], 0);
  // Levels that never fail do not say which would.
  LevelErrors none{{0, 0, 0, 0}, {0, 0, 0, 0}};
  EXPECT_EQ(none.scaledTo(1e-3).up, LevelErrors::uniform(2, 1e-3).up);
}

TEST(Cells, ExpectedErrorByHand) {
  // Only 1.0 (code 0x00 with exponent 1 is 2^1): its last mantissa bit is 1/8 of 2 in 2^1 * (1 +
  // M/16).
  std::vector<int64_t> histogram(256, 0);
  histogram[0x10] = 3; // value 2
  std::vector<LevelErrors> errors(8, LevelErrors::uniform(1, 0));
  errors[7].up[0] = 0.5; // the cell of m0, at level 0
  EXPECT_DOUBLE_EQ(expectedSquaredError(CellFormat::natural(1), errors, histogram),
                   3 * 0.5 * 0.125 * 0.125);
  EXPECT_DOUBLE_EQ(sumOfSquares(histogram), 12);
}

TEST(Cells, TheBestOrderPutsWhatMattersFirst) {
  std::vector<int64_t> histogram = bell();
  std::vector<LevelErrors> errors = {threeBits(), threeBits(), twoBits()};
  CellFormat natural = CellFormat::natural(3), best = bestCells(3, errors, histogram);
  // NVMExplorer's order: sign, mantissa, exponent, each from its first bit down.
  CellFormat published{{3, 3, 2}, {7, 3, 2, 1, 0, 6, 5, 4}};
  double least = expectedSquaredError(best, errors, histogram);
  EXPECT_LT(least, expectedSquaredError(natural, errors, histogram));
  EXPECT_LT(least * 10, expectedSquaredError(published, errors, histogram));
  // Of all orders: a random walk finds no better one.
  std::vector<int> order = natural.order;
  uint32_t state = 1;
  for (int i = 0; i < 2000; ++i) {
    state = state * 1664525 + 1013904223;
    std::swap(order[state >> 29], order[state >> 26 & 7]);
    EXPECT_GE(expectedSquaredError({{3, 3, 2}, order}, errors, histogram), least * (1 - 1e-9));
  }
  // The cell of two bits hardly ever fails: it gets the sign and the largest exponent bit.
  EXPECT_EQ(best.text(), "e1 e0 m3 | m2 m1 m0 | s e2");
  // Where all steps are as likely, no sign or exponent bit is last in a cell: every error is
  // seen there.
  std::vector<LevelErrors> alike(2, LevelErrors::uniform(3, 1e-3));
  alike.push_back(LevelErrors::uniform(2, 1e-3));
  CellFormat chosen = bestCells(3, alike, histogram);
  for (int last : {2, 5, 7})
    EXPECT_LT(chosen.order[last], 4) << chosen.text();
  // Where only the two levels in the middle fail, a bit goes with one it is like: what both bits
  // say alike is safe.
  std::vector<LevelErrors> middle(4, twoBits());
  CellFormat paired = bestCells(2, middle, histogram);
  EXPECT_NE(paired.text(), "s m0 | e2 m1 | e1 m3 | e0 m2");
  EXPECT_LT(expectedSquaredError(paired, middle, histogram),
            expectedSquaredError(CellFormat::natural(2), middle, histogram));
  std::vector<LevelErrors> pairs(4, LevelErrors::uniform(2, 1e-3));
  EXPECT_EQ(bestCells(2, pairs, histogram).text(), "s m0 | e2 m1 | e1 m3 | e0 m2");
}

TEST(Cells, NoErrorsKeepTheNaturalOrder) {
  std::vector<LevelErrors> none(4, LevelErrors::uniform(2, 0));
  EXPECT_EQ(bestCells(2, none, bell()).order, CellFormat::natural(2).order);
}

TEST(Cells, DisturbedCellsFollowTheRates) {
  CellFormat format = CellFormat::natural(3);
  std::vector<uint8_t> codes;
  for (int i = 0; i < 400; ++i)
    for (uint8_t code : allCodes())
      codes.push_back(code);
  std::vector<LevelErrors> errors = {threeBits(), threeBits(), twoBits()};
  std::vector<uint8_t> levels = packCells(codes, format), before = levels;
  int64_t wrong = disturbCells(absl::MakeSpan(levels), errors, 7);
  double expected = 2.0 * static_cast<double>(codes.size()) * threeBits().mean();
  EXPECT_NEAR(static_cast<double>(wrong), expected, 5 * std::sqrt(expected));
  int64_t ups = 0, differ = 0;
  for (size_t i = 0; i < levels.size(); ++i) {
    ASSERT_LE(std::abs(levels[i] - before[i]), 1);
    differ += levels[i] != before[i];
    ups += levels[i] > before[i];
    ASSERT_TRUE(i % 3 != 2 || levels[i] == before[i]) << "two bits hardly ever fail";
  }
  EXPECT_EQ(differ, wrong);
  LevelErrors e = threeBits();
  double upShare = std::accumulate(e.up.begin(), e.up.end(), 0.0) / (8 * e.mean());
  EXPECT_NEAR(static_cast<double>(ups) / static_cast<double>(wrong), upShare, 0.1);
  // The squared error that was measured is the one expected.
  std::vector<uint8_t> again = before;
  EXPECT_EQ(disturbCells(absl::MakeSpan(again), errors, 7), wrong);
  EXPECT_EQ(again, levels);
  EXPECT_NE(disturbCells(absl::MakeSpan(again), errors, 8), 0);
  EXPECT_NE(again, levels);
}

TEST(Cells, OrdersByName) {
  std::vector<int64_t> histogram = bell();
  auto orderOf = [&](absl::string_view order, int bits) {
    auto format = cellFormatOf(order, bits, LevelErrors::uniform(bits, 1e-3), histogram);
    EXPECT_TRUE(format.ok()) << format.status();
    EXPECT_TRUE(checkCellOrder(order).ok());
    return format.ok() ? format->text() : "";
  };
  EXPECT_EQ(orderOf("natural", 2), "s e2 | e1 e0 | m3 m2 | m1 m0");
  EXPECT_EQ(orderOf("", 2), "s m0 | e2 m1 | e1 m3 | e0 m2");
  EXPECT_EQ(orderOf("best", 2), orderOf("", 2));
  EXPECT_EQ(orderOf("s m3 m2 m1 m0 e2 e1 e0", 3), "s m3 m2 | m1 m0 e2 | e1 e0");
  EXPECT_EQ(orderOf("s e2 | e1 e0 | m3 m2 | m1 m0", 1), "s | e2 | e1 | e0 | m3 | m2 | m1 | m0");
  // Every order that is printed can be given.
  for (int bits = 1; bits <= 3; ++bits) {
    std::string best = orderOf("best", bits);
    EXPECT_EQ(orderOf(best, bits), best);
  }
  auto message = [](absl::string_view order) {
    return std::string(checkCellOrder(order).message());
  };
  EXPECT_THAT(message("s e2 e1 e0 m3 m2 m1"), HasSubstr("has 7 of the 8 bits"));
  EXPECT_THAT(message("s e2 e1 e0 m3 m2 m1 m1"), HasSubstr("'m1' in the order of bits"));
  EXPECT_THAT(message("s e2 e1 e0 m3 m2 m1 m1"), HasSubstr("is there twice"));
  EXPECT_THAT(message("worst"), HasSubstr("'worst' in the order of bits 'worst' is none of best"));
  EXPECT_FALSE(cellFormatOf("worst", 2, LevelErrors::uniform(2, 0), histogram).ok());
  // A code's narrower cell never fails.
  std::vector<LevelErrors> errors = errorsOfCells(CellFormat::natural(3), threeBits());
  EXPECT_EQ(errors[1].down, threeBits().down);
  EXPECT_EQ(errors[1].up, threeBits().up);
  EXPECT_EQ(errors[2].mean(), 0);
  EXPECT_EQ(errors[2].down.size(), 4u);
  EXPECT_DOUBLE_EQ(errorsOfCells(CellFormat::natural(1), LevelErrors::uniform(1, 1e-3))[7].mean(),
                   1e-3);
}
