//===- Registers.h - the accelerator at the level of its registers *- C++ -*-===//
//
// The register map of the published accelerator (reference: accelerator section 4), and
// what an engine or transfer instruction becomes there: register writes and waits for
// interrupts (section 4.5), under either semantics. docs/registers.md has the conventions.
//
// One table (lib/Registers/Table.cpp) defines addresses and fields; the register-level
// model of the accelerator (aac/Sim/Accelerator.h) reads it as well.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_REGISTERS_REGISTERS_H
#define AAC_REGISTERS_REGISTERS_H

#include "aac/ISA/Instruction.h"
#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac::registers {

/// A register, as the byte address it is written at.
// clang-format off
enum class Register : uint8_t {
  SoftReset = 0x00, Start = 0x04, FlipMem = 0x08, AccelConfig = 0x0c, MatrixConfig = 0x10,
  InputBase = 0x14, InputOffset = 0x18, PeriphConfig = 0x1c, SfuConfig = 0x20, EntropyConfig = 0x24,
  MaskReadAddress = 0x28, MaskWriteAddress = 0x2c, DataReadAddress = 0x30, DataWriteAddress = 0x34,
  AuxReadAddress = 0x38, AuxWriteAddress = 0x3c, TransferCount = 0x40, AuxCount = 0x44,
  OutputBase = 0x48, UseAxi = 0x4c, UseSfu = 0x50, SfuMode = 0x54, DecoderMode = 0x58,
  Status = 0x5c, DcoA = 0x64, DcoB = 0x68, DcoC = 0x6c, LdoA = 0x70, LdoB = 0x74, LdoC = 0x78,
  LdoD = 0x7c,
};
// clang-format on

/// A field of a register.
// clang-format off
enum class Part : uint8_t {
  SoftReset, Opcode, FlipMem, Relu, BiasEnable, WeightBias, OutBias, Shift, N0, N1, M,
  InputBase0, InputBase1, InputOffset0, InputOffset1, SpanBase, GammaBase, BetaBase, SpanBias,
  GammaBias, BetaBias, Vectors, Timesteps, Bias1, Bias2, Bias3, PadLanes, Threshold,
  EntropyScale, MaskReadAddress, MaskWriteAddress, DataReadAddress, DataWriteAddress,
  AuxReadAddress, AuxWriteAddress, CountLess1, AuxCountLess1, OutputBase, UseAxi, UseSfu,
  SfuMode, DecoderMode0, DecoderMode1, EntropyStatus, DcoSelect, LdoSelect, DcoA, DcoB, DcoC,
  LdoA, LdoB, LdoC, LdoD,
};
// clang-format on

struct PartSpec {
  Part part;
  Register reg;
  absl::string_view name; ///< as the reference calls it
  uint8_t low, bits;      ///< lowest bit and width
  bool isSigned;
};

/// All parts, in the order of Part.
absl::Span<const PartSpec> allParts();
const PartSpec &specOf(Part part);
/// The value of `part` in a word of its register.
int64_t extract(Part part, uint32_t word);
/// Whether `address` is that of a register in the table.
bool isRegister(uint32_t address);

/// Opcodes of the start register (reference: 4.1).
// clang-format off
enum class Start : uint8_t {
  LoadMask = 1, StoreMask, LoadData, StoreData, LoadAux, StoreAux, MatMul, LayerNorm, Softmax,
  ElementAdd, Entropy, Dvfs,
};
// clang-format on

/// What 0x58 selects in a decoder, one-hot; and 0x54 of the special function units.
// clang-format off
enum DecoderMode : uint8_t {
  kDecodeNone = 0, kDecodeN0 = 1, kDecodeN1 = 2, kDecodeLayerNorm = 4, kDecodeSoftmax = 8, kDecodeEntropy = 16,
  kDecodeAdd = 32,
};
// clang-format on
enum SfuMode : uint8_t { kSfuLayerNorm = 1, kSfuSoftmax = 2, kSfuAdd = 4, kSfuEntropy = 8 };

/// A register write, or a wait for an interrupt.
struct Command {
  bool interrupt = false;
  uint32_t address = 0, data = 0; ///< of a write
};
bool operator==(const Command &a, const Command &b);

/// `w 0x48 0x00000b00` or `irq`; parse is the inverse and takes any C integer.
std::string print(const Command &command);
absl::StatusOr<Command> parse(absl::string_view line);

/// The writes that configure and start `in` under CORRECTED, once for each chunk of a
/// transfer: the commands of one start each. Empty for what the accelerator does not carry
/// out (control and host instructions). Errors: a value wider than its register's field, a
/// size that is no multiple of 16, an address or a count that is no multiple of a beat.
absl::StatusOr<std::vector<std::vector<Command>>> expand(const isa::Instruction &in);

/// How many registers `expand` writes: for the first start of an instruction, and for each
/// further chunk of a transfer. Zero for what the accelerator does not carry out.
struct WriteCounts {
  int64_t first = 0, further = 0;
};
/// The counts of every instruction with this opcode.
WriteCounts writesOf(isa::Opcode opcode);

/// A line of an expanded program: a command, or (`note`) an instruction that the commands
/// after it come from or that the accelerator does not carry out itself.
struct Line {
  std::string note; ///< the instruction's text; empty: `command` counts
  Command command;
};

/// Expands `program`, loops unrolled. Both begin with an idle accelerator and leave one.
/// CORRECTED: the interrupt of a start is awaited before its unit is started again and at
/// waits for its unit; where two units are busy both are awaited, as a completion does not
/// say whose it is. PUBLISHED: every command runs alone, groups are separated by soft
/// resets, and what the released source cannot do is refused. Errors name program and
/// instruction.
absl::StatusOr<std::vector<Line>> expandProgram(const Program &program, Semantics semantics);

} // namespace aac::registers

#endif // AAC_REGISTERS_REGISTERS_H
