//===- ReplayStream.cpp - a whole suite on the register-level model --------===//
//
//   ReplayStream STREAM TASK=INPUT.npz...
//
// Runs a stream on the simulator, instruction by instruction, and beside it the register
// writes of `registers::expandProgram` on the accelerator's register-level model, which has its
// own memories. Tables and copies of the host are carried out there as well; of its other
// steps what they read must be the same on both sides, and what they write is copied over. After
// every store, host step and program all that was touched must be equal; after every program the
// engine's memories as well. Exit code 1 names the first difference.
//
//===----------------------------------------------------------------------===//
#include "aac/Registers/Registers.h"
#include "aac/Sim/Accelerator.h"
#include "aac/Sim/Simulator.h"
#include "aac/Support/File.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include <cstdlib>
#include <iostream>

using namespace aac;
using isa::Field;
using isa::Instruction;
using isa::Opcode;

namespace {

[[noreturn]] void fail(absl::string_view what) {
  std::cerr << "ReplayStream: " << std::string(what) << "\n";
  std::exit(1);
}

void check(const absl::Status &status) {
  if (!status.ok())
    fail(status.message());
}

struct Range {
  uint64_t address, size;
};

class Replay {
public:
  Replay(const Stream &stream, const Machine &machine, sim::Simulator &simulator)
      : machine(machine), simulator(simulator), accelerator(sim::Accelerator::create(machine)) {
    for (const Image &image : stream.images)
      accelerator->dram.write(static_cast<uint32_t>(image.address), image.bytes);
    simulator.setObserver([this](const sim::Step &step) { follow(step); });
  }

  void finish(const std::string &what) {
    if (!program)
      return; // nothing ran: the task was in already
    playUpToNote();
    if (next != lines.size())
      fail(absl::StrFormat("%s: %d lines are left", what, lines.size() - next));
    if (accelerator->waitForInterrupt().ok())
      fail(what + ": a completion is left");
    sim::EngineContents engine = simulator.engineContents();
    const sim::published::Memories &memories = accelerator->memories();
    for (int m : {0, 1})
      if (engine.data[m] != memories.memory[m].data || engine.mask[m] != memories.memory[m].mask)
        fail(absl::StrFormat("%s: memory %d differs", what, m));
    if (engine.aux != memories.aux)
      fail(what + ": the auxiliary memory differs");
    program = nullptr;
    ++programs;
  }

  int64_t writes = 0, interrupts = 0, instructions = 0, bytesCompared = 0;
  int programs = 0;

private:
  void follow(const sim::Step &step) {
    if (program != &step.program) {
      if (program)
        finish(program->name);
      program = &step.program;
      auto expanded = registers::expandProgram(*program, machine.engine.semantics);
      check(expanded.status());
      lines = *std::move(expanded);
      next = 0;
      playUpToNote();
    }
    ++instructions;
    Instruction in = step.program.code[step.index];
    if (std::optional<Field> address = isa::loopStrided(in.opcode)) {
      in.set(*address, in.get(*address) + step.iteration * in.get(Field::LoopStride));
      in.set(Field::LoopStride, 0);
    }
    std::string text = isa::print(in);
    if (next == lines.size() || lines[next].note != text)
      fail(absl::StrFormat("the simulator carries out '%s', the registers '%s'", text,
                           next == lines.size() ? "nothing" : lines[next].note));
    for (Range range : read(in))
      compare(range, text);
    ++next;
    playUpToNote();
    bool copied = in.opcode == Opcode::HostCopy, translated = in.opcode == Opcode::HostTable;
    if (copied || translated) {
      auto at = [&](Field field) { return static_cast<uint32_t>(in.get(field)); };
      std::vector<uint8_t> codes = accelerator->dram.read(at(Field::Address), at(Field::Bytes));
      if (translated) {
        std::vector<uint8_t> table = accelerator->dram.read(at(Field::Table), 256);
        for (uint8_t &code : codes)
          code = table[code];
      }
      accelerator->dram.write(at(Field::OutAddress), codes);
    }
    for (Range range : written(in)) {
      if (isa::specOf(in.opcode).unit == isa::Unit::Host && !copied && !translated) {
        auto bytes = simulator.readTier(range.address, range.size);
        check(bytes.status());
        accelerator->dram.write(static_cast<uint32_t>(range.address), *bytes);
      } else {
        compare(range, text);
      }
    }
  }

