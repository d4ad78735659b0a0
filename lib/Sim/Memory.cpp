//===- Memory.cpp - tiers and the engine's memories ------------------------===//
#include "Memory.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <cstring>

namespace aac::sim {
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
  const Memory &memory = memories[*tier];
  uint64_t offset = address - tiers[*tier].base;
  int64_t begin = static_cast<int64_t>(offset), end = begin + static_cast<int64_t>(out.size());
  if (int64_t missing = memory.written.firstMissing(begin, end); missing != end)
    return absl::FailedPreconditionError(
        absl::StrFormat("read of address 0x%x of tier '%s', which nothing has written",
                        tiers[*tier].base + static_cast<uint64_t>(missing), tiers[*tier].name));
  for (size_t done = 0; done < out.size();) {
    uint64_t at = offset + done, inPage = at % kPageBytes;
    uint64_t count = std::min<uint64_t>(kPageBytes - inPage, out.size() - done);
    std::memcpy(out.data() + done, memory.pages[at / kPageBytes]->data() + inPage, count);
    done += count;
  }
  return tier;
}

void TierSpace::store(size_t tier, uint64_t offset, absl::Span<const uint8_t> bytes) {
  Memory &memory = memories[tier];
  for (size_t done = 0; done < bytes.size();) {
    uint64_t at = offset + done, inPage = at % kPageBytes;
    uint64_t count = std::min<uint64_t>(kPageBytes - inPage, bytes.size() - done);
    std::unique_ptr<Page> &page = memory.pages[at / kPageBytes];
    if (!page)
      page = std::make_unique<Page>();
    std::memcpy(page->data() + inPage, bytes.data() + done, count);
    done += count;
  }
  int64_t begin = static_cast<int64_t>(offset), end = begin + static_cast<int64_t>(bytes.size());
  memory.written.add(begin, end);
  if (running)
    memory.transient.add(begin, end);
  else
    ++changeCount;
}

bool TierSpace::isTransient(size_t tier, uint64_t address, uint64_t size) const {
  int64_t begin = static_cast<int64_t>(address - tiers[tier].base);
  return memories[tier].transient.overlaps(begin, begin + static_cast<int64_t>(size));
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
  ++changeCount;
  if (!on && !tiers[tier].persistent)
    memories[tier].written.clear();
}

//===----------------------------------------------------------------------===//
// EngineMemory
//===----------------------------------------------------------------------===//

EngineMemory::EngineMemory(int index, int64_t dataRows, int64_t maskWords, OperandCache &decoded)
    : index(index), rowCount(dataRows), wordCount(maskWords), data(dataRows * kLanes),
      mask(maskWords), decoded(decoded) {}

void EngineMemory::forget() {
  writtenRows.clear();
  writtenWords.clear();
  rowParameters.clear();
  wordParameters.clear();
  placed.clear();
}

absl::Status EngineMemory::checkRows(int64_t row, int64_t rows) const {
  if (row >= 0 && rows >= 0 && row + rows <= rowCount)
    return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrFormat(
      "rows %d to %d are outside data memory %d of %d rows", row, row + rows - 1, index, rowCount));
}

absl::Status EngineMemory::checkWords(int64_t word, int64_t words) const {
  if (word >= 0 && words >= 0 && word + words <= wordCount)
    return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrFormat("words %d to %d are outside mask memory %d of %d words", word,
                      word + words - 1, index, wordCount));
}

void EngineMemory::dropOperands(int64_t row, int64_t rows, int64_t word, int64_t words) {
  drop(rowParameters, row, row + rows, kLanes);
  drop(wordParameters, word, word + words, kWordBytes);
  placed.erase(std::remove_if(
                   placed.begin(), placed.end(),
                   [&](const Placed &entry) {
                     return (row < entry.dataRow + entry.dataRows && entry.dataRow < row + rows) ||
                            (word < entry.base + entry.words && entry.base < word + words);
                   }),
               placed.end());
}

absl::StatusOr<absl::Span<uint8_t>> EngineMemory::writableRows(int64_t row, int64_t rows) {
  if (absl::Status status = checkRows(row, rows); !status.ok())
    return status;
  writtenRows.add(row, row + rows);
  dropOperands(row, rows, 0, 0);
  return absl::MakeSpan(data).subspan(row * kLanes, rows * kLanes);
}

void EngineMemory::rowsAreFrom(int64_t row, int64_t rows, uint64_t address) {
  add(rowParameters, {row, row + rows, address}, kLanes);
}

void EngineMemory::wordsAreFrom(int64_t word, int64_t words, uint64_t address) {
  add(wordParameters, {word, word + words, address}, kWordBytes);
}

void EngineMemory::add(std::vector<Parameters> &list, Parameters added, int64_t unit) {
  for (size_t i = list.size(); i-- > 0;) {
    Parameters &p = list[i];
    if (p.end == added.begin && p.addressAt(p.end, unit) == added.address)
      added = {p.begin, added.end, p.address};
    else if (added.end == p.begin && added.addressAt(added.end, unit) == p.address)
      added.end = p.end;
    else
      continue;
    p = list.back();
    list.pop_back();
  }
  list.push_back(added);
}

void EngineMemory::drop(std::vector<Parameters> &list, int64_t begin, int64_t end, int64_t unit) {
  for (size_t i = list.size(); i-- > 0;) {
    Parameters whole = list[i];
    if (whole.begin >= end || begin >= whole.end)
      continue;
    list[i] = list.back();
    list.pop_back();
    if (whole.begin < begin)
      list.push_back({whole.begin, begin, whole.address});
    if (end < whole.end)
      list.push_back({end, whole.end, whole.addressAt(end, unit)});
  }
}

