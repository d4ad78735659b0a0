//===- ScheduleTest.cpp - orders, waits, expected cycles -------------------===//
#include "aac/Plan/Schedule.h"
#include "../Instructions.h"
#include "../Machines.h"
#include "aac/Sim/Timing.h"
#include "gmock/gmock.h"
#include <random>
#include <set>

namespace aac::plan {
namespace {

using isa::Field;
using isa::Instruction;
using isa::Opcode;
using isa::Unit;

Instruction matmul(int64_t base0, int64_t base1, int64_t out) {
  return Instruction(Opcode::MatMul)
      .set(Field::N0, 16)
      .set(Field::N1, 16)
      .set(Field::M, 16)
      .set(Field::Base0, base0)
      .set(Field::Base1, base1)
      .set(Field::OutMemory, 1)
      .set(Field::OutBase, out);
}

std::vector<int64_t> indices(const Schedule &schedule) {
  std::vector<int64_t> list;
  for (const Slot &slot : schedule.slots)
    list.push_back(slot.index);
  return list;
}

/// Steps of so many cycles each.
std::vector<Step> steps(const std::vector<Instruction> &code, int64_t cycles = 10) {
  std::vector<Step> list;
  for (const Instruction &in : code)
    list.emplace_back(in, cycles);
  return list;
}
Instruction table(int64_t from, int64_t to) {
  return Instruction(Opcode::HostTable)
      .set(Field::Address, from)
      .set(Field::OutAddress, to)
      .set(Field::Bytes, 256);
}

TEST(Schedule, DoubleBufferedTilesOverlap) {
  // Two tiles in different halves: the first store goes behind the second matmul.
  std::vector<Step> program =
      steps({loadData(0, 0, 16, 0), matmul(0, 0, 100), storeData(1, 100, 16, 5000),
             loadData(0, 16, 16, 256), matmul(16, 0, 116), storeData(1, 116, 16, 6000)});
  // All loads first: the second comes in as soon as the transfer unit is free.
  program[3].cycles = 15;
  program[1].cycles = program[4].cycles = 30;
  Schedule result = schedule(program);
  EXPECT_THAT(indices(result), testing::ElementsAre(0, -1, 1, 3, -1, 4, 2, -1, 5));
  EXPECT_EQ(result.moved, 1);
  EXPECT_EQ(result.waits, 3);
  EXPECT_EQ(result.cycles, 10 + 30 + 30 + 10);
}

TEST(Schedule, OneBufferWaits) {
  // The second load overwrites what the first matmul may still read.
  std::vector<Step> program =
      steps({loadData(0, 0, 16, 0), matmul(0, 0, 100), loadData(0, 0, 16, 256)});
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, -1, 1, -1, 2));
}

TEST(Schedule, SparseOperandsTakeTheRowsThatTheyHave) {
  // Data behind the masks by an offset around the end: rows 4090 to 4093, if there are four.
  std::vector<Step> program = steps({matmul(10, 0, 100), loadData(0, 4094, 2, 256)});
  program[0].instruction.set(Field::DataOffset0, 4096 - 4080);
  program[0].operandRows = {4, -1};
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, 1));
  program[0].operandRows = {-1, -1};
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, -1, 1));
}

TEST(Schedule, LoadsComeEarly) {
  // What the third product needs does not wait for the second's operands or the result.
  std::vector<Step> program =
      steps({matmul(0, 0, 100), storeData(1, 100, 16, 5000), loadData(1, 32, 16, 5000),
             matmul(0, 32, 116), loadData(0, 48, 16, 256), matmul(48, 0, 132)});
  program[0].cycles = 50;
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, 4, -1, 5, 1, 2, -1, 3));
}

TEST(Schedule, HostCallsDoNotHoldUpTheFrontEnd) {
  // Were it next, the second call would keep the products waiting until the first is done.
  std::vector<Step> program = steps(
      {table(0, 1000), table(256, 2000), matmul(0, 0, 100), matmul(0, 0, 200), matmul(0, 0, 300)});
  program[0].cycles = 15;
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, 2, 3, 1, 4));
}

TEST(Schedule, UnitsThatExcludeEachOther) {
  std::vector<Step> program = steps({loadData(0, 0, 16, 0), matmul(32, 0, 100)});
  EXPECT_EQ(schedule(program).cycles, 10);
  EXPECT_EQ(schedule(program, {4096, false}).cycles, 20);
}

TEST(Schedule, WithoutOverlapEverythingWaits) {
  std::vector<Step> program =
      steps({loadData(0, 0, 16, 0), loadData(1, 0, 16, 0), matmul(0, 0, 100)});
  EXPECT_THAT(indices(schedule(program, {}, false)), testing::ElementsAre(0, -1, 1, -1, 2));
}

