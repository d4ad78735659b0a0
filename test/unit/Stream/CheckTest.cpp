//===- CheckTest.cpp - the stream checker finds every kind of fault --------===//
#include "aac/Stream/Check.h"

#include "../Instructions.h"
#include "CheckState.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <random>

using namespace aac;
using aac::isa::Field;
using aac::isa::Instruction;
using aac::isa::Opcode;
using ::testing::HasSubstr;

namespace {

constexpr uint64_t kSram = 0x1000, kRram = 0x10000, kDram = 0x80000000;

Machine machine() {
  Machine machine;
  machine.name = "toy";
  machine.engine.dataRows = 256;
  machine.engine.maskWords = 256;
  machine.engine.auxRows = 16;
  machine.engine.maxN = 1008;
  machine.engine.maxM = 4080;
  machine.engine.maxVectors = 255;
  machine.engine.maxTimesteps = 255;
  machine.points.resize(2);
  Tier sram, rram, dram;
  sram.name = "sram";
  sram.technology = Technology::Sram;
  sram.base = kSram;
  sram.capacity = 0x4000;
  rram.name = "rram";
  rram.technology = Technology::Rram;
  rram.base = kRram;
  rram.capacity = 0x1000;
  rram.persistent = true;
  dram.name = "dram";
  dram.technology = Technology::Dram;
  dram.base = kDram;
  dram.capacity = 0x100000;
  dram.persistent = true;
  machine.tiers = {sram, rram, dram};
  return machine;
}

Instruction wait(int64_t units) { return make(Opcode::Wait, {{Field::Units, units}}); }
Instruction loadAux(int64_t row, int64_t rows, int64_t address) {
  return make(Opcode::LoadAux, {{Field::Row, row}, {Field::Rows, rows}, {Field::Address, address}});
}
Instruction matmul(int64_t n0, int64_t n1, int64_t m, int64_t outMemory, int64_t outBase) {
  return make(Opcode::MatMul, {{Field::N0, n0},
                               {Field::N1, n1},
                               {Field::M, m},
                               {Field::OutMemory, outMemory},
                               {Field::OutBase, outBase}});
}
Instruction layerNorm(int64_t in, int64_t out, int64_t vectors, int64_t timesteps) {
  return make(Opcode::LayerNorm, {{Field::InBase, in},
                                  {Field::OutBase, out},
                                  {Field::Vectors, vectors},
                                  {Field::Timesteps, timesteps},
                                  {Field::GammaBase, 0},
                                  {Field::BetaBase, vectors}});
}
Instruction output(int64_t address) {
  return make(Opcode::HostOutput,
              {{Field::Address, address}, {Field::Timesteps, 1}, {Field::Columns, 2}});
}
Instruction loop(int64_t count) { return make(Opcode::Loop, {{Field::Count, count}}); }

/// Images: 4 KiB of 0xff (dense masks) at the start of DRAM for both tasks, one of each task, 256
/// bytes of RRAM. Both tasks run alike but for what tests change.
struct Suite {
  Stream stream;
  Machine machine = ::machine();

