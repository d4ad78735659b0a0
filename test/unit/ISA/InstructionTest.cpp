//===- InstructionTest.cpp - the table, the codec and the text form --------===//
#include "aac/ISA/Instruction.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <random>

using namespace aac::isa;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

int64_t lowest(const FieldSpec &field) {
  return field.isSigned ? -(int64_t{1} << (field.bits - 1)) : 0;
}
int64_t highest(const FieldSpec &field) {
  return (int64_t{1} << (field.isSigned ? field.bits - 1 : field.bits)) - 1;
}

std::string message(const absl::Status &status) { return std::string(status.message()); }

/// Bytes of one instruction; its round trip through bytes is checked on the way.
std::vector<uint8_t> bytesOf(const Instruction &instruction) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(encode(instruction, bytes).ok());
  return bytes;
}

TEST(Table, IsIndexedByOpcodeAndFoundByName) {
  EXPECT_EQ(allInstructions().size(), 25u);
  for (const InstructionSpec &spec : allInstructions()) {
    EXPECT_EQ(&specOf(spec.opcode), &spec);
    EXPECT_EQ(findInstruction(spec.name), &spec);
    EXPECT_FALSE(spec.doc.empty());
    for (const FieldSpec &field : spec.fields) {
      EXPECT_TRUE(Instruction(spec.opcode).has(field.field)) << spec.name << "." << field.name;
      EXPECT_FALSE(field.doc.empty());
    }
  }
  EXPECT_EQ(findInstruction("no_such"), nullptr);
  EXPECT_FALSE(Instruction(Opcode::Wait).has(Field::Row));
}

TEST(Table, EachFieldIsReadWhereItWasSet) {
  for (const InstructionSpec &spec : allInstructions())
    for (size_t i = 0; i < spec.fields.size(); ++i) {
      Instruction instruction(spec.opcode);
      instruction.set(spec.fields[i].field, 1);
      EXPECT_EQ(instruction.get(spec.fields[i].field), 1);
      EXPECT_EQ(instruction.values[i], 1);
    }
}

TEST(Table, LimitsAndStrides) {
  auto fieldOf = [](Opcode opcode, Field field) {
    for (const FieldSpec &spec : specOf(opcode).fields)
      if (spec.field == field)
        return spec;
    return FieldSpec();
  };
  FieldSpec m = fieldOf(Opcode::MatMul, Field::M), rows = fieldOf(Opcode::LoadAux, Field::Rows);
  EXPECT_EQ(m.least, 16);
  EXPECT_EQ(m.most, 4080);
  EXPECT_EQ(m.step, 16);
  EXPECT_EQ(rows.least, 1);
  EXPECT_EQ(rows.most, 256);
  EXPECT_EQ(fieldOf(Opcode::Loop, Field::Count).least, 1);
  EXPECT_EQ(fieldOf(Opcode::MatMul, Field::Shift).most, 0) << "what the width allows";
  EXPECT_EQ(loopStrided(Opcode::LoadMask), Field::Address);
  EXPECT_EQ(loopStrided(Opcode::HostTable), Field::Table);
  EXPECT_EQ(loopStrided(Opcode::HostCopy), std::nullopt);
}

TEST(Codec, RandomInstructionsRoundTripThroughBytesAndText) {
  std::mt19937_64 random(7);
  std::vector<Instruction> program;
  for (int repeat = 0; repeat < 200; ++repeat)
    for (const InstructionSpec &spec : allInstructions()) {
      if (spec.opcode == Opcode::Loop || spec.opcode == Opcode::End)
        continue;
      Instruction instruction(spec.opcode);
      for (size_t i = 0; i < spec.fields.size(); ++i) {
        const FieldSpec &field = spec.fields[i];
        instruction.values[i] =
            repeat == 0 ? lowest(field)
            : repeat == 1
                ? highest(field)
                : std::uniform_int_distribution<int64_t>(lowest(field), highest(field))(random);
      }
      ASSERT_TRUE(validate(instruction).ok());
      auto parsed = parse(print(instruction));
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      EXPECT_TRUE(*parsed == instruction) << print(instruction);
      program.push_back(Instruction(Opcode::Loop).set(Field::Count, 1 + repeat));
      program.push_back(instruction);
      program.push_back(Instruction(Opcode::End));
    }
  auto bytes = encodeProgram(program);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->size() % 4, 0u);
  auto decoded = decodeProgram(*bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->size(), program.size());
  for (size_t i = 0; i < program.size(); ++i)
    EXPECT_TRUE((*decoded)[i] == program[i]) << i << ": " << print(program[i]);
}

