//===- Timing.cpp - when the instructions of a program run -----------------===//
#include "aac/Sim/Timing.h"

#include "aac/Numerics/Layout.h"
#include "aac/Registers/Registers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <cmath>

namespace aac::sim {
namespace {

using isa::Field;
using isa::Instruction;
using isa::Opcode;
using isa::Unit;

constexpr int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Bytes of [timesteps x columns] in block order.
int64_t paddedSize(const Instruction &in) {
  return roundUp(in.get(Field::Timesteps), kLanes) * roundUp(in.get(Field::Columns), kLanes);
}

/// A figure that costs more the larger it is (latency), or less (a rate).
double cost(const Quantity &q, Level level) {
  return level == Level::Low ? q.low : level == Level::High ? q.high : q.typical;
}
double rate(const Quantity &q, Level level) {
  return level == Level::Low ? q.high : level == Level::High ? q.low : q.typical;
}

/// Durations of instructions on a machine at one level.
class Durations {
public:
  Durations(const Machine &machine, Level level)
      : machine(machine), t(machine.engine.timing), level(level),
        clock(rate(machine.engine.clock, level)) {}

  absl::StatusOr<int64_t> of(const Instruction &in, int64_t iteration) const;
  double clockHz() const { return clock; }

private:
  int64_t fromSeconds(double seconds) const {
    // A hair less, so that exact numbers of cycles do not round up.
    return static_cast<int64_t>(std::ceil(seconds * clock - 1e-6));
  }
  int64_t fromNs(double ns) const { return fromSeconds(ns * 1e-9); }
  absl::StatusOr<const Tier *> tierAt(uint64_t address) const {
    if (const Tier *tier = machine.tierAt(address))
      return tier;
    return absl::OutOfRangeError(absl::StrFormat("address 0x%x is in no tier", address));
  }
  absl::StatusOr<int64_t> transfer(const Instruction &in, int64_t iteration) const;
  absl::StatusOr<int64_t> host(const Instruction &in, int64_t iteration) const;
  int64_t sfu(const Instruction &in, int64_t perVector, int64_t overhead) const {
    return in.get(Field::Timesteps) * (in.get(Field::Vectors) * perVector + t.rowOverhead) +
           overhead;
  }

  const Machine &machine;
  const EngineTiming &t;
  Level level;
  double clock;
};

int64_t chunksOf(const Instruction &in) {
  return in.has(Field::Chunks) ? in.get(Field::Chunks) : 1;
}

int64_t registerWrites(const Instruction &in) {
  registers::WriteCounts counts = registers::writesOf(in.opcode);
  return counts.first + (chunksOf(in) - 1) * counts.further;
}

absl::StatusOr<int64_t> Durations::transfer(const Instruction &in, int64_t iteration) const {
  bool mask = in.opcode == Opcode::LoadMask || in.opcode == Opcode::StoreMask;
  bool store = in.opcode == Opcode::StoreMask || in.opcode == Opcode::StoreData ||
               in.opcode == Opcode::StoreAux;
  int64_t count = in.get(mask ? Field::Words : Field::Rows);
  int64_t bytes = count * (mask ? 2 : kLanes);
  int64_t chunks = chunksOf(in);
  uint64_t address =
      static_cast<uint64_t>(in.get(Field::Address) + iteration * in.get(Field::LoopStride));
  absl::StatusOr<const Tier *> tier = tierAt(address);
  if (!tier.ok())
    return tier.status();

  int64_t beats = ceilDivide(bytes, t.beatBytes);
  int64_t port = mask ? ceilDivide(count, t.maskWordsPerCycle) : beats;
  int64_t memory = fromSeconds(static_cast<double>(bytes) / rate((*tier)->bandwidth, level));
  int64_t latency = fromNs(cost(store ? (*tier)->writeLatency : (*tier)->readLatency, level));
  int64_t burst = (store ? t.storeBurstOverhead : t.burstOverhead) + latency;
  int64_t chunk =
      std::max(port, memory) + ceilDivide(beats, t.burstBeats) * burst + t.transferOverhead;
  // Each further chunk is a command of its own.
  return chunks * chunk +
         (chunks - 1) * registers::writesOf(in.opcode).further * t.registerWriteCycles;
}

absl::StatusOr<int64_t> Durations::host(const Instruction &in, int64_t iteration) const {
  absl::StatusOr<std::vector<TierAccess>> accesses = tierAccesses(in, machine, iteration);
  if (!accesses.ok())
    return accesses.status();
  double memorySeconds = 0;
  for (const TierAccess &access : *accesses) {
    const Tier &tier = machine.tiers[access.tier];
    memorySeconds += static_cast<double>(access.bytes) / rate(tier.bandwidth, level) +
                     static_cast<double>(access.accesses) *
                         cost(access.write ? tier.writeLatency : tier.readLatency, level) * 1e-9;
  }
  double elements = 0;
  switch (in.opcode) {
  case Opcode::HostTable:
  case Opcode::HostCopy:
    elements = static_cast<double>(in.get(Field::Bytes));
    break;
  case Opcode::HostMask:
    elements = static_cast<double>(in.get(Field::Vectors) * kLanes);
    break;
  case Opcode::HostEmit:
  case Opcode::HostTranspose:
    elements = static_cast<double>(paddedSize(in));
    break;
  default: // HostGather, HostOutput
    elements = static_cast<double>(in.get(Field::Timesteps) * in.get(Field::Columns));
    break;
  }
  const Host &host = machine.host;
  double hostCycles =
      cost(host.cyclesPerCall, level) + cost(host.cyclesPerElement, level) * elements;
  return fromSeconds(std::max(hostCycles / rate(host.clock, level), memorySeconds));
}

absl::StatusOr<int64_t> Durations::of(const Instruction &in, int64_t iteration) const {
  int64_t activation = t.activationFetchCycles, aux = t.auxFetchCycles;
  switch (in.opcode) {
  case Opcode::MatMul: {
    int64_t blocks = (in.get(Field::N0) / kLanes) * (in.get(Field::N1) / kLanes);
    int64_t tiles = blocks * (in.get(Field::M) / kLanes);
    return t.tileCycles * tiles + t.blockDrainCycles * (blocks - 1) + t.matmulOverhead;
  }
  case Opcode::LayerNorm:
    return sfu(in, t.layerNormFetches * activation + t.layerNormAuxFetches * aux + t.sfuStateCycles,
               t.layerNormOverhead);
  case Opcode::Softmax:
    return sfu(in, t.softmaxFetches * activation + t.softmaxAuxFetches * aux + t.sfuStateCycles,
               t.softmaxOverhead);
  case Opcode::ElementAdd:
    return sfu(in, t.addFetches * activation + t.addStateCycles, t.addOverhead);
  case Opcode::Entropy:
    return in.get(Field::Vectors) * t.entropyFetches * activation + t.entropyOverhead;
  default:
    break;
  }
  switch (isa::specOf(in.opcode).unit) {
  case Unit::Transfer:
    return transfer(in, iteration);
  case Unit::Host:
    return host(in, iteration);
  default:
    return 0;
  }
}

absl::Status at(const Program &program, size_t index, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat("program '", program.name, "': instruction ",
                                                 index, " (", isa::print(program.code[index]),
                                                 "): ", message));
}

} // namespace

