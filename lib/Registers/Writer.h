//===- Writer.h - collects register writes ----------------------*- C++ -*-===//
#ifndef AAC_LIB_REGISTERS_WRITER_H
#define AAC_LIB_REGISTERS_WRITER_H

#include "aac/Registers/Registers.h"
#include "absl/status/status.h"
#include <utility>

namespace aac::registers {

using Values = std::vector<std::pair<Part, int64_t>>;

inline constexpr int kBeatBytes = 8; ///< of the data port: every address is a multiple

/// Collects the writes of one start; remembers the first value that does not fit.
class Writer {
public:
  /// Writes one register, whose parts are given; those left out are zero.
  Writer &write(const Values &values);
  Writer &write(Part part, int64_t value) { return write(Values{{part, value}}); }
  void start(Start opcode) { write(Part::Opcode, static_cast<int64_t>(opcode)); }

  std::vector<Command> commands;
  absl::Status status;
};

/// What 0x0c, 0x10 and 0x1c hold for an instruction that has the fields.
Values accelConfig(const isa::Instruction &in);
Values matrixConfig(const isa::Instruction &in);
Values layerNormConfig(const isa::Instruction &in);
Values softmaxConfig(const isa::Instruction &in);

/// The registers of a kind of transfer; `unitBytes` is a mask word's or a row's.
struct TransferRegisters {
  Part address, count;
  Start start;
  int unitBytes;
  bool store, auxiliary;
  isa::Field size;
};
/// Null if `opcode` is no transfer.
const TransferRegisters *transferRegisters(isa::Opcode opcode);

/// What a unit of the special functions needs.
struct SfuRegisters {
  DecoderMode decoder;
  SfuMode mode;
  Start start;
};
/// Null if `opcode` is none of its.
const SfuRegisters *sfuRegisters(isa::Opcode opcode);

/// Whether matmul can carry its sizes out: multiples of 16, not zero.
absl::Status checkMatMul(const isa::Instruction &in);
/// Whether a transfer's count and `address` are whole beats.
absl::Status checkBeats(const TransferRegisters &t, int64_t count, int64_t address);

/// The lines of `code` (instructions without loops) under PUBLISHED. `at` is the index of the
/// instruction that an error is about.
absl::StatusOr<std::vector<Line>> expandPublished(const std::vector<isa::Instruction> &code,
                                                  size_t &at);

} // namespace aac::registers

#endif // AAC_LIB_REGISTERS_WRITER_H