// Worked out by hand from the field lists: a change of these bytes breaks every stream.
TEST(Codec, FrozenBytes) {
  EXPECT_THAT(bytesOf(Instruction(Opcode::TaskBegin).set(Field::Task, 0x1234)),
              ElementsAre(0, 0x34, 0x12, 0));
  EXPECT_THAT(bytesOf(Instruction(Opcode::Wait).set(Field::Units, 5)), ElementsAre(4, 5, 0, 0));
  EXPECT_THAT(bytesOf(Instruction(Opcode::End)), ElementsAre(3, 0, 0, 0));
  // memory 1 | row 0x123 << 1 | rows 0x1000 << 13, then the address at bit 26.
  EXPECT_THAT(
      bytesOf(Instruction(Opcode::LoadData)
                  .set(Field::Memory, 1)
                  .set(Field::Row, 0x123)
                  .set(Field::Rows, 0x1000)
                  .set(Field::Address, 0x80000001)
                  .set(Field::Chunks, 1)),
      ElementsAre(7, 0x47, 0x02, 0x00, 0x06, 0, 0, 0, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  // address at bit 0 of the payload, out_address at 32, bytes at 64.
  EXPECT_THAT(bytesOf(Instruction(Opcode::HostCopy)
                          .set(Field::Address, 0x04030201)
                          .set(Field::OutAddress, 0x08070605)
                          .set(Field::Bytes, 0xff)),
              ElementsAre(22, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0, 0, 0, 0, 0, 0));
  // n0 = 64 at 0, n1 = 16 at 10, m = 32 at 20, relu at 32, weight_bias = -8 at 34.
  EXPECT_THAT(bytesOf(Instruction(Opcode::MatMul)
                          .set(Field::N0, 64)
                          .set(Field::N1, 16)
                          .set(Field::M, 32)
                          .set(Field::Relu, 1)
                          .set(Field::WeightBias, -8)),
              ElementsAre(13, 0x40, 0x40, 0x00, 0x02, 0xe1, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

TEST(Codec, RefusesEveryFieldOutOfRangeByName) {
  for (const InstructionSpec &spec : allInstructions())
    for (size_t i = 0; i < spec.fields.size(); ++i)
      for (int64_t value : {lowest(spec.fields[i]) - 1, highest(spec.fields[i]) + 1}) {
        Instruction instruction(spec.opcode);
        instruction.values[i] = value;
        std::vector<uint8_t> bytes;
        absl::Status status = encode(instruction, bytes);
        ASSERT_FALSE(status.ok());
        EXPECT_TRUE(bytes.empty());
        EXPECT_THAT(message(status), HasSubstr(std::string(spec.name)));
        EXPECT_THAT(message(status), HasSubstr("field " + std::string(spec.fields[i].name)));
        EXPECT_THAT(message(status), HasSubstr(std::to_string(value)));
        EXPECT_FALSE(parse(print(instruction)).ok());
      }
}

TEST(Codec, SaysWhatIsWrongWithAProgram) {
  auto error = [](const std::vector<uint8_t> &bytes) {
    return message(decodeProgram(bytes).status());
  };
  EXPECT_EQ(error({99, 0, 0, 0}), "byte 0: opcode 99 is not an instruction; the highest is 24");
  EXPECT_EQ(error({4, 1, 0, 0, 22, 0, 0, 0}),
            "byte 4: host_copy is truncated: it takes 16 bytes, 4 are left");
  EXPECT_EQ(error({4, 1, 0}), "byte 0: wait is truncated: it takes 4 bytes, 3 are left");
  EXPECT_EQ(error({4, 0x09, 0, 0}), "byte 0: wait has padding that is not zero");
  EXPECT_EQ(error({4, 1, 0, 1}), "byte 0: wait has padding that is not zero");
  EXPECT_EQ(error({3, 0, 0, 0}), "byte 0: end without a loop before it");
  EXPECT_EQ(error({2, 1, 0, 0}), "byte 0: loop without an end after it");
  EXPECT_EQ(error({2, 1, 0, 0, 2, 1, 0, 0}),
            "byte 4: loop inside the loop at 0; loops do not nest");
  EXPECT_TRUE(decodeProgram({})->empty());

  std::vector<Instruction> program = {Instruction(Opcode::Wait), Instruction(Opcode::End)};
  EXPECT_EQ(message(encodeProgram(program).status()),
            "instruction 1: end without a loop before it");
  program[1] = Instruction(Opcode::Wait).set(Field::Units, 8);
  EXPECT_EQ(message(encodeProgram(program).status()),
            "instruction 1: wait: field units is 8, outside 0..7");
  std::vector<uint8_t> bytes;
  EXPECT_EQ(message(encode(Instruction(static_cast<Opcode>(77)), bytes)),
            "opcode 77 is not an instruction; the highest is 24");
}

TEST(Text, IsReadable) {
  EXPECT_EQ(print(Instruction(Opcode::Wait).set(Field::Units, 3)), "wait units=3");
  EXPECT_EQ(print(Instruction(Opcode::End)), "end");
  auto copy = parse("  host_copy bytes=0x10   address=0xFFFFFFFF out_address=0 ");
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(print(*copy), "host_copy address=4294967295 out_address=0 bytes=16");
  EXPECT_EQ(
      parse("host_emit out_address=0 timesteps=1 columns=1 bias=0 scale=-0x80")->get(Field::Scale),
      -128);
}

TEST(Text, SaysWhatIsWrong) {
  auto error = [](absl::string_view line) { return message(parse(line).status()); };
  EXPECT_EQ(error(""), "no instruction in an empty line");
  EXPECT_EQ(error("halt"), "unknown instruction 'halt'");
  EXPECT_EQ(error("wait"), "wait: field units is missing");
  EXPECT_EQ(error("wait 3"), "wait: expected field=value, got '3'");
  EXPECT_EQ(error("wait unit=3"), "wait: unknown field 'unit'");
  EXPECT_EQ(error("wait units=3 units=3"), "wait: field units is given twice");
  for (const char *text : {"x", "", "0x", "0x-1", "--1", "+1", "1.5", "99999999999999999999"})
    EXPECT_EQ(error(std::string("wait units=") + text),
              std::string("wait: field units is '") + text + "', which is not a number");
  EXPECT_EQ(error("wait units=8"), "wait: field units is 8, outside 0..7");
}

} // namespace
