//===- StreamTest.cpp - the container, its text form and its sizes ---------===//
#include "aac/Stream/Stream.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <functional>
#include <random>
#include <tuple>

using namespace aac;
using aac::isa::Field;
using aac::isa::Instruction;
using aac::isa::Opcode;
using ::testing::AnyOf;
using ::testing::HasSubstr;

namespace {

std::string message(const absl::Status &status) { return std::string(status.message()); }

/// A stream that has something in every part.
Stream smallStream() {
  Stream stream;
  stream.machineName = "toy";
  stream.machine = "name: \"toy\"\n\ttext without a newline at its end \xff";
  stream.tasks = {{"a \"quoted\" task",
                   {{"ids", ElementType::I64, {1, 8}}, {"mask", ElementType::Bool, {}}},
                   {{"logits", ElementType::F32, {1, 2}}},
                   2},
                  {"b", {{"ids", ElementType::I32, {1, 8}}}, {{"y", ElementType::F32, {3}}}, 3},
                  {"c", {}, {}, 3}};
  stream.images = {{"dram", 0x80000000, 7, {1, 2, 3}},
                   {"dram", 0x80001000, 2, {0xff}},
                   {"rram", 0x100, 5, std::vector<uint8_t>(100, 0xa5), /*coded=*/true}};
  Program powerOn{"power_on", ProgramRole::PowerOn, 7, {Instruction(Opcode::Wait)}, {}};
  Program toA{"to_a", ProgramRole::Switch, 1, {}, {}};
  Program a{"run_a",
            ProgramRole::Run,
            1,
            {Instruction(Opcode::TaskBegin), Instruction(Opcode::Loop).set(Field::Count, 12),
             Instruction(Opcode::HostCopy).set(Field::Bytes, 16), Instruction(Opcode::End),
             Instruction(Opcode::TaskEnd)},
            {-1, 1, 1, 1, 0}};
  a.values = {{2, 1, 0x80002000, 8, 24, 12, true, 5, -2}, {4, 0, 0x100, 3, 20, 0, false, 7, 0}};
  Program bc{
      "run_bc", ProgramRole::Run, 6, {Instruction(Opcode::TaskEnd).set(Field::Task, 1)}, {2}};
  Program toOthers{"to_bc", ProgramRole::Switch, 6, {Instruction(Opcode::End)}, {}};
  toOthers.code.insert(toOthers.code.begin(), Instruction(Opcode::Loop).set(Field::Count, 2));
  stream.programs = {powerOn, toA, a, bc, toOthers};
  stream.switchTo = {-1, 4, 4, 1, -1, 4, 1, 4, -1, 1, 4, 4};
  stream.symbols = {
      {"w", "ffn", "shared", 7, "dram", 0x80000000, 3, {2, 3}, "af<8,3,bias=5,scale=-2>", 0x1234},
      {"g", "layer_norm", "task", 2, "sram", 0x10, 1, {}, "", ~uint64_t{0}}};
  stream.locations = {{"MatMul_1", "linear", "layer"},
                      {"", "loop", "layer"},
                      {"Add;Mul", "", ""},
                      {"unused", "", ""}};
  return stream;
}

std::string bytesOf(const Stream &stream) {
  auto bytes = serialize(stream);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.ok() ? *bytes : "";
}

void expectEqual(const Stream &a, const Stream &b) {
  EXPECT_EQ(a.machineName, b.machineName);
  EXPECT_EQ(a.machine, b.machine);
  EXPECT_EQ(a.switchTo, b.switchTo);
  ASSERT_EQ(a.tasks.size(), b.tasks.size());
  for (size_t i = 0; i < a.tasks.size(); ++i) {
    EXPECT_EQ(a.tasks[i].name, b.tasks[i].name);
    EXPECT_EQ(a.tasks[i].runProgram, b.tasks[i].runProgram);
    ASSERT_EQ(a.tasks[i].inputs.size(), b.tasks[i].inputs.size());
    for (size_t j = 0; j < a.tasks[i].inputs.size(); ++j) {
      EXPECT_EQ(a.tasks[i].inputs[j].name, b.tasks[i].inputs[j].name);
      EXPECT_EQ(a.tasks[i].inputs[j].type, b.tasks[i].inputs[j].type);
      EXPECT_EQ(a.tasks[i].inputs[j].shape, b.tasks[i].inputs[j].shape);
    }
    ASSERT_EQ(a.tasks[i].outputs.size(), b.tasks[i].outputs.size());
  }
  ASSERT_EQ(a.images.size(), b.images.size());
  for (size_t i = 0; i < a.images.size(); ++i) {
    EXPECT_EQ(a.images[i].tier, b.images[i].tier);
    EXPECT_EQ(a.images[i].address, b.images[i].address);
    EXPECT_EQ(a.images[i].owners, b.images[i].owners);
    EXPECT_EQ(a.images[i].bytes, b.images[i].bytes);
    EXPECT_EQ(a.images[i].coded, b.images[i].coded);
  }
  ASSERT_EQ(a.programs.size(), b.programs.size());
  for (size_t i = 0; i < a.programs.size(); ++i) {
    EXPECT_EQ(a.programs[i].name, b.programs[i].name);
    EXPECT_EQ(a.programs[i].role, b.programs[i].role);
    EXPECT_EQ(a.programs[i].owners, b.programs[i].owners);
    EXPECT_EQ(a.programs[i].location, b.programs[i].location);
    EXPECT_TRUE(a.programs[i].code == b.programs[i].code);
    ASSERT_EQ(a.programs[i].values.size(), b.programs[i].values.size());
    for (size_t j = 0; j < a.programs[i].values.size(); ++j) {
      const StoredValue &x = a.programs[i].values[j], &y = b.programs[i].values[j];
      EXPECT_EQ(std::tie(x.after, x.which, x.address, x.tokens, x.features, x.group, x.transposed,
                         x.bias, x.scale),
                std::tie(y.after, y.which, y.address, y.tokens, y.features, y.group, y.transposed,
                         y.bias, y.scale));
    }
  }
  ASSERT_EQ(a.symbols.size(), b.symbols.size());
  for (size_t i = 0; i < a.symbols.size(); ++i) {
    EXPECT_EQ(a.symbols[i].name, b.symbols[i].name);
    EXPECT_EQ(a.symbols[i].owners, b.symbols[i].owners);
    EXPECT_EQ(a.symbols[i].shape, b.symbols[i].shape);
    EXPECT_EQ(a.symbols[i].format, b.symbols[i].format);
    EXPECT_EQ(a.symbols[i].hash, b.symbols[i].hash);
  }
  ASSERT_EQ(a.locations.size(), b.locations.size());
  for (size_t i = 0; i < a.locations.size(); ++i) {
    EXPECT_EQ(a.locations[i].node, b.locations[i].node);
    EXPECT_EQ(a.locations[i].op, b.locations[i].op);
    EXPECT_EQ(a.locations[i].layer, b.locations[i].layer);
  }
}

TEST(Stream, StoredValuesKnowTheirPlaceInMemory) {
  StoredValue value{0, 0, 0, 8, 24, 12, false, 0, 0};
  EXPECT_EQ(value.rows(), 16);
  EXPECT_EQ(value.columns(), 32); // two groups of 12, each padded to 16
  value.transposed = true;
  EXPECT_EQ(value.rows(), 32);
  EXPECT_EQ(value.columns(), 16);
  EXPECT_EQ(value.bytes(), 512u);
  value.group = 0;
  EXPECT_EQ(value.rows(), 32);
}

TEST(Stream, RoundTripsThroughBytes) {
  Stream stream = smallStream();
  std::string bytes = bytesOf(stream);
  auto again = deserialize(bytes);
  ASSERT_TRUE(again.ok()) << again.status();
  expectEqual(stream, *again);
  EXPECT_EQ(bytesOf(*again), bytes);
  EXPECT_EQ(bytesOf(smallStream()), bytes);
  EXPECT_EQ(bytes.substr(0, 4), "AACS");
}

TEST(Stream, AssemblyOfTheDisassemblyIsTheSameBytes) {
  std::string bytes = bytesOf(smallStream());
  auto text = disassemble(bytes);
  ASSERT_TRUE(text.ok()) << text.status();
  auto again = assemble(*text);
  ASSERT_TRUE(again.ok()) << again.status() << "\n" << *text;
  EXPECT_EQ(*again, bytes);
  EXPECT_THAT(*text, HasSubstr("\n  host_copy address=0 out_address=0 bytes=16 @1\n"));
  EXPECT_THAT(*text, HasSubstr("  input name=\"ids\" type=i64 shape=1x8\n"));
  EXPECT_THAT(*text, HasSubstr("switch from=none to=2 program=4\n"));
  EXPECT_THAT(*text, HasSubstr("  hex 010203\n"));
}

TEST(Stream, CodedImagesAreSmallerInTheFileAlone) {
  Stream stream = smallStream();
  std::string coded = bytesOf(stream);
  stream.images[2].coded = false;
  std::string plain = bytesOf(stream);
  EXPECT_LT(coded.size() + 40, plain.size());
  auto text = disassemble(coded), plainText = disassemble(plain);
  ASSERT_TRUE(text.ok() && plainText.ok());
  std::string mark = " bytes=100 coded=1\n";
  ASSERT_NE(text->find(mark), std::string::npos);
  text->replace(text->find(mark), mark.size(), " bytes=100\n");
  EXPECT_EQ(*text, *plainText);
  std::string wrong = *plainText;
  wrong.replace(wrong.find(" bytes=100\n"), 11, " bytes=100 coded=2\n");
  EXPECT_THAT(std::string(assemble(wrong).status().message()),
              testing::HasSubstr("coded is 2, it is 1 or absent"));
}

TEST(Stream, SizesAddUpToTheFile) {
  std::string bytes = bytesOf(smallStream());
  auto size = sizeByOwner(bytes);
  ASSERT_TRUE(size.ok()) << size.status();
  ASSERT_EQ(size->task.size(), 3u);
  uint64_t sum = size->shared + size->subset;
  for (uint64_t task : size->task) {
    EXPECT_GT(task, 0u);
    sum += task;
  }
  EXPECT_EQ(sum, bytes.size());
  EXPECT_GT(size->shared, 0u);
  EXPECT_GT(size->subset, 0u);

  // One byte more of an image of task 1 grows that task's part alone.
  Stream more = smallStream();
  more.images[1].bytes.resize(9);
  auto grown = sizeByOwner(bytesOf(more));
  ASSERT_TRUE(grown.ok());
  EXPECT_EQ(grown->shared, size->shared);
  EXPECT_EQ(grown->subset, size->subset);
  EXPECT_EQ(grown->task[0], size->task[0]);
  EXPECT_EQ(grown->task[1], size->task[1] + 8);

  // Of one task everything counts as shared except what only a subset could own: nothing.
  Stream one;
  one.machineName = "toy";
  one.tasks = {{"t", {}, {}, 0}};
  one.programs = {{"run", ProgramRole::Run, 1, {}, {}}};
  one.switchTo = {-1, -1};
  std::string oneBytes = bytesOf(one);
  auto oneSize = sizeByOwner(oneBytes);
  ASSERT_TRUE(oneSize.ok());
  EXPECT_EQ(oneSize->shared, oneBytes.size());
}

TEST(Stream, EveryTruncationIsAnError) {
  std::string bytes = bytesOf(smallStream());
  for (size_t length = 0; length < bytes.size(); ++length) {
    absl::Status status = deserialize(absl::string_view(bytes).substr(0, length)).status();
    EXPECT_FALSE(status.ok()) << length;
    EXPECT_FALSE(status.message().empty());
    EXPECT_FALSE(sizeByOwner(absl::string_view(bytes).substr(0, length)).ok());
  }
  EXPECT_FALSE(deserialize(bytes + std::string(1, '\0')).ok());
}

TEST(Stream, EveryCorruptionOfAByteIsAnError) {
  std::string bytes = bytesOf(smallStream());
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int value : {1, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ value);
      absl::Status status = deserialize(damaged).status();
      EXPECT_FALSE(status.ok()) << at;
      EXPECT_FALSE(status.message().empty());
    }
}

