//===- SimulatorFixture.h - small programs on edgebert-rram -----*- C++ -*-===//
//
// What the simulator's tests share: instructions with their usual fields, and a fixture that
// runs a program of one task with an image of 64 KiB in DRAM.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TEST_UNIT_SIM_SIMULATORFIXTURE_H
#define AAC_TEST_UNIT_SIM_SIMULATORFIXTURE_H

#include "../Instructions.h"
#include "../Machines.h"

#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Sim/Simulator.h"
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace aac::sim {

using isa::Field;
using isa::Instruction;
using isa::Opcode;

inline constexpr uint64_t kRram = 0x10000000, kSram = 0x20000000, kDram = 0x80000000;
inline constexpr AdaptivFloatFormat kAf8{8, 3};

inline Instruction matMul(int64_t n0, int64_t n1, int64_t m, int64_t outMemory, int64_t outBase) {
  return make(Opcode::MatMul, {{Field::N0, n0},
                               {Field::N1, n1},
                               {Field::M, m},
                               {Field::Shift, 8},
                               {Field::OutBias, 5},
                               {Field::OutMemory, outMemory},
                               {Field::OutBase, outBase}});
}

inline Instruction gather(uint64_t table, int64_t rows, int64_t columns, const Fields &more = {}) {
  Instruction in = make(Opcode::HostGather, {{Field::Table, static_cast<int64_t>(table)},
                                             {Field::TableRows, rows},
                                             {Field::Columns, columns},
                                             {Field::Timesteps, 4},
                                             {Field::Bias, 4},
                                             {Field::Scale, -1}});
  for (auto [field, value] : more)
    in.set(field, value);
  return in;
}

class SimulatorTest : public testing::Test {
protected:
  SimulatorTest() {
    machine = machineOf("edgebert-rram");
    stream.locations.push_back({"/layer/MatMul", "linear", "layer"});
    Task task;
    task.name = "sst2";
    task.inputs = {{"ids", ElementType::I64, {1, 4}}, {"mask", ElementType::Bool, {1, 4}}};
    task.runProgram = 0;
    stream.tasks.push_back(task);
    stream.switchTo = {-1, -1};
    std::vector<uint8_t> image(65536);
    for (size_t i = 0; i < image.size(); ++i)
      image[i] = static_cast<uint8_t>(i * 37 + i / 256);
    stream.images.push_back({"dram", kDram, 1, image});
  }

  /// Makes `code` the task's program and runs it.
  absl::StatusOr<std::vector<NpyArray>> run(std::vector<Instruction> code) {
    Program program;
    program.name = "run_sst2";
    program.code = {make(Opcode::TaskBegin)};
    program.code.insert(program.code.end(), code.begin(), code.end());
    program.code.push_back(make(Opcode::TaskEnd));
    program.location.assign(program.code.size(), 0);
    stream.programs = {program};
    absl::StatusOr<Simulator> made = Simulator::create(stream, machine);
    if (!made.ok())
      return made.status();
    simulator = std::make_unique<Simulator>(std::move(*made));
    simulator->setThreads(threads);
    if (absl::Status status = simulator->runPowerOn(); !status.ok())
      return status;
    if (absl::Status status = simulator->switchTo(0); !status.ok())
      return status;
    return simulator->run(0, inputs);
  }
  std::string errorOf(std::vector<Instruction> code) {
    return std::string(run(std::move(code)).status().message());
  }
  std::vector<uint8_t> read(uint64_t address, uint64_t size) {
    absl::StatusOr<std::vector<uint8_t>> bytes = simulator->readTier(address, size);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return bytes.ok() ? *bytes : std::vector<uint8_t>();
  }
  uint64_t addImage(uint64_t address, std::vector<uint8_t> bytes) {
    stream.images.push_back({"dram", address, 1, std::move(bytes)});
    return address;
  }

  Stream stream;
  Machine machine;
  std::unique_ptr<Simulator> simulator;
  int threads = 1;
  std::vector<NpyArray> inputs = {NpyArray::fromInts("ids", {1, 4}, {2, 0, 1, 2}),
                                  NpyArray{"mask", 'b', 1, {1, 4}, {1, 1, 0, 1}}};
};

} // namespace aac::sim

#endif // AAC_TEST_UNIT_SIM_SIMULATORFIXTURE_H
