#include "aac/Plan/Schedule.h"
#include "gmock/gmock.h"
#include <random>
#include <set>

namespace aac::plan {
namespace {

using isa::Field;
using isa::Instruction;
using isa::Opcode;
using isa::Unit;

Instruction load(int64_t memory, int64_t row, int64_t rows, int64_t address) {
  return Instruction(Opcode::LoadData)
      .set(Field::Memory, memory)
      .set(Field::Row, row)
      .set(Field::Rows, rows)
      .set(Field::Address, address)
      .set(Field::Chunks, 1);
}
Instruction store(int64_t memory, int64_t row, int64_t rows, int64_t address) {
  return Instruction(Opcode::StoreData)
      .set(Field::Memory, memory)
      .set(Field::Row, row)
      .set(Field::Rows, rows)
      .set(Field::Address, address)
      .set(Field::Chunks, 1);
}
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

TEST(Schedule, DoubleBufferedTilesOverlap) {
  // Two tiles in different halves: the first store goes behind the second matmul.
  std::vector<Instruction> program = {load(0, 0, 16, 0),       matmul(0, 0, 100),
                                      store(1, 100, 16, 5000), load(0, 16, 16, 256),
                                      matmul(16, 0, 116),      store(1, 116, 16, 6000)};
  Schedule result = schedule(program);
  EXPECT_THAT(indices(result), testing::ElementsAre(0, -1, 1, 3, -1, 4, 2, -1, 5));
  EXPECT_EQ(result.moved, 1);
  EXPECT_EQ(result.waits, 3);
}

TEST(Schedule, OneBufferWaits) {
  // The second load overwrites what the first matmul may still read.
  std::vector<Instruction> program = {load(0, 0, 16, 0), matmul(0, 0, 100), load(0, 0, 16, 256)};
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, -1, 1, -1, 2));
}

TEST(Schedule, WithoutOverlapEverythingWaits) {
  std::vector<Instruction> program = {load(0, 0, 16, 0), load(1, 0, 16, 0), matmul(0, 0, 100)};
  EXPECT_THAT(indices(schedule(program, false)), testing::ElementsAre(0, -1, 1, -1, 2));
}

TEST(Schedule, ControlIsABarrier) {
  std::vector<Instruction> program = {Instruction(Opcode::Loop).set(Field::Count, 2),
                                      matmul(0, 0, 100), store(1, 100, 16, 0),
                                      Instruction(Opcode::End), matmul(0, 0, 200)};
  EXPECT_THAT(indices(schedule(program)), testing::ElementsAre(0, 1, -1, 2, -1, 3, 4));
}

/// For random programs: every pair in conflict keeps its order, and when the later one of
/// another unit is issued, the earlier one has been waited for or is surely done.
TEST(Schedule, RandomProgramsKeepEveryDependence) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<Instruction> program;
    for (int i = 0; i < 40; ++i) {
      int64_t memory = random() % 2, row = random() % 6 * 16, address = random() % 6 * 256;
      switch (random() % 4) {
      case 0:
        program.push_back(load(memory, row, 16, address));
        break;
      case 1:
        program.push_back(store(memory, row, 16, address));
        break;
      case 2:
        program.push_back(matmul(row, random() % 6 * 16, random() % 6 * 16));
        break;
      default:
        program.push_back(Instruction(Opcode::HostTable)
                              .set(Field::Address, address)
                              .set(Field::OutAddress, random() % 6 * 256)
                              .set(Field::Bytes, 256));
      }
    }
    Schedule result = schedule(program);
    std::vector<int64_t> position(program.size());
    std::set<int64_t> running; // may still be busy
    for (size_t s = 0; s < result.slots.size(); ++s) {
      const Slot &slot = result.slots[s];
      if (slot.index < 0) {
        for (auto it = running.begin(); it != running.end();)
          it = slot.waitUnits >> (static_cast<int>(isa::specOf(program[*it].opcode).unit) - 1) & 1
                   ? running.erase(it)
                   : std::next(it);
        continue;
      }
      position[slot.index] = s;
      Unit unit = isa::specOf(program[slot.index].opcode).unit;
      for (auto it = running.begin(); it != running.end();)
        it = isa::specOf(program[*it].opcode).unit == unit ? running.erase(it) : std::next(it);
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

} // namespace
} // namespace aac::plan