/// CRC-32 (IEEE), for a test that forges checksums.
uint32_t crc(absl::string_view bytes) {
  uint32_t value = ~0u;
  for (unsigned char byte : bytes) {
    value ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ (0xedb88320u & (0u - (value & 1)));
  }
  return ~value;
}
uint64_t get(absl::string_view bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i)
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}
void put32(std::string &bytes, size_t at, uint32_t value) {
  for (int i = 0; i < 4; ++i)
    bytes[at + i] = static_cast<char>(value >> (8 * i));
}

/// Makes all CRCs right again, as far as lengths allow.
void repair(std::string &bytes) {
  put32(bytes, 20, crc(bytes.substr(0, 20)));
  for (size_t at = 24; at + 32 <= bytes.size();) {
    uint64_t payload = get(bytes, at + 16, 8);
    if (payload <= bytes.size() - at - 32)
      put32(bytes, at + 24, crc(bytes.substr(at + 32, payload)));
    put32(bytes, at + 28, crc(bytes.substr(at, 28)));
    if (payload > bytes.size() - at - 32)
      return;
    at += 32 + (payload + 7) / 8 * 8;
  }
}

// Whoever writes a wrong byte with right checksums gets an error or a stream of the
// same bytes, never a crash.
TEST(Stream, ForgedChecksumsDoNoHarm) {
  std::string bytes = bytesOf(smallStream());
  int accepted = 0;
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int value : {1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      std::string forged = bytes;
      forged[at] = static_cast<char>(forged[at] ^ value);
      repair(forged);
      auto stream = deserialize(forged);
      if (!stream.ok()) {
        EXPECT_FALSE(stream.status().message().empty());
        continue;
      }
      ++accepted;
      EXPECT_EQ(bytesOf(*stream), forged);
      auto text = disassemble(forged);
      ASSERT_TRUE(text.ok());
      EXPECT_EQ(*assemble(*text), forged);
    }
  EXPECT_GT(accepted, 100); // names, image bytes, field values
}

