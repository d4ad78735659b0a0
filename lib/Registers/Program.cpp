//===- Program.cpp - a program as register writes ---------------------------===//
#include "Writer.h"

#include "absl/strings/str_cat.h"
#include <array>
#include <optional>

namespace aac::registers {
namespace {

using isa::Field;
using isa::Instruction;
using isa::Unit;

/// `in` as it is in repetition `iteration` of its loop: no stride, an address of its own.
Instruction unrolled(const Instruction &in, int64_t iteration) {
  std::optional<Field> address = isa::loopStrided(in.opcode);
  if (!address)
    return in;
  Instruction out = in;
  out.set(*address, in.get(*address) + iteration * in.get(Field::LoopStride));
  return out.set(Field::LoopStride, 0);
}

absl::Status inProgram(const absl::Status &status, const Program &program, size_t index) {
  return absl::Status(status.code(),
                      absl::StrCat("program '", program.name, "': instruction ", index, " (",
                                   isa::print(program.code[index]), "): ", status.message()));
}

/// Follows which units may be busy: a completion does not say whose it is.
class Waits {
public:
  explicit Waits(std::vector<Line> &lines) : lines(lines) {}
  void waitFor(Unit unit) {
    if (!busy[static_cast<size_t>(unit)])
      return;
    for (bool &each : busy) {
      if (each)
        lines.push_back({"", {true, 0, 0}});
      each = false;
    }
  }
  void started(Unit unit) { busy[static_cast<size_t>(unit)] = true; }

private:
  std::vector<Line> &lines;
  std::array<bool, 4> busy{}; // by unit
};

} // namespace

absl::StatusOr<std::vector<Line>> expandProgram(const Program &program, Semantics semantics) {
  std::vector<Instruction> code;
  std::vector<size_t> indices; // in the program
  size_t loop = 0;
  int64_t iteration = 0;
  bool inLoop = false;
  for (size_t i = 0; i < program.code.size(); ++i) {
    const Instruction &in = program.code[i];
    bool end = in.opcode == isa::Opcode::End;
    if (in.opcode == isa::Opcode::Loop || end) {
      if (end != inLoop)
        return inProgram(absl::InvalidArgumentError(end ? "end without loop" : "loops do not nest"),
                         program, i);
      if (!end && in.get(Field::Count) < 1)
        return inProgram(absl::InvalidArgumentError("a loop of no repetitions"), program, i);
      if (!end)
        loop = i, iteration = 0;
      else if (++iteration < program.code[loop].get(Field::Count))
        i = loop;
      inLoop = !end || i == loop;
      continue;
    }
    code.push_back(unrolled(in, inLoop ? iteration : 0));
    indices.push_back(i);
    if (absl::Status status = isa::validate(code.back()); !status.ok())
      return inProgram(status, program, i);
  }
  if (inLoop)
    return inProgram(absl::InvalidArgumentError("loop without end"), program, loop);

  if (semantics == Semantics::Published) {
    size_t at = 0;
    absl::StatusOr<std::vector<Line>> lines = expandPublished(code, at);
    return lines.ok() ? std::move(lines) : inProgram(lines.status(), program, indices[at]);
  }
  std::vector<Line> lines;
  Waits waits(lines);
  for (size_t i = 0; i < code.size(); ++i) {
    const Instruction &in = code[i];
    absl::StatusOr<std::vector<std::vector<Command>>> starts = expand(in);
    if (!starts.ok())
      return inProgram(starts.status(), program, indices[i]);
    bool end = in.opcode == isa::Opcode::TaskEnd, dvfs = in.opcode == isa::Opcode::Dvfs;
    for (Unit each : {Unit::Transfer, Unit::Engine})
      if (end || (dvfs && each == Unit::Engine) ||
          (in.opcode == isa::Opcode::Wait &&
           in.get(Field::Units) >> (static_cast<int>(each) - 1) & 1))
        waits.waitFor(each);
    lines.push_back({isa::print(in), {}});
    Unit unit = isa::specOf(in.opcode).unit;
    for (const std::vector<Command> &commands : *starts) {
      waits.waitFor(unit);
      for (const Command &command : commands)
        lines.push_back({"", command});
      waits.started(unit);
    }
  }
  for (Unit each : {Unit::Transfer, Unit::Engine})
    waits.waitFor(each);
  return lines;
}

} // namespace aac::registers
