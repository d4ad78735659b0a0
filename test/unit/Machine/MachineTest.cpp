// What a machine file must be, and each message about one that is not.

#include "aac/Machine/Machine.h"

#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace aac;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

namespace {

/// A directory of machine files beside the shipped ones.
class MachineTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "aac-machine-XXXXXX";
    ASSERT_NE(mkdtemp(&pattern[0]), nullptr);
    dir = pattern;
    path = {dir, AAC_SOURCE_DIR "/machines"};
  }
  void TearDown() override { std::filesystem::remove_all(dir); }

  void write(const std::string &name, const std::string &text) {
    ASSERT_TRUE(writeFileAtomically(dir + "/" + name + ".textproto", text).ok());
  }
  /// The error of a file that inherits from edgebert-rram and says `text`.
  std::string errorOf(const std::string &text, const std::string &base = "edgebert-rram") {
    write("m", absl::StrCat("base: \"", base, "\"\nname: \"m\"\n", text));
    auto machine = Machine::load("m", path);
    return machine.ok() ? "no error" : message(machine.status());
  }
  /// The error of the resolved description of `name` with `from` replaced by `to`.
  std::string errorOfEdit(const std::string &from, const std::string &to,
                          const std::string &name = "edgebert-rram") {
    std::string text = Machine::load(name, path)->text();
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    auto machine = Machine::parse(text, "edited");
    return machine.ok() ? "no error" : message(machine.status());
  }
  std::string message(const absl::Status &status) {
    return absl::StrReplaceAll(std::string(status.message()), {{dir + "/", ""}});
  }

  std::string dir;
  std::vector<std::string> path;
};

TEST_F(MachineTest, InheritsFieldByField) {
  write("child", R"(
base: "edgebert-rram"
name: "child"
engine {
  clock { low: 1e8 typical: 2e8 high: 3e8 unit: "Hz" source: "estimate: a test" }
  sizes { source: "a test" data_rows: 128 }
}
tiers { name: "sram" allows: ACTIVATION }
tiers { name: "dram" allows: TASK allows: INACTIVE_TASK }
points {
  voltage { low: 1 typical: 1 high: 1 unit: "V" source: "a test" }
  clock { low: 1 typical: 2e8 high: 1e9 unit: "Hz" source: "a test" }
  energy_ratio { low: 1 typical: 1 high: 1 unit: "1" source: "a test" }
}
)");
  Machine base = *Machine::load("edgebert-rram", path);
  auto child = Machine::load("child", path);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->name, "child");
  EXPECT_EQ(child->description, base.description);
  EXPECT_EQ(child->engine.dataRows, 128);
  EXPECT_EQ(child->engine.maskWords, base.engine.maskWords);
  EXPECT_EQ(child->engine.clock.high, 3e8);
  EXPECT_EQ(child->engine.clock.source, "estimate: a test");
  EXPECT_EQ(child->engine.macEnergy.typical, base.engine.macEnergy.typical);
  // Lists are replaced; the tiers that the file names come first.
  ASSERT_EQ(child->tiers.size(), 3u);
  EXPECT_EQ(child->tiers[0].name, "sram");
  EXPECT_EQ(child->tiers[1].name, "dram");
  EXPECT_EQ(child->tiers[2].name, "rram");
  EXPECT_THAT(child->tiers[0].allows, ElementsAre(DataKind::Activation));
  EXPECT_EQ(child->tiers[0].capacity, base.findTier("sram")->capacity);
  EXPECT_EQ(child->points.size(), 1u);
  EXPECT_NE(child->hash(), base.hash());
}

TEST_F(MachineTest, LoadsByPathAndFindsTheBaseBesideIt) {
  write("one", "base: \"edgebert\" name: \"one\" profile: \"test\"");
  write("two", "base: \"one\" name: \"two\"");
  auto machine = Machine::load(dir + "/two.textproto", {AAC_SOURCE_DIR "/machines"});
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_EQ(machine->profile, "test");
}