TEST(Stream, HeaderErrorsSayWhatIsWrong) {
  std::string bytes = bytesOf(smallStream());
  auto error = [](const std::string &bytes) { return message(deserialize(bytes).status()); };
  EXPECT_EQ(error(""), "not a stream: it does not start with the magic AACS");
  EXPECT_EQ(error("PK\3\4"), "not a stream: it does not start with the magic AACS");
  EXPECT_EQ(error("AACS12"), "stream header is truncated: 6 of 24 bytes");
  EXPECT_EQ(error(bytes.substr(0, bytes.size() - 8)),
            absl::StrCat("stream has ", bytes.size() - 8, " bytes, its header says ", bytes.size(),
                         "; it is truncated"));
  std::string other = bytes;
  other[8] ^= 1;
  EXPECT_EQ(error(other), "stream header is damaged: its CRC does not match");
  other = bytes;
  other[4] = 9;
  repair(other);
  EXPECT_EQ(error(other), "stream version is 9, this program reads 2; compile the suite again");
  other = bytes;
  other[24] = 77;
  repair(other);
  EXPECT_EQ(error(other), "section 0 (unknown): kind is 77, which is not defined");
  other = bytes;
  other[24 + 32 + 1] ^= 1;
  EXPECT_EQ(error(other), "section 0 (machine): payload is damaged: its CRC does not match");
  other = bytes;
  other[24 + 23] = 1;
  repair(other);
  EXPECT_THAT(error(other), HasSubstr("section 0 (machine): length is 72057594037927"));
}

