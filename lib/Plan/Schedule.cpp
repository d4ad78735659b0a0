//===- Schedule.cpp - overlapping transfers, engine and host --------------===//
#include "aac/Plan/Schedule.h"

#include "aac/Numerics/Layout.h"
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace aac::plan {

using isa::Field;
using isa::Opcode;

namespace {

/// Steps that the search for the next one looks at.
constexpr size_t kWindow = 96;
constexpr int kUnits = 3; // transfer, engine, host
constexpr int kTransfer = 0, kEngine = 1;

} // namespace

std::vector<Access> accessesOf(const Step &step, const Units &units) {
  const isa::Instruction &i = step.instruction;
  std::vector<Access> list;
  auto add = [&](int space, int64_t begin, int64_t size, bool write) {
    list.push_back({static_cast<Access::Space>(space), begin, begin + size, write});
  };
  auto get = [&](Field field) { return i.get(field); };
  auto hull = [&](int64_t size, Field stride) {
    return (get(Field::Chunks) - 1) * get(stride) + size;
  };
  auto data = [](int64_t memory) { return memory ? Access::Data1 : Access::Data0; };
  auto mask = [](int64_t memory) { return memory ? Access::Mask1 : Access::Mask0; };
  // A tensor in a data memory and its masks.
  auto operand = [&](int64_t memory, int64_t base, int64_t vectors, bool write) {
    add(mask(memory), base, vectors, write);
    add(data(memory), base, vectors, write);
  };
  auto factor = [&](int memory, int64_t base, int64_t offset, int64_t vectors) {
    int64_t rows = step.operandRows[memory];
    add(mask(memory), base, vectors, false);
    add(data(memory), operandRow(base, offset, units.dataRows), rows < 0 ? vectors : rows, false);
  };
  auto sfuVectors = [&] { return roundUp(get(Field::Timesteps), kLanes) * get(Field::Vectors); };
  switch (i.opcode) {
  case Opcode::TaskBegin:
  case Opcode::TaskEnd:
  case Opcode::Loop:
  case Opcode::End:
  case Opcode::Wait:
  case Opcode::TierPower:
  case Opcode::Dvfs:
    break;
  case Opcode::LoadData:
  case Opcode::StoreData: {
    bool load = i.opcode == Opcode::LoadData;
    add(data(get(Field::Memory)), get(Field::Row), hull(get(Field::Rows), Field::RowStride), load);
    add(Access::Tier, get(Field::Address), hull(get(Field::Rows) * kLanes, Field::AddressStride),
        !load);
    break;
  }
  case Opcode::LoadMask:
  case Opcode::StoreMask: {
    bool load = i.opcode == Opcode::LoadMask;
    add(mask(get(Field::Memory)), get(Field::Row), hull(get(Field::Words), Field::RowStride), load);
    add(Access::Tier, get(Field::Address), hull(get(Field::Words) * 2, Field::AddressStride),
        !load);
    break;
  }
  case Opcode::LoadAux:
  case Opcode::StoreAux: {
    bool load = i.opcode == Opcode::LoadAux;
    add(Access::Aux, get(Field::Row), get(Field::Rows), load);
    add(Access::Tier, get(Field::Address), get(Field::Rows) * kLanes, !load);
    break;
  }
  case Opcode::MatMul: {
    int64_t m = get(Field::M) / kLanes;
    factor(0, get(Field::Base0), get(Field::DataOffset0), get(Field::N0) * m);
    factor(1, get(Field::Base1), get(Field::DataOffset1), get(Field::N1) * m);
    operand(get(Field::OutMemory), get(Field::OutBase), get(Field::N0) / kLanes * get(Field::N1),
            true);
    break;
  }
  case Opcode::LayerNorm:
    operand(get(Field::Memory), get(Field::InBase), sfuVectors(), false);
    operand(get(Field::Memory), get(Field::OutBase), sfuVectors(), true);
    add(Access::Aux, get(Field::GammaBase), get(Field::Vectors), false);
    add(Access::Aux, get(Field::BetaBase), get(Field::Vectors), false);
    break;
  case Opcode::Softmax:
    operand(get(Field::Memory), get(Field::InBase), sfuVectors(), false);
    operand(get(Field::Memory), get(Field::OutBase), sfuVectors(), true);
    add(Access::Aux, get(Field::SpanBase), get(Field::Vectors), false);
    break;
  case Opcode::ElementAdd:
    operand(get(Field::Memory), get(Field::InBase), sfuVectors(), false);
    operand(get(Field::Memory), get(Field::InBase1), sfuVectors(), false);
    operand(get(Field::Memory), get(Field::OutBase), sfuVectors(), true);
    break;
  case Opcode::Entropy:
    operand(get(Field::Memory), get(Field::InBase), get(Field::Vectors) * kLanes, false);
    break;
  case Opcode::HostGather:
    add(Access::HostState, 0, 1, true);
    // Tables and indices are constants; how far they reach the instruction does not say.
    break;
  case Opcode::HostEmit:
    add(Access::HostState, 0, 1, false);
    add(Access::Tier, get(Field::OutAddress),
        roundUp(get(Field::Timesteps), kLanes) * roundUp(get(Field::Columns), kLanes), true);
    break;
  case Opcode::HostTable:
    add(Access::Tier, get(Field::Address), get(Field::Bytes), false);
    add(Access::Tier, get(Field::OutAddress), get(Field::Bytes), true);
    break;
  case Opcode::HostMask:
    add(Access::Tier, get(Field::OutAddress), get(Field::Vectors) * kLanes, true);
    break;
  case Opcode::HostCopy:
    add(Access::Tier, get(Field::Address), get(Field::Bytes), false);
    add(Access::Tier, get(Field::OutAddress), get(Field::Bytes), true);
    break;
  case Opcode::HostTranspose: {
    int64_t bytes = roundUp(get(Field::Timesteps), kLanes) * roundUp(get(Field::Columns), kLanes);
    add(Access::Tier, get(Field::Address), bytes, false);
    add(Access::Tier, get(Field::OutAddress), bytes, true);
    break;
  }
  case Opcode::HostOutput:
    add(Access::Tier, get(Field::Address),
        roundUp(get(Field::Timesteps), kLanes) * roundUp(get(Field::Columns), kLanes), false);
    break;
  }
  return list;
}

bool conflict(absl::Span<const Access> a, absl::Span<const Access> b) {
  for (const Access &x : a)
    for (const Access &y : b)
      if (x.space == y.space && (x.write || y.write) && x.begin < y.end && y.begin < x.end)
        return true;
  return false;
}

namespace {

bool isStore(Opcode op) {
  return op == Opcode::StoreData || op == Opcode::StoreMask || op == Opcode::StoreAux;
}

/// The program with what each step touches and whose it is.
struct Steps {
  Steps(absl::Span<const Step> program, const Units &machine) : program(program), machine(machine) {
    for (const Step &step : program) {
      accesses.push_back(accessesOf(step, machine));
      units.push_back(static_cast<int>(isa::specOf(step.instruction.opcode).unit) - 1);
      ranks.push_back(units.back() != kTransfer ? kUnits - units.back()
                                                : kUnits + isStore(step.instruction.opcode));
    }
  }
  bool isControl(int64_t i) const { return units[i] < 0; }
  bool meet(int64_t a, int64_t b) const { return conflict(accesses[a], accesses[b]); }

  absl::Span<const Step> program;
  const Units &machine;
  std::vector<std::vector<Access>> accesses;
  std::vector<int> units; ///< -1: control
  std::vector<int> ranks; ///< of steps that can start at once, the least goes first
};

/// In-order issue: when the next step can start, and what it must wait for. Starts idle.
class FrontEnd {
public:
  explicit FrontEnd(const Steps &steps) : steps(steps) {}

  /// Units other than the step's own that it must wait for, as bits of `wait`.
  int64_t waitsOf(int64_t i) const {
    int64_t waits = 0;
    for (int u = 0; u < kUnits; ++u)
      if (u != steps.units[i] && inFlight[u] >= 0 && steps.meet(i, inFlight[u]))
        waits |= int64_t{1} << u;
    return waits;
  }
  /// When the front end can begin to issue the step.
  int64_t startOf(int64_t i, int64_t waits) const {
    int unit = steps.units[i];
    int64_t start = std::max(now, freeAt[unit]);
    for (int u = 0; u < kUnits; ++u)
      if (waits >> u & 1)
        start = std::max(start, freeAt[u]);
    if (!steps.machine.overlapsTransfers && (unit == kTransfer || unit == kEngine))
      start = std::max(start, freeAt[kTransfer + kEngine - unit]);
    return start;
  }
  void issue(int64_t i, int64_t waits) {
    now = startOf(i, waits) + steps.program[i].issue;
    drop(waits);
    // What its unit did before is done: a unit carries out one step at a time.
    inFlight[steps.units[i]] = i;
    freeAt[steps.units[i]] = now + steps.program[i].cycles;
  }
  /// Waits for units; returns those that were not known to be idle.
  int64_t drain(int64_t waits) {
    int64_t busy = 0;
    for (int u = 0; u < kUnits; ++u)
      if (waits >> u & 1 && inFlight[u] >= 0) {
        busy |= int64_t{1} << u;
        now = std::max(now, freeAt[u]);
      }
    drop(waits);
    return busy;
  }
  int64_t cycles() const { return std::max(now, *std::max_element(freeAt, freeAt + kUnits)); }

private:
  void drop(int64_t waits) {
    for (int u = 0; u < kUnits; ++u)
      if (waits >> u & 1)
        inFlight[u] = -1;
  }

  const Steps &steps;
  int64_t now = 0;
  int64_t freeAt[kUnits] = {0, 0, 0};
  int64_t inFlight[kUnits] = {-1, -1, -1}; // the last step of each unit, until waited for
};

int64_t expectedCycles(const Steps &steps, absl::Span<const int64_t> order) {
  FrontEnd front(steps);
  for (int64_t i : order)
    front.issue(i, front.waitsOf(i));
  return front.cycles();
}

/// The steps [begin, end), none of them control, in an order that keeps every conflict's.
std::vector<int64_t> reorder(const Steps &steps, int64_t begin, int64_t end) {
  std::vector<int64_t> order, window; // the window: steps still to come, as in the program
  std::vector<int> blockers(end - begin, 0);
  std::vector<std::vector<int64_t>> blocked(end - begin);
  FrontEnd front(steps);
  int64_t next = begin;
  while (next < end || !window.empty()) {
    for (; next < end && window.size() < kWindow; ++next) {
      for (int64_t earlier : window)
        if (steps.meet(earlier, next)) {
          ++blockers[next - begin];
          blocked[earlier - begin].push_back(next);
        }
      window.push_back(next);
    }
    size_t best = 0;
    std::pair<int64_t, int> least = {std::numeric_limits<int64_t>::max(), 0};
    for (size_t w = 0; w < window.size(); ++w) {
      int64_t i = window[w];
      if (blockers[i - begin] > 0)
        continue;
      std::pair<int64_t, int> key = {front.startOf(i, front.waitsOf(i)), steps.ranks[i]};
      if (key < least) {
        best = w;
        least = key;
      }
    }
    int64_t chosen = window[best];
    window.erase(window.begin() + static_cast<std::ptrdiff_t>(best));
    for (int64_t i : blocked[chosen - begin])
      --blockers[i - begin];
    front.issue(chosen, front.waitsOf(chosen));
    order.push_back(chosen);
  }
  return order;
}

} // namespace

Schedule schedule(absl::Span<const Step> program, const Units &units, bool overlap) {
  Steps steps(program, units);
  const auto size = static_cast<int64_t>(program.size());
  Schedule result;
  std::vector<int64_t> order;
  for (int64_t begin = 0; begin < size;) {
    if (steps.isControl(begin)) {
      order.push_back(begin++);
      continue;
    }
    int64_t end = begin;
    while (end < size && !steps.isControl(end))
      ++end;
    std::vector<int64_t> own(end - begin);
    std::iota(own.begin(), own.end(), begin);
    if (overlap) {
      std::vector<int64_t> other = reorder(steps, begin, end);
      if (expectedCycles(steps, other) < expectedCycles(steps, own))
        own = std::move(other);
    }
    int64_t last = -1;
    for (int64_t i : own) {
      result.moved += i < last;
      last = std::max(last, i);
    }
    order.insert(order.end(), own.begin(), own.end());
    begin = end;
  }

  FrontEnd front(steps);
  constexpr int64_t kAll = (int64_t{1} << kUnits) - 1;
  for (int64_t i : order) {
    bool everything = steps.isControl(i) || !overlap;
    int64_t waits = everything ? front.drain(kAll) : front.drain(front.waitsOf(i));
    if (program[i].instruction.opcode == Opcode::Wait)
      waits &= ~program[i].instruction.get(Field::Units);
    if (waits) {
      result.slots.push_back({-1, waits});
      ++result.waits;
    }
    if (!steps.isControl(i))
      front.issue(i, 0);
    result.slots.push_back({i});
  }
  result.cycles = front.cycles();
  return result;
}

} // namespace aac::plan
