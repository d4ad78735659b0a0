//===- RegistersTest.cpp - the register map and both expansions -------------===//
#include "aac/Registers/Registers.h"

#include "aac/Support/File.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>

using namespace aac;
using namespace aac::registers;
using isa::Field;
using isa::Instruction;
using isa::Opcode;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

using Fields = std::vector<std::pair<Field, int64_t>>;

Instruction make(Opcode opcode, const Fields &values = {}) {
  Instruction in(opcode);
  if (in.has(Field::Chunks))
    in.set(Field::Chunks, 1);
  for (auto [field, value] : values)
    in.set(field, value);
  return in;
}

/// The expansion as text; notes as `# ...` only on demand; an error as its message.
std::vector<std::string> lines(const std::vector<Instruction> &code,
                               Semantics semantics = Semantics::Corrected, bool notes = false) {
  Program program;
  program.name = "p";
  program.code = code;
  auto expanded = expandProgram(program, semantics);
  if (!expanded.ok())
    return {std::string(expanded.status().message())};
  std::vector<std::string> text;
  for (const Line &line : *expanded)
    if (line.note.empty())
      text.push_back(print(line.command));
    else if (notes)
      text.push_back("# " + line.note);
  return text;
}

std::string error(const std::vector<Instruction> &code, Semantics semantics) {
  return lines(code, semantics).front();
}

Instruction matMul() {
  return make(Opcode::MatMul, {{Field::N0, 32},
                               {Field::N1, 48},
                               {Field::M, 64},
                               {Field::Relu, 1},
                               {Field::BiasEnable, 1},
                               {Field::WeightBias, -7},
                               {Field::Shift, 2},
                               {Field::OutBias, 1},
                               {Field::OutMemory, 1},
                               {Field::OutBase, 0xb60}});
}
Instruction load(int64_t memory, int64_t rows) {
  return make(Opcode::LoadData,
              {{Field::Memory, memory}, {Field::Rows, rows}, {Field::Address, 0x100000}});
}

TEST(Registers, CommandsReadAndPrint) {
  EXPECT_EQ(print(Command{false, 0x48, 0xb00}), "w 0x48 0x00000b00");
  EXPECT_EQ(print(Command{true, 0, 0}), "irq");
  EXPECT_EQ(*parse(" w 0x48 0x00000b00 "), (Command{false, 0x48, 0xb00}));
  EXPECT_EQ(*parse("w 72 2816"), (Command{false, 0x48, 0xb00}));
  EXPECT_EQ(*parse("irq"), (Command{true, 0, 0}));
  for (const char *line : {"", "r 0x5c", "w 0x48", "w 0x48 0x1 0x2", "w x 1", "w 1 0x100000000"})
    EXPECT_THAT(std::string(parse(line).status().message()),
                HasSubstr("is neither 'w ADDRESS DATA' nor 'irq'"));
}