/// `bytes` with `extra` behind the metadata of the first section of `kind`, all lengths and CRCs
/// right: a field of a protobuf message counts when it comes last.
std::string withField(const std::string &bytes, uint32_t kind, absl::string_view extra) {
  auto padded = [](size_t size) { return (size + 7) / 8 * 8; };
  size_t at = 24;
  while (get(bytes, at, 4) != kind)
    at += 32 + padded(get(bytes, at + 16, 8));
  size_t metadata = get(bytes, at + 4, 4), payload = get(bytes, at + 16, 8);
  std::string body = bytes.substr(at + 32, metadata).append(extra.data(), extra.size());
  std::string content = bytes.substr(at + 32 + std::min(padded(metadata), payload),
                                     payload - std::min(padded(metadata), payload));
  std::string head = bytes.substr(at, 32);
  put32(head, 4, static_cast<uint32_t>(body.size()));
  if (!content.empty())
    body.resize(padded(body.size()));
  body += content;
  put32(head, 16, static_cast<uint32_t>(body.size()));
  body.resize(padded(body.size()));
  std::string result = bytes.substr(0, at) + head + body + bytes.substr(at + 32 + padded(payload));
  put32(result, 8, static_cast<uint32_t>(result.size()));
  repair(result);
  return result;
}