absl::StatusOr<std::vector<TierAccess>> tierAccesses(const Instruction &in, const Machine &machine,
                                                     int64_t iteration) {
  std::vector<TierAccess> list;
  absl::Status status = absl::OkStatus();
  auto touch = [&](int64_t address, int64_t bytes, int64_t accesses, bool write) {
    if (bytes == 0 || !status.ok())
      return;
    if (const Tier *tier = machine.tierAt(static_cast<uint64_t>(address)))
      list.push_back({static_cast<size_t>(tier - machine.tiers.data()), bytes, accesses, write});
    else
      status = absl::OutOfRangeError(absl::StrFormat("address 0x%x is in no tier", address));
  };
  int64_t looped = in.has(Field::LoopStride) ? iteration * in.get(Field::LoopStride) : 0;
  int64_t timesteps = in.has(Field::Timesteps) ? in.get(Field::Timesteps) : 0;
  int64_t columns = in.has(Field::Columns) ? in.get(Field::Columns) : 0;
  int64_t padded = roundUp(timesteps, kLanes) * roundUp(columns, kLanes);
  switch (in.opcode) {
  case Opcode::LoadData:
  case Opcode::StoreData:
  case Opcode::LoadAux:
  case Opcode::StoreAux:
  case Opcode::LoadMask:
  case Opcode::StoreMask: {
    bool store = in.opcode == Opcode::StoreData || in.opcode == Opcode::StoreAux ||
                 in.opcode == Opcode::StoreMask;
    int64_t bytes = in.has(Field::Words) ? 2 * in.get(Field::Words) : kLanes * in.get(Field::Rows);
    int64_t chunks = chunksOf(in);
    touch(in.get(Field::Address) + looped, bytes * chunks, chunks, store);
    break;
  }
  case Opcode::HostGather: {
    int64_t row = roundUp(columns, kLanes);
    if (in.get(Field::Sparse)) {
      row = columns + 2 * ceilDivide(columns, kLanes); // at most
      touch(in.get(Field::Offsets), 8 * timesteps, timesteps, false);
    }
    if (in.get(Field::Source))
      touch(in.get(Field::Indices), 4 * timesteps, 1, false);
    touch(in.get(Field::Table), row * timesteps, timesteps, false);
    break;
  }
  case Opcode::HostEmit:
    touch(in.get(Field::OutAddress), padded, 1, true);
    break;
  case Opcode::HostTable:
    touch(in.get(Field::Table) + looped, 256, 1, false);
    touch(in.get(Field::Address), in.get(Field::Bytes), 1, false);
    touch(in.get(Field::OutAddress), in.get(Field::Bytes), 1, true);
    break;
  case Opcode::HostMask:
    touch(in.get(Field::OutAddress), in.get(Field::Vectors) * kLanes, 1, true);
    break;
  case Opcode::HostCopy:
    touch(in.get(Field::Address), in.get(Field::Bytes), 1, false);
    touch(in.get(Field::OutAddress), in.get(Field::Bytes), 1, true);
    break;
  case Opcode::HostTranspose:
    touch(in.get(Field::Address), padded, 1, false);
    touch(in.get(Field::OutAddress), padded, 1, true);
    break;
  case Opcode::HostOutput:
    touch(in.get(Field::Address), padded, 1, false);
    break;
  default:
    break;
  }
  if (!status.ok())
    return status;
  return list;
}

