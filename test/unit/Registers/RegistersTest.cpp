//===- RegistersTest.cpp - the register map and both expansions -------------===//
#include "aac/Registers/Registers.h"
#include "../Golden.h"
#include "../Instructions.h"

#include "aac/Support/File.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
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
  // The second chunk would begin where no base reaches.
  Instruction far = load(0, 16);
  far.set(Field::Row, 4000).set(Field::Chunks, 2).set(Field::RowStride, 96);
  EXPECT_THAT(error({far}, Semantics::Corrected),
              HasSubstr("base_output of register 0x48 is 4096, not 0 to 4095"));
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

// The order in which units take their settings, written out by hand: base_output once, modes before
// what they route, 0x14 and 0x18 once, each command awaited; Enpy learns its size last.
TEST(Registers, PublishedOrderOfEveryOperation) {
  auto loads = [](Instruction in) { return std::vector<Instruction>{load(1, 16), in}; };
  auto order = [&](Instruction in) {
    std::vector<std::string> addresses;
    for (const std::string &line : lines(loads(in), Semantics::Published))
      addresses.push_back(line == "irq" ? line : line.substr(4, 2));
    return addresses;
  };
  Fields sfu = {{Field::Memory, 1}, {Field::InBase, 7}, {Field::Vectors, 1}};
  EXPECT_THAT(order(matMul()), ElementsAre("48", "50", "58", "0c", "14", "18", "4c", "08", "40",
                                           "30", "04", "irq", "10", "04", "irq"));
  auto with = [&](Opcode opcode, Fields more) {
    more.insert(more.end(), sfu.begin(), sfu.end());
    if (opcode != Opcode::Entropy)
      more.push_back({Field::Timesteps, 1});
    return make(opcode, more);
  };
  EXPECT_THAT(order(with(Opcode::LayerNorm, {})),
              ElementsAre("48", "4c", "08", "40", "30", "04", "irq", "50", "58", "54", "1c", "20",
                          "14", "18", "04", "irq"));
  EXPECT_THAT(order(with(Opcode::Softmax, {})),
              ElementsAre("48", "4c", "08", "40", "30", "04", "irq", "50", "58", "54", "1c", "20",
                          "14", "18", "04", "irq"));
  EXPECT_THAT(order(with(Opcode::ElementAdd, {})),
              ElementsAre("48", "4c", "08", "40", "30", "04", "irq", "50", "58", "54", "20", "14",
                          "18", "04", "irq"));
  EXPECT_THAT(order(with(Opcode::Entropy, {})),
              ElementsAre("4c", "08", "40", "30", "04", "irq", "50", "58", "54", "24", "14", "18",
                          "20", "04", "irq"));
}

TEST(Registers, PublishedStoresOnceInAGroup) {
  // Masks and data of one result are one group; a second store of either begins after a reset.
  Instruction data =
      make(Opcode::StoreData, {{Field::Memory, 1}, {Field::Row, 0xb60}, {Field::Rows, 96}});
  Instruction mask =
      make(Opcode::StoreMask, {{Field::Memory, 1}, {Field::Row, 0xb60}, {Field::Words, 96}});
  std::vector<std::string> text = lines({matMul(), mask, data}, Semantics::Published);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x00 0x00000001"), 0);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x48 0x00000b60"), 1);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x4c 0x00000001"), 1);
  text = lines({matMul(), mask, data, mask}, Semantics::Published);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x00 0x00000001"), 1);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x48 0x00000b60"), 2);
  text = lines({matMul(), data, load(0, 16)}, Semantics::Published);
  EXPECT_EQ(std::count(text.begin(), text.end(), "w 0x00 0x00000001"), 1) << "a load after a store";
}