TEST(Stream, ForgedSectionsAreNamed) {
  std::string bytes = bytesOf(smallStream());
  auto error = [](const std::string &bytes) { return message(deserialize(bytes).status()); };
  enum { kMachine = 1, kTask, kImage, kProgram, kSymbols, kLocations };
  ASSERT_EQ(withField(bytes, kTask, ""), bytes);
  EXPECT_EQ(error(withField(bytes, kMachine, "\xff")),
            "section 0 (machine): metadata is not a StreamMachine message");
  EXPECT_EQ(error(withField(bytes, kTask, "\x20\xff\xff\xff\xff\x0f")), // run_program = 2^32 - 1
            "section 1 (task): run_program is 4294967295");
  EXPECT_EQ(error(withField(bytes, kTask, "\x28\x01")), // one more switch_from
            "task a \"quoted\" task: switch_from has 5 entries, 3 tasks need 4");
  EXPECT_EQ(error(withField(bytes, kProgram, "\x18\x09")), // location_delta = -5
            "section 7 (program): location_delta leads to location -6");
  EXPECT_EQ(error(withField(bytes, kSymbols, absl::string_view("\x0a\x02\x08\x05", 4))),
            "symbols: number 2 is missing");
  EXPECT_EQ(error(withField(bytes, kLocations, absl::string_view("\x0a\x02\x08\x07", 4))),
            "locations: number 4 is missing");
  EXPECT_THAT(error(withField(bytes, kLocations, absl::string_view("\x0a\x02\x08\x01", 4))),
              HasSubstr("location number 1 is there twice"));
  EXPECT_THAT(error(withField(bytes, kMachine, "\xa2\x06\x01x")), // a field nobody knows
              HasSubstr("stream is not in canonical form: order of sections, owners of tasks or "
                        "metadata differ from what this version writes"));

  std::string other = bytes;
  put32(other, 24 + 4, 1000); // the metadata's length
  repair(other);
  EXPECT_EQ(error(other),
            absl::StrCat("section 0 (machine): metadata length is 1000 bytes, payload "
                         "length is ",
                         get(bytes, 24 + 16, 8)));
  other = bytes;
  ASSERT_NE(get(bytes, 24 + 16, 8) % 8, 0u);
  other[24 + 32 + get(bytes, 24 + 16, 8)] = 1;
  EXPECT_EQ(error(other), "section 0 (machine): padding is not zero");
  other = bytes + std::string(8, '\0');
  put32(other, 8, static_cast<uint32_t>(other.size()));
  repair(other);
  EXPECT_EQ(error(other), "stream has 8 bytes after its last section");
}

