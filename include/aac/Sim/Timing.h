//===- Timing.h - when the instructions of a program run --------*- C++ -*-===//
//
// Event-based timing of a program on a machine. The front end issues in order. Each
// unit (transfer, engine, host) does one instruction at a time; issue to a busy unit
// waits for it, and `wait` for the units it names. Units run side by side, a transfer
// beside an engine operation only where the machine can.
//
// Cycles are engine cycles at the machine's nominal clock. Engine operations and
// transfers follow the formulas measured on the published source (reference:
// accelerator section 6) with the machine's constants:
//
//   matmul      tile * T + drain * (O - 1) + overhead,  T tiles of 16^3, O output blocks
//   layer norm, softmax, add   rows * (vectors * (fetches + states) + row) + overhead
//   load        max(beats, tier bandwidth) + bursts * (burst + tier latency) + overhead
//   store       max(beats, tier bandwidth) + bursts * (burst + tier latency) + overhead
//
// per chunk; masks move maskWordsPerCycle words a cycle. Each command is preceded by its
// register writes, as many as its expansion has (aac/Registers/Registers.h). Host calls take the
// host's cycles or the time of the tiers they touch, whichever is longer.
//
// lib/Cost has formulas of its own; only the machine's constants are shared.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_TIMING_H
#define AAC_SIM_TIMING_H

#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"
#include "absl/status/statusor.h"
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace aac::sim {

/// Which end of the machine's figures: Low is the fastest and cheapest.
enum class Level { Low, Typical, High };

/// One instruction carried out by a unit; [start, end) in cycles.
struct TimedInstruction {
  int32_t index = 0;     ///< in the program
  int32_t iteration = 0; ///< of the loop around it, 0 outside
  isa::Unit unit = isa::Unit::Control;
  int64_t start = 0, end = 0;
  /// To configure and start it, its further chunks included: before `start`, or between.
  int32_t registerWrites = 0;
};

struct ProgramTiming {
  int64_t totalCycles = 0;
  double clockHz = 0; ///< of the cycles
  /// Busy cycles by unit, indexed by isa::Unit (Control is 0).
  std::array<int64_t, 4> busyCycles{};
  std::vector<TimedInstruction> instructions; ///< in order of issue
  double latencyNs() const { return clockHz > 0 ? totalCycles / clockHz * 1e9 : 0; }
};

/// Cycles that `in` occupies its unit, 0 for control, without waiting. `iteration` counts
/// the loop around it. Error if an address is in no tier.
absl::StatusOr<int64_t> instructionCycles(const isa::Instruction &in, const Machine &machine,
                                          Level level = Level::Typical, int64_t iteration = 0);

/// Cycles in which the front end writes the registers of `in` before it starts.
int64_t issueCycles(const isa::Instruction &in, const Machine &machine);

/// Times `program`. Error names program, instruction and reason.
absl::StatusOr<ProgramTiming> timeProgram(const Program &program, const Machine &machine,
                                          Level level = Level::Typical);

/// Times every program of `stream`, in its order.
absl::StatusOr<std::vector<ProgramTiming>> timeStream(const Stream &stream, const Machine &machine,
                                                      Level level = Level::Typical);

/// What an instruction moves from or to a tier.
struct TierAccess {
  size_t tier = 0;      ///< index among the machine's
  int64_t bytes = 0;    ///< in all
  int64_t accesses = 0; ///< each after the tier's latency
  bool write = false;
};

/// The tiers that `in` reads or writes, none for control and the engine. Error if an
/// address is in no tier.
absl::StatusOr<std::vector<TierAccess>> tierAccesses(const isa::Instruction &in,
                                                     const Machine &machine, int64_t iteration = 0);

/// The timing as a trace for Perfetto or chrome://tracing (JSON): a track for each unit, and
/// for each tier one for what transfers and one for what the host moves. Slices are named
/// by ONNX node and instruction; layer, operation, cycles, bytes and the instruction's text
/// are their arguments.
std::string chromeTrace(const Stream &stream, const Machine &machine, const Program &program,
                        const ProgramTiming &timing);

} // namespace aac::sim

#endif // AAC_SIM_TIMING_H