std::optional<uint64_t> EngineMemory::addressOf(const std::vector<Parameters> &list, int64_t begin,
                                                int64_t end, int64_t unit) {
  for (const Parameters &p : list)
    if (p.begin <= begin && end <= p.end)
      return p.addressAt(begin, unit);
  return std::nullopt;
}

absl::Status EngineMemory::writeWords(int64_t word, absl::Span<const uint16_t> words) {
  int64_t count = static_cast<int64_t>(words.size());
  if (absl::Status status = checkWords(word, count); !status.ok())
    return status;
  std::copy(words.begin(), words.end(), mask.begin() + word);
  writtenWords.add(word, word + count);
  dropOperands(0, 0, word, count);
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const uint8_t>> EngineMemory::readRows(int64_t row, int64_t rows) const {
  if (absl::Status status = checkRows(row, rows); !status.ok())
    return status;
  if (int64_t missing = writtenRows.firstMissing(row, row + rows); missing != row + rows)
    return absl::FailedPreconditionError(absl::StrFormat(
        "read of row %d of data memory %d, which nothing has written", missing, index));
  return absl::MakeConstSpan(data).subspan(row * kLanes, rows * kLanes);
}

absl::StatusOr<absl::Span<const uint16_t>> EngineMemory::readWords(int64_t word,
                                                                   int64_t words) const {
  if (absl::Status status = checkWords(word, words); !status.ok())
    return status;
  if (int64_t missing = writtenWords.firstMissing(word, word + words); missing != word + words)
    return absl::FailedPreconditionError(absl::StrFormat(
        "read of word %d of mask memory %d, which nothing has written", missing, index));
  return absl::MakeConstSpan(mask).subspan(word, words);
}

absl::StatusOr<const uint8_t *> EngineMemory::readDense(int64_t vector, int64_t vectors) const {
  absl::StatusOr<absl::Span<const uint16_t>> words = readWords(vector, vectors);
  if (!words.ok())
    return words.status();
  if (!isDense(*words)) {
    auto sparse =
        std::find_if(words->begin(), words->end(), [](uint16_t word) { return word != 0xffff; });
    return absl::InvalidArgumentError(
        absl::StrFormat("vector %d of memory %d has mask 0x%04x: this unit takes dense tensors "
                        "only (mask 0xffff)",
                        vector + (sparse - words->begin()), index, *sparse));
  }
  absl::StatusOr<absl::Span<const uint8_t>> rows = readRows(vector, vectors);
  if (!rows.ok())
    return rows.status();
  return rows->data();
}

absl::StatusOr<absl::Span<uint8_t>> EngineMemory::writableDense(int64_t vector, int64_t vectors) {
  if (absl::Status status = checkWords(vector, vectors); !status.ok())
    return status;
  absl::StatusOr<absl::Span<uint8_t>> rows = writableRows(vector, vectors);
  if (!rows.ok())
    return rows;
  std::fill_n(mask.begin() + vector, vectors, 0xffff);
  writtenWords.add(vector, vector + vectors);
  dropOperands(0, 0, vector, vectors);
  return rows;
}

absl::StatusOr<PlacedOperand> EngineMemory::operand(OperandRole role, int64_t base, int64_t dataRow,
                                                    int64_t rows, int64_t columns) {
  int64_t words = rows * columns / kLanes;
  for (const Placed &entry : placed)
    if (const Operand &there = *entry.placed.operand;
        there.role == role && entry.base == base && entry.dataRow == dataRow &&
        there.rows == rows && there.columns == columns)
      return entry.placed;
  absl::StatusOr<absl::Span<const uint16_t>> maskWords = readWords(base, words);
  if (!maskWords.ok())
    return maskWords.status();

  // Parameters that were loaded from the same place before are decoded already.
  OperandSource source{0, OperandSource::kDense, role, rows, columns};
  bool dense = isDense(*maskWords);
  std::optional<uint64_t> maskFrom = addressOf(wordParameters, base, base + words, kWordBytes);
  std::optional<uint64_t> dataFrom = addressOf(rowParameters, dataRow, dataRow + 1, kLanes);
  bool known = dataFrom && (dense || maskFrom);
  // Masks without data are a parameter that is all zeros.
  bool isParameter = dataFrom || (!dense && maskFrom);
  if (known) {
    source.data = *dataFrom;
    if (!dense)
      source.mask = *maskFrom;
    // All of its rows, not only the first, must still be from there.
    if (const DecodedOperand *found = decoded.find(source);
        found && addressOf(rowParameters, dataRow, dataRow + found->dataRows, kLanes)) {
      placed.push_back({base, words, dataRow, found->dataRows, {found->operand, isParameter}});
      return placed.back().placed;
    }
  }

  int64_t used = dense ? words : dataRowsOf(*maskWords);
  absl::StatusOr<absl::Span<const uint8_t>> bytes = readRows(dataRow, used);
  if (!bytes.ok())
    return bytes.status();
  bool keep = known && addressOf(rowParameters, dataRow, dataRow + used, kLanes);
  std::shared_ptr<Operand> operand = keep ? std::make_shared<Operand>() : decoded.spare();
  decodeOperand(role, rows, columns, *maskWords, *bytes, *operand);
  if (keep && !decoded.find(source))
    decoded.add(source, {operand, used});
  placed.push_back({base, words, dataRow, used, {operand, isParameter}});
  return placed.back().placed;
}

} // namespace aac::sim
