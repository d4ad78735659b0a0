//===- CheckProgram.cpp - order, conflicts, memories ----------------------===//
#include "CheckProgram.h"

namespace aac::check {

/// No program of a real suite carries out as many.
static constexpr int64_t kMaxInstructions = 20'000'000;

void ProgramChecker::run() {
  if (task >= 0) {
    for (int m = 0; m < 2; ++m) {
      state.data[m].forget();
      state.mask[m].forget();
    }
    state.aux.forget();
    outputWritten.assign(stream.tasks[task].outputs.size(), false);
  }
  state.accumulator.reset();
  runAll();
  for (size_t i = 0; i < outputWritten.size(); ++i)
    if (!outputWritten[i])
      faults.add(absl::StrCat(program.name, " output ", i),
                 absl::StrCat("program ", program.name, ": output ",
                              stream.tasks[task].outputs[i].name, " is never written"));
}

//===----------------------------------------------------------------------===//
// Order of instructions
//===----------------------------------------------------------------------===//

void ProgramChecker::runAll() {
  checkEnds();
  int64_t steps = 0;
  for (size_t i = 0; i < program.code.size() && !faults.full(); ++i) {
    index = i;
    iteration = 0;
    if (program.code[i].opcode != Opcode::Loop) {
      step(program.code[i]);
      ++steps;
      continue;
    }
    size_t end = i + 1;
    while (end < program.code.size() && program.code[end].opcode != Opcode::End &&
           program.code[end].opcode != Opcode::Loop)
      ++end;
    if (end == program.code.size() || program.code[end].opcode == Opcode::Loop)
      return fault("has no end of its own; loops do not nest");
    int64_t count = program.code[i].get(Field::Count);
    if (count < 1)
      fault("count is 0, below 1");
    steps += count * static_cast<int64_t>(end - i);
    if (steps > kMaxInstructions)
      return fault("makes the program longer than ", kMaxInstructions, " instructions");
    for (iteration = 0; iteration < count && !faults.full(); ++iteration)
      for (index = i + 1; index < end; ++index)
        step(program.code[index]);
    i = end;
  }
}

void ProgramChecker::checkEnds() {
  size_t last = program.code.size() - 1;
  for (size_t i = 0; i < program.code.size(); ++i) {
    index = i;
    Opcode opcode = program.code[i].opcode;
    if (opcode != Opcode::TaskBegin && opcode != Opcode::TaskEnd)
      continue;
    if (task < 0)
      fault("has no place in a program that runs no task");
    else if (i != (opcode == Opcode::TaskBegin ? 0 : last))
      fault("must be the ", opcode == Opcode::TaskBegin ? "first" : "last", " instruction");
    else if (program.code[i].get(Field::Task) != task)
      fault("task is ", program.code[i].get(Field::Task), ", the program runs task ", task, " (",
            stream.tasks[task].name, ")");
  }
  if (task >= 0 && (program.code.empty() || program.code[0].opcode != Opcode::TaskBegin ||
                    program.code[last].opcode != Opcode::TaskEnd))
    faults.add(absl::StrCat(program.name, " ends"),
               absl::StrCat("program ", program.name,
                            ": a run starts with task_begin and stops with task_end"));
}

void ProgramChecker::step(const Instruction &in) {
  if (absl::Status status = isa::validate(in); !status.ok())
    return fault(status.message());
  accesses.clear();
  visit(in);
  Unit unit = isa::specOf(in.opcode).unit;
  if (unit == Unit::Engine || unit == Unit::Host) // a transfer has its ends in two memories
    checkSelf();
  if (unit == Unit::Control)
    return;
  size_t slot = static_cast<size_t>(unit) - 1; // as in wait's bits
  for (size_t other = 0; other < running.size(); ++other)
    if (other != slot && running[other].active)
      checkConflict(running[other]);
  running[slot].active = true;
  running[slot].index = index;
  std::swap(running[slot].accesses, accesses);
}

void ProgramChecker::visit(const Instruction &in) {
  switch (in.opcode) {
  case Opcode::TaskBegin:
  case Opcode::Loop:
  case Opcode::End:
    return;
  case Opcode::TaskEnd:
    return waitFor(7);
  case Opcode::Wait:
    return waitFor(in.get(Field::Units));
  case Opcode::TierPower:
    return tierPower(in);
  case Opcode::Dvfs:
    if (in.get(Field::Point) >= static_cast<int64_t>(machine.points.size()))
      fault("point is ", in.get(Field::Point), ", the machine has ", machine.points.size());
    return;
  case Opcode::LoadData:
  case Opcode::StoreData:
    return transferData(in, in.opcode == Opcode::LoadData);
  case Opcode::LoadMask:
  case Opcode::StoreMask:
    return transferMask(in, in.opcode == Opcode::LoadMask);
  case Opcode::LoadAux:
  case Opcode::StoreAux:
    return transferAux(in, in.opcode == Opcode::LoadAux);
  case Opcode::MatMul:
    return matMul(in);
  case Opcode::LayerNorm:
  case Opcode::Softmax:
  case Opcode::ElementAdd:
  case Opcode::Entropy:
    return sfu(in);
  case Opcode::HostGather:
    return hostGather(in);
  case Opcode::HostEmit:
    return hostEmit(in);
  case Opcode::HostTable:
    return hostTable(in);
  case Opcode::HostMask:
    return hostMask(in);
  case Opcode::HostCopy:
    return hostCopy(in);
  case Opcode::HostTranspose:
    return hostTranspose(in);
  case Opcode::HostOutput:
    return hostOutput(in);
  }
}

void ProgramChecker::waitFor(int64_t units) {
  for (size_t slot = 0; slot < running.size(); ++slot)
    if (units >> slot & 1)
      running[slot].active = false;
}

//===----------------------------------------------------------------------===//
// Faults
//===----------------------------------------------------------------------===//

std::string ProgramChecker::place(size_t at) const {
  std::string text =
      absl::StrCat("instruction ", at, " (", isa::specOf(program.code[at].opcode).name, ")");
  int32_t number = program.location.empty() ? -1 : program.location[at];
  if (number >= 0 && number < static_cast<int64_t>(stream.locations.size())) {
    const Location &location = stream.locations[number];
    absl::StrAppend(&text, " of ", location.node.empty() ? "?" : location.firstNode());
    if (!location.op.empty() || !location.layer.empty())
      absl::StrAppend(&text, " [", location.op, ", ", location.layer, "]");
  }
  return text;
}

bool ProgramChecker::inRange(absl::string_view field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high)
    return true;
  fault(field, " is ", value, ", outside ", low, "..", high);
  return false;
}

