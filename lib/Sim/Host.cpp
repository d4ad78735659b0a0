//===- Host.cpp - host calls -----------------------------------------------===//
#include "SimulatorImpl.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/str_format.h"
#include <cmath>
#include <cstring>

namespace aac::sim {

using isa::Field;
using isa::Instruction;

namespace {

constexpr int kAccumulatorFractionBits = 40;

uint32_t littleEndian32(const uint8_t *bytes) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

int minExponentOf(const Instruction &in) {
  return static_cast<int>(in.get(Field::Bias)) + kEngineExponentOffset +
         static_cast<int>(in.get(Field::Scale));
}

} // namespace

absl::StatusOr<const std::vector<int64_t> *>
Simulator::Impl::taskInput(const Instruction &in) const {
  size_t input = static_cast<size_t>(in.get(Field::Input));
  if (runningTask < 0)
    return absl::FailedPreconditionError("reads a task's input outside a task");
  const Task &task = stream.tasks[runningTask];
  if (input >= inputs.size())
    return absl::OutOfRangeError(
        absl::StrFormat("input %d of task '%s' with %d inputs", input, task.name, inputs.size()));
  int64_t size = static_cast<int64_t>(inputs[input].size());
  if (in.get(Field::Timesteps) > size)
    return absl::OutOfRangeError(absl::StrFormat("%d timesteps of input '%s' with %d elements",
                                                 in.get(Field::Timesteps), task.inputs[input].name,
                                                 size));
  return &inputs[input];
}

absl::Status Simulator::Impl::hostGather(const Instruction &in) {
  int64_t timesteps = in.get(Field::Timesteps), columns = in.get(Field::Columns);
  int64_t tableRows = in.get(Field::TableRows);
  uint64_t table = static_cast<uint64_t>(in.get(Field::Table));
  uint64_t offsets = static_cast<uint64_t>(in.get(Field::Offsets));

  std::vector<int64_t> rows;
  std::string source = absl::StrFormat("the indices at 0x%x", in.get(Field::Indices));
  if (in.get(Field::Source) == 0) {
    absl::StatusOr<const std::vector<int64_t> *> input = taskInput(in);
    if (!input.ok())
      return input.status();
    rows.assign((*input)->begin(), (*input)->begin() + timesteps);
    source =
        absl::StrFormat("input '%s'", stream.tasks[runningTask].inputs[in.get(Field::Input)].name);
  } else {
    auto bytes = readTier(static_cast<uint64_t>(in.get(Field::Indices)), 4 * timesteps);
    if (!bytes.ok())
      return bytes.status();
    for (int64_t t = 0; t < timesteps; ++t)
      rows.push_back(littleEndian32(bytes->data() + 4 * t));
  }

  // significand * 2^(minExponent - 4) in units of 2^-40.
  int shift = minExponentOf(in) - 4 + kAccumulatorFractionBits;
  if (shift < 0 || shift > 44)
    return absl::OutOfRangeError(absl::StrFormat(
        "bias %d and scale %d do not fit the host's accumulator of %d fraction bits",
        in.get(Field::Bias), in.get(Field::Scale), kAccumulatorFractionBits));
  if (in.get(Field::Accumulate) == 0) {
    accumulator.assign(static_cast<size_t>(timesteps * columns), 0);
    accumulatorRows = timesteps;
    accumulatorColumns = columns;
  } else if (timesteps != accumulatorRows || columns != accumulatorColumns) {
    return absl::FailedPreconditionError(
        absl::StrFormat("adds %d x %d to an accumulator of %d x %d", timesteps, columns,
                        accumulatorRows, accumulatorColumns));
  }

  std::vector<uint8_t> codes(static_cast<size_t>(roundUp(columns, kLanes)));
  for (int64_t t = 0; t < timesteps; ++t) {
    int64_t row = rows[t];
    if (row < 0 || row >= tableRows)
      return absl::OutOfRangeError(absl::StrFormat(
          "element %d of %s is %d; the table has rows 0 to %d", t, source, row, tableRows - 1));
    if (in.get(Field::Sparse) == 0) {
      if (absl::Status status =
              readTier(table + static_cast<uint64_t>(row) * codes.size(), absl::MakeSpan(codes));
          !status.ok())
        return status;
    } else {
      uint8_t ends[8];
      if (absl::Status status =
              readTier(offsets + 4 * static_cast<uint64_t>(row), absl::MakeSpan(ends));
          !status.ok())
        return status;
      uint64_t begin = littleEndian32(ends), end = littleEndian32(ends + 4);
      if (end < begin)
        return absl::DataLossError(
            absl::StrFormat("row %d of the table at 0x%x ends before it begins (offsets %d, %d)",
                            row, table, begin, end));
      auto bytes = readTier(table + begin, end - begin);
      if (!bytes.ok())
        return bytes.status();
      if (absl::Status status = decodeRow(*bytes, absl::MakeSpan(codes).first(columns));
          !status.ok())
        return status;
    }
    for (int64_t c = 0; c < columns; ++c) {
      int64_t term = int64_t{significandAdaptivFloat8(codes[c])} * (int64_t{1} << shift);
      int64_t &sum = accumulator[t * columns + c]; // modulo 2^64
      sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(term));
    }
  }
  return absl::OkStatus();
}

