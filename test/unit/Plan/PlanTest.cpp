#include "aac/Plan/Plan.h"
#include "gmock/gmock.h"
#include <random>

namespace aac::plan {
namespace {

TEST(Plan, DisjointLifetimesShareAnAddress) {
  std::vector<Buffer> buffers = {{0, 2, 10}, {2, 4, 10}, {1, 3, 4}};
  Plan plan = planBuffers(buffers);
  EXPECT_EQ(plan.lowerBound, 14);
  EXPECT_EQ(plan.peak, 14);
  EXPECT_TRUE(checkPlan(buffers, plan, 14).ok());
  EXPECT_EQ(plan.offsets[0], plan.offsets[1]);
}

TEST(Plan, RandomProblemsAreValidAlignedAndNotBelowTheBound) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Buffer> buffers;
    for (int i = 0; i < 60; ++i) {
      int64_t lower = random() % 40;
      buffers.push_back({lower, lower + 1 + static_cast<int64_t>(random() % 12),
                         1 + static_cast<int64_t>(random() % 500)});
    }
    Plan plan = planBuffers(buffers, 16);
    EXPECT_TRUE(checkPlan(buffers, plan, plan.peak).ok());
    EXPECT_GE(plan.peak, plan.lowerBound);
    for (int64_t offset : plan.offsets)
      EXPECT_EQ(offset % 16, 0);
  }
}

TEST(Plan, EmptyIsZero) {
  Plan plan = planBuffers({});
  EXPECT_EQ(plan.peak, 0);
  EXPECT_EQ(plan.lowerBound, 0);
}

TEST(Plan, CheckFindsOverlapCapacityAndCount) {
  std::vector<Buffer> buffers = {{0, 2, 8}, {1, 3, 8}};
  Plan plan;
  plan.offsets = {0, 4};
  EXPECT_EQ(checkPlan(buffers, plan, 100).message(),
            "buffers 0 and 1 overlap while both are alive");
  plan.offsets = {0, 8};
  EXPECT_EQ(checkPlan(buffers, plan, 15).message(),
            "buffer 1 at 8 with 8 bytes exceeds the capacity of 15");
  plan.offsets = {0};
  EXPECT_EQ(checkPlan(buffers, plan, 15).message(), "the plan has 1 offsets for 2 buffers");
}

} // namespace
} // namespace aac::plan
