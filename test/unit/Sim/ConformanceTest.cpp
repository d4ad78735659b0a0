//===- ConformanceTest.cpp - the published engine and its vectors ----------===//
#include "../Golden.h"
#include "aac/Sim/Published.h"

#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sys/wait.h>
#include <unistd.h>

using namespace aac;
using namespace aac::sim;
using testing::HasSubstr;

namespace {

TEST(Published, ConversionsKeepTheirQuirks) {
  EXPECT_EQ(published::toFixed(0x80, 3), 0);
  EXPECT_EQ(published::toFixed(0x7f, 7), 31 << 10);
  EXPECT_EQ(published::toFixed(0x81, 0), -1); // 17 >> 4: truncated magnitude
  EXPECT_EQ(published::toCode(-32768, 10, 0), 0x7f) << "a large negative loses its sign";
  // Halves round toward +infinity: +-16.5 and +-17.5 quarters of a step.
  EXPECT_EQ(published::toCode(33, 10, 0), 0x51);
  EXPECT_EQ(published::toCode(-33, 10, 0), 0xd0);
  EXPECT_EQ(published::multiply(0x7f, 0x7f), static_cast<int16_t>(3968 * 3968));
  EXPECT_EQ(published::inverseSqrt(0), -1);
  EXPECT_EQ(published::inverseSqrt(1024), 1023); // 1/sqrt(1), piecewise linear
}

class ConformanceTest : public testing::Test {
protected:
  ConformanceTest() {
    folder = std::filesystem::path(testing::TempDir()) /
             absl::StrCat("aac-conformance-", ::getpid(), "-",
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder);
  }
  ~ConformanceTest() override { std::filesystem::remove_all(folder); }

  int run(const std::string &arguments, std::string &text) {
    std::string command = absl::StrCat("cd '", folder.string(), "' && '", AAC_BINARY_DIR,
                                       "/bin/aac-sim' conformance ", arguments, " 2>&1");
    std::FILE *pipe = ::popen(command.c_str(), "r");
    char buffer[4096];
    text.clear();
    while (size_t size = std::fread(buffer, 1, sizeof(buffer), pipe))
      text.append(buffer, size);
    return WEXITSTATUS(::pclose(pipe));
  }
  std::filesystem::path folder;
};

TEST_F(ConformanceTest, CountsAndNamesFailures) {
  ASSERT_TRUE(writeFileAtomically((folder / "a.jsonl").string(),
                                  R"({"t":"af8_to_fx10","bias":7,"code":"7f","value":31744}
{"t":"af8_to_fx10","bias":7,"code":"7f","value":5}

{"t":"af8_to_fx10","bias":8,"code":"7f","value":5}
{"t":"fx10_to_af8","bias":0,"code":"7","value":5}
{"id":"x","op":"divide"}
{"id":"y","op":"matmul","N0":16}
[1]
{"t":"fx10_to_af8","bias":0,"value":-32768,"code":"7f"}
)")
                  .ok());
  std::string text;
  EXPECT_EQ(run("a.jsonl", text), 1);
  EXPECT_THAT(text, testing::EndsWith("2 passed, 6 failed\n"));
  for (const char *part :
       {"a.jsonl:2: value is 31744, expected 5", "a.jsonl:4: field 'bias' is not an integer from",
        "a.jsonl:5: field 'code' is not hex", "a.jsonl:6: x: unknown operation \"divide\"",
        "a.jsonl:7: y: no field 'N1'", "a.jsonl:8: not a JSON object"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_EQ(run("missing.jsonl", text), 1);
  EXPECT_EQ(run("", text), 2);
}

TEST_F(ConformanceTest, RegisterStreamsAndCycles) {
  std::string sum =
      R"({"op":"elemadd","num_vector":1,"num_timestep":1,"adpbias_act1":0,"adpbias_act2":0,)"
      R"("adpbias_act3":0,"memory":1,"base_output":512,"base_input":[0,1],"base_input_offset":[0,0],)"
      R"("in_data_hex":"","in_mask_hex":"00000000","C_data_hex":"","C_mask_hex":"0000","C_hex":")" +
      std::string(32, '0') + "\",";
  std::string stream =
      R"({"dram_before":[{"addr":"0x100","hex":"00112233445566778899aabbccddeeff"}],)"
      R"("commands":["w 0x40 0","w 0x30 0x100","w 0x04 3","irq","w 0x48 0","w 0x4c 1",)"
      R"("w 0x34 0x200","w 0x04 4","irq"],"dram_after":[{"addr":"0x200","hex":"0011)";
  ASSERT_TRUE(
      writeFileAtomically(
          (folder / "a.jsonl").string(),
          absl::StrCat(sum, "\"cycles_start_to_irq\":41}\n", sum, "\"cycles_start_to_irq\":60}\n",
                       sum, "\"cycles_loads_stores\":{\"store_mask\":17,\"store_data\":18}}\n", sum,
                       "\"cycles_loads_stores\":{\"load_data0\":17}}\n", stream, "\"}]}\n", stream,
                       "23\"}]}\n", R"({"dram_before":[],"commands":["irq"],"dram_after":[]})",
                       "\n", R"({"dram_before":[],"commands":["w 1"],"dram_after":[]})", "\n",
                       R"({"dram_before":[{"hex":"00"}],"commands":[],"dram_after":[]})", "\n"))
          .ok());
  std::string text;
  EXPECT_EQ(run("a.jsonl", text), 1);
  EXPECT_THAT(text, testing::EndsWith("3 passed, 6 failed\n"));
  for (const char *part :
       {"a.jsonl:2: cycles_start_to_irq: the timing model says 41 cycles, 60 observed",
        "a.jsonl:4: field 'cycles_loads_stores' has a transfer 'load_data0'",
        "a.jsonl:6: dram_after[0]: external memory at 0x200: byte 2 is 0x22, expected 0x23",
        "a.jsonl:7: command 0 (irq): the interrupt never comes",
        "a.jsonl:8: command 0 (w 1): 'w 1' is", "a.jsonl:9: dram_before[0]: no field 'addr'"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_EQ(run("a.jsonl --machine=none", text), 1);
  EXPECT_THAT(text, HasSubstr("none"));
}

TEST_F(ConformanceTest, EveryVectorOfTheCorrectedEnginePasses) {
  std::string text; // made by test/Sim/golden.py
  EXPECT_EQ(run("'" AAC_SOURCE_DIR "/test/Sim/Inputs/corrected.jsonl'", text), 0) << text;
  EXPECT_THAT(text, HasSubstr("CORRECTED records ran on "));
  EXPECT_THAT(text, testing::EndsWith("\n165 passed, 0 failed\n"));
}

TEST_F(ConformanceTest, EveryMadeVectorOfThePublishedEnginePasses) {
  std::string text; // made by test/Sim/published.py
  EXPECT_EQ(run("'" AAC_SOURCE_DIR "/test/Sim/Inputs/published.jsonl'", text), 0) << text;
  EXPECT_EQ(text, "12 passed, 0 failed\n");
}

TEST_F(ConformanceTest, EveryObservedVectorPasses) {
  if (!std::filesystem::exists(goldenFile("matmul")))
    GTEST_SKIP() << noGoldenFiles();
  for (const char *name : {"matmul", "elemadd", "layernorm", "registers", "convert"}) {
    std::string text;
    EXPECT_EQ(run(absl::StrCat("'", goldenFile(name).string(), "'"), text), 0) << text;
    EXPECT_THAT(text, HasSubstr(" passed, 0 failed"));
  }
}

} // namespace
