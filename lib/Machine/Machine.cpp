//===- Machine.cpp - the resolved machine ---------------------------------===//

#include "aac/Machine/Machine.h"

#include "Proto.h"
#include "aac/Support/Hash.h"
#include "absl/strings/str_cat.h"
#include <algorithm>
#include <google/protobuf/text_format.h>

namespace aac {
namespace {

Quantity convert(const proto::Quantity &from) {
  Quantity to;
  to.low = from.low();
  to.typical = from.typical();
  to.high = from.high();
  to.unit = from.unit();
  to.source = from.source();
  return to;
}

EngineTiming convert(const proto::EngineTiming &from) {
  EngineTiming to;
  to.tileCycles = from.tile_cycles();
  to.blockDrainCycles = from.block_drain_cycles();
  to.matmulOverhead = from.matmul_overhead();
  to.activationFetchCycles = from.activation_fetch_cycles();
  to.auxFetchCycles = from.aux_fetch_cycles();
  to.sfuStateCycles = from.sfu_state_cycles();
  to.layerNormFetches = from.layer_norm_fetches();
  to.layerNormAuxFetches = from.layer_norm_aux_fetches();
  to.softmaxFetches = from.softmax_fetches();
  to.softmaxAuxFetches = from.softmax_aux_fetches();
  to.addFetches = from.add_fetches();
  to.addStateCycles = from.add_state_cycles();
  to.entropyFetches = from.entropy_fetches();
  to.rowOverhead = from.row_overhead();
  to.layerNormOverhead = from.layer_norm_overhead();
  to.softmaxOverhead = from.softmax_overhead();
  to.addOverhead = from.add_overhead();
  to.entropyOverhead = from.entropy_overhead();
  to.beatBytes = from.beat_bytes();
  to.maskWordsPerCycle = from.mask_words_per_cycle();
  to.burstBeats = from.burst_beats();
  to.burstOverhead = from.burst_overhead();
  to.storeBurstOverhead = from.store_burst_overhead();
  to.transferOverhead = from.transfer_overhead();
  to.registerWriteCycles = from.register_write_cycles();
  to.source = from.source();
  return to;
}

Engine convert(const proto::Engine &from) {
  const proto::EngineSizes &sizes = from.sizes();
  Engine to;
  to.vectorSize = static_cast<int>(sizes.vector_size());
  to.dataRows = sizes.data_rows();
  to.maskWords = sizes.mask_words();
  to.auxRows = sizes.aux_rows();
  to.maxN = sizes.max_n();
  to.maxM = sizes.max_m();
  to.maxVectors = sizes.max_vectors();
  to.maxTimesteps = sizes.max_timesteps();
  to.accumulatorBits = static_cast<int>(sizes.accumulator_bits());
  to.accumulatorFractionBits = static_cast<int>(sizes.accumulator_fraction_bits());
  to.sfuBits = static_cast<int>(sizes.sfu_bits());
  to.sfuFractionBits = static_cast<int>(sizes.sfu_fraction_bits());
  to.semantics =
      from.semantics() == proto::Engine::PUBLISHED ? Semantics::Published : Semantics::Corrected;
  to.overlapsTransfers = sizes.overlaps_transfers();
  to.source = sizes.source();
  to.timing = convert(from.timing());
  to.clock = convert(from.clock());
  to.macEnergy = convert(from.mac_energy());
  to.sfuEnergy = convert(from.sfu_energy());
  to.bufferReadEnergy = convert(from.buffer_read_energy());
  to.bufferWriteEnergy = convert(from.buffer_write_energy());
  to.bufferLeakage = convert(from.buffer_leakage());
  to.bufferArea = convert(from.buffer_area());
  to.logicArea = convert(from.logic_area());
  to.logicLeakage = convert(from.logic_leakage());
  return to;
}

Host convert(const proto::Host &from) {
  Host to;
  to.clock = convert(from.clock());
  to.cyclesPerElement = convert(from.cycles_per_element());
  to.cyclesPerCall = convert(from.cycles_per_call());
  to.energyPerCycle = convert(from.energy_per_cycle());
  return to;
}

DataKind convert(proto::Tier::DataKind from) {
  switch (from) {
  case proto::Tier::TASK:
    return DataKind::Task;
  case proto::Tier::ACTIVATION:
    return DataKind::Activation;
  case proto::Tier::INACTIVE_TASK:
    return DataKind::InactiveTask;
  default:
    return DataKind::Backbone;
  }
}

Tier convert(const proto::Tier &from) {
  Tier to;
  to.name = from.name();
  to.technology = from.technology() == proto::Tier::SRAM   ? Technology::Sram
                  : from.technology() == proto::Tier::RRAM ? Technology::Rram
                                                           : Technology::Dram;
  to.base = from.base_address();
  to.capacity = from.capacity();
  to.bitsPerCell = static_cast<int>(from.bits_per_cell());
  to.persistent = from.persistent();
  for (int kind : from.allows())
    to.allows.push_back(convert(static_cast<proto::Tier::DataKind>(kind)));
  to.bandwidth = convert(from.bandwidth());
  to.readLatency = convert(from.read_latency());
  to.writeLatency = convert(from.write_latency());
  to.readEnergy = convert(from.read_energy());
  to.writeEnergy = convert(from.write_energy());
  to.leakage = convert(from.leakage());
  to.area = convert(from.area());
  to.endurance = convert(from.endurance());
  to.cellErrorRate = convert(from.cell_error_rate());
  to.levelErrors.down.assign(from.cell_levels().down().begin(), from.cell_levels().down().end());
  to.levelErrors.up.assign(from.cell_levels().up().begin(), from.cell_levels().up().end());
  to.levelSource = from.cell_levels().source();
  to.cellOrder = from.cell_order();
  to.source = from.source();
  return to;
}

OperatingPoint convert(const proto::OperatingPoint &from) {
  OperatingPoint to;
  to.voltage = convert(from.voltage());
  to.clock = convert(from.clock());
  to.energyRatio = convert(from.energy_ratio());
  return to;
}

} // namespace

/// Turns a message into a Machine if it is sound.
class MachineBuilder {
public:
  static absl::StatusOr<Machine> build(const proto::Machine &message, const Origins &origins) {
    if (absl::Status status = validateResolved(message, origins); !status.ok())
      return status;
    Machine machine;
    machine.name = message.name();
    machine.profile = message.profile();
    machine.description = message.description();
    machine.engine = convert(message.engine());
    machine.host = convert(message.host());
    for (const proto::Tier &tier : message.tiers())
      machine.tiers.push_back(convert(tier));
    for (const proto::OperatingPoint &point : message.points())
      machine.points.push_back(convert(point));
    // Fields in the order of their numbers, doubles in the fewest digits that read back.
    google::protobuf::TextFormat::PrintToString(message, &machine.resolvedText);
    return machine;
  }
};

absl::StatusOr<Machine> Machine::load(absl::string_view nameOrPath,
                                      const std::vector<std::string> &searchPath) {
  absl::StatusOr<std::string> file = locateMachine(nameOrPath, "", searchPath);
  if (!file.ok())
    return file.status();
  Origins origins;
  absl::StatusOr<proto::Machine> message = loadInherited(*file, searchPath, origins);
  if (!message.ok())
    return message.status();
  return MachineBuilder::build(*message, origins);
}

absl::StatusOr<Machine> Machine::parse(absl::string_view text, absl::string_view fileName) {
  Origins origins;
  absl::StatusOr<proto::Machine> message = parseText(text, fileName, origins);
  if (!message.ok())
    return message.status();
  if (message->has_base())
    return fieldError(origins, "base", "stands in a description that must be resolved");
  return MachineBuilder::build(*message, origins);
}

uint64_t Machine::hash() const { return hashBytes(absl::string_view(resolvedText)); }

const Tier *Machine::findTier(absl::string_view tierName) const {
  for (const Tier &tier : tiers)
    if (tier.name == tierName)
      return &tier;
  return nullptr;
}

const Tier *Machine::tierAt(uint64_t address) const {
  for (const Tier &tier : tiers)
    if (address >= tier.base && address - tier.base < tier.capacity)
      return &tier;
  return nullptr;
}

const Tier *Machine::tierFor(DataKind kind) const {
  for (const Tier &tier : tiers)
    if (tier.allowsKind(kind))
      return &tier;
  return nullptr;
}

LevelErrors Tier::errorsAt(double rate) const {
  return levelErrors.down.empty() ? LevelErrors::uniform(bitsPerCell, rate)
                                  : levelErrors.scaledTo(rate);
}

bool Tier::allowsKind(DataKind kind) const {
  return std::find(allows.begin(), allows.end(), kind) != allows.end();
}

} // namespace aac
