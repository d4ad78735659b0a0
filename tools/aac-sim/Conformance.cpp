//===- Conformance.cpp - aac-sim conformance: published engine vectors -----===//
//
// Runs records of JSON lines, one operation each, through the published engine
// (aac/Sim/Published.h) and compares memories byte for byte. Exit code 1 if any failed.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"

#include "aac/Numerics/Layout.h"
#include "aac/Sim/Published.h"
#include "aac/Support/File.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

namespace aac::tool {
namespace {

using nlohmann::json;
namespace pub = sim::published;

/// A record that does not hold what its operation needs; the message says what.
struct BadRecord {
  std::string message;
};

const json &field(const json &record, const char *name) {
  auto found = record.find(name);
  if (found == record.end())
    throw BadRecord{absl::StrCat("no field '", name, "'")};
  return *found;
}

int number(const json &value, const char *name, int64_t low, int64_t high) {
  if (!value.is_number_integer() || value.get<int64_t>() < low || value.get<int64_t>() > high)
    throw BadRecord{absl::StrFormat("field '%s' is not an integer from %d to %d", name, low, high)};
  return static_cast<int>(value.get<int64_t>());
}
int number(const json &record, const char *name, int64_t low, int64_t high, int) {
  return number(field(record, name), name, low, high);
}
int bias(const json &record, const char *name) { return number(record, name, 0, 7, 0); }

std::vector<uint8_t> bytes(const json &record, const char *name) {
  const json &value = field(record, name);
  bool good = value.is_string();
  std::string hex = good ? value.get<std::string>() : "";
  good = good && hex.size() % 2 == 0 &&
         hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!good)
    throw BadRecord{absl::StrCat("field '", name, "' is not hex")};
  std::string raw = absl::HexStringToBytes(hex);
  return {raw.begin(), raw.end()};
}

void loadImage(pub::Memory &memory, const json &record, const std::string &prefix) {
  std::vector<uint8_t> data = bytes(record, (prefix + "_data_hex").c_str());
  std::vector<uint8_t> mask = bytes(record, (prefix + "_mask_hex").c_str());
  if (data.size() > memory.data.size() || mask.size() / 2 > memory.mask.size())
    throw BadRecord{absl::StrCat("the image of ", prefix, " does not fit the memory")};
  std::copy(data.begin(), data.end(), memory.data.begin());
  for (size_t i = 0; i + 1 < mask.size(); i += 2)
    memory.mask[i / 2] = static_cast<uint16_t>(mask[i] | mask[i + 1] << 8);
}

std::array<pub::Place, 2> places(const json &record) {
  std::array<pub::Place, 2> result;
  for (auto [name, member] : {std::pair{"base_input", &pub::Place::base},
                              std::pair{"base_input_offset", &pub::Place::offset}}) {
    const json &pair = field(record, name);
    if (!pair.is_array() || pair.size() != 2)
      throw BadRecord{absl::StrCat("field '", name, "' is not a pair")};
    for (size_t i = 0; i < 2; ++i)
      result[i].*member = number(pair[i], name, 0, 4095);
  }
  return result;
}

/// Empty, or where the first difference is.
std::string difference(const char *what, const std::vector<uint8_t> &want,
                       const std::vector<uint8_t> &got) {
  if (want.size() != got.size())
    return absl::StrFormat("%s: %d bytes expected, %d computed", what, want.size(), got.size());
  for (size_t i = 0; i < want.size(); ++i)
    if (want[i] != got[i])
      return absl::StrFormat("%s: byte %d is 0x%02x, expected 0x%02x", what, i, got[i], want[i]);
  return "";
}

/// Compares the result as the memory holds it and as a dense matrix.
std::string compare(const json &record, const std::string &prefix, const pub::Memory &memory,
                    int base, const std::vector<uint8_t> &dense) {
  std::vector<uint8_t> wantMask = bytes(record, (prefix + "_mask_hex").c_str());
  std::vector<uint8_t> wantData = bytes(record, (prefix + "_data_hex").c_str());
  std::vector<uint8_t> mask, data;
  for (size_t i = 0; i < wantMask.size() / 2; ++i) {
    uint16_t word = memory.mask[(static_cast<size_t>(base) + i) % memory.mask.size()];
    mask.push_back(static_cast<uint8_t>(word));
    mask.push_back(static_cast<uint8_t>(word >> 8));
  }
  for (size_t i = 0; i < wantData.size(); ++i)
    data.push_back(memory.data[(static_cast<size_t>(base) + i) % memory.data.size()]);
  std::string found = difference("result", bytes(record, (prefix + "_hex").c_str()), dense);
  if (found.empty())
    found = difference("mask memory", wantMask, mask);
  return found.empty() ? difference("data memory", wantData, data) : found;
}

std::string runMatMul(const json &record) {
  pub::MatMul op;
  op.n0 = number(record, "N0", 16, 1008, 0);
  op.n1 = number(record, "N1", 16, 1008, 0);
  op.m = number(record, "M", 16, 4080, 0);
  if (op.n0 % 16 || op.n1 % 16 || op.m % 16)
    throw BadRecord{"N0, N1 and M must be multiples of 16"};
  op.relu = number(record, "is_relu", 0, 1, 0);
  op.biasEnable = number(record, "is_bias", 0, 1, 0);
  op.weightBias = number(record, "weight_bias", -128, 127, 0);
  op.outBias = bias(record, "adf_accum_bias");
  op.shift = number(record, "accum_right_shift", 0, 31, 0);
  op.input = places(record);
  op.outMemory = number(record, "output_memory", 0, 1, 0);
  op.outBase = number(record, "base_output", 0, 4095, 0);
  pub::Engine engine;
  loadImage(engine.memory[0], record, "A");
  loadImage(engine.memory[1], record, "B");
  std::vector<uint8_t> c = fromBlockOrder(engine.matMul(op), op.n1, op.n0);
  return compare(record, "C", engine.memory[op.outMemory], op.outBase, c);
}

pub::Sfu sfuOf(const json &record) {
  pub::Sfu op;
  op.vectors = number(record, "num_vector", 1, 255, 0);
  op.timesteps = number(record, "num_timestep", 1, 255, 0);
  op.activationBias[0] = bias(record, "adpbias_act1");
  op.memory = number(record, "memory", 0, 1, 0);
  op.outBase = number(record, "base_output", 0, 4095, 0);
  op.input = places(record);
  return op;
}

std::string runElementAdd(const json &record) {
  pub::Sfu op = sfuOf(record);
  op.activationBias[1] = bias(record, "adpbias_act2");
  op.activationBias[2] = bias(record, "adpbias_act3");
  pub::Engine engine;
  loadImage(engine.memory[op.memory], record, "in");
  std::vector<uint8_t> c = engine.elementAdd(op);
  return compare(record, "C", engine.memory[op.memory], op.outBase, c);
}

std::string runLayerNorm(const json &record) {
  pub::Sfu op = sfuOf(record);
  op.gammaBase = number(record, "base_gamma", 0, 255, 0);
  op.gammaBias = bias(record, "adpbias_gamma");
  op.betaBias = bias(record, "adpbias_beta");
  pub::Engine engine;
  loadImage(engine.memory[op.memory], record, "X");
  std::vector<uint8_t> aux = bytes(record, "aux_hex");
  if (aux.size() > engine.aux.size())
    throw BadRecord{"the auxiliary image does not fit"};
  std::copy(aux.begin(), aux.end(), engine.aux.begin());
  std::vector<uint8_t> y = engine.layerNorm(op);
  return compare(record, "Y", engine.memory[op.memory], op.outBase, y);
}

std::string runConversion(const json &record, const std::string &type) {
  if (type == "adpfloat_mul_table" || type == "invsqrt_table") {
    std::vector<uint8_t> table;
    for (int i = 0; i < 65536; ++i) {
      int16_t entry = type == "invsqrt_table"
                          ? pub::inverseSqrt(static_cast<uint16_t>(i))
                          : pub::multiply(static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
      table.push_back(static_cast<uint8_t>(entry));
      table.push_back(static_cast<uint8_t>(entry >> 8));
    }
    return difference("table", bytes(record, "hex"), table);
  }
  int b = bias(record, "bias"), value = number(record, "value", -32768, 32767, 0);
  std::vector<uint8_t> code = bytes(record, "code");
  if (code.size() != 1)
    throw BadRecord{"field 'code' is not one byte"};
  if (type == "af8_to_fx10") {
    int got = pub::toFixed(code[0], b);
    return got == value ? "" : absl::StrFormat("value is %d, expected %d", got, value);
  }
  if (type != "fx10_to_af8" && type != "acc12_to_af8")
    throw BadRecord{absl::StrCat("unknown conversion '", type, "'")};
  int fractionBits = type == "acc12_to_af8" ? 12 : 10;
  return difference("code", code, {pub::toCode(static_cast<int16_t>(value), fractionBits, b)});
}

std::string runRecord(const json &record) {
  if (record.contains("t") && record["t"].is_string())
    return runConversion(record, record["t"].get<std::string>());
  const json &op = field(record, "op");
  if (op == "matmul")
    return runMatMul(record);
  if (op == "elemadd")
    return runElementAdd(record);
  if (op == "layernorm")
    return runLayerNorm(record);
  throw BadRecord{absl::StrCat("unknown operation ", op.dump())};
}

void runFiles(const std::vector<std::string> &files) {
  constexpr int64_t mostShown = 20;
  int64_t passed = 0, failed = 0;
  for (const std::string &path : files) {
    absl::StatusOr<std::string> text = readFile(path);
    if (!text.ok())
      fail(text.status());
    int64_t lineNumber = 0;
    for (absl::string_view line : absl::StrSplit(*text, '\n')) {
      ++lineNumber;
      if (line.find_first_not_of(" \t\r") == absl::string_view::npos)
        continue;
      json record = json::parse(line.begin(), line.end(), nullptr, false);
      std::string problem;
      if (record.is_object()) {
        try {
          problem = runRecord(record);
        } catch (const BadRecord &bad) {
          problem = bad.message;
        }
      } else {
        problem = "not a JSON object";
      }
      ++(problem.empty() ? passed : failed);
      if (problem.empty() || failed > mostShown)
        continue;
      std::string id = record.is_object() && record.contains("id") && record["id"].is_string()
                           ? record["id"].get<std::string>() + ": "
                           : "";
      std::cerr << path << ":" << lineNumber << ": " << id << problem << "\n";
    }
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  if (failed)
    throw CLI::RuntimeError(1);
}

} // namespace

void addConformanceCommand(CLI::App &app) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App *command = app.add_subcommand(
      "conformance", "Runs vectors of the published engine (semantics PUBLISHED)");
  command->add_option("files", *files, "records as JSON lines")->required();
  command->callback([files] { runFiles(*files); });
}

} // namespace aac::tool
