//===- Layout.h - tensors as the engine's memories hold them ----*- C++ -*-===//
//
// The engine works on vectors of n = 16 codes. A matrix of R rows and C columns
// (both padded to multiples of 16) is stored in *block order*:
//
//   for each block of 16 rows, for each block of 16 columns, for each of the 16
//   rows: that row's 16 columns          (reference: accelerator section 3.2)
//
// so the vector of (row r, columns 16j..16j+15) has index
//   ((r / 16) * (C / 16) + j) * 16 + r % 16.
// In the CORRECTED machine every unit reads and writes this order.
//
// Bit-mask encoding (section 3.1) of a sequence of vectors: one 16-bit mask word per
// vector, bit i set iff lane i is stored; each lane is compacted on its own:
// the k-th stored code of lane i is byte 16*k + i of the data. Data is padded with
// zeros to the rows of the longest lane.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_NUMERICS_LAYOUT_H
#define AAC_NUMERICS_LAYOUT_H

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <cstdint>
#include <vector>

namespace aac {

inline constexpr int kLanes = 16;

/// `value` rounded up to a multiple of `multiple` (> 0).
constexpr int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// The row of a data memory of `dataRows` (> 0) at which an operand's data begin: its mask
/// base less the data offset, around the end of the memory.
constexpr int64_t operandRow(int64_t base, int64_t offset, int64_t dataRows) {
  return ((base - offset) % dataRows + dataRows) % dataRows;
}

/// Index of the vector of row `row`, column block `columnBlock` in block order.
constexpr int64_t blockVectorIndex(int64_t row, int64_t columnBlock, int64_t columnBlocks) {
  return ((row / kLanes) * columnBlocks + columnBlock) * kLanes + row % kLanes;
}

/// Row-major codes [rows x columns] -> block order, padded with zero codes.
/// Result: roundUp(rows,16) * roundUp(columns,16) bytes.
std::vector<uint8_t> toBlockOrder(absl::Span<const uint8_t> rowMajor, int64_t rows,
                                  int64_t columns);
/// The inverse; drops the padding.
std::vector<uint8_t> fromBlockOrder(absl::Span<const uint8_t> blocks, int64_t rows,
                                    int64_t columns);

/// A sequence of vectors in bit-mask form. `dense` has every mask bit set and
/// stores zeros; its mask words need not be stored.
struct EncodedVectors {
  std::vector<uint16_t> mask; ///< one word per vector
  std::vector<uint8_t> data;  ///< 16 * rows() bytes
  int64_t rows() const { return static_cast<int64_t>(data.size()) / kLanes; }
};

/// Bit-mask encodes `vectors` (a multiple of 16 bytes). A code 0x00 or 0x80 is not
/// stored.
EncodedVectors encodeBitMask(absl::Span<const uint8_t> vectors);
/// The inverse. Error if a mask bit refers past the data.
absl::StatusOr<std::vector<uint8_t>> decodeBitMask(absl::Span<const uint16_t> mask,
                                                   absl::Span<const uint8_t> data);

/// Rows that the host reads one by one (embedding tables): row r of `columns`
/// codes is, from byte offset[r] on, ceil(columns/16) little-endian mask words and
/// then its non-zero codes in column order. offset has rows+1 entries.
struct EncodedRows {
  std::vector<uint32_t> offset;
  std::vector<uint8_t> data;
};
EncodedRows encodeRows(absl::Span<const uint8_t> rowMajor, int64_t rows, int64_t columns);

/// Decodes one row in the form of EncodedRows into `out` (`columns` codes). Error
/// if it does not fit `row`.
absl::Status decodeRow(absl::Span<const uint8_t> row, absl::Span<uint8_t> out);

/// Order-0 entropy of `codes` in bits per code.
double orderZeroEntropy(absl::Span<const uint8_t> codes);
/// The same of how often each code is there.
double entropyOfCounts(absl::Span<const int64_t> counts);

} // namespace aac

#endif // AAC_NUMERICS_LAYOUT_H