// Words written out by hand from the published register layout, not from the table.
TEST(Registers, WordsOfThePublishedLayout) {
  EXPECT_THAT(lines({matMul()}),
              ElementsAre("w 0x48 0x00000b60", "w 0x50 0x00000000", "w 0x4c 0x00000000",
                          "w 0x58 0x00000081", "w 0x0c 0x0021f911", "w 0x08 0x00000001",
                          "w 0x14 0x00000000", "w 0x18 0x00000000", "w 0x10 0x0400c020",
                          "w 0x04 0x00000007", "irq"));
  EXPECT_THAT(lines({make(Opcode::LayerNorm, {{Field::Memory, 1},
                                              {Field::InBase, 0x123},
                                              {Field::OutBase, 0x640},
                                              {Field::Vectors, 2},
                                              {Field::Timesteps, 4},
                                              {Field::InBias, 6},
                                              {Field::OutBias, 5},
                                              {Field::GammaBase, 32},
                                              {Field::BetaBase, 64},
                                              {Field::GammaBias, 3},
                                              {Field::BetaBias, 2},
                                              {Field::PadLanes, 9}})}),
              ElementsAre("w 0x48 0x00000640", "w 0x4c 0x00000000", "w 0x08 0x00000001",
                          "w 0x50 0x00000001", "w 0x58 0x00000100", "w 0x54 0x00000001",
                          "w 0x1c 0x4c201000", "w 0x14 0x01230123", "w 0x18 0x00000000",
                          "w 0x20 0x95060402", "w 0x04 0x00000008", "irq"));
  EXPECT_THAT(lines({make(Opcode::Softmax, {{Field::Vectors, 1},
                                            {Field::Timesteps, 16},
                                            {Field::SpanBase, 127},
                                            {Field::SpanBias, 7}})}),
              testing::IsSupersetOf({"w 0x58 0x00000008", "w 0x54 0x00000002", "w 0x1c 0x0380007f",
                                     "w 0x20 0x00001001", "w 0x04 0x00000009"}));
  EXPECT_THAT(lines({make(Opcode::ElementAdd, {{Field::Memory, 1},
                                               {Field::InBase, 1},
                                               {Field::InBase1, 128},
                                               {Field::Vectors, 4},
                                               {Field::Timesteps, 3},
                                               {Field::InBias, 5},
                                               {Field::InBias1, 4},
                                               {Field::OutBias, 3}})}),
              testing::IsSupersetOf({"w 0x58 0x00000800", "w 0x54 0x00000004", "w 0x14 0x00800001",
                                     "w 0x20 0x03450304", "w 0x04 0x0000000a"}));
  EXPECT_THAT(lines({make(Opcode::Entropy, {{Field::Vectors, 4}, {Field::Threshold, -2}})}),
              testing::IsSupersetOf({"w 0x58 0x00000010", "w 0x54 0x00000008", "w 0x24 0x0001fffe",
                                     "w 0x20 0x00000104", "w 0x04 0x0000000b"}));
  EXPECT_THAT(lines({make(Opcode::StoreAux,
                          {{Field::Row, 3}, {Field::Rows, 256}, {Field::Address, 0x80000008}})}),
              ElementsAre("w 0x4c 0x00000001", "w 0x44 0x000000ff", "w 0x48 0x00000003",
                          "w 0x3c 0x80000008", "w 0x04 0x00000006", "irq"));
}

TEST(Registers, ChunksLoopsAndOverlap) {
  Instruction chunks = make(Opcode::LoadMask, {{Field::Memory, 1},
                                               {Field::Row, 16},
                                               {Field::Words, 16},
                                               {Field::Address, 0x1000},
                                               {Field::Chunks, 2},
                                               {Field::AddressStride, 64},
                                               {Field::RowStride, 32},
                                               {Field::LoopStride, 0x100}});
  std::vector<std::string> text =
      lines({make(Opcode::Loop, {{Field::Count, 2}}), chunks, make(Opcode::End)});
  EXPECT_THAT(text,
              ElementsAre("w 0x08 0x00000001", "w 0x40 0x0000000f", "w 0x48 0x00000010",
                          "w 0x28 0x00001000", "w 0x04 0x00000001", "irq", "w 0x48 0x00000030",
                          "w 0x28 0x00001040", "w 0x04 0x00000001", "irq", "w 0x08 0x00000001",
                          "w 0x40 0x0000000f", "w 0x48 0x00000010", "w 0x28 0x00001100",
                          "w 0x04 0x00000001", "irq", "w 0x48 0x00000030", "w 0x28 0x00001140",
                          "w 0x04 0x00000001", "irq"));
  // A transfer beside an operation: both run until one is awaited.
  Instruction wait = make(Opcode::Wait, {{Field::Units, 1}});
  text = lines({load(0, 16), matMul(), wait, load(1, 16)}, Semantics::Corrected, true);
  EXPECT_EQ(std::count(text.begin(), text.end(), "irq"), 3);
  EXPECT_EQ(std::find(text.begin(), text.end(), "irq") + 1,
            std::find(text.begin(), text.end(), "# wait units=1") - 1);
  EXPECT_THAT(text[0], HasSubstr("# load_data memory=0"));
}

