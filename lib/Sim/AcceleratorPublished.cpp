//===- AcceleratorPublished.cpp - registers of the published machine -------===//
//
// Rules are numbered as in the reference, accelerator section 4.4.
//
//===----------------------------------------------------------------------===//
#include "AcceleratorImpl.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <deque>
#include <optional>

namespace aac::sim {
namespace {

using namespace registers;
using published::Memory;
using published::Place;
using Pair = std::array<int, 2>;

constexpr int kBurstBeats = 256;
constexpr int kMaxMatMuls = 3;     ///< rule 5: the fourth hangs
constexpr int kPendingOutputs = 6; ///< rule 4: the seventh write is not taken
constexpr int kBeatCounter = 4096; ///< 12 bits
constexpr int kMaxStoreBursts = 8; ///< 3 bits
constexpr int kMatMulModes = kDecodeN0 | kDecodeN1 << 6;

absl::Status broken(absl::string_view what) { return absl::FailedPreconditionError(what); }

/// What waits for a decoder's address generator.
struct Generator {
  std::deque<Pair> bases;
  std::deque<int> offsets, controls; ///< `controls`: words of 0x20
};

/// A special function unit's configuration; once valid it stays so.
struct Unit {
  std::optional<Pair> base;
  std::optional<uint32_t> periph, control;
};

struct State {
  std::string hung; ///< why no interrupt will come
  bool running = false;
  std::array<std::map<int, Generator>, 2> generators; ///< by decoder and mode
  std::map<int, Unit> units;                          ///< by mode
  std::deque<Pair> sequencerBases;                    ///< rule 3
  int matmuls = 0, latchedM = 0;                      ///< rule 5
  int limit = 99;                                     ///< of those that wait, rule 6
  bool encoderBased = false;
  std::deque<int> outputBases; ///< not yet looked at, rule 4
  published::Encoder encoder;
  bool maskStored = false, dataStored = false;
  std::optional<Pair> entropyOperand; ///< data byte and vectors of the last Enpy, rule 7
  bool thresholdSet = false;
  std::optional<int> entropy;
  uint32_t tablesWritten = 0; ///< of Dvfs, by register index
};

class Published final : public Accelerator {
public:
  absl::Status waitForInterrupt() override;
  const published::Memories &memories() const override { return engine; }

private:
  absl::Status configure(Register reg) override;
  absl::Status start(Start opcode) override;
  absl::Status dispatch(Start opcode);
  absl::Status load(bool mask), store(bool mask), loadAux();
  absl::Status matMul(), sfu(Start opcode, DecoderMode decoder, SfuMode mode);
  absl::Status entropy(const Unit &unit, const Generator &generator);
  absl::Status runDvfs();
  /// The interrupt will not come; that is said when it is awaited.
  absl::Status hang(std::string why) {
    s.hung = std::move(why);
    return absl::OkStatus();
  }
  absl::Status checkRouting(bool toSfu);
  absl::Status checkAddress(Part part) const;
  absl::Status checkOverwrite(int target, int vectors, const std::vector<Place> &operands,
                              const std::vector<int> &operandVectors, bool inPlace) const;
  void encode(absl::Span<const uint8_t> codes);
  /// Data byte and vectors as last written to a decoder of Enpy.
  Pair latest(const Generator &generator, int decoder) const {
    return {(generator.bases.empty() ? 0 : generator.bases.back()[decoder]) -
                (generator.offsets.empty() ? 0 : generator.offsets.back()),
            get(Part::Vectors)};
  }
  int decoderMode(int decoder) const {
    return get(decoder ? Part::DecoderMode1 : Part::DecoderMode0);
  }

