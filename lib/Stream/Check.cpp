//===- Check.cpp - proves that a stream is safe to run ---------------------===//
//
// One State holds what is known of all memories. A ProgramChecker follows a program over
// it. Every instruction becomes a list of accesses, ranges of one memory that it reads or
// writes; each access is checked on its own, and the list against those of the commands
// that may still be running.
//
// Cost: for each instruction carried out, the number of its accesses times the logarithm of
// the pieces that tiers are in, plus the mask words of a matmul.
//
//===----------------------------------------------------------------------===//
#include "aac/Stream/Check.h"
#include "CheckState.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <array>
#include <optional>
#include <set>

namespace aac {
namespace {

using namespace check;
using isa::Field;
using isa::Instruction;
using isa::Opcode;
using isa::Unit;

constexpr size_t kMaxFaults = 20;
constexpr int64_t kRowBytes = 16, kWordBytes = 2, kLanes = 16;
/// No program of a real suite carries out as many.
constexpr int64_t kMaxInstructions = 20'000'000;

int64_t roundUp16(int64_t value) { return (value + kLanes - 1) / kLanes * kLanes; }

/// Faults, one line each; no two of one instruction.
class Faults {
public:
  void add(const std::string &key, std::string line) {
    if (seen.insert(key).second && lines.size() <= kMaxFaults)
      lines.push_back(std::move(line));
  }
  bool full() const { return lines.size() > kMaxFaults; }
  absl::Status status() const {
    if (lines.empty())
      return absl::OkStatus();
    size_t shown = std::min(lines.size(), kMaxFaults);
    std::string text = absl::StrJoin(lines.begin(), lines.begin() + shown, "\n");
    if (full())
      absl::StrAppend(&text, "\nfurther faults are left out");
    return absl::InvalidArgumentError(text);
  }

private:
  std::vector<std::string> lines;
  std::set<std::string> seen;
};

struct Accumulator {
  int64_t timesteps, columns;
};

struct State {
  explicit State(const Machine &machine)
      : data{WrittenMap(machine.engine.dataRows), WrittenMap(machine.engine.dataRows)},
        mask{WrittenMap(machine.engine.maskWords), WrittenMap(machine.engine.maskWords)},
        words{MaskWords(machine.engine.maskWords), MaskWords(machine.engine.maskWords)},
        aux(machine.engine.auxRows), tierOn(machine.tiers.size(), true) {}

  TierMap tiers;
  /// What no program but power-on may write: images and what power-on stored.
  IntervalSet kept;
  std::array<WrittenMap, 2> data, mask;
  std::array<MaskWords, 2> words;
  WrittenMap aux;
  std::vector<bool> tierOn;
  std::optional<Accumulator> accumulator;
};

/// A memory in which accesses may conflict.
enum Space : uint8_t { TierSpace, Data0, Data1, Mask0, Mask1, Aux, Spaces };
constexpr absl::string_view kSpaceNames[] = {"tiers",         "data memory 0", "data memory 1",
                                             "mask memory 0", "mask memory 1", "auxiliary memory"};

struct Access {
  Space space;
  bool isWrite;
  bool inPlace; ///< a read that the instruction's own write may cover
  uint64_t begin, end;
};

/// The accesses of one instruction.
class AccessList {
public:
  void clear() {
    list.clear();
    low.fill(~uint64_t{0});
    high.fill(0);
  }
  void add(Access access) {
    low[access.space] = std::min(low[access.space], access.begin);
    high[access.space] = std::max(high[access.space], access.end);
    // Pieces that follow each other are one.
    if (!list.empty() && list.back().space == access.space && list.back().end == access.begin &&
        list.back().isWrite == access.isWrite && list.back().inPlace == access.inPlace)
      list.back().end = access.end;
    else
      list.push_back(access);
  }
  const std::vector<Access> &get() const { return list; }
  bool mayMeet(const AccessList &other) const {
    for (size_t s = 0; s < Spaces; ++s)
      if (low[s] < other.high[s] && other.low[s] < high[s])
        return true;
    return false;
  }

private:
  std::vector<Access> list;
  std::array<uint64_t, Spaces> low{}, high{};
};

bool overlap(const Access &a, const Access &b) {
  return a.space == b.space && a.begin < b.end && b.begin < a.end;
}

std::string describe(const Access &a, const Access &b) {
  uint64_t begin = std::max(a.begin, b.begin), end = std::min(a.end, b.end);
  if (a.space == TierSpace)
    return absl::StrCat("bytes 0x", absl::Hex(begin), " to 0x", absl::Hex(end - 1));
  return absl::StrCat(a.space >= Mask0 && a.space <= Mask1 ? "words " : "rows ", begin, " to ",
                      end - 1, " of ", kSpaceNames[a.space]);
}

//===----------------------------------------------------------------------===//
// One program
//===----------------------------------------------------------------------===//

class ProgramChecker {
public:
  /// `tasks`: for whom it runs. `task`: the task that a run program runs, else -1.
  ProgramChecker(const Stream &stream, const Machine &machine, const Program &program,
                 TaskSet tasks, int task, State &state, Faults &faults)
      : stream(stream), machine(machine), program(program), tasks(tasks), task(task), state(state),
        faults(faults) {}

