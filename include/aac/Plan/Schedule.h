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

/// Everything `instruction` touches. Loop strides are left out: they only ever
/// read constants that nothing in a loop writes.
std::vector<Access> accessesOf(const isa::Instruction &instruction);
/// One of the two writes what the other touches.
bool conflict(absl::Span<const Access> a, absl::Span<const Access> b);

/// A scheduled program: positions in the original, or -1 for an inserted wait.
struct Slot {
  int64_t index;
  int64_t waitUnits = 0; ///< of an inserted wait: bit 0 transfer, 1 engine, 2 host
};

struct Schedule {
  std::vector<Slot> slots;
  int64_t waits = 0, moved = 0;
};

/// Moves each store behind the next engine command that it does not conflict with, past
/// whatever lies between, then inserts the fewest waits that in-order issue needs.
/// Control instructions are not crossed and wait for everything. Without `overlap`, each
/// instruction waits for the one before. Linear but for the short scan of each store.
Schedule schedule(absl::Span<const isa::Instruction> program, bool overlap = true);

} // namespace aac::plan

#endif // AAC_PLAN_SCHEDULE_H