TEST(Schedule, ControlIsABarrier) {
  std::vector<Step> program =
      steps({Instruction(Opcode::Loop).set(Field::Count, 2), matmul(0, 0, 100),
             storeData(1, 100, 16, 0), Instruction(Opcode::End), matmul(0, 0, 200)});
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, 1, -1, 2, -1, 3, 4));
  // A wait of the program's own is a barrier, too, for units that it does not name.
  program = steps({matmul(0, 0, 100), loadData(0, 48, 16, 0),
                   Instruction(Opcode::Wait).set(Field::Units, 1), matmul(0, 0, 200)});
  Schedule result = schedule(program);
  EXPECT_THAT(indices(result), testing::ElementsAre(0, 1, -1, 2, 3));
  EXPECT_EQ(result.slots[2].waitUnits, 2);
}

/// Programs of random instructions, durations and rows of sparse operands.
class RandomSchedule : public testing::Test {
protected:
  std::vector<Step> randomProgram(int length) {
    std::vector<Step> program;
    for (int i = 0; i < length; ++i) {
      int64_t memory = random() % 2, row = random() % 6 * 16, address = random() % 6 * 256;
      switch (random() % 4) {
      case 0:
        program.emplace_back(loadData(memory, row, 16, address));
        break;
      case 1:
        program.emplace_back(storeData(memory, row, 16, address));
        break;
      case 2:
        program.emplace_back(matmul(row, random() % 6 * 16, random() % 6 * 16));
        program.back().operandRows[random() % 2] = random() % 17;
        break;
      default:
        program.emplace_back(table(address, random() % 6 * 256));
      }
      program.back().cycles = 1 + random() % 50;
      program.back().issue = random() % 5;
    }
    return program;
  }
  std::mt19937 random{3};
};

/// Every pair in conflict keeps its order, and when the later one of another unit is issued,
/// the earlier one has been waited for or is surely done.
TEST_F(RandomSchedule, KeepsEveryDependence) {
  for (int round = 0; round < 200; ++round) {
    std::vector<Step> program = randomProgram(round % 10 ? 40 : 150);
    Schedule result = schedule(program);
    std::vector<int64_t> position(program.size());
    std::set<int64_t> running; // may still be busy
    for (size_t s = 0; s < result.slots.size(); ++s) {
      const Slot &slot = result.slots[s];
      auto unitOf = [&](int64_t i) { return isa::specOf(program[i].instruction.opcode).unit; };
      if (slot.index < 0) {
        for (auto it = running.begin(); it != running.end();)
          it = slot.waitUnits >> (static_cast<int>(unitOf(*it)) - 1) & 1 ? running.erase(it)
                                                                         : std::next(it);
        continue;
      }
      position[slot.index] = s;
      Unit unit = unitOf(slot.index);
      for (auto it = running.begin(); it != running.end();)
        it = unitOf(*it) == unit ? running.erase(it) : std::next(it);
      for (int64_t other : running)
        ASSERT_FALSE(conflict(accessesOf(program[slot.index]), accessesOf(program[other])));
      running.insert(slot.index);
    }
    for (size_t a = 0; a < program.size(); ++a)
      for (size_t b = a + 1; b < program.size(); ++b)
        if (conflict(accessesOf(program[a]), accessesOf(program[b]))) {
          ASSERT_LT(position[a], position[b]);
        }
  }
}

/// The cycles expected are what the timing simulator, which shares nothing with the scheduler,
/// finds for the program with its waits; and no order takes longer than the program's own.
TEST_F(RandomSchedule, ExpectsWhatTheTimingSimulatorFinds) {
  Machine machine = machineOf("edgebert");
  int better = 0;
  for (int round = 0; round < 200; ++round) {
    machine.engine.overlapsTransfers = round % 4 != 0;
    Units units{machine.engine.dataRows, machine.engine.overlapsTransfers};
    std::vector<Step> program = randomProgram(60);
    for (Step &step : program) {
      for (Field address : {Field::Address, Field::OutAddress, Field::Table})
        if (step.instruction.has(address))
          step.instruction.set(address, step.instruction.get(address) + 0x80000000);
      step.cycles = *sim::instructionCycles(step.instruction, machine);
      step.issue = sim::issueCycles(step.instruction, machine);
    }
    auto timed = [&](const Schedule &schedule) {
      Program scheduled;
      for (const Slot &slot : schedule.slots)
        scheduled.code.push_back(slot.index < 0
                                     ? Instruction(Opcode::Wait).set(Field::Units, slot.waitUnits)
                                     : program[slot.index].instruction);
      return sim::timeProgram(scheduled, machine)->totalCycles;
    };
    Schedule result = schedule(program, units), serial = schedule(program, units, false);
    EXPECT_EQ(result.cycles, timed(result));
    EXPECT_EQ(serial.cycles, timed(serial));
    EXPECT_LE(result.cycles, serial.cycles);
    better += result.moved > 0;
  }
  EXPECT_GT(better, 150);
}

} // namespace
} // namespace aac::plan