//===----------------------------------------------------------------------===//
// Conflicts
//===----------------------------------------------------------------------===//

void ProgramChecker::checkConflict(const Running &other) {
  if (!accesses.mayMeet(other.accesses))
    return;
  for (const Access &mine : accesses.get())
    for (const Access &theirs : other.accesses.get())
      if ((mine.isWrite || theirs.isWrite) && overlap(mine, theirs))
        return fault(mine.isWrite ? "writes " : "reads ", describe(mine, theirs), ", which ",
                     place(other.index), " may still be ", theirs.isWrite ? "writing" : "reading",
                     "; a wait is missing");
}

void ProgramChecker::checkSelf() {
  const std::vector<Access> &list = accesses.get();
  for (const Access &write : list)
    if (write.isWrite)
      for (const Access &read : list)
        if (!read.isWrite && !read.inPlace && overlap(read, write))
          return fault("result and operand overlap in ", describe(read, write));
}

//===----------------------------------------------------------------------===//
// Tiers
//===----------------------------------------------------------------------===//

const Tier *ProgramChecker::tierOf(absl::string_view what, uint64_t address, uint64_t size) {
  for (size_t t = 0; t < machine.tiers.size(); ++t) {
    const Tier &tier = machine.tiers[t];
    if (address < tier.base || address - tier.base >= tier.capacity)
      continue;
    if (size > tier.capacity - (address - tier.base)) {
      fault(what, " 0x", absl::Hex(address), " with ", size, " bytes passes the end of tier ",
            tier.name);
      return nullptr;
    }
    if (!state.tierOn[t]) {
      fault(what, " 0x", absl::Hex(address), " is in tier ", tier.name, ", which is off");
      return nullptr;
    }
    return &tier;
  }
  fault(what, " 0x", absl::Hex(address), " is in no tier");
  return nullptr;
}

