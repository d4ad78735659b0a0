//===- SimulatorErrorsTest.cpp - every error of the simulator once ---------===//
#include "SimulatorFixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

using namespace aac;
using namespace aac::sim;
using testing::HasSubstr;

namespace {

TEST_F(SimulatorTest, ErrorsNameTaskProgramInstructionAndNode) {
  std::string error = errorOf({loadData(0, 0, 1, 0x1000)});
  EXPECT_THAT(error, HasSubstr("task 'sst2': program 'run_sst2': instruction 1 (load_data"));
  EXPECT_THAT(error, HasSubstr("of layer linear '/layer/MatMul': address 0x1000 is in no tier"));
}

TEST_F(SimulatorTest, AddressErrors) {
  EXPECT_THAT(errorOf({copy(kSram + 0x3fffff, kSram, 2)}),
              HasSubstr("past the end of tier 'sram'"));
  EXPECT_THAT(errorOf({copy(kSram + 5, kSram, 1)}),
              HasSubstr("read of address 0x20000005 of tier 'sram', which nothing has written"));
  EXPECT_THAT(errorOf({copy(kDram, kSram, 3), copy(kSram, kSram + 64, 4)}),
              HasSubstr("read of address 0x20000003"));
  EXPECT_THAT(errorOf({copy(kDram, kRram, 1)}), HasSubstr("RRAM is programmed once"));
  EXPECT_THAT(errorOf({make(Opcode::TierPower, {{Field::Tier, 1}, {Field::State, 0}}),
                       copy(kDram, kSram, 1)}),
              HasSubstr("tier 'sram' is switched off"));
  EXPECT_THAT(errorOf({copy(kDram, kSram, 1),
                       make(Opcode::TierPower, {{Field::Tier, 1}, {Field::State, 0}}),
                       make(Opcode::TierPower, {{Field::Tier, 1}, {Field::State, 1}}),
                       copy(kSram, kSram + 1, 1)}),
              HasSubstr("which nothing has written"));
  EXPECT_THAT(errorOf({make(Opcode::TierPower, {{Field::Tier, 9}})}),
              HasSubstr("tier 9 of a machine with 3 tiers"));
  EXPECT_THAT(errorOf({make(Opcode::Dvfs, {{Field::Point, 15}})}),
              HasSubstr("operating point 15 of a machine with "));
}

TEST_F(SimulatorTest, EngineMemoryErrors) {
  EXPECT_THAT(errorOf({loadData(0, 4095, 2, kDram)}),
              HasSubstr("rows 4095 to 4096 are outside data memory 0 of 4096 rows"));
  EXPECT_THAT(errorOf({loadMask(1, 4000, 97, kDram)}), HasSubstr("are outside mask memory 1"));
  EXPECT_THAT(errorOf({loadData(0, 0, 0, kDram)}), HasSubstr("a transfer of nothing"));
  EXPECT_THAT(errorOf({storeData(1, 3, 1, kSram)}),
              HasSubstr("read of row 3 of data memory 1, which nothing has written"));
  EXPECT_THAT(errorOf({make(Opcode::LoadAux,
                            {{Field::Row, 255}, {Field::Rows, 2}, {Field::Address, kDram}})}),
              HasSubstr("outside the auxiliary memory of 256 rows"));
  EXPECT_THAT(errorOf({make(Opcode::StoreAux,
                            {{Field::Row, 9}, {Field::Rows, 1}, {Field::Address, kSram}})}),
              HasSubstr("read of row 9 of the auxiliary memory"));
}

TEST_F(SimulatorTest, EngineErrors) {
  uint64_t ones = addImage(kDram + 0x60000, std::vector<uint8_t>(8192, 0xff));
  EXPECT_THAT(errorOf({matMul(24, 16, 16, 0, 0)}), HasSubstr("n0 is 24; must be a multiple of 16"));
  EXPECT_THAT(errorOf({matMul(16, 16, 0, 0, 0)}), HasSubstr("m is 0"));
  EXPECT_THAT(errorOf({matMul(16, 16, 16, 0, 0)}), HasSubstr("read of word 0 of mask memory 0"));
  EXPECT_THAT(errorOf({loadMask(0, 0, 16, ones), matMul(16, 16, 16, 0, 0)}),
              HasSubstr("read of row 0 of data memory 0"));
  Instruction negative = matMul(16, 16, 16, 0, 0);
  negative.set(Field::DataOffset0, 3);
  EXPECT_THAT(errorOf({loadMask(0, 0, 16, ones), negative}), // around the end
              HasSubstr("rows 4093 to 4108 are outside data memory 0"));
  Fields sfu = {{Field::Vectors, 1}, {Field::Timesteps, 1}};
  EXPECT_THAT(errorOf({make(Opcode::ElementAdd)}), HasSubstr("vectors is 0; must be 1 to 255"));
  EXPECT_THAT(errorOf({make(Opcode::Softmax, sfu)}),
              HasSubstr("read of row 0 of the auxiliary memory"));
  EXPECT_THAT(
      errorOf({loadMask(0, 0, 1, kDram), loadData(0, 0, 1, kDram), make(Opcode::ElementAdd, sfu)}),
      HasSubstr("dense tensors only"));
}

TEST_F(SimulatorTest, HostErrors) {
  EXPECT_THAT(errorOf({gather(kDram, 2, 16)}),
              HasSubstr("element 0 of input 'ids' is 2; the table has rows 0 to 1"));
  EXPECT_THAT(errorOf({gather(kDram, 9, 16, {{Field::Input, 2}})}),
              HasSubstr("input 2 of task 'sst2' with 2 inputs"));
  EXPECT_THAT(errorOf({gather(kDram, 9, 16, {{Field::Timesteps, 5}})}),
              HasSubstr("5 timesteps of input 'ids' with 4 elements"));
  EXPECT_THAT(errorOf({gather(kDram, 9, 16, {{Field::Scale, -60}})}),
              HasSubstr("do not fit the host's accumulator"));
  EXPECT_THAT(errorOf({gather(kDram, 9, 16, {{Field::Accumulate, 1}})}),
              HasSubstr("adds 4 x 16 to an accumulator of 0 x 0"));
  EXPECT_THAT(errorOf({make(Opcode::HostEmit, {{Field::Timesteps, 4}, {Field::Columns, 16}})}),
              HasSubstr("emits 4 x 16 of an accumulator of 0 x 0"));
  EXPECT_THAT(errorOf({make(Opcode::HostMask, {{Field::Vectors, 1}, {Field::Bias, 2}})}),
              HasSubstr("bias 2 has no code for 1.0"));
  EXPECT_THAT(errorOf({make(Opcode::HostMask, {{Field::Timesteps, 4}, {Field::Bias, 3}})}),
              HasSubstr("4 timesteps do not fit 0 vectors"));
  EXPECT_THAT(errorOf({make(Opcode::HostOutput, {{Field::Output, 1}})}),
              HasSubstr("output 1 of task 'sst2' with 0 outputs"));
  stream.tasks[0].outputs = {{"y", ElementType::F32, {1, 2}}};
  EXPECT_THAT(errorOf({make(Opcode::HostOutput, {{Field::Timesteps, 3}, {Field::Columns, 1}})}),
              HasSubstr("writes 3 x 1 values to output 'y', which has 2"));
  EXPECT_THAT(errorOf({make(Opcode::HostOutput, {{Field::Layout, 1}})}),
              HasSubstr("layout 1; only 0 exists"));
  EXPECT_THAT(errorOf({}), HasSubstr("the program wrote no output 'y'"));
}

TEST_F(SimulatorTest, ControlErrors) {
  Instruction loop = make(Opcode::Loop, {{Field::Count, 2}}), end = make(Opcode::End);
  EXPECT_THAT(errorOf({loop, loop, end, end}), HasSubstr("loops do not nest"));
  EXPECT_THAT(errorOf({end}), HasSubstr("end without loop"));
  EXPECT_THAT(errorOf({loop}), HasSubstr("loop without end"));
  EXPECT_THAT(errorOf({make(Opcode::Loop), end}), HasSubstr("a loop of no repetitions"));
  // Inputs and outputs are a task's; no task runs at power-on.
  auto atPowerOn = [&](Instruction in) {
    stream.programs = {{"on", ProgramRole::PowerOn, 1, {in}, {0}}};
    return std::string(Simulator::create(stream, machine)->runPowerOn().message());
  };
  EXPECT_THAT(atPowerOn(gather(kDram, 2, 16)), HasSubstr("reads a task's input outside a task"));
  EXPECT_THAT(atPowerOn(make(Opcode::HostOutput)),
              HasSubstr("writes a task's output outside a task"));
  ASSERT_TRUE(run({}).ok());
  EXPECT_EQ(simulator->switchTo(1).message(), "task 1 of a stream with 1 tasks");
  EXPECT_EQ(simulator->run(-1, inputs).status().message(), "task -1 of a stream with 1 tasks");
  stream.tasks[0].runProgram = 7;
  EXPECT_THAT(errorOf({}), HasSubstr("program 7 of a stream with 1 programs"));
  stream.tasks[0].runProgram = 0;
  EXPECT_THAT(errorOf({make(Opcode::TaskBegin, {{Field::Task, 3}})}),
              HasSubstr("names task 3, but task 0 runs"));
}

TEST_F(SimulatorTest, InputErrors) {
  inputs[0].name = "other";
  EXPECT_THAT(errorOf({}), HasSubstr("no array for input 'ids' (given: 'other', 'mask')"));
  inputs[0] = NpyArray::fromInts("ids", {4}, {1, 2, 3, 4});
  EXPECT_THAT(errorOf({}), HasSubstr("input 'ids' has shape [4], the task takes [1, 4]"));
  inputs[0] = NpyArray::fromFloats("ids", {1, 4}, {1, 2, 3, 4});
  EXPECT_THAT(errorOf({}), HasSubstr("elements of kind 'f' of 4 bytes, the task takes i64"));
  stream.tasks[0].inputs[0].type = ElementType::F32;
  EXPECT_THAT(errorOf({}), HasSubstr("input 'ids' is f32"));
}

TEST_F(SimulatorTest, RefusesMachinesItCannotSimulate) {
  auto refused = [&](Machine changed) {
    std::swap(changed, machine);
    std::string error = errorOf({});
    std::swap(changed, machine);
    return error;
  };
  Machine m = machine;
  m.engine.semantics = Semantics::Published;
  EXPECT_THAT(refused(m),
              HasSubstr("cannot simulate programs under semantics PUBLISHED; use a machine with "
                        "CORRECTED"));
  m = machine;
  m.engine.vectorSize = 32;
  EXPECT_THAT(refused(m), HasSubstr("cannot simulate vectors of 32 codes, only of 16"));
  m = machine;
  m.engine.accumulatorBits = 24;
  EXPECT_THAT(refused(m), HasSubstr("cannot simulate accumulators of 24 bits, only of 32"));
  m = machine;
  m.engine.sfuFractionBits = 10;
  EXPECT_THAT(refused(m), HasSubstr("SFU words of 20 bits, 10 of them fraction"));
  addImage(0x10, {1});
  EXPECT_THAT(errorOf({}), HasSubstr("image of tier 'dram': address 0x10 is in no tier"));
}

} // namespace