TEST_F(MachineTest, EnvironmentComesFirst) {
  setenv("AAC_MACHINES", (dir + "::/nowhere").c_str(), 1);
  std::vector<std::string> directories = defaultMachinePath();
  unsetenv("AAC_MACHINES");
  ASSERT_EQ(directories.size(), 4u);
  EXPECT_EQ(directories[0], dir);
  EXPECT_EQ(directories[1], "/nowhere");
  EXPECT_THAT(directories[2], EndsWith("/machines"));
  EXPECT_THAT(directories[3], EndsWith("share/aac/machines"));
  EXPECT_TRUE(Machine::load("edgebert", defaultMachinePath()).ok());
}

TEST_F(MachineTest, FilesThatAreNotThere) {
  EXPECT_THAT(message(Machine::load("none", path).status()),
              MatchesRegex("there is no machine 'none' in .*; known are edgebert, .*, tiny; a path "
                           "is recognised by a '/' or by .textproto"));
  EXPECT_THAT(message(Machine::load("none", {}).status()),
              HasSubstr("in an empty search path; there are none there"));
  EXPECT_THAT(message(Machine::load(dir + "/none.textproto", path).status()),
              HasSubstr("cannot open 'none.textproto'"));
  EXPECT_THAT(errorOf("", "none"), HasSubstr("m.textproto:1: base: there is no machine 'none'"));
}

TEST_F(MachineTest, InheritanceInACircle) {
  write("one", "base: \"two\" name: \"one\"");
  write("two", "base: \"one\" name: \"two\"");
  EXPECT_THAT(message(Machine::load("one", path).status()),
              HasSubstr("two.textproto:1: base: inherits in a circle: one.textproto -> "
                        "two.textproto -> one.textproto"));
}

TEST_F(MachineTest, TextThatDoesNotParse) {
  EXPECT_THAT(errorOf("engine {\n  colour: 3\n}"),
              MatchesRegex("m.textproto:4: .*has no field named \"colour\". \\(in 'colour: 3'\\)"));
  EXPECT_THAT(errorOf("engine { sizes { data_rows: many } }"),
              HasSubstr("m.textproto:3: Expected integer, got: many (in 'engine"));
  EXPECT_THAT(errorOf("engine { semantics: BROKEN }"), HasSubstr("BROKEN"));
  EXPECT_THAT(errorOf("engine {"), HasSubstr("m.textproto:"));
  EXPECT_THAT(errorOf("profile: \"a\"\nprofile: \"b\""), HasSubstr("m.textproto:4: "));
  write("unnamed", "base: \"edgebert\"");
  EXPECT_THAT(
      message(Machine::load("unnamed", path).status()),
      HasSubstr("unnamed.textproto: name: is missing; every machine file names its machine"));
  EXPECT_THAT(message(Machine::parse("", "x").status()), HasSubstr("x: name: is missing"));
  EXPECT_THAT(message(Machine::parse("base: \"edgebert\"", "x").status()),
              HasSubstr("x:1: base: stands in a description that must be resolved"));
}

TEST_F(MachineTest, Quantities) {
  auto clock = [&](const std::string &text) {
    return errorOf("engine { clock { " + text + " } }");
  };
  const std::string numbers = "low: 1 typical: 2 high: 3 ";
  const std::string rest = " unit: \"Hz\" source: \"x\"";
  EXPECT_EQ(clock(numbers + "source: \"x\""),
            "m.textproto:3: engine.clock: has no unit; it must be \"Hz\"");
  EXPECT_THAT(clock(numbers + "unit: \"s\" source: \"x\""),
              HasSubstr("engine.clock: has unit \"s\", it must be \"Hz\""));
  EXPECT_THAT(clock(numbers + "unit: \"Hz\""), HasSubstr("engine.clock: has no source"));
  EXPECT_THAT(clock(numbers + "unit: \"Hz\" source: \" \""),
              HasSubstr("engine.clock: has no source"));
  EXPECT_THAT(clock("typical: 1" + rest), HasSubstr("needs low, typical and high"));
  EXPECT_THAT(clock("low: 1 typical: nan high: 2" + rest),
              HasSubstr("engine.clock: has the value nan, it must be a finite number"));
  EXPECT_THAT(clock("low: 1 typical: 1 high: inf" + rest), HasSubstr("has the value inf"));
  EXPECT_THAT(clock("low: -1 typical: 1 high: 2" + rest),
              HasSubstr("has the value -1, it must not be negative"));
  EXPECT_THAT(clock("low: 2 typical: 1 high: 3" + rest),
              HasSubstr("has low 2, typical 1, high 3, which are not in order"));
  EXPECT_THAT(clock("low: 1 typical: 4 high: 3" + rest), HasSubstr("which are not in order"));
  EXPECT_THAT(clock("low: 0 typical: 1 high: 3" + rest),
              HasSubstr("has low 0, it must be above zero"));
}