  void playUpToNote() {
    for (; next < lines.size() && lines[next].note.empty(); ++next) {
      auto command =
          registers::parse(registers::print(lines[next].command)); // as a player reads it
      check(command.status());
      ++(command->interrupt ? interrupts : writes);
      if (absl::Status status = accelerator->run(*command); !status.ok())
        fail(absl::StrFormat("program %s: %s: %s", program->name, registers::print(*command),
                             status.message()));
    }
  }

  void compare(Range range, const std::string &text) {
    auto bytes = simulator.readTier(range.address, range.size);
    check(bytes.status());
    if (accelerator->dram.read(static_cast<uint32_t>(range.address), range.size) != *bytes)
      fail(absl::StrFormat("program %s: %s: %d bytes at 0x%x differ", program->name, text,
                           range.size, range.address));
    bytesCompared += static_cast<int64_t>(range.size);
  }

  static uint64_t matrixBytes(const Instruction &in) {
    auto padded = [](int64_t n) { return static_cast<uint64_t>(n + 15) / 16 * 16; };
    return padded(in.get(Field::Timesteps)) * padded(in.get(Field::Columns));
  }
  /// What a step of the host reads that may have come from the engine.
  static std::vector<Range> read(const Instruction &in) {
    auto at = [&](Field field) { return static_cast<uint64_t>(in.get(field)); };
    switch (in.opcode) {
    case Opcode::HostTranspose:
    case Opcode::HostOutput:
      return {{at(Field::Address), matrixBytes(in)}};
    default:
      return {};
    }
  }
  /// What a step of the host or a store writes.
  static std::vector<Range> written(const Instruction &in) {
    auto at = [&](Field field) { return static_cast<uint64_t>(in.get(field)); };
    std::vector<Range> ranges;
    switch (in.opcode) {
    case Opcode::HostEmit:
    case Opcode::HostTranspose:
      return {{at(Field::OutAddress), matrixBytes(in)}};
    case Opcode::HostTable:
    case Opcode::HostCopy:
      return {{at(Field::OutAddress), at(Field::Bytes)}};
    case Opcode::HostMask:
      return {{at(Field::OutAddress), 16 * at(Field::Vectors)}};
    case Opcode::StoreAux:
      return {{at(Field::Address), 16 * at(Field::Rows)}};
    case Opcode::StoreData:
    case Opcode::StoreMask: {
      bool data = in.opcode == Opcode::StoreData;
      for (uint64_t c = 0; c < at(Field::Chunks); ++c)
        ranges.push_back({at(Field::Address) + c * at(Field::AddressStride),
                          data ? 16 * at(Field::Rows) : 2 * at(Field::Words)});
      return ranges;
    }
    default:
      return {};
    }
  }

  const Machine &machine;
  sim::Simulator &simulator;
  std::unique_ptr<sim::Accelerator> accelerator;
  const Program *program = nullptr;
  std::vector<registers::Line> lines;
  size_t next = 0;
};

} // namespace

int main(int argc, char **argv) {
  if (argc < 3)
    fail("usage: ReplayStream STREAM TASK=INPUT.npz...");
  auto bytes = readFile(argv[1]);
  check(bytes.status());
  auto stream = deserialize(*bytes);
  check(stream.status());
  auto machine = Machine::parse(stream->machine, argv[1]);
  check(machine.status());
  auto simulator = sim::Simulator::create(*stream, *machine);
  check(simulator.status());
  Replay replay(*stream, *machine, *simulator);
  check(simulator->runPowerOn());
  replay.finish("power-on");
  for (int i = 2; i < argc; ++i) {
    std::vector<std::string> words = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    if (words.size() != 2)
      fail("an input is TASK=FILE");
    int task = -1;
    for (size_t t = 0; t < stream->tasks.size(); ++t)
      if (stream->tasks[t].name == words[0])
        task = static_cast<int>(t);
    if (task < 0)
      fail("no task " + words[0]);
    auto inputs = readNpz(words[1]);
    check(inputs.status());
    check(simulator->switchTo(task));
    replay.finish("switch to " + words[0]);
    auto outputs = simulator->run(task, *inputs);
    check(outputs.status());
    replay.finish("run of " + words[0]);
  }
  std::cout << replay.programs << " programs, " << replay.instructions << " instructions, "
            << replay.writes << " register writes, " << replay.interrupts << " interrupts, "
            << replay.bytesCompared << " bytes compared\n";
  return 0;
}
