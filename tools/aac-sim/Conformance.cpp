//===- Conformance.cpp - aac-sim conformance: vectors of the engine --------===//
//
// Runs records of JSON lines, one operation each, through the published engine
// (aac/Sim/Published.h), or register-level streams through the accelerator
// (aac/Sim/Accelerator.h), and compares memories byte for byte. Cycles that a record gives are
// compared with the timing model's. Records with "semantics":"CORRECTED" are
// ConformanceCorrected.cpp's. Exit code 1 if any failed.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "ConformanceRecord.h"

#include "aac/Numerics/Layout.h"
#include "aac/Sim/Accelerator.h"
#include "aac/Sim/Published.h"
#include "aac/Sim/Timing.h"
#include "aac/Support/File.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace aac::tool {
namespace {

using nlohmann::json;
namespace pub = sim::published;

/// How many units of `unitBytes` the hex string of a field has.
int64_t imageSize(const json &record, const char *name, int64_t unitBytes) {
  return static_cast<int64_t>(bytes(record, name).size()) / unitBytes;
}

/// Compares the result as the memory holds it and as a dense matrix. `codes` are the result in
/// the order of its vectors, `dense` those of the matrix.
std::string compare(const json &record, const std::string &prefix, const pub::Memory &memory,
                    int base, const std::vector<uint8_t> &codes,
                    const std::vector<uint8_t> &dense) {
  std::vector<uint8_t> wantMask = bytes(record, (prefix + "_mask_hex").c_str());
  std::vector<uint8_t> wantData = bytes(record, (prefix + "_data_hex").c_str());
  std::array<size_t, kLanes> stored{};
  for (size_t i = 0; i < codes.size(); ++i)
    stored[i % kLanes] += codes[i] != 0;
  size_t vectors = codes.size() / kLanes, rows = *std::max_element(stored.begin(), stored.end());
  std::vector<uint8_t> mask, data;
  for (size_t i = 0; i < vectors; ++i) {
    uint16_t word = memory.mask[(static_cast<size_t>(base) + i) % memory.mask.size()];
    mask.push_back(static_cast<uint8_t>(word));
    mask.push_back(static_cast<uint8_t>(word >> 8));
  }
  for (size_t i = 0; i < rows * kLanes; ++i)
    data.push_back(memory.data[(static_cast<size_t>(base) + i) % memory.data.size()]);
  auto named = [&](const char *suffix, const char *what) {
    return absl::StrCat("field '", prefix, suffix, "': ", what);
  };
  std::string found =
      difference(named("_hex", "result").c_str(), bytes(record, (prefix + "_hex").c_str()), dense);
  if (found.empty())
    found = difference(named("_mask_hex", "mask memory").c_str(), wantMask, mask);
  if (found.empty())
    found = difference(named("_data_hex", "data memory").c_str(), wantData, data);
  checkStated(record, (prefix + "_mask_words").c_str(), vectors);
  checkStated(record, (prefix + "_data_rows").c_str(), rows);
  return found;
}

/// Checks what a record says of an operand besides its image: its sizes, and its codes as a
/// dense matrix, which are `codes`.
void checkOperand(const json &record, const std::string &prefix, const char *matrix,
                  const std::vector<uint8_t> &codes) {
  checkStated(record, (prefix + "_mask_words").c_str(),
              imageSize(record, (prefix + "_mask_hex").c_str(), 2));
  checkStated(record, (prefix + "_data_rows").c_str(),
              imageSize(record, (prefix + "_data_hex").c_str(), kLanes));
  if (!record.contains(matrix))
    return;
  std::string found =
      difference(absl::StrCat("field '", matrix, "': operand in the memory").c_str(),
                 bytes(record, matrix), codes);
  if (!found.empty())
    throw BadRecord{found};
}

using Parts = std::vector<std::pair<registers::Part, int>>;

/// Checks `registers`, the words in force at the start, and the fields that repeat them.
void checkRegisters(const json &record, const Parts &parts) {
  std::map<registers::Register, uint32_t> words;
  for (auto [part, value] : parts) {
    const registers::PartSpec &spec = registers::specOf(part);
    uint32_t mask = static_cast<uint32_t>((uint64_t{1} << spec.bits) - 1);
    words[spec.reg] |= (static_cast<uint32_t>(value) & mask) << spec.low;
  }
  using registers::Register;
  checkStated(record, "use_axi", words[Register::UseAxi]);
  checkStated(record, "use_gb", words[Register::UseSfu]);
  checkStated(record, "gb_mode_config", words[Register::SfuMode]);
  checkStated(record, "reset_mode", absl::StrFormat("0x%03x", words[Register::DecoderMode]));
  auto stated = record.find("registers");
  if (stated == record.end())
    return;
  if (!stated->is_object())
    throw BadRecord{"field 'registers' is not an object"};
  for (const auto &[name, value] : stated->items()) {
    uint32_t address = 0, word = 0;
    auto found = absl::SimpleHexAtoi(name, &address) && registers::isRegister(address)
                     ? words.find(static_cast<Register>(address))
                     : words.end();
    if (found == words.end())
      throw BadRecord{absl::StrCat("field 'registers' has '", onOneLine(name),
                                   "', no register of this operation")};
    if (!value.is_string() || !absl::SimpleHexAtoi(value.get<std::string>(), &word) ||
        word != found->second)
      throw BadRecord{absl::StrFormat("field 'registers': %s is not 0x%08x, as the record's other "
                                      "fields say",
                                      name, found->second)};
  }
}

//===----------------------------------------------------------------------===//
// Cycles
//===----------------------------------------------------------------------===//

/// The timing model beside the cycles of the records.
class Cycles {
public:
  static constexpr double kTolerance = 0.03;
  static constexpr int64_t kSlack = 3; ///< cycles, for what takes a few dozen

