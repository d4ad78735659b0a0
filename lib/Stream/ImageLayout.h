//===- ImageLayout.h - what an image holds, in an order that codes well -*- C++ -*-===//
//
// Images have no type; what they hold is recognised by their bytes. A layout is one only if
// joining what it splits gives the same bytes again, so a wrong guess costs space at most.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_STREAM_IMAGELAYOUT_H
#define AAC_LIB_STREAM_IMAGELAYOUT_H

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace aac {

/// A table of bit-masked rows (Numerics/Layout.h): offsets, then each row's mask words and codes.
/// The offsets follow from the masks and are left out. Parts: all masks, then all codes.
struct RowTable {
  uint32_t rows = 0;
  uint32_t words = 0; ///< of a row's mask
};

std::optional<RowTable> findTable(absl::Span<const uint8_t> bytes);
std::vector<uint8_t> splitTable(absl::Span<const uint8_t> bytes, const RowTable &table);
/// The inverse: `size` bytes. Any input is safe; an error where the parts do not fit.
absl::StatusOr<std::vector<uint8_t>> joinTable(absl::Span<const uint8_t> parts,
                                               const RowTable &table, uint64_t size);

/// Tiles of an engine's weight (Numerics/WeightTiles.h): bit-masked, all masks of a repetition
/// before its data, or dense vectors. The padding of lanes follows from the masks and is left
/// out. Parts: the masks of the weights, those of the bias vectors with bit k for the k-th code of
/// a bias; then the codes of the weights, vector by vector, and those of the biases, the first of
/// each row, then the second of each and so on.
struct WeightLayout {
  uint32_t repetitions = 0;
  uint32_t words = 0; ///< mask words of a repetition; 0: dense
  uint32_t tile = 0;  ///< of them of a tile, but for a shorter last one
  uint32_t row = 0;   ///< vectors of a row, the last of which is a bias; 0: there is no bias
};

std::optional<WeightLayout> findWeights(absl::Span<const uint8_t> bytes);
std::vector<uint8_t> splitWeights(absl::Span<const uint8_t> bytes, const WeightLayout &layout);
/// The inverse: `size` bytes, at most twice the parts. Any input is safe; an error where the parts
/// do not fit.
absl::StatusOr<std::vector<uint8_t>> joinWeights(absl::Span<const uint8_t> parts,
                                                 const WeightLayout &layout, uint64_t size);

} // namespace aac

#endif // AAC_LIB_STREAM_IMAGELAYOUT_H
