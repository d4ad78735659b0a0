//===- Report.cpp - the ledger and what is made of it ----------------------===//
#include "aac/Cost/Report.h"

#include "Formulas.h"
#include "absl/strings/str_cat.h"
#include <algorithm>
#include <map>
#include <tuple>

namespace aac::cost {

using isa::Field;
using isa::Instruction;
using isa::Opcode;
using isa::Unit;

Figure &Figure::operator+=(const Figure &other) {
  low += other.low;
  typical += other.typical;
  high += other.high;
  return *this;
}

namespace {

constexpr double kMiB = 1 << 20;

void addTo(Group &group, const Entry &entry) {
  group.instructions += entry.instructions;
  group.macs += entry.macs;
  group.bytes += entry.bytes;
  group.energyPj += entry.energyPj;
  group.busyNs += entry.busyNs;
}

const std::string &keyOf(const Entry &entry, Dimension dimension) {
  switch (dimension) {
  case Dimension::Op:
    return entry.op;
  case Dimension::Layer:
    return entry.layer;
  case Dimension::SourceOp:
    return entry.sourceOp;
  case Dimension::Unit:
    return entry.unit;
  case Dimension::Tier:
    return entry.tier;
  case Dimension::DataKind:
    return entry.dataKind;
  }
  return entry.op;
}

absl::string_view technologyName(Technology technology) {
  switch (technology) {
  case Technology::Sram:
    return "SRAM";
  case Technology::Rram:
    return "RRAM";
  case Technology::Dram:
    return "DRAM";
  }
  return "?";
}

/// Says whose bytes lie at an address.
class AddressMap {
public:
  explicit AddressMap(const Stream &stream) {
    TaskSet all = stream.tasks.size() >= 64 ? ~TaskSet{0} : (TaskSet{1} << stream.tasks.size()) - 1;
    // Symbols say more than images: they come later and win.
    for (const Image &image : stream.images)
      images.push_back({image.address, image.address + image.bytes.size(), image.owners == all});
    for (const Symbol &symbol : stream.symbols)
      symbols.push_back(
          {symbol.address, symbol.address + symbol.storedBytes, symbol.placement == "shared"});
    for (auto *list : {&images, &symbols})
      std::sort(list->begin(), list->end(),
                [](const Range &a, const Range &b) { return a.begin < b.begin; });
  }

  std::string kindAt(uint64_t address) const {
    for (const auto *list : {&symbols, &images})
      if (const Range *range = find(*list, address))
        return range->shared ? "backbone" : "task";
    return "activation";
  }

private:
  struct Range {
    uint64_t begin, end;
    bool shared;
  };
  /// Tasks' parameters take turns at one SRAM address: the last range that begins at or
  /// before the address need not be the one that holds it.
  static const Range *find(const std::vector<Range> &list, uint64_t address) {
    auto after = std::upper_bound(list.begin(), list.end(), address,
                                  [](uint64_t a, const Range &range) { return a < range.begin; });
    for (int tries = 0; after != list.begin() && tries < 64; ++tries) {
      --after;
      if (address < after->end)
        return &*after;
    }
    return nullptr;
  }
  std::vector<Range> images, symbols;
};

/// Calls `visit(instruction, location or -1, iteration)` for each instruction carried out.
template <typename Visit> absl::Status forEachStep(const Program &program, const Visit &visit) {
  int64_t loopBegin = -1, iteration = 0;
  for (size_t i = 0; i < program.code.size(); ++i) {
    const Instruction &in = program.code[i];
    if (in.opcode == Opcode::Loop) {
      loopBegin = static_cast<int64_t>(i);
      iteration = 0;
    } else if (in.opcode == Opcode::End && loopBegin >= 0) {
      if (++iteration < program.code[loopBegin].get(Field::Count))
        i = static_cast<size_t>(loopBegin);
      else
        loopBegin = -1, iteration = 0;
    } else if (absl::Status status =
                   visit(in, i < program.location.size() ? program.location[i] : -1, iteration);
               !status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("program '", program.name, "': instruction ", i, " (",
                                       isa::print(in), "): ", std::string(status.message())));
    }
  }
  if (loopBegin >= 0)
    return absl::InvalidArgumentError(
        absl::StrCat("program '", program.name, "': loop without end"));
  return absl::OkStatus();
}

/// Collects entries of one key.
class Ledger {
public:
  Entry &at(const Entry &key) {
    auto tuple = std::tie(key.op, key.layer, key.sourceOp, key.unit, key.tier, key.dataKind);
    auto [it, isNew] = index.try_emplace(Key(tuple), entries.size());
    if (isNew)
      entries.push_back(key);
    return entries[it->second];
  }
  std::vector<Entry> entries;

private:
  using Key =
      std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;
  std::map<Key, size_t> index;
};

class Accountant {
public:
  Accountant(const Stream &stream, const Machine &machine, const Schedules &schedules)
      : stream(stream), machine(machine), schedules(schedules), addresses(stream) {}

