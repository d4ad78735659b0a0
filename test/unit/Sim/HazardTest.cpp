//===- HazardTest.cpp - what goes wrong on the published machine -----------===//
//
// The rules of the reference, accelerator sections 4.2 to 4.4: for each a sequence that breaks
// it, and what comes of that; then that no expansion of ours does.
//
//===----------------------------------------------------------------------===//
#include "../Machines.h"
#include "aac/Sim/Accelerator.h"

#include "absl/strings/match.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

using namespace aac;
using namespace aac::sim;
using isa::Field;
using isa::Instruction;
using isa::Opcode;
using testing::HasSubstr;

namespace {

class PublishedTest : public testing::Test {
protected:
  PublishedTest() : accelerator(Accelerator::create(machineOf("edgebert-published"))) {}
  /// Writes and awaits (address 0xff: irq); the first error's message.
  std::string run(std::vector<std::pair<uint32_t, uint32_t>> commands) {
    for (auto [address, value] : commands) {
      absl::Status status = accelerator->run({address == kIrq, address, value});
      if (!status.ok())
        return std::string(status.message());
    }
    return "";
  }
  using Commands = std::vector<std::pair<uint32_t, uint32_t>>;
  static constexpr uint32_t kIrq = 0xff;
  /// A matrix product of 16 x 16 x `m` with its masks at word `base`.
  Commands matMul(uint32_t base = 0, uint32_t m = 16) {
    return {{0x50, 0}, {0x58, 0x81}, {0x14, base | base << 16}, {0x18, 0}, {0x10, 0x4010 | m << 20},
            {0x04, 7}, {kIrq, 0}};
  }
  Commands sfu(uint32_t decoder, uint32_t mode, uint32_t opcode, uint32_t base = 0) {
    return {{0x50, 1},    {0x58, decoder}, {0x54, mode},  {0x1c, 0},      {0x24, 0},
            {0x14, base}, {0x18, 0},       {0x20, 0x101}, {0x04, opcode}, {kIrq, 0}};
  }
  std::unique_ptr<Accelerator> accelerator;
};

TEST_F(PublishedTest, OneOperationAfterAReset) {
  EXPECT_THAT(run(matMul()), HasSubstr("write 0x48 once"));
  EXPECT_EQ(run({{0x00, 1}, {0x48, 2048}}), "");
  EXPECT_EQ(run(matMul()), "");
  EXPECT_THAT(run(matMul(0, 32)), HasSubstr("rule 5: M is 32"));
}

TEST_F(PublishedTest, TheFourthMatMulAndTheFifthLayerNormHang) {
  run({{0x48, 2048}});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(run(matMul()), "");
  EXPECT_THAT(run(matMul()), HasSubstr("rule 5: the fourth"));
  for (auto [decoder, mode, opcode, most] :
       {std::array<uint32_t, 4>{4, 1, 8, 4}, {8, 2, 9, 4}, {32, 4, 10, 7}}) {
    EXPECT_EQ(run({{0x00, 1}, {0x48, 2048}}), "");
    for (uint32_t i = 0; i < most; ++i)
      EXPECT_EQ(run(sfu(decoder, mode, opcode)), "");
    EXPECT_THAT(run(sfu(decoder, mode, opcode)), HasSubstr("rule 6")) << opcode;
  }
}

TEST_F(PublishedTest, ModesComeFirstAndConfigurationOnce) {
  run({{0x48, 2048}});
  EXPECT_THAT(run({{0x14, 0}, {0x18, 0}, {0x58, 0x81}, {0x10, 0x01004010}, {0x04, 7}, {kIrq, 0}}),
              HasSubstr("rule 2"));
  EXPECT_THAT(run({{0x00, 1}, {0x48, 2048}, {0x10, 0x01004010}, {0x04, 7}, {kIrq, 0}}),
              HasSubstr("rule 1: reset_mode is 0x000"));
  EXPECT_THAT(run({{0x00, 1},
                   {0x48, 0x800},
                   {0x50, 1},
                   {0x58, 4},
                   {0x14, 0},
                   {0x18, 0},
                   {0x20, 0x101},
                   {0x54, 1},
                   {0x04, 8},
                   {kIrq, 0}}),
              HasSubstr("rule 8: the start is lost"));
  run({{0x00, 1}, {0x48, 2048}});
  EXPECT_THAT(run({{0x4c, 1}, {0x58, 0x81}, {0x04, 7}, {kIrq, 0}}), HasSubstr("write 0x4c = 0"));
  EXPECT_THAT(run({{0x00, 1}, {0x04, 3}, {0x08, 1}}), HasSubstr("rule 9"));
  EXPECT_THAT(run({{0x00, 1}, {0x04, 3}, {0x04, 3}}), HasSubstr("merge into one pulse"));
  EXPECT_THAT(run({{0x00, 1}, {kIrq, 0}}), HasSubstr("no command runs"));
}

TEST_F(PublishedTest, BasesOfResults) {
  // The second 0x48 holds from the second vector on; counters go on through operations.
  std::vector<uint8_t> row(16, 0x31), ones(32, 0xff);
  accelerator->dram.write(0, row);
  accelerator->dram.write(64, ones);
  EXPECT_EQ(run({{0x40, 0},
                 {0x30, 0},
                 {0x04, 3},
                 {kIrq, 0},
                 {0x40, 3},
                 {0x28, 64},
                 {0x04, 1},
                 {kIrq, 0},
                 {0x48, 1024},
                 {0x48, 2048}}),
            "");
  EXPECT_EQ(run(sfu(32, 4, 10)), "");
  EXPECT_NE(accelerator->memories().memory[0].mask[1024], 0);
  EXPECT_NE(accelerator->memories().memory[0].data[1024], 0);
  EXPECT_EQ(run(sfu(32, 4, 10)), "");
  EXPECT_NE(accelerator->memories().memory[0].mask[2049], 0);
  EXPECT_NE(accelerator->memories().memory[0].data[2048 + 16], 0);
  EXPECT_EQ(accelerator->memories().memory[0].mask[2048], 0);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(run({{0x48, 0}}), "");
  EXPECT_THAT(run({{0x48, 0}}), HasSubstr("rule 4: the seventh"));
  EXPECT_THAT(run({{0x00, 1}, {0x48, 0}, {0x4c, 1}, {0x04, 4}, {kIrq, 0}, {0x04, 4}}),
              HasSubstr("rule 4: base_output holds for one store"));
  EXPECT_THAT(run({{0x00, 1}, {0x04, 4}, {kIrq, 0}}), HasSubstr("use_axi, which is 0"));
  EXPECT_THAT(run({{0x00, 1}, {0x04, 6}}), HasSubstr("stops the published source"));
}

TEST_F(PublishedTest, TheMatMulAfterAnSfuOperationReadsStaleMasks) {
  // Masks at word 0 are ones, at word 512 zeros: the stale base makes the result non-zero.
  std::vector<uint8_t> codes(256, 0x31), ones(32, 0xff);
  accelerator->dram.write(0, codes);
  accelerator->dram.write(0x400, ones);
  for (uint32_t memory : {0u, 1u})
    EXPECT_EQ(run({{0x08, memory},
                   {0x40, 15},
                   {0x30, 0},
                   {0x04, 3},
                   {kIrq, 0},
                   {0x28, 0x400},
                   {0x04, 1},
                   {kIrq, 0}}),
              "");
  EXPECT_EQ(run({{0x48, 2048}}), "");
  EXPECT_EQ(run(sfu(32 << 6, 4, 10)), "");
  Commands stale = matMul();
  stale[2].second = 512 | 512 << 16;
  stale[3].second = 512 | 512 << 16; // data at byte 0 all the same
  EXPECT_EQ(run(stale), "");
  EXPECT_EQ(accelerator->memories().memory[1].mask[2049], 0xffff);
}

TEST_F(PublishedTest, BurstsOfPartialLengthAreMisplaced) {
  std::vector<uint8_t> image(0x4000);
  for (size_t i = 0; i < image.size(); ++i)
    image[i] = static_cast<uint8_t>(i / 16);
  accelerator->dram.write(0x1000, image);
  // 130 rows: the second burst has 4 beats and goes to byte 32 from address + 32.
  EXPECT_EQ(run({{0x40, 129}, {0x30, 0x1000}, {0x04, 3}, {kIrq, 0}}), "");
  EXPECT_EQ(accelerator->memories().memory[0].data[127 * 16], 127);
  EXPECT_EQ(accelerator->memories().memory[0].data[128 * 16], 0);
  EXPECT_EQ(run({{0x40, 2047}, {0x30, 0}, {0x04, 3}, {kIrq, 0}}), "");
  EXPECT_EQ(accelerator->memories().memory[0].data[16], 1) << "2048 rows move nothing";
  EXPECT_EQ(run({{0x40, 2047}, {0x28, 0x1000}, {0x04, 1}, {kIrq, 0}}), "");
  // The second burst of masks comes from 1024 bytes on, where 2048 were meant.
  EXPECT_EQ(accelerator->memories().memory[0].mask[1024], 64 | 64 << 8);
}

TEST_F(PublishedTest, EntropyAndFrequency) {
  EXPECT_THAT(run({{0x04, 12}, {kIrq, 0}}), HasSubstr("rule 8"));
  run({{0x00, 1}, {0x24, 0x00017fff}});
  for (uint32_t reg = 0x64; reg < 0x80; reg += 4)
    run({{reg, 0x01010101 * (reg - 0x60) / 4}});
  // All zero: max 0, sum 16 of 1022, ln = 2.77 (2841), exp(0) once more: quotient 1.
  std::string text = run({{0x50, 1},
                          {0x58, 16},
                          {0x54, 8},
                          {0x14, 0},
                          {0x18, 0},
                          {0x20, 0x101},
                          {0x04, 11},
                          {kIrq, 0}});
  EXPECT_EQ(text, "");
  EXPECT_EQ(accelerator->read(0x5c) & 3, 3u);
  EXPECT_EQ(run({{0x04, 12}, {kIrq, 0}}), "");
  // Near 2836: bin 4, the fifth oscillator code and the fifth regulator code.
  EXPECT_EQ(accelerator->read(0x5c) >> 2 & 63, 0x01010101u >> 24 & 63);
  EXPECT_EQ(accelerator->read(0x5c) >> 10 & 255, 0x01010101u * 0x14 / 4 & 255);
  EXPECT_THAT(run({{0x24, 0}, {0x04, 12}, {kIrq, 0}}),
              HasSubstr("Dvfs divides by enpy_scale, which is 0: write 0x24"));
}

//===----------------------------------------------------------------------===//
// The register file and the transfers (4, 4.1, 4.2)
//===----------------------------------------------------------------------===//

TEST_F(PublishedTest, RegistersReadBackAndWrap) {
  for (uint32_t address = 0x08; address < 0x80; address += 4)
    EXPECT_EQ(run({{address, 0x01010100 + address}}), "");
  for (uint32_t address = 0x08; address < 0x80; address += 4)
    EXPECT_EQ(accelerator->read(address + 0x80), 0x01010100 + address) << address;
  EXPECT_EQ(run({{0x48 + 0x100, 5}}), "");
  EXPECT_EQ(accelerator->read(0x48), 5u);
  EXPECT_THAT(run({{0x4a, 0}}), HasSubstr("no multiple of 4"));
  EXPECT_EQ(run({{0x00, 1}}), "");
  for (uint32_t address = 0x04; address < 0x80; address += 4)
    EXPECT_EQ(accelerator->read(address), 0u) << "a reset clears " << address;
}

TEST_F(PublishedTest, OtherOpcodesGiveNoInterrupt) {
  for (uint32_t opcode : {0u, 13u, 0x103u, 0xffffffffu}) {
    EXPECT_EQ(run({{0x00, 1}, {0x04, opcode}}), "");
    EXPECT_THAT(run({{kIrq, 0}}), HasSubstr("no command runs")) << opcode;
  }
}

TEST_F(PublishedTest, LoadsBeginAtTheMemorysBeginning) {
  std::vector<uint8_t> ones(64, 0x11);
  accelerator->dram.write(0x100, ones);
  // Neither base_output nor use_axi matters to a load; any flip_mem but 0 is memory 1.
  EXPECT_EQ(run({{0x48, 64},
                 {0x4c, 1},
                 {0x08, 2},
                 {0x40, 3},
                 {0x30, 0x100},
                 {0x04, 3},
                 {kIrq, 0},
                 {0x28, 0x100},
                 {0x04, 1},
                 {kIrq, 0},
                 {0x44, 1},
                 {0x38, 0x100},
                 {0x04, 5},
                 {kIrq, 0}}),
            "");
  const published::Memories &m = accelerator->memories();
  EXPECT_EQ(m.memory[1].data[0], 0x11);
  EXPECT_EQ(m.memory[1].data[63], 0x11);
  EXPECT_EQ(m.memory[1].data[64], 0);
  EXPECT_EQ(m.memory[1].mask[3], 0x1111);
  EXPECT_EQ(m.memory[1].mask[4], 0);
  EXPECT_EQ(m.memory[0].data[0], 0);
  EXPECT_EQ(m.aux[31], 0x11);
  EXPECT_EQ(m.aux[32], 0);
}

TEST_F(PublishedTest, ABrokenBeatOfMaskWordsStaysBehind) {
  accelerator->dram.write(0, std::vector<uint8_t>(64, 0xff));
  EXPECT_EQ(run({{0x40, 2}, {0x28, 0}, {0x04, 1}, {kIrq, 0}}), "") << "still interrupts";
  EXPECT_EQ(accelerator->memories().memory[0].mask[0], 0);
  EXPECT_EQ(run({{0x40, 6}, {0x28, 0}, {0x04, 1}, {kIrq, 0}}), "");
  EXPECT_EQ(accelerator->memories().memory[0].mask[3], 0xffff);
  EXPECT_EQ(accelerator->memories().memory[0].mask[4], 0);
}

TEST_F(PublishedTest, AddressesAreBeats) {
  for (auto [address, opcode] : {std::pair<uint32_t, uint32_t>{0x28, 1}, {0x30, 3}, {0x38, 5}})
    EXPECT_THAT(run({{0x00, 1}, {address, 4}, {0x04, opcode}}), HasSubstr("no multiple of 8"));
  for (auto [address, opcode] : {std::pair<uint32_t, uint32_t>{0x2c, 2}, {0x34, 4}})
    EXPECT_THAT(run({{0x00, 1}, {0x48, 0}, {0x4c, 1}, {address, 4}, {0x04, opcode}}),
                HasSubstr("no multiple of 8"));
}

TEST_F(PublishedTest, BurstsOfStoresAndOfTheAuxiliaryMemory) {
  std::vector<uint8_t> image(0x8000);
  for (size_t i = 0; i < image.size(); ++i)
    image[i] = static_cast<uint8_t>(i / 16);
  accelerator->dram.write(0, image);
  // 256 rows are two whole bursts; 130 end in one of 4 beats, from and to 32 bytes on.
  Commands load = {{0x40, 255}, {0x30, 0}, {0x04, 3}, {kIrq, 0}};
  EXPECT_EQ(run(load), "");
  EXPECT_EQ(run({{0x48, 0}, {0x4c, 1}, {0x40, 129}, {0x34, 0x10000}, {0x04, 4}, {kIrq, 0}}), "");
  EXPECT_EQ(accelerator->dram.read(0x10000 + 127 * 16, 1)[0], 127);
  EXPECT_EQ(accelerator->dram.read(0x10000 + 128 * 16, 1)[0], 0) << "misplaced";
  // 1024 rows are eight bursts; the counter takes no more.
  EXPECT_EQ(
      run({{0x00, 1}, {0x48, 0}, {0x4c, 1}, {0x40, 1023}, {0x34, 0x10000}, {0x04, 4}, {kIrq, 0}}),
      "");
  EXPECT_EQ(accelerator->dram.read(0x10000 + 255 * 16, 1)[0], 255);
  EXPECT_THAT(run({{0x00, 1}, {0x48, 0}, {0x4c, 1}, {0x40, 1151}, {0x34, 0x10000}, {0x04, 4}}),
              HasSubstr("its counter of bursts ends at 8"));
  // The second burst of masks overwrites the second half of the first.
  std::vector<uint8_t> masks(2048);
  for (size_t i = 0; i < masks.size(); ++i)
    masks[i] = static_cast<uint8_t>(i / 8);
  accelerator->dram.write(0x4000, masks);
  EXPECT_EQ(run({{0x00, 1}, {0x28, 0x4000}, {0x40, 1023}, {0x04, 1}, {kIrq, 0}}), "");
  EXPECT_EQ(run({{0x48, 0}, {0x4c, 1}, {0x40, 2047}, {0x2c, 0x20000}, {0x04, 2}, {kIrq, 0}}), "");
  EXPECT_EQ(accelerator->dram.read(0x20000 + 1023, 1)[0], 127);
  EXPECT_EQ(accelerator->dram.read(0x20000 + 1024, 1)[0], 0) << "word 1024, where 512 was";
  // Auxiliary rows: 130 of them end in a burst of 4 beats, 32 bytes from the beginning.
  EXPECT_EQ(run({{0x00, 1}, {0x44, 129}, {0x38, 0}, {0x04, 5}, {kIrq, 0}}), "");
  EXPECT_EQ(accelerator->memories().aux[127 * 16], 127);
  EXPECT_EQ(accelerator->memories().aux[128 * 16], 0);
}

//===----------------------------------------------------------------------===//
// Consumption (4.4)
//===----------------------------------------------------------------------===//

TEST_F(PublishedTest, Rule1LateModes) {
  // The decoder's mode behind 0x14 and 0x18; the unit's behind 0x1c; one left over from before.
  EXPECT_THAT(run({{0x48, 2048},
                   {0x50, 1},
                   {0x54, 4},
                   {0x14, 0},
                   {0x18, 0},
                   {0x58, 32},
                   {0x20, 0x101},
                   {0x04, 10},
                   {kIrq, 0}}),
              HasSubstr("rule 2"));
  EXPECT_THAT(run({{0x00, 1},
                   {0x48, 2048},
                   {0x50, 1},
                   {0x58, 4},
                   {0x1c, 0},
                   {0x54, 1},
                   {0x14, 0},
                   {0x18, 0},
                   {0x20, 0x101},
                   {0x04, 8},
                   {kIrq, 0}}),
              HasSubstr("rule 8: the start is lost, for 0x14, 0x20, 0x1c"));
  EXPECT_EQ(run({{0x00, 1}, {0x48, 2048}}), "");
  EXPECT_EQ(run(sfu(32, 4, 10)), "");
  Commands norm = sfu(4, 1, 8);
  norm.erase(norm.begin() + 1, norm.begin() + 3); // neither 0x58 nor 0x54
  EXPECT_THAT(run(norm), HasSubstr("rule 1: 0x54 must be 1 and 0x58 0x004"));
}

TEST_F(PublishedTest, Rule2TheSecondBaseIsTheNextOperations) {
  // Ones at byte 0, twos at byte 512; masks are ones everywhere.
  accelerator->dram.write(0, std::vector<uint8_t>(512, 0x31));
  accelerator->dram.write(512, std::vector<uint8_t>(512, 0x41));
  accelerator->dram.write(0x1000, std::vector<uint8_t>(2048, 0xff));
  EXPECT_EQ(run({{0x40, 63}, {0x30, 0}, {0x04, 3}, {kIrq, 0}, {0x40, 1023}, {0x28, 0x1000}}), "");
  EXPECT_EQ(run({{0x04, 1}, {kIrq, 0}, {0x48, 2048}}), "");
  Commands add = sfu(32, 4, 10);
  add.insert(add.begin() + 6, {0x14, 512 | 512 << 16}); // behind 0x14 of 0
  EXPECT_EQ(run(add), "");
  uint8_t first = accelerator->memories().memory[0].data[2048];
  EXPECT_EQ(run(sfu(32, 4, 10)), "");
  EXPECT_NE(accelerator->memories().memory[0].data[2048 + 16], first) << "base 512 waited";
  EXPECT_THAT(run({{0x00, 1},
                   {0x48, 2048},
                   {0x50, 0},
                   {0x58, 0x81},
                   {0x14, 0},
                   {0x10, 0x1004010},
                   {0x04, 7},
                   {kIrq, 0}}),
              HasSubstr("rule 2"))
      << "0x18 is missing";
  // A second 0x20 of another size.
  add = sfu(32, 4, 10);
  add.insert(add.begin() + 7, {0x20, 0x102});
  run({{0x00, 1}, {0x48, 2048}});
  EXPECT_THAT(run(add), HasSubstr("rule 2: an earlier 0x20 waits"));
}

TEST_F(PublishedTest, Rule4OneStoreEach) {
  for (uint32_t opcode : {2u, 4u})
    EXPECT_THAT(run({{0x00, 1},
                     {0x48, 0},
                     {0x4c, 1},
                     {0x40, 3},
                     {0x04, opcode},
                     {kIrq, 0},
                     {0x04, opcode}}),
                HasSubstr("rule 4: base_output holds for one store"));
  EXPECT_EQ(
      run({{0x00, 1}, {0x48, 0}, {0x4c, 1}, {0x40, 3}, {0x04, 2}, {kIrq, 0}, {0x04, 4}, {kIrq, 0}}),
      "")
      << "one of each";
  EXPECT_THAT(run({{0x00, 1}, {0x4c, 1}, {0x04, 2}, {kIrq, 0}}),
              HasSubstr("rule 4: a store waits"));
}

TEST_F(PublishedTest, Rules5And6Together) {
  run({{0x48, 1024}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run(matMul()), "");
    EXPECT_EQ(run(sfu(4, 1, 8)), "");
  }
  EXPECT_THAT(run(matMul()), HasSubstr("rule 5: the fourth"));
  // Enpy: the tenth. What waits in the queue waits across a matrix product, too.
  run({{0x00, 1}, {0x48, 1024}});
  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(run(sfu(16, 8, 11)), "") << i;
  EXPECT_THAT(run(sfu(16, 8, 11)), HasSubstr("rule 6"));
  run({{0x00, 1}, {0x48, 1024}});
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(run(sfu(4, 1, 8)), "");
  EXPECT_EQ(run(matMul()), "");
  EXPECT_THAT(run(sfu(4, 1, 8)), HasSubstr("rule 6")) << "the product brought one and took one";
}

TEST_F(PublishedTest, Rule7EnpyTakesWhatItKnows) {
  // Zeros at byte 0, other codes at byte 512; the threshold tells their entropies apart.
  accelerator->dram.write(512, std::vector<uint8_t>(512, 0x01));
  accelerator->dram.write(0x1000, std::vector<uint8_t>(2048, 0xff));
  published::Engine engine;
  std::fill_n(engine.memory[0].mask.begin(), 1024, 0xffff);
  std::fill_n(engine.memory[0].data.begin() + 512, 512, 0x01);
  published::Sfu op;
  op.vectors = op.timesteps = 1;
  std::optional<int16_t> at0 = engine.entropy(op);
  op.input[0] = {512, 512};
  std::optional<int16_t> at512 = engine.entropy(op);
  ASSERT_TRUE(at0 && at512);
  ASSERT_NE(*at0, *at512);
  uint32_t threshold = 0x00010000u | static_cast<uint16_t>(std::min(*at0, *at512));
  auto load = [&] {
    return run({{0x00, 1},
                {0x40, 63},
                {0x30, 0},
                {0x04, 3},
                {kIrq, 0},
                {0x40, 1023},
                {0x28, 0x1000},
                {0x04, 1},
                {kIrq, 0}});
  };
  auto status = [&](const Commands &commands) {
    EXPECT_EQ(run(commands), "");
    return accelerator->read(0x5c) & 3;
  };
  Commands right = sfu(16, 8, 11, 512), wrong = right;
  right[4].second = wrong[4].second = threshold;
  std::swap(wrong[5], wrong[7]); // 0x20 before 0x14
  ASSERT_EQ(load(), "");
  uint32_t wanted = status(right);
  ASSERT_EQ(load(), "");
  Commands zeros = sfu(16, 8, 11, 0);
  zeros[4].second = threshold;
  uint32_t other = status(zeros);
  ASSERT_NE(wanted, other) << "the data differ";
  ASSERT_EQ(load(), "");
  EXPECT_EQ(status(wrong), other) << "data of base 0";
  // The second Enpy reads what the first was told.
  ASSERT_EQ(load(), "");
  EXPECT_EQ(status(zeros), other);
  EXPECT_EQ(status(right), other) << "data of the operation before";
  EXPECT_EQ(status(right), wanted);
  Commands longer = right;
  longer[7].second = 0x102;
  EXPECT_THAT(run(longer), HasSubstr("rule 7"));
}

TEST_F(PublishedTest, Rule8ValidFlagsStay) {
  run({{0x48, 1024}});
  EXPECT_EQ(run(sfu(4, 1, 8)), "");
  Commands again = sfu(4, 1, 8);
  again.erase(again.begin() + 3); // no 0x1c: that of before is still valid
  EXPECT_EQ(run(again), "");
  Commands first = sfu(8, 2, 9);
  first.erase(first.begin() + 3);
  run({{0x00, 1}, {0x48, 1024}});
  EXPECT_THAT(run(first), HasSubstr("rule 8")) << "a reset clears it";
}

TEST_F(PublishedTest, Rule9RoutingWhileACommandRuns) {
  for (uint32_t address : {0x08u, 0x4cu, 0x50u})
    EXPECT_THAT(run({{0x00, 1}, {0x04, 3}, {address, 1}}), HasSubstr("rule 9")) << address;
  EXPECT_EQ(run({{0x00, 1}, {0x04, 3}, {0x40, 7}, {0x30, 64}, {kIrq, 0}}), "") << "others may";
}

TEST_F(PublishedTest, ResultsOverOperands) {
  accelerator->dram.write(0, std::vector<uint8_t>(2048, 0xff));
  auto load = [&](uint32_t memory) {
    return run({{0x08, memory},
                {0x40, 63},
                {0x28, 0},
                {0x04, 1},
                {kIrq, 0},
                {0x30, 0},
                {0x04, 3},
                {kIrq, 0}});
  };
  auto product = [&](uint32_t base, uint32_t memory, uint32_t n0) {
    run({{0x00, 1}});
    EXPECT_EQ(load(0), "");
    EXPECT_EQ(load(1), "");
    return run({{0x48, base},
                {0x50, 0},
                {0x58, 0x81},
                {0x14, 0},
                {0x18, 0},
                {0x08, memory},
                {0x10, n0 | 16 << 10 | 32 << 20},
                {0x04, 7},
                {kIrq, 0}});
  };
  EXPECT_EQ(product(1024, 1, 16), "");
  EXPECT_EQ(product(0, 1, 16), "") << "behind the reads of the second operand";
  EXPECT_THAT(product(0, 0, 16), HasSubstr("overwrites an operand"));
  EXPECT_THAT(product(0, 1, 32), HasSubstr("overwrites an operand"));
  EXPECT_THAT(product(16, 1, 16), HasSubstr("overwrites an operand"))
      << "words and bytes count alike";
}

//===----------------------------------------------------------------------===//
// What the expansion makes of it
//===----------------------------------------------------------------------===//

/// Operations of every kind in any order, with loads before and stores behind them.
std::vector<Instruction> randomProgram(std::mt19937 &random, int operations) {
  auto any = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  auto transfer = [](Opcode opcode, int64_t memory, int64_t row, int64_t count) {
    Instruction in(opcode);
    in.set(Field::Memory, memory).set(Field::Row, row).set(Field::Chunks, 1);
    in.set(in.has(Field::Rows) ? Field::Rows : Field::Words, count);
    return in.set(Field::Address, 0x1000);
  };
  std::vector<Instruction> code;
  for (int i = 0; i < operations; ++i) {
    constexpr Opcode kinds[] = {Opcode::MatMul, Opcode::LayerNorm, Opcode::Softmax,
                                Opcode::ElementAdd, Opcode::Entropy};
    Instruction in(kinds[any(0, 4)]);
    int64_t memory = any(0, 1), vectors = any(1, 4), timesteps = any(1, 2), bias = any(0, 7);
    int64_t out = 16 * any(128, 200), results = vectors * timesteps;
    for (int64_t m : {0, 1}) {
      if (any(0, 1))
        code.push_back(transfer(Opcode::LoadData, m, 0, 16 * any(1, 8)));
      if (any(0, 1))
        code.push_back(transfer(Opcode::LoadMask, m, 0, 4 * any(1, 64)));
    }
    for (auto [field, value] :
         std::initializer_list<std::pair<Field, int64_t>>{{Field::Memory, memory},
                                                          {Field::OutMemory, memory},
                                                          {Field::Vectors, vectors},
                                                          {Field::Timesteps, timesteps},
                                                          {Field::InBias, bias},
                                                          {Field::OutBias, bias},
                                                          {Field::OutBase, out},
                                                          {Field::InBase1, 16},
                                                          {Field::N0, 16 * any(1, 2)},
                                                          {Field::N1, 16 * any(1, 2)},
                                                          {Field::M, 16 * any(1, 3)},
                                                          {Field::Threshold, 100}})
      if (in.has(field))
        in.set(field, value);
    if (in.opcode == Opcode::MatMul)
      results = in.get(Field::N0) * in.get(Field::N1) / 16;
    code.push_back(in);
    if (in.opcode == Opcode::Entropy)
      continue;
    if (any(0, 1))
      code.push_back(transfer(Opcode::StoreMask, memory, out, (results + 3) / 4 * 4));
    if (any(0, 1))
      code.push_back(transfer(Opcode::StoreData, memory, out, results));
  }
  return code;
}

TEST(Expansion, KeepsEveryRuleOfTheSource) {
  std::mt19937 random(31);
  int resets = 0;
  for (int round = 0; round < 200; ++round) {
    Program program;
    program.name = "p";
    program.code = randomProgram(random, 12);
    auto lines = registers::expandProgram(program, Semantics::Published);
    ASSERT_TRUE(lines.ok()) << lines.status();
    auto accelerator = Accelerator::create(machineOf("edgebert-published"));
    accelerator->dram.write(0x1000, std::vector<uint8_t>(4096, 0x37));
    for (const registers::Line &line : *lines)
      if (line.note.empty()) {
        absl::Status status = accelerator->run(line.command);
        if (absl::StrContains(status.message(), "a sum of exponentials that is 0"))
          continue; // of the data, and no rule
        ASSERT_TRUE(status.ok()) << round << ": " << registers::print(line.command) << ": "
                                 << status;
        resets += !line.command.interrupt && line.command.address == 0;
      }
    EXPECT_FALSE(accelerator->waitForInterrupt().ok()) << "every completion is awaited";
  }
  EXPECT_GT(resets, 200 * 5);
}

/// What is a hazard there is none here: one program that breaks every rule, on the corrected
/// machine.
TEST(Corrected, HasNoneOfTheHazards) {
  auto accelerator = Accelerator::create(machineOf("edgebert"));
  accelerator->dram.write(0x80000000, std::vector<uint8_t>(8192, 0xff));
  auto run = [&](std::initializer_list<std::pair<uint32_t, uint32_t>> commands) {
    for (auto [address, value] : commands)
      if (absl::Status status = accelerator->run({address == 0xff, address, value}); !status.ok())
        return std::string(status.message());
    return std::string();
  };
  for (uint32_t memory : {0u, 1u})
    ASSERT_EQ(run({{0x08, memory},
                   {0x48, 0},
                   {0x40, 511},
                   {0x28, 0x80000000},
                   {0x04, 1},
                   {0xff, 0},
                   {0x30, 0x80000000},
                   {0x04, 3},
                   {0xff, 0}}),
              "");
  // Rules 1 and 2: bases before modes, twice. Rule 5: five products of other sizes. Rule 4: 0x48
  // and stores each time. Rule 3: an addition elsewhere between them. Rule 9: routing changes
  // while a command runs.
  for (uint32_t i = 1; i <= 5; ++i) {
    ASSERT_EQ(run({{0x14, 99},
                   {0x14, 0},
                   {0x18, 0},
                   {0x18, 0},
                   {0x58, 0x81},
                   {0x50, 0},
                   {0x4c, 0},
                   {0x48, 1024 + i},
                   {0x10, 16 | 16 << 10 | i << 24},
                   {0x04, 7},
                   {0x4c, 1},
                   {0xff, 0},
                   {0x08, 1},
                   {0x40, 15},
                   {0x34, 0x80010000},
                   {0x04, 4},
                   {0xff, 0},
                   {0x04, 4},
                   {0xff, 0}}),
              "")
        << i;
    ASSERT_EQ(run({{0x20, 0x101},
                   {0x14, 64 | 80 << 16},
                   {0x4c, 0},
                   {0x50, 1},
                   {0x58, 32 << 6},
                   {0x54, 4},
                   {0x48, 2000},
                   {0x04, 10},
                   {0xff, 0}}),
              "")
        << i;
    EXPECT_EQ(accelerator->memories().memory[1].mask[1024 + i], 0xffff);
  }
  // Rule 6: more than ten operations without a product. Rule 7: entropies of other sizes.
  for (uint32_t i = 0; i < 12; ++i)
    ASSERT_EQ(run({{0x58, 32 << 6},
                   {0x54, 4},
                   {0x04, 10},
                   {0xff, 0},
                   {0x58, 16 << 6},
                   {0x54, 8},
                   {0x20, 0x101 + i % 3},
                   {0x04, 11},
                   {0xff, 0}}),
              "")
        << i;
}

} // namespace