  explicit Cycles(std::string machineName) : machineName(std::move(machineName)) {}
  /// Empty, or which figure of `record` is off. `operation` is the record's; `rows` and
  /// `words` of its transfers by their names in the record.
  std::string compare(const json &record, const isa::Instruction &operation,
                      const std::map<std::string, int64_t> &sizes);

private:
  void load();
  std::string compare(const std::string &name, const json &observed, const isa::Instruction &in);

  std::string machineName;
  std::optional<Machine> machine;
};

void Cycles::load() {
  if (machine)
    return;
  absl::StatusOr<Machine> loaded = Machine::load(machineName, defaultMachinePath());
  if (!loaded.ok())
    fail(loaded.status());
  machine = *std::move(loaded);
  // The records' external memory delivers one beat a cycle.
  for (Tier &tier : machine->tiers) {
    double beats =
        static_cast<double>(machine->engine.timing.beatBytes) * machine->engine.clock.high;
    tier.bandwidth.low = tier.bandwidth.typical = tier.bandwidth.high = beats;
    tier.readLatency = tier.writeLatency = Quantity();
  }
}

std::string Cycles::compare(const std::string &name, const json &observed,
                            const isa::Instruction &in) {
  int64_t want = integerOf(observed, name.c_str(), 1, int64_t{1} << 40);
  absl::StatusOr<int64_t> got = sim::instructionCycles(in, *machine);
  if (!got.ok())
    throw BadRecord{absl::StrCat(name, ": ", std::string(got.status().message()))};
  int64_t most = std::max(kSlack, static_cast<int64_t>(kTolerance * static_cast<double>(want)));
  if (std::abs(*got - want) <= most)
    return "";
  return absl::StrFormat("%s: the timing model says %d cycles, %d observed; that is more than 3 %% "
                         "and %d cycles",
                         name, *got, want, kSlack);
}

std::string Cycles::compare(const json &record, const isa::Instruction &operation,
                            const std::map<std::string, int64_t> &sizes) {
  using isa::Field;
  std::string found;
  if (auto observed = record.find("cycles_start_to_irq"); observed != record.end()) {
    load();
    found = compare("cycles_start_to_irq", *observed, operation);
  }
  auto transfers = record.find("cycles_loads_stores");
  if (transfers == record.end() || !found.empty())
    return found;
  if (!transfers->is_object())
    throw BadRecord{"field 'cycles_loads_stores' is not an object"};
  load();
  for (const auto &[name, observed] : transfers->items()) {
    auto size = sizes.find(name);
    if (size == sizes.end())
      throw BadRecord{absl::StrCat("field 'cycles_loads_stores' has a transfer '", onOneLine(name),
                                   "' that the operation does not have")};
    bool store = name.find("store") == 0, mask = name.find("mask") != std::string::npos;
    isa::Instruction in(name == "load_aux" ? isa::Opcode::LoadAux
                        : mask ? (store ? isa::Opcode::StoreMask : isa::Opcode::LoadMask)
                               : (store ? isa::Opcode::StoreData : isa::Opcode::LoadData));
    in.set(mask ? Field::Words : Field::Rows, size->second);
    in.set(Field::Address, static_cast<int64_t>(machine->tiers.front().base));
    if (in.has(Field::Chunks))
      in.set(Field::Chunks, 1);
    found = compare("cycles_loads_stores." + name, observed, in);
    if (!found.empty())
      return found;
  }
  return "";
}

/// Rows that a store of `vectors` result vectors moves: the worst case, and what the published
/// source can move.
int64_t storedRows(int64_t vectors) { return vectors <= 128 ? vectors : roundUp(vectors, 128); }

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

std::string runMatMul(const json &record, Cycles &cycles) {
  using isa::Field;
  using registers::Part;
  pub::MatMul op;
  op.n0 = number(record, "N0", 16, 1008);
  op.n1 = number(record, "N1", 16, 1008);
  op.m = number(record, "M", 16, 4080);
  if (op.n0 % 16 || op.n1 % 16 || op.m % 16)
    throw BadRecord{"N0, N1 and M must be multiples of 16"};
  op.relu = number(record, "is_relu", 0, 1);
  op.biasEnable = number(record, "is_bias", 0, 1);
  op.weightBias = number(record, "weight_bias", -128, 127);
  op.outBias = bias(record, "adf_accum_bias");
  op.shift = number(record, "accum_right_shift", 0, 31);
  std::array<int, 2> base = pair(record, "base_input"), offset = pair(record, "base_input_offset");
  for (size_t i = 0; i < 2; ++i)
    op.input[i] = {base[i], base[i] - offset[i]};
  int memory = number(record, "output_memory", 0, 1);
  int outBase = number(record, "base_output", 0, 4095);
  pub::Engine engine;
  loadImage(engine.memory[0], record, "A");
  loadImage(engine.memory[1], record, "B");
  auto operand = [&](int i, int rows) {
    return fromBlockOrder(pub::decode(engine.memory[i], op.input[i], rows * op.m / kLanes), rows,
                          op.m);
  };
  checkOperand(record, "A", "A_hex", operand(0, op.n0));
  checkOperand(record, "B", "B_hex", operand(1, op.n1));
  checkStated(record, "A_shape", {op.n0, op.m});
  checkStated(record, "B_shape", {op.n1, op.m});
  checkStated(record, "C_shape", {op.n1, op.n0});
  checkRegisters(record, {{Part::FlipMem, memory},
                          {Part::Relu, op.relu},
                          {Part::BiasEnable, op.biasEnable},
                          {Part::WeightBias, op.weightBias},
                          {Part::OutBias, op.outBias},
                          {Part::Shift, op.shift},
                          {Part::N0, op.n0},
                          {Part::N1, op.n1},
                          {Part::M, op.m},
                          {Part::InputBase0, base[0]},
                          {Part::InputBase1, base[1]},
                          {Part::InputOffset0, offset[0]},
                          {Part::InputOffset1, offset[1]},
                          {Part::OutputBase, outBase},
                          {Part::UseAxi, 0},
                          {Part::UseSfu, 0},
                          {Part::DecoderMode0, registers::kDecodeN0},
                          {Part::DecoderMode1, registers::kDecodeN1}});
  std::vector<uint8_t> c = engine.matMul(op);
  engine.encode(memory, outBase, c);
  std::string found =
      compare(record, "C", engine.memory[memory], outBase, c, fromBlockOrder(c, op.n1, op.n0));
  if (!found.empty())
    return found;
  int64_t vectors = static_cast<int64_t>(op.n0) * op.n1 / kLanes;
  return cycles.compare(record,
                        isa::Instruction(isa::Opcode::MatMul)
                            .set(Field::N0, op.n0)
                            .set(Field::N1, op.n1)
                            .set(Field::M, op.m),
                        {{"load_data0", imageSize(record, "A_data_hex", kLanes)},
                         {"load_mask0", imageSize(record, "A_mask_hex", 2)},
                         {"load_data1", imageSize(record, "B_data_hex", kLanes)},
                         {"load_mask1", imageSize(record, "B_mask_hex", 2)},
                         {"store_mask", vectors},
                         {"store_data", storedRows(vectors)}});
}

pub::Sfu sfuOf(const json &record) {
  pub::Sfu op;
  op.vectors = number(record, "num_vector", 1, 255);
  op.timesteps = number(record, "num_timestep", 1, 255);
  op.activationBias[0] = bias(record, "adpbias_act1");
  op.memory = number(record, "memory", 0, 1);
  std::array<int, 2> base = pair(record, "base_input"), offset = pair(record, "base_input_offset");
  // Additions have two bases in one memory. Another unit takes masks from the first base, and
  // its decoder data from the one with the decoder's number.
  op.input[0] = {base[0], base[0] - offset[op.memory]};
  op.input[1] = {base[1], base[1] - offset[op.memory]};
  return op;
}

/// The words of a special function unit, and those of `more`.
void checkSfu(const json &record, const pub::Sfu &op, int outBase, int decoder, int mode,
              const Parts &more) {
  using registers::Part;
  std::array<int, 2> base = pair(record, "base_input"), offset = pair(record, "base_input_offset");
  checkStated(record, "shape", {op.timesteps, op.vectors * kLanes});
  Parts parts = {{Part::FlipMem, op.memory},
                 {Part::OutputBase, outBase},
                 {Part::UseAxi, 0},
                 {Part::UseSfu, 1},
                 {Part::SfuMode, mode},
                 {Part::InputBase0, base[0]},
                 {Part::InputBase1, base[1]},
                 {Part::InputOffset0, offset[0]},
                 {Part::InputOffset1, offset[1]},
                 {Part::Vectors, op.vectors},
                 {Part::Timesteps, op.timesteps},
                 {Part::Bias1, op.activationBias[0]},
                 {Part::Bias2, op.activationBias[1]},
                 {Part::Bias3, op.activationBias[2]},
                 {op.memory ? Part::DecoderMode1 : Part::DecoderMode0, decoder}};
  parts.insert(parts.end(), more.begin(), more.end());
  checkRegisters(record, parts);
}

std::string sfuCycles(const json &record, Cycles &cycles, isa::Opcode opcode, const pub::Sfu &op,
                      const std::string &image) {
  using isa::Field;
  int64_t vectors = static_cast<int64_t>(op.vectors) * op.timesteps;
  std::string number = std::to_string(op.memory);
  std::map<std::string, int64_t> sizes = {
      {"load_data" + number, imageSize(record, (image + "_data_hex").c_str(), kLanes)},
      {"load_mask" + number, imageSize(record, (image + "_mask_hex").c_str(), 2)},
      {"store_mask", vectors},
      {"store_data", storedRows(vectors)}};
  if (record.contains("aux_hex"))
    sizes["load_aux"] = imageSize(record, "aux_hex", kLanes);
  return cycles.compare(
      record,
      isa::Instruction(opcode).set(Field::Vectors, op.vectors).set(Field::Timesteps, op.timesteps),
      sizes);
}

std::string runElementAdd(const json &record, Cycles &cycles) {
  pub::Sfu op = sfuOf(record);
  op.activationBias[1] = bias(record, "adpbias_act2");
  op.activationBias[2] = bias(record, "adpbias_act3");
  int outBase = number(record, "base_output", 0, 4095);
  pub::Engine engine;
  loadImage(engine.memory[op.memory], record, "in");
  int vectors = op.vectors * op.timesteps;
  checkOperand(record, "in", "A_hex", pub::decode(engine.memory[op.memory], op.input[0], vectors));
  checkOperand(record, "in", "B_hex", pub::decode(engine.memory[op.memory], op.input[1], vectors));
  checkSfu(record, op, outBase, registers::kDecodeAdd, registers::kSfuAdd, {});
  std::vector<uint8_t> c = engine.elementAdd(op);
  engine.encode(op.memory, outBase, c);
  std::string found = compare(record, "C", engine.memory[op.memory], outBase, c, c);
  return found.empty() ? sfuCycles(record, cycles, isa::Opcode::ElementAdd, op, "in") : found;
}

std::string runLayerNorm(const json &record, Cycles &cycles) {
  using registers::Part;
  pub::Sfu op = sfuOf(record);
  op.input[0].data = op.input[op.memory].data;
  op.gammaBase = number(record, "base_gamma", 0, 255);
  op.gammaBias = bias(record, "adpbias_gamma");
  op.betaBias = bias(record, "adpbias_beta");
  int outBase = number(record, "base_output", 0, 4095);
  pub::Engine engine;
  loadImage(engine.memory[op.memory], record, "X");
  loadAux(engine, record);
  checkOperand(record, "X", "X_hex",
               pub::decode(engine.memory[op.memory], op.input[0], op.vectors * op.timesteps));
  checkStated(record, "aux_rows", imageSize(record, "aux_hex", kLanes));
  int betaBase = record.contains("base_beta") ? number(record, "base_beta", 0, 255) : 0;
  checkSfu(record, op, outBase, registers::kDecodeLayerNorm, registers::kSfuLayerNorm,
           {{Part::GammaBase, op.gammaBase},
            {Part::BetaBase, betaBase},
            {Part::GammaBias, op.gammaBias},
            {Part::BetaBias, op.betaBias}});
  std::vector<uint8_t> y = engine.layerNorm(op);
  engine.encode(op.memory, outBase, y);
  std::string found = compare(record, "Y", engine.memory[op.memory], outBase, y, y);
  return found.empty() ? sfuCycles(record, cycles, isa::Opcode::LayerNorm, op, "X") : found;
}

/// A register-level stream: what it leaves in the external memory.
std::string runRegisters(const json &record) {
  auto list = [&](const char *name) -> const json & {
    const json &value = field(record, name);
    if (!value.is_array())
      throw BadRecord{absl::StrCat("field '", name, "' is not a list")};
    return value;
  };
  const json &before = list("dram_before"), &commands = list("commands");
  const json &after = list("dram_after");
  auto region = [](const char *name, const json &regions, size_t i, std::vector<uint8_t> &data) {
    uint32_t address = 0;
    try {
      const json &entry = regions[i];
      if (!entry.is_object())
        throw BadRecord{"not an object with 'addr' and 'hex'"};
      if (!absl::SimpleHexAtoi(text(entry, "addr"), &address))
        throw BadRecord{"field 'addr' is not an address of 32 bits in hex"};
      data = bytes(entry, "hex");
    } catch (const BadRecord &bad) {
      throw BadRecord{absl::StrCat(name, "[", i, "]: ", bad.message)};
    }
    return address;
  };
  Machine machine; // the published source has one size
  machine.engine.semantics = Semantics::Published;
  std::unique_ptr<sim::Accelerator> accelerator = sim::Accelerator::create(machine);
  std::vector<uint8_t> data;
  for (size_t i = 0; i < before.size(); ++i) {
    uint32_t address = region("dram_before", before, i, data);
    accelerator->dram.write(address, data);
  }
  for (size_t i = 0; i < commands.size(); ++i) {
    if (!commands[i].is_string())
      throw BadRecord{absl::StrCat("command ", i, " is not a string")};
    absl::StatusOr<registers::Command> command = registers::parse(commands[i].get<std::string>());
    absl::Status status = command.ok() ? accelerator->run(*command) : command.status();
    if (!status.ok())
      return absl::StrCat("command ", i, " (", onOneLine(commands[i].get<std::string>()),
                          "): ", std::string(status.message()));
  }
  for (size_t i = 0; i < after.size(); ++i) {
    uint32_t address = region("dram_after", after, i, data);
    std::string found =
        difference(absl::StrFormat("dram_after[%d]: external memory at 0x%x", i, address).c_str(),
                   data, accelerator->dram.read(address, data.size()));
    if (!found.empty())
      return found;
  }
  return "";
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
    return difference("field 'hex': table", bytes(record, "hex"), table);
  }
  int b = bias(record, "bias"), value = number(record, "value", -32768, 32767);
  std::vector<uint8_t> code = bytes(record, "code");
  if (code.size() != 1)
    throw BadRecord{"field 'code' is not one byte"};
  if (type == "af8_to_fx10") {
    int got = pub::toFixed(code[0], b);
    return got == value ? "" : absl::StrFormat("value is %d, expected %d", got, value);
  }
  if (type != "fx10_to_af8" && type != "acc12_to_af8")
    throw BadRecord{absl::StrCat("unknown conversion '", onOneLine(type), "' in field 't'")};
  int fractionBits = type == "acc12_to_af8" ? 12 : 10;
  return difference("code", code, {pub::toCode(static_cast<int16_t>(value), fractionBits, b)});
}

