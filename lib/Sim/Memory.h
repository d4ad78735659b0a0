//===- Memory.h - tiers and the engine's memories ---------------*- C++ -*-===//
//
// Both keep track of what has been written: reading anything else is an error.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_SIM_MEMORY_H
#define AAC_LIB_SIM_MEMORY_H

#include "aac/Machine/Machine.h"
#include "aac/Sim/Engine.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

namespace aac::sim {

/// The tiers: one byte-addressed map. Pages exist once something is written there.
class TierSpace {
public:
  explicit TierSpace(const std::vector<Tier> &tiers);

  /// Index of the tier that holds all of [address, address + size), or an error.
  absl::StatusOr<size_t> find(uint64_t address, uint64_t size) const;
  /// Both return the tier's index.
  absl::StatusOr<size_t> read(uint64_t address, absl::Span<uint8_t> out) const;
  absl::StatusOr<size_t> write(uint64_t address, absl::Span<const uint8_t> bytes);
  /// Writes what a tier holds before anything runs; also where programs may not write.
  absl::Status writeImage(uint64_t address, absl::Span<const uint8_t> bytes);
  /// Off: nothing can be read or written, and only a persistent tier keeps its content.
  void setPower(size_t tier, bool on);

private:
  static constexpr uint64_t kPageBytes = 1 << 16;
  struct Page {
    std::array<uint8_t, kPageBytes> bytes{};
    std::array<uint64_t, kPageBytes / 64> written{};
  };
  struct Memory {
    std::vector<std::unique_ptr<Page>> pages;
    bool on = true;
  };
  absl::Status checkPower(size_t tier) const;
  void store(size_t tier, uint64_t offset, absl::Span<const uint8_t> bytes);

  std::vector<Tier> tiers;
  std::vector<Memory> memories;
};

/// One data memory with the mask memory beside it.
class EngineMemory {
public:
  EngineMemory(int index, int64_t dataRows, int64_t maskWords);

  /// Everything unwritten again; contents stay as they are.
  void forget();
  absl::Status checkRows(int64_t row, int64_t rows) const;
  absl::Status checkWords(int64_t word, int64_t words) const;
  absl::Status writeRows(int64_t row, absl::Span<const uint8_t> bytes);
  absl::Status writeWords(int64_t word, absl::Span<const uint16_t> words);
  absl::StatusOr<absl::Span<const uint8_t>> readRows(int64_t row, int64_t rows) const;
  absl::StatusOr<absl::Span<const uint16_t>> readWords(int64_t word, int64_t words) const;
  /// One vector of a dense tensor, at the same row and word.
  absl::StatusOr<const uint8_t *> readDense(int64_t vector) const;
  /// Writes vectors dense: mask words all ones, rows as given.
  absl::Status writeDense(int64_t vector, absl::Span<const uint8_t> bytes);
  /// A matmul operand at mask word `base`, its data at row `dataRow`. Valid until the
  /// next call or write.
  absl::StatusOr<const Operand *> operand(OperandRole role, int64_t base, int64_t dataRow,
                                          int64_t rows, int64_t columns);

private:
  struct CachedOperand {
    int64_t base, words, dataRow, dataRows;
    Operand operand;
  };
  void dropOperands(int64_t row, int64_t rows, int64_t word, int64_t words);

  int index;
  std::vector<uint8_t> data, rowWritten, wordWritten;
  std::vector<uint16_t> mask;
  std::list<CachedOperand> cache; ///< most recently used first
};

} // namespace aac::sim

#endif // AAC_LIB_SIM_MEMORY_H
