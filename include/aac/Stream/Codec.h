//===- Codec.h - images near their entropy ----------------------*- C++ -*-===//
//
// An optional form of images in a stream file, for what is kept in flash or sent over a link: the
// host decodes it when it loads the stream, and the device sees plain bytes. Order-0 entropy
// coding (range asymmetric numeral systems, two interleaved states) with up to eight tables of
// frequencies, each for those 1024-byte segments that it suits best: masks, codes and
// offsets of one image have little in common.
//
// A table of bit-masked rows (Numerics/Layout.h: offsets, then each row's mask words and codes)
// is recognised by its offsets. They follow from the masks and are left out; all masks come
// first, then all codes.
//
//   u8 method: 0 plain bytes follow, 1 coded, 2 a table: u32 rows, u32 mask words a row, u32
//      bytes of masks and codes, which follow by method 0 or 1
//   u8 tables - 1; each table: 32 bytes of the symbols that occur, then for each of them its
//      frequency of 4096, less 1, in one byte or, from 128 on, in two (low 7 bits with the top bit
//      set, then the rest)
//   u8 of each segment: its table
//   u32 twice: the states after encoding; then the bytes that decoding reads, in its order
//
//===----------------------------------------------------------------------===//
#ifndef AAC_STREAM_CODEC_H
#define AAC_STREAM_CODEC_H

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac {

/// Encodes `bytes`; at most one byte longer than they are. Deterministic. O(n).
std::string encodeEntropy(absl::Span<const uint8_t> bytes);

/// The inverse: `size` bytes. Any input is safe: an error where it is not what encodeEntropy
/// makes, and no more memory than 1024 times the input.
absl::StatusOr<std::vector<uint8_t>> decodeEntropy(absl::string_view coded, uint64_t size);

} // namespace aac

#endif // AAC_STREAM_CODEC_H