TEST(Registers, ErrorsNameProgramInstructionAndReason) {
  Instruction narrow = matMul(), odd = load(0, 16), words = make(Opcode::LoadMask);
  narrow.set(Field::M, 8);
  EXPECT_THAT(error({narrow}, Semantics::Corrected),
              testing::AllOf(HasSubstr("program 'p': instruction 0 (matmul n0=32"),
                             HasSubstr("m is 8, no multiple of 16")));
  odd.set(Field::Address, 4);
  EXPECT_THAT(error({odd}, Semantics::Corrected), HasSubstr("address 0x4 is no multiple of the 8"));
  words.set(Field::Words, 6);
  EXPECT_THAT(error({words}, Semantics::Corrected),
              HasSubstr("6 mask words are no multiple of the 4 of a beat"));
  EXPECT_THAT(error({load(0, 0)}, Semantics::Corrected),
              HasSubstr("M_1 of register 0x40 is -1, not 0 to 4095"));
  EXPECT_THAT(error({make(Opcode::End)}, Semantics::Corrected), HasSubstr("end without loop"));
  Instruction loop = make(Opcode::Loop, {{Field::Count, 2}});
  EXPECT_THAT(error({loop}, Semantics::Corrected), HasSubstr("loop without end"));
  EXPECT_THAT(error({loop, loop}, Semantics::Corrected), HasSubstr("loops do not nest"));
  EXPECT_THAT(error({make(Opcode::Loop), make(Opcode::End)}, Semantics::Corrected),
              HasSubstr("a loop of no repetitions"));
}

TEST(Registers, PublishedRefusesWhatTheSourceCannotDo) {
  auto refused = [](Instruction in, const Fields &fields) {
    for (auto [field, value] : fields)
      in.set(field, value);
    return error({in}, Semantics::Published);
  };
  Instruction norm = make(Opcode::LayerNorm, {{Field::Vectors, 1}, {Field::Timesteps, 1}});
  Instruction soft = make(Opcode::Softmax, {{Field::Vectors, 1}, {Field::Timesteps, 3}});
  Instruction store = make(Opcode::StoreData, {{Field::Rows, 16}});
  EXPECT_THAT(refused(load(0, 16), {{Field::Row, 4}}), HasSubstr("a load to row 4"));
  EXPECT_THAT(refused(load(0, 16), {{Field::Chunks, 2}}), HasSubstr("several chunks"));
  EXPECT_THAT(refused(load(0, 129), {}), HasSubstr("129 rows"));
  EXPECT_THAT(refused(load(0, 2048), {}), HasSubstr("at most 1920"));
  EXPECT_THAT(refused(store, {{Field::Rows, 1152}}), HasSubstr("at most 1024"));
  EXPECT_THAT(refused(make(Opcode::LoadMask), {{Field::Words, 1028}}),
              HasSubstr("1028 mask words"));
  EXPECT_THAT(refused(make(Opcode::LoadAux), {{Field::Rows, 130}}),
              HasSubstr("130 auxiliary rows"));
  EXPECT_THAT(refused(make(Opcode::StoreAux), {}), HasSubstr("cannot store its auxiliary"));
  EXPECT_THAT(refused(norm, {{Field::PadLanes, 1}}), HasSubstr("padding lanes"));
  EXPECT_THAT(refused(norm, {{Field::OutBias, 1}}), HasSubstr("writes with in_bias"));
  EXPECT_THAT(refused(soft, {}), HasSubstr("more than two rows"));
  store.set(Field::Row, 16);
  EXPECT_THAT(error({matMul(), store}, Semantics::Published), HasSubstr("a store from 16"));
}

TEST(Registers, PublishedResetsBetweenOperations) {
  std::vector<std::string> text = lines({matMul(), matMul()}, Semantics::Published);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x00 0x00000001"), 1);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x48 0x00000b60"), 2);
  EXPECT_EQ(text[0], "w 0x48 0x00000b60") << "a program begins after a reset";
}

//===----------------------------------------------------------------------===//
// The observed streams
//===----------------------------------------------------------------------===//

class Golden : public testing::Test {
protected:
  void SetUp() override {
    const char *shared = std::getenv("AAC_SHARED");
    folder = (shared ? std::filesystem::path(shared)
                     : std::filesystem::path(AAC_SOURCE_DIR) / ".." / "shared") /
             "golden";
    if (!std::filesystem::exists(folder / "registers.jsonl"))
      GTEST_SKIP() << "no vectors in " << folder << " (AAC_SHARED names another folder)";
  }
  std::vector<json> records(const std::string &name) {
    std::vector<json> result;
    std::string text = *readFile((folder / (name + ".jsonl")).string());
    for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
      result.push_back(json::parse(line.begin(), line.end()));
    return result;
  }
  std::filesystem::path folder;
};

