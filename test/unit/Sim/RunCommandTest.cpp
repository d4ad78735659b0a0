//===- RunCommandTest.cpp - the command line of aac-sim run ----------------===//
#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"
#include "aac/Support/Npz.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <sys/wait.h>

using namespace aac;
using isa::Field;
using isa::Instruction;
using isa::Opcode;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr int64_t kDram = 0x80000000;

struct Outcome {
  int code;
  std::string text; ///< standard output and error
};

class RunCommandTest : public testing::Test {
protected:
  RunCommandTest() {
    folder = std::filesystem::path(testing::TempDir()) /
             absl::StrCat("aac-sim-run-", ::getpid(), "-",
                          testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder);
    // One task that looks four tokens up in a table of three rows of 16 codes.
    auto machine = Machine::load("edgebert", {std::string(AAC_SOURCE_DIR) + "/machines"});
    EXPECT_TRUE(machine.ok()) << machine.status();
    Stream stream;
    stream.machineName = machine->name;
    stream.machine = machine->text();
    Task task;
    task.name = "tiny";
    task.inputs = {{"ids", ElementType::I64, {1, 4}}};
    task.outputs = {{"y", ElementType::F32, {4, 16}}};
    task.runProgram = 0;
    stream.tasks = {task};
    stream.switchTo = {-1, -1};
    std::vector<uint8_t> table(48);
    for (size_t i = 0; i < table.size(); ++i)
      table[i] = static_cast<uint8_t>(0x70 + i / 16); // 1, 17/16, 18/16 at bias 3
    stream.images.push_back({"dram", kDram, 1, table});
    auto sized = [](Opcode op) {
      return Instruction(op).set(Field::Timesteps, 4).set(Field::Columns, 16).set(Field::Bias, 3);
    };
    Program program{"run_tiny", ProgramRole::Run, 1, {}, {}};
    program.code = {Instruction(Opcode::TaskBegin),
                    sized(Opcode::HostGather).set(Field::Table, kDram).set(Field::TableRows, 3),
                    sized(Opcode::HostEmit).set(Field::OutAddress, kDram + 4096),
                    sized(Opcode::HostOutput).set(Field::Address, kDram + 4096),
                    Instruction(Opcode::TaskEnd)};
    stream.programs = {program};
    auto bytes = serialize(stream);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_TRUE(writeFileAtomically(path("s.aacs"), *bytes).ok());
    EXPECT_TRUE(writeNpz(path("x.npz"), {NpyArray::fromInts("ids", {1, 4}, {0, 1, 2, 1}),
                                         NpyArray::fromInts("in.1.ids", {1, 4}, {2, 2, 2, 2})})
                    .ok());
  }
  ~RunCommandTest() override { std::filesystem::remove_all(folder); }

  std::string path(const char *name) const { return (folder / name).string(); }
  Outcome run(const std::string &arguments) { return tool("run " + arguments); }
  Outcome tool(const std::string &arguments) {
    std::string command =
        absl::StrCat("cd '", folder.string(), "' && AAC_MACHINES='", AAC_SOURCE_DIR, "/machines' '",
                     AAC_BINARY_DIR, "/bin/aac-sim' ", arguments, " 2>&1");
    Outcome outcome{-1, ""};
    std::FILE *pipe = ::popen(command.c_str(), "r");
    char buffer[4096];
    while (size_t size = std::fread(buffer, 1, sizeof(buffer), pipe))
      outcome.text.append(buffer, size);
    outcome.code = WEXITSTATUS(::pclose(pipe));
    return outcome;
  }
  std::vector<float> output() {
    auto arrays = readNpz(path("y.npz"));
    EXPECT_TRUE(arrays.ok()) << arrays.status();
    if (!arrays.ok() || arrays->size() != 1)
      return {};
    EXPECT_EQ(arrays->front().name, "y");
    EXPECT_EQ(arrays->front().shape, (std::vector<int64_t>{4, 16}));
    return *arrays->front().toFloats();
  }
  std::filesystem::path folder;
};

