//===- WrittenRanges.h - what of a memory has been written ------*- C++ -*-===//
#ifndef AAC_LIB_SIM_WRITTENRANGES_H
#define AAC_LIB_SIM_WRITTENRANGES_H

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace aac::sim {

/// Disjoint ranges, none touching the next: asking is by range, not by byte.
class WrittenRanges {
public:
  void clear() { ranges.clear(); }

  void add(int64_t begin, int64_t end) {
    if (begin >= end)
      return;
    auto next = ranges.upper_bound(begin); // the first range that begins after `begin`
    if (next != ranges.begin()) {
      auto before = std::prev(next);
      if (before->second >= end)
        return;
      if (before->second >= begin) {
        begin = before->first;
        next = ranges.erase(before);
      }
    }
    while (next != ranges.end() && next->first <= end) {
      end = next->second > end ? next->second : end;
      next = ranges.erase(next);
    }
    ranges.emplace_hint(next, begin, end);
  }

  /// The first position of [begin, end) that is in no range, or `end`.
  int64_t firstMissing(int64_t begin, int64_t end) const {
    auto next = ranges.upper_bound(begin);
    if (next == ranges.begin())
      return begin;
    int64_t until = std::prev(next)->second;
    return until <= begin ? begin : until < end ? until : end;
  }

  /// Whether any of [begin, end) is in a range.
  bool overlaps(int64_t begin, int64_t end) const {
    auto next = ranges.lower_bound(end);
    return next != ranges.begin() && std::prev(next)->second > begin && begin < end;
  }

  /// The parts of [begin, end) that are in a range, in order.
  std::vector<std::pair<int64_t, int64_t>> within(int64_t begin, int64_t end) const {
    std::vector<std::pair<int64_t, int64_t>> parts;
    auto range = ranges.upper_bound(begin);
    if (range != ranges.begin())
      --range;
    for (; begin < end && range != ranges.end() && range->first < end; ++range)
      if (range->second > begin)
        parts.emplace_back(std::max(begin, range->first), std::min(end, range->second));
    return parts;
  }

private:
  std::map<int64_t, int64_t> ranges; ///< begin -> end
};

} // namespace aac::sim

#endif // AAC_LIB_SIM_WRITTENRANGES_H
