//===- MagnitudeHistogram.h - how large values are, counted -----*- C++ -*-===//
//
// Counts of magnitudes in bins of 1/16 of an octave's lower end (the first four mantissa
// bits of the f32), from which calibration takes percentiles and least-error limits.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_NUMERICS_MAGNITUDEHISTOGRAM_H
#define AAC_NUMERICS_MAGNITUDEHISTOGRAM_H

#include "aac/Numerics/AdaptivFloat.h"
#include "absl/types/span.h"
#include <cstdint>
#include <vector>

namespace aac {

class MagnitudeHistogram {
public:
  /// Counts |v| of every value; infinities and NaN count in the last bin.
  void add(absl::Span<const float> values);
  /// Counts what `other` has counted.
  void add(const MagnitudeHistogram &other);

  int64_t count() const { return total; }
  /// Largest finite or infinite magnitude seen; 0 if none was.
  double largest() const { return max; }
  /// Values in bins that begin at `limit` or above.
  int64_t countFrom(double limit) const;

  /// The least bin end that at least `percent` percent of the values do not exceed, at most
  /// largest(). `percent` is in (0, 100].
  double percentile(double percent) const;

  /// The limit with which `format` has the least squared error over the counted values: the
  /// largest value of the format at the smallest exponent that is best, or largest() where
  /// nothing should saturate. Values count as the middle of their bin, rounding errors as
  /// uniform; of equal errors the larger limit wins.
  double leastErrorLimit(AdaptivFloatFormat format) const;

private:
  std::vector<int64_t> bins; ///< by the upper bits of |v|; empty until the first add()
  int64_t total = 0;
  float max = 0;
};

} // namespace aac

#endif // AAC_NUMERICS_MAGNITUDEHISTOGRAM_H