TEST_F(RunCommandTest, WritesOutputsTraceAndReport) {
  Outcome outcome = run("s.aacs --machine=edgebert --task=tiny --input=x.npz -o y.npz "
                        "--trace=t.json --report=r.json");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_THAT(outcome.text, HasSubstr("y [4x16]: 1 1 1 1 1 1 1 1 ..."));
  EXPECT_THAT(outcome.text, HasSubstr("cycles"));
  std::vector<float> y = output();
  ASSERT_EQ(y.size(), 64u);
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[16], 1.0625f);
  EXPECT_EQ(y[32], 1.125f);
  for (const char *name : {"t.json", "r.json"}) {
    auto json = nlohmann::json::parse(*readFile(path(name)), nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << name;
    EXPECT_TRUE(json.contains("traceEvents") || json["schema"] == "aac-report/1");
    if (json.contains("simulation")) {
      EXPECT_EQ(json["simulation"]["saturations"], 0);
    }
  }
}

TEST_F(RunCommandTest, ACaseChoosesItsArrays) {
  Outcome outcome = run("s.aacs --input=x.npz --case=1 -o y.npz");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_EQ(output().at(0), 1.125f);
  outcome = run("s.aacs --input=x.npz --case=2");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.text, HasSubstr("aac-sim: error: 'x.npz' holds no array 'in.2.<name>'"));
}

TEST_F(RunCommandTest, ThreadsAndStopwatch) {
  Outcome outcome = run("s.aacs --input=x.npz --threads=2 --stopwatch -o y.npz");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_THAT(outcome.text, HasSubstr("simulated in 0."));
  EXPECT_THAT(outcome.text, HasSubstr("million cycles a second"));
  EXPECT_THAT(run("s.aacs --input=x.npz").text, Not(HasSubstr("simulated in")));
}

/// What the simulator catches, in streams that were assembled from text: each fault names
/// instruction, operation and ONNX node.
TEST_F(RunCommandTest, CatchesNameInstructionOperationAndNode) {
  absl::StatusOr<Stream> stream = deserialize(*readFile(path("s.aacs")));
  ASSERT_TRUE(stream.ok()) << stream.status();
  stream->locations = {{"/ffn/MatMul;/ffn/Add", "linear", "layer"}, {"/out", "output", "head"}};
  stream->images.push_back({"dram", kDram + 65536, 1, std::vector<uint8_t>(65536, 0xff)});
  stream->images.push_back({"dram", kDram + 131072, 1, std::vector<uint8_t>(65536, 0x7f)});
  std::vector<Instruction> plain = stream->programs[0].code;
  auto outcomeOf = [&](std::vector<Instruction> code, const char *more) {
    Program &program = stream->programs[0];
    program.code = {plain.front()};
    program.code.insert(program.code.end(), code.begin(), code.end());
    program.code.insert(program.code.end(), plain.begin() + 1, plain.end());
    program.location.assign(program.code.size(), 1);
    std::fill_n(program.location.begin() + 1, code.size(), 0);
    auto text = disassemble(*serialize(*stream));
    EXPECT_TRUE(text.ok()) << text.status();
    EXPECT_TRUE(writeFileAtomically(path("c.txt"), *text).ok());
    Outcome assembled = tool("as c.txt -o c.aacs");
    EXPECT_EQ(assembled.code, 0) << assembled.text;
    return run(absl::StrCat("c.aacs --input=x.npz ", more));
  };
  auto load = [](Opcode opcode, int64_t memory, int64_t count, int64_t address) {
    return Instruction(opcode)
        .set(Field::Memory, memory)
        .set(opcode == Opcode::LoadMask ? Field::Words : Field::Rows, count)
        .set(Field::Address, address)
        .set(Field::Chunks, 1);
  };
  auto matmul = Instruction(Opcode::MatMul)
                    .set(Field::N0, 16)
                    .set(Field::N1, 16)
                    .set(Field::M, 4080)
                    .set(Field::OutBase, 4080)
                    .set(Field::OutBias, 0);
  std::vector<Instruction> overflow = {load(Opcode::LoadMask, 0, 4080, kDram + 65536),
                                       load(Opcode::LoadMask, 1, 4080, kDram + 65536),
                                       load(Opcode::LoadData, 0, 4080, kDram + 131072),
                                       load(Opcode::LoadData, 1, 4080, kDram + 131072), matmul};
  Outcome outcome = outcomeOf(overflow, "--report=r.json");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  for (const char *part :
       {"saturated results: 256\n  256 at layer linear '/ffn/MatMul', first in instruction 5 of ",
        "accumulator overflows: 256\n  256 at layer linear '/ffn/MatMul', first in instruction 5 "
        "of "})
    EXPECT_THAT(outcome.text, HasSubstr(part));
  auto json = nlohmann::json::parse(*readFile(path("r.json")));
  const auto &locations = json["simulation"]["locations"];
  ASSERT_EQ(locations.size(), 2u);
  EXPECT_EQ(locations[0]["accumulator_overflows"], 256);
  EXPECT_EQ(locations[0]["first_overflow"]["instruction"], 5);
  EXPECT_EQ(locations[0]["first_overflow"]["program"], "run_tiny");
  EXPECT_THAT(std::string(locations[0]["first_saturation"]["text"]), HasSubstr("matmul"));
  EXPECT_EQ(locations[1]["accumulator_overflows"], 0);
  EXPECT_FALSE(locations[1].contains("first_overflow"));

  auto expect = [&](std::vector<Instruction> code, const char *message) {
    Outcome outcome = outcomeOf(std::move(code), "");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.text, HasSubstr("task 'tiny': program 'run_tiny': instruction "));
    EXPECT_THAT(outcome.text, HasSubstr(" of layer linear '/ffn/MatMul': "));
    EXPECT_THAT(outcome.text, HasSubstr(message));
  };
  expect({load(Opcode::LoadData, 0, 16, kDram + 1024)},
         "read of address 0x80000400 of tier 'dram', which nothing has written");
  expect({load(Opcode::LoadData, 0, 16, 0x1000)}, "address 0x1000 is in no tier");
  expect({matmul}, "read of word 0 of mask memory 0, which nothing has written");
  expect({load(Opcode::LoadData, 0, 4000, kDram + 131072).set(Field::Row, 1000)},
         "rows 1000 to 4999 are outside data memory 0 of 4096 rows");

  // Hazards and overlaps are the checker's: it follows what may run side by side.
  auto checked = [&](std::vector<Instruction> code, const char *message) {
    outcomeOf(std::move(code), "");
    Outcome outcome = tool("check c.aacs");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.text, HasSubstr("c.aacs: program run_tiny: instruction "));
    EXPECT_THAT(outcome.text, HasSubstr("/ffn/MatMul [linear, layer]"));
    EXPECT_THAT(outcome.text, HasSubstr(message));
  };
  checked(overflow, "(load_data) of /ffn/MatMul [linear, layer] may still be writing; a wait");
  overflow.insert(overflow.end() - 1, Instruction(Opcode::Wait).set(Field::Units, 1));
  overflow.back().set(Field::OutBase, 0);
  checked(overflow, "result and operand overlap in ");
}