bool ProgramChecker::readTier(absl::string_view what, uint64_t address, uint64_t size,
                              bool inPlace) {
  const Tier *tier = tierOf(what, address, size);
  if (!tier)
    return false;
  uint64_t end = address + size, missing = end;
  int strange = -1;
  state.tiers.forEach(
      address, end, [&](uint64_t from, uint64_t, const TierMap::Piece *piece, const uint8_t *) {
        if (!piece)
          missing = std::min(missing, from);
        else if (piece->image >= 0 && (tasks & ~stream.images[piece->image].owners) != 0)
          strange = piece->image;
      });
  if (missing < end) {
    fault("reads byte 0x", absl::Hex(missing), " of tier ", tier->name,
          ", which nothing has written (", what, " 0x", absl::Hex(address), ", ", size, " bytes)");
    state.tiers.write(address, end, nullptr, -1); // said once is enough
  }
  if (strange >= 0)
    fault("reads image ", strange, " at 0x", absl::Hex(stream.images[strange].address),
          ", which not all of the program's tasks own");
  if (task >= 0)
    written.addMissing(address, end, needed);
  accesses.add({TierSpace, false, inPlace, address, end});
  return true;
}

bool ProgramChecker::writeTier(absl::string_view what, uint64_t address, uint64_t size,
                               const uint8_t *data, int image) {
  const Tier *tier = tierOf(what, address, size);
  if (!tier)
    return false;
  uint64_t end = address + size;
  if (tier->technology == Technology::Rram) {
    fault("writes 0x", absl::Hex(address), " of tier ", tier->name,
          ", which is RRAM; only programming the device does that");
    return false;
  }
  if (uint64_t at = state.kept.firstIn(address, end); at < end)
    fault("overwrites byte 0x", absl::Hex(at), " of tier ", tier->name,
          ", which an image or power-on stored for good");
  if (uint64_t at = needed.firstIn(address, end); at < end)
    fault("overwrites byte 0x", absl::Hex(at), " of tier ", tier->name,
          ", which the next inference needs");
  state.tiers.write(address, end, data, image);
  if (task >= 0)
    written.add(address, end);
  if (program.role == ProgramRole::PowerOn)
    stored.add(address, end);
  accesses.add({TierSpace, true, false, address, end});
  return true;
}

void ProgramChecker::tierPower(const Instruction &in) {
  size_t index = in.get(Field::Tier);
  if (index >= machine.tiers.size())
    return fault("tier is ", index, ", the machine has ", machine.tiers.size());
  const Tier &tier = machine.tiers[index];
  bool on = in.get(Field::State) != 0;
  if (!on) {
    Access all{TierSpace, true, false, tier.base, tier.base + tier.capacity};
    for (const Running &other : running)
      if (other.active)
        for (const Access &access : other.accesses.get())
          if (overlap(all, access))
            return fault("switches off tier ", tier.name, ", which ", place(other.index),
                         " may still be using; a wait is missing");
    if (!tier.persistent)
      state.tiers.erase(tier.base, tier.base + tier.capacity);
  }
  state.tierOn[index] = on;
}

//===----------------------------------------------------------------------===//
// The engine's memories
//===----------------------------------------------------------------------===//

bool ProgramChecker::checkRows(absl::string_view what, const WrittenMap &memory, Space space,
                               int64_t begin, int64_t count) {
  if (begin >= 0 && count <= memory.size() && begin <= memory.size() - count)
    return true;
  fault(what, " ", begin, " to ", begin + count - 1, " pass ", kSpaceNames[space], " of ",
        memory.size());
  return false;
}

bool ProgramChecker::readRows(absl::string_view what, WrittenMap &memory, Space space,
                              int64_t begin, int64_t count, bool inPlace) {
  if (count == 0)
    return true;
  if (!checkRows(what, memory, space, begin, count))
    return false;
  if (int64_t at = memory.firstUnwritten(begin, count); at >= 0) {
    fault("reads ", what.substr(0, what.size() - 1), " ", at, " of ", kSpaceNames[space],
          ", which nothing has written");
    memory.write(begin, count); // said once is enough
  }
  accesses.add(
      {space, false, inPlace, static_cast<uint64_t>(begin), static_cast<uint64_t>(begin + count)});
  return true;
}

bool ProgramChecker::writeRows(absl::string_view what, WrittenMap &memory, Space space,
                               int64_t begin, int64_t count) {
  if (!checkRows(what, memory, space, begin, count))
    return false;
  memory.write(begin, count);
  accesses.add(
      {space, true, false, static_cast<uint64_t>(begin), static_cast<uint64_t>(begin + count)});
  return true;
}

} // namespace aac::check