absl::Status Simulator::Impl::hostEmit(const Instruction &in) {
  int64_t timesteps = in.get(Field::Timesteps), columns = in.get(Field::Columns);
  if (timesteps != accumulatorRows || columns != accumulatorColumns)
    return absl::FailedPreconditionError(
        absl::StrFormat("emits %d x %d of an accumulator of %d x %d", timesteps, columns,
                        accumulatorRows, accumulatorColumns));
  std::vector<uint8_t> codes(accumulator.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    bool saturated = false;
    codes[i] = encodeAdaptivFloat8Fixed(accumulator[i], kAccumulatorFractionBits, minExponentOf(in),
                                        &saturated);
    stepCounts.saturations += saturated;
  }
  return writeTier(static_cast<uint64_t>(in.get(Field::OutAddress)),
                   toBlockOrder(codes, timesteps, columns));
}

absl::Status Simulator::Impl::hostTable(const Instruction &in, int64_t iteration) {
  uint64_t table = static_cast<uint64_t>(in.get(Field::Table)) +
                   static_cast<uint64_t>(iteration * in.get(Field::LoopStride));
  auto entries = readTier(table, 256);
  if (!entries.ok())
    return entries.status();
  auto codes = readTier(static_cast<uint64_t>(in.get(Field::Address)),
                        static_cast<uint64_t>(in.get(Field::Bytes)));
  if (!codes.ok())
    return codes.status();
  for (uint8_t &code : *codes)
    code = (*entries)[code];
  return writeTier(static_cast<uint64_t>(in.get(Field::OutAddress)), *codes);
}

absl::Status Simulator::Impl::hostMask(const Instruction &in) {
  absl::StatusOr<const std::vector<int64_t> *> input = taskInput(in);
  if (!input.ok())
    return input.status();
  int bias = static_cast<int>(in.get(Field::Bias));
  bool saturated = false;
  uint8_t one = encodeAdaptivFloat8Fixed(1, 0, bias + kEngineExponentOffset, &saturated);
  if (saturated)
    return absl::InvalidArgumentError(
        absl::StrFormat("bias %d has no code for 1.0; use 3 to 7", bias));
  int64_t lanes = in.get(Field::Vectors) * kLanes, timesteps = in.get(Field::Timesteps);
  if (timesteps > lanes)
    return absl::InvalidArgumentError(
        absl::StrFormat("%d timesteps do not fit %d vectors", timesteps, in.get(Field::Vectors)));
  std::vector<uint8_t> span(static_cast<size_t>(lanes), 0);
  bool inverted = in.get(Field::Inverted) != 0;
  for (int64_t t = 0; t < timesteps; ++t)
    span[t] = ((**input)[t] != 0) != inverted ? one : 0;
  return writeTier(static_cast<uint64_t>(in.get(Field::OutAddress)), span);
}

absl::Status Simulator::Impl::hostCopy(const Instruction &in) {
  auto bytes = readTier(static_cast<uint64_t>(in.get(Field::Address)),
                        static_cast<uint64_t>(in.get(Field::Bytes)));
  if (!bytes.ok())
    return bytes.status();
  return writeTier(static_cast<uint64_t>(in.get(Field::OutAddress)), *bytes);
}

absl::Status Simulator::Impl::hostTranspose(const Instruction &in) {
  int64_t rows = roundUp(in.get(Field::Timesteps), kLanes);
  int64_t columns = roundUp(in.get(Field::Columns), kLanes);
  auto codes = readTier(static_cast<uint64_t>(in.get(Field::Address)),
                        static_cast<uint64_t>(rows * columns));
  if (!codes.ok())
    return codes.status();
  std::vector<uint8_t> result(codes->size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result[blockVectorIndex(c, r / kLanes, rows / kLanes) * kLanes + r % kLanes] =
          (*codes)[blockVectorIndex(r, c / kLanes, columns / kLanes) * kLanes + c % kLanes];
  return writeTier(static_cast<uint64_t>(in.get(Field::OutAddress)), result);
}

absl::Status Simulator::Impl::hostOutput(const Instruction &in) {
  if (runningTask < 0)
    return absl::FailedPreconditionError("writes a task's output outside a task");
  const Task &task = stream.tasks[runningTask];
  size_t output = static_cast<size_t>(in.get(Field::Output));
  if (output >= task.outputs.size())
    return absl::OutOfRangeError(absl::StrFormat("output %d of task '%s' with %d outputs", output,
                                                 task.name, task.outputs.size()));
  if (in.get(Field::Layout) != 0)
    return absl::InvalidArgumentError(
        absl::StrFormat("layout %d; only 0 exists", in.get(Field::Layout)));
  const TensorSpec &spec = task.outputs[output];
  int64_t timesteps = in.get(Field::Timesteps), columns = in.get(Field::Columns);
  int64_t size = 1;
  for (int64_t dim : spec.shape)
    size *= dim;
  if (size != timesteps * columns)
    return absl::InvalidArgumentError(absl::StrFormat(
        "writes %d x %d values to output '%s', which has %d", timesteps, columns, spec.name, size));
  auto blocks =
      readTier(static_cast<uint64_t>(in.get(Field::Address)),
               static_cast<uint64_t>(roundUp(timesteps, kLanes) * roundUp(columns, kLanes)));
  if (!blocks.ok())
    return blocks.status();
  std::vector<uint8_t> codes = fromBlockOrder(*blocks, timesteps, columns);
  std::vector<float> values(codes.size());
  for (size_t i = 0; i < codes.size(); ++i)
    values[i] =
        std::ldexp(static_cast<float>(significandAdaptivFloat8(codes[i])), minExponentOf(in) - 4);
  outputs[output] = NpyArray::fromFloats(spec.name, spec.shape, values);
  outputWritten[output] = true;
  return absl::OkStatus();
}

} // namespace aac::sim
