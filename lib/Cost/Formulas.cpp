//===- Formulas.cpp - time and energy of one instruction -------------------===//
#include "Formulas.h"

#include "aac/Registers/Registers.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <cmath>

namespace aac::cost {

using isa::Field;
using isa::Instruction;
using isa::Opcode;

namespace {

constexpr double kVectorBytes = 16;

double tilesUp(double codes) { return std::ceil(codes / kVectorBytes); }

double chunksOf(const Instruction &in) {
  return in.has(Field::Chunks) ? static_cast<double>(in.get(Field::Chunks)) : 1.0;
}

bool isMask(Opcode op) { return op == Opcode::LoadMask || op == Opcode::StoreMask; }
bool isStore(Opcode op) {
  return op == Opcode::StoreData || op == Opcode::StoreMask || op == Opcode::StoreAux;
}

/// Codes that a host call goes over.
double hostElements(const Instruction &in) {
  auto rows = [&] { return static_cast<double>(in.get(Field::Timesteps)); };
  auto columns = [&] { return static_cast<double>(in.get(Field::Columns)); };
  switch (in.opcode) {
  case Opcode::HostTable:
  case Opcode::HostCopy:
    return static_cast<double>(in.get(Field::Bytes));
  case Opcode::HostMask:
    return kVectorBytes * static_cast<double>(in.get(Field::Vectors));
  case Opcode::HostGather:
  case Opcode::HostOutput:
    return rows() * columns();
  default: // emit and transpose write padded blocks
    return 256 * tilesUp(rows()) * tilesUp(columns());
  }
}

Figure hostNs(const Instruction &in, const Machine &machine) {
  Figure cycles =
      figure(machine.host.cyclesPerCall) + figure(machine.host.cyclesPerElement) * hostElements(in);
  return product(cycles, perUnit(machine.host.clock)) * 1e9;
}

} // namespace

Figure perUnit(const Quantity &rate) {
  auto inverse = [](double v) { return v > 0 ? 1 / v : 0; };
  return {inverse(rate.high), inverse(rate.typical), inverse(rate.low)};
}

Figure product(const Figure &a, const Figure &b) {
  return {a.low * b.low, a.typical * b.typical, a.high * b.high};
}

Figure larger(const Figure &a, const Figure &b) {
  return {std::max(a.low, b.low), std::max(a.typical, b.typical), std::max(a.high, b.high)};
}

absl::Status noTier(uint64_t address) {
  return absl::OutOfRangeError(absl::StrFormat("address 0x%x is in no tier", address));
}

std::vector<Access> accessesOf(const Instruction &in, int64_t iteration) {
  auto u = [&](Field field) { return static_cast<uint64_t>(in.get(field)); };
  auto looped = [&](Field field) {
    return u(field) + static_cast<uint64_t>(iteration) * u(Field::LoopStride);
  };
  auto padded = [&] {
    return static_cast<uint64_t>(256 * tilesUp(static_cast<double>(u(Field::Timesteps))) *
                                 tilesUp(static_cast<double>(u(Field::Columns))));
  };
  std::vector<Access> list;
  switch (in.opcode) {
  case Opcode::LoadData:
  case Opcode::LoadMask:
  case Opcode::LoadAux:
  case Opcode::StoreData:
  case Opcode::StoreMask:
  case Opcode::StoreAux: {
    bool mask = isMask(in.opcode);
    uint64_t bytes = mask ? 2 * u(Field::Words) : 16 * u(Field::Rows);
    uint64_t chunks = static_cast<uint64_t>(chunksOf(in));
    // Chunks may stand apart; they lie in one tier all the same.
    list.push_back({looped(Field::Address), bytes * chunks, chunks, isStore(in.opcode), mask});
    break;
  }
  case Opcode::HostGather: {
    uint64_t rows = u(Field::Timesteps), columns = u(Field::Columns);
    uint64_t vectors = (columns + 15) / 16;
    if (u(Field::Source))
      list.push_back({u(Field::Indices), 4 * rows, 1});
    if (u(Field::Sparse)) {
      // Row sizes depend on the tokens; all columns stored is the most.
      list.push_back({u(Field::Offsets), 8 * rows, rows});
      list.push_back({u(Field::Table), 2 * vectors * rows, rows, false, true});
      list.push_back({u(Field::Table), columns * rows, 0});
    } else {
      list.push_back({u(Field::Table), 16 * vectors * rows, rows});
    }
    break;
  }
  case Opcode::HostEmit:
    list.push_back({u(Field::OutAddress), padded(), 1, true});
    break;
  case Opcode::HostTable:
    list.push_back({looped(Field::Table), 256, 1});
    list.push_back({u(Field::Address), u(Field::Bytes), 1});
    list.push_back({u(Field::OutAddress), u(Field::Bytes), 1, true});
    break;
  case Opcode::HostMask:
    list.push_back({u(Field::OutAddress), 16 * u(Field::Vectors), 1, true});
    break;
  case Opcode::HostCopy:
    list.push_back({u(Field::Address), u(Field::Bytes), 1});
    list.push_back({u(Field::OutAddress), u(Field::Bytes), 1, true});
    break;
  case Opcode::HostTranspose:
    list.push_back({u(Field::Address), padded(), 1});
    list.push_back({u(Field::OutAddress), padded(), 1, true});
    break;
  case Opcode::HostOutput:
    list.push_back({u(Field::Address), padded(), 1});
    break;
  default:
    break;
  }
  return list;
}

absl::StatusOr<Figure> busyNs(const Instruction &in, const Machine &machine, int64_t iteration) {
  const EngineTiming &t = machine.engine.timing;
  Figure cycleNs = perUnit(machine.engine.clock) * 1e9;
  auto f = [&](Field field) { return static_cast<double>(in.get(field)); };
  auto sfu = [&](int64_t fetches, int64_t auxFetches, int64_t states, int64_t overhead) {
    double vector = static_cast<double>(fetches * t.activationFetchCycles +
                                        auxFetches * t.auxFetchCycles + states);
    double rows = in.has(Field::Timesteps) ? f(Field::Timesteps) : 1;
    double row = in.has(Field::Timesteps) ? static_cast<double>(t.rowOverhead) : 0;
    return cycleNs *
           (rows * f(Field::Vectors) * vector + rows * row + static_cast<double>(overhead));
  };
  switch (in.opcode) {
  case Opcode::MatMul: {
    double outputs = f(Field::N0) * f(Field::N1) / 256;
    return cycleNs * (static_cast<double>(t.tileCycles) * outputs * f(Field::M) / 16 +
                      static_cast<double>(t.blockDrainCycles) * (outputs - 1) +
                      static_cast<double>(t.matmulOverhead));
  }
  case Opcode::LayerNorm:
    return sfu(t.layerNormFetches, t.layerNormAuxFetches, t.sfuStateCycles, t.layerNormOverhead);
  case Opcode::Softmax:
    return sfu(t.softmaxFetches, t.softmaxAuxFetches, t.sfuStateCycles, t.softmaxOverhead);
  case Opcode::ElementAdd:
    return sfu(t.addFetches, 0, t.addStateCycles, t.addOverhead);
  case Opcode::Entropy:
    return sfu(t.entropyFetches, 0, 0, t.entropyOverhead);
  default:
    break;
  }
  isa::Unit unit = isa::specOf(in.opcode).unit;
  if (unit == isa::Unit::Transfer) {
    Access access = accessesOf(in, iteration).front();
    const Tier *tier = machine.tierAt(access.address);
    if (!tier)
      return noTier(access.address);
    double chunks = chunksOf(in), bytes = static_cast<double>(access.bytes) / chunks;
    double beats = std::ceil(bytes / static_cast<double>(t.beatBytes));
    double bursts = std::ceil(beats / static_cast<double>(t.burstBeats));
    double port = access.mask ? bytes / 2 / static_cast<double>(t.maskWordsPerCycle) : beats;
    double fixed =
        bursts * static_cast<double>(access.write ? t.storeBurstOverhead : t.burstOverhead) +
        static_cast<double>(t.transferOverhead);
    Figure moving = larger(cycleNs * port, perUnit(tier->bandwidth) * (bytes * 1e9));
    Figure waiting = figure(access.write ? tier->writeLatency : tier->readLatency) * bursts;
    // A further chunk is started while the transfer goes on.
    double writes = static_cast<double>(registers::writesOf(in.opcode).further) *
                    static_cast<double>(t.registerWriteCycles);
    return (moving + waiting + cycleNs * fixed) * chunks + cycleNs * (writes * (chunks - 1));
  }
  if (unit == isa::Unit::Host) {
    Figure memory;
    for (const Access &access : accessesOf(in, iteration)) {
      if (access.bytes == 0)
        continue;
      const Tier *tier = machine.tierAt(access.address);
      if (!tier)
        return noTier(access.address);
      memory += perUnit(tier->bandwidth) * (static_cast<double>(access.bytes) * 1e9);
      memory += figure(access.write ? tier->writeLatency : tier->readLatency) *
                static_cast<double>(access.accesses);
    }
    return larger(hostNs(in, machine), memory);
  }
  return Figure();
}

InnerEnergy innerEnergy(const Instruction &in, const Machine &machine) {
  const Engine &engine = machine.engine;
  InnerEnergy energy;
  auto f = [&](Field field) { return static_cast<double>(in.get(field)); };
  // A vector is 16 codes and its mask word.
  constexpr double vectorBits = 8 * kVectorBytes + 16;
  auto buffers = [&](double readBits, double writtenBits) {
    energy.bufferPj =
        figure(engine.bufferReadEnergy) * readBits + figure(engine.bufferWriteEnergy) * writtenBits;
  };
  auto sfu = [&](int64_t fetches, int64_t auxFetches, bool writes) {
    double vectors = f(Field::Vectors) * (in.has(Field::Timesteps) ? f(Field::Timesteps) : 1);
    // One lane operation for each lane of each fetch.
    energy.logicPj = figure(engine.sfuEnergy) *
                     (vectors * kVectorBytes * static_cast<double>(fetches + auxFetches));
    buffers(vectors * (static_cast<double>(fetches) * vectorBits +
                       static_cast<double>(auxFetches) * 8 * kVectorBytes),
            writes ? vectors * vectorBits : 0);
  };
  const EngineTiming &t = engine.timing;
  switch (in.opcode) {
  case Opcode::MatMul: {
    double tiles = f(Field::N0) * f(Field::N1) * f(Field::M) / 4096;
    energy.macs = in.get(Field::N0) * in.get(Field::N1) * in.get(Field::M);
    energy.logicPj = figure(engine.macEnergy) * static_cast<double>(energy.macs);
    // Each tile gathers 16 vectors of either operand anew.
    buffers(tiles * 32 * vectorBits, f(Field::N0) * f(Field::N1) / 16 * vectorBits);
    break;
  }
  case Opcode::LayerNorm:
    sfu(t.layerNormFetches, t.layerNormAuxFetches, true);
    break;
  case Opcode::Softmax:
    sfu(t.softmaxFetches, t.softmaxAuxFetches, true);
    break;
  case Opcode::ElementAdd:
    sfu(t.addFetches, 0, true);
    break;
  case Opcode::Entropy:
    sfu(t.entropyFetches, 0, false);
    break;
  default:
    break;
  }
  isa::Unit unit = isa::specOf(in.opcode).unit;
  if (unit == isa::Unit::Transfer) {
    double bits = 8 * static_cast<double>(accessesOf(in, 0).front().bytes);
    if (isStore(in.opcode))
      buffers(bits, 0);
    else
      buffers(0, bits);
  } else if (unit == isa::Unit::Host) {
    Figure cycles = figure(machine.host.cyclesPerCall) +
                    figure(machine.host.cyclesPerElement) * hostElements(in);
    energy.hostPj = product(cycles, figure(machine.host.energyPerCycle));
  }
  return energy;
}

Figure accessEnergyPj(const Access &access, const Tier &tier) {
  return figure(access.write ? tier.writeEnergy : tier.readEnergy) *
         (8 * static_cast<double>(access.bytes));
}

} // namespace aac::cost
