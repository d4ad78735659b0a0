//===- Memory.cpp - tiers and the engine's memories ------------------------===//
#include "Memory.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <cstring>

namespace aac::sim {
namespace {

constexpr size_t kCachedOperands = 8;

/// Bits [first, last) of a word; first < last <= 64.
uint64_t bitRange(uint64_t first, uint64_t last) {
  uint64_t upTo = last == 64 ? ~uint64_t{0} : (uint64_t{1} << last) - 1;
  return upTo & ~((uint64_t{1} << first) - 1);
}

} // namespace

//===----------------------------------------------------------------------===//
// TierSpace
//===----------------------------------------------------------------------===//

TierSpace::TierSpace(const std::vector<Tier> &tiers) : tiers(tiers), memories(tiers.size()) {
  for (size_t i = 0; i < tiers.size(); ++i)
    memories[i].pages.resize((tiers[i].capacity + kPageBytes - 1) / kPageBytes);
}

absl::StatusOr<size_t> TierSpace::find(uint64_t address, uint64_t size) const {
  for (size_t i = 0; i < tiers.size(); ++i) {
    const Tier &tier = tiers[i];
    if (address < tier.base || address - tier.base >= tier.capacity)
      continue;
    if (size > tier.capacity - (address - tier.base))
      return absl::OutOfRangeError(
          absl::StrFormat("%d bytes at 0x%x run past the end of tier '%s' (0x%x)", size, address,
                          tier.name, tier.base + tier.capacity));
    return i;
  }
  return absl::OutOfRangeError(absl::StrFormat("address 0x%x is in no tier", address));
}

absl::Status TierSpace::checkPower(size_t tier) const {
  if (memories[tier].on)
    return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("tier '", tiers[tier].name, "' is switched off"));
}

absl::StatusOr<size_t> TierSpace::read(uint64_t address, absl::Span<uint8_t> out) const {
  absl::StatusOr<size_t> tier = find(address, out.size());
  if (!tier.ok())
    return tier;
  if (absl::Status status = checkPower(*tier); !status.ok())
    return status;
  uint64_t offset = address - tiers[*tier].base;
  for (size_t done = 0; done < out.size();) {
    uint64_t at = offset + done, inPage = at % kPageBytes;
    uint64_t count = std::min<uint64_t>(kPageBytes - inPage, out.size() - done);
    const Page *page = memories[*tier].pages[at / kPageBytes].get();
    uint64_t unread = page ? count : 0; // bytes before the first unwritten one
    for (uint64_t bit = inPage; page && bit < inPage + count;) {
      uint64_t end = std::min((bit / 64 + 1) * 64, inPage + count);
      uint64_t missing = ~page->written[bit / 64] & bitRange(bit % 64, (end - 1) % 64 + 1);
      if (missing) {
        unread = bit / 64 * 64 + static_cast<uint64_t>(__builtin_ctzll(missing)) - inPage;
        break;
      }
      bit = end;
    }
    if (unread != count)
      return absl::FailedPreconditionError(
          absl::StrFormat("read of address 0x%x of tier '%s', which nothing has written",
                          address + done + unread, tiers[*tier].name));
    std::memcpy(out.data() + done, page->bytes.data() + inPage, count);
    done += count;
  }
  return tier;
}

void TierSpace::store(size_t tier, uint64_t offset, absl::Span<const uint8_t> bytes) {
  for (size_t done = 0; done < bytes.size();) {
    uint64_t at = offset + done, inPage = at % kPageBytes;
    uint64_t count = std::min<uint64_t>(kPageBytes - inPage, bytes.size() - done);
    std::unique_ptr<Page> &page = memories[tier].pages[at / kPageBytes];
    if (!page)
      page = std::make_unique<Page>();
    std::memcpy(page->bytes.data() + inPage, bytes.data() + done, count);
    for (uint64_t bit = inPage; bit < inPage + count;) {
      uint64_t end = std::min((bit / 64 + 1) * 64, inPage + count);
      page->written[bit / 64] |= bitRange(bit % 64, (end - 1) % 64 + 1);
      bit = end;
    }
    done += count;
  }
}

absl::StatusOr<size_t> TierSpace::write(uint64_t address, absl::Span<const uint8_t> bytes) {
  absl::StatusOr<size_t> tier = find(address, bytes.size());
  if (!tier.ok())
    return tier;
  if (absl::Status status = checkPower(*tier); !status.ok())
    return status;
  if (tiers[*tier].technology == Technology::Rram)
    return absl::FailedPreconditionError(
        absl::StrFormat("write to address 0x%x of tier '%s': RRAM is programmed once, with the "
                        "stream's images, and not by programs",
                        address, tiers[*tier].name));
  store(*tier, address - tiers[*tier].base, bytes);
  return tier;
}

absl::Status TierSpace::writeImage(uint64_t address, absl::Span<const uint8_t> bytes) {
  absl::StatusOr<size_t> tier = find(address, bytes.size());
  if (!tier.ok())
    return tier.status();
  store(*tier, address - tiers[*tier].base, bytes);
  return absl::OkStatus();
}

void TierSpace::setPower(size_t tier, bool on) {
  memories[tier].on = on;
  if (!on && !tiers[tier].persistent)
    for (std::unique_ptr<Page> &page : memories[tier].pages)
      page.reset();
}

//===----------------------------------------------------------------------===//
// EngineMemory
//===----------------------------------------------------------------------===//

EngineMemory::EngineMemory(int index, int64_t dataRows, int64_t maskWords)
    : index(index), data(dataRows * kLanes), rowWritten(dataRows), wordWritten(maskWords),
      mask(maskWords) {}