/// The operation of a record, its loads and its stores, as instructions.
std::vector<Instruction> instructionsOf(const json &r) {
  int64_t out = r["base_output"];
  std::vector<Instruction> code;
  auto transfer = [&](bool store, bool mask, int64_t memory, int64_t count, int64_t address) {
    Opcode op = store ? (mask ? Opcode::StoreMask : Opcode::StoreData)
                      : (mask ? Opcode::LoadMask : Opcode::LoadData);
    code.push_back(make(op, {{Field::Memory, memory},
                             {Field::Row, store ? out : 0},
                             {mask ? Field::Words : Field::Rows, count},
                             {Field::Address, address}}));
  };
  auto operand = [&](int64_t memory, const std::string &prefix, int64_t place) {
    transfer(false, false, memory, r[prefix + "_data_rows"], 0x100000 + place * 0x20000);
    transfer(false, true, memory, r[prefix + "_mask_words"], 0x140000 + place * 0x20000);
  };
  int64_t vectors = 0, outMemory = 0;
  if (r["op"] == "matmul") {
    operand(0, "A", 0);
    operand(1, "B", 1);
    int64_t n0 = r["N0"], n1 = r["N1"];
    vectors = n0 * n1 / 16;
    outMemory = r["output_memory"];
    code.push_back(make(Opcode::MatMul, {{Field::N0, n0},
                                         {Field::N1, n1},
                                         {Field::M, r["M"]},
                                         {Field::Relu, r["is_relu"]},
                                         {Field::BiasEnable, r["is_bias"]},
                                         {Field::WeightBias, r["weight_bias"]},
                                         {Field::Shift, r["accum_right_shift"]},
                                         {Field::OutBias, r["adf_accum_bias"]},
                                         {Field::Base0, r["base_input"][0]},
                                         {Field::Base1, r["base_input"][1]},
                                         {Field::DataOffset0, r["base_input_offset"][0]},
                                         {Field::DataOffset1, r["base_input_offset"][1]},
                                         {Field::OutMemory, outMemory},
                                         {Field::OutBase, out}}));
  } else {
    bool add = r["op"] == "elemadd";
    outMemory = r["memory"];
    vectors = r["num_vector"].get<int64_t>() * r["num_timestep"].get<int64_t>();
    operand(outMemory, add ? "in" : "X", 0);
    Fields fields = {{Field::Memory, outMemory},
                     {Field::InBase, r["base_input"][0]},
                     {Field::OutBase, out},
                     {Field::Vectors, r["num_vector"]},
                     {Field::Timesteps, r["num_timestep"]},
                     {Field::InBias, r["adpbias_act1"]}};
    if (add) {
      fields.insert(fields.end(), {{Field::InBase1, r["base_input"][1]},
                                   {Field::InBias1, r["adpbias_act2"]},
                                   {Field::OutBias, r["adpbias_act3"]}});
    } else {
      code.push_back(
          make(Opcode::LoadAux, {{Field::Rows, r["aux_rows"]}, {Field::Address, 0x180000}}));
      fields.insert(fields.end(), {{Field::OutBias, r["adpbias_act1"]},
                                   {Field::GammaBase, r["base_gamma"]},
                                   {Field::BetaBase, r["base_beta"]},
                                   {Field::GammaBias, r["adpbias_gamma"]},
                                   {Field::BetaBias, r["adpbias_beta"]}});
    }
    code.push_back(make(add ? Opcode::ElementAdd : Opcode::LayerNorm, fields));
  }
  transfer(true, true, outMemory, vectors, 0x240000);
  transfer(true, false, outMemory, vectors <= 128 ? vectors : (vectors + 127) / 128 * 128,
           0x200000);
  return code;
}

TEST_F(Golden, ExpansionsAreTheObservedStreams) {
  std::map<std::string, json> operations;
  for (const char *name : {"matmul", "elemadd", "layernorm"})
    for (const json &record : records(name))
      operations[record["id"].get<std::string>()] = record;
  int compared = 0;
  for (const json &stream : records("registers")) {
    const json &operation = operations.at(stream["ref"].get<std::string>());
    EXPECT_EQ(lines(instructionsOf(operation), Semantics::Published),
              stream["commands"].get<std::vector<std::string>>())
        << stream["id"];
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

} // namespace
