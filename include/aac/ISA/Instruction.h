//===- Instruction.h - the instruction table --------------------*- C++ -*-===//
//
// One constexpr table (lib/ISA/Table.cpp) defines every instruction: name, unit,
// fields with widths and units, meaning. Everything else walks it: encoder,
// decoder, assembler, checker, simulator, the cmd dialect's ODS, the firmware
// header and the reference page.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_ISA_INSTRUCTION_H
#define AAC_ISA_INSTRUCTION_H

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace aac::isa {

/// What carries an instruction out. Instructions of one unit run in order, one at a
/// time; different units run side by side until a `wait`.
enum class Unit : uint8_t { Control, Transfer, Engine, Host };

// clang-format off
enum class Opcode : uint8_t {
  TaskBegin, TaskEnd, Loop, End, Wait, TierPower, Dvfs,
  LoadData, LoadMask, LoadAux, StoreData, StoreMask, StoreAux,
  MatMul, LayerNorm, Softmax, ElementAdd, Entropy,
  HostGather, HostEmit, HostTable, HostMask, HostCopy, HostTranspose, HostOutput,
};
// clang-format on

/// Every field of every instruction. See lib/ISA/Table.cpp for widths, units, meaning.
// clang-format off
enum class Field : uint8_t {
  Task, Count, Units, Tier, State, Point,
  Memory, Row, Rows, Address, Chunks, AddressStride, RowStride, LoopStride, Words,
  N0, N1, M, Relu, BiasEnable, WeightBias, Shift, OutBias, Base0, Base1, DataOffset0,
  DataOffset1, OutMemory, OutBase, Vectors, Timesteps, InBase, InBias, GammaBase,
  BetaBase, GammaBias, BetaBias, PadLanes, SpanBase, SpanBias, InBase1, InBias1,
  Threshold, Source, Input, Indices, Table, Offsets, TableRows, Columns, Bias, Scale,
  Sparse, Accumulate, OutAddress, Bytes, Output, Layout, Inverted,
};
// clang-format on

struct FieldSpec {
  Field field;
  absl::string_view name; ///< snake_case, as in assembly and in the cmd dialect
  uint8_t bits;           ///< 1..32
  bool isSigned;
  absl::string_view unit; ///< "vectors", "bytes", "" ...
  absl::string_view doc;  ///< one sentence
  /// What a program may hold; the encoding has room for `bits`. `most` of 0: as `bits` allow.
  uint16_t least = 0, most = 0, step = 1;

  constexpr FieldSpec within(uint16_t low, uint16_t high = 0, uint16_t multiple = 1) const {
    FieldSpec result = *this;
    result.least = low;
    result.most = high;
    result.step = multiple;
    return result;
  }
};

struct InstructionSpec {
  Opcode opcode;
  absl::string_view name; ///< mnemonic, snake_case: "load_data"
  Unit unit;
  absl::Span<const FieldSpec> fields;
  absl::string_view doc;
};

/// All instructions, in the order of Opcode.
absl::Span<const InstructionSpec> allInstructions();
const InstructionSpec &specOf(Opcode opcode);
const InstructionSpec *findInstruction(absl::string_view mnemonic);
/// The field that `loop_stride` is added to once per repetition; none without a stride.
std::optional<Field> loopStrided(Opcode opcode);

inline constexpr int kMaxFields = 20;

/// One instruction: an opcode and the values of its fields, in the table's order.
struct Instruction {
  Opcode opcode = Opcode::Wait;
  std::array<int64_t, kMaxFields> values{};

  Instruction() = default;
  explicit Instruction(Opcode op) : opcode(op) {}
  /// Value of `field`, which the instruction must have.
  int64_t get(Field field) const;
  /// Sets `field`, which the instruction must have; returns *this to chain.
  Instruction &set(Field field, int64_t value);
  bool has(Field field) const;
};
bool operator==(const Instruction &a, const Instruction &b);

/// Ok if every field is within its width; else names instruction, field, value, range.
absl::Status validate(const Instruction &instruction);

/// Appends the encoding: opcode byte, then the fields packed LSB first in the table's
/// order, zero-padded to a multiple of 4 bytes. Error if a field is out of range.
absl::Status encode(const Instruction &instruction, std::vector<uint8_t> &bytes);
absl::StatusOr<std::vector<uint8_t>> encodeProgram(absl::Span<const Instruction> program);
/// Decodes a whole program. Error names the byte offset: unknown opcode, truncation,
/// non-zero padding, unbalanced loops.
absl::StatusOr<std::vector<Instruction>> decodeProgram(absl::Span<const uint8_t> bytes);

/// One line, `mnemonic field=value ...`; parse is its exact inverse (decimal or 0x).
std::string print(const Instruction &instruction);
absl::StatusOr<Instruction> parse(absl::string_view line);

} // namespace aac::isa

#endif // AAC_ISA_INSTRUCTION_H
