//===- CheckProgram.h - follows one program over the state ------*- C++ -*-===//
//
// One State holds what is known of all memories. A ProgramChecker follows a program over
// it. Every instruction becomes a list of accesses, ranges of one memory that it reads or
// writes; each access is checked on its own, and the list against those of the commands
// that may still be running. What an instruction accesses: CheckCommands.cpp for transfers
// and the engine, CheckHost.cpp for the host.
//
// Cost: for each instruction carried out, the number of its accesses times the logarithm of
// the pieces that tiers are in, plus the mask words of a matmul.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_STREAM_CHECKPROGRAM_H
#define AAC_LIB_STREAM_CHECKPROGRAM_H

#include "CheckState.h"
#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace aac::check {

using isa::Field;
using isa::Instruction;
using isa::Opcode;
using isa::Unit;

inline constexpr size_t kMaxFaults = 20;
inline constexpr int64_t kRowBytes = 16, kWordBytes = 2, kLanes = 16;
inline int64_t roundUp16(int64_t value) { return (value + kLanes - 1) / kLanes * kLanes; }

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
inline constexpr absl::string_view kSpaceNames[] = {"tiers",         "data memory 0",
                                                    "data memory 1", "mask memory 0",
                                                    "mask memory 1", "auxiliary memory"};

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

inline bool overlap(const Access &a, const Access &b) {
  return a.space == b.space && a.begin < b.end && b.begin < a.end;
}

inline std::string describe(const Access &a, const Access &b) {
  uint64_t begin = std::max(a.begin, b.begin), end = std::min(a.end, b.end);
  if (a.space == TierSpace)
    return absl::StrCat("bytes 0x", absl::Hex(begin), " to 0x", absl::Hex(end - 1));
  return absl::StrCat(a.space >= Mask0 && a.space <= Mask1 ? "words " : "rows ", begin, " to ",
                      end - 1, " of ", kSpaceNames[a.space]);
}

class ProgramChecker {
public:
  /// `tasks`: for whom it runs. `task`: the task that a run program runs, else -1.
  ProgramChecker(const Stream &stream, const Machine &machine, const Program &program,
                 TaskSet tasks, int task, State &state, Faults &faults)
      : stream(stream), machine(machine), program(program), tasks(tasks), task(task), state(state),
        faults(faults) {}
  void run();

private:
  // Order of instructions.
  void runAll();
  /// A run begins and ends its task; nothing else does.
  void checkEnds();
  void step(const Instruction &in);
  void visit(const Instruction &in);
  void waitFor(int64_t units);

  // Faults.
  std::string place(size_t at) const;
  template <typename... Parts> void fault(const Parts &...parts) {
    faults.add(absl::StrCat(program.name, " ", index),
               absl::StrCat("program ", program.name, ": ", place(index),
                            iteration > 0 ? absl::StrCat(" in repetition ", iteration) : "", ": ",
                            parts...));
  }
  bool inRange(absl::string_view field, int64_t value, int64_t low, int64_t high);

  // Conflicts.
  struct Running {
    bool active = false;
    size_t index = 0;
    AccessList accesses;
  };
  void checkConflict(const Running &other);
  /// No write of the instruction covers what it reads.
  void checkSelf();

  // Tiers.
  /// The tier that holds all of the range and is on, or null after a fault.
  const Tier *tierOf(absl::string_view what, uint64_t address, uint64_t size);
  bool readTier(absl::string_view what, uint64_t address, uint64_t size, bool inPlace = false);
  bool writeTier(absl::string_view what, uint64_t address, uint64_t size,
                 const uint8_t *data = nullptr, int image = -1);
  void tierPower(const Instruction &in);

  // The engine's memories.
  bool checkRows(absl::string_view what, const WrittenMap &memory, Space space, int64_t begin,
                 int64_t count);
  bool readRows(absl::string_view what, WrittenMap &memory, Space space, int64_t begin,
                int64_t count, bool inPlace = false);
  bool writeRows(absl::string_view what, WrittenMap &memory, Space space, int64_t begin,
                 int64_t count);
  static Space dataSpace(int64_t memory) { return memory ? Data1 : Data0; }
  static Space maskSpace(int64_t memory) { return memory ? Mask1 : Mask0; }

  // Transfers.
  uint64_t addressOf(const Instruction &in) const;
  /// Calls f(tier address, row, count) for each chunk, or once for chunks that follow each
  /// other without a gap. False after a fault.
  template <typename F> bool forChunks(const Instruction &in, Field countField, int64_t bytes, F f);
  void transferData(const Instruction &in, bool isLoad);
  void transferMask(const Instruction &in, bool isLoad);
  void transferAux(const Instruction &in, bool isLoad);

  // The engine.
  void writeDense(int64_t memory, int64_t base, int64_t vectors);
  bool checkSize(absl::string_view field, int64_t value, int64_t most);
  bool readOperand(int64_t memory, int64_t base, int64_t offset, int64_t vectors);
  void matMul(const Instruction &in);
  /// Calls f(first vector, count) for the vectors of `timesteps` rows in block order.
  template <typename F> static bool forRows(int64_t base, int64_t vectors, int64_t timesteps, F f);
  bool readSfu(int64_t m, int64_t base, int64_t vectors, int64_t timesteps, bool inPlace);
  void sfu(const Instruction &in);

  // The host.
  /// The task's input or output number `index` if its type is one of `types`, else null after a
  /// fault.
  const TensorSpec *tensor(absl::string_view kind, const std::vector<TensorSpec> Task::*list,
                           int64_t index, std::initializer_list<ElementType> types);
  static int64_t elements(const TensorSpec &tensor);
  bool checkInput(const Instruction &in, std::initializer_list<ElementType> types);
  bool checkMatrix(const Instruction &in);
  static uint64_t matrixBytes(const Instruction &in);
  uint32_t word(size_t number) const;
  void hostGather(const Instruction &in);
  void checkAccumulator(const Instruction &in);
  void hostEmit(const Instruction &in);
  void hostTable(const Instruction &in);
  void hostMask(const Instruction &in);
  void hostCopy(const Instruction &in);
  void hostTranspose(const Instruction &in);
  void hostOutput(const Instruction &in);

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

} // namespace aac::check

#endif // AAC_LIB_STREAM_CHECKPROGRAM_H
