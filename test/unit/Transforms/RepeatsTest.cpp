//===- RepeatsTest.cpp - repetitions in a sequence ------------------------===//
#include "aac/Transforms/Repeats.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace aac;
using testing::IsEmpty;

TEST(Repeats, LongestFirst) {
  std::vector<Repeat> repeats = findRepeats({9, 1, 2, 1, 2, 1, 2, 8}, 2);
  ASSERT_FALSE(repeats.empty());
  EXPECT_EQ(repeats.front(), (Repeat{1, 2, 3}));
}

TEST(Repeats, ShorterPeriodOfEqualCover) {
  EXPECT_EQ(findRepeats({1, 1, 1, 1}, 1).front(), (Repeat{0, 1, 4}));
  EXPECT_EQ(findRepeats({1, 1, 1, 1}, 2).front(), (Repeat{0, 2, 2}));
}

TEST(Repeats, NothingToFind) {
  EXPECT_THAT(findRepeats({}, 1), IsEmpty());
  EXPECT_THAT(findRepeats({1}, 1), IsEmpty());
  EXPECT_THAT(findRepeats({1, 2, 3, 4}, 1), IsEmpty());
  EXPECT_THAT(findRepeats({1, 2, 1, 2}, 3), IsEmpty());
}