  absl::StatusOr<ProgramCost> program(size_t index) const;

private:
  absl::Status step(const Instruction &in, int32_t location, int64_t iteration, double engineRatio,
                    const Figure &engineTime, Ledger &ledger) const;
  void addLeakage(const Figure &latencyNs, Ledger &ledger) const;

  const Stream &stream;
  const Machine &machine;
  const Schedules &schedules;
  AddressMap addresses;
};

absl::Status Accountant::step(const Instruction &in, int32_t location, int64_t iteration,
                              double engineRatio, const Figure &engineTime, Ledger &ledger) const {
  Entry key;
  key.op = std::string(isa::specOf(in.opcode).name);
  bool known = location >= 0 && location < static_cast<int32_t>(stream.locations.size());
  key.layer = known && !stream.locations[location].layer.empty() ? stream.locations[location].layer
                                                                 : "other";
  key.sourceOp =
      known && !stream.locations[location].op.empty() ? stream.locations[location].op : "other";
  Unit unit = isa::specOf(in.opcode).unit;
  key.unit = unit == Unit::Engine ? "engine" : unit == Unit::Transfer ? "transfer" : "host";
  auto entry = [&](absl::string_view tier, absl::string_view kind) -> Entry & {
    key.tier = std::string(tier);
    key.dataKind = std::string(kind);
    return ledger.at(key);
  };

  absl::StatusOr<Figure> busy = busyNs(in, machine, iteration);
  if (!busy.ok())
    return busy.status();
  InnerEnergy inner = innerEnergy(in, machine);

  std::string kind = "compute"; // of the buffer's energy
  bool counted = false;         // instruction and busy time go to the first entry
  auto count = [&](Entry &e) {
    if (counted)
      return;
    counted = true;
    ++e.instructions;
    e.macs += inner.macs;
    e.busyNs += unit == Unit::Engine ? product(*busy, engineTime) : *busy;
  };
  if (unit == Unit::Engine) {
    Entry &logic = entry("logic", "compute");
    logic.energyPj += inner.logicPj * engineRatio;
    count(logic);
  } else if (unit == Unit::Host) {
    Entry &host = entry("host", "compute");
    host.energyPj += inner.hostPj;
    count(host);
  }
  for (const Access &access : accessesOf(in, iteration)) {
    const Tier *tier = machine.tierAt(access.address);
    if (!tier) {
      if (access.bytes == 0)
        continue;
      return noTier(access.address);
    }
    std::string data = access.mask ? "mask" : addresses.kindAt(access.address);
    if (unit == Unit::Transfer)
      kind = data;
    Entry &e = entry(tier->name, data);
    e.bytes += access.bytes;
    e.energyPj += accessEnergyPj(access, *tier);
    count(e);
  }
  if (unit != Unit::Host)
    entry("buffer", kind).energyPj += inner.bufferPj * (unit == Unit::Engine ? engineRatio : 1.0);
  return absl::OkStatus();
}

double bufferMiB(const Engine &engine) {
  return static_cast<double>(2 * (engine.dataRows * 16 + engine.maskWords * 2) +
                             engine.auxRows * 16) /
         kMiB;
}

/// 1 mW for 1 ns is 1 pJ.
void Accountant::addLeakage(const Figure &latencyNs, Ledger &ledger) const {
  Entry key;
  key.op = "leakage";
  key.layer = key.sourceOp = "other";
  key.unit = key.dataKind = "static";
  auto leak = [&](absl::string_view where, const Figure &milliwatts) {
    key.tier = std::string(where);
    ledger.at(key).energyPj += product(milliwatts, latencyNs);
  };
  for (const Tier &tier : machine.tiers)
    leak(tier.name, figure(tier.leakage) * (static_cast<double>(tier.capacity) / kMiB));
  leak("buffer", figure(machine.engine.bufferLeakage) * bufferMiB(machine.engine));
  leak("logic", figure(machine.engine.logicLeakage));
}

absl::StatusOr<ProgramCost> Accountant::program(size_t index) const {
  const Program &program = stream.programs[index];
  ProgramCost cost;
  cost.name = program.name;
  Ledger ledger;
  double engineRatio = 1;
  Figure engineTime{1, 1, 1};
  absl::Status status =
      forEachStep(program, [&](const Instruction &in, int32_t location, int64_t iteration) {
        if (in.opcode == Opcode::Dvfs) {
          size_t point = static_cast<size_t>(in.get(Field::Point));
          if (point >= machine.points.size())
            return absl::OutOfRangeError(
                absl::StrCat("the machine has ", machine.points.size(), " operating points"));
          engineRatio = machine.points[point].energyRatio.typical;
          Figure slow = perUnit(machine.points[point].clock);
          Figure nominal = perUnit(machine.engine.clock);
          engineTime = {slow.low / nominal.low, slow.typical / nominal.typical,
                        slow.high / nominal.high};
        }
        if (isa::specOf(in.opcode).unit == Unit::Control)
          return absl::OkStatus();
        return step(in, location, iteration, engineRatio, engineTime, ledger);
      });
  if (!status.ok())
    return status;
  if (schedules.typical.empty()) {
    for (const Entry &entry : ledger.entries)
      cost.latencyNs += entry.busyNs;
  } else {
    cost.latencyBasis = Basis::Simulated;
    cost.latencyNs = {schedules.low[index].latencyNs(), schedules.typical[index].latencyNs(),
                      schedules.high[index].latencyNs()};
    cost.cycles = schedules.typical[index].totalCycles;
  }
  addLeakage(cost.latencyNs, ledger);
  cost.ledger = std::move(ledger.entries);
  return cost;
}

/// Adds what comes after `cost` in time.
void append(ProgramCost &cost, const ProgramCost &next) {
  cost.latencyNs += next.latencyNs;
  cost.latencyBasis = next.latencyBasis;
  cost.cycles += next.cycles;
  Ledger ledger;
  for (const ProgramCost *part : {static_cast<const ProgramCost *>(&cost), &next})
    for (const Entry &entry : part->ledger) {
      Entry key = entry;
      key.instructions = key.macs = 0;
      key.bytes = 0;
      key.energyPj = key.busyNs = Figure();
      Entry &sum = ledger.at(key);
      sum.instructions += entry.instructions;
      sum.macs += entry.macs;
      sum.bytes += entry.bytes;
      sum.energyPj += entry.energyPj;
      sum.busyNs += entry.busyNs;
    }
  cost.ledger = std::move(ledger.entries);
}

/// Bytes of the union of ranges.
uint64_t unionBytes(std::vector<std::pair<uint64_t, uint64_t>> &ranges) {
  std::sort(ranges.begin(), ranges.end());
  uint64_t bytes = 0, reached = 0;
  for (auto [begin, end] : ranges) {
    begin = std::max(begin, reached);
    if (end > begin) {
      bytes += end - begin;
      reached = end;
    }
  }
  return bytes;
}

absl::StatusOr<std::vector<TierUse>> tierUse(const Stream &stream, const Machine &machine) {
  using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;
  std::map<const Tier *, Ranges> written, backbone, task, image;
  for (const Image &i : stream.images)
    image[machine.tierAt(i.address)].push_back({i.address, i.address + i.bytes.size()});
  for (const Symbol &symbol : stream.symbols)
    (symbol.placement == "shared" ? backbone : task)[machine.tierAt(symbol.address)].push_back(
        {symbol.address, symbol.address + symbol.storedBytes});
  for (const Program &program : stream.programs) {
    if (program.role != ProgramRole::Run)
      continue;
    absl::Status status = forEachStep(program, [&](const Instruction &in, int32_t, int64_t it) {
      uint64_t stride =
          in.has(Field::AddressStride) ? static_cast<uint64_t>(in.get(Field::AddressStride)) : 0;
      for (const Access &access : accessesOf(in, it))
        for (uint64_t chunk = 0; access.write && chunk < access.accesses; ++chunk) {
          uint64_t begin = access.address + chunk * stride;
          written[machine.tierAt(begin)].push_back({begin, begin + access.bytes / access.accesses});
        }
      return absl::OkStatus();
    });
    if (!status.ok())
      return status;
  }
  std::vector<TierUse> result;
  for (const Tier &tier : machine.tiers) {
    TierUse use;
    use.name = tier.name;
    use.technology = std::string(technologyName(tier.technology));
    use.capacity = tier.capacity;
    use.imageBytes = unionBytes(image[&tier]);
    use.backboneBytes = unionBytes(backbone[&tier]);
    use.taskBytes = unionBytes(task[&tier]);
    use.activationBytes = unionBytes(written[&tier]);
    use.areaMm2 = tier.area.typical * static_cast<double>(tier.capacity) / kMiB;
    result.push_back(std::move(use));
  }
  return result;
}

std::vector<Report::Constant> constantsOf(const Machine &machine) {
  std::vector<Report::Constant> list;
  auto add = [&](std::string name, const Quantity &q) { list.push_back({std::move(name), q}); };
  const Engine &e = machine.engine;
  add("engine.clock", e.clock);
  add("engine.mac_energy", e.macEnergy);
  add("engine.sfu_energy", e.sfuEnergy);
  add("engine.buffer_read_energy", e.bufferReadEnergy);
  add("engine.buffer_write_energy", e.bufferWriteEnergy);
  add("engine.buffer_leakage", e.bufferLeakage);
  add("engine.buffer_area", e.bufferArea);
  add("engine.logic_area", e.logicArea);
  add("engine.logic_leakage", e.logicLeakage);
  add("host.clock", machine.host.clock);
  add("host.cycles_per_element", machine.host.cyclesPerElement);
  add("host.cycles_per_call", machine.host.cyclesPerCall);
  add("host.energy_per_cycle", machine.host.energyPerCycle);
  for (const Tier &tier : machine.tiers) {
    std::string prefix = absl::StrCat("tiers.", tier.name, ".");
    add(prefix + "bandwidth", tier.bandwidth);
    add(prefix + "read_latency", tier.readLatency);
    add(prefix + "write_latency", tier.writeLatency);
    add(prefix + "read_energy", tier.readEnergy);
    add(prefix + "write_energy", tier.writeEnergy);
    add(prefix + "leakage", tier.leakage);
    add(prefix + "area", tier.area);
  }
  return list;
}

uint64_t bytesWritten(const Program &program) {
  uint64_t bytes = 0;
  (void)forEachStep(program, [&](const Instruction &in, int32_t, int64_t iteration) {
    for (const Access &access : accessesOf(in, iteration))
      bytes += access.write ? access.bytes : 0;
    return absl::OkStatus();
  });
  return bytes;
}

} // namespace

