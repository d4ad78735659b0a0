//===- Simulator.h - runs a compiled stream to the bit ----------*- C++ -*-===//
//
// Carries out the programs of a stream on a model of the machine: tiers with the
// stream's images, the engine's memories, the engine (Engine.h) and the host. Strictly
// one instruction after the other; a correct program gives the same however its units
// overlap (the checker proves that), and when things happen is Timing.h's business.
//
//   Simulator sim = ...create(stream, machine);
//   sim.runPowerOn();  sim.switchTo(task);  sim.run(task, inputs) -> outputs
//
// All memories start as zeros that nobody has written. Reading such a byte is an error,
// as is anything out of range; errors name program, instruction and ONNX node.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_SIMULATOR_H
#define AAC_SIM_SIMULATOR_H

#include "aac/Machine/Machine.h"
#include "aac/Sim/Engine.h"
#include "aac/Stream/Stream.h"
#include "aac/Support/Npz.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace aac::sim {

/// An instruction carried out; program -1: none.
struct InstructionPlace {
  int32_t program = -1, index = -1;
  int64_t iteration = 0; ///< of the loop around it
};

/// What one place of the source (a stream's location) did, over all programs run.
struct LocationStatistics {
  int64_t instructions = 0; ///< carried out, repetitions of loops included
  int64_t macs = 0;
  /// Of the macs / 16 products of two vectors: gated, since one is zeros throughout.
  int64_t gatedProducts = 0;
  /// Vectors of matmul operands that are parameters, each once an instruction, and those of them
  /// that are zeros throughout: padding and biases count as what they are to the engine.
  int64_t parameterVectors = 0, nullParameterVectors = 0;
  Counts counts;
  InstructionPlace firstOverflow, firstSaturation;
  std::vector<uint64_t> bytesRead, bytesWritten; ///< per tier of the machine
};

/// What an observer sees after each instruction.
struct Step {
  const Program &program;
  size_t index;      ///< of the instruction in the program
  int64_t iteration; ///< of the loop around it, 0 outside
  Counts counts;     ///< of this instruction alone
};

/// The engine's memories, as bytes: 16 a row.
struct EngineContents {
  std::array<std::vector<uint8_t>, 2> data;
  std::array<std::vector<uint16_t>, 2> mask;
  std::vector<uint8_t> aux;
};

class Simulator {
public:
  /// `stream` must outlive the simulator. Errors: a machine whose arithmetic this
  /// simulator does not have, an image outside its tier.
  static absl::StatusOr<Simulator> create(const Stream &stream, const Machine &machine);
  Simulator(Simulator &&) noexcept;
  Simulator &operator=(Simulator &&) noexcept;
  ~Simulator();

  /// Runs the power-on programs, in the stream's order.
  absl::Status runPowerOn();
  /// Brings the parameters of `task` in; nothing where it is in already.
  absl::Status switchTo(int task);
  /// One inference of `task`, which must be in. `inputs` holds an array for each of its
  /// inputs, found by name; others are ignored. Integer inputs take integers of any
  /// width. Returns its outputs, f32, in the task's order.
  absl::StatusOr<std::vector<NpyArray>> run(int task, absl::Span<const NpyArray> inputs);
  /// The task that is in, -1 after power-on.
  int activeTask() const;

  /// Statistics since creation: one entry per location of the stream, then one for
  /// instructions without location.
  const std::vector<LocationStatistics> &statistics() const;
  LocationStatistics totals() const;

  /// Threads that share an operation's work, 0: one for each processor; 1 at first. Results
  /// and statistics are the same for any number.
  void setThreads(int threads);
  /// Called after each instruction.
  void setObserver(std::function<void(const Step &)> observer);
  /// `size` bytes of a tier at `address`, all of them written.
  absl::StatusOr<std::vector<uint8_t>> readTier(uint64_t address, uint64_t size) const;
  /// An activation that lies complete in a tier, [tokens x features] row-major.
  absl::StatusOr<std::vector<float>> readValue(const StoredValue &value) const;
  /// Writes a tier as the host would (for tests).
  absl::Status writeTier(uint64_t address, absl::Span<const uint8_t> bytes);
  /// What lies in the engine's memories, written or not (for tests).
  EngineContents engineContents() const;
  /// Result of the last entropy instruction: 0 none yet, 2 above the threshold, 3 not.
  int entropyStatus() const;

private:
  struct Impl;
  explicit Simulator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace aac::sim

#endif // AAC_SIM_SIMULATOR_H
