//===- TableLayout.cpp - images that are tables of bit-masked rows --------===//
#include "ImageLayout.h"

#include <algorithm>

namespace aac {
namespace {

/// First byte of the rows, behind the offsets.
uint64_t startOf(const RowTable &table) { return (4 * (uint64_t{table.rows} + 1) + 15) / 16 * 16; }

uint64_t maskBytesOf(const RowTable &table) { return 2 * uint64_t{table.words}; }

uint64_t offsetAt(absl::Span<const uint8_t> bytes, uint64_t row) {
  const uint8_t *p = bytes.data() + 4 * row;
  return p[0] | p[1] << 8 | p[2] << 16 | uint64_t{p[3]} << 24;
}

uint64_t ones(absl::Span<const uint8_t> bytes) {
  uint64_t count = 0;
  for (uint8_t byte : bytes)
    count += static_cast<uint64_t>(__builtin_popcount(byte));
  return count;
}

/// Every offset of `bytes` is what the masks say, and all padding is zero.
bool isTable(absl::Span<const uint8_t> bytes, const RowTable &table) {
  uint64_t start = startOf(table), mask = maskBytesOf(table), at = 0;
  for (uint64_t row = 0; row < table.rows; ++row) {
    if (offsetAt(bytes, row) != at || at + mask > bytes.size() - start)
      return false;
    at += mask + ones(bytes.subspan(start + at, mask));
    if (at > bytes.size() - start || offsetAt(bytes, row + 1) != at)
      return false;
  }
  auto zero = [](uint8_t byte) { return byte == 0; };
  return std::all_of(bytes.begin() + 4 * (uint64_t{table.rows} + 1), bytes.begin() + start, zero) &&
         std::all_of(bytes.begin() + start + at, bytes.end(), zero) &&
         bytes.size() - start - at < 16;
}

} // namespace

std::optional<RowTable> findTable(absl::Span<const uint8_t> bytes) {
  if (bytes.size() < 32 || offsetAt(bytes, 0) != 0)
    return std::nullopt;
  RowTable table;
  uint64_t first = offsetAt(bytes, 1), before = 0;
  for (table.rows = 1; 4 * (uint64_t{table.rows} + 1) <= bytes.size(); ++table.rows) {
    uint64_t offset = offsetAt(bytes, table.rows), start = startOf(table);
    if (offset <= before)
      break;
    before = offset;
    if (start + offset > bytes.size() || bytes.size() - start - offset >= 16)
      continue;
    for (table.words = 1; maskBytesOf(table) <= first && start + first <= bytes.size();
         ++table.words)
      if (maskBytesOf(table) + ones(bytes.subspan(start, maskBytesOf(table))) == first &&
          isTable(bytes, table))
        return table;
  }
  return std::nullopt;
}

std::vector<uint8_t> splitTable(absl::Span<const uint8_t> bytes, const RowTable &table) {
  std::vector<uint8_t> masks, codes;
  uint64_t start = startOf(table), mask = maskBytesOf(table);
  for (uint64_t row = 0; row < table.rows; ++row) {
    auto data = bytes.begin() + start + offsetAt(bytes, row);
    masks.insert(masks.end(), data, data + mask);
    codes.insert(codes.end(), data + mask, bytes.begin() + start + offsetAt(bytes, row + 1));
  }
  masks.insert(masks.end(), codes.begin(), codes.end());
  return masks;
}

absl::StatusOr<std::vector<uint8_t>> joinTable(absl::Span<const uint8_t> parts,
                                               const RowTable &table, uint64_t size) {
  uint64_t row = maskBytesOf(table), start = startOf(table);
  if (table.rows == 0 || table.words == 0 || table.rows > parts.size() / row)
    return absl::InvalidArgumentError("the shape of a table is none");
  uint64_t masks = row * table.rows, code = masks;
  if (masks + ones(parts.subspan(0, masks)) != parts.size() || start > size ||
      size - start < parts.size() || size - start - parts.size() >= 16)
    return absl::InvalidArgumentError("masks, codes and size of a table do not agree");
  std::vector<uint8_t> bytes(size, 0);
  uint64_t at = 0;
  for (uint64_t r = 0; r <= table.rows; ++r) {
    for (int i = 0; i < 4; ++i)
      bytes[4 * r + i] = static_cast<uint8_t>(at >> (8 * i));
    if (r == table.rows)
      break;
    absl::Span<const uint8_t> mask = parts.subspan(row * r, row);
    std::copy(mask.begin(), mask.end(), bytes.begin() + start + at);
    uint64_t count = ones(mask);
    std::copy_n(parts.begin() + code, count, bytes.begin() + start + at + row);
    code += count;
    at += row + count;
  }
  return bytes;
}

} // namespace aac