TEST_F(MachineTest, SizesHaveSourcesAndRanges) {
  EXPECT_EQ(errorOf("engine {\n  sizes { data_rows: 128 }\n}"),
            "m.textproto:4: engine.sizes.source: is missing; say where the numbers beside it come "
            "from");
  auto sizes = [&](const std::string &text) {
    return errorOf("engine { sizes { source: \"x\" " + text + " } }");
  };
  EXPECT_THAT(sizes("vector_size: 32"),
              HasSubstr("engine.sizes.vector_size: is 32, must be from 16 to 16"));
  EXPECT_THAT(sizes("data_rows: 0"), HasSubstr("data_rows: is 0, must be from 16 to 4096"));
  EXPECT_THAT(sizes("aux_rows: -1"), HasSubstr("aux_rows: is -1, must be from 1 to 256"));
  EXPECT_THAT(sizes("max_n: 1000"), HasSubstr("max_n: is 1000, must be a multiple of 16"));
  EXPECT_THAT(sizes("accumulator_bits: 16"),
              HasSubstr("is 16, but semantics CORRECTED is defined for 32"));
  EXPECT_THAT(sizes("sfu_fraction_bits: 10"), HasSubstr("is defined for 14"));
  EXPECT_THAT(errorOf("engine { semantics: PUBLISHED }"),
              HasSubstr("is 32, but semantics PUBLISHED is defined for 16"));
  EXPECT_THAT(errorOf("engine { semantics: SEMANTICS_UNSPECIFIED }"),
              HasSubstr("engine.semantics: must be PUBLISHED or CORRECTED"));
  EXPECT_THAT(errorOf("engine { timing { source: \"x\" beat_bytes: 3 } }"),
              HasSubstr("engine.timing.beat_bytes: is 3, must divide the 16 bytes of a row"));
  EXPECT_THAT(errorOf("description: \"\""), HasSubstr("m.textproto:3: description: is empty"));
}

TEST_F(MachineTest, MissingFields) {
  write("empty", "name: \"empty\"");
  EXPECT_EQ(message(Machine::load("empty", path).status()),
            "empty.textproto: profile: is missing; set it in the file or in its base");
  EXPECT_THAT(errorOf("tiers { name: \"flash\" technology: RRAM }"),
              HasSubstr("m.textproto:3: tiers[flash].base_address: is missing"));
  EXPECT_THAT(errorOfEdit("  burst_overhead: 5\n", ""),
              HasSubstr("engine.timing.burst_overhead: is missing"));
}

