//===- ReportTest.cpp - the report adds up and says what it should ---------===//
#include "aac/Cost/Report.h"
#include "../Machines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace aac;
using namespace aac::cost;
using isa::Field;
using isa::Instruction;
using isa::Opcode;
using testing::HasSubstr;

namespace {

constexpr int64_t kRram = 0x10000000, kSram = 0x20000000, kDram = 0x80000000;

Instruction load(Opcode op, int64_t count, int64_t address, int64_t loopStride = 0) {
  Field size = op == Opcode::LoadMask ? Field::Words : Field::Rows;
  return Instruction(op)
      .set(size, count)
      .set(Field::Address, address)
      .set(Field::Chunks, 1)
      .set(Field::LoopStride, loopStride);
}
Instruction copy(int64_t from, int64_t to, int64_t bytes) {
  return Instruction(Opcode::HostCopy)
      .set(Field::Address, from)
      .set(Field::OutAddress, to)
      .set(Field::Bytes, bytes);
}

class ReportTest : public testing::Test {
protected:
  ReportTest() {
    machine = machineOf("edgebert-rram");
    stream.machineName = machine.name;
    stream.machine = machine.text();
    stream.locations = {{"emb", "embedding", "embedding"}, {"mm", "linear", "layer"}};
    stream.images.push_back({"rram", kRram, 3, std::vector<uint8_t>(4096, 1)});
    stream.images.push_back({"dram", kDram, 1, std::vector<uint8_t>(1024, 2)});
    stream.images.push_back({"dram", kDram + 1024, 2, std::vector<uint8_t>(512, 3)});
    stream.symbols.push_back({"w", "ffn", "shared", 3, "rram", kRram, 4096, {64, 64}, "", 1});
    stream.symbols.push_back({"a", "adapter", "task", 1, "sram", kSram, 1024, {64, 16}, "", 2});
    stream.symbols.push_back({"b", "adapter", "task", 2, "sram", kSram, 512, {32, 16}, "", 3});
    std::vector<Instruction> run = {
        Instruction(Opcode::TaskBegin),
        Instruction(Opcode::HostEmit)
            .set(Field::OutAddress, kSram + 8192)
            .set(Field::Timesteps, 16)
            .set(Field::Columns, 64),
        Instruction(Opcode::Loop).set(Field::Count, 3),
        load(Opcode::LoadMask, 64, kRram),
        load(Opcode::LoadData, 64, kRram + 128, 1024), // leaves the symbol in no repetition
        load(Opcode::LoadData, 16, kSram),
        load(Opcode::LoadData, 64, kSram + 8192),
        Instruction(Opcode::MatMul).set(Field::N0, 16).set(Field::N1, 16).set(Field::M, 64),
        Instruction(Opcode::LayerNorm).set(Field::Vectors, 4).set(Field::Timesteps, 16),
        Instruction(Opcode::End),
        Instruction(Opcode::TaskEnd)};
    std::vector<Instruction> second = run;
    second.front().set(Field::Task, 1);
    second.back().set(Field::Task, 1);
    std::vector<int32_t> location(run.size(), 1);
    location[1] = 0;
    stream.programs = {{"run_a", ProgramRole::Run, 1, run, location},
                       {"run_b", ProgramRole::Run, 2, second, {}},
                       {"in_a", ProgramRole::Switch, 1, {copy(kDram, kSram, 1024)}, {}},
                       {"in_b", ProgramRole::Switch, 2, {copy(kDram + 1024, kSram, 512)}, {}},
                       {"power_on", ProgramRole::PowerOn, 3, {copy(kDram, kSram + 4096, 64)}, {}}};
    for (int i = 0; i < 2; ++i) {
      Task task;
      task.name = i ? "b" : "a";
      task.runProgram = i;
      stream.tasks.push_back(task);
    }
    stream.switchTo = {-1, 3, 2, -1, 2, 3};
  }
  Schedules schedules() {
    Schedules s;
    s.low = *sim::timeStream(stream, machine, sim::Level::Low);
    s.typical = *sim::timeStream(stream, machine, sim::Level::Typical);
    s.high = *sim::timeStream(stream, machine, sim::Level::High);
    return s;
  }
  Report report(bool timed = true) {
    auto made = makeReport(stream, machine, timed ? schedules() : Schedules());
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : Report();
  }
  Stream stream;
  Machine machine;
};

void expectSame(const Figure &a, const Figure &b) {
  EXPECT_NEAR(a.low, b.low, 1e-9 * (1 + b.low));
  EXPECT_NEAR(a.typical, b.typical, 1e-9 * (1 + b.typical));
  EXPECT_NEAR(a.high, b.high, 1e-9 * (1 + b.high));
}

TEST_F(ReportTest, EveryViewAddsUpToTheTotal) {
  Report r = report();
  std::vector<const ProgramCost *> programs = {&r.powerOn};
  for (const TaskCost &task : r.tasks)
    programs.push_back(&task.run);
  for (const ProgramCost *program : programs) {
    Group total = program->total();
    EXPECT_GT(total.energyPj.typical, 0);
    EXPECT_LE(total.energyPj.low, total.energyPj.typical);
    EXPECT_LE(total.energyPj.typical, total.energyPj.high);
    for (Dimension dimension : {Dimension::Op, Dimension::Layer, Dimension::SourceOp,
                                Dimension::Unit, Dimension::Tier, Dimension::DataKind}) {
      Group sum;
      for (const Group &group : program->by(dimension)) {
        EXPECT_FALSE(group.key.empty());
        sum.instructions += group.instructions;
        sum.macs += group.macs;
        sum.bytes += group.bytes;
        sum.energyPj += group.energyPj;
        sum.busyNs += group.busyNs;
      }
      EXPECT_EQ(sum.instructions, total.instructions);
      EXPECT_EQ(sum.macs, total.macs);
      EXPECT_EQ(sum.bytes, total.bytes);
      expectSame(sum.energyPj, total.energyPj);
      expectSame(sum.busyNs, total.busyNs);
    }
  }
  // Seven instructions, six of them three times.
  EXPECT_EQ(r.tasks[0].run.total().instructions, 1 + 3 * 6);
  EXPECT_EQ(r.tasks[0].run.total().macs, 3 * 16 * 16 * 64);
}

TEST_F(ReportTest, DataKindsFollowTheSymbols) {
  auto bytesOf = [&](const ProgramCost &program, const std::string &kind) {
    for (const Group &group : program.by(Dimension::DataKind))
      if (group.key == kind)
        return group.bytes;
    return uint64_t{0};
  };
  Report r = report();
  const ProgramCost &run = r.tasks[0].run;
  EXPECT_EQ(bytesOf(run, "mask"), 3 * 128u);
  EXPECT_EQ(bytesOf(run, "backbone"), 3 * 1024u);
  EXPECT_EQ(bytesOf(run, "task"), 3 * 256u);
  EXPECT_EQ(bytesOf(run, "activation"), 1024u + 3 * 1024u);
}

TEST_F(ReportTest, EnergyOfKnownInstructions) {
  Report r = report();
  double macs = 0, rram = 0, leak = 0;
  for (const Entry &entry : r.tasks[0].run.ledger) {
    if (entry.op == "matmul" && entry.tier == "logic")
      macs = entry.energyPj.typical;
    if (entry.op == "load_data" && entry.tier == "rram")
      rram += entry.energyPj.typical;
    if (entry.op == "leakage" && entry.tier == "sram")
      leak = entry.energyPj.typical;
  }
  EXPECT_NEAR(macs, 3 * 16384 * machine.engine.macEnergy.typical, 1e-6);
  EXPECT_NEAR(rram, 3 * 1024 * 8 * machine.findTier("rram")->readEnergy.typical, 1e-6);
  EXPECT_NEAR(
      leak, 4 * machine.findTier("sram")->leakage.typical * r.tasks[0].run.latencyNs.typical, 1e-3);
}

TEST_F(ReportTest, BusyTimesAgreeWithTheTimingSimulator) {
  // Two independent implementations of the machine's cycle formulas. The simulator rounds
  // durations up to cycles.
  Report r = report();
  sim::ProgramTiming timing = schedules().typical[0];
  double cycleNs = 1e9 / timing.clockHz;
  for (auto [name, unit] : {std::pair<const char *, isa::Unit>{"engine", isa::Unit::Engine},
                            {"transfer", isa::Unit::Transfer},
                            {"host", isa::Unit::Host}})
    for (const Group &group : r.tasks[0].run.by(Dimension::Unit))
      if (group.key == name) {
        double simulated =
            static_cast<double>(timing.busyCycles[static_cast<size_t>(unit)]) * cycleNs;
        EXPECT_LE(group.busyNs.typical, simulated + 1e-6) << name;
        EXPECT_GT(group.busyNs.typical,
                  simulated - 2 * cycleNs * static_cast<double>(group.instructions) - 1e-6)
            << name;
      }
}

TEST_F(ReportTest, LatencyIsTheScheduleOrTheSum) {
  Report timed = report(), plain = report(false);
  EXPECT_EQ(timed.tasks[0].run.latencyBasis, Basis::Simulated);
  EXPECT_EQ(plain.tasks[0].run.latencyBasis, Basis::Estimated);
  EXPECT_NEAR(timed.tasks[0].run.latencyNs.typical, schedules().typical[0].latencyNs(), 1e-9);
  expectSame(plain.tasks[0].run.latencyNs, plain.tasks[0].run.total().busyNs);
}

TEST_F(ReportTest, SwitchMatrixIsWhole) {
  Report r = report();
  ASSERT_EQ(r.switches.size(), 4u); // none->a, none->b, a->b, b->a
  for (const SwitchCost &cost : r.switches) {
    EXPECT_NE(cost.from, cost.to);
    EXPECT_EQ(cost.bytes, cost.to == 0 ? 1024u : 512u);
    EXPECT_GT(cost.latencyNs.typical, 0);
    EXPECT_GT(cost.energyPj.typical, 0);
  }
  EXPECT_GT(r.powerOn.latencyNs.typical, 0);
}

TEST_F(ReportTest, MemoryUseAndStreamSize) {
  Report r = report();
  ASSERT_EQ(r.tiers.size(), 3u);
  EXPECT_EQ(r.tiers[0].name, "rram");
  EXPECT_EQ(r.tiers[0].backboneBytes, 4096u);
  EXPECT_EQ(r.tiers[0].imageBytes, 4096u);
  EXPECT_EQ(r.tiers[1].taskBytes, 1024u); // the tasks take turns
  EXPECT_EQ(r.tiers[1].activationBytes, 1024u);
  EXPECT_EQ(r.tiers[2].imageBytes, 1536u);
  EXPECT_GT(r.tierAreaMm2.typical, 0);
  auto bytes = serialize(stream);
  ASSERT_TRUE(bytes.ok());
  uint64_t sum = r.streamSize.shared + r.streamSize.subset;
  for (uint64_t task : r.streamSize.task)
    sum += task;
  EXPECT_EQ(sum, bytes->size());
}

TEST_F(ReportTest, JsonHasItsSchemaAndEveryBasis) {
  auto json = nlohmann::json::parse(printReportJson(report()), nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["schema"], "aac-report/1");
  EXPECT_EQ(json["machine"]["name"], "edgebert-rram");
  ASSERT_EQ(json["tasks"].size(), 2u);
  const auto &run = json["tasks"][0]["run"];
  EXPECT_EQ(run["latency_ns"]["basis"], "simulated");
  EXPECT_EQ(run["energy_pj"]["basis"], "estimated");
  for (const char *view :
       {"by_op", "by_layer", "by_source_op", "by_unit", "by_tier", "by_data_kind"})
    EXPECT_FALSE(run[view].empty()) << view;
  EXPECT_EQ(json["switches"].size(), 4u);
  EXPECT_TRUE(json["switches"][0]["from"].is_null());
  for (const auto &constant : json["constants"])
    EXPECT_FALSE(constant["source"].get<std::string>().empty()) << constant["name"];
}

TEST_F(ReportTest, TextHasTheHeadlineFirst) {
  std::string text = printReportText(report());
  EXPECT_THAT(text, testing::StartsWith("Cost on edgebert-rram"));
  for (const char *part : {"One inference", "Where the energy of a goes", "Switching tasks",
                           "(any)        -> a", "Memory", "Stream: shared", "simulated"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST_F(ReportTest, Errors) {
  Schedules wrong = schedules();
  wrong.low.pop_back();
  EXPECT_THAT(std::string(makeReport(stream, machine, wrong).status().message()),
              HasSubstr("schedules of 4 programs for a stream with 5"));
  stream.programs[2].code[0].set(Field::Address, 64);
  EXPECT_THAT(std::string(makeReport(stream, machine).status().message()),
              testing::AllOf(HasSubstr("program 'in_a': instruction 0 (host_copy"),
                             HasSubstr("address 0x40 is in no tier")));
}

} // namespace