void EngineMemory::forget() {
  std::fill(rowWritten.begin(), rowWritten.end(), 0);
  std::fill(wordWritten.begin(), wordWritten.end(), 0);
}

absl::Status EngineMemory::checkRows(int64_t row, int64_t rows) const {
  int64_t size = static_cast<int64_t>(rowWritten.size());
  if (row >= 0 && rows >= 0 && row + rows <= size)
    return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrFormat(
      "rows %d to %d are outside data memory %d of %d rows", row, row + rows - 1, index, size));
}

absl::Status EngineMemory::checkWords(int64_t word, int64_t words) const {
  int64_t size = static_cast<int64_t>(wordWritten.size());
  if (word >= 0 && words >= 0 && word + words <= size)
    return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrFormat("words %d to %d are outside mask memory %d of %d words", word,
                      word + words - 1, index, size));
}

void EngineMemory::dropOperands(int64_t row, int64_t rows, int64_t word, int64_t words) {
  cache.remove_if([&](const CachedOperand &entry) {
    return (row < entry.dataRow + entry.dataRows && entry.dataRow < row + rows) ||
           (word < entry.base + entry.words && entry.base < word + words);
  });
}

absl::Status EngineMemory::writeRows(int64_t row, absl::Span<const uint8_t> bytes) {
  int64_t rows = static_cast<int64_t>(bytes.size()) / kLanes;
  if (absl::Status status = checkRows(row, rows); !status.ok())
    return status;
  std::memcpy(data.data() + row * kLanes, bytes.data(), bytes.size());
  std::fill_n(rowWritten.begin() + row, rows, 1);
  dropOperands(row, rows, 0, 0);
  return absl::OkStatus();
}

absl::Status EngineMemory::writeWords(int64_t word, absl::Span<const uint16_t> words) {
  int64_t count = static_cast<int64_t>(words.size());
  if (absl::Status status = checkWords(word, count); !status.ok())
    return status;
  std::copy(words.begin(), words.end(), mask.begin() + word);
  std::fill_n(wordWritten.begin() + word, count, 1);
  dropOperands(0, 0, word, count);
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const uint8_t>> EngineMemory::readRows(int64_t row, int64_t rows) const {
  if (absl::Status status = checkRows(row, rows); !status.ok())
    return status;
  auto begin = rowWritten.begin() + row;
  auto unwritten = std::find(begin, begin + rows, 0);
  if (unwritten != begin + rows)
    return absl::FailedPreconditionError(
        absl::StrFormat("read of row %d of data memory %d, which nothing has written",
                        unwritten - rowWritten.begin(), index));
  return absl::MakeConstSpan(data).subspan(row * kLanes, rows * kLanes);
}

absl::StatusOr<absl::Span<const uint16_t>> EngineMemory::readWords(int64_t word,
                                                                   int64_t words) const {
  if (absl::Status status = checkWords(word, words); !status.ok())
    return status;
  auto begin = wordWritten.begin() + word;
  auto unwritten = std::find(begin, begin + words, 0);
  if (unwritten != begin + words)
    return absl::FailedPreconditionError(
        absl::StrFormat("read of word %d of mask memory %d, which nothing has written",
                        unwritten - wordWritten.begin(), index));
  return absl::MakeConstSpan(mask).subspan(word, words);
}

absl::StatusOr<const uint8_t *> EngineMemory::readDense(int64_t vector) const {
  absl::StatusOr<absl::Span<const uint16_t>> word = readWords(vector, 1);
  if (!word.ok())
    return word.status();
  if (word->front() != 0xffff)
    return absl::InvalidArgumentError(
        absl::StrFormat("vector %d of memory %d has mask 0x%04x: this unit takes dense tensors "
                        "only (mask 0xffff)",
                        vector, index, word->front()));
  absl::StatusOr<absl::Span<const uint8_t>> row = readRows(vector, 1);
  if (!row.ok())
    return row.status();
  return row->data();
}

absl::Status EngineMemory::writeDense(int64_t vector, absl::Span<const uint8_t> bytes) {
  std::vector<uint16_t> words(bytes.size() / kLanes, 0xffff);
  if (absl::Status status = writeWords(vector, words); !status.ok())
    return status;
  return writeRows(vector, bytes);
}

absl::StatusOr<const Operand *> EngineMemory::operand(OperandRole role, int64_t base,
                                                      int64_t dataRow, int64_t rows,
                                                      int64_t columns) {
  int64_t words = rows * columns / kLanes;
  absl::StatusOr<absl::Span<const uint16_t>> maskWords = readWords(base, words);
  if (!maskWords.ok())
    return maskWords.status();
  for (auto entry = cache.begin(); entry != cache.end(); ++entry)
    if (entry->operand.role == role && entry->base == base && entry->dataRow == dataRow &&
        entry->operand.rows == rows && entry->operand.columns == columns) {
      // Still to be checked: the memory may have been forgotten since.
      if (auto read = readRows(dataRow, entry->dataRows); !read.ok())
        return read.status();
      cache.splice(cache.begin(), cache, entry);
      return &cache.front().operand;
    }
  int64_t used = dataRowsOf(*maskWords);
  absl::StatusOr<absl::Span<const uint8_t>> bytes = readRows(dataRow, used);
  if (!bytes.ok())
    return bytes.status();
  if (cache.size() >= kCachedOperands)
    cache.splice(cache.begin(), cache, std::prev(cache.end())); // reuse its storage
  else
    cache.emplace_front();
  CachedOperand &entry = cache.front();
  entry.base = base;
  entry.words = words;
  entry.dataRow = dataRow;
  entry.dataRows = used;
  decodeOperand(role, rows, columns, *maskWords, *bytes, entry.operand);
  return &entry.operand;
}

} // namespace aac::sim