TEST_F(MachineTest, Tiers) {
  auto rram = [&](const std::string &text) {
    return errorOf("tiers { name: \"rram\" source: \"x\" " + text + " }");
  };
  EXPECT_THAT(rram("capacity: 0"),
              HasSubstr("tiers[rram].capacity: is 0, must be a multiple of 16 above 0"));
  EXPECT_THAT(rram("capacity: 24"), HasSubstr("is 24, must be a multiple of 16"));
  EXPECT_THAT(rram("base_address: 8"),
              HasSubstr("tiers[rram].base_address: is 8, must be a multiple of 16"));
  EXPECT_THAT(rram("base_address: 0xfffffff0"),
              HasSubstr("is 16777216 from address 4294967280, which ends past the 32-bit map"));
  EXPECT_THAT(rram("capacity: 0xfffffffffffffff0"), HasSubstr("ends past the 32-bit map"));
  EXPECT_THAT(rram("base_address: 0x80000000"),
              HasSubstr("tiers[dram].base_address: is 2147483648 with 1073741824 bytes, which "
                        "overlaps tier 'rram' at 2147483648 with 16777216"));
  EXPECT_THAT(rram("bits_per_cell: 4"), HasSubstr("bits_per_cell: is 4, must be from 1 to 3"));
  EXPECT_THAT(rram("technology: DRAM"),
              HasSubstr("tiers[rram].bits_per_cell: is 2, only RRAM has more than 1"));
  EXPECT_THAT(rram("technology: TECHNOLOGY_UNSPECIFIED"), HasSubstr("must be SRAM, RRAM or DRAM"));
  EXPECT_THAT(rram("persistent: false"),
              HasSubstr("is false, but RRAM and DRAM have an image in the stream"));
  EXPECT_THAT(errorOf("tiers { name: \"sram\" persistent: true }"),
              HasSubstr("is true, but SRAM has no image in the stream"));
  EXPECT_THAT(rram("cell_error_rate { low: 0 typical: 0 high: 2 unit: \"1\" source: \"x\" }"),
              HasSubstr("is up to 2, a probability is at most 1"));
  // Errors by level.
  auto levels = [&](const std::string &down, const std::string &up, const std::string &more = "") {
    return rram("cell_error_rate { low: 0.1 typical: 0.1 high: 0.1 unit: \"1\" source: \"x\" } "
                "cell_levels { down: [" +
                down + "] up: [" + up + "] source: \"x\" }" + more);
  };
  EXPECT_EQ(levels("0, 0.1, 0.1, 0", "0, 0.2, 0, 0"), "no error");
  EXPECT_THAT(levels("0, 0.1", "0.3, 0"),
              HasSubstr("tiers[rram].cell_levels: has 2 down and 2 up, cells of 2 bits have 4"));
  EXPECT_THAT(levels("0, 0.1, 0.1, 0", "0, 0.2, 0"), HasSubstr("has 4 down and 3 up"));
  EXPECT_THAT(levels("0.1, 0.1, 0.1, 0", "0, 0.1, 0, 0"),
              HasSubstr("the lowest level goes down or the highest up"));
  EXPECT_THAT(levels("0, 0.1, 0.1, 0", "0, 0.1, 0, 0.1"),
              HasSubstr("the lowest level goes down or the highest up"));
  EXPECT_THAT(levels("0, 0.1, -0.1, 0", "0, 0.3, 0.1, 0"),
              HasSubstr("level 2 has -0.1 down and 0.1 up, which are no probabilities"));
  EXPECT_THAT(levels("0, nan, 0.1, 0", "0, 0.3, 0.1, 0"), HasSubstr("level 1 has nan down"));
  EXPECT_THAT(levels("0, 0.5, 0, 0", "0, 0.6, 0, 0"), HasSubstr("which are no probabilities"));
  EXPECT_THAT(levels("0, 0.1, 0.1, 0", "0, 0.3, 0, 0"),
              HasSubstr("has a mean of 0.125 over its levels, but cell_error_rate is 0.1"));
  EXPECT_THAT(levels("0, 0.4", "0, 0", " technology: SRAM bits_per_cell: 1 persistent: false"),
              HasSubstr("cell_levels: is set, only RRAM has cells of several levels"));
  EXPECT_THAT(errorOf("tiers { name: \"rram\" cell_levels { down: 0 up: 0 } }"),
              HasSubstr("tiers[rram].cell_levels.source: is missing"));
  EXPECT_THAT(rram("allows: ACTIVATION"), HasSubstr("every inference would wear out RRAM"));
  EXPECT_THAT(rram("allows: TASK allows: TASK"), HasSubstr("names TASK twice"));
  EXPECT_THAT(rram("allows: DATA_KIND_UNSPECIFIED"), HasSubstr("must name BACKBONE, TASK"));
  EXPECT_THAT(rram("allows: TASK"), HasSubstr("tiers: none allows BACKBONE"));
  EXPECT_THAT(errorOf("tiers { name: \"sram\" allows: INACTIVE_TASK }"),
              HasSubstr("inactive tasks rest in a memory with an image"));
  EXPECT_THAT(errorOfEdit("name: \"rram\"", "name: \"Big RRAM\""),
              HasSubstr("tiers[Big RRAM].name: is \"Big RRAM\", must be lower-case letters"));
  EXPECT_THAT(errorOf("tiers { name: \"rram\" }\ntiers { name: \"rram\" }"),
              HasSubstr("tiers[rram].name: is the name of two tiers"));
  EXPECT_THAT(errorOfEdit("tiers {\n  name: \"rram\"", "tiers {\n  name: \"sram\""),
              HasSubstr("tiers[sram].name: is the name of two tiers"));
}

