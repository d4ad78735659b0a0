//===- Memory.h - tiers and the engine's memories ---------------*- C++ -*-===//
//
// Both keep track of what has been written: reading anything else is an error.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_SIM_MEMORY_H
#define AAC_LIB_SIM_MEMORY_H

#include "OperandCache.h"
#include "WrittenRanges.h"
#include "aac/Machine/Machine.h"
#include "aac/Sim/Engine.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
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
  /// Whether a running program wrote any of [address, address + size) of a tier.
  bool isTransient(size_t tier, uint64_t address, uint64_t size) const;
  /// Whether writes from now on are a running program's.
  void setRunning(bool now) { running = now; }
  /// Counts changes of what running programs have not written.
  int64_t changes() const { return changeCount; }
  /// Off: nothing can be read or written, and only a persistent tier keeps its content.
  void setPower(size_t tier, bool on);

private:
  static constexpr uint64_t kPageBytes = 1 << 16;
  using Page = std::array<uint8_t, kPageBytes>;
  struct Memory {
    std::vector<std::unique_ptr<Page>> pages;
    WrittenRanges written;
    WrittenRanges transient; ///< written by running programs: activations
    bool on = true;
  };
  absl::Status checkPower(size_t tier) const;
  void store(size_t tier, uint64_t offset, absl::Span<const uint8_t> bytes);

  std::vector<Tier> tiers;
  std::vector<Memory> memories;
  bool running = false;
  int64_t changeCount = 0;
};

/// A matmul operand; `isParameter` where it was loaded as it lies in a tier and no running program
/// wrote that.
struct PlacedOperand {
  std::shared_ptr<const Operand> operand;
  bool isParameter = false;
};

/// One data memory with the mask memory beside it.
class EngineMemory {
public:
  /// `decoded` outlives the memory.
  EngineMemory(int index, int64_t dataRows, int64_t maskWords, OperandCache &decoded);

  /// Everything unwritten again; contents stay as they are.
  void forget();
  absl::Status checkRows(int64_t row, int64_t rows) const;
  absl::Status checkWords(int64_t word, int64_t words) const;
  /// Space for what is about to be written there, counted as written.
  absl::StatusOr<absl::Span<uint8_t>> writableRows(int64_t row, int64_t rows);
  /// What was just written there are parameters from `address`: bytes that no running
  /// program writes before it reads them again.
  void rowsAreFrom(int64_t row, int64_t rows, uint64_t address);
  void wordsAreFrom(int64_t word, int64_t words, uint64_t address);
  absl::Status writeWords(int64_t word, absl::Span<const uint16_t> words);
  absl::StatusOr<absl::Span<const uint8_t>> readRows(int64_t row, int64_t rows) const;
  absl::StatusOr<absl::Span<const uint16_t>> readWords(int64_t word, int64_t words) const;
  /// Vectors of a dense tensor, at the same rows and words.
  absl::StatusOr<const uint8_t *> readDense(int64_t vector, int64_t vectors) const;
  /// Space for vectors of a dense tensor: mask words all ones, rows about to be written.
  absl::StatusOr<absl::Span<uint8_t>> writableDense(int64_t vector, int64_t vectors);
  /// All data; what was checked with readDense or writableDense may be accessed.
  uint8_t *bytes() { return data.data(); }
  const uint8_t *bytes() const { return data.data(); }
  const std::vector<uint8_t> &allRows() const { return data; }
  const std::vector<uint16_t> &allWords() const { return mask; }
  /// A matmul operand at mask word `base`, its data at row `dataRow`.
  absl::StatusOr<PlacedOperand> operand(OperandRole role, int64_t base, int64_t dataRow,
                                        int64_t rows, int64_t columns);

private:
  /// An operand that lies there as long as nothing is written over it.
  struct Placed {
    int64_t base, words, dataRow, dataRows;
    PlacedOperand placed;
  };
  /// Rows or words that are copies of what lies from `address` on.
  struct Parameters {
    int64_t begin, end;
    uint64_t address;
    /// Where row or word `at` comes from, each of `unit` bytes.
    uint64_t addressAt(int64_t at, int64_t unit) const {
      return address + static_cast<uint64_t>((at - begin) * unit);
    }
  };
  static constexpr int64_t kWordBytes = 2;
  /// Adds to the list, as one with what it continues.
  static void add(std::vector<Parameters> &list, Parameters added, int64_t unit);
  /// [begin, end) are copies no more.
  static void drop(std::vector<Parameters> &list, int64_t begin, int64_t end, int64_t unit);
  /// The address of all of [begin, end), or nothing.
  static std::optional<uint64_t> addressOf(const std::vector<Parameters> &list, int64_t begin,
                                           int64_t end, int64_t unit);
  void dropOperands(int64_t row, int64_t rows, int64_t word, int64_t words);

  int index;
  int64_t rowCount, wordCount;
  std::vector<uint8_t> data;
  std::vector<uint16_t> mask;
  WrittenRanges writtenRows, writtenWords;
  std::vector<Parameters> rowParameters, wordParameters;
  OperandCache &decoded;
  std::vector<Placed> placed;
};

} // namespace aac::sim

#endif // AAC_LIB_SIM_MEMORY_H
