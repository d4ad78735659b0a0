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

TEST(Magnitude, ScoresDecideAndZerosGoFirst) {
  std::vector<float> values = {9, 0, 1, 2};
  std::vector<uint32_t> keys = importanceOf(values, {-5.0f, 100.0f, 3.0f, -0.5f});
  EXPECT_EQ(zeroSmallest(values, keys, 2), 1);
  EXPECT_THAT(values, ElementsAre(0, 0, 1, 2));
  values = {9, 0, 1, 2};
  zeroSmallest(values, keys, 3);
  EXPECT_THAT(values, ElementsAre(0, 0, 1, 0));
}

TEST(Magnitude, WholeVectors) {
  std::vector<float> values(2 * 20, 1); // vectors of 16 and 4, twice
  std::fill_n(values.begin() + 20, 16, 0.5f);
  values[36] = 3;
  std::vector<double> keys = importanceOfVectors(values, {}, 20);
  EXPECT_THAT(keys, ElementsAre(16, 4, 4, 12));
  EXPECT_EQ(zeroSmallestVectors(values, keys, 20, 1), 4);
  EXPECT_EQ(values[16], 0);
  EXPECT_EQ(values[20], 0.5f);
  VectorCount count = countNullVectors(values, 20);
  EXPECT_EQ(count.all, 4);
  EXPECT_EQ(count.null, 1);
  // What is null already goes first, whatever its scores.
  keys = importanceOfVectors(values, std::vector<float>(40, -1), 20);
  EXPECT_LT(keys[1], keys[0]);
  values[0] = NAN;
  EXPECT_GT(importanceOfVectors(values, {}, 20)[0], 1e300);
}

TEST(Magnitude, ThresholdOfSeveral) {
  std::vector<std::vector<uint32_t>> lists = {{5, 1, 1}, {1, 0}, {9}};
  EXPECT_THAT(countSmallest(lists, 0), ElementsAre(0, 0, 0));
  EXPECT_THAT(countSmallest(lists, 2), ElementsAre(1, 1, 0));
  EXPECT_THAT(countSmallest(lists, 4), ElementsAre(2, 2, 0));
  EXPECT_THAT(countSmallest(lists, 6), ElementsAre(3, 2, 1));
}

TEST(Magnitude, NofM) {
  std::vector<float> values = {1, 2, 3, 4, 5, 1, 1, 1, 1, 7}; // rows of 5, groups of 4 and 1
  EXPECT_EQ(zeroAllButNofM(values, importanceOf(values, {}), 5, 1, 4), 6);
  EXPECT_THAT(values, ElementsAre(0, 0, 0, 4, 5, 0, 0, 0, 1, 7));
  EXPECT_EQ(zeroAllButNofM(values, importanceOf(values, {}), 5, 0, 4), 4);
}

TEST(Sparsity, Shapes) {
  std::string error;
  auto rules = parseSparsity("ffn:vector:0.5,attention:2:4", error);
  ASSERT_TRUE(mlir::succeeded(rules));
  EXPECT_EQ((*rules)[0].shape, SparsityRule::Shape::Vectors);
  EXPECT_EQ((*rules)[0].fraction, 0.5);
  EXPECT_EQ((*rules)[1].shape, SparsityRule::Shape::NofM);
  EXPECT_EQ((*rules)[1].n, 2);
  EXPECT_EQ((*rules)[1].m, 4);
  for (const char *wrong :
       {"ffn:vector:", "ffn:vector:2:4", "ffn:2:1", "ffn:-1:4", "ffn:0:0", "ffn:2:4:8"})
    EXPECT_TRUE(mlir::failed(parseSparsity(wrong, error))) << wrong;
  auto method = parsePruneMethod("global,masks=a.npz", error);
  ASSERT_TRUE(mlir::succeeded(method));
  EXPECT_TRUE(method->global);
  EXPECT_EQ(method->masks, "a.npz");
  EXPECT_TRUE(method->scores.empty());
  for (const char *wrong : {"all", "global=1", "masks", "scores="})
    EXPECT_TRUE(mlir::failed(parsePruneMethod(wrong, error))) << wrong;
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
