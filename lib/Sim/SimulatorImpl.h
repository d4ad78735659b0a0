//===- SimulatorImpl.h - the simulator's state ------------------*- C++ -*-===//
#ifndef AAC_LIB_SIM_SIMULATORIMPL_H
#define AAC_LIB_SIM_SIMULATORIMPL_H

#include "Memory.h"
#include "aac/Sim/Simulator.h"
#include "aac/Sim/ThreadPool.h"
#include "absl/functional/function_ref.h"

namespace aac::sim {

/// Where an operand of the special function unit lies, and its bias register.
struct SfuOperand {
  int64_t base;
  int bias;
};
using SfuWords = absl::Span<const absl::Span<const int32_t>>; ///< a row of each operand
using SfuRow = absl::FunctionRef<void(SfuWords, absl::Span<int32_t>)>;

struct Simulator::Impl {
  Impl(const Stream &stream, const Machine &machine);

  // Control (Simulator.cpp).
  absl::Status runProgram(int32_t program);
  absl::Status execute(const isa::Instruction &in, int64_t iteration);
  absl::Status addContext(const absl::Status &status, const Program &program, size_t index) const;

  // Transfers and engine operations (Execute.cpp).
  bool holdsParameters(uint64_t address, uint64_t size) const;
  absl::Status transfer(const isa::Instruction &in, int64_t iteration);
  absl::Status matMul(const isa::Instruction &in);
  absl::Status layerNorm(const isa::Instruction &in);
  absl::Status softmax(const isa::Instruction &in);
  absl::Status elementAdd(const isa::Instruction &in);
  absl::Status entropy(const isa::Instruction &in);
  absl::StatusOr<std::vector<int32_t>> auxWords(int64_t row, int64_t rows, int bias) const;
  absl::Status checkRead(const isa::Instruction &in, int64_t base, int64_t rows) const;
  absl::Status prepareWrite(const isa::Instruction &in, int64_t rows);
  absl::Status forRows(const isa::Instruction &in, absl::Span<const SfuOperand> operands,
                       const SfuRow &row);

  // Host calls (Host.cpp).
  absl::Status hostGather(const isa::Instruction &in);
  absl::Status hostEmit(const isa::Instruction &in);
  absl::Status hostTable(const isa::Instruction &in, int64_t iteration);
  absl::Status hostMask(const isa::Instruction &in);
  absl::Status hostCopy(const isa::Instruction &in);
  absl::Status hostTranspose(const isa::Instruction &in);
  absl::Status hostOutput(const isa::Instruction &in);
  absl::StatusOr<const std::vector<int64_t> *> taskInput(const isa::Instruction &in) const;

  // Tiers, with the bytes counted for the current location.
  absl::Status readTier(uint64_t address, absl::Span<uint8_t> out);
  absl::StatusOr<std::vector<uint8_t>> readTier(uint64_t address, uint64_t size);
  absl::Status writeTier(uint64_t address, absl::Span<const uint8_t> bytes);

  const Stream &stream;
  Machine machine;
  TierSpace tiers;
  OperandCache decoded;
  int64_t decodedAfter = 0; ///< changes of the tiers that `decoded` has seen
  std::unique_ptr<ThreadPool> pool;
  std::vector<EngineMemory> memories;
  std::vector<uint8_t> aux, auxWritten;

  int activeTask = -1;
  int runningTask = -1;                     ///< of the program, -1: none (power-on, switch)
  std::vector<std::vector<int64_t>> inputs; ///< of the running task
  std::vector<NpyArray> outputs;
  std::vector<bool> outputWritten;
  int entropyStatus = 0;

  /// The host's accumulator: [timesteps x columns], 40 fraction bits.
  std::vector<int64_t> accumulator;
  int64_t accumulatorRows = 0, accumulatorColumns = 0;

  std::vector<LocationStatistics> statistics;
  LocationStatistics *current = nullptr; ///< of the instruction carried out
  Counts stepCounts;
  std::function<void(const Step &)> observer;
};

} // namespace aac::sim

#endif // AAC_LIB_SIM_SIMULATORIMPL_H