  void run() {
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

private:
  //===--------------------------------------------------------------------===//
  // Order of instructions
  //===--------------------------------------------------------------------===//

  void runAll() {
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

  /// A run begins and ends its task; nothing else does.
  void checkEnds() {
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

  void step(const Instruction &in) {
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

  void visit(const Instruction &in) {
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

  void waitFor(int64_t units) {
    for (size_t slot = 0; slot < running.size(); ++slot)
      if (units >> slot & 1)
        running[slot].active = false;
  }

  //===--------------------------------------------------------------------===//
  // Faults
  //===--------------------------------------------------------------------===//

  std::string place(size_t at) const {
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

  template <typename... Parts> void fault(const Parts &...parts) {
    faults.add(absl::StrCat(program.name, " ", index),
               absl::StrCat("program ", program.name, ": ", place(index),
                            iteration > 0 ? absl::StrCat(" in repetition ", iteration) : "", ": ",
                            parts...));
  }

  bool inRange(absl::string_view field, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high)
      return true;
    fault(field, " is ", value, ", outside ", low, "..", high);
    return false;
  }

  //===--------------------------------------------------------------------===//
  // Conflicts
  //===--------------------------------------------------------------------===//

  struct Running {
    bool active = false;
    size_t index = 0;
    AccessList accesses;
  };

  void checkConflict(const Running &other) {
    if (!accesses.mayMeet(other.accesses))
      return;
    for (const Access &mine : accesses.get())
      for (const Access &theirs : other.accesses.get())
        if ((mine.isWrite || theirs.isWrite) && overlap(mine, theirs))
          return fault(mine.isWrite ? "writes " : "reads ", describe(mine, theirs), ", which ",
                       place(other.index), " may still be ", theirs.isWrite ? "writing" : "reading",
                       "; a wait is missing");
  }

  /// No write of the instruction covers what it reads.
  void checkSelf() {
    const std::vector<Access> &list = accesses.get();
    for (const Access &write : list)
      if (write.isWrite)
        for (const Access &read : list)
          if (!read.isWrite && !read.inPlace && overlap(read, write))
            return fault("result and operand overlap in ", describe(read, write));
  }

  //===--------------------------------------------------------------------===//
  // Tiers
  //===--------------------------------------------------------------------===//

  /// The tier that holds all of the range and is on, or null after a fault.
  const Tier *tierOf(absl::string_view what, uint64_t address, uint64_t size) {
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

  bool readTier(absl::string_view what, uint64_t address, uint64_t size, bool inPlace = false) {
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
            ", which nothing has written (", what, " 0x", absl::Hex(address), ", ", size,
            " bytes)");
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

  bool writeTier(absl::string_view what, uint64_t address, uint64_t size,
                 const uint8_t *data = nullptr, int image = -1) {
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

  void tierPower(const Instruction &in) {
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

  //===--------------------------------------------------------------------===//
  // The engine's memories
  //===--------------------------------------------------------------------===//

  bool checkRows(absl::string_view what, const WrittenMap &memory, Space space, int64_t begin,
                 int64_t count) {
    if (begin >= 0 && count <= memory.size() && begin <= memory.size() - count)
      return true;
    fault(what, " ", begin, " to ", begin + count - 1, " pass ", kSpaceNames[space], " of ",
          memory.size());
    return false;
  }

  bool readRows(absl::string_view what, WrittenMap &memory, Space space, int64_t begin,
                int64_t count, bool inPlace = false) {
    if (count == 0)
      return true;
    if (!checkRows(what, memory, space, begin, count))
      return false;
    if (int64_t at = memory.firstUnwritten(begin, count); at >= 0) {
      fault("reads ", what.substr(0, what.size() - 1), " ", at, " of ", kSpaceNames[space],
            ", which nothing has written");
      memory.write(begin, count); // said once is enough
    }
    accesses.add({space, false, inPlace, static_cast<uint64_t>(begin),
                  static_cast<uint64_t>(begin + count)});
    return true;
  }

  bool writeRows(absl::string_view what, WrittenMap &memory, Space space, int64_t begin,
                 int64_t count) {
    if (!checkRows(what, memory, space, begin, count))
      return false;
    memory.write(begin, count);
    accesses.add(
        {space, true, false, static_cast<uint64_t>(begin), static_cast<uint64_t>(begin + count)});
    return true;
  }

  static Space dataSpace(int64_t memory) { return memory ? Data1 : Data0; }
  static Space maskSpace(int64_t memory) { return memory ? Mask1 : Mask0; }

  //===--------------------------------------------------------------------===//
  // Transfers
  //===--------------------------------------------------------------------===//

  uint64_t addressOf(const Instruction &in) const {
    return static_cast<uint64_t>(in.get(Field::Address) + iteration * in.get(Field::LoopStride));
  }

  /// Calls f(tier address, row, count) for each chunk, or once for chunks that follow each
  /// other without a gap. False after a fault.
  template <typename F>
  bool forChunks(const Instruction &in, Field countField, int64_t bytes, F f) {
    int64_t count = in.get(countField), chunks = in.get(Field::Chunks);
    int64_t limit = countField == Field::Words ? machine.engine.maskWords : machine.engine.dataRows;
    if (!inRange(countField == Field::Words ? "words" : "rows", count, 1, limit))
      return false;
    if (chunks < 1) {
      fault("chunks is 0, below 1");
      return false;
    }
    uint64_t address = addressOf(in);
    int64_t row = in.get(Field::Row);
    if (in.get(Field::AddressStride) == count * bytes && in.get(Field::RowStride) == count)
      return f(address, row, count * chunks);
    for (int64_t c = 0; c < chunks; ++c)
      if (!f(address + static_cast<uint64_t>(c * in.get(Field::AddressStride)),
             row + c * in.get(Field::RowStride), count))
        return false;
    return true;
  }

  void transferData(const Instruction &in, bool isLoad) {
    int64_t m = in.get(Field::Memory);
    forChunks(in, Field::Rows, kRowBytes, [&](uint64_t address, int64_t row, int64_t rows) {
      if (isLoad)
        return readTier("address", address, rows * kRowBytes) &&
               writeRows("rows", state.data[m], dataSpace(m), row, rows);
      return readRows("rows", state.data[m], dataSpace(m), row, rows) &&
             writeTier("address", address, rows * kRowBytes);
    });
  }

  void transferMask(const Instruction &in, bool isLoad) {
    // Bytes of mask words that are all ones.
    static const std::vector<uint8_t> ones(1 << 16, 0xff);
    int64_t m = in.get(Field::Memory);
    MaskWords &words = state.words[m];
    forChunks(in, Field::Words, kWordBytes, [&](uint64_t address, int64_t row, int64_t count) {
      uint64_t bytes = count * kWordBytes;
      if (isLoad) {
        if (!readTier("address", address, bytes) ||
            !writeRows("words", state.mask[m], maskSpace(m), row, count))
          return false;
        if (state.tiers.known(address, address + bytes, scratch)) {
          for (int64_t i = 0; i < count; ++i)
            words.set(row + i, static_cast<uint16_t>(scratch[2 * i] | scratch[2 * i + 1] << 8));
        } else {
          words.setUnknown(row, count);
        }
        return true;
      }
      if (!readRows("words", state.mask[m], maskSpace(m), row, count))
        return false;
      bool dense = words.firstNotDense(row, count) < 0 && bytes <= ones.size();
      return writeTier("address", address, bytes, dense ? ones.data() : nullptr);
    });
  }

  void transferAux(const Instruction &in, bool isLoad) {
    int64_t row = in.get(Field::Row), rows = in.get(Field::Rows);
    if (!inRange("rows", rows, 1, machine.engine.auxRows))
      return;
    if (isLoad) {
      if (readTier("address", addressOf(in), rows * kRowBytes))
        writeRows("rows", state.aux, Aux, row, rows);
    } else if (readRows("rows", state.aux, Aux, row, rows)) {
      writeTier("address", addressOf(in), rows * kRowBytes);
    }
  }

  //===--------------------------------------------------------------------===//
  // The engine
  //===--------------------------------------------------------------------===//

  void writeDense(int64_t memory, int64_t base, int64_t vectors) {
    if (writeRows("words", state.mask[memory], maskSpace(memory), base, vectors) &&
        writeRows("rows", state.data[memory], dataSpace(memory), base, vectors))
      state.words[memory].setDense(base, vectors);
  }

  bool checkSize(absl::string_view field, int64_t value, int64_t most) {
    if (!inRange(field, value, kLanes, most))
      return false;
    if (value % kLanes != 0)
      fault(field, " is ", value, ", not a multiple of ", kLanes);
    return value % kLanes == 0;
  }

  bool readOperand(int64_t memory, int64_t base, int64_t offset, int64_t vectors) {
    if (!readRows("words", state.mask[memory], maskSpace(memory), base, vectors))
      return false;
    int64_t rows = state.words[memory].dataRows(base, vectors);
    int64_t row = base - offset; // around the end of the memory
    if (row < 0)
      row += machine.engine.dataRows;
    return readRows("rows", state.data[memory], dataSpace(memory), row, rows);
  }

  void matMul(const Instruction &in) {
    int64_t n0 = in.get(Field::N0), n1 = in.get(Field::N1), m = in.get(Field::M);
    if (!checkSize("n0", n0, machine.engine.maxN) || !checkSize("n1", n1, machine.engine.maxN) ||
        !checkSize("m", m, machine.engine.maxM))
      return;
    if (readOperand(0, in.get(Field::Base0), in.get(Field::DataOffset0), n0 * m / kLanes) &&
        readOperand(1, in.get(Field::Base1), in.get(Field::DataOffset1), n1 * m / kLanes))
      writeDense(in.get(Field::OutMemory), in.get(Field::OutBase), n0 * n1 / kLanes);
  }

  /// Calls f(first vector, count) for the vectors of `timesteps` rows in block order.
  template <typename F> static bool forRows(int64_t base, int64_t vectors, int64_t timesteps, F f) {
    int64_t whole = timesteps / kLanes * kLanes, rest = timesteps % kLanes;
    if (whole > 0 && !f(base, whole * vectors))
      return false;
    for (int64_t v = 0; rest > 0 && v < vectors; ++v)
      if (!f(base + whole * vectors + v * kLanes, rest))
        return false;
    return true;
  }

  bool readSfu(int64_t m, int64_t base, int64_t vectors, int64_t timesteps, bool inPlace) {
    return forRows(base, vectors, timesteps, [&](int64_t first, int64_t count) {
      if (!readRows("words", state.mask[m], maskSpace(m), first, count, inPlace) ||
          !readRows("rows", state.data[m], dataSpace(m), first, count, inPlace))
        return false;
      if (int64_t at = state.words[m].firstNotDense(first, count); at >= 0)
        fault("mask word ", at, " of memory ", m,
              " is not known to be all ones; this operation takes dense operands");
      return true;
    });
  }

  void sfu(const Instruction &in) {
    int64_t m = in.get(Field::Memory), vectors = in.get(Field::Vectors);
    int64_t timesteps = in.has(Field::Timesteps) ? in.get(Field::Timesteps) : 1;
    if (!inRange("vectors", vectors, 1, machine.engine.maxVectors) ||
        !inRange("timesteps", timesteps, 1, machine.engine.maxTimesteps))
      return;
    int64_t out = in.has(Field::OutBase) ? in.get(Field::OutBase) : -1;
    for (Field base : {Field::InBase, Field::InBase1})
      if (in.has(base) && !readSfu(m, in.get(base), vectors, timesteps, in.get(base) == out))
        return;
    for (Field base : {Field::GammaBase, Field::BetaBase, Field::SpanBase})
      if (in.has(base) && !readRows("rows", state.aux, Aux, in.get(base), vectors))
        return;
    if (out >= 0)
      forRows(out, vectors, timesteps, [&](int64_t first, int64_t count) {
        writeDense(m, first, count);
        return true;
      });
  }

  //===--------------------------------------------------------------------===//
  // The host
  //===--------------------------------------------------------------------===//

  /// The task's input or output number `index` if its type is one of `types`, else null after a
  /// fault.
  const TensorSpec *tensor(absl::string_view kind, const std::vector<TensorSpec> Task::*list,
                           int64_t index, std::initializer_list<ElementType> types) {
    if (task < 0) {
      fault("uses an ", kind, ", but the program runs no task");
      return nullptr;
    }
    const std::vector<TensorSpec> &tensors = stream.tasks[task].*list;
    if (index >= static_cast<int64_t>(tensors.size())) {
      fault(kind, " is ", index, ", task ", stream.tasks[task].name, " has ", tensors.size());
      return nullptr;
    }
    if (std::find(types.begin(), types.end(), tensors[index].type) == types.end()) {
      fault(kind, " ", tensors[index].name, " has elements of another type");
      return nullptr;
    }
    return &tensors[index];
  }

  static int64_t elements(const TensorSpec &tensor) {
    int64_t count = 1;
    for (int64_t size : tensor.shape)
      count *= std::min<int64_t>(size, 1 << 20); // a field that could match is smaller
    return count;
  }

  bool checkInput(const Instruction &in, std::initializer_list<ElementType> types) {
    const TensorSpec *input = tensor("input", &Task::inputs, in.get(Field::Input), types);
    if (!input)
      return false;
    if (elements(*input) >= in.get(Field::Timesteps))
      return true;
    fault("timesteps is ", in.get(Field::Timesteps), ", input ", input->name, " has only ",
          elements(*input), " elements");
    return false;
  }

  bool checkMatrix(const Instruction &in) {
    return inRange("timesteps", in.get(Field::Timesteps), 1, 65535) &&
           inRange("columns", in.get(Field::Columns), 1, 65535);
  }
  static uint64_t matrixBytes(const Instruction &in) {
    return roundUp16(in.get(Field::Timesteps)) * roundUp16(in.get(Field::Columns));
  }

  uint32_t word(size_t number) const {
    uint32_t value = 0;
    for (int i = 3; i >= 0; --i)
      value = value << 8 | scratch[4 * number + i];
    return value;
  }

  void hostGather(const Instruction &in) {
    int64_t rows = in.get(Field::TableRows), timesteps = in.get(Field::Timesteps);
    int64_t columns = in.get(Field::Columns);
    if (!checkMatrix(in) || !inRange("table_rows", rows, 1, INT32_MAX))
      return;
    // The host's accumulator has 40 fraction bits; a code must fit it.
    if (int64_t sum = in.get(Field::Bias) + in.get(Field::Scale); sum < -26 || sum > 18)
      fault("bias and scale sum to ", sum, ", outside -26..18");
    if (in.get(Field::Source) == 0) {
      if (!checkInput(in, {ElementType::I32, ElementType::I64}))
        return;
    } else {
      uint64_t indices = in.get(Field::Indices);
      if (!readTier("indices", indices, 4 * timesteps))
        return;
      if (state.tiers.known(indices, indices + 4 * timesteps, scratch))
        for (int64_t t = 0; t < timesteps; ++t)
          if (word(t) >= rows)
            return fault("row number ", t, " is ", word(t), ", the table has ", rows, " rows");
    }
    uint64_t bytes = rows * roundUp16(columns);
    if (in.get(Field::Sparse)) {
      uint64_t offsets = in.get(Field::Offsets), size = 4 * (rows + 1);
      if (!readTier("offsets", offsets, size))
        return;
      if (!state.tiers.known(offsets, offsets + size, scratch))
        return fault("offsets at 0x", absl::Hex(offsets), " are not from an image");
      for (int64_t r = 0; r < rows; ++r)
        if (word(r) > word(r + 1))
          return fault("offset of row ", r, " is ", word(r), ", that of the next ", word(r + 1));
      bytes = word(rows);
    }
    if (bytes > 0 && !readTier("table", in.get(Field::Table), bytes))
      return;
    if (in.get(Field::Accumulate))
      checkAccumulator(in);
    state.accumulator = Accumulator{timesteps, columns};
  }

  void checkAccumulator(const Instruction &in) {
    if (!state.accumulator)
      return fault("uses the accumulator before a host_gather has cleared it");
    if (state.accumulator->timesteps != in.get(Field::Timesteps) ||
        state.accumulator->columns != in.get(Field::Columns))
      fault("takes the accumulator as ", in.get(Field::Timesteps), " x ", in.get(Field::Columns),
            ", it is ", state.accumulator->timesteps, " x ", state.accumulator->columns);
  }

  void hostEmit(const Instruction &in) {
    if (!checkMatrix(in))
      return;
    checkAccumulator(in);
    writeTier("out_address", in.get(Field::OutAddress), matrixBytes(in));
  }

  void hostTable(const Instruction &in) {
    uint64_t bytes = in.get(Field::Bytes), address = in.get(Field::Address);
    uint64_t out = in.get(Field::OutAddress);
    uint64_t table =
        static_cast<uint64_t>(in.get(Field::Table) + iteration * in.get(Field::LoopStride));
    if (!inRange("bytes", bytes, 1, UINT32_MAX))
      return;
    if (readTier("table", table, 256) && readTier("address", address, bytes, address == out))
      writeTier("out_address", out, bytes);
  }

  void hostMask(const Instruction &in) {
    int64_t vectors = in.get(Field::Vectors);
    if (!inRange("vectors", vectors, 1, machine.engine.maxVectors) ||
        !inRange("timesteps", in.get(Field::Timesteps), 1, vectors * kLanes) ||
        !inRange("bias", in.get(Field::Bias), 3, 7)) // lower ones have no code for 1.0
      return;
    if (checkInput(in, {ElementType::I32, ElementType::I64, ElementType::Bool}))
      writeTier("out_address", in.get(Field::OutAddress), vectors * kLanes);
  }

  void hostCopy(const Instruction &in) {
    uint64_t bytes = in.get(Field::Bytes), address = in.get(Field::Address);
    uint64_t out = in.get(Field::OutAddress);
    if (!inRange("bytes", bytes, 1, UINT32_MAX) || !readTier("address", address, bytes))
      return;
    struct Part {
      uint64_t offset, size;
      const uint8_t *data;
      int image;
    };
    std::vector<Part> parts;
    state.tiers.forEach(
        address, address + bytes,
        [&](uint64_t from, uint64_t to, const TierMap::Piece *piece, const uint8_t *data) {
          parts.push_back({from - address, to - from, data, piece ? piece->image : -1});
        });
    if (!writeTier("out_address", out, bytes))
      return;
    for (const Part &part : parts)
      state.tiers.write(out + part.offset, out + part.offset + part.size, part.data, part.image);
  }

  void hostTranspose(const Instruction &in) {
    if (checkMatrix(in) && readTier("address", in.get(Field::Address), matrixBytes(in)))
      writeTier("out_address", in.get(Field::OutAddress), matrixBytes(in));
  }

  void hostOutput(const Instruction &in) {
    if (!checkMatrix(in) || !inRange("layout", in.get(Field::Layout), 0, 0))
      return;
    int64_t number = in.get(Field::Output);
    const TensorSpec *output = tensor("output", &Task::outputs, number, {ElementType::F32});
    if (!output)
      return;
    int64_t size = in.get(Field::Timesteps) * in.get(Field::Columns);
    if (elements(*output) != size)
      fault("writes ", size, " elements, output ", output->name, " has ", elements(*output));
    outputWritten[number] = true;
    readTier("address", in.get(Field::Address), matrixBytes(in));
  }

  const Stream &stream;
  const Machine &machine;
  const Program &program;
  const TaskSet tasks;
  const int task;
  State &state;
  Faults &faults;

  size_t index = 0;
  int64_t iteration = 0;
  AccessList accesses;
  std::array<Running, 3> running; // transfer, engine, host
  IntervalSet written;            // by this run
  IntervalSet needed;             // read by this run before it wrote there
  std::vector<bool> outputWritten;
  std::vector<uint8_t> scratch;

public:
  IntervalSet stored; ///< what a power-on program wrote
};

//===----------------------------------------------------------------------===//
// The whole stream
//===----------------------------------------------------------------------===//

void placeImages(const Stream &stream, const Machine &machine, State &state, Faults &faults) {
  for (size_t i = 0; i < stream.images.size(); ++i) {
    const Image &image = stream.images[i];
    auto fault = [&](auto... parts) {
      faults.add(absl::StrCat("image ", i),
                 absl::StrCat("image ", i, " at 0x", absl::Hex(image.address), ": ", parts...));
    };
    uint64_t end = image.address + image.bytes.size();
    const Tier *tier = machine.findTier(image.tier);
    if (!tier) {
      fault("tier is ", image.tier, ", which the machine does not have");
      continue;
    }
    if (!tier->persistent)
      fault("tier ", tier->name, " has no permanent content");
    if (image.address < tier->base || end > tier->base + tier->capacity)
      fault("its ", image.bytes.size(), " bytes are not all in tier ", tier->name);
    if (state.kept.firstIn(image.address, end) < end)
      fault("overlaps another image");
    state.kept.add(image.address, end);
    state.tiers.write(image.address, end, image.bytes.data(), static_cast<int>(i));
  }
}

} // namespace

absl::Status checkStream(const Stream &stream, const Machine &machine) {
  // Rules of the container first: indices, owners, widths.
  if (auto bytes = serialize(stream); !bytes.ok())
    return bytes.status();

  Faults faults;
  State start(machine);
  placeImages(stream, machine, start, faults);
  for (const Program &program : stream.programs) {
    if (program.role != ProgramRole::PowerOn)
      continue;
    ProgramChecker checker(stream, machine, program, program.owners, -1, start, faults);
    checker.run();
    checker.stored.addAllTo(start.kept);
  }

  size_t tasks = stream.tasks.size();
  for (size_t t = 0; t < tasks; ++t) {
    std::set<int32_t> switches; // -1: none is needed from power-on
    for (size_t from = 0; from <= tasks; ++from)
      if (int32_t program = stream.switchTo[from * tasks + t]; program >= 0 || from == tasks)
        switches.insert(program);
    for (int32_t program : switches) {
      State state = start;
      TaskSet self = TaskSet{1} << t;
      if (program >= 0)
        ProgramChecker(stream, machine, stream.programs[program], self, -1, state, faults).run();
      ProgramChecker(stream, machine, stream.programs[stream.tasks[t].runProgram], self,
                     static_cast<int>(t), state, faults)
          .run();
    }
  }
  return faults.status();
}

} // namespace aac