std::string runRecord(const json &record, Cycles &cycles, CorrectedRecords &corrected) {
  if (record.contains("semantics")) {
    std::string semantics = text(record, "semantics");
    if (semantics == "CORRECTED")
      return corrected.run(record);
    if (semantics != "PUBLISHED")
      throw BadRecord{absl::StrCat("unknown semantics \"", onOneLine(semantics), "\"")};
  }
  if (record.contains("t"))
    return runConversion(record, text(record, "t"));
  if (record.contains("commands"))
    return runRegisters(record);
  std::string op = text(record, "op");
  if (op == "matmul")
    return runMatMul(record, cycles);
  if (op == "elemadd")
    return runElementAdd(record, cycles);
  if (op == "layernorm")
    return runLayerNorm(record, cycles);
  throw BadRecord{absl::StrCat("unknown operation \"", onOneLine(op), "\" in field 'op'")};
}

/// Fields of records of either kind; others are named once a file, for they may be misspelt.
bool isKnown(const std::string &name) {
  static const std::set<std::string> names = {"A_data_hex",
                                              "A_data_rows",
                                              "A_hex",
                                              "A_mask_hex",
                                              "A_mask_mode",
                                              "A_mask_words",
                                              "A_shape",
                                              "B_data_hex",
                                              "B_data_rows",
                                              "B_hex",
                                              "B_mask_hex",
                                              "B_mask_mode",
                                              "B_mask_words",
                                              "B_shape",
                                              "C_data_hex",
                                              "C_data_rows",
                                              "C_hex",
                                              "C_mask_hex",
                                              "C_mask_words",
                                              "C_residual",
                                              "C_shape",
                                              "M",
                                              "N0",
                                              "N1",
                                              "X_data_hex",
                                              "X_data_rows",
                                              "X_hex",
                                              "X_mask_hex",
                                              "X_mask_words",
                                              "Y_data_hex",
                                              "Y_data_rows",
                                              "Y_hex",
                                              "Y_mask_hex",
                                              "Y_mask_words",
                                              "accum_right_shift",
                                              "adf_accum_bias",
                                              "adpbias_act1",
                                              "adpbias_act2",
                                              "adpbias_act3",
                                              "adpbias_beta",
                                              "adpbias_gamma",
                                              "aux_hex",
                                              "aux_rows",
                                              "base_beta",
                                              "base_gamma",
                                              "base_input",
                                              "base_input_offset",
                                              "base_output",
                                              "bias",
                                              "code",
                                              "commands",
                                              "cycles_loads_stores",
                                              "cycles_start_to_irq",
                                              "derived",
                                              "dram_after",
                                              "dram_before",
                                              "format",
                                              "gb_mode_config",
                                              "group",
                                              "hex",
                                              "id",
                                              "in_data_hex",
                                              "in_data_rows",
                                              "in_mask_hex",
                                              "in_mask_words",
                                              "is_bias",
                                              "is_relu",
                                              "mask_mode",
                                              "memory",
                                              "num_timestep",
                                              "num_vector",
                                              "op",
                                              "output_memory",
                                              "quirk",
                                              "ref",
                                              "registers",
                                              "reset_mode",
                                              "semantics",
                                              "shape",
                                              "t",
                                              "tags",
                                              "use_axi",
                                              "use_gb",
                                              "value",
                                              "weight_bias"};
  return names.count(name) || absl::EndsWith(name, "_source");
}

