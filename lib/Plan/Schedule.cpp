//===- Schedule.cpp - overlapping transfers, engine and host --------------===//
#include "aac/Plan/Schedule.h"

#include "aac/Numerics/Layout.h"
#include <algorithm>

namespace aac::plan {

using isa::Field;
using isa::Opcode;
using isa::Unit;

std::vector<Access> accessesOf(const isa::Instruction &i) {
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
  auto operand = [&](int64_t memory, int64_t base, int64_t vectors, bool write,
                     int64_t offset = 0) {
    add(mask(memory), base, vectors, write);
    add(data(memory), base - offset, vectors, write);
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
    operand(0, get(Field::Base0), get(Field::N0) * m, false, get(Field::DataOffset0));
    operand(1, get(Field::Base1), get(Field::N1) * m, false, get(Field::DataOffset1));
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

Schedule schedule(absl::Span<const isa::Instruction> program, bool overlap) {
  Schedule result;
  std::vector<std::vector<Access>> accesses;
  std::vector<Unit> units;
  for (const isa::Instruction &instruction : program) {
    accesses.push_back(accessesOf(instruction));
    units.push_back(isa::specOf(instruction.opcode).unit);
  }
  std::vector<int64_t> order(program.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  auto isStore = [&](int64_t i) {
    Opcode op = program[i].opcode;
    return op == Opcode::StoreData || op == Opcode::StoreMask || op == Opcode::StoreAux;
  };
  std::vector<bool> moved(program.size(), false);
  for (size_t at = 0; overlap && at < order.size();) {
    int64_t store = order[at];
    size_t target = at;
    if (isStore(store) && !moved[store])
      for (size_t next = at + 1; next < order.size(); ++next) {
        int64_t other = order[next];
        if (units[other] == Unit::Control || conflict(accesses[store], accesses[other]))
          break;
        if (units[other] == Unit::Engine) {
          target = next;
          break;
        }
      }
    if (target == at) {
      ++at;
      continue;
    }
    std::rotate(order.begin() + at, order.begin() + at + 1, order.begin() + target + 1);
    moved[store] = true;
    ++result.moved;
  }

  // In flight: the last instruction that each unit was given since it was last waited for.
  constexpr int kUnits = 3;
  int64_t inFlight[kUnits] = {-1, -1, -1};
  auto number = [](Unit unit) { return static_cast<int>(unit) - 1; };
  for (int64_t index : order) {
    bool control = units[index] == Unit::Control;
    int64_t wait = 0;
    for (int u = 0; u < kUnits; ++u)
      if (inFlight[u] >= 0 &&
          (control || !overlap ||
           (u != number(units[index]) && conflict(accesses[index], accesses[inFlight[u]]))))
        wait |= int64_t{1} << u;
    if (wait && program[index].opcode != Opcode::Wait) {
      result.slots.push_back({-1, wait});
      ++result.waits;
    }
    for (int u = 0; u < kUnits; ++u)
      if (wait >> u & 1)
        inFlight[u] = -1;
    if (!control)
      inFlight[number(units[index])] = index;
    result.slots.push_back({index});
  }
  return result;
}

} // namespace aac::plan
