#include "aac/Machine/Machine.h"

#include "aac/Support/File.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace aac;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

const std::vector<std::string> kShipped = {AAC_SOURCE_DIR "/machines"};

Machine shipped(const std::string &name) {
  auto machine = Machine::load(name, kShipped);
  EXPECT_TRUE(machine.ok()) << machine.status();
  return machine.ok() ? *std::move(machine) : Machine();
}

TEST(ShippedMachines, AreThese) {
  EXPECT_THAT(listMachines(kShipped),
              ElementsAre("edgebert", "edgebert-published", "edgebert-rram",
                          "edgebert-rram-silicon", "edgebert-silicon", "edgebert-sram",
                          "edgebert-sram-silicon", "tiny"));
}

TEST(ShippedMachines, LoadAndReadBack) {
  for (const std::string &name : listMachines(kShipped)) {
    Machine machine = shipped(name);
    EXPECT_EQ(machine.name, name);
    EXPECT_EQ(machine.profile, name.find("silicon") != std::string::npos ? "silicon" : "nvsim");
    auto again = Machine::parse(machine.text(), "text");
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->text(), machine.text());
    EXPECT_EQ(again->hash(), machine.hash());
    EXPECT_EQ(again->tiers.size(), machine.tiers.size());
    EXPECT_EQ(describeMachine(*again), describeMachine(machine));
    EXPECT_EQ(machine.text().find("base:"), std::string::npos);
  }
}

// Reference: accelerator sections 1.3, 4, 5 and 6.
TEST(ShippedMachines, PublishedSizesAndTiming) {
  for (const char *name : {"edgebert", "edgebert-rram", "edgebert-sram", "edgebert-published"}) {
    Engine engine = shipped(name).engine;
    EXPECT_EQ(engine.vectorSize, 16);
    EXPECT_EQ(engine.dataRows, 4096);
    EXPECT_EQ(engine.maskWords, 4096);
    EXPECT_EQ(engine.auxRows, 256);
    EXPECT_EQ(engine.maxN, 1008);
    EXPECT_EQ(engine.maxM, 4080);
    const EngineTiming &t = engine.timing;
    // The exact points that were measured.
    auto matmul = [&](int tiles, int blocks) {
      return t.tileCycles * tiles + t.blockDrainCycles * (blocks - 1) + t.matmulOverhead;
    };
    EXPECT_EQ(matmul(1, 1), 68);       // 16x16x16
    EXPECT_EQ(matmul(64, 16), 2267);   // 64x64x64
    EXPECT_EQ(matmul(256, 64), 8987);  // 128x128x64
    EXPECT_EQ(matmul(768, 16), 25499); // 64x64x768
    EXPECT_EQ(t.layerNormFetches * t.activationFetchCycles +
                  t.layerNormAuxFetches * t.auxFetchCycles + t.sfuStateCycles,
              47);
    EXPECT_EQ(t.softmaxFetches * t.activationFetchCycles + t.softmaxAuxFetches * t.auxFetchCycles +
                  t.sfuStateCycles,
              58);
    EXPECT_EQ(t.addFetches * t.activationFetchCycles + t.addStateCycles, 36);
    EXPECT_EQ(t.entropyFetches * t.activationFetchCycles, 34);
  }
}

TEST(ShippedMachines, Semantics) {
  EXPECT_EQ(shipped("edgebert").engine.semantics, Semantics::Corrected);
  Engine published = shipped("edgebert-published").engine;
  EXPECT_EQ(published.semantics, Semantics::Published);
  EXPECT_EQ(published.accumulatorBits, 16);
  EXPECT_EQ(published.sfuFractionBits, 10);
  EXPECT_FALSE(published.overlapsTransfers);
}

TEST(ShippedMachines, Homes) {
  auto home = [](const std::string &name, DataKind kind) {
    Machine machine = shipped(name);
    const Tier *tier = machine.tierFor(kind);
    return tier ? tier->name : std::string();
  };
  for (DataKind kind :
       {DataKind::Backbone, DataKind::Task, DataKind::Activation, DataKind::InactiveTask})
    EXPECT_EQ(home("edgebert", kind), "dram");
  for (const char *name : {"edgebert-rram", "edgebert-rram-silicon", "tiny"}) {
    EXPECT_EQ(home(name, DataKind::Backbone), "rram");
    EXPECT_EQ(home(name, DataKind::Task), "sram");
    EXPECT_EQ(home(name, DataKind::Activation), "sram");
    EXPECT_EQ(home(name, DataKind::InactiveTask), "dram");
  }
  for (const char *name : {"edgebert-sram", "edgebert-sram-silicon"}) {
    EXPECT_EQ(home(name, DataKind::Backbone), "sram");
    EXPECT_EQ(home(name, DataKind::InactiveTask), "dram");
  }
}

