#include "aac/Numerics/Layout.h"

#include "absl/strings/str_cat.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace aac {
namespace {

/// Zero has two codes; neither is stored.
bool isZeroCode(uint8_t code) { return (code & 0x7f) == 0; }

} // namespace

std::vector<uint8_t> toBlockOrder(absl::Span<const uint8_t> rowMajor, int64_t rows,
                                  int64_t columns) {
  int64_t columnBlocks = roundUp(columns, kLanes) / kLanes;
  std::vector<uint8_t> blocks(roundUp(rows, kLanes) * columnBlocks * kLanes);
  for (int64_t row = 0; row != rows; ++row)
    for (int64_t j = 0; j != columnBlocks; ++j)
      std::memcpy(&blocks[blockVectorIndex(row, j, columnBlocks) * kLanes],
                  &rowMajor[row * columns + j * kLanes],
                  std::min<int64_t>(kLanes, columns - j * kLanes));
  return blocks;
}

std::vector<uint8_t> fromBlockOrder(absl::Span<const uint8_t> blocks, int64_t rows,
                                    int64_t columns) {
  int64_t columnBlocks = roundUp(columns, kLanes) / kLanes;
  std::vector<uint8_t> rowMajor(rows * columns);
  for (int64_t row = 0; row != rows; ++row)
    for (int64_t j = 0; j != columnBlocks; ++j)
      std::memcpy(&rowMajor[row * columns + j * kLanes],
                  &blocks[blockVectorIndex(row, j, columnBlocks) * kLanes],
                  std::min<int64_t>(kLanes, columns - j * kLanes));
  return rowMajor;
}

EncodedVectors encodeBitMask(absl::Span<const uint8_t> vectors) {
  EncodedVectors encoded;
  encoded.mask.resize(vectors.size() / kLanes);
  std::array<size_t, kLanes> stored{};
  for (size_t v = 0; v != encoded.mask.size(); ++v) {
    uint32_t word = 0;
    for (int lane = 0; lane != kLanes; ++lane) {
      uint32_t present = !isZeroCode(vectors[v * kLanes + lane]);
      word |= present << lane;
      stored[lane] += present;
    }
    encoded.mask[v] = static_cast<uint16_t>(word);
  }
  encoded.data.resize(*std::max_element(stored.begin(), stored.end()) * kLanes);
  std::array<size_t, kLanes> next{};
  for (size_t v = 0; v != encoded.mask.size(); ++v)
    for (uint32_t word = encoded.mask[v]; word != 0; word &= word - 1) {
      int lane = __builtin_ctz(word);
      encoded.data[next[lane]++ * kLanes + lane] = vectors[v * kLanes + lane];
    }
  return encoded;
}

absl::StatusOr<std::vector<uint8_t>> decodeBitMask(absl::Span<const uint16_t> mask,
                                                   absl::Span<const uint8_t> data) {
  std::vector<uint8_t> vectors(mask.size() * kLanes);
  std::array<size_t, kLanes> next{};
  for (size_t v = 0; v != mask.size(); ++v)
    for (uint32_t word = mask[v]; word != 0; word &= word - 1) {
      int lane = __builtin_ctz(word);
      size_t at = next[lane]++ * kLanes + lane;
      if (at >= data.size())
        return absl::InvalidArgumentError(absl::StrCat("mask word ", v, " refers to byte ", at,
                                                       " of lane ", lane, ", but the data has ",
                                                       data.size(), " bytes"));
      vectors[v * kLanes + lane] = data[at];
    }
  return vectors;
}

EncodedRows encodeRows(absl::Span<const uint8_t> rowMajor, int64_t rows, int64_t columns) {
  EncodedRows encoded;
  encoded.offset.reserve(rows + 1);
  encoded.offset.push_back(0);
  int64_t words = roundUp(columns, kLanes) / kLanes;
  for (int64_t row = 0; row != rows; ++row) {
    absl::Span<const uint8_t> codes = rowMajor.subspan(row * columns, columns);
    size_t masks = encoded.data.size();
    encoded.data.resize(masks + 2 * words);
    for (int64_t c = 0; c != columns; ++c) {
      if (isZeroCode(codes[c]))
        continue;
      // Bit c of the little-endian words is bit c%8 of byte c/8.
      encoded.data[masks + c / 8] |= static_cast<uint8_t>(1u << (c % 8));
      encoded.data.push_back(codes[c]);
    }
    encoded.offset.push_back(static_cast<uint32_t>(encoded.data.size()));
  }
  return encoded;
}

absl::Status decodeRow(absl::Span<const uint8_t> row, absl::Span<uint8_t> out) {
  size_t columns = out.size();
  size_t next = static_cast<size_t>(roundUp(static_cast<int64_t>(columns), kLanes)) / 8;
  if (row.size() < next)
    return absl::InvalidArgumentError(absl::StrCat("an encoded row of ", columns, " codes has ",
                                                   next, " bytes of mask, but it has only ",
                                                   row.size(), " bytes"));
  for (size_t c = columns; c != next * 8; ++c)
    if (row[c / 8] >> (c % 8) & 1)
      return absl::InvalidArgumentError(absl::StrCat(
          "an encoded row of ", columns, " codes has mask bit ", c, ", past its last column"));
  for (size_t c = 0; c != columns; ++c) {
    if (!(row[c / 8] >> (c % 8) & 1)) {
      out[c] = 0;
      continue;
    }
    if (next >= row.size())
      return absl::InvalidArgumentError(absl::StrCat("an encoded row of ", columns,
                                                     " codes ends before column ", c, ": it has ",
                                                     row.size(), " bytes"));
    out[c] = row[next++];
  }
  return absl::OkStatus();
}

double orderZeroEntropy(absl::Span<const uint8_t> codes) {
  std::array<int64_t, 256> counts{};
  for (uint8_t code : codes)
    ++counts[code];
  return entropyOfCounts(counts);
}

double entropyOfCounts(absl::Span<const int64_t> counts) {
  int64_t all = 0;
  for (int64_t count : counts)
    all += count;
  double entropy = 0;
  for (int64_t count : counts)
    if (count != 0) {
      double p = static_cast<double>(count) / static_cast<double>(all);
      entropy -= p * std::log2(p);
    }
  return entropy;
}

} // namespace aac
