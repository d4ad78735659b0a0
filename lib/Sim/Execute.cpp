//===- Execute.cpp - transfers and engine operations -----------------------===//
#include "SimulatorImpl.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <cstring>

namespace aac::sim {

using isa::Field;
using isa::Instruction;
using isa::Opcode;

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

absl::Status Simulator::Impl::transfer(const Instruction &in, int64_t iteration) {
  uint64_t address = static_cast<uint64_t>(in.get(Field::Address)) +
                     static_cast<uint64_t>(iteration * in.get(Field::LoopStride));
  int64_t row = in.get(Field::Row);

  if (in.opcode == Opcode::LoadAux || in.opcode == Opcode::StoreAux) {
    int64_t rows = in.get(Field::Rows);
    int64_t size = static_cast<int64_t>(auxWritten.size());
    if (rows < 1 || row + rows > size)
      return absl::OutOfRangeError(absl::StrFormat(
          "rows %d to %d are outside the auxiliary memory of %d rows", row, row + rows - 1, size));
    auto bytes = absl::MakeSpan(aux).subspan(row * kLanes, rows * kLanes);
    if (in.opcode == Opcode::LoadAux) {
      std::fill_n(auxWritten.begin() + row, rows, 1);
      return readTier(address, bytes);
    }
    for (int64_t r = row; r < row + rows; ++r)
      if (!auxWritten[r])
        return absl::FailedPreconditionError(absl::StrFormat(
            "read of row %d of the auxiliary memory, which nothing has written", r));
    return writeTier(address, bytes);
  }

  EngineMemory &memory = memories[in.get(Field::Memory)];
  bool data = in.opcode == Opcode::LoadData || in.opcode == Opcode::StoreData;
  int64_t count = in.get(data ? Field::Rows : Field::Words);
  int64_t chunks = in.get(Field::Chunks);
  if (count < 1 || chunks < 1)
    return absl::InvalidArgumentError("a transfer of nothing");
  std::vector<uint8_t> bytes;
  for (int64_t c = 0; c < chunks; ++c) {
    uint64_t from = address + static_cast<uint64_t>(c * in.get(Field::AddressStride));
    int64_t at = row + c * in.get(Field::RowStride);
    // The engine's side first: it bounds the size.
    absl::Status status = data ? memory.checkRows(at, count) : memory.checkWords(at, count);
    if (!status.ok())
      return status;
    bytes.resize(static_cast<size_t>(count * (data ? 16 : 2)));
    switch (in.opcode) {
    case Opcode::LoadData:
      if (status = readTier(from, absl::MakeSpan(bytes)); status.ok())
        status = memory.writeRows(at, bytes);
      break;
    case Opcode::LoadMask:
      if (status = readTier(from, absl::MakeSpan(bytes)); status.ok()) {
        std::vector<uint16_t> words(static_cast<size_t>(count));
        for (size_t i = 0; i < words.size(); ++i)
          words[i] = static_cast<uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8);
        status = memory.writeWords(at, words);
      }
      break;
    case Opcode::StoreData: {
      absl::StatusOr<absl::Span<const uint8_t>> rows = memory.readRows(at, count);
      status = rows.ok() ? writeTier(from, *rows) : rows.status();
      break;
    }
    default: { // StoreMask
      absl::StatusOr<absl::Span<const uint16_t>> words = memory.readWords(at, count);
      if (!words.ok())
        return words.status();
      for (size_t i = 0; i < words->size(); ++i) {
        bytes[2 * i] = static_cast<uint8_t>((*words)[i]);
        bytes[2 * i + 1] = static_cast<uint8_t>((*words)[i] >> 8);
      }
      status = writeTier(from, bytes);
      break;
    }
    }
    if (!status.ok())
      return status;
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

absl::Status Simulator::Impl::matMul(const Instruction &in) {
  int64_t n0 = in.get(Field::N0), n1 = in.get(Field::N1), m = in.get(Field::M);
  for (auto [name, value, max] :
       {std::tuple<const char *, int64_t, int64_t>{"n0", n0, machine.engine.maxN},
        {"n1", n1, machine.engine.maxN},
        {"m", m, machine.engine.maxM}})
    if (value < 16 || value % 16 || value > max)
      return absl::InvalidArgumentError(
          absl::StrFormat("%s is %d; must be a multiple of 16 from 16 to %d", name, value, max));
  int64_t base0 = in.get(Field::Base0), base1 = in.get(Field::Base1);
  absl::StatusOr<const Operand *> a =
      memories[0].operand(OperandRole::A, base0, base0 - in.get(Field::DataOffset0), n0, m);
  if (!a.ok())
    return a.status();
  absl::StatusOr<const Operand *> b =
      memories[1].operand(OperandRole::B, base1, base1 - in.get(Field::DataOffset1), n1, m);
  if (!b.ok())
    return b.status();
  MatMulOutput output;
  output.shift = static_cast<int>(in.get(Field::Shift));
  output.biasEnable = in.get(Field::BiasEnable) != 0;
  output.weightBias = static_cast<int32_t>(in.get(Field::WeightBias));
  output.relu = in.get(Field::Relu) != 0;
  output.outBias = static_cast<int>(in.get(Field::OutBias));
  output.fractionBits = machine.engine.accumulatorFractionBits;
  std::vector<uint8_t> result(static_cast<size_t>(n0 * n1));
  stepCounts += matmul(**a, **b, output, absl::MakeSpan(result));
  current->macs += n0 * n1 * m;
  return memories[in.get(Field::OutMemory)].writeDense(in.get(Field::OutBase), result);
}

//===----------------------------------------------------------------------===//
// Special function unit
//===----------------------------------------------------------------------===//

absl::StatusOr<std::vector<int32_t>> Simulator::Impl::auxWords(int64_t row, int64_t rows,
                                                               int bias) const {
  int64_t size = static_cast<int64_t>(auxWritten.size());
  if (row + rows > size)
    return absl::OutOfRangeError(absl::StrFormat(
        "rows %d to %d are outside the auxiliary memory of %d rows", row, row + rows - 1, size));
  std::vector<int32_t> words(static_cast<size_t>(rows * kLanes));
  for (int64_t i = 0; i < rows * kLanes; ++i) {
    if (!auxWritten[row + i / kLanes])
      return absl::FailedPreconditionError(absl::StrFormat(
          "read of row %d of the auxiliary memory, which nothing has written", row + i / kLanes));
    words[i] = sfuWord(aux[row * kLanes + i], bias);
  }
  return words;
}

/// Row `timestep` of the operand at `base`, without the padding lanes.
absl::Status Simulator::Impl::readRow(const Instruction &in, int64_t base, int bias,
                                      int64_t timestep, std::vector<int32_t> &words) const {
  int64_t vectors = in.get(Field::Vectors);
  words.clear();
  for (int64_t v = 0; v < vectors; ++v) {
    absl::StatusOr<const uint8_t *> codes =
        memories[in.get(Field::Memory)].readDense(base + blockVectorIndex(timestep, v, vectors));
    if (!codes.ok())
      return codes.status();
    for (int lane = 0; lane < kLanes; ++lane)
      words.push_back(sfuWord((*codes)[lane], bias));
  }
  words.resize(static_cast<size_t>(vectors * kLanes - in.get(Field::PadLanes)));
  return absl::OkStatus();
}

/// Writes row `timestep` of the result, padding lanes as zero.
absl::Status Simulator::Impl::writeRow(const Instruction &in, int64_t timestep,
                                       const std::vector<int32_t> &words) {
  int64_t vectors = in.get(Field::Vectors);
  int bias = static_cast<int>(in.get(Field::OutBias));
  for (int64_t v = 0; v < vectors; ++v) {
    uint8_t codes[kLanes] = {};
    for (int64_t lane = 0; lane < kLanes; ++lane)
      if (size_t i = static_cast<size_t>(v * kLanes + lane); i < words.size())
        codes[lane] = sfuCode(words[i], bias, stepCounts);
    if (absl::Status status = memories[in.get(Field::Memory)].writeDense(
            in.get(Field::OutBase) + blockVectorIndex(timestep, v, vectors), codes);
        !status.ok())
      return status;
  }
  return absl::OkStatus();
}

namespace {

absl::Status checkSfuShape(const Instruction &in, const Engine &engine) {
  auto check = [](const char *name, int64_t value, int64_t max) {
    return value >= 1 && value <= max ? absl::OkStatus()
                                      : absl::InvalidArgumentError(absl::StrFormat(
                                            "%s is %d; must be 1 to %d", name, value, max));
  };
  if (absl::Status status = check("vectors", in.get(Field::Vectors), engine.maxVectors);
      !status.ok())
    return status;
  return in.has(Field::Timesteps)
             ? check("timesteps", in.get(Field::Timesteps), engine.maxTimesteps)
             : absl::OkStatus();
}

int biasOf(const Instruction &in, Field field) { return static_cast<int>(in.get(field)); }

} // namespace

absl::Status Simulator::Impl::layerNorm(const Instruction &in) {
  if (absl::Status status = checkSfuShape(in, machine.engine); !status.ok())
    return status;
  int64_t vectors = in.get(Field::Vectors);
  auto gamma = auxWords(in.get(Field::GammaBase), vectors, biasOf(in, Field::GammaBias));
  if (!gamma.ok())
    return gamma.status();
  auto beta = auxWords(in.get(Field::BetaBase), vectors, biasOf(in, Field::BetaBias));
  if (!beta.ok())
    return beta.status();
  std::vector<int32_t> x, y;
  for (int64_t t = 0; t < in.get(Field::Timesteps); ++t) {
    if (absl::Status status = readRow(in, in.get(Field::InBase), biasOf(in, Field::InBias), t, x);
        !status.ok())
      return status;
    y.resize(x.size());
    layerNormRow(x, absl::MakeConstSpan(*gamma).first(x.size()),
                 absl::MakeConstSpan(*beta).first(x.size()), absl::MakeSpan(y));
    if (absl::Status status = writeRow(in, t, y); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Simulator::Impl::softmax(const Instruction &in) {
  if (absl::Status status = checkSfuShape(in, machine.engine); !status.ok())
    return status;
  auto span =
      auxWords(in.get(Field::SpanBase), in.get(Field::Vectors), biasOf(in, Field::SpanBias));
  if (!span.ok())
    return span.status();
  std::vector<int32_t> x, p;
  for (int64_t t = 0; t < in.get(Field::Timesteps); ++t) {
    if (absl::Status status = readRow(in, in.get(Field::InBase), biasOf(in, Field::InBias), t, x);
        !status.ok())
      return status;
    p.resize(x.size());
    softmaxRow(x, absl::MakeConstSpan(*span).first(x.size()), absl::MakeSpan(p));
    if (absl::Status status = writeRow(in, t, p); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Simulator::Impl::elementAdd(const Instruction &in) {
  if (absl::Status status = checkSfuShape(in, machine.engine); !status.ok())
    return status;
  std::vector<int32_t> a, b;
  for (int64_t t = 0; t < in.get(Field::Timesteps); ++t) {
    absl::Status status = readRow(in, in.get(Field::InBase), biasOf(in, Field::InBias), t, a);
    if (status.ok())
      status = readRow(in, in.get(Field::InBase1), biasOf(in, Field::InBias1), t, b);
    if (!status.ok())
      return status;
    for (size_t i = 0; i < a.size(); ++i)
      a[i] = addWords(a[i], b[i]);
    if (status = writeRow(in, t, a); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Simulator::Impl::entropy(const Instruction &in) {
  if (absl::Status status = checkSfuShape(in, machine.engine); !status.ok())
    return status;
  std::vector<int32_t> x;
  if (absl::Status status = readRow(in, in.get(Field::InBase), biasOf(in, Field::InBias), 0, x);
      !status.ok())
    return status;
  entropyStatus = entropyOfRow(x) <= in.get(Field::Threshold) ? 3 : 2;
  return absl::OkStatus();
}

} // namespace aac::sim
