//===- Schedule.h - overlapping transfers, engine and host ------*- C++ -*-===//
//
// Orders the instructions of a program so that units run side by side, and inserts the
// waits that keep the result what running them one after the other gives.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_PLAN_SCHEDULE_H
#define AAC_PLAN_SCHEDULE_H

#include "aac/ISA/Instruction.h"
#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <vector>

namespace aac::plan {

/// What an instruction reads or writes: rows of a data memory, words of a mask
/// memory, rows of auxiliary memory, bytes of the address map, or the host's accumulator.
struct Access {
  enum Space : uint8_t { Data0, Data1, Mask0, Mask1, Aux, Tier, HostState };
  Space space;
  int64_t begin, end; ///< half open; strided accesses are given as their hull
  bool write;
};

/// An instruction as the scheduler sees it.
struct Step {
  Step() = default;
  Step(const isa::Instruction &instruction, int64_t cycles = 1)
      : instruction(instruction), cycles(cycles) {}

  isa::Instruction instruction;
  int64_t cycles = 1; ///< that it occupies its unit
  int64_t issue = 0;  ///< cycles of the front end before that
  /// Of a matmul: the most data rows that operands A and B are known to have; -1: one a
  /// mask word.
  std::array<int64_t, 2> operandRows{-1, -1};
};

/// What a scheduler knows of the machine.
struct Units {
  int64_t dataRows = 4096;       ///< of a data memory, around which matmul's offsets go
  bool overlapsTransfers = true; ///< a transfer may run beside an engine operation
};

/// Everything `step` touches. Loop strides are left out: they only ever
/// read constants that nothing in a loop writes.
std::vector<Access> accessesOf(const Step &step, const Units &units = {});
/// One of the two writes what the other touches.
bool conflict(absl::Span<const Access> a, absl::Span<const Access> b);

/// A scheduled program: positions in the original, or -1 for an inserted wait.
struct Slot {
  int64_t index;
  int64_t waitUnits = 0; ///< of an inserted wait: bit 0 transfer, 1 engine, 2 host
};

struct Schedule {
  std::vector<Slot> slots;
  int64_t waits = 0, moved = 0; ///< waits inserted; steps that another order overtook
  int64_t cycles = 0;           ///< expected, each loop's body once
};

/// Orders the steps between one control instruction and the next, which are not crossed and
/// wait for everything, then inserts the fewest waits that in-order issue needs. Of the
/// steps that conflict with no earlier one that is still to come, that one is next which
/// can start first; of equals the host's, the engine's, a load, a store, and of these the
/// earliest of the program. So a load comes as early as what it overwrites is done with, and a
/// store or a host call that would hold up the front end comes later. An order is kept only if it
/// is expected to take less time than the program's own. Without `overlap`, each instruction waits
/// for the one before.
///
/// Looks kWindow steps ahead: linear in the length of the program.
Schedule schedule(absl::Span<const Step> program, const Units &units = {}, bool overlap = true);

} // namespace aac::plan

#endif // AAC_PLAN_SCHEDULE_H
