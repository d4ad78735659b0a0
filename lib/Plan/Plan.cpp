//===- Plan.cpp - memory planning -----------------------------------------===//
#include "aac/Plan/Plan.h"

#include "absl/strings/str_cat.h"
#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

namespace aac::plan {

int64_t liveBytes(absl::Span<const Buffer> buffers) {
  std::map<int64_t, int64_t> change;
  for (const Buffer &b : buffers) {
    if (b.lower >= b.upper)
      continue;
    change[b.lower] += b.size;
    change[b.upper] -= b.size;
  }
  int64_t live = 0, most = 0;
  for (auto [step, delta] : change)
    most = std::max(most, live += delta);
  return most;
}

static bool liveTogether(const Buffer &a, const Buffer &b) {
  return a.lower < b.upper && b.lower < a.upper;
}

/// Places buffers in `order`, each as low as it fits.
static Plan placeInOrder(absl::Span<const Buffer> buffers, absl::Span<const size_t> order,
                         int64_t alignment) {
  Plan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<size_t> placed;
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (size_t index : order) {
    const Buffer &buffer = buffers[index];
    taken.clear();
    for (size_t other : placed)
      if (liveTogether(buffer, buffers[other]))
        taken.emplace_back(plan.offsets[other], plan.offsets[other] + buffers[other].size);
    std::sort(taken.begin(), taken.end());
    int64_t offset = 0;
    for (auto [begin, end] : taken) {
      if (begin >= offset + buffer.size)
        break;
      offset = std::max(offset, (end + alignment - 1) / alignment * alignment);
    }
    plan.offsets[index] = offset;
    plan.peak = std::max(plan.peak, offset + buffer.size);
    placed.push_back(index);
  }
  return plan;
}

Plan planBuffers(absl::Span<const Buffer> buffers, int64_t alignment) {
  using Less = std::function<bool(const Buffer &, const Buffer &)>;
  auto area = [](const Buffer &b) { return b.size * (b.upper - b.lower); };
  const Less orders[] = {
      [](const Buffer &a, const Buffer &b) { return a.size > b.size; },
      [&](const Buffer &a, const Buffer &b) { return area(a) > area(b); },
      [](const Buffer &a, const Buffer &b) { return a.lower < b.lower; },
  };
  Plan best;
  for (size_t i = 0; i < std::size(orders); ++i) {
    std::vector<size_t> order(buffers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      if (orders[i](buffers[a], buffers[b]) || orders[i](buffers[b], buffers[a]))
        return orders[i](buffers[a], buffers[b]);
      return a < b;
    });
    Plan plan = placeInOrder(buffers, order, alignment);
    if (i == 0 || plan.peak < best.peak)
      best = std::move(plan);
  }
  best.lowerBound = liveBytes(buffers);
  return best;
}

absl::Status checkPlan(absl::Span<const Buffer> buffers, const Plan &plan, int64_t capacity) {
  if (plan.offsets.size() != buffers.size())
    return absl::InvalidArgumentError(absl::StrCat("the plan has ", plan.offsets.size(),
                                                   " offsets for ", buffers.size(), " buffers"));
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (plan.offsets[i] < 0 || plan.offsets[i] + buffers[i].size > capacity)
      return absl::InvalidArgumentError(absl::StrCat("buffer ", i, " at ", plan.offsets[i],
                                                     " with ", buffers[i].size,
                                                     " bytes exceeds the capacity of ", capacity));
    for (size_t j = 0; j < i; ++j)
      if (liveTogether(buffers[i], buffers[j]) &&
          plan.offsets[i] < plan.offsets[j] + buffers[j].size &&
          plan.offsets[j] < plan.offsets[i] + buffers[i].size)
        return absl::InvalidArgumentError(
            absl::StrCat("buffers ", j, " and ", i, " overlap while both are alive"));
  }
  return absl::OkStatus();
}

} // namespace aac::plan