TEST_F(RunCommandTest, Faults) {
  Outcome outcome = run("s.aacs --input=x.npz --faults=seed:1,rate:0.5 -o y.npz");
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_THAT(outcome.text, HasSubstr("faults: no image lies in cells that fail")); // DRAM alone
  EXPECT_EQ(output().at(16), 1.0625f);
  outcome = run("s.aacs --input=x.npz --faults=rate:0.5");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.text, HasSubstr("aac-sim: error: faults: no seed; as seed:1"));
}

TEST_F(RunCommandTest, WrongInputsExitWith1) {
  auto expect = [&](const std::string &arguments, const char *message) {
    Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 1) << outcome.text;
    EXPECT_THAT(outcome.text, HasSubstr(message));
    EXPECT_FALSE(std::filesystem::exists(path("y.npz")));
  };
  expect("s.aacs --task=mnli --input=x.npz -o y.npz",
         "the stream has no task 'mnli'; it has 'tiny'");
  expect("s.aacs --machine=edgebert-rram --input=x.npz -o y.npz",
         "was compiled for machine 'edgebert'");
  expect("missing.aacs --input=x.npz -o y.npz", "missing.aacs");
  expect("x.npz --input=x.npz -o y.npz", "x.npz: ");
  ASSERT_TRUE(writeNpz(path("bad.npz"), {NpyArray::fromInts("ids", {1, 4}, {0, 1, 3, 1})}).ok());
  expect("s.aacs --input=bad.npz -o y.npz", "task 'tiny': program 'run_tiny': instruction 1");
  expect("s.aacs --input=bad.npz -o y.npz",
         "element 2 of input 'ids' is 3; the table has rows 0 to 2");
}

TEST_F(RunCommandTest, UsageErrorsExitWith2) {
  for (const char *arguments :
       {"", "s.aacs", "s.aacs --input=x.npz --case=-1", "s.aacs --input=x.npz --threads=0",
        "s.aacs --input=x.npz --nonsense"})
    EXPECT_EQ(run(arguments).code, 2) << arguments;
  EXPECT_EQ(run("--help").code, 0);
}

} // namespace
