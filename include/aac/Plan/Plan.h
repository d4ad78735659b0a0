//===- Plan.h - memory planning ---------------------------------*- C++ -*-===//
//
// Gives buffers with lifetimes addresses in one memory so that no two that live at
// the same time overlap, and says how far the result is from the lower bound. Independent
// of any IR.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_PLAN_PLAN_H
#define AAC_PLAN_PLAN_H

#include "absl/status/status.h"
#include "absl/types/span.h"
#include <cstdint>
#include <vector>

namespace aac::plan {

/// Lives in steps lower <= t < upper and needs `size` bytes.
struct Buffer {
  int64_t lower = 0, upper = 0, size = 0;
};

struct Plan {
  std::vector<int64_t> offsets; ///< one for each buffer
  int64_t peak = 0;             ///< bytes used: largest offset + size
  int64_t lowerBound = 0;       ///< largest sum of sizes alive at one step; no plan is below it
};

/// Largest sum of the sizes of buffers that are alive at one step.
int64_t liveBytes(absl::Span<const Buffer> buffers);

/// Greedy planning: buffers in each of several orders (by size, by area, by start), each
/// at the lowest offset (a multiple of `alignment`) that is free for its whole
/// lifetime; the best of the orders. Deterministic. O(n^2) each.
Plan planBuffers(absl::Span<const Buffer> buffers, int64_t alignment = 1);

/// Independent check: ok if no two live buffers overlap and none exceeds `capacity`.
absl::Status checkPlan(absl::Span<const Buffer> buffers, const Plan &plan, int64_t capacity);

} // namespace aac::plan

#endif // AAC_PLAN_PLAN_H