TEST(Stream, BreaksOfTheRulesAreNamed) {
  auto error = [](const std::function<void(Stream &)> &change) {
    Stream stream = smallStream();
    change(stream);
    return message(serialize(stream).status());
  };
  EXPECT_EQ(error([](Stream &s) { s.machineName = ""; }), "machine: name is empty");
  EXPECT_EQ(error([](Stream &s) { s.tasks.clear(); }), "a stream has 1 to 64 tasks, got 0");
  EXPECT_EQ(error([](Stream &s) { s.tasks.resize(65); }), "a stream has 1 to 64 tasks, got 65");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].name = ""; }), "task 1: name is empty");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].name = "c"; }),
            "task 2: name c is taken by another task");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].runProgram = 5; }),
            "task b: run program is 5, there are 5 programs");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].runProgram = 4; }),
            "task b: run program to_bc has another role");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].runProgram = 2; }),
            "task b: run program run_a is not owned by the task");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].inputs[0].shape = {-1}; }),
            "task b: input ids: a dimension is -1, below 0");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].inputs[0].shape.resize(33); }),
            "task b: input ids: rank is 33, the highest is 32");
  EXPECT_EQ(error([](Stream &s) { s.tasks[1].outputs[0].type = static_cast<ElementType>(9); }),
            "task b: output y: element type is 9, which is not defined");
  EXPECT_EQ(error([](Stream &s) { s.programs[1].name = "run_a"; }),
            "program run_a: name is empty or taken by another program");
  EXPECT_EQ(error([](Stream &s) { s.programs[0].role = static_cast<ProgramRole>(3); }),
            "program power_on: role is 3, which is not defined");
  EXPECT_EQ(error([](Stream &s) { s.programs[0].owners = 0; }),
            "program power_on: no task owns it");
  EXPECT_EQ(error([](Stream &s) { s.programs[0].owners = 8; }),
            "program power_on: owners are 0x8, but there are only 3 tasks");
  EXPECT_EQ(error([](Stream &s) { s.programs[3].location = {0, 1}; }),
            "program run_bc: 2 locations for 1 instructions");
  EXPECT_EQ(error([](Stream &s) { s.programs[3].location = {4}; }),
            "program run_bc: location is 4, there are 4");
  EXPECT_EQ(error([](Stream &s) { s.programs[3].code[0].values[0] = -1; }),
            "program run_bc: instruction 0: task_end: field task is -1, outside 0..65535");
  EXPECT_EQ(error([](Stream &s) { s.switchTo.pop_back(); }),
            "switch table has 11 entries, 3 tasks need 12");
  EXPECT_EQ(error([](Stream &s) { s.switchTo[4] = 4; }),
            "switch from b to b: program is 4, a task needs no switch to itself");
  EXPECT_EQ(error([](Stream &s) { s.switchTo[10] = 9; }),
            "switch from none to b: program is 9, there are 5");
  EXPECT_EQ(error([](Stream &s) { s.switchTo[1] = 0; }),
            "switch from a \"quoted\" task to b: program power_on has another role");
  EXPECT_EQ(error([](Stream &s) { s.switchTo[1] = 1; }),
            "switch from a \"quoted\" task to b: program to_a is not owned by b");
  EXPECT_EQ(error([](Stream &s) { s.images[0].bytes.clear(); }),
            "image 0: tier or content is empty");
  EXPECT_EQ(error([](Stream &s) { s.images[0].address = 0xffffffff; }),
            "image 0: address is 4294967295 and length 3, past the 32-bit address space");
  EXPECT_EQ(error([](Stream &s) { s.images[0].owners = 0; }), "image 0: no task owns it");
  EXPECT_EQ(error([](Stream &s) { s.symbols[0].name = ""; }), "symbol: name is empty");
  EXPECT_EQ(error([](Stream &s) { s.symbols[1].owners = 0; }), "symbol g: no task owns it");
}

