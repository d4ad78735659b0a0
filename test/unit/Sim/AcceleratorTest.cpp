//===- AcceleratorTest.cpp - the accelerator at its registers --------------===//
#include "aac/Sim/Accelerator.h"
#include "../Instructions.h"
#include "../Machines.h"

#include "aac/Sim/Engine.h"
#include "aac/Sim/Simulator.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace aac;
using namespace aac::sim;
using isa::Field;
using isa::Instruction;
using isa::Opcode;
using testing::HasSubstr;

namespace {

constexpr uint32_t kDram = 0x80000000;

//===----------------------------------------------------------------------===//
// CORRECTED: registers against the instruction-level simulator
//===----------------------------------------------------------------------===//

class CorrectedTest : public testing::Test {
protected:
  CorrectedTest() : machine(machineOf("edgebert")) {
    std::mt19937 rng(5);
    image.resize(0x20000);
    for (size_t i = 0; i < image.size(); ++i) // from 0x8000 on: mask words that leave lanes out
      image[i] = static_cast<uint8_t>(rng() & (i < 0x8000 ? 0xdf : 0xff));
    std::fill_n(image.begin() + 0x10000, 0x2000, 0xff); // dense mask words
  }

  /// Runs `code` on both and compares the first 256 KiB of the tier.
  void compare(std::vector<Instruction> code, int *entropyStatus = nullptr) {
    Stream stream;
    Task task;
    task.name = "t";
    task.runProgram = 0;
    stream.tasks.push_back(task);
    stream.switchTo = {-1, -1};
    stream.images.push_back({"dram", kDram, 1, image});
    stream.images.push_back({"dram", kDram + 0x20000, 1, std::vector<uint8_t>(0x20000)});
    Program program;
    program.name = "p";
    program.code.push_back(make(Opcode::TaskBegin));
    program.code.insert(program.code.end(), code.begin(), code.end());
    program.code.push_back(make(Opcode::TaskEnd));
    stream.programs = {program};
    auto simulator = Simulator::create(stream, machine);
    ASSERT_TRUE(simulator.ok()) << simulator.status();
    ASSERT_TRUE(simulator->runPowerOn().ok());
    ASSERT_TRUE(simulator->switchTo(0).ok());
    auto outputs = simulator->run(0, {});
    ASSERT_TRUE(outputs.ok()) << outputs.status();

    auto lines = registers::expandProgram(program, Semantics::Corrected);
    ASSERT_TRUE(lines.ok()) << lines.status();
    auto accelerator = Accelerator::create(machine);
    accelerator->dram.write(kDram, image);
    for (const registers::Line &line : *lines)
      if (line.note.empty()) {
        // Through text, as a player would get it.
        auto command = registers::parse(registers::print(line.command));
        ASSERT_TRUE(command.ok());
        absl::Status status = accelerator->run(*command);
        ASSERT_TRUE(status.ok()) << registers::print(*command) << ": " << status;
      }
    EXPECT_EQ(accelerator->dram.read(kDram, 0x40000), *simulator->readTier(kDram, 0x40000));
    EXPECT_THAT(std::string(accelerator->waitForInterrupt().message()),
                HasSubstr("no command runs"));
    if (entropyStatus) {
      *entropyStatus = static_cast<int>(accelerator->read(0x5c) & 3);
      EXPECT_EQ(*entropyStatus, simulator->entropyStatus());
    }
  }
  Instruction data(Opcode op, int64_t memory, int64_t row, int64_t rows, int64_t offset) {
    return make(op, {{Field::Memory, memory},
                     {Field::Row, row},
                     {Field::Rows, rows},
                     {Field::Address, kDram + offset}});
  }
  Instruction mask(Opcode op, int64_t memory, int64_t row, int64_t words, int64_t offset) {
    return make(op, {{Field::Memory, memory},
                     {Field::Row, row},
                     {Field::Words, words},
                     {Field::Address, kDram + offset}});
  }
  const Instruction wait = make(Opcode::Wait, {{Field::Units, 7}});
  Machine machine;
  std::vector<uint8_t> image;
};

TEST_F(CorrectedTest, MatMulOfSparseOperandsAnywhere) {
  for (int out = 0; out < 2; ++out)
    compare({mask(Opcode::LoadMask, 0, 100, 2 * 48, 0x9000),
             data(Opcode::LoadData, 0, 60, 2 * 48, 0), mask(Opcode::LoadMask, 1, 7, 3 * 48, 0xa000),
             data(Opcode::LoadData, 1, 7, 3 * 48, 0x4000), wait,
             make(Opcode::MatMul, {{Field::N0, 32},
                                   {Field::N1, 48},
                                   {Field::M, 48},
                                   {Field::Relu, out},
                                   {Field::BiasEnable, 1},
                                   {Field::WeightBias, -100},
                                   {Field::Shift, 9},
                                   {Field::OutBias, 5},
                                   {Field::Base0, 100},
                                   {Field::Base1, 7},
                                   {Field::DataOffset0, 40},
                                   {Field::OutMemory, out},
                                   {Field::OutBase, 2000}}),
             wait, mask(Opcode::StoreMask, out, 2000, 96, 0x20000),
             data(Opcode::StoreData, out, 2000, 96, 0x21000)});
}

TEST_F(CorrectedTest, DataBehindItsMasksByAnOffsetAroundTheEnd) {
  compare({mask(Opcode::LoadMask, 0, 100, 16, 0x9000), data(Opcode::LoadData, 0, 4000, 96, 0),
           mask(Opcode::LoadMask, 1, 7, 16, 0xa000), data(Opcode::LoadData, 1, 7, 96, 0x4000), wait,
           make(Opcode::MatMul, {{Field::N0, 16},
                                 {Field::N1, 16},
                                 {Field::M, 16},
                                 {Field::Shift, 9},
                                 {Field::OutBias, 5},
                                 {Field::Base0, 100},
                                 {Field::Base1, 7},
                                 {Field::DataOffset0, 100 + 4096 - 4000},
                                 {Field::OutMemory, 1},
                                 {Field::OutBase, 2000}}),
           wait, mask(Opcode::StoreMask, 1, 2000, 16, 0x20000),
           data(Opcode::StoreData, 1, 2000, 16, 0x21000)});
}

TEST_F(CorrectedTest, SpecialFunctionsWithPadding) {
  Fields fields = {{Field::Memory, 1},  {Field::InBase, 32},    {Field::OutBase, 300},
                   {Field::Vectors, 2}, {Field::Timesteps, 20}, {Field::InBias, 4},
                   {Field::OutBias, 3}, {Field::PadLanes, 5}};
  std::vector<Instruction> begin = {
      mask(Opcode::LoadMask, 1, 32, 256, 0x10000),
      data(Opcode::LoadData, 1, 32, 256, 0x1000),
      mask(Opcode::LoadMask, 1, 300, 64, 0x10000),
      data(Opcode::LoadData, 1, 300, 64, 0x3000),
      make(Opcode::LoadAux, {{Field::Row, 9}, {Field::Rows, 16}, {Field::Address, kDram + 0x800}}),
      wait};
  auto with = [&](Opcode op, const Fields &more) {
    std::vector<Instruction> code = begin;
    code.push_back(make(op, fields));
    for (auto [field, value] : more)
      code.back().set(field, value);
    code.insert(code.end(),
                {wait, data(Opcode::StoreData, 1, 300, 64, 0x20000),
                 mask(Opcode::StoreMask, 1, 300, 64, 0x21000),
                 make(Opcode::StoreAux,
                      {{Field::Row, 10}, {Field::Rows, 4}, {Field::Address, kDram + 0x22000}})});
    return code;
  };
  compare(with(
      Opcode::LayerNorm,
      {{Field::GammaBase, 9}, {Field::BetaBase, 13}, {Field::GammaBias, 4}, {Field::BetaBias, 2}}));
  compare(with(Opcode::Softmax, {{Field::SpanBase, 11}, {Field::SpanBias, 7}}));
  compare(with(Opcode::ElementAdd, {{Field::InBase1, 128}, {Field::InBias1, 6}}));
  for (int64_t threshold : {-32768, 32767}) {
    std::vector<Instruction> code = begin;
    code.push_back(make(Opcode::Entropy, {{Field::Memory, 1},
                                          {Field::InBase, 32},
                                          {Field::Vectors, 2},
                                          {Field::InBias, 4},
                                          {Field::Threshold, threshold},
                                          {Field::PadLanes, 5}}));
    int status = 0;
    compare(code, &status);
    EXPECT_EQ(status, threshold < 0 ? 2 : 3);
  }
}

TEST_F(CorrectedTest, ChunksLoopsAndOverlap) {
  Instruction load = data(Opcode::LoadData, 0, 0, 2, 0x100);
  load.set(Field::Chunks, 3).set(Field::AddressStride, 0x200).set(Field::RowStride, 4);
  load.set(Field::LoopStride, 0x1000);
  Instruction store = data(Opcode::StoreData, 0, 0, 10, 0x20000);
  store.set(Field::LoopStride, 0x100);
  Instruction add = make(Opcode::ElementAdd, {{Field::Memory, 1},
                                              {Field::OutBase, 64},
                                              {Field::Vectors, 1},
                                              {Field::Timesteps, 16},
                                              {Field::InBias, 3},
                                              {Field::OutBias, 4}});
  compare({data(Opcode::LoadData, 0, 0, 16, 0), data(Opcode::LoadData, 1, 0, 16, 0x700),
           mask(Opcode::LoadMask, 1, 0, 16, 0x10000), wait, make(Opcode::Loop, {{Field::Count, 3}}),
           add, load, store, make(Opcode::End), wait, data(Opcode::StoreData, 1, 64, 16, 0x21000)});
}

TEST_F(CorrectedTest, SaysWhatIsWrong) {
  auto errorOf = [&](std::vector<std::pair<uint32_t, uint32_t>> writes) {
    auto accelerator = Accelerator::create(machine);
    for (auto [address, value] : writes)
      if (absl::Status status = accelerator->write(address, value); !status.ok())
        return std::string(status.message());
    return std::string();
  };
  EXPECT_THAT(errorOf({{0x04, 3}, {0x04, 3}}), HasSubstr("wait for its interrupt first"));
  EXPECT_EQ(errorOf({{0x04, 3}, {0x58, 0x81}, {0x10, 0x01004010}, {0x04, 7}}), "")
      << "one transfer beside one operation";
  EXPECT_THAT(errorOf({{0x05, 1}}), HasSubstr("register 0x05: the address is no multiple of 4"));
  EXPECT_THAT(errorOf({{0x28, 4}, {0x40, 3}, {0x04, 1}}), HasSubstr("no multiple of 8"));
  EXPECT_THAT(errorOf({{0x04, 4}}), HasSubstr("write 0x4c = 1"));
  EXPECT_THAT(errorOf({{0x40, 4095}, {0x48, 1}, {0x04, 3}}),
              HasSubstr("rows 1 to 4096 are outside"));
  EXPECT_THAT(errorOf({{0x04, 7}}), HasSubstr("write 0x58 = 0x081"));
  EXPECT_THAT(errorOf({{0x4c, 1}, {0x04, 7}}), HasSubstr("write 0x4c = 0"));
  EXPECT_THAT(errorOf({{0x50, 1}, {0x04, 7}}), HasSubstr("write 0x50 = 0"));
  EXPECT_THAT(errorOf({{0x58, 0x81}, {0x04, 7}}), HasSubstr("not all multiples of 16"));
  EXPECT_THAT(errorOf({{0x50, 1}, {0x58, 4}, {0x04, 8}}), HasSubstr("write 0x54 = 1"));
  EXPECT_THAT(errorOf({{0x50, 1}, {0x58, 4}, {0x54, 1}, {0x04, 8}}),
              HasSubstr("num_vector and num_timestep must be 1 or more: write 0x20"));
  EXPECT_THAT(errorOf({{0x50, 1}, {0x58, 8}, {0x54, 2}, {0x20, 0x101}, {0x04, 9}}),
              HasSubstr("vector 0 is not dense: its mask word is 0x0000"));
  EXPECT_THAT(errorOf({{0x04, 12}}), HasSubstr("needs an entropy"));
  EXPECT_EQ(errorOf({{0x04, 0}, {0x04, 99}}), "") << "other opcodes do nothing";
}

//===----------------------------------------------------------------------===//
// PUBLISHED: arithmetic of the units that no vectors cover
//===----------------------------------------------------------------------===//

int64_t floorDivide(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
int64_t low16(int64_t v) { return ((v % 65536) + 65536 + 32768) % 65536 - 32768; }

/// The description once more, in divisions and floating-point powers.
int64_t slowExp(int64_t x) {
  const double slope[] = {194, 230, 273, 325}, start[] = {1022, 1216, 1446, 1719};
  int64_t t = floorDivide(x * 23637, 8192), whole = floorDivide(t, 2048);
  int64_t fraction = t - 2048 * whole, segment = fraction / 512;
  double y = slope[segment] * static_cast<double>(fraction % 512) + start[segment] * 512;
  double scaled = std::floor(std::floor(std::ldexp(y, static_cast<int>(whole))) / 512);
  return static_cast<int64_t>(std::fmod(scaled, 65536.0));
}

TEST(PublishedUnits, ExponentialAndLogarithmOverTheWholeRange) {
  double worstExp = 0, worstLog = 0;
  for (int x = -32768; x < 32768; ++x) {
    int64_t got = published::exponential(static_cast<int16_t>(x));
    ASSERT_EQ(got, slowExp(x)) << x;
    double truth = std::exp(x / 1024.0);
    if (x < 4 * 1024) // wraps from ln 64 on
      worstExp = std::max(worstExp, std::fabs(static_cast<double>(got) / 1024 - truth) /
                                        std::max(truth, 1.0));
  }
  for (int u = 1; u < 65536; ++u)
    worstLog =
        std::max(worstLog, std::fabs(published::logarithm(static_cast<uint16_t>(u)) / 1024.0 -
                                     std::log(u / 1024.0)));
  EXPECT_LT(worstExp, 0.005);
  EXPECT_LT(worstLog, 0.005);
  EXPECT_EQ(published::exponential(0), 1022);
  EXPECT_EQ(published::logarithm(0), 0);
}

TEST(PublishedUnits, SoftmaxEqualsTheDescription) {
  std::mt19937 rng(23);
  for (int round = 0; round < 40; ++round) {
    published::Engine engine;
    published::Sfu op;
    op.vectors = 1 + rng() % 3;
    op.timesteps = 1 + rng() % 5;
    op.memory = round & 1;
    op.activationBias = {static_cast<int>(rng() % 8), 0, 0};
    op.spanBase = static_cast<int>(rng() % 128);
    op.spanBias = static_cast<int>(rng() % 8);
    for (uint8_t &byte : engine.aux)
      byte = static_cast<uint8_t>(rng());
    published::Memory &memory = engine.memory[op.memory];
    for (size_t i = 0; i < 4096; ++i)
      memory.data[i] = static_cast<uint8_t>(rng());
    for (size_t i = 0; i < 64; ++i)
      memory.mask[i] = static_cast<uint16_t>(round % 3 ? rng() : 0xffff);
    // Lane counters by pass: saved only after the passes 2, 6, 10, ...
    std::vector<uint8_t> want;
    int saved[16] = {}, pass = 0;
    for (int t = 0; t < op.timesteps; ++t) {
      int64_t max = -32767, sum = 0;
      for (int stage = 0; stage < 3; ++stage, ++pass) {
        int counter[16];
        std::copy(saved, saved + 16, counter);
        for (int v = 0; v < op.vectors; ++v) {
          int codes[16], words[16];
          for (int lane = 0; lane < 16; ++lane) {
            bool there = memory.mask[t * op.vectors + v] >> lane & 1;
            codes[lane] = there ? memory.data[16 * counter[lane] + lane] : 0;
            counter[lane] += there;
          }
          for (int lane = 0; lane < 16; ++lane)
            words[lane] =
                lane < 8 ? static_cast<int>(low16(codes[2 * lane] + 256 * codes[2 * lane + 1])) : 0;
          if (stage == 2)
            sum = published::logarithm(static_cast<uint16_t>(sum));
          for (int lane = 0; lane < 16; ++lane) {
            if (stage == 0)
              max = std::max<int64_t>(
                  max, published::toFixed(static_cast<uint8_t>(codes[lane]), op.activationBias[0]));
            else if (stage == 1)
              sum = low16(sum + slowExp(low16(words[lane] - max)));
            else {
              int64_t span =
                  published::toFixed(engine.aux[op.spanBase + 16 * v + lane], op.spanBias);
              int64_t p = low16(slowExp(low16(words[lane] - max - sum)));
              want.push_back(
                  published::toCode(static_cast<int16_t>(low16(floorDivide(p * span, 1024))), 10,
                                    op.activationBias[0]));
            }
          }
        }
        if (pass % 4 == 2)
          std::copy(counter, counter + 16, saved);
      }
    }
    ASSERT_EQ(engine.softmax(op), want) << round;
  }
}

TEST(PublishedUnits, EntropyEqualsTheDescription) {
  std::mt19937 rng(29);
  int undefined = 0;
  for (int round = 0; round < 200; ++round) {
    published::Engine engine;
    published::Sfu op;
    op.vectors = 1 + rng() % 4;
    op.timesteps = 1;
    op.activationBias = {static_cast<int>(rng() % 8), 0, 0};
    std::fill_n(engine.memory[0].mask.begin(), 8, 0xffff);
    for (int i = 0; i < 16 * op.vectors; ++i)
      engine.memory[0].data[i] = static_cast<uint8_t>(round % 5 == 0 ? 0x7f : rng());
    int64_t max = -32767, sum = 0, weighted = 0;
    const std::vector<uint8_t> &data = engine.memory[0].data;
    for (int i = 0; i < 16 * op.vectors; ++i)
      max = std::max<int64_t>(max, published::toFixed(data[i], op.activationBias[0]));
    for (int i = 0; i < 16 * op.vectors; ++i) {
      int at = i / 16 * 16 + 2 * (i % 16);
      int64_t word = i % 16 < 8 ? low16(data[at] + 256 * data[at + 1]) : 0, d = low16(word - max);
      sum = low16(sum + slowExp(d));
      weighted = low16(weighted + slowExp(low16(word * d)));
    }
    std::optional<int16_t> got = engine.entropy(op);
    undefined += !got;
    ASSERT_EQ(got.has_value(), sum != 0);
    if (got) {
      ASSERT_EQ(*got,
                low16(published::logarithm(static_cast<uint16_t>(sum)) + max - weighted / sum));
    }
  }
  EXPECT_GT(undefined, 0);
}

TEST(PublishedUnits, DvfsBins) {
  using published::dvfs;
  EXPECT_EQ(dvfs(-5, 1).ldo, 0);
  EXPECT_EQ(dvfs(255, 1).ldo, 0);
  EXPECT_EQ(dvfs(256, 1).ldo, 1);
  EXPECT_EQ(dvfs(511, 2).ldo, 0);
  EXPECT_EQ(dvfs(28671, 1).dco, 14);
  EXPECT_EQ(dvfs(28672, 1).dco, 14);
  EXPECT_EQ(dvfs(28672, 1).ldo, 15);
}

} // namespace
