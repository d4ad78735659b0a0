//===- Codec.h - images near their entropy ----------------------*- C++ -*-===//
//
// An optional form of images in a stream file, for what is kept in flash or sent over a link: the
// host decodes it when it loads the stream, and the device sees plain bytes. Order-0 entropy
// coding (range asymmetric numeral systems, two interleaved states) with up to eight tables of
// frequencies, each for those 1024-byte segments that it suits best: masks, codes and
// offsets of one image have little in common.
//
// What follows from the rest is left out, and what is alike is brought together: the masks and
// codes of a table of bit-masked rows without its offsets, those of an engine's weight without the
// padding of lanes and with the biases apart (lib/Stream/ImageLayout.h). Images say nothing of what
// they hold: it is recognised by the bytes.
//
//   u8 method: 0 plain bytes follow, 1 coded as below
//      2 a table: u32 rows, u32 mask words a row, u32 bytes of masks and codes
//      3 a weight: u32 repetitions, u32 mask words a repetition (0: dense), u32 mask words a tile,
//      u32
//        vectors a row of which the last is a bias (0: there are none), u32 bytes of masks and
//        codes
//      masks and codes follow by method 0 or 1
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
/// makes, and no result larger than 2048 times the input.
absl::StatusOr<std::vector<uint8_t>> decodeEntropy(absl::string_view coded, uint64_t size);

} // namespace aac

#endif // AAC_STREAM_CODEC_H