  Suite() {
    stream.machineName = "toy";
    for (int t = 0; t < 2; ++t)
      stream.tasks.push_back({t ? "b" : "a",
                              {{"ids", ElementType::I64, {1, 8}}, {"x", ElementType::F32, {4}}},
                              {{"logits", ElementType::F32, {1, 2}}},
                              2 + t});
    stream.images = {{"dram", kDram, 3, std::vector<uint8_t>(4096, 0xff)},
                     {"dram", kDram + 0x1000, 1, std::vector<uint8_t>(256, 1)},
                     {"dram", kDram + 0x2000, 2, std::vector<uint8_t>(256, 2)},
                     {"rram", kRram, 3, std::vector<uint8_t>(256, 3)}};
    stream.programs = {
        {"power_on", ProgramRole::PowerOn, 3, {copy(kDram, kSram, 512)}, {}},
        {"to_a", ProgramRole::Switch, 1, {copy(kDram + 0x1000, kSram + 512, 256)}, {}},
        {"run_a", ProgramRole::Run, 1, {}, {}},
        {"run_b", ProgramRole::Run, 2, {}, {}},
        {"to_b", ProgramRole::Switch, 2, {copy(kDram + 0x2000, kSram + 512, 256)}, {}}};
    stream.switchTo = {-1, 4, 1, -1, 1, 4};
    setRun(0, {output(kDram)});
    setRun(1, {output(kDram)});
  }
  void setRun(int task, std::vector<Instruction> body) {
    std::vector<Instruction> &code = stream.programs[2 + task].code;
    code = {make(Opcode::TaskBegin, {{Field::Task, task}})};
    code.insert(code.end(), body.begin(), body.end());
    code.push_back(make(Opcode::TaskEnd, {{Field::Task, task}}));
  }
  std::string check() { return std::string(checkStream(stream, machine).message()); }
  /// What the checker says of task a's run of `body` and its output.
  std::string run(std::vector<Instruction> body) {
    body.push_back(wait(7));
    body.push_back(output(kDram));
    setRun(0, body);
    return check();
  }
};

/// Both operands of a matmul of 16 x 16 x 16, dense, at 0.
std::vector<Instruction> operands() {
  return {loadMask(0, 0, 16, kDram), loadMask(1, 0, 16, kDram), loadData(0, 0, 16, kDram),
          loadData(1, 0, 16, kDram), wait(1)};
}
std::vector<Instruction> with(std::vector<Instruction> body, std::vector<Instruction> more) {
  body.insert(body.end(), more.begin(), more.end());
  return body;
}

TEST(Check, AcceptsGoodPrograms) {
  EXPECT_EQ(Suite().check(), "");
  // Operands in, matmul, in place layer norm, result out, all with waits; twice in a loop.
  std::vector<Instruction> body = {loop(3)};
  body = with(body, operands());
  body = with(body, {loadAux(0, 2, kSram), wait(1), matmul(16, 16, 16, 1, 32), wait(2),
                     make(Opcode::LayerNorm, {{Field::Memory, 1},
                                              {Field::InBase, 32},
                                              {Field::OutBase, 32},
                                              {Field::Vectors, 1},
                                              {Field::Timesteps, 16},
                                              {Field::GammaBase, 0},
                                              {Field::BetaBase, 1}}),
                     wait(2), storeData(1, 32, 16, kSram + 0x1000), wait(1), make(Opcode::End)});
  EXPECT_EQ(Suite().run(body), "");
  // Units side by side that do not meet, and one unit's commands one after the other.
  EXPECT_EQ(Suite().run(with(operands(),
                             {matmul(16, 16, 16, 0, 32), loadData(1, 64, 16, kDram),
                              loadData(1, 64, 16, kDram + 64), copy(kDram, kSram + 0x2000, 16)})),
            "");
}

TEST(Check, SparseOperandsNeedOnlyTheirLongestLane) {
  Suite suite;
  // 16 words: lane 3 has five ones, all others fewer.
  std::vector<uint8_t> &bytes = suite.stream.images[1].bytes;
  std::fill(bytes.begin(), bytes.begin() + 32, 0);
  for (int i = 0; i < 5; ++i)
    bytes[2 * (3 * i)] = 0x08;
  bytes[1] = 0xf0;
  std::vector<Instruction> body = {loadMask(0, 0, 16, kDram + 0x1000),
                                   loadMask(1, 0, 16, kDram),
                                   loadData(0, 0, 5, kDram),
                                   loadData(1, 0, 16, kDram),
                                   wait(1),
                                   matmul(16, 16, 16, 0, 32)};
  EXPECT_EQ(suite.run(body), "");
  body[2] = loadData(0, 0, 4, kDram);
  EXPECT_EQ(suite.run(body),
            "program run_a: instruction 6 (matmul): reads row 4 of data memory 0, which nothing "
            "has written");
  // The words are known through the switch's copy to SRAM too; offsets move the data.
  body[0] = loadMask(0, 0, 16, kSram + 512);
  body[2] = loadData(0, 0, 5, kDram);
  EXPECT_EQ(suite.run(body), "");
  body[0] = loadMask(0, 8, 16, kSram + 512);
  body[5].set(Field::Base0, 8).set(Field::DataOffset0, 8);
  EXPECT_EQ(suite.run(body), "");
  body[2] = loadData(0, 251, 5, kDram); // around the end of the memory
  body[5].set(Field::DataOffset0, 13);
  EXPECT_EQ(suite.run(body), "");
  body[5].set(Field::DataOffset0, 12);
  EXPECT_THAT(suite.run(body), HasSubstr("rows 252 to 256 pass data memory 0 of 256"));
}

TEST(Check, FindsMissingWaits) {
  EXPECT_EQ(
      Suite().run({loadMask(0, 0, 16, kDram), loadMask(1, 0, 16, kDram), loadData(0, 0, 16, kDram),
                   loadData(1, 0, 16, kDram), matmul(16, 16, 16, 0, 32)}),
      "program run_a: instruction 5 (matmul): reads rows 0 to 15 of data memory 1, which "
      "instruction 4 (load_data) may still be writing; a wait is missing");
  EXPECT_THAT(Suite().run(with(operands(), {matmul(16, 16, 16, 0, 32), loadMask(0, 15, 4, kDram)})),
              HasSubstr("writes words 15 to 15 of mask memory 0, which instruction 6 (matmul) may "
                        "still be reading"));
  EXPECT_THAT(
      Suite().run(with(operands(), {matmul(16, 16, 16, 0, 32), storeData(0, 40, 1, kSram + 4096)})),
      HasSubstr("reads rows 40 to 40 of data memory 0, which instruction 6 (matmul) may "
                "still be writing"));
  EXPECT_THAT(Suite().run(with(operands(), {storeData(0, 0, 1, kSram + 4096),
                                            copy(kSram + 4096, kSram + 8192, 16)})),
              HasSubstr("reads bytes 0x2000 to 0x200f, which instruction 6 (store_data) may still "
                        "be writing; a wait is missing"));
  // A conflict between the end of a loop's body and its start.
  EXPECT_THAT(Suite().run(with(operands(), {loop(2), loadData(0, 0, 16, kDram), wait(1),
                                            matmul(16, 16, 16, 0, 32), make(Opcode::End)})),
              HasSubstr("instruction 7 (load_data) in repetition 1: writes rows 0 to 15 of data "
                        "memory 0, which instruction 9 (matmul) may still be reading"));
  EXPECT_THAT(
      Suite().run({copy(kDram, kSram + 4096, 16),
                   make(Opcode::TierPower, {{Field::Tier, 0}, {Field::State, 0}})}),
      HasSubstr("switches off tier sram, which instruction 1 (host_copy) may still be using"));
}

TEST(Check, FindsReadsOfUnwrittenMemory) {
  EXPECT_EQ(Suite().run({loadData(0, 0, 1, kSram + 0x1000)}),
            "program run_a: instruction 1 (load_data): reads byte 0x2000 of tier sram, which "
            "nothing has written (address 0x2000, 16 bytes)");
  EXPECT_THAT(Suite().run({loadData(0, 0, 1, kDram + 0x1000 + 248)}),
              HasSubstr("reads byte 0x80001100 of tier dram"));
  EXPECT_THAT(Suite().run({storeData(0, 3, 1, kSram + 0x1000)}),
              HasSubstr("reads row 3 of data memory 0, which nothing has written"));
  EXPECT_THAT(Suite().run(with(operands(), {matmul(16, 32, 16, 0, 32)})),
              HasSubstr("reads word 16 of mask memory 1, which nothing has written"));
  EXPECT_THAT(Suite().run(with(operands(), {layerNorm(0, 0, 1, 16)})),
              HasSubstr("reads row 0 of auxiliary memory, which nothing has written"));
  // A partial block: of the third row of 16 on, nothing is touched.
  EXPECT_EQ(Suite().run(with(operands(), {loadAux(0, 2, kDram), wait(1), layerNorm(0, 0, 1, 3)})),
            "");
  EXPECT_EQ(Suite().run({make(
                Opcode::HostEmit,
                {{Field::OutAddress, kSram + 4096}, {Field::Timesteps, 1}, {Field::Columns, 1}})}),
            "program run_a: instruction 1 (host_emit): uses the accumulator before a host_gather "
            "has cleared it");
  // A location is named, and the same fault in a loop once.
  Suite suite;
  suite.stream.locations = {{"MatMul_1", "linear", "layer"}, {"Add", "", ""}};
  suite.setRun(0, {loop(5), loadData(0, 0, 1, kSram + 0x1000), make(Opcode::End), output(kDram)});
  suite.stream.programs[2].location = {-1, -1, 0, -1, 1, -1};
  EXPECT_EQ(suite.check(), "program run_a: instruction 2 (load_data) of MatMul_1 [linear, layer]: "
                           "reads byte 0x2000 of tier sram, which nothing has written (address "
                           "0x2000, 16 bytes)");
}

TEST(Check, FindsAddressesAndWrites) {
  EXPECT_THAT(Suite().run({loadData(0, 0, 1, 0)}), HasSubstr("address 0x0 is in no tier"));
  EXPECT_THAT(Suite().run({copy(kDram, kSram + 0x3ff8, 16)}),
              HasSubstr("out_address 0x4ff8 with 16 bytes passes the end of tier sram"));
  EXPECT_THAT(Suite().run({make(Opcode::TierPower, {{Field::Tier, 0}, {Field::State, 0}}),
                           loadData(0, 0, 1, kSram)}),
              HasSubstr("address 0x1000 is in tier sram, which is off"));
  EXPECT_THAT(Suite().run({make(Opcode::TierPower, {{Field::Tier, 0}, {Field::State, 0}}),
                           make(Opcode::TierPower, {{Field::Tier, 0}, {Field::State, 1}}),
                           loadData(0, 0, 1, kSram)}),
              HasSubstr("which nothing has written"));
  EXPECT_THAT(Suite().run({copy(kDram, kRram + 512, 16)}),
              HasSubstr("writes 0x10200 of tier rram, which is RRAM"));
  EXPECT_THAT(
      Suite().run({copy(kDram, kDram + 0x2000, 16)}),
      HasSubstr("overwrites byte 0x80002000 of tier dram, which an image or power-on stored"));
  EXPECT_THAT(Suite().run({copy(kDram, kSram + 511, 1)}),
              HasSubstr("overwrites byte 0x11ff of tier sram, which an image or power-on stored"));
  EXPECT_THAT(Suite().run({loadData(0, 0, 16, kSram + 512), copy(kDram, kSram + 512, 1)}),
              HasSubstr("overwrites byte 0x1200 of tier sram, which the next inference needs"));
  EXPECT_EQ(
      Suite().run({copy(kDram, kSram + 0x1000, 64), wait(7), loadData(0, 0, 4, kSram + 0x1000),
                   wait(7), copy(kDram, kSram + 0x1000, 64)}),
      "");
  EXPECT_THAT(Suite().run({loadData(0, 0, 16, kDram + 0x2000)}),
              HasSubstr("reads image 2 at 0x80002000, which not all of the program's tasks own"));
  Suite suite;
  suite.stream.programs[0].code.push_back(copy(kDram + 0x1000, kSram + 0x800, 256));
  EXPECT_THAT(suite.check(),
              HasSubstr("program power_on: instruction 1 (host_copy): reads image 1"));
  EXPECT_THAT(Suite().run({copy(kDram, kSram + 0x1000, 64), wait(7),
                           copy(kSram + 0x1000, kSram + 0x1020, 64)}),
              HasSubstr("result and operand overlap in bytes 0x2020 to 0x203f"));
}

TEST(Check, FindsOverlapsAndSizesInTheEngine) {
  EXPECT_THAT(Suite().run(with(operands(), {matmul(16, 16, 16, 1, 15)})),
              HasSubstr("result and operand overlap in words 15 to 15 of mask memory 1"));
  EXPECT_THAT(
      Suite().run(with(operands(), {loadAux(0, 2, kDram), wait(1), layerNorm(0, 8, 1, 16)})),
      HasSubstr("result and operand overlap in words 8 to 15 of mask memory 0"));
  EXPECT_THAT(Suite().run({matmul(0, 16, 16, 0, 0)}), HasSubstr("n0 is 0, outside 16..1008"));
  EXPECT_THAT(Suite().run({matmul(16, 24, 16, 0, 0)}), HasSubstr("n1 is 24, not a multiple of 16"));
  EXPECT_THAT(Suite().run({matmul(16, 16, 4088, 0, 0)}), HasSubstr("m is 4088, outside 16..4080"));
  EXPECT_THAT(Suite().run({layerNorm(0, 0, 0, 1)}), HasSubstr("vectors is 0, outside 1..255"));
  EXPECT_THAT(Suite().run({layerNorm(0, 0, 1, 0)}), HasSubstr("timesteps is 0, outside 1..255"));
  EXPECT_THAT(Suite().run(with(operands(), {loadAux(15, 2, kDram)})),
              HasSubstr("rows 15 to 16 pass auxiliary memory of 16"));
  EXPECT_THAT(Suite().run({loadData(0, 250, 16, kDram)}),
              HasSubstr("rows 250 to 265 pass data memory 0 of 256"));
  EXPECT_THAT(Suite().run({loadData(0, 0, 0, kDram)}), HasSubstr("rows is 0, outside 1..256"));
  Instruction noChunks = loadData(0, 0, 1, kDram);
  noChunks.set(Field::Chunks, 0);
  EXPECT_THAT(Suite().run({noChunks}), HasSubstr("chunks is 0, below 1"));
  // Chunks and loop strides are followed: the last chunk of the last repetition leaves DRAM.
  Instruction chunks = loadData(0, 0, 1, kDram);
  chunks.set(Field::Chunks, 4).set(Field::RowStride, 2).set(Field::AddressStride, 32);
  chunks.set(Field::LoopStride, 0x10a0);
  EXPECT_THAT(Suite().run({loop(2), chunks, make(Opcode::End)}),
              HasSubstr("instruction 2 (load_data) in repetition 1: reads byte 0x80001100"));
  Suite suite;
  std::fill(suite.stream.images[1].bytes.begin(), suite.stream.images[1].bytes.end(), 0xfe);
  EXPECT_THAT(suite.run({loadMask(0, 0, 16, kDram + 0x1000), loadData(0, 0, 16, kDram),
                         loadAux(0, 2, kDram), wait(1), layerNorm(0, 0, 1, 16)}),
              HasSubstr("mask word 0 of memory 0 is not known to be all ones"));
  EXPECT_THAT(Suite().run({make(Opcode::Dvfs, {{Field::Point, 2}})}),
              HasSubstr("point is 2, the machine has 2"));
  EXPECT_THAT(Suite().run({make(Opcode::TierPower, {{Field::Tier, 3}})}),
              HasSubstr("tier is 3, the machine has 3"));
  EXPECT_THAT(Suite().run({loop(0), make(Opcode::End)}), HasSubstr("count is 0, below 1"));
}

TEST(Check, FindsFaultsOfTheHost) {
  auto gather = [](std::initializer_list<std::pair<Field, int64_t>> fields) {
    Instruction in = make(Opcode::HostGather, {{Field::Table, kDram},
                                               {Field::TableRows, 4},
                                               {Field::Columns, 16},
                                               {Field::Timesteps, 8}});
    for (auto [field, value] : fields)
      in.set(field, value);
    return in;
  };
  auto emit =
      make(Opcode::HostEmit,
           {{Field::OutAddress, kSram + 4096}, {Field::Timesteps, 8}, {Field::Columns, 16}});
  EXPECT_EQ(Suite().run({gather({}), gather({{Field::Accumulate, 1}}), emit}), "");
  EXPECT_THAT(Suite().run({gather({}), gather({{Field::Accumulate, 1}, {Field::Columns, 8}})}),
              HasSubstr("takes the accumulator as 8 x 8, it is 8 x 16"));
  EXPECT_THAT(Suite().run({gather({{Field::Timesteps, 9}})}),
              HasSubstr("timesteps is 9, input ids has only 8 elements"));
  EXPECT_THAT(Suite().run({gather({{Field::Input, 1}})}),
              HasSubstr("input x has elements of another type"));
  EXPECT_THAT(Suite().run({gather({{Field::Input, 2}})}), HasSubstr("input is 2, task a has 2"));
  EXPECT_THAT(Suite().run({gather({{Field::TableRows, 273}})}), HasSubstr("reads byte 0x80001100"));
  EXPECT_THAT(Suite().run({gather({{Field::TableRows, 0}})}),
              HasSubstr("table_rows is 0, outside 1"));
  EXPECT_THAT(Suite().run({gather({{Field::Bias, 7}, {Field::Scale, 12}})}),
              HasSubstr("bias and scale sum to 19, outside -26..18"));
  EXPECT_THAT(Suite().run({gather({{Field::Source, 1}, {Field::Indices, kDram}})}),
              HasSubstr("row number 0 is 4294967295, the table has 4 rows"));
  Suite suite;
  std::vector<uint8_t> &bytes = suite.stream.images[1].bytes;
  std::fill(bytes.begin(), bytes.end(), 0);
  for (int r = 0; r <= 4; ++r)
    bytes[4 * r] = static_cast<uint8_t>(20 * r);
  auto sparse = gather({{Field::Sparse, 1}, {Field::Offsets, kDram + 0x1000}});
  EXPECT_EQ(suite.run({sparse}), "");
  bytes[8] = 0;
  EXPECT_THAT(suite.run({sparse}), HasSubstr("offset of row 1 is 20, that of the next 0"));
  EXPECT_THAT(Suite().run({loadMask(0, 0, 16, kDram), gather({}), emit, wait(7),
                           gather({{Field::Sparse, 1}, {Field::Offsets, kSram + 4096}})}),
              HasSubstr("offsets at 0x2000 are not from an image"));
  auto table = make(Opcode::HostTable, {{Field::Address, kSram + 4096},
                                        {Field::OutAddress, kSram + 4096},
                                        {Field::Bytes, 64},
                                        {Field::Table, kDram}});
  EXPECT_EQ(Suite().run({copy(kDram, kSram + 4096, 64), table}), "");
  table.set(Field::OutAddress, kSram + 4097);
  EXPECT_THAT(Suite().run({copy(kDram, kSram + 4096, 64), table}), HasSubstr("overlap"));
  auto mask = make(Opcode::HostMask, {{Field::OutAddress, kSram + 4096},
                                      {Field::Timesteps, 8},
                                      {Field::Vectors, 1},
                                      {Field::Bias, 3}});
  EXPECT_EQ(Suite().run({mask}), "");
  mask.set(Field::Bias, 2);
  EXPECT_THAT(Suite().run({mask}), HasSubstr("bias is 2, outside 3..7"));
  mask.set(Field::Bias, 3).set(Field::Timesteps, 17);
  EXPECT_THAT(Suite().run({mask}), HasSubstr("timesteps is 17, outside 1..16"));
  EXPECT_THAT(Suite().run({copy(kDram, kSram + 4096, 0)}), HasSubstr("bytes is 0, outside 1"));

  Suite outputs;
  outputs.setRun(0, {});
  EXPECT_EQ(outputs.check(), "program run_a: output logits is never written");
  outputs.setRun(0, {make(Opcode::HostOutput,
                          {{Field::Address, kDram}, {Field::Timesteps, 1}, {Field::Columns, 3}})});
  EXPECT_THAT(outputs.check(), HasSubstr("writes 3 elements, output logits has 2"));
}

TEST(Check, FindsProgramsThatAreNoRuns) {
  Suite suite;
  suite.stream.programs[2].code = {output(kDram)};
  EXPECT_EQ(suite.check(), "program run_a: a run starts with task_begin and stops with task_end");
  suite.setRun(0, {make(Opcode::TaskEnd), output(kDram)});
  EXPECT_THAT(suite.check(), HasSubstr("instruction 1 (task_end): must be the last instruction"));
  suite.setRun(0, {output(kDram)});
  suite.stream.programs[2].code[0].set(Field::Task, 1);
  EXPECT_THAT(suite.check(), HasSubstr("task is 1, the program runs task 0 (a)"));
  suite = Suite();
  suite.stream.programs[1].code.push_back(make(Opcode::TaskBegin));
  EXPECT_THAT(suite.check(), HasSubstr("program to_a: instruction 1 (task_begin): has no place"));
  suite = Suite();
  suite.stream.programs[1].code.push_back(output(kDram));
  EXPECT_THAT(suite.check(), HasSubstr("uses an output, but the program runs no task"));
  suite = Suite();
  suite.stream.switchTo.clear();
  EXPECT_THAT(suite.check(), HasSubstr("switch table has 0 entries"));
}

TEST(Check, FindsImagesThatDoNotFit) {
  auto error = [](Image image) {
    Suite suite;
    suite.stream.images.push_back(image);
    return suite.check();
  };
  EXPECT_EQ(error({"flash", 0, 3, {1}}),
            "image 4 at 0x0: tier is flash, which the machine does not have");
  EXPECT_EQ(error({"sram", kSram + 0x800, 3, {1}}),
            "image 4 at 0x1800: tier sram has no permanent content");
  EXPECT_EQ(error({"rram", kRram + 0xfff, 3, {1, 2}}),
            "image 4 at 0x10fff: its 2 bytes are not all in tier rram");
  EXPECT_EQ(error({"dram", kDram + 4095, 3, {1}}), "image 4 at 0x80000fff: overlaps another image");
}

TEST(Check, StopsAfterTwentyFaults) {
  std::string text = Suite().run(std::vector<Instruction>(40, loadData(0, 0, 1, 0)));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 20);
  EXPECT_THAT(text, HasSubstr("\nfurther faults are left out"));
}

