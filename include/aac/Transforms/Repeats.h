//===- Repeats.h - repetitions in a sequence --------------------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_REPEATS_H
#define AAC_TRANSFORMS_REPEATS_H

#include "llvm/ADT/ArrayRef.h"
#include <cstddef>
#include <vector>

namespace aac {

/// keys[start + i] == keys[start + i + period] for all i < period * (count - 1).
struct Repeat {
  size_t start, period, count;
  friend bool operator==(const Repeat &a, const Repeat &b) {
    return a.start == b.start && a.period == b.period && a.count == b.count;
  }
};

/// All repetitions of at least two periods of at least `minPeriod` keys, for each start and
/// period the longest; most keys covered first, then the shorter period, then the earlier
/// start. O(n^2) in time.
std::vector<Repeat> findRepeats(llvm::ArrayRef<unsigned> keys, size_t minPeriod);

} // namespace aac

#endif // AAC_TRANSFORMS_REPEATS_H