  published::Engine engine;
  State s;
};

absl::Status Published::configure(Register reg) {
  uint32_t word = words[static_cast<size_t>(reg) / 4];
  switch (reg) {
  case Register::SoftReset:
    if (word == 1) {
      words = {};
      s = State();
    }
    break;
  case Register::FlipMem:
  case Register::UseAxi:
  case Register::UseSfu:
    if (s.running)
      return broken(absl::StrFormat("rule 9: 0x%02x takes effect at once, and a command runs: wait "
                                    "for its interrupt first",
                                    static_cast<int>(reg)));
    break;
  case Register::InputBase: {
    Pair pair = {get(Part::InputBase0), get(Part::InputBase1)};
    s.sequencerBases.push_back(pair);
    for (int decoder : {0, 1}) // rule 1: without a mode it is lost
      if (int mode = decoderMode(decoder))
        s.generators[decoder][mode].bases.push_back(pair);
    if (int mode = get(Part::SfuMode))
      s.units[mode].base = pair;
    break;
  }
  case Register::InputOffset:
    for (int decoder : {0, 1})
      if (int mode = decoderMode(decoder))
        s.generators[decoder][mode].offsets.push_back(
            get(decoder ? Part::InputOffset1 : Part::InputOffset0));
    break;
  case Register::SfuConfig:
    for (int decoder : {0, 1})
      if (int mode = decoderMode(decoder)) {
        Generator &generator = s.generators[decoder][mode];
        generator.controls.push_back(static_cast<int>(word & 0xffff));
        // Rule 7: Enpy's generator takes the bases that it knows when it learns the size.
        if (mode == kDecodeEntropy && !s.entropyOperand)
          s.entropyOperand = latest(generator, decoder);
      }
    if (int mode = get(Part::SfuMode))
      s.units[mode].control = word;
    break;
  case Register::PeriphConfig:
    if (int mode = get(Part::SfuMode))
      s.units[mode].periph = word;
    break;
  case Register::EntropyConfig:
    s.thresholdSet = true;
    break;
  case Register::OutputBase:
    if (!s.encoderBased) {
      s.encoder.base = get(Part::OutputBase);
      s.encoderBased = true;
      break;
    }
    if (s.outputBases.size() == kPendingOutputs)
      return broken("rule 4: the seventh 0x48 that no result has taken blocks the register port: "
                    "write it once after a soft reset");
    s.outputBases.push_back(get(Part::OutputBase));
    break;
  default:
    if (static_cast<uint32_t>(reg) >= static_cast<uint32_t>(Register::DcoA))
      s.tablesWritten |= 1u << (static_cast<uint32_t>(reg) / 4);
    break;
  }
  return absl::OkStatus();
}

absl::Status Published::waitForInterrupt() {
  if (!s.hung.empty())
    return broken("the interrupt never comes: " + s.hung);
  if (!s.running)
    return broken("the interrupt never comes: no command runs");
  s.running = false;
  return absl::OkStatus();
}

absl::Status Published::start(Start opcode) {
  if (opcode < Start::LoadMask || opcode > Start::Dvfs)
    return absl::OkStatus(); // nothing, and no interrupt
  if (!s.hung.empty())
    return broken("a command is started behind one that hangs: " + s.hung);
  if (s.running)
    return broken("completions merge into one pulse: wait for the interrupt of the command before");
  s.running = true;
  return dispatch(opcode);
}

absl::Status Published::dispatch(Start opcode) {
  switch (opcode) {
  case Start::LoadMask:
  case Start::LoadData:
    return load(opcode == Start::LoadMask);
  case Start::StoreMask:
  case Start::StoreData:
    return store(opcode == Start::StoreMask);
  case Start::LoadAux:
    return loadAux();
  case Start::StoreAux:
    return broken("the store of the auxiliary memory stops the published source: it has none");
  case Start::MatMul:
    return matMul();
  case Start::LayerNorm:
    return sfu(opcode, kDecodeLayerNorm, kSfuLayerNorm);
  case Start::Softmax:
    return sfu(opcode, kDecodeSoftmax, kSfuSoftmax);
  case Start::ElementAdd:
    return sfu(opcode, kDecodeAdd, kSfuAdd);
  case Start::Entropy:
    return sfu(opcode, kDecodeEntropy, kSfuEntropy);
  default:
    return runDvfs();
  }
}

//===----------------------------------------------------------------------===//
// Transfers (reference: 4.2)
//===----------------------------------------------------------------------===//

absl::Status Published::checkAddress(Part part) const {
  uint32_t address = words[static_cast<size_t>(specOf(part).reg) / 4];
  if (address % kBeatBytes)
    return broken(
        absl::StrFormat("%s 0x%x is no multiple of %d", specOf(part).name, address, kBeatBytes));
  return absl::OkStatus();
}

/// Calls `burst(k, n)` for each burst of `beats`, k counted from 0, n its beats.
template <typename Burst> void forBursts(int beats, Burst burst) {
  for (int k = 0; beats > 0; ++k, beats -= kBurstBeats)
    burst(k, std::min(beats, kBurstBeats));
}

absl::Status Published::load(bool mask) {
  Part part = mask ? Part::MaskReadAddress : Part::DataReadAddress;
  if (absl::Status status = checkAddress(part); !status.ok())
    return status;
  Memory &memory = engine.memory[get(Part::FlipMem)];
  uint32_t address = words[static_cast<size_t>(specOf(part).reg) / 4];
  int count = get(Part::CountLess1) + 1;
  int beats = mask ? count / kBeatWords : 2 * count % kBeatCounter;
  forBursts(beats, [&](int k, int n) {
    // The current burst's length stands for that of those before, masks count words for bytes.
    uint32_t from = address + static_cast<uint32_t>(k * n * (mask ? kBeatWords : kBeatBytes));
    std::vector<uint8_t> bytes = dram.read(from, static_cast<size_t>(n) * kBeatBytes);
    for (size_t i = 0; i < bytes.size(); ++i)
      if (!mask)
        memory.data[static_cast<uint16_t>(static_cast<size_t>(k * n * kBeatBytes) + i)] = bytes[i];
      else if (i % 2 == 0)
        memory.mask[(static_cast<size_t>(k * n * kBeatWords) + i / 2) % memory.mask.size()] =
            static_cast<uint16_t>(bytes[i] | bytes[i + 1] << 8);
  });
  return absl::OkStatus();
}

absl::Status Published::loadAux() {
  if (absl::Status status = checkAddress(Part::AuxReadAddress); !status.ok())
    return status;
  uint32_t address = words[static_cast<size_t>(Register::AuxReadAddress) / 4];
  forBursts(2 * (get(Part::AuxCountLess1) + 1), [&](int k, int n) {
    uint32_t offset = static_cast<uint32_t>(k * n * kBeatBytes);
    std::vector<uint8_t> bytes = dram.read(address + offset, static_cast<size_t>(n) * kBeatBytes);
    for (size_t i = 0; i < bytes.size(); ++i)
      engine.aux[(offset + i) % engine.aux.size()] = bytes[i];
  });
  return absl::OkStatus();
}

absl::Status Published::store(bool mask) {
  Part part = mask ? Part::MaskWriteAddress : Part::DataWriteAddress;
  if (absl::Status status = checkAddress(part); !status.ok())
    return status;
  if (!get(Part::UseAxi))
    return hang("a store reads through use_axi, which is 0: write 0x4c = 1");
  if (!s.encoderBased)
    return hang("rule 4: a store waits for base_output: write 0x48 once after a soft reset");
  bool &stored = mask ? s.maskStored : s.dataStored;
  if (stored)
    return broken(
        "rule 4: base_output holds for one store of masks and one of data, the next would "
        "read from anywhere: soft reset first");
  stored = true;
  int count = get(Part::CountLess1) + 1;
  int beats = mask ? count / kBeatWords : 2 * count % kBeatCounter;
  if (beats > kMaxStoreBursts * kBurstBeats)
    return broken(absl::StrFormat("a store of %d beats; its counter of bursts ends at %d: store "
                                  "less",
                                  beats, kMaxStoreBursts));
  const Memory &memory = engine.memory[get(Part::FlipMem)];
  uint32_t address = words[static_cast<size_t>(specOf(part).reg) / 4];
  int base = get(Part::OutputBase);
  forBursts(beats, [&](int k, int n) {
    std::vector<uint8_t> bytes(static_cast<size_t>(n) * kBeatBytes);
    for (size_t i = 0; i < bytes.size(); ++i) {
      size_t at = static_cast<size_t>(base) + static_cast<size_t>(k * n) * kBeatBytes + i;
      size_t word = static_cast<size_t>(base) + static_cast<size_t>(k * n) * kBeatWords + i / 2;
      bytes[i] = mask ? static_cast<uint8_t>(memory.mask[word % memory.mask.size()] >> 8 * (i % 2))
                      : memory.data[static_cast<uint16_t>(at)];
    }
    dram.write(address + static_cast<uint32_t>(k * n * (mask ? kBeatWords : kBeatBytes)), bytes);
  });
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

absl::Status Published::checkRouting(bool toSfu) {
  if (get(Part::UseAxi))
    return hang("what the memories read goes to the data port: write 0x4c = 0");
  if (get(Part::UseSfu) != static_cast<int>(toSfu))
    return hang(absl::StrFormat("decoded vectors go to the wrong unit: write 0x50 = %d", toSfu));
  return absl::OkStatus();
}

/// Whether results of `vectors` vectors may touch an operand of memory `target` that is not
/// yet read to its end. `inPlace`: behind the reads of a dense operand they may follow.
absl::Status Published::checkOverwrite(int target, int vectors, const std::vector<Place> &operands,
                                       const std::vector<int> &operandVectors, bool inPlace) const {
  const Memory &memory = engine.memory[target];
  int word = s.encoder.base + s.encoder.vectors;
  int stored = *std::max_element(s.encoder.stored.begin(), s.encoder.stored.end());
  int byte =
      s.encoder.base + 16 * *std::min_element(s.encoder.stored.begin(), s.encoder.stored.end());
  int byteEnd = s.encoder.base + 16 * (stored + vectors);
  for (size_t i = 0; i < operands.size(); ++i) {
    std::array<int, kLanes> count{};
    bool dense = true;
    for (int v = 0; v < operandVectors[i]; ++v) {
      uint16_t mask = memory.mask[static_cast<size_t>(operands[i].mask + v) % memory.mask.size()];
      dense &= mask == 0xffff;
      for (int lane = 0; lane < kLanes; ++lane)
        count[lane] += mask >> lane & 1;
    }
    int rows = *std::max_element(count.begin(), count.end());
    auto overlap = [](int a, int aEnd, int b, int bEnd) { return a < bEnd && b < aEnd; };
    bool words =
        overlap(word, word + vectors, operands[i].mask, operands[i].mask + operandVectors[i]);
    bool bytes = overlap(byte, byteEnd, operands[i].data, operands[i].data + 16 * rows);
    bool behind = inPlace && dense && word <= operands[i].mask && byte <= operands[i].data;
    if ((words || bytes) && !behind)
      return broken(absl::StrFormat("the result at %d overwrites an operand at %d that is still "
                                    "read; what comes of it depends on the pipeline: use another "
                                    "base_output",
                                    word, operands[i].mask));
  }
  return absl::OkStatus();
}

void Published::encode(absl::Span<const uint8_t> codes) {
  for (size_t v = 0; v < codes.size(); v += kLanes) {
    s.encoder.put(engine.memory[get(Part::FlipMem)], codes.subspan(v, kLanes));
    if (!s.outputBases.empty()) { // rule 4: looked at between vectors
      s.encoder.base = s.outputBases.front();
      s.outputBases.pop_front();
    }
  }
}

absl::Status Published::matMul() {
  published::MatMul op;
  op.n0 = get(Part::N0);
  op.n1 = get(Part::N1);
  op.m = get(Part::M);
  op.relu = get(Part::Relu);
  op.biasEnable = get(Part::BiasEnable);
  op.weightBias = get(Part::WeightBias);
  op.outBias = get(Part::OutBias);
  op.shift = get(Part::Shift);
  if (absl::Status status = checkRouting(false); !status.ok() || !s.hung.empty())
    return status;
  int modes = static_cast<int>(words[static_cast<size_t>(Register::DecoderMode) / 4]);
  if (modes != kMatMulModes)
    return hang(
        absl::StrFormat("rule 1: reset_mode is 0x%03x; a matrix product needs 0x%03x: write "
                        "0x58 before 0x14 and 0x18",
                        modes, kMatMulModes));
  if (!op.n0 || !op.n1 || !op.m || op.n0 % 16 || op.n1 % 16 || op.m % 16)
    return hang(absl::StrFormat("N0 = %d, N1 = %d, M = %d are not all multiples of 16", op.n0,
                                op.n1, op.m));
  Generator &a = s.generators[0][kDecodeN0], &b = s.generators[1][kDecodeN1];
  if (a.bases.empty() || b.bases.empty() || a.offsets.empty() || b.offsets.empty())
    return hang("rule 2: 0x14 and 0x18 must each be written once per operation, after 0x58");
  if (++s.matmuls > kMaxMatMuls)
    return hang("rule 5: the fourth matrix product after a reset: soft reset first");
  if (s.matmuls > 1 && op.m != s.latchedM)
    return broken(
        absl::StrFormat("rule 5: M is %d, but the first matrix product after the reset set "
                        "it to %d: soft reset first",
                        op.m, s.latchedM));
  s.latchedM = op.m;
  if (!s.encoderBased)
    return hang("rule 4: results wait for base_output: write 0x48 once after a soft reset");
  Pair maskBase = s.sequencerBases.front(); // rule 3: the oldest
  s.sequencerBases.pop_front();
  for (int i : {0, 1}) {
    Generator &generator = i ? b : a;
    op.input[i] = {maskBase[i], generator.bases.front()[i] - generator.offsets.front()};
    generator.bases.pop_front();
    generator.offsets.pop_front();
  }
  int target = get(Part::FlipMem);
  if (absl::Status status = checkOverwrite(target, op.n0 * op.n1 / kLanes, {op.input[target]},
                                           {(target ? op.n1 : op.n0) * op.m / kLanes},
                                           target == 1 && op.n0 == kLanes);
      !status.ok())
    return status;
  encode(engine.matMul(op));
  return absl::OkStatus();
}

absl::Status Published::sfu(Start opcode, DecoderMode decoder, SfuMode mode) {
  int memory = get(Part::FlipMem);
  Unit &unit = s.units[mode];
  Generator &generator = s.generators[memory][decoder];
  if (absl::Status status = checkRouting(true); !status.ok() || !s.hung.empty())
    return status;
  if (get(Part::SfuMode) != mode || decoderMode(memory) != decoder)
    return hang(absl::StrFormat("rule 1: 0x54 must be %d and 0x58 0x%03x before 0x14, 0x18, 0x1c "
                                "and 0x20",
                                mode, memory ? decoder << 6 : decoder));
  bool periph = opcode == Start::LayerNorm || opcode == Start::Softmax;
  bool entropyOp = opcode == Start::Entropy;
  if (!unit.base || !unit.control || (periph && !unit.periph) || (entropyOp && !s.thresholdSet))
    return hang(absl::StrCat("rule 8: the start is lost, for 0x14, 0x20",
                             periph ? ", 0x1c" : (entropyOp ? ", 0x24" : ""),
                             " must be written before it, after 0x54"));
  // Rule 6. A mixture stops no later than the kind with the least room.
  s.limit = std::min(s.limit, entropyOp ? 9 : (opcode == Start::ElementAdd ? 7 : 4));
  if (static_cast<int>(s.sequencerBases.size()) > s.limit)
    return hang(absl::StrFormat("rule 6: %d bases wait for matrix products that take them: soft "
                                "reset first",
                                s.sequencerBases.size()));
  if (entropyOp)
    return entropy(unit, generator);
  if (generator.bases.empty() || generator.offsets.empty() || generator.controls.empty())
    return hang("rule 2: 0x14, 0x18 and 0x20 must each be written once per operation, after 0x58");
  Pair dataBase = generator.bases.front();
  int offset = generator.offsets.front(), control = generator.controls.front();
  generator.bases.pop_front();
  generator.offsets.pop_front();
  generator.controls.pop_front();
  if (control != static_cast<int>(*unit.control & 0xffff))
    return hang("rule 2: an earlier 0x20 waits in the decoder: write it once per operation");
  if (!s.encoderBased)
    return hang("rule 4: results wait for base_output: write 0x48 once after a soft reset");

  published::Sfu op;
  op.vectors = static_cast<int>(extract(Part::Vectors, *unit.control));
  op.timesteps = static_cast<int>(extract(Part::Timesteps, *unit.control));
  if (op.vectors == 0 || op.timesteps == 0)
    return hang("num_vector and num_timestep must be 1 or more");
  op.activationBias = {static_cast<int>(extract(Part::Bias1, *unit.control)),
                       static_cast<int>(extract(Part::Bias2, *unit.control)),
                       static_cast<int>(extract(Part::Bias3, *unit.control))};
  op.memory = memory;
  uint32_t word = unit.periph.value_or(0);
  op.gammaBase = static_cast<int>(extract(Part::GammaBase, word));
  op.gammaBias = static_cast<int>(extract(Part::GammaBias, word));
  op.betaBias = static_cast<int>(extract(Part::BetaBias, word));
  op.spanBase = static_cast<int>(extract(Part::SpanBase, word));
  op.spanBias = static_cast<int>(extract(Part::SpanBias, word));
  bool add = opcode == Start::ElementAdd;
  // Units read masks from their own bases; one operand lies at the first. The decoder's data
  // base is the half that has its number; additions use both.
  op.input[0] = {(*unit.base)[0], (add ? dataBase[0] : dataBase[memory]) - offset};
  op.input[1] = {(*unit.base)[1], dataBase[1] - offset};
  int vectors = op.vectors * op.timesteps;
  std::vector<Place> operands = {op.input[0]};
  if (add)
    operands.push_back(op.input[1]);
  if (absl::Status status = checkOverwrite(memory, vectors, operands,
                                           std::vector<int>(operands.size(), vectors), false);
      !status.ok())
    return status;
  encode(opcode == Start::LayerNorm ? engine.layerNorm(op)
         : opcode == Start::Softmax ? engine.softmax(op)
                                    : engine.elementAdd(op));
  return absl::OkStatus();
}

absl::Status Published::entropy(const Unit &unit, const Generator &generator) {
  published::Sfu op;
  op.vectors = static_cast<int>(extract(Part::Vectors, *unit.control));
  op.activationBias[0] = static_cast<int>(extract(Part::Bias1, *unit.control));
  op.memory = get(Part::FlipMem);
  if (!s.entropyOperand || (*s.entropyOperand)[1] != op.vectors || op.vectors == 0)
    return hang(
        "rule 7: Enpy's decoder keeps num_vector of the operation before: soft reset first");
  op.input[0] = {(*unit.base)[0], (*s.entropyOperand)[0]};
  s.entropyOperand = latest(generator, op.memory); // for the next one
  std::optional<int16_t> result = engine.entropy(op);
  if (!result)
    return broken("Enpy divides by a sum of exponentials that is 0; the source has no result");
  s.entropy = *result;
  set(Part::EntropyStatus, *result <= get(Part::Threshold) ? 3 : 2);
  return absl::OkStatus();
}

absl::Status Published::runDvfs() {
  constexpr uint32_t tables = 0x7fu << (static_cast<uint32_t>(Register::DcoA) / 4);
  if (!s.entropy || !s.thresholdSet || (s.tablesWritten & tables) != tables)
    return hang("rule 8: the start is lost, for Dvfs needs 0x24, all tables from 0x64 to 0x7c and "
                "an entropy since the reset");
  return dvfs(*s.entropy);
}

} // namespace

std::unique_ptr<Accelerator> createPublished() { return std::make_unique<Published>(); }

} // namespace aac::sim
