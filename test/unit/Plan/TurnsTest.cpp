//===- TurnsTest.cpp - two places that contents come to in turns -----------===//
#include "aac/Plan/Turns.h"
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace aac::plan {
namespace {

TEST(Turns, TwoWholePlaces) {
  Turns turns(100, 250);
  EXPECT_TRUE(turns.isWhole(100));
  EXPECT_EQ(turns.end(100), 200);
  for (int64_t i = 0; i < 4; ++i) {
    Place place = turns.next(90);
    EXPECT_EQ(place.base, i % 2 * 100);
    EXPECT_EQ(place.free.count(), 90);
    EXPECT_EQ(place.rest.count(), 0);
  }
}

TEST(Turns, PlacesThatOverlap) {
  Turns turns(3088, 4096); // a tile of masks of the FFN's way down
  EXPECT_FALSE(turns.isWhole(3088));
  EXPECT_EQ(turns.end(3088), 4096);
  EXPECT_EQ(turns.freeOf(3088), 1008);
  EXPECT_EQ(turns.next(3088).rest.count(), 0); // the first: nothing is there
  Place second = turns.next(3088);
  EXPECT_EQ(second.base, 1008);
  EXPECT_EQ(second.free.begin, 2080); // row 3088 of the memory
  EXPECT_EQ(second.free.end, 3088);
  EXPECT_EQ(second.rest.end, 2080);
  Place third = turns.next(3088);
  EXPECT_EQ(third.base, 0);
  EXPECT_EQ(third.free.end, 1008);
  EXPECT_EQ(third.rest.begin, 1008);
}

TEST(Turns, OnePlace) {
  for (Turns turns : {Turns(), Turns(64, 64), Turns(64, 70), Turns(64, 60)}) {
    EXPECT_EQ(turns.next(64).free.count(), 64);
    EXPECT_EQ(turns.next(64).base, 0);
    EXPECT_EQ(turns.next(10).rest.count(), 10);
    EXPECT_EQ(turns.end(64), 64);
  }
}

/// Contents of any sizes: free rows never meet the content before; all rows are one or the other.
TEST(Turns, FreeRowsNeverMeetTheContentBefore) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    int64_t most = 1 + random() % 300, capacity = most + random() % 400;
    Turns turns(most, capacity);
    int64_t begin = 0, end = 0; // of the content before
    for (int i = 0; i < 10; ++i) {
      int64_t rows = random() % (most + 1);
      Place place = turns.next(rows);
      EXPECT_LE(place.base + rows, capacity);
      EXPECT_EQ(place.free.count() + place.rest.count(), rows);
      std::vector<int> seen(rows, 0);
      for (const Rows &part : {place.free, place.rest})
        for (int64_t row = part.begin; row < part.end; ++row)
          ++seen[row];
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), rows);
      for (int64_t row = place.free.begin; row < place.free.end; ++row)
        EXPECT_TRUE(place.base + row < begin || place.base + row >= end);
      begin = place.base, end = place.base + rows;
    }
  }
}

} // namespace
} // namespace aac::plan
