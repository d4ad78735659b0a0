//===- ConformanceCorrected.cpp - conformance of the CORRECTED engine ------===//
//
// A record of an operation gives the memories before it, the instruction's fields and the
// result as it lies in memory. The memories are loaded whole, the operation is carried
// out, and the memories are stored whole and compared: nothing but the result may have
// changed. Once by the instruction-level simulator, with one thread and with three,
// and once by the accelerator, through the registers.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "ConformanceRecord.h"

#include "aac/Numerics/Layout.h"
#include "aac/Registers/Registers.h"
#include "aac/Sim/Accelerator.h"
#include "aac/Sim/Engine.h"
#include "aac/Sim/Simulator.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "hwy/targets.h"
#include <algorithm>
#include <limits>

namespace aac::tool {
namespace {

using isa::Field;
using isa::Instruction;
using isa::Opcode;
using nlohmann::json;
namespace pub = sim::published;

/// The records' memories have the size of this machine's.
constexpr const char *kMachine = "edgebert";
constexpr int kThreads = 3;

//===----------------------------------------------------------------------===//
// Conversions and functions
//===----------------------------------------------------------------------===//

std::string differenceOf(const char *what, const std::vector<int64_t> &arguments,
                         const std::vector<int64_t> &want, const std::vector<int64_t> &got) {
  for (size_t i = 0; i < want.size(); ++i)
    if (want[i] != got[i])
      return absl::StrFormat("%s of %d is %d, expected %d", what, arguments[i], got[i], want[i]);
  return "";
}

std::string runToWords(const json &record) {
  int b = bias(record, "bias");
  std::vector<int64_t> want = integers(record, "values", sim::kSfuMin, sim::kSfuMax);
  if (want.size() != 256)
    throw BadRecord{"field 'values' does not have a value for each of 256 codes"};
  std::vector<uint8_t> codes(256);
  std::vector<int64_t> all(256), one(256);
  for (size_t code = 0; code < 256; ++code) {
    all[code] = static_cast<int64_t>(code);
    codes[code] = static_cast<uint8_t>(code);
    one[code] = sim::sfuWord(codes[code], b);
  }
  std::vector<int32_t> words(256);
  sim::sfuWords(codes, b, absl::MakeSpan(words));
  std::string found = differenceOf("the word", all, want, {words.begin(), words.end()});
  return found.empty() ? differenceOf("the word, alone,", all, want, one) : found;
}

/// Numbers with 14 fraction bits (words) or 12 (behind the accumulator).
std::string runToCodes(const json &record, int fractionBits) {
  using Limits = std::numeric_limits<int32_t>;
  bool words = fractionBits == sim::kSfuFractionBits;
  int b = bias(record, "bias");
  std::vector<int64_t> values = integers(record, "values", words ? sim::kSfuMin : Limits::min(),
                                         words ? sim::kSfuMax : Limits::max());
  std::vector<uint8_t> want = bytes(record, "codes_hex"), got;
  int64_t saturations = integerOf(field(record, "saturations"), "saturations", 0,
                                  static_cast<int64_t>(values.size()));
  sim::Counts counts;
  for (int64_t value : values) {
    bool saturated = false;
    got.push_back(
        encodeAdaptivFloat8Fixed(value, fractionBits, b + kEngineExponentOffset, &saturated));
    counts.saturations += saturated;
  }
  std::string found = difference("codes", want, got);
  if (found.empty() && words) {
    counts = {};
    std::vector<int32_t> padded(values.begin(), values.end());
    padded.resize(static_cast<size_t>(roundUp(static_cast<int64_t>(padded.size()), kLanes)));
    std::vector<uint8_t> many(padded.size());
    sim::sfuCodes(padded, b, absl::MakeSpan(many), counts);
    many.resize(values.size());
    found = difference("codes of many", want, many);
  }
  if (found.empty() && counts.saturations != saturations)
    found = absl::StrFormat("%d saturations, expected %d", counts.saturations, saturations);
  return found;
}

std::string runFunction(const json &record, const std::string &type) {
  constexpr int64_t max32 = std::numeric_limits<uint32_t>::max();
  bool exp = type == "exp";
  std::vector<int64_t> arguments =
      integers(record, "arguments", exp ? -(1 << 20) : 1, exp ? 0 : max32);
  std::vector<int64_t> want = integers(record, "values", -max32, max32), got;
  if (want.size() != arguments.size())
    throw BadRecord{"'arguments' and 'values' are not of one length"};
  for (int64_t argument : arguments)
    got.push_back(exp            ? int64_t{sim::expNegative(static_cast<int32_t>(argument))}
                  : type == "ln" ? sim::naturalLog(static_cast<uint32_t>(argument))
                                 : sim::inverseSqrt(static_cast<uint32_t>(argument)));
  return differenceOf(type.c_str(), arguments, want, got);
}

std::string runDvfs(const json &record) {
  int scale = number(record, "scale", 1, 255);
  std::vector<int64_t> entropies = integers(record, "arguments", -32768, 32767);
  std::vector<int64_t> ldo = integers(record, "ldo", 0, 15), dco = integers(record, "dco", 0, 14);
  if (ldo.size() != entropies.size() || dco.size() != entropies.size())
    throw BadRecord{"'arguments', 'ldo' and 'dco' are not of one length"};
  std::vector<int64_t> gotLdo, gotDco;
  for (int64_t entropy : entropies) {
    pub::DvfsPoint point = pub::dvfs(static_cast<int16_t>(entropy), scale);
    gotLdo.push_back(point.ldo);
    gotDco.push_back(point.dco);
  }
  std::string found = differenceOf("the LDO code", entropies, ldo, gotLdo);
  return found.empty() ? differenceOf("the DCO code", entropies, dco, gotDco) : found;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// What a record says of an operation.
struct Operation {
  Instruction in{Opcode::MatMul};
  pub::Memories before, after; ///< data and mask memories
  sim::Counts counts;
};

/// What a run left.
struct Outcome {
  std::vector<uint8_t> memories; ///< as imageOf makes it
  sim::Counts counts;
  int entropyStatus = 0;
};

/// Data memories, then mask memories; all of one machine's size.
std::vector<uint8_t> imageOf(const pub::Memories &memories) {
  std::vector<uint8_t> image;
  for (const pub::Memory &memory : memories.memory)
    image.insert(image.end(), memory.data.begin(), memory.data.end());
  for (const pub::Memory &memory : memories.memory)
    for (uint16_t word : memory.mask) {
      image.push_back(static_cast<uint8_t>(word));
      image.push_back(static_cast<uint8_t>(word >> 8));
    }
  return image;
}

void readBases(const json &record, const char *name, Instruction &in, Field first, Field second) {
  std::array<int, 2> base = pair(record, name);
  in.set(first, base[0]);
  if (in.has(second))
    in.set(second, base[1]);
}

Operation readMatMul(const json &record) {
  Operation op;
  op.in.set(Field::N0, number(record, "N0", 16, 1008))
      .set(Field::N1, number(record, "N1", 16, 1008))
      .set(Field::M, number(record, "M", 16, 4080))
      .set(Field::Relu, number(record, "is_relu", 0, 1))
      .set(Field::BiasEnable, number(record, "is_bias", 0, 1))
      .set(Field::WeightBias, number(record, "weight_bias", -128, 127))
      .set(Field::OutBias, bias(record, "adf_accum_bias"))
      .set(Field::Shift, number(record, "accum_right_shift", 0, 31))
      .set(Field::OutMemory, number(record, "output_memory", 0, 1))
      .set(Field::OutBase, number(record, "base_output", 0, 4095));
  readBases(record, "base_input", op.in, Field::Base0, Field::Base1);
  readBases(record, "base_input_offset", op.in, Field::DataOffset0, Field::DataOffset1);
  loadImage(op.before.memory[0], record, "A");
  loadImage(op.before.memory[1], record, "B");
  return op;
}

Operation readSfu(const json &record, Opcode opcode) {
  Operation op;
  Instruction &in = op.in = Instruction(opcode);
  auto set = [&](Field to, const char *name, int64_t low, int64_t high) {
    if (in.has(to))
      in.set(to, number(record, name, low, high));
  };
  set(Field::Vectors, "num_vector", 1, 255);
  set(Field::Timesteps, "num_timestep", 1, 255);
  set(Field::PadLanes, "pad_lanes", 0, 15);
  set(Field::Memory, "memory", 0, 1);
  set(Field::InBias, "adpbias_act1", 0, 7);
  set(Field::InBias1, "adpbias_act2", 0, 7);
  set(Field::OutBias, "adpbias_act3", 0, 7);
  set(Field::OutBase, "base_output", 0, 4095);
  set(Field::GammaBase, "base_gamma", 0, 255);
  set(Field::BetaBase, "base_beta", 0, 255);
  set(Field::GammaBias, "adpbias_gamma", 0, 7);
  set(Field::BetaBias, "adpbias_beta", 0, 7);
  set(Field::SpanBase, "base_attn_span", 0, 127);
  set(Field::SpanBias, "adpbias_attn_span", 0, 7);
  readBases(record, "base_input", in, Field::InBase, Field::InBase1);
  if (in.has(Field::GammaBase) || in.has(Field::SpanBase))
    loadAux(op.before, record);
  loadImage(op.before.memory[in.get(Field::Memory)], record,
            opcode == Opcode::ElementAdd ? "in" : "X");
  return op;
}

Instruction transfer(Opcode opcode, int64_t memory, const char *unit, int64_t count,
                     uint64_t address) {
  Instruction in(opcode);
  in.set(unit == std::string("words") ? Field::Words : Field::Rows, count);
  in.set(Field::Address, static_cast<int64_t>(address));
  if (in.has(Field::Memory))
    in.set(Field::Memory, memory).set(Field::Chunks, 1);
  return in;
}

/// Loads all memories from `from`, carries out `operation`, stores them to `to`.
std::vector<Instruction> programOf(const Instruction &operation, uint64_t from, uint64_t to) {
  const pub::Memories sizes;
  std::vector<Instruction> code = {Instruction(Opcode::TaskBegin)};
  const Instruction wait = Instruction(Opcode::Wait).set(Field::Units, 7);
  auto all = [&](bool store, uint64_t address) {
    for (int64_t memory : {0, 1}) {
      int64_t rows = static_cast<int64_t>(sizes.memory[memory].data.size()) / kLanes;
      code.push_back(
          transfer(store ? Opcode::StoreData : Opcode::LoadData, memory, "rows", rows, address));
      address += static_cast<uint64_t>(rows * kLanes);
    }
    for (int64_t memory : {0, 1}) {
      int64_t words = static_cast<int64_t>(sizes.memory[memory].mask.size());
      code.push_back(
          transfer(store ? Opcode::StoreMask : Opcode::LoadMask, memory, "words", words, address));
      address += static_cast<uint64_t>(words * 2);
    }
    if (!store)
      code.push_back(transfer(Opcode::LoadAux, 0, "rows",
                              static_cast<int64_t>(sizes.aux.size()) / kLanes, address));
  };
  all(false, from);
  code.push_back(wait);
  code.push_back(operation);
  code.push_back(wait);
  all(true, to);
  code.push_back(Instruction(Opcode::TaskEnd));
  return code;
}

/// A stream of one task whose only program is `operation`'s.
class Runner {
public:
  Runner(const Machine &machine, const Operation &op, const Instruction &in)
      : machine(machine), base(machine.tiers.front().base) {
    Task task;
    task.name = "record";
    task.runProgram = 0;
    stream.tasks.push_back(task);
    stream.switchTo = {-1, -1};
    image = imageOf(op.before);
    size = image.size();
    image.insert(image.end(), op.before.aux.begin(), op.before.aux.end());
    // In the first tier, as is where the memories go afterwards.
    out = base + static_cast<uint64_t>(roundUp(static_cast<int64_t>(image.size()), 4096));
    stream.images.push_back({machine.tiers.front().name, base, 1, image});
    Program program;
    program.name = "record";
    program.code = programOf(in, base, out);
    stream.programs = {program};
  }

  absl::StatusOr<Outcome> simulate(int threads) const {
    absl::StatusOr<sim::Simulator> simulator = sim::Simulator::create(stream, machine);
    if (!simulator.ok())
      return simulator.status();
    simulator->setThreads(threads);
    absl::Status status = simulator->runPowerOn();
    if (status.ok())
      status = simulator->switchTo(0);
    if (status.ok())
      status = simulator->run(0, {}).status();
    if (!status.ok())
      return status;
    absl::StatusOr<std::vector<uint8_t>> memories = simulator->readTier(out, size);
    if (!memories.ok())
      return memories.status();
    return Outcome{*std::move(memories), simulator->totals().counts, simulator->entropyStatus()};
  }

  /// Through the registers; nothing is counted there.
  absl::StatusOr<Outcome> accelerate() const {
    absl::StatusOr<std::vector<registers::Line>> lines =
        registers::expandProgram(stream.programs.front(), Semantics::Corrected);
    if (!lines.ok())
      return lines.status();
    std::unique_ptr<sim::Accelerator> accelerator = sim::Accelerator::create(machine);
    accelerator->dram.write(static_cast<uint32_t>(base), image);
    for (const registers::Line &line : *lines)
      if (line.note.empty())
        if (absl::Status status = accelerator->run(line.command); !status.ok())
          return status;
    return Outcome{accelerator->dram.read(static_cast<uint32_t>(out), size),
                   {},
                   static_cast<int>(accelerator->read(0x5c) & 3)};
  }

private:
  const Machine &machine;
  uint64_t base, out = 0;
  size_t size = 0;
  std::vector<uint8_t> image;
  Stream stream;
};

std::string differenceOf(const pub::Memories &want, const std::vector<uint8_t> &got) {
  // Where the first difference lies, as memory and byte.
  std::vector<uint8_t> all = imageOf(want);
  size_t at = 0;
  for (const char *name : {"data memory 0", "data memory 1", "mask memory 0", "mask memory 1"}) {
    size_t size = name[0] == 'd' ? want.memory[0].data.size() : want.memory[0].mask.size() * 2;
    auto part = [&](const std::vector<uint8_t> &image) {
      return std::vector<uint8_t>(image.begin() + static_cast<ptrdiff_t>(at),
                                  image.begin() + static_cast<ptrdiff_t>(at + size));
    };
    if (std::string found = difference(name, part(all), part(got)); !found.empty())
      return found;
    at += size;
  }
  return "";
}

/// The operation with every engine that there is. `entropyStatus`: what it must be.
std::string runAll(const Machine &machine, const Operation &op, const Instruction &in,
                   std::optional<int> entropyStatus) {
  Runner runner(machine, op, in);
  for (int way : {1, kThreads, 0}) {
    absl::StatusOr<Outcome> outcome = way ? runner.simulate(way) : runner.accelerate();
    std::string how = way ? absl::StrCat("with ", way, way == 1 ? " thread: " : " threads: ")
                          : "through the registers: ";
    if (!outcome.ok())
      return how + std::string(outcome.status().message());
    std::string found = differenceOf(op.after, outcome->memories);
    if (found.empty() && entropyStatus && outcome->entropyStatus != *entropyStatus)
      found = absl::StrFormat("status %d with threshold %d, expected %d", outcome->entropyStatus,
                              in.get(Field::Threshold), *entropyStatus);
    if (found.empty() && way && outcome->counts.saturations != op.counts.saturations)
      found = absl::StrFormat("%d saturations, expected %d", outcome->counts.saturations,
                              op.counts.saturations);
    if (found.empty() && way && outcome->counts.overflows != op.counts.overflows)
      found = absl::StrFormat("%d overflows, expected %d", outcome->counts.overflows,
                              op.counts.overflows);
    if (!found.empty())
      return how + found;
  }
  return "";
}

} // namespace

std::string CorrectedRecords::runOperation(const json &record, const std::string &name) {
  static const std::pair<const char *, Opcode> known[] = {{"matmul", Opcode::MatMul},
                                                          {"elemadd", Opcode::ElementAdd},
                                                          {"layernorm", Opcode::LayerNorm},
                                                          {"softmax", Opcode::Softmax},
                                                          {"entropy", Opcode::Entropy}};
  auto found = std::find_if(std::begin(known), std::end(known),
                            [&](const auto &each) { return name == each.first; });
  if (found == std::end(known))
    throw BadRecord{absl::StrCat("unknown operation \"", name, "\"")};
  Opcode opcode = found->second;
  Operation op = opcode == Opcode::MatMul ? readMatMul(record) : readSfu(record, opcode);
  op.after = op.before;
  if (opcode == Opcode::Entropy) {
    // The status tells whether it is at most the threshold: the value itself and one less
    // tell the value.
    int value = number(record, "entropy", 0, 32767);
    for (int threshold : {value, value - 1})
      if (std::string wrong =
              runAll(*machine, op, Instruction(op.in).set(Field::Threshold, threshold),
                     threshold == value ? 3 : 2);
          !wrong.empty())
        return wrong;
    return "";
  }
  constexpr int64_t most = int64_t{1} << 20;
  op.counts.saturations = number(record, "saturations", 0, most);
  if (opcode == Opcode::MatMul)
    op.counts.overflows = number(record, "overflows", 0, most);
  int memory =
      static_cast<int>(op.in.get(opcode == Opcode::MatMul ? Field::OutMemory : Field::Memory));
  bool normal = opcode == Opcode::LayerNorm || opcode == Opcode::Softmax;
  loadImage(op.after.memory[memory], record, normal ? "Y" : "C",
            static_cast<int>(op.in.get(Field::OutBase)));
  return runAll(*machine, op, op.in, std::nullopt);
}

std::string CorrectedRecords::runOnce(const json &record) {
  if (!record.contains("t"))
    return runOperation(record, text(record, "op"));
  std::string type = text(record, "t");
  if (type == "af8_to_q14")
    return runToWords(record);
  if (type == "q14_to_af8" || type == "q12_to_af8")
    return runToCodes(record, type == "q14_to_af8" ? 14 : 12);
  if (type == "dvfs")
    return runDvfs(record);
  if (type == "exp" || type == "inverse_sqrt" || type == "ln")
    return runFunction(record, type);
  throw BadRecord{absl::StrCat("unknown conversion \"", onOneLine(type), "\"")};
}

std::string CorrectedRecords::run(const json &record) {
  if (!machine) {
    absl::StatusOr<Machine> loaded = Machine::load(kMachine, defaultMachinePath());
    if (!loaded.ok())
      fail(loaded.status());
    machine = *std::move(loaded);
  }
  bool first = targets.empty();
  std::string found;
  for (int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (first)
      targets.emplace_back(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    // Undone before an exception leaves.
    try {
      found = runOnce(record);
    } catch (const BadRecord &) {
      hwy::SetSupportedTargetsForTest(0);
      throw;
    }
    hwy::SetSupportedTargetsForTest(0);
    if (!found.empty())
      return absl::StrCat(hwy::TargetName(target), ": ", found);
  }
  return "";
}

std::string CorrectedRecords::summary() const {
  if (targets.empty())
    return "";
  return absl::StrCat("CORRECTED records ran on ", absl::StrJoin(targets, ", "));
}

} // namespace aac::tool