TEST(StreamText, ErrorsNameTheLine) {
  std::string text = *disassemble(bytesOf(smallStream()));
  auto error = [&](absl::string_view from, absl::string_view to) {
    std::string changed = absl::StrReplaceAll(text, {{from, to}});
    EXPECT_NE(changed, text);
    return message(assemble(changed).status());
  };
  EXPECT_EQ(message(assemble("").status()), "text does not start with: stream version=2");
  EXPECT_EQ(message(assemble("task name=\"x\" run=0").status()),
            "line 1: text does not start with: stream version=2");
  EXPECT_EQ(error("version=2", "version=1"),
            "line 1: stream version is 1, this program reads 2; compile the suite again");
  EXPECT_EQ(error("hex 010203", "hex 01020"), "line 23: hex: an odd number of digits");
  EXPECT_EQ(error("hex 010203", "hex 01020g"), "line 23: hex: '0g' is not a byte");
  EXPECT_EQ(error("hex 010203", "hex 0102"), "line 24: image 0: bytes is 3, hex has 2");
  EXPECT_THAT(error("host_copy address=0", "host_copy address=-1"),
              HasSubstr("host_copy: field address is -1, outside 0..4294967295"));
  EXPECT_THAT(error("  wait units", "  weit units"), HasSubstr("unknown instruction 'weit'"));
  EXPECT_THAT(error("@1\n", "@x\n"), HasSubstr("location after @ is not a number"));
  EXPECT_THAT(error("role=switch", "role=swatch"),
              HasSubstr("role is 'swatch', which is not known"));
  EXPECT_THAT(error("machine name=", "machine nume="), HasSubstr("machine: expected name="));
  EXPECT_THAT(error("shape=1x8", "shape=1x"), HasSubstr("expected sizes such as 1x128"));
  EXPECT_THAT(error("value after=2", "value after=5"),
              HasSubstr("value 0: after is 5, there are 5 instructions"));
  EXPECT_THAT(error("value after=2", "value after=4"),
              HasSubstr("value 1: after is 4, not more than that of the one before"));
  EXPECT_THAT(error("tokens=8", "tokens=0"), HasSubstr("value 0: has 0 tokens of 24 features"));
  EXPECT_THAT(error("group=12", "group=7"), HasSubstr("group is 7 with 24 features"));
  EXPECT_THAT(error("address=0x80002000", "address=0xffffffff"),
              HasSubstr("value 0: address is 4294967295, past the 32-bit"));
  EXPECT_THAT(error("bias=5 scale=-2", "bias=8 scale=-2"),
              HasSubstr("value 0: bias 8 or scale -2 is out of range"));
  EXPECT_THAT(error("which=1", "which=-1"), HasSubstr("which is '-1', which is not a number"));
  EXPECT_THAT(error("run=2", "run=z"), HasSubstr("task: run is 'z', which is not a number"));
  EXPECT_THAT(error("run=2", "run=2 x=1"), HasSubstr("task: x=1 is too much"));
  EXPECT_THAT(error("to=2", "to=3"), HasSubstr("there are only 3 tasks"));
  EXPECT_THAT(error("from=none", "from=nobody"),
              HasSubstr("switch: from is 'nobody', expected a task's number or none"));
  EXPECT_THAT(error("\"toy\"", "\"toy"), HasSubstr("a string has no closing quote"));
  EXPECT_THAT(error("\"toy\"", "\"to\\z\""), HasSubstr("bad escape in a string: "));
  EXPECT_THAT(error("\"toy\"", "\"toy\"s"), HasSubstr("expected a blank after a string"));
  auto alone = [](const char *line) {
    return message(assemble(absl::StrCat("stream version=2\n", line)).status());
  };
  EXPECT_EQ(alone("input name=\"x\" type=i64 shape=1"),
            "line 2: input: there is no task before it");
  EXPECT_EQ(alone("value after=0"), "line 2: value: there is no program before it");
  EXPECT_EQ(alone("hex 00"), "line 2: hex: there is no image before it");
  EXPECT_THAT(message(assemble("stream version=2\nfoo bar=1").status()),
              HasSubstr("line 2: unknown word 'foo'"));
}

TEST(StreamText, LargeStreamsRoundTrip) {
  Stream stream = smallStream();
  std::mt19937 random(3);
  stream.images[0].bytes.resize(20 << 20);
  for (uint8_t &byte : stream.images[0].bytes)
    byte = static_cast<uint8_t>(random());
  Program &run = stream.programs[2];
  run.location.clear();
  for (int i = 0; i < 100000; ++i)
    run.code.push_back(Instruction(Opcode::MatMul).set(Field::N0, i % 1000));
  std::string bytes = bytesOf(stream);
  auto text = disassemble(bytes);
  ASSERT_TRUE(text.ok()) << text.status();
  auto again = assemble(*text);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(*again == bytes);
}

} // namespace
