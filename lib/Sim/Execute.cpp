//===- Execute.cpp - transfers and engine operations -----------------------===//
#include "SimulatorImpl.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/str_format.h"
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace aac::sim {

using isa::Field;
using isa::Instruction;
using isa::Opcode;

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

/// Whether what lies there stays as it is while a program runs.
bool Simulator::Impl::holdsParameters(uint64_t address, uint64_t size) const {
  absl::StatusOr<size_t> tier = tiers.find(address, size);
  return runningTask >= 0 && tier.ok() && !tiers.isTransient(*tier, address, size);
}

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
  std::vector<uint8_t> bytes; // of mask words
  std::vector<uint16_t> words;
  for (int64_t c = 0; c < chunks; ++c) {
    uint64_t from = address + static_cast<uint64_t>(c * in.get(Field::AddressStride));
    int64_t at = row + c * in.get(Field::RowStride);
    // The engine's side first: it bounds the size.
    absl::Status status = data ? memory.checkRows(at, count) : memory.checkWords(at, count);
    if (!status.ok())
      return status;
    bytes.resize(data ? 0 : static_cast<size_t>(count * 2));
    switch (in.opcode) {
    case Opcode::LoadData: {
      absl::StatusOr<absl::Span<uint8_t>> rows = memory.writableRows(at, count);
      status = rows.ok() ? readTier(from, *rows) : rows.status();
      if (status.ok() && holdsParameters(from, rows->size()))
        memory.rowsAreFrom(at, count, from);
      break;
    }
    case Opcode::LoadMask:
      if (status = readTier(from, absl::MakeSpan(bytes)); status.ok()) {
        words.resize(static_cast<size_t>(count));
        const uint8_t *pairs = bytes.data();
        uint16_t *out = words.data();
        for (int64_t i = 0; i < count; ++i)
          out[i] = static_cast<uint16_t>(pairs[2 * i] | pairs[2 * i + 1] << 8);
        status = memory.writeWords(at, words);
        if (status.ok() && holdsParameters(from, bytes.size()))
          memory.wordsAreFrom(at, count, from);
      }
      break;
    case Opcode::StoreData: {
      absl::StatusOr<absl::Span<const uint8_t>> rows = memory.readRows(at, count);
      status = rows.ok() ? writeTier(from, *rows) : rows.status();
      break;
    }
    default: { // StoreMask
      absl::StatusOr<absl::Span<const uint16_t>> read = memory.readWords(at, count);
      if (!read.ok())
        return read.status();
      for (size_t i = 0; i < read->size(); ++i) {
        bytes[2 * i] = static_cast<uint8_t>((*read)[i]);
        bytes[2 * i + 1] = static_cast<uint8_t>((*read)[i] >> 8);
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
  int64_t rows = machine.engine.dataRows;
  absl::StatusOr<PlacedOperand> a = memories[0].operand(
      OperandRole::A, base0, operandRow(base0, in.get(Field::DataOffset0), rows), n0, m);
  if (!a.ok())
    return a.status();
  absl::StatusOr<PlacedOperand> b = memories[1].operand(
      OperandRole::B, base1, operandRow(base1, in.get(Field::DataOffset1), rows), n1, m);
  if (!b.ok())
    return b.status();
  MatMulOutput output;
  output.shift = static_cast<int>(in.get(Field::Shift));
  output.biasEnable = in.get(Field::BiasEnable) != 0;
  output.weightBias = static_cast<int32_t>(in.get(Field::WeightBias));
  output.relu = in.get(Field::Relu) != 0;
  output.outBias = static_cast<int>(in.get(Field::OutBias));
  output.fractionBits = machine.engine.accumulatorFractionBits;
  // The operands are decoded already: the result may lie over them.
  absl::StatusOr<absl::Span<uint8_t>> result =
      memories[in.get(Field::OutMemory)].writableDense(in.get(Field::OutBase), n0 * n1 / kLanes);
  if (!result.ok())
    return result.status();
  stepCounts += matmul(*a->operand, *b->operand, output, *result, pool.get());
  current->macs += n0 * n1 * m;
  current->gatedProducts += gatedProducts(*a->operand, *b->operand);
  for (const PlacedOperand &each : {*a, *b})
    if (each.isParameter) {
      current->parameterVectors += each.operand->vectors();
      current->nullParameterVectors += each.operand->allNullVectors();
    }
  return absl::OkStatus();
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

/// Checks that the rows of the operand at `base` are there and dense.
absl::Status Simulator::Impl::checkRead(const Instruction &in, int64_t base, int64_t rows) const {
  const EngineMemory &memory = memories[in.get(Field::Memory)];
  int64_t vectors = in.get(Field::Vectors);
  if (rows % kLanes == 0)
    return memory.readDense(base, rows * vectors).status();
  for (int64_t row = 0; row < rows; row += kLanes)
    for (int64_t v = 0; v < vectors; ++v)
      if (auto read = memory.readDense(base + blockVectorIndex(row, v, vectors),
                                       std::min<int64_t>(kLanes, rows - row));
          !read.ok())
        return read.status();
  return absl::OkStatus();
}

/// The same of the result, whose rows are then about to be written.
absl::Status Simulator::Impl::prepareWrite(const Instruction &in, int64_t rows) {
  EngineMemory &memory = memories[in.get(Field::Memory)];
  int64_t base = in.get(Field::OutBase), vectors = in.get(Field::Vectors);
  if (rows % kLanes == 0)
    return memory.writableDense(base, rows * vectors).status();
  for (int64_t row = 0; row < rows; row += kLanes)
    for (int64_t v = 0; v < vectors; ++v)
      if (auto written = memory.writableDense(base + blockVectorIndex(row, v, vectors),
                                              std::min<int64_t>(kLanes, rows - row));
          !written.ok())
        return written.status();
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

/// Calls row(words of each operand, result) for each row; all without the padding lanes.
/// Rows are independent of each other and done by several threads at a time.
absl::Status Simulator::Impl::forRows(const Instruction &in, absl::Span<const SfuOperand> operands,
                                      const SfuRow &row) {
  const int64_t rows = in.get(Field::Timesteps), vectors = in.get(Field::Vectors);
  const int64_t lanes = vectors * kLanes, width = lanes - in.get(Field::PadLanes);
  const int64_t base = in.get(Field::OutBase);
  bool ordered = false; // a row's result may be another one's operand
  for (const SfuOperand &operand : operands) {
    if (absl::Status status = checkRead(in, operand.base, rows); !status.ok())
      return status;
    int64_t apart = operand.base - base;
    ordered |= apart != 0 && std::abs(apart) < roundUp(rows, kLanes) * vectors;
  }
  if (absl::Status status = prepareWrite(in, rows); !status.ok())
    return status;
  uint8_t *data = memories[in.get(Field::Memory)].bytes();
  const int outBias = static_cast<int>(in.get(Field::OutBias));
  std::atomic<int64_t> saturations{0};
  auto work = [&](int64_t first, int64_t last) {
    Counts counts;
    std::vector<uint8_t> codes(static_cast<size_t>(lanes));
    std::vector<std::vector<int32_t>> words(operands.size(),
                                            std::vector<int32_t>(static_cast<size_t>(lanes)));
    std::vector<int32_t> result(static_cast<size_t>(lanes), 0);
    std::vector<absl::Span<const int32_t>> views;
    views.reserve(words.size());
    for (const std::vector<int32_t> &each : words)
      views.push_back(absl::MakeConstSpan(each).first(static_cast<size_t>(width)));
    for (int64_t t = first; t < last; ++t) {
      auto at = [&](int64_t from, int64_t v) {
        return data + (from + blockVectorIndex(t, v, vectors)) * kLanes;
      };
      for (size_t i = 0; i < operands.size(); ++i) {
        for (int64_t v = 0; v < vectors; ++v)
          std::memcpy(codes.data() + v * kLanes, at(operands[i].base, v), kLanes);
        sfuWords(codes, operands[i].bias, absl::MakeSpan(words[i]));
      }
      row(views, absl::MakeSpan(result).first(static_cast<size_t>(width)));
      sfuCodes(result, outBias, absl::MakeSpan(codes), counts);
      for (int64_t v = 0; v < vectors; ++v)
        std::memcpy(at(base, v), codes.data() + v * kLanes, kLanes);
    }
    saturations += counts.saturations;
  };
  constexpr int64_t kWorthSharing = 1 << 14; // words
  if (!ordered && rows * lanes >= kWorthSharing)
    pool->run(rows, work);
  else
    work(0, rows);
  stepCounts.saturations += saturations;
  return absl::OkStatus();
}

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
  SfuOperand input{in.get(Field::InBase), biasOf(in, Field::InBias)};
  return forRows(in, {input}, [&](SfuWords x, absl::Span<int32_t> y) {
    layerNormRow(x[0], absl::MakeConstSpan(*gamma).first(y.size()),
                 absl::MakeConstSpan(*beta).first(y.size()), y);
  });
}

absl::Status Simulator::Impl::softmax(const Instruction &in) {
  if (absl::Status status = checkSfuShape(in, machine.engine); !status.ok())
    return status;
  auto span =
      auxWords(in.get(Field::SpanBase), in.get(Field::Vectors), biasOf(in, Field::SpanBias));
  if (!span.ok())
    return span.status();
  SfuOperand input{in.get(Field::InBase), biasOf(in, Field::InBias)};
  return forRows(in, {input}, [&](SfuWords x, absl::Span<int32_t> p) {
    softmaxRow(x[0], absl::MakeConstSpan(*span).first(p.size()), p);
  });
}

absl::Status Simulator::Impl::elementAdd(const Instruction &in) {
  if (absl::Status status = checkSfuShape(in, machine.engine); !status.ok())
    return status;
  SfuOperand a{in.get(Field::InBase), biasOf(in, Field::InBias)};
  SfuOperand b{in.get(Field::InBase1), biasOf(in, Field::InBias1)};
  return forRows(in, {a, b}, [](SfuWords x, absl::Span<int32_t> y) {
    const int32_t *left = x[0].data(), *right = x[1].data();
    int32_t *out = y.data();
    for (size_t i = 0, width = y.size(); i < width; ++i)
      out[i] = addWords(left[i], right[i]);
  });
}

absl::Status Simulator::Impl::entropy(const Instruction &in) {
  if (absl::Status status = checkSfuShape(in, machine.engine); !status.ok())
    return status;
  int64_t vectors = in.get(Field::Vectors), base = in.get(Field::InBase);
  if (absl::Status status = checkRead(in, base, 1); !status.ok())
    return status;
  std::vector<int32_t> x;
  for (int64_t v = 0; v < vectors; ++v) {
    const uint8_t *codes =
        memories[in.get(Field::Memory)].bytes() + (base + blockVectorIndex(0, v, vectors)) * kLanes;
    for (int lane = 0; lane < kLanes; ++lane)
      x.push_back(sfuWord(codes[lane], biasOf(in, Field::InBias)));
  }
  x.resize(static_cast<size_t>(vectors * kLanes - in.get(Field::PadLanes)));
  entropyStatus = entropyOfRow(x) <= in.get(Field::Threshold) ? 3 : 2;
  return absl::OkStatus();
}

} // namespace aac::sim
