//===- WeightTiles.h - weights as operands of the matrix unit ---*- C++ -*-===//
//
// A linear's weight [out, in] is cut into tiles of `tileRows` output features. A tile is
// an operand of the engine: [tileRows x reduction] codes in block order. Input and
// output features may be padded in groups (attention heads of a width that is no
// multiple of 16).
//
// A bias rides along as one more block of 16 reduction lanes, which meets constant
// lanes of 2^biasExponent in the other operand: bias = 2^biasExponent * (sum of that
// row's 16 codes). Row r starts at lane r mod 16 and adds the code nearest to what is
// left, lane after lane (steps of 5, so that rows spread over the lanes and lane
// compaction stays even), until the rest is below half of the smallest code.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_NUMERICS_WEIGHTTILES_H
#define AAC_NUMERICS_WEIGHTTILES_H

#include "absl/types/span.h"
#include <cstdint>
#include <vector>

namespace aac {

struct WeightTileSpec {
  int64_t outFeatures = 0, inFeatures = 0;
  int64_t outGroup = 0, inGroup = 0; ///< 0: none; else every so many are padded to 16s
  int64_t tileRows = 16;             ///< multiple of 16
  bool hasBias = false;
  int biasExponent = 0;
  int minExponent = 0; ///< of the weight's codes, scale included

  int64_t paddedOut() const;
  int64_t paddedIn() const;
  /// Vectors a row: reduction blocks and the bias block.
  int64_t rowVectors() const { return paddedIn() / 16 + (hasBias ? 1 : 0); }
  int64_t tiles() const { return (paddedOut() + tileRows - 1) / tileRows; }
  /// Rows of tile `index`; the last may be shorter.
  int64_t rowsOfTile(int64_t index) const;
};

/// Lane of the `step`-th code (from 0) of the bias of row `row` of a tile.
constexpr int biasLane(int64_t row, int step) { return static_cast<int>((row + 5 * step) % 16); }

/// The 16 codes of a bias, for a row whose number within the tile is `row`. `*error`
/// gets what is left of it (real units).
void splitBias(double bias, int64_t row, int biasExponent, int minExponent, uint8_t lanes[16],
               double *error = nullptr);

/// The vectors of tile `index`: rowsOfTile * rowVectors * 16 codes in block order.
/// `codes` is [outFeatures x inFeatures], `bias` [outFeatures] or empty.
/// `maxBiasError`, if given, is raised to the largest bias error.
std::vector<uint8_t> weightTile(const WeightTileSpec &spec, int64_t index,
                                absl::Span<const uint8_t> codes, absl::Span<const float> bias,
                                double *maxBiasError = nullptr);

} // namespace aac

#endif // AAC_NUMERICS_WEIGHTTILES_H