TEST(ShippedMachines, SiliconOverridesOnlyMemoryFigures) {
  Machine model = shipped("edgebert-rram"), silicon = shipped("edgebert-rram-silicon");
  EXPECT_EQ(silicon.engine.macEnergy.typical, model.engine.macEnergy.typical);
  EXPECT_GT(silicon.engine.bufferReadEnergy.typical, model.engine.bufferReadEnergy.typical);
  ASSERT_EQ(silicon.tiers.size(), model.tiers.size());
  for (size_t i = 0; i != model.tiers.size(); ++i) {
    EXPECT_EQ(silicon.tiers[i].name, model.tiers[i].name);
    EXPECT_EQ(silicon.tiers[i].base, model.tiers[i].base);
    EXPECT_EQ(silicon.tiers[i].capacity, model.tiers[i].capacity);
    EXPECT_GE(silicon.tiers[i].readEnergy.typical, model.tiers[i].readEnergy.typical);
  }
  const Tier *rram = silicon.findTier("rram");
  ASSERT_NE(rram, nullptr);
  EXPECT_EQ(rram->bitsPerCell, 1);
  EXPECT_EQ(rram->endurance.typical, model.findTier("rram")->endurance.typical);
}

TEST(ShippedMachines, OperatingPoints) {
  Machine machine = shipped("edgebert");
  ASSERT_EQ(machine.points.size(), 7u);
  for (size_t i = 1; i != machine.points.size(); ++i) {
    EXPECT_LT(machine.points[i].voltage.typical, machine.points[i - 1].voltage.typical);
    EXPECT_LT(machine.points[i].clock.typical, machine.points[i - 1].clock.typical);
    EXPECT_LT(machine.points[i].energyRatio.typical, machine.points[i - 1].energyRatio.typical);
  }
}

TEST(ShippedMachines, AddressesFindTiers) {
  Machine machine = shipped("edgebert-rram");
  const Tier *rram = machine.findTier("rram");
  ASSERT_NE(rram, nullptr);
  EXPECT_EQ(machine.tierAt(rram->base), rram);
  EXPECT_EQ(machine.tierAt(rram->base + rram->capacity - 1), rram);
  EXPECT_EQ(machine.tierAt(rram->base + rram->capacity), nullptr);
  EXPECT_EQ(machine.tierAt(0), nullptr);
  EXPECT_EQ(machine.tierAt(uint64_t{1} << 40), nullptr);
  EXPECT_EQ(machine.findTier("none"), nullptr);
}

TEST(ShippedMachines, Description) {
  std::string page = describeMachine(shipped("edgebert-rram"));
  EXPECT_THAT(page, HasSubstr("machine edgebert-rram (memory profile nvsim)"));
  EXPECT_THAT(page, HasSubstr("tier rram: RRAM, 16 MiB at 0x10000000"));
  EXPECT_THAT(page, HasSubstr("2 x 4096 rows of 16 bytes (2 x 64 KiB)"));
  EXPECT_THAT(page, HasSubstr("holds                task, activation"));
  EXPECT_THAT(page, HasSubstr("0.075 (0.036 to 0.185) pJ/bit ["));
  EXPECT_THAT(page, HasSubstr("sources\n  [1] "));
}

// A number that no document gives says so.
TEST(ShippedMachines, UnverifiedNumbersSaySo) {
  Machine machine = shipped("edgebert");
  EXPECT_THAT(machine.engine.clock.source, testing::StartsWith("unverified"));
  EXPECT_THAT(machine.engine.macEnergy.source, testing::StartsWith("estimate"));
  EXPECT_THAT(machine.host.clock.source, testing::StartsWith("estimate"));
  EXPECT_THAT(machine.host.energyPerCycle.source, testing::StartsWith("estimate"));
}

// docs/machines.md shows how to write a machine file; its example loads.
TEST(ShippedMachines, ExampleOfTheDocumentation) {
  auto page = readFile(AAC_SOURCE_DIR "/docs/machines.md");
  ASSERT_TRUE(page.ok()) << page.status();
  size_t begin = page->find("```textproto\n");
  ASSERT_NE(begin, std::string::npos);
  begin += 13;
  std::string file = testing::TempDir() + "my-chip.textproto";
  ASSERT_TRUE(
      writeFileAtomically(file, page->substr(begin, page->find("```", begin) - begin)).ok());
  auto machine = Machine::load(file, kShipped);
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_EQ(machine->name, "my-chip");
}

} // namespace
