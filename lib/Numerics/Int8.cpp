#include "aac/Numerics/Int8.h"

#include "absl/strings/str_cat.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace aac {
namespace {

/// `value` rounded to the nearest integer, halves to even, where it is within 2^22; what is larger
/// stays large. Without a call, so that loops over it become vector code.
float roundToEven(float value) {
  value = std::min(std::max(value, -1024.0f), 1024.0f);
  constexpr float kMagic = 12582912.0f; // 1.5 * 2^23: its last bit counts ones
  return (value + kMagic) - kMagic;
}

/// Calls `each(scale, begin, end)` for every run of elements of one channel.
template <typename Fn>
void forEachRun(absl::Span<const Int8Scale> scales, int64_t inner, size_t count, Fn each) {
  if (scales.size() == 1)
    return each(scales.front(), size_t{0}, count);
  size_t run = static_cast<size_t>(std::max<int64_t>(inner, 1));
  for (size_t begin = 0, channel = 0; begin < count && !scales.empty();
       begin += run, channel = (channel + 1) % scales.size())
    each(scales[channel], begin, std::min(count, begin + run));
}

} // namespace

int8_t encodeInt8(Int8Scale scale, float value, bool *saturated) {
  int8_t code = 0;
  int64_t count = 0;
  encodeInt8(absl::MakeConstSpan(&scale, 1), 1, absl::MakeConstSpan(&value, 1),
             absl::MakeSpan(&code, 1), &count);
  if (saturated && count)
    *saturated = true;
  return code;
}

float decodeInt8(Int8Scale scale, int8_t code) {
  return static_cast<float>(code - scale.zeroPoint) * scale.scale;
}

void encodeInt8(absl::Span<const Int8Scale> scales, int64_t inner, absl::Span<const float> values,
                absl::Span<int8_t> codes, int64_t *saturatedCount) {
  int64_t saturated = 0;
  auto encodeRun = [&](Int8Scale scale, size_t begin, size_t end) {
    const float zero = static_cast<float>(scale.zeroPoint);
    constexpr float least = kInt8Min, largest = kInt8Max;
    for (size_t i = begin; i != end; ++i) {
      float value = values[i];
      value = std::isnan(value) ? 0.0f : value;
      float code = roundToEven(value / scale.scale) + zero;
      saturated += code < least || code > largest;
      codes[i] = static_cast<int8_t>(std::min(std::max(code, least), largest));
    }
  };
  forEachRun(scales, inner, std::min(values.size(), codes.size()), encodeRun);
  if (saturatedCount)
    *saturatedCount += saturated;
}

void decodeInt8(absl::Span<const Int8Scale> scales, int64_t inner, absl::Span<const int8_t> codes,
                absl::Span<float> values) {
  forEachRun(scales, inner, std::min(values.size(), codes.size()),
             [&](Int8Scale scale, size_t begin, size_t end) {
               for (size_t i = begin; i != end; ++i)
                 values[i] = decodeInt8(scale, codes[i]);
             });
}

absl::StatusOr<Int8Scale> chooseInt8(double least, double largest, bool symmetric) {
  if (!std::isfinite(least) || !std::isfinite(largest) || least > largest)
    return absl::InvalidArgumentError(
        absl::StrCat("no 8-bit integers hold values from ", least, " to ", largest));
  auto scaleOf = [](double step) {
    constexpr double smallest = std::numeric_limits<float>::min();
    constexpr double most = std::numeric_limits<float>::max();
    return step == 0 ? 1.0f : static_cast<float>(std::min(std::max(step, smallest), most));
  };
  if (symmetric)
    return Int8Scale{scaleOf(std::max(std::fabs(least), std::fabs(largest)) / kInt8Max), 0};
  least = std::min(least, 0.0);
  largest = std::max(largest, 0.0);
  float scale = scaleOf((largest - least) / (kInt8Max - kInt8Min));
  double zero = std::nearbyint(kInt8Min - least / scale);
  return Int8Scale{scale, static_cast<int>(std::clamp<double>(zero, kInt8Min, kInt8Max))};
}

absl::StatusOr<std::vector<Int8Scale>> chooseInt8(absl::Span<const float> values, bool symmetric,
                                                  int64_t channels, int64_t inner) {
  struct Range {
    float least = 0, largest = 0;
  };
  size_t run = static_cast<size_t>(std::max<int64_t>(inner, 1));
  std::vector<Range> ranges(static_cast<size_t>(std::max<int64_t>(channels, 1)));
  if (ranges.size() == 1)
    run = std::max<size_t>(values.size(), 1);
  size_t channel = 0;
  for (size_t begin = 0; begin < values.size(); begin += run) {
    Range &range = ranges[channel];
    channel = (channel + 1) % ranges.size();
    for (size_t i = begin, end = std::min(values.size(), begin + run); i != end; ++i) {
      if (!std::isfinite(values[i]))
        return absl::InvalidArgumentError(
            absl::StrCat("element ", i, " is ", values[i], ", which no 8-bit integer stands for"));
      range.least = std::min(range.least, values[i]);
      range.largest = std::max(range.largest, values[i]);
    }
  }
  std::vector<Int8Scale> scales;
  scales.reserve(ranges.size());
  for (const Range &range : ranges) {
    absl::StatusOr<Int8Scale> scale = chooseInt8(range.least, range.largest, symmetric);
    if (!scale.ok())
      return scale.status();
    scales.push_back(*scale);
  }
  return scales;
}

double largestInt8(Int8Scale scale) {
  int steps = std::max(kInt8Max - scale.zeroPoint, scale.zeroPoint - kInt8Min);
  return static_cast<double>(steps) * scale.scale;
}

} // namespace aac