TEST_F(MachineTest, ErrorsByLevelGoWithTheirRate) {
  Machine base = *Machine::load("edgebert-rram", path);
  const Tier &rram = *base.findTier("rram");
  EXPECT_EQ(rram.levelErrors.down.size(), 4u);
  EXPECT_NEAR(rram.levelErrors.mean(), rram.cellErrorRate.typical,
              0.01 * rram.cellErrorRate.typical);
  EXPECT_THAT(rram.levelSource, HasSubstr("NVMExplorer"));
  EXPECT_THAT(describeMachine(base), HasSubstr("of its levels up     0 1.74e-08 0 0 ["));
  LevelErrors scaled = rram.errorsAt(1e-3);
  EXPECT_NEAR(scaled.mean(), 1e-3, 1e-9);
  EXPECT_EQ(scaled.down[1], 0);
  EXPECT_NEAR(scaled.up[1] / scaled.down[2], 1.74 / 1.42, 1e-9);
  // Another rate, without levels: every step is as likely.
  write("other", "base: \"edgebert-rram\" name: \"other\" tiers { name: \"rram\" cell_error_rate { "
                 "low: 0.1 typical: 0.1 high: 0.1 unit: \"1\" source: \"x\" } }");
  absl::StatusOr<Machine> other = Machine::load("other", path);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_TRUE(other->findTier("rram")->levelErrors.down.empty());
  EXPECT_EQ(other->findTier("rram")->errorsAt(0.1).up, LevelErrors::uniform(2, 0.1).up);
  EXPECT_THAT(describeMachine(*other), testing::Not(HasSubstr("of its levels")));
  // Other fields leave them, and other levels replace them whole.
  write("faster", "base: \"edgebert-rram\" name: \"faster\" tiers { name: \"rram\" cell_order: "
                  "\"natural\" cell_levels { down: [0, 0, 0, 1.58e-8] up: [0, 1.58e-8, 0, 0] "
                  "source: \"x\" } }");
  absl::StatusOr<Machine> faster = Machine::load("faster", path);
  ASSERT_TRUE(faster.ok()) << faster.status();
  EXPECT_EQ(faster->findTier("rram")->levelErrors.down, (std::vector<double>{0, 0, 0, 1.58e-8}));
}

TEST_F(MachineTest, TooMany) {
  // 17 tiers and 17 points: one more than the instructions' fields can name.
  Machine machine = *Machine::load("edgebert", path);
  std::string text = machine.text();
  size_t tier = text.find("tiers {"), points = text.find("points {");
  std::string one = text.substr(tier, points - tier);
  std::string many;
  for (int i = 0; i != 17; ++i)
    many += one;
  EXPECT_THAT(
      message(Machine::parse(text.substr(0, tier) + many + text.substr(points), "x").status()),
      HasSubstr("tiers: are 17, at most 16"));
  EXPECT_THAT(
      message(Machine::parse(text + text.substr(points) + text.substr(points), "x").status()),
      HasSubstr("points: are 21, at most 16"));
  // Points may be absent.
  EXPECT_TRUE(Machine::parse(text.substr(0, points), "x").ok());
}

TEST_F(MachineTest, Points) {
  auto point = [&](const char *clock, const char *ratio) {
    return errorOf(absl::StrCat(
        "points {\n  voltage { low: 1 typical: 1 high: 1 unit: \"V\" source: \"x\" }\n  clock { "
        "low: 1 "
        "typical: ",
        clock, " high: 2e9 unit: \"Hz\" source: \"x\" }\n  energy_ratio { low: 0.1 typical: ",
        ratio, " high: 2 unit: \"1\" source: \"x\" } }"));
  };
  EXPECT_EQ(point("1e9", "1"), "no error");
  EXPECT_THAT(point("1e9", "0.5"),
              HasSubstr("m.textproto:6: points[0].energy_ratio: is 0.5, must be 1"));
  EXPECT_THAT(point("2e9", "1"), HasSubstr("points[0].clock: is 2e+09, but engine.clock is 1e+09"));
}

} // namespace
