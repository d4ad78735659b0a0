//===- MagnitudeHistogram.cpp - how large values are, counted -------------===//
#include "aac/Numerics/MagnitudeHistogram.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace aac {
namespace {

constexpr int kDroppedBits = 19;    // 23 mantissa bits, 4 of which stay
constexpr size_t kInfinity = 0xff0; // 0x7f800000 >> 19
constexpr size_t kBins = kInfinity + 1;

size_t binOf(float magnitude) {
  uint32_t bits;
  std::memcpy(&bits, &magnitude, sizeof bits);
  return std::min<size_t>((bits & 0x7fffffff) >> kDroppedBits, kInfinity);
}

/// The least value of a bin; infinity for the last.
double lowerEnd(size_t bin) {
  uint32_t bits = static_cast<uint32_t>(bin) << kDroppedBits;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

} // namespace

void MagnitudeHistogram::add(absl::Span<const float> values) {
  bins.resize(kBins);
  for (float value : values) {
    ++bins[binOf(value)];
    max = std::max(max, std::isnan(value) ? INFINITY : std::fabs(value));
  }
  total += static_cast<int64_t>(values.size());
}

void MagnitudeHistogram::add(const MagnitudeHistogram &other) {
  bins.resize(std::max(bins.size(), other.bins.size()));
  for (size_t bin = 0; bin < other.bins.size(); ++bin)
    bins[bin] += other.bins[bin];
  total += other.total;
  max = std::max(max, other.max);
}

int64_t MagnitudeHistogram::countFrom(double limit) const {
  int64_t count = 0;
  for (size_t bin = 0; bin < bins.size(); ++bin)
    if (lowerEnd(bin) >= limit)
      count += bins[bin];
  return count;
}

double MagnitudeHistogram::percentile(double percent) const {
  // A count that is all but reached by rounding of the percentage is reached.
  double wanted = percent / 100 * static_cast<double>(total) - 1e-6;
  int64_t seen = 0;
  for (size_t bin = 0; bin < bins.size(); ++bin) {
    seen += bins[bin];
    if (seen > 0 && static_cast<double>(seen) >= wanted)
      return bin + 1 < kBins ? std::min<double>(lowerEnd(bin + 1), max) : max;
  }
  return max;
}

double MagnitudeHistogram::leastErrorLimit(AdaptivFloatFormat format) const {
  if (!(max > 0) || !std::isfinite(max))
    return max;
  const int top = chooseMinExponent(format, max), mantissa = format.mantissaBits();
  double best = INFINITY, limit = max;
  for (int down = 0; down <= format.maxExponentField(); ++down) {
    const int minExponent = top - down;
    const double unit = std::ldexp(1.0, minExponent), vmin = unit * (1 + std::exp2(-mantissa)),
                 vmax = unit * std::ldexp(2 - std::exp2(-mantissa), format.maxExponentField());
    double error = 0;
    for (size_t bin = 1; bin < kInfinity; ++bin) {
      if (bins[bin] == 0)
        continue;
      double value = (lowerEnd(bin) + std::min<double>(lowerEnd(bin + 1), 2 * lowerEnd(bin))) / 2;
      double step = std::ldexp(1.0, std::ilogb(value) - mantissa), off;
      if (value > vmax)
        off = (value - vmax) * (value - vmax);
      else if (value < vmin)
        off = value < vmin / 2 ? value * value : (vmin - value) * (vmin - value);
      else
        off = step * step / 12;
      error += static_cast<double>(bins[bin]) * off;
    }
    if (error < best) {
      best = error;
      limit = std::min<double>(vmax, max);
    }
  }
  return limit;
}

} // namespace aac
