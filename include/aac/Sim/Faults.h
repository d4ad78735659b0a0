//===- Faults.h - wrong cells in the images of a stream ---------*- C++ -*-===//
//
// What a memory gives back after programming: codes lie in cells of the tier's bits, each of
// which reads as the level above or below at the machine's cell_error_rate (Numerics/Cells.h).
// Mask words, offsets and indices are left as they are: one wrong bit there shifts whatever
// follows, so they lie in cells of one bit, which do not fail (docs/encoding.md).
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_FAULTS_H
#define AAC_SIM_FAULTS_H

#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace aac::sim {

struct FaultOptions {
  uint64_t seed = 0;
  std::optional<double> rate; ///< instead of each tier's own
  std::string order = {};     ///< of a code's bits (cellFormatOf), instead of each tier's own
};

/// "seed:1", "seed:1,rate:1e-5", "seed:1,order:natural". Errors name the part.
absl::StatusOr<FaultOptions> parseFaults(absl::string_view text);

/// What happened to the images of a tier.
struct TierFaults {
  std::string tier;
  int bitsPerCell = 1;
  double rate = 0;
  int64_t cells = 0; ///< that hold codes
  int64_t wrong = 0;
  std::string order; ///< of a code's bits, as CellFormat::text
  /// Squares of all codes' values over those of what the wrong cells changed, and the same as
  /// expected of that order, in decibels; infinite where nothing is wrong.
  double sqnrDb = 0, expectedDb = 0;
};

/// Disturbs the codes in the images of tiers whose cells fail. The same seed gives the same
/// faults. One entry for each such tier that has images.
std::vector<TierFaults> injectFaults(Stream &stream, const Machine &machine,
                                     const FaultOptions &options);

} // namespace aac::sim

#endif // AAC_SIM_FAULTS_H
