//===- MagnitudeTest.cpp - pruning and the names of options ---------------===//
#include "aac/Transforms/Magnitude.h"

#include "aac/Transforms/FormatName.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace aac;
using testing::ElementsAre;

static std::vector<float> pruned(std::vector<float> values, double fraction) {
  pruneByMagnitude(values, fraction);
  return values;
}

TEST(Magnitude, SmallestGoTiesByPosition) {
  EXPECT_THAT(pruned({3, -1, 2, -4}, 0.5), ElementsAre(3, 0, 0, -4));
  EXPECT_THAT(pruned({1, -1, 1, 1}, 0.5), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(pruned({2, 1, -1, 1}, 0.5), ElementsAre(2, 0, 0, 1));
}

TEST(Magnitude, FloorOfTheCountAndZerosCount) {
  EXPECT_THAT(pruned({3, 1, 2}, 0.66), ElementsAre(3, 0, 2));
  EXPECT_THAT(pruned({0, 1, -0.0f, 2}, 0.5), ElementsAre(0, 1, 0, 2));
  EXPECT_THAT(pruned({1, 2}, 0), ElementsAre(1, 2));
  EXPECT_THAT(pruned({1, 2}, 1), ElementsAre(0, 0));
  EXPECT_THAT(pruned({}, 0.5), ElementsAre());
  std::vector<float> values = {0, 1, 2, 3};
  EXPECT_EQ(pruneByMagnitude(values, 0.5), 1);
}

TEST(Magnitude, NotANumberIsNeverSmall) {
  std::vector<float> values = {NAN, 1};
  pruneByMagnitude(values, 0.5);
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[1], 0);
}

TEST(Sparsity, GroupsAndErrors) {
  std::string error;
  auto rules = parseSparsity("embedding:0.6, encoder:0.5", error);
  ASSERT_TRUE(mlir::succeeded(rules));
  ASSERT_EQ(rules->size(), 2u);
  EXPECT_THAT((*rules)[1].roles, ElementsAre(ir::Role::Attention, ir::Role::Ffn));
  EXPECT_EQ((*rules)[0].fraction, 0.6);
  EXPECT_TRUE(mlir::succeeded(parseSparsity("", error)));
  for (const char *wrong : {"embedding", "embedding:", "embedding:nan", "ffn:-0.1", "x:0.1"}) {
    error.clear();
    EXPECT_TRUE(mlir::failed(parseSparsity(wrong, error))) << wrong;
    EXPECT_FALSE(error.empty());
  }
}

TEST(FormatName, Parses) {
  auto format = parseFormatName("af8e3");
  ASSERT_TRUE(format);
  EXPECT_EQ(format->bits, 8);
  EXPECT_EQ(format->exponentBits, 3);
  for (const char *wrong : {"int8", "af8", "af8e", "af3e1", "af17e3", "af8e8", "af8e3x", "af8e0"})
    EXPECT_FALSE(parseFormatName(wrong)) << wrong;
}
