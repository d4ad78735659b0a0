//===- InstallTest.cpp - find_package(aac COMPONENTS core) ----------------===//
//
// Installs the core to a temporary prefix, builds docs/examples/run_stream against it, and runs
// that on a stream.
//
//===----------------------------------------------------------------------===//
#include "aac/Machine/Machine.h"
#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"
#include "aac/Support/Npz.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace aac;
using isa::Field;
using isa::Instruction;
using isa::Opcode;
using testing::HasSubstr;

namespace {

/// Exit code, and what was printed.
std::pair<int, std::string> shell(const std::string &command) {
  std::FILE *pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string text;
  char buffer[4096];
  while (size_t size = std::fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, size);
  return {WEXITSTATUS(::pclose(pipe)), text};
}

/// One task that looks two tokens up in a table of two rows of 16 codes.
std::string smallStream() {
  auto machine = Machine::load("edgebert", {std::string(AAC_SOURCE_DIR) + "/machines"});
  EXPECT_TRUE(machine.ok()) << machine.status();
  constexpr int64_t dram = 0x80000000;
  Stream stream;
  stream.machineName = machine->name;
  stream.machine = machine->text();
  Task task;
  task.name = "tiny";
  task.inputs = {{"ids", ElementType::I64, {1, 2}}};
  task.outputs = {{"y", ElementType::F32, {2, 16}}};
  task.runProgram = 0;
  stream.tasks = {task};
  stream.switchTo = {-1, -1};
  std::vector<uint8_t> table(32, 0x70); // 1 at bias 3
  std::fill_n(table.begin() + 16, 16, 0x78);
  stream.images.push_back({"dram", dram, 1, table});
  auto sized = [](Opcode op) {
    return Instruction(op).set(Field::Timesteps, 2).set(Field::Columns, 16).set(Field::Bias, 3);
  };
  Program program{"run_tiny", ProgramRole::Run, 1, {}, {}};
  program.code = {Instruction(Opcode::TaskBegin),
                  sized(Opcode::HostGather).set(Field::Table, dram).set(Field::TableRows, 2),
                  sized(Opcode::HostEmit).set(Field::OutAddress, dram + 4096),
                  sized(Opcode::HostOutput).set(Field::Address, dram + 4096),
                  Instruction(Opcode::TaskEnd)};
  stream.programs = {program};
  auto bytes = serialize(stream);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.ok() ? *bytes : "";
}

TEST(Install, TheExampleBuildsAgainstItAndRunsAStream) {
  std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / absl::StrCat("aac-install-", ::getpid());
  std::filesystem::create_directories(folder);
  std::string at = folder.string(), cmake = AAC_CMAKE;
  auto must = [&](const std::string &command) {
    auto [code, text] = shell(command);
    ASSERT_EQ(code, 0) << command << "\n" << text;
  };
  must(absl::StrCat("'", cmake, "' --install '", AAC_BINARY_DIR, "' --prefix '", at,
                    "/prefix' --component core"));
  std::string configure =
      absl::StrCat("'", cmake, "' -G '", AAC_GENERATOR, "' -DCMAKE_MAKE_PROGRAM='",
                   AAC_MAKE_PROGRAM, "' -DCMAKE_CXX_COMPILER='", AAC_CXX, "' -DCMAKE_CXX_FLAGS='",
                   AAC_CXX_FLAGS, "' -DCMAKE_PREFIX_PATH='", at, "/prefix' ");
  must(absl::StrCat(configure, "-S '", AAC_SOURCE_DIR, "/docs/examples/run_stream' -B '", at,
                    "/example'"));
  must(absl::StrCat("'", cmake, "' --build '", at, "/example'"));

  ASSERT_TRUE(writeFileAtomically(at + "/s.aacs", smallStream()).ok());
  ASSERT_TRUE(writeNpz(at + "/x.npz", {NpyArray::fromInts("ids", {1, 2}, {1, 0})}).ok());
  std::string example = absl::StrCat("cd '", at, "' && example/run_stream ");
  must(example + "s.aacs x.npz y.npz");
  auto outputs = readNpz(at + "/y.npz");
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  std::vector<float> y = *outputs->front().toFloats();
  ASSERT_EQ(y.size(), 32u);
  EXPECT_EQ(y[0], 1.5f);
  EXPECT_EQ(y[16], 1.0f);
  auto [code, text] = shell(example + "x.npz x.npz z.npz");
  EXPECT_EQ(code, 1);
  EXPECT_THAT(text, HasSubstr("run_stream: "));

  // What is installed is whole without the source tree, and has this one component.
  must(absl::StrCat("'", at, "/prefix/bin/aac-sim' check '", at, "/s.aacs'"));
  EXPECT_TRUE(std::filesystem::exists(folder / "prefix/share/aac/machines/edgebert.textproto"));
  ASSERT_TRUE(writeFileAtomically(at + "/CMakeLists.txt",
                                  "cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES CXX)\n"
                                  "find_package(aac REQUIRED COMPONENTS compiler)\n")
                  .ok());
  auto [refused, why] = shell(absl::StrCat(configure, "-S '", at, "' -B '", at, "/other'"));
  EXPECT_NE(refused, 0);
  EXPECT_THAT(why, HasSubstr("aac has no component compiler, only core"));
  std::filesystem::remove_all(folder);
}

} // namespace