absl::StatusOr<int64_t> instructionCycles(const Instruction &in, const Machine &machine,
                                          Level level, int64_t iteration) {
  return Durations(machine, level).of(in, iteration);
}

int64_t issueCycles(const Instruction &in, const Machine &machine) {
  return registers::writesOf(in.opcode).first * machine.engine.timing.registerWriteCycles;
}

absl::StatusOr<ProgramTiming> timeProgram(const Program &program, const Machine &machine,
                                          Level level) {
  Durations durations(machine, level);
  ProgramTiming timing;
  timing.clockHz = durations.clockHz();
  std::array<int64_t, 4> freeAt{}; // by unit
  int64_t now = 0;                 // of the front end
  double slowdown = 1;             // of the engine, against its nominal clock
  auto index = [](Unit unit) { return static_cast<size_t>(unit); };
  auto waitFor = [&](Unit unit) { now = std::max(now, freeAt[index(unit)]); };

  int64_t loopBegin = -1, iteration = 0;
  for (size_t i = 0; i < program.code.size(); ++i) {
    const Instruction &in = program.code[i];
    Unit unit = isa::specOf(in.opcode).unit;
    switch (in.opcode) {
    case Opcode::Loop:
      if (loopBegin >= 0)
        return at(program, i, "loops do not nest");
      loopBegin = static_cast<int64_t>(i);
      iteration = 0;
      continue;
    case Opcode::End:
      if (loopBegin < 0)
        return at(program, i, "end without loop");
      if (++iteration < program.code[loopBegin].get(Field::Count))
        i = static_cast<size_t>(loopBegin);
      else
        loopBegin = -1, iteration = 0;
      continue;
    case Opcode::Wait:
      for (Unit each : {Unit::Transfer, Unit::Engine, Unit::Host})
        if (in.get(Field::Units) >> (index(each) - 1) & 1)
          waitFor(each);
      continue;
    case Opcode::TaskEnd:
      for (Unit each : {Unit::Transfer, Unit::Engine, Unit::Host})
        waitFor(each);
      continue;
    case Opcode::Dvfs: {
      size_t point = static_cast<size_t>(in.get(Field::Point));
      if (point >= machine.points.size())
        return at(program, i,
                  absl::StrCat("the machine has ", machine.points.size(), " operating points"));
      waitFor(Unit::Engine);
      slowdown = durations.clockHz() / rate(machine.points[point].clock, level);
      continue;
    }
    default:
      if (unit == Unit::Control)
        continue;
    }
    absl::StatusOr<int64_t> cycles = durations.of(in, iteration);
    if (!cycles.ok())
      return at(program, i, std::string(cycles.status().message()));
    if (unit == Unit::Engine)
      *cycles = static_cast<int64_t>(std::ceil(static_cast<double>(*cycles) * slowdown - 1e-6));
    waitFor(unit);
    if (!machine.engine.overlapsTransfers && unit != Unit::Host)
      waitFor(unit == Unit::Engine ? Unit::Transfer : Unit::Engine);
    now += issueCycles(in, machine);
    int64_t end = now + *cycles;
    freeAt[index(unit)] = end;
    timing.busyCycles[index(unit)] += *cycles;
    timing.instructions.push_back({static_cast<int32_t>(i), static_cast<int32_t>(iteration), unit,
                                   now, end, static_cast<int32_t>(registerWrites(in))});
  }
  if (loopBegin >= 0)
    return at(program, static_cast<size_t>(loopBegin), "loop without end");
  timing.totalCycles = std::max(now, *std::max_element(freeAt.begin(), freeAt.end()));
  return timing;
}

absl::StatusOr<std::vector<ProgramTiming>> timeStream(const Stream &stream, const Machine &machine,
                                                      Level level) {
  std::vector<ProgramTiming> timings;
  for (const Program &program : stream.programs) {
    absl::StatusOr<ProgramTiming> timing = timeProgram(program, machine, level);
    if (!timing.ok())
      return timing.status();
    timings.push_back(std::move(*timing));
  }
  return timings;
}

} // namespace aac::sim
