//===- AcceleratorCorrected.cpp - registers of the corrected machine -------===//
//
// Bases count vectors: mask words and rows of 16 bytes. A command reads all registers when
// it is started, so nothing here depends on what was written before; operands lie in block
// order and counters begin at zero with every operation.
//
//===----------------------------------------------------------------------===//
#include "AcceleratorImpl.h"

#include "aac/Numerics/Layout.h"
#include "aac/Sim/Engine.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <optional>

namespace aac::sim {
namespace {

using namespace registers;
using published::Memory;

absl::Status wrong(absl::string_view what) { return absl::FailedPreconditionError(what); }

absl::Status outside(const char *what, int64_t first, int64_t count, size_t size) {
  if (first >= 0 && first + count <= static_cast<int64_t>(size))
    return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrFormat("%s %d to %d are outside the memory's %d", what,
                                               first, first + count - 1, size));
}

class Corrected final : public Accelerator {
public:
  explicit Corrected(const Machine &machine) : engine(machine.engine) {
    for (Memory &memory : storage.memory) {
      memory.data.assign(static_cast<size_t>(engine.dataRows * kLanes), 0);
      memory.mask.assign(static_cast<size_t>(engine.maskWords), 0);
    }
    storage.aux.assign(static_cast<size_t>(engine.auxRows * kLanes), 0);
  }
  absl::Status waitForInterrupt() override;
  const published::Memories &memories() const override { return storage; }

private:
  absl::Status configure(Register reg) override;
  absl::Status start(Start opcode) override;
  absl::Status load(bool mask), store(bool mask), aux(bool toMemory);
  absl::Status matMul(), layerNorm(), softmax(), elementAdd(), runEntropy();
  absl::Status checkTransfer(Part address, int64_t bytes, bool store) const;
  absl::Status checkRouting(int use, DecoderMode mode0, DecoderMode mode1) const;
  absl::Status checkSfu(DecoderMode decoder, SfuMode mode) const;
  absl::StatusOr<Operand> operand(OperandRole role, int64_t rows);
  absl::StatusOr<std::vector<int32_t>> auxWords(int64_t row, int bias) const;
  /// Row `t` of the operand at `base`, without padding lanes.
  absl::StatusOr<std::vector<int32_t>> row(int64_t base, int bias, int64_t t) const;
  absl::Status writeRow(int64_t t, const std::vector<int32_t> &words);
  absl::Status writeDense(int64_t vector, absl::Span<const uint8_t> codes);
  uint32_t word(Part part) const { return words[static_cast<size_t>(specOf(part).reg) / 4]; }
  const Memory &selected() const { return storage.memory[get(Part::FlipMem)]; }
  Memory &selected() { return storage.memory[get(Part::FlipMem)]; }