Group ProgramCost::total() const {
  Group sum;
  sum.key = "total";
  for (const Entry &entry : ledger)
    addTo(sum, entry);
  return sum;
}

std::vector<Group> ProgramCost::by(Dimension dimension) const {
  std::map<std::string, Group> groups;
  for (const Entry &entry : ledger) {
    const std::string &key = keyOf(entry, dimension);
    groups[key].key = key;
    addTo(groups[key], entry);
  }
  std::vector<Group> list;
  list.reserve(groups.size());
  for (auto &[key, group] : groups)
    list.push_back(std::move(group));
  std::sort(list.begin(), list.end(), [](const Group &a, const Group &b) {
    return std::tie(b.energyPj.typical, a.key) < std::tie(a.energyPj.typical, b.key);
  });
  return list;
}

absl::StatusOr<Report> makeReport(const Stream &stream, const Machine &machine,
                                  const Schedules &schedules) {
  for (const auto *list : {&schedules.low, &schedules.typical, &schedules.high})
    if (list->size() != (schedules.typical.empty() ? 0 : stream.programs.size()))
      return absl::InvalidArgumentError(absl::StrCat(
          "schedules of ", list->size(), " programs for a stream with ", stream.programs.size()));
  Report report;
  report.machineName = machine.name;
  report.machineProfile = machine.profile;
  report.machineHash = machine.hash();
  Accountant accountant(stream, machine, schedules);

  std::vector<ProgramCost> costs;
  for (size_t i = 0; i < stream.programs.size(); ++i) {
    absl::StatusOr<ProgramCost> cost = accountant.program(i);
    if (!cost.ok())
      return cost.status();
    if (stream.programs[i].role == ProgramRole::PowerOn)
      append(report.powerOn, *cost);
    costs.push_back(std::move(*cost));
  }
  report.powerOn.name = "power_on";

  int programs = static_cast<int>(stream.programs.size());
  for (const Task &task : stream.tasks) {
    TaskCost cost;
    cost.name = task.name;
    if (task.runProgram < 0 || task.runProgram >= programs)
      return absl::InvalidArgumentError(absl::StrCat("task '", task.name, "' has no run program"));
    cost.run = costs[task.runProgram];
    report.tasks.push_back(std::move(cost));
  }
  int tasks = static_cast<int>(stream.tasks.size());
  for (int from = -1; from < tasks; ++from)
    for (int to = 0; to < tasks; ++to) {
      size_t entry = static_cast<size_t>(from < 0 ? tasks : from) * tasks + to;
      if (from == to)
        continue;
      SwitchCost cost;
      cost.from = from;
      cost.to = to;
      int32_t program = entry < stream.switchTo.size() ? stream.switchTo[entry] : -1;
      if (program >= 0 && program < programs) {
        cost.bytes = bytesWritten(stream.programs[program]);
        cost.latencyNs = costs[program].latencyNs;
        cost.latencyBasis = costs[program].latencyBasis;
        cost.energyPj = costs[program].total().energyPj;
      }
      report.switches.push_back(cost);
    }

  absl::StatusOr<std::vector<TierUse>> use = tierUse(stream, machine);
  if (!use.ok())
    return use.status();
  report.tiers = std::move(*use);
  for (const Tier &tier : machine.tiers)
    report.tierAreaMm2 += figure(tier.area) * (static_cast<double>(tier.capacity) / kMiB);
  report.bufferAreaMm2 = figure(machine.engine.bufferArea) * bufferMiB(machine.engine);
  report.logicAreaMm2 = figure(machine.engine.logicArea);
  absl::StatusOr<std::string> bytes = serialize(stream);
  if (!bytes.ok())
    return bytes.status();
  absl::StatusOr<StreamSize> size = sizeByOwner(*bytes);
  if (!size.ok())
    return size.status();
  report.streamSize = std::move(*size);
  report.constants = constantsOf(machine);
  return report;
}

absl::StatusOr<Report> costStream(const Stream &stream, const Machine &machine) {
  Schedules schedules;
  for (auto [level, into] : {std::pair(sim::Level::Low, &schedules.low),
                             std::pair(sim::Level::Typical, &schedules.typical),
                             std::pair(sim::Level::High, &schedules.high)}) {
    auto timing = sim::timeStream(stream, machine, level);
    if (!timing.ok())
      return timing.status();
    *into = *std::move(timing);
  }
  return makeReport(stream, machine, schedules);
}

} // namespace aac::cost