void runFiles(const std::vector<std::string> &files, Cycles cycles) {
  constexpr size_t mostShown = 20;
  CorrectedRecords corrected;
  int64_t passed = 0, failed = 0;
  for (const std::string &path : files) {
    absl::StatusOr<std::string> text = readFile(path);
    if (!text.ok())
      fail(text.status());
    int64_t lineNumber = 0;
    std::set<std::string> unread; // of this file, named already
    for (absl::string_view line : absl::StrSplit(*text, '\n')) {
      ++lineNumber;
      if (line.find_first_not_of(" \t\r") == absl::string_view::npos)
        continue;
      json record = json::parse(line.begin(), line.end(), nullptr, false);
      std::string problem;
      if (record.is_object()) {
        try {
          problem = runRecord(record, cycles, corrected);
        } catch (const BadRecord &bad) {
          problem = bad.message;
        }
      } else {
        problem = "not a JSON object";
      }
      if (record.is_object() && !record.contains("semantics"))
        for (const auto &[name, value] : record.items())
          if (!isKnown(name) && unread.size() < mostShown && unread.insert(name).second)
            std::cerr << path << ":" << lineNumber << ": note: field '" << onOneLine(name)
                      << "' is not read\n";
      ++(problem.empty() ? passed : failed);
      if (problem.empty() || failed > static_cast<int64_t>(mostShown))
        continue;
      std::string id = record.is_object() && record.contains("id") && record["id"].is_string()
                           ? onOneLine(record["id"].get<std::string>()) + ": "
                           : "";
      std::cerr << path << ":" << lineNumber << ": " << onOneLine(id + problem, 800) << "\n";
    }
  }
  if (std::string summary = corrected.summary(); !summary.empty())
    std::cout << summary << "\n";
  std::cout << passed << " passed, " << failed << " failed\n";
  if (failed)
    throw CLI::RuntimeError(1);
}

} // namespace

void addConformanceCommand(CLI::App &app) {
  auto files = std::make_shared<std::vector<std::string>>();
  auto machine = std::make_shared<std::string>("edgebert-published");
  CLI::App *command =
      app.add_subcommand("conformance", "Runs vectors of the engine and compares every byte");
  command->add_option("files", *files, "records as JSON lines")->required();
  command->add_option("--machine", *machine,
                      "Name or file of the machine whose timing the cycles are compared with");
  command->callback([files, machine] { runFiles(*files, Cycles(*machine)); });
}

} // namespace aac::tool