  aac::Engine engine;
  published::Memories storage;
  // As far as the host can know: a completion does not say whose it is.
  bool transferBusy = false, engineBusy = false;
  int completions = 0; ///< not yet awaited
  std::optional<int> entropy;
};

absl::Status Corrected::configure(Register reg) {
  if (reg != Register::SoftReset || word(Part::SoftReset) != 1)
    return absl::OkStatus();
  words = {};
  transferBusy = engineBusy = false;
  completions = 0;
  entropy.reset();
  return absl::OkStatus();
}

absl::Status Corrected::waitForInterrupt() {
  if (completions == 0)
    return wrong("the interrupt never comes: no command runs");
  if (--completions == 0)
    transferBusy = engineBusy = false;
  return absl::OkStatus();
}

absl::Status Corrected::start(Start opcode) {
  if (opcode < Start::LoadMask || opcode > Start::Dvfs)
    return absl::OkStatus(); // nothing, and no interrupt
  bool &busy = opcode < Start::MatMul ? transferBusy : engineBusy;
  if (busy)
    return wrong(absl::StrFormat("start of command %d while its unit may run: wait for its "
                                 "interrupt first, for both where the other unit runs as well",
                                 static_cast<int>(opcode)));
  busy = true;
  ++completions;
  switch (opcode) {
  case Start::LoadMask:
  case Start::LoadData:
    return load(opcode == Start::LoadMask);
  case Start::StoreMask:
  case Start::StoreData:
    return store(opcode == Start::StoreMask);
  case Start::LoadAux:
  case Start::StoreAux:
    return aux(opcode == Start::LoadAux);
  case Start::MatMul:
    return matMul();
  case Start::LayerNorm:
    return layerNorm();
  case Start::Softmax:
    return softmax();
  case Start::ElementAdd:
    return elementAdd();
  case Start::Entropy:
    return runEntropy();
  default:
    if (!entropy)
      return wrong("Dvfs needs an entropy since the reset");
    return dvfs(*entropy);
  }
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

absl::Status Corrected::checkTransfer(Part address, int64_t bytes, bool store) const {
  if (word(address) % kBeatBytes || bytes % kBeatBytes)
    return wrong(absl::StrFormat("%s 0x%x or its %d bytes are no multiple of %d",
                                 specOf(address).name, word(address), bytes, kBeatBytes));
  if (store && !get(Part::UseAxi))
    return wrong("a store needs use_axi: write 0x4c = 1");
  return absl::OkStatus();
}

absl::Status Corrected::load(bool mask) {
  Part part = mask ? Part::MaskReadAddress : Part::DataReadAddress;
  int64_t first = get(Part::OutputBase), count = get(Part::CountLess1) + 1;
  int64_t bytes = count * (mask ? 2 : kLanes);
  Memory &memory = selected();
  absl::Status status = checkTransfer(part, bytes, false);
  if (status.ok())
    status = outside(mask ? "mask words" : "rows", first, count,
                     mask ? memory.mask.size() : memory.data.size() / kLanes);
  if (!status.ok())
    return status;
  std::vector<uint8_t> image = dram.read(word(part), static_cast<size_t>(bytes));
  if (!mask)
    std::copy(image.begin(), image.end(), memory.data.begin() + first * kLanes);
  for (int64_t i = 0; mask && i < count; ++i)
    memory.mask[first + i] = static_cast<uint16_t>(image[2 * i] | image[2 * i + 1] << 8);
  return absl::OkStatus();
}

absl::Status Corrected::store(bool mask) {
  Part part = mask ? Part::MaskWriteAddress : Part::DataWriteAddress;
  int64_t first = get(Part::OutputBase), count = get(Part::CountLess1) + 1;
  int64_t bytes = count * (mask ? 2 : kLanes);
  const Memory &memory = selected();
  absl::Status status = checkTransfer(part, bytes, true);
  if (status.ok())
    status = outside(mask ? "mask words" : "rows", first, count,
                     mask ? memory.mask.size() : memory.data.size() / kLanes);
  if (!status.ok())
    return status;
  if (!mask) {
    dram.write(word(part), absl::MakeConstSpan(memory.data).subspan(first * kLanes, bytes));
    return absl::OkStatus();
  }
  std::vector<uint8_t> image;
  for (int64_t i = 0; i < count; ++i) {
    image.push_back(static_cast<uint8_t>(memory.mask[first + i]));
    image.push_back(static_cast<uint8_t>(memory.mask[first + i] >> 8));
  }
  dram.write(word(part), image);
  return absl::OkStatus();
}

absl::Status Corrected::aux(bool toMemory) {
  Part part = toMemory ? Part::AuxReadAddress : Part::AuxWriteAddress;
  int64_t first = get(Part::OutputBase), count = get(Part::AuxCountLess1) + 1;
  absl::Status status = checkTransfer(part, count * kLanes, !toMemory);
  if (status.ok())
    status = outside("auxiliary rows", first, count, storage.aux.size() / kLanes);
  if (!status.ok())
    return status;
  auto rows = absl::MakeSpan(storage.aux).subspan(first * kLanes, count * kLanes);
  if (!toMemory) {
    dram.write(word(part), rows);
    return absl::OkStatus();
  }
  std::vector<uint8_t> image = dram.read(word(part), rows.size());
  std::copy(image.begin(), image.end(), rows.begin());
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

absl::Status Corrected::checkRouting(int use, DecoderMode mode0, DecoderMode mode1) const {
  if (get(Part::UseAxi))
    return wrong("what the memories read goes to the data port: write 0x4c = 0");
  if (get(Part::UseSfu) != use)
    return wrong(absl::StrFormat("decoded vectors go to the wrong unit: write 0x50 = %d", use));
  int modes = mode0 | mode1 << 6;
  if (static_cast<int>(word(Part::DecoderMode0)) != modes)
    return wrong(absl::StrFormat("reset_mode is 0x%03x: write 0x58 = 0x%03x",
                                 word(Part::DecoderMode0), modes));
  return absl::OkStatus();
}

absl::Status Corrected::checkSfu(DecoderMode decoder, SfuMode mode) const {
  bool second = get(Part::FlipMem);
  absl::Status status =
      checkRouting(1, second ? kDecodeNone : decoder, second ? decoder : kDecodeNone);
  if (!status.ok())
    return status;
  if (get(Part::SfuMode) != mode)
    return wrong(absl::StrFormat("gb_mode_config is %d: write 0x54 = %d", get(Part::SfuMode),
                                 static_cast<int>(mode)));
  if (get(Part::Vectors) == 0 || get(Part::Timesteps) == 0)
    return wrong("num_vector and num_timestep must be 1 or more: write 0x20");
  return absl::OkStatus();
}

absl::StatusOr<Operand> Corrected::operand(OperandRole role, int64_t rows) {
  bool b = role == OperandRole::B;
  const Memory &memory = storage.memory[b];
  int64_t base = get(b ? Part::InputBase1 : Part::InputBase0), m = get(Part::M);
  int64_t dataRow = operandRow(base, get(b ? Part::InputOffset1 : Part::InputOffset0),
                               static_cast<int64_t>(memory.data.size()) / kLanes);
  int64_t vectors = rows * m / kLanes;
  if (absl::Status status = outside("mask words", base, vectors, memory.mask.size()); !status.ok())
    return status;
  auto mask = absl::MakeConstSpan(memory.mask).subspan(base, vectors);
  int64_t dataRows = dataRowsOf(mask);
  if (absl::Status status = outside("rows", dataRow, dataRows, memory.data.size() / kLanes);
      !status.ok())
    return status;
  Operand result;
  decodeOperand(role, rows, m, mask,
                absl::MakeConstSpan(memory.data).subspan(dataRow * kLanes, dataRows * kLanes),
                result);
  return result;
}

absl::Status Corrected::matMul() {
  if (absl::Status status = checkRouting(0, kDecodeN0, kDecodeN1); !status.ok())
    return status;
  int64_t n0 = get(Part::N0), n1 = get(Part::N1), m = get(Part::M);
  if (n0 < 16 || n1 < 16 || m < 16 || n0 % 16 || n1 % 16 || m % 16)
    return wrong(
        absl::StrFormat("N0 = %d, N1 = %d, M = %d are not all multiples of 16", n0, n1, m));
  absl::StatusOr<Operand> a = operand(OperandRole::A, n0), b = operand(OperandRole::B, n1);
  if (!a.ok() || !b.ok())
    return a.ok() ? b.status() : a.status();
  MatMulOutput output;
  output.shift = get(Part::Shift);
  output.biasEnable = get(Part::BiasEnable);
  output.weightBias = get(Part::WeightBias);
  output.relu = get(Part::Relu);
  output.outBias = get(Part::OutBias);
  output.fractionBits = engine.accumulatorFractionBits;
  std::vector<uint8_t> result(static_cast<size_t>(n0 * n1));
  matmul(*a, *b, output, absl::MakeSpan(result));
  return writeDense(get(Part::OutputBase), result);
}

absl::Status Corrected::writeDense(int64_t vector, absl::Span<const uint8_t> codes) {
  Memory &memory = selected();
  int64_t vectors = static_cast<int64_t>(codes.size()) / kLanes;
  absl::Status status = outside("mask words", vector, vectors, memory.mask.size());
  if (status.ok())
    status = outside("rows", vector, vectors, memory.data.size() / kLanes);
  if (!status.ok())
    return status;
  std::fill_n(memory.mask.begin() + vector, vectors, 0xffff);
  std::copy(codes.begin(), codes.end(), memory.data.begin() + vector * kLanes);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> Corrected::auxWords(int64_t first, int bias) const {
  int64_t rows = get(Part::Vectors);
  if (absl::Status status = outside("auxiliary rows", first, rows, storage.aux.size() / kLanes);
      !status.ok())
    return status;
  std::vector<int32_t> result;
  result.reserve(static_cast<size_t>(rows * kLanes));
  for (int64_t i = 0; i < rows * kLanes; ++i)
    result.push_back(sfuWord(storage.aux[first * kLanes + i], bias));
  result.resize(result.size() - static_cast<size_t>(get(Part::PadLanes)));
  return result;
}

absl::StatusOr<std::vector<int32_t>> Corrected::row(int64_t base, int bias, int64_t t) const {
  const Memory &memory = selected();
  int64_t vectors = get(Part::Vectors);
  std::vector<int32_t> result;
  for (int64_t v = 0; v < vectors; ++v) {
    int64_t at = base + blockVectorIndex(t, v, vectors);
    absl::Status status = outside("mask words", at, 1, memory.mask.size());
    if (status.ok())
      status = outside("rows", at, 1, memory.data.size() / kLanes);
    if (!status.ok())
      return status;
    if (memory.mask[at] != 0xffff)
      return wrong(
          absl::StrFormat("vector %d is not dense: its mask word is 0x%04x", at, memory.mask[at]));
    for (int lane = 0; lane < kLanes; ++lane)
      result.push_back(sfuWord(memory.data[at * kLanes + lane], bias));
  }
  result.resize(result.size() - static_cast<size_t>(get(Part::PadLanes)));
  return result;
}

absl::Status Corrected::writeRow(int64_t t, const std::vector<int32_t> &row) {
  int64_t vectors = get(Part::Vectors);
  Counts counts;
  std::vector<uint8_t> codes(static_cast<size_t>(vectors * kLanes));
  for (size_t i = 0; i < row.size(); ++i)
    codes[i] = sfuCode(row[i], get(Part::Bias3), counts);
  for (int64_t v = 0; v < vectors; ++v)
    if (absl::Status status = writeDense(get(Part::OutputBase) + blockVectorIndex(t, v, vectors),
                                         absl::MakeConstSpan(codes).subspan(v * kLanes, kLanes));
        !status.ok())
      return status;
  return absl::OkStatus();
}

absl::Status Corrected::layerNorm() {
  if (absl::Status status = checkSfu(kDecodeLayerNorm, kSfuLayerNorm); !status.ok())
    return status;
  auto gamma = auxWords(get(Part::GammaBase), get(Part::GammaBias));
  auto beta = auxWords(get(Part::BetaBase), get(Part::BetaBias));
  if (!gamma.ok() || !beta.ok())
    return gamma.ok() ? beta.status() : gamma.status();
  for (int64_t t = 0; t < get(Part::Timesteps); ++t) {
    auto x = row(get(Part::InputBase0), get(Part::Bias1), t);
    if (!x.ok())
      return x.status();
    std::vector<int32_t> y(x->size());
    layerNormRow(*x, *gamma, *beta, absl::MakeSpan(y));
    if (absl::Status status = writeRow(t, y); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Corrected::softmax() {
  if (absl::Status status = checkSfu(kDecodeSoftmax, kSfuSoftmax); !status.ok())
    return status;
  auto span = auxWords(get(Part::SpanBase), get(Part::SpanBias));
  if (!span.ok())
    return span.status();
  for (int64_t t = 0; t < get(Part::Timesteps); ++t) {
    auto x = row(get(Part::InputBase0), get(Part::Bias1), t);
    if (!x.ok())
      return x.status();
    std::vector<int32_t> p(x->size());
    softmaxRow(*x, *span, absl::MakeSpan(p));
    if (absl::Status status = writeRow(t, p); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Corrected::elementAdd() {
  if (absl::Status status = checkSfu(kDecodeAdd, kSfuAdd); !status.ok())
    return status;
  for (int64_t t = 0; t < get(Part::Timesteps); ++t) {
    auto a = row(get(Part::InputBase0), get(Part::Bias1), t);
    auto b = row(get(Part::InputBase1), get(Part::Bias2), t);
    if (!a.ok() || !b.ok())
      return a.ok() ? b.status() : a.status();
    for (size_t i = 0; i < a->size(); ++i)
      (*a)[i] = addWords((*a)[i], (*b)[i]);
    if (absl::Status status = writeRow(t, *a); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Corrected::runEntropy() {
  if (absl::Status status = checkSfu(kDecodeEntropy, kSfuEntropy); !status.ok())
    return status;
  auto x = row(get(Part::InputBase0), get(Part::Bias1), 0);
  if (!x.ok())
    return x.status();
  entropy = entropyOfRow(*x);
  set(Part::EntropyStatus, *entropy <= get(Part::Threshold) ? 3 : 2);
  return absl::OkStatus();
}

} // namespace

std::unique_ptr<Accelerator> createCorrected(const Machine &machine) {
  return std::make_unique<Corrected>(machine);
}

} // namespace aac::sim
