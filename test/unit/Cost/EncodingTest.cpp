//===- EncodingTest.cpp - the encoding section of the report --------------===//
#include "aac/Cost/Encoding.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cmath>
#include <nlohmann/json.hpp>

using namespace aac::cost;
using testing::HasSubstr;
using testing::Not;

namespace {

EncodedTensor tensor(const std::string &name, const std::string &sharing,
                     std::vector<std::string> tasks) {
  EncodedTensor t;
  t.name = name;
  t.kind = "weights";
  t.role = "ffn";
  t.sharing = sharing;
  t.tasks = std::move(tasks);
  t.tier = "rram";
  t.weights = 1000;
  t.zeros = 500;
  t.vectors = 64;
  t.nullVectors = 3;
  t.format = "af8e3";
  t.engineVectors = 80;
  t.engineNullVectors = 4;
  t.denseBytes = 1024;
  t.maskBytes = 128;
  t.dataBytes = 512;
  t.storedBytes = 640;
  t.paddingBytes = 12;
  t.tileRows = 64;
  t.entropyBits = 4;
  return t;
}

} // namespace

TEST(Encoding, BitsAndRatio) {
  EncodedTensor t = tensor("w", "shared", {"a", "b"});
  EXPECT_DOUBLE_EQ(t.storedBits(), 5.12);
  EXPECT_DOUBLE_EQ(t.ratio(), 1.28);
  t.entropyBits = 0; // one code alone
  EXPECT_EQ(t.ratio(), 0);
  EXPECT_EQ(EncodedTensor().storedBits(), 0);
}

TEST(Encoding, TextTellsSharedTensorsAndSumsTasks) {
  Encoding encoding;
  encoding.tensors = {tensor("backbone", "shared", {"a", "b"}), tensor("first", "task", {"a"}),
                      tensor("second", "task", {"a"}),
                      tensor(std::string(50, 'x') + "\n.weight", "subset", {"a", "b"})};
  encoding.tensors[2].entropyBits = 2;
  CellUse use;
  use.tier = "rram";
  use.bitsPerCell = 2;
  use.dataCells = 4096;
  use.maskCells = 2048;
  use.errorRate = 1e-3;
  use.wrongCells = 4.096;
  use.order = "s e2 | e1 e0 | m3 m2 | m1 m0";
  use.sqnrDb = 31.5;
  use.naturalSqnrDb = HUGE_VAL;
  encoding.cells = {use};
  std::string text = printEncodingText(encoding);
  EXPECT_THAT(text, HasSubstr("backbone "));
  EXPECT_THAT(text, testing::ContainsRegex("\\.\\.x+\\\\n\\.weight "));
  EXPECT_THAT(text, Not(HasSubstr("first")));
  // The task's two tensors together: bytes add up, entropies weigh by weights.
  EXPECT_THAT(text,
              testing::ContainsRegex("task a +2048 +256 +1024 +1280 +50.0% +6 +3.00 +5.12 +1.71"));
  EXPECT_THAT(text, testing::ContainsRegex("all +4096 +512 +2048 +2560"));
  EXPECT_THAT(text, testing::ContainsRegex("backbone +bit-mask af8e3 +1024"));
  EXPECT_THAT(text, HasSubstr("the engine reads weights as 320 vectors, biases and padding among "
                              "them; 16 are zeros (5.00%), which it can skip"));
  EXPECT_THAT(text, Not(HasSubstr("not stored")));
  EXPECT_THAT(text, HasSubstr("of data, 48 bytes are padding of lanes: masks and data start anew "
                              "every 64 output features or fewer"));
  EXPECT_THAT(text, HasSubstr("cells of rram: 4096 of 2 bits for codes, 2048 of 1 bit for masks; "
                              "4.1 wrong expected (0.001 a cell)"));
  EXPECT_THAT(text, HasSubstr("31.5 dB, in natural order no error"));
}

TEST(Encoding, CodesForAnalysis) {
  Encoding encoding;
  encoding.tensors = {tensor("w", "shared", {"a", "b"}), tensor("v", "shared", {"a", "b"})};
  EncodedTensor &t = encoding.tensors[0];
  t.format = "int8:channel:asymmetric";
  t.isStored = false;
  t.scaleBytes = 50;
  t.engineVectors = encoding.tensors[1].engineVectors = 0;
  std::string text = printEncodingText(encoding);
  EXPECT_THAT(text, testing::ContainsRegex("w +codes +int8:channel:asymmetric +1024 "));
  EXPECT_THAT(text, testing::ContainsRegex("v +bit-mask +af8e3 +1024 "));
  EXPECT_THAT(text, HasSubstr("not stored: 1 tensors, for analysis; sizes are those of dense codes "
                              "and of 50 bytes of scales"));
  EXPECT_THAT(text, Not(HasSubstr("the engine reads")));
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(printEncodingJson(encoding));
  EXPECT_EQ(json["schema"], "aac-report/1");
  const auto &first = json["encoding"]["tensors"][0];
  EXPECT_EQ(first["form"], "codes");
  EXPECT_EQ(first["format"], "int8:channel:asymmetric");
  EXPECT_EQ(first["scale_bytes"], 50);
}

TEST(Encoding, Json) {
  Encoding encoding;
  encoding.tensors = {tensor("w", "shared", {"a", "b"})};
  encoding.cells = {CellUse()};
  encoding.cells[0].sqnrDb = HUGE_VAL;
  nlohmann::ordered_json json = encodingJson(encoding);
  const auto &t = json["tensors"][0];
  EXPECT_EQ(t["form"], "bit-mask");
  EXPECT_EQ(t["class"], "shared");
  EXPECT_EQ(t["stored_bytes"], 640);
  EXPECT_EQ(t["format"], "af8e3");
  EXPECT_EQ(t["null_vectors"], 3);
  EXPECT_EQ(t["engine_vectors"], 80);
  EXPECT_EQ(t["engine_null_vectors"], 4);
  EXPECT_EQ(t["scale_bytes"], 0);
  EXPECT_EQ(t["padding_bytes"], 12);
  EXPECT_EQ(t["tile_rows"], 64);
  EXPECT_DOUBLE_EQ(t["ratio"].get<double>(), 1.28);
  EXPECT_TRUE(json["cells"][0]["sqnr_db"].is_null());
}
