//===- Codec.cpp - instructions to bytes and back --------------------------===//
#include "aac/ISA/Instruction.h"

#include "absl/strings/str_cat.h"

namespace aac::isa {
namespace {

constexpr size_t kAlignment = 4; // every instruction starts at a multiple of this

int64_t lowest(const FieldSpec &field) {
  return field.isSigned ? -(int64_t{1} << (field.bits - 1)) : 0;
}
int64_t highest(const FieldSpec &field) {
  return (int64_t{1} << (field.isSigned ? field.bits - 1 : field.bits)) - 1;
}

size_t encodedSize(const InstructionSpec &spec) {
  size_t bits = 8;
  for (const FieldSpec &field : spec.fields)
    bits += field.bits;
  size_t bytes = (bits + 7) / 8;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Collects bits, lowest first.
class BitWriter {
public:
  explicit BitWriter(std::vector<uint8_t> &out) : out(out) {}
  void put(uint64_t value, unsigned bits) {
    buffer |= value << filled; // filled < 8, bits <= 32
    for (filled += bits; filled >= 8; filled -= 8, buffer >>= 8)
      out.push_back(static_cast<uint8_t>(buffer));
  }
  void flush() {
    if (filled > 0)
      out.push_back(static_cast<uint8_t>(buffer));
    filled = 0;
    buffer = 0;
  }

private:
  std::vector<uint8_t> &out;
  uint64_t buffer = 0;
  unsigned filled = 0;
};

class BitReader {
public:
  explicit BitReader(absl::Span<const uint8_t> bytes) : bytes(bytes) {}
  uint64_t get(unsigned bits) {
    for (; filled < bits; filled += 8)
      buffer |= static_cast<uint64_t>(bytes[next++]) << filled;
    uint64_t value = buffer & ((uint64_t{1} << bits) - 1);
    buffer >>= bits;
    filled -= bits;
    return value;
  }
  /// Whether everything not yet read is zero.
  bool restIsZero() const {
    if (buffer != 0)
      return false;
    for (size_t i = next; i < bytes.size(); ++i)
      if (bytes[i] != 0)
        return false;
    return true;
  }

private:
  absl::Span<const uint8_t> bytes;
  size_t next = 0;
  uint64_t buffer = 0;
  unsigned filled = 0;
};

absl::Status checkOpcode(Opcode opcode) {
  if (static_cast<size_t>(opcode) < allInstructions().size())
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("opcode ", static_cast<int>(opcode),
                                                 " is not an instruction; the highest is ",
                                                 allInstructions().size() - 1));
}

/// Follows loops: they do not nest, and each has its end.
class LoopBalance {
public:
  absl::Status visit(Opcode opcode, size_t index, absl::string_view place) {
    if (opcode == Opcode::Loop) {
      if (open)
        return absl::InvalidArgumentError(absl::StrCat(
            place, " ", index, ": loop inside the loop at ", start, "; loops do not nest"));
      open = true;
      start = index;
    } else if (opcode == Opcode::End) {
      if (!open)
        return absl::InvalidArgumentError(
            absl::StrCat(place, " ", index, ": end without a loop before it"));
      open = false;
    }
    return absl::OkStatus();
  }
  absl::Status finish(absl::string_view place) {
    if (!open)
      return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(place, " ", start, ": loop without an end after it"));
  }

private:
  bool open = false;
  size_t start = 0;
};

} // namespace

absl::Status validate(const Instruction &instruction) {
  if (absl::Status status = checkOpcode(instruction.opcode); !status.ok())
    return status;
  const InstructionSpec &spec = specOf(instruction.opcode);
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    const FieldSpec &field = spec.fields[i];
    int64_t value = instruction.values[i];
    if (value < lowest(field) || value > highest(field))
      return absl::InvalidArgumentError(absl::StrCat(spec.name, ": field ", field.name, " is ",
                                                     value, ", outside ", lowest(field), "..",
                                                     highest(field)));
  }
  return absl::OkStatus();
}

absl::Status encode(const Instruction &instruction, std::vector<uint8_t> &bytes) {
  if (absl::Status status = validate(instruction); !status.ok())
    return status;
  const InstructionSpec &spec = specOf(instruction.opcode);
  size_t end = bytes.size() + encodedSize(spec);
  BitWriter writer(bytes);
  writer.put(static_cast<uint8_t>(instruction.opcode), 8);
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    unsigned bits = spec.fields[i].bits;
    writer.put(static_cast<uint64_t>(instruction.values[i]) & ((uint64_t{1} << bits) - 1), bits);
  }
  writer.flush();
  bytes.resize(end, 0);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint8_t>> encodeProgram(absl::Span<const Instruction> program) {
  std::vector<uint8_t> bytes;
  bytes.reserve(program.size() * 24);
  LoopBalance loops;
  for (size_t i = 0; i < program.size(); ++i) {
    if (absl::Status status = encode(program[i], bytes); !status.ok())
      return absl::InvalidArgumentError(absl::StrCat("instruction ", i, ": ", status.message()));
    if (absl::Status status = loops.visit(program[i].opcode, i, "instruction"); !status.ok())
      return status;
  }
  if (absl::Status status = loops.finish("instruction"); !status.ok())
    return status;
  return bytes;
}

absl::StatusOr<std::vector<Instruction>> decodeProgram(absl::Span<const uint8_t> bytes) {
  std::vector<Instruction> program;
  program.reserve(bytes.size() / 20 + 1);
  LoopBalance loops;
  auto fail = [](size_t at, auto... parts) {
    return absl::InvalidArgumentError(absl::StrCat("byte ", at, ": ", parts...));
  };
  for (size_t at = 0; at < bytes.size();) {
    Opcode opcode = static_cast<Opcode>(bytes[at]);
    if (absl::Status status = checkOpcode(opcode); !status.ok())
      return fail(at, status.message());
    const InstructionSpec &spec = specOf(opcode);
    size_t size = encodedSize(spec);
    if (bytes.size() - at < size)
      return fail(at, spec.name, " is truncated: it takes ", size, " bytes, ", bytes.size() - at,
                  " are left");
    BitReader reader(bytes.subspan(at + 1, size - 1));
    Instruction instruction(opcode);
    for (size_t i = 0; i < spec.fields.size(); ++i) {
      const FieldSpec &field = spec.fields[i];
      int64_t value = static_cast<int64_t>(reader.get(field.bits));
      if (field.isSigned && (value >> (field.bits - 1)) != 0)
        value -= int64_t{1} << field.bits;
      instruction.values[i] = value;
    }
    if (!reader.restIsZero())
      return fail(at, spec.name, " has padding that is not zero");
    if (absl::Status status = loops.visit(opcode, at, "byte"); !status.ok())
      return status;
    program.push_back(instruction);
    at += size;
  }
  if (absl::Status status = loops.finish("byte"); !status.ok())
    return status;
  return program;
}

} // namespace aac::isa