TEST(Check, TakesLongPrograms) {
  Suite suite;
  suite.machine.engine.dataRows = suite.machine.engine.maskWords = 4096;
  std::vector<Instruction> body = with(operands(), {loop(100)});
  for (int i = 0; i < 250; ++i)
    body = with(body, {loadMask(0, 0, 2000, kDram), wait(1), matmul(16, 16, 16, 0, 2048), wait(2)});
  body.push_back(make(Opcode::End));
  EXPECT_EQ(suite.run(body), "");
}

//===----------------------------------------------------------------------===//
// The sets below it, against plain arrays
//===----------------------------------------------------------------------===//

TEST(CheckState, SetsAgreeWithArrays) {
  std::mt19937 random(11);
  auto below = [&](int limit) { return static_cast<int>(random() % limit); };
  constexpr int kSize = 60;
  static const std::vector<uint8_t> source(2 * kSize, 7);
  for (int round = 0; round < 300; ++round) {
    check::IntervalSet set;
    check::TierMap map;
    std::vector<bool> in(kSize), inMap(kSize);
    std::vector<const uint8_t *> data(kSize);
    for (int i = 0; i < 30; ++i) {
      int begin = below(kSize), end = begin + 1 + below(kSize - begin);
      switch (below(4)) {
      case 0:
        set.add(begin, end);
        std::fill(in.begin() + begin, in.begin() + end, true);
        break;
      case 1: {
        const uint8_t *bytes = below(2) ? source.data() + below(kSize) : nullptr;
        map.write(begin, end, bytes, -1);
        for (int at = begin; at < end; ++at) {
          inMap[at] = true;
          data[at] = bytes ? bytes + (at - begin) : nullptr;
        }
        break;
      }
      case 2:
        map.erase(begin, end);
        std::fill(inMap.begin() + begin, inMap.begin() + end, false);
        break;
      default: {
        int first = begin;
        while (first < end && !in[first])
          ++first;
        EXPECT_EQ(set.firstIn(begin, end), static_cast<uint64_t>(first));
        check::IntervalSet missing;
        set.addMissing(begin, end, missing);
        for (int at = 0; at < kSize; ++at)
          EXPECT_EQ(missing.firstIn(at, at + 1) == static_cast<uint64_t>(at),
                    at >= begin && at < end && !in[at]);
        uint64_t next = begin;
        map.forEach(begin, end,
                    [&](uint64_t from, uint64_t to, const check::TierMap::Piece *piece,
                        const uint8_t *bytes) {
                      EXPECT_EQ(from, next);
                      next = to;
                      for (uint64_t at = from; at < to; ++at) {
                        EXPECT_EQ(piece != nullptr, static_cast<bool>(inMap[at]));
                        if (piece) {
                          EXPECT_EQ(bytes ? bytes + (at - from) : nullptr, data[at]);
                        }
                      }
                    });
        EXPECT_EQ(next, static_cast<uint64_t>(end));
      }
      }
    }
  }
}

TEST(CheckState, DataRowsIsTheLongestLane) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    check::MaskWords words(300);
    std::vector<uint8_t> bytes(600);
    for (uint8_t &byte : bytes)
      byte = static_cast<uint8_t>(random() & random());
    // Lane 3 wins clearly in some rounds, so that no counter can hide.
    for (int i = 0; i < 300 && round % 2; ++i)
      bytes[2 * i] |= 8;
    words.set(0, 300, bytes.data());
    if (round % 3 == 0) // what is not known takes all rows
      words.setUnknown(30, 10);
    int64_t begin = random() % 20, count = 250 + random() % 30;
    std::array<int, 16> lanes{};
    for (int64_t i = begin; i < begin + count; ++i)
      for (int lane = 0; lane < 16; ++lane)
        lanes[lane] +=
            (round % 3 == 0 && i >= 30 && i < 40) || (bytes[2 * i + lane / 8] >> lane % 8 & 1);
    EXPECT_EQ(words.dataRows(begin, count), *std::max_element(lanes.begin(), lanes.end()));
  }
}

} // namespace