// Register numbers and fields of the whole published map, by hand.
TEST(Registers, TheWholeMap) {
  const std::map<std::string, std::array<int, 3>> map = {{"start", {0x04, 0, 32}},
                                                         {"flip_mem", {0x08, 0, 1}},
                                                         {"is_relu", {0x0c, 0, 1}},
                                                         {"is_bias", {0x0c, 4, 1}},
                                                         {"weight_bias", {0x0c, 8, 8}},
                                                         {"adf_accum_bias", {0x0c, 16, 3}},
                                                         {"accum_right_shift", {0x0c, 20, 5}},
                                                         {"N0", {0x10, 0, 10}},
                                                         {"N1", {0x10, 10, 10}},
                                                         {"M", {0x10, 20, 12}},
                                                         {"base_input[0]", {0x14, 0, 12}},
                                                         {"base_input[1]", {0x14, 16, 12}},
                                                         {"base_input_offset[0]", {0x18, 0, 12}},
                                                         {"base_input_offset[1]", {0x18, 16, 12}},
                                                         {"base_attn_span", {0x1c, 0, 7}},
                                                         {"base_gamma", {0x1c, 7, 8}},
                                                         {"base_beta", {0x1c, 15, 8}},
                                                         {"adpbias_attn_span", {0x1c, 23, 3}},
                                                         {"adpbias_gamma", {0x1c, 26, 3}},
                                                         {"adpbias_beta", {0x1c, 29, 3}},
                                                         {"num_vector", {0x20, 0, 8}},
                                                         {"num_timestep", {0x20, 8, 8}},
                                                         {"adpbias_act1", {0x20, 16, 3}},
                                                         {"adpbias_act2", {0x20, 20, 3}},
                                                         {"adpbias_act3", {0x20, 24, 3}},
                                                         {"pad_lanes", {0x20, 28, 4}},
                                                         {"enpy_threshold", {0x24, 0, 16}},
                                                         {"enpy_scale", {0x24, 16, 8}},
                                                         {"mask read address", {0x28, 0, 32}},
                                                         {"mask write address", {0x2c, 0, 32}},
                                                         {"input read address", {0x30, 0, 32}},
                                                         {"input write address", {0x34, 0, 32}},
                                                         {"aux read address", {0x38, 0, 32}},
                                                         {"aux write address", {0x3c, 0, 32}},
                                                         {"M_1", {0x40, 0, 12}},
                                                         {"aux M_1", {0x44, 0, 8}},
                                                         {"base_output", {0x48, 0, 12}},
                                                         {"use_axi", {0x4c, 0, 1}},
                                                         {"use_gb", {0x50, 0, 1}},
                                                         {"gb_mode_config", {0x54, 0, 4}},
                                                         {"reset_mode[0]", {0x58, 0, 6}},
                                                         {"reset_mode[1]", {0x58, 6, 6}},
                                                         {"enpy_status", {0x5c, 0, 2}},
                                                         {"DCO select", {0x5c, 2, 6}},
                                                         {"LDO select", {0x5c, 10, 8}},
                                                         {"soft_reset", {0x00, 0, 1}}};
  size_t found = 0;
  for (const PartSpec &part : allParts()) {
    auto entry = map.find(std::string(part.name));
    if (entry == map.end()) {
      EXPECT_GE(static_cast<int>(part.reg), 0x64) << part.name; // tables of Dvfs: whole words
      continue;
    }
    ++found;
    EXPECT_THAT(entry->second, ElementsAre(static_cast<int>(part.reg), part.low, part.bits))
        << part.name;
    EXPECT_EQ(part.isSigned, part.name == "weight_bias" || part.name == "enpy_threshold");
  }
  EXPECT_EQ(found, map.size());
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
    if (!std::filesystem::exists(goldenFile("registers")))
      GTEST_SKIP() << noGoldenFiles();
  }
  std::vector<json> records(const std::string &name) {
    std::vector<json> result;
    std::string text = *readFile(goldenFile(name).string());
    for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
      result.push_back(json::parse(line.begin(), line.end()));
    return result;
  }
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
