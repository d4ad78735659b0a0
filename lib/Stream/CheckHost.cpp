//===- CheckHost.cpp - what the host accesses -----------------------------===//
#include "CheckProgram.h"

namespace aac::check {

const TensorSpec *ProgramChecker::tensor(absl::string_view kind,
                                         const std::vector<TensorSpec> Task::*list, int64_t index,
                                         std::initializer_list<ElementType> types) {
  if (task < 0) {
    fault("uses an ", kind, ", but the program runs no task");
    return nullptr;
  }
  const std::vector<TensorSpec> &tensors = stream.tasks[task].*list;
  if (index >= static_cast<int64_t>(tensors.size())) {
    fault(kind, " is ", index, ", task ", stream.tasks[task].name, " has ", tensors.size());
    return nullptr;
  }
  if (std::find(types.begin(), types.end(), tensors[index].type) == types.end()) {
    fault(kind, " ", tensors[index].name, " has elements of another type");
    return nullptr;
  }
  return &tensors[index];
}

int64_t ProgramChecker::elements(const TensorSpec &tensor) {
  int64_t count = 1;
  for (int64_t size : tensor.shape)
    count *= std::min<int64_t>(size, 1 << 20); // a field that could match is smaller
  return count;
}

bool ProgramChecker::checkInput(const Instruction &in, std::initializer_list<ElementType> types) {
  const TensorSpec *input = tensor("input", &Task::inputs, in.get(Field::Input), types);
  if (!input)
    return false;
  if (elements(*input) >= in.get(Field::Timesteps))
    return true;
  fault("timesteps is ", in.get(Field::Timesteps), ", input ", input->name, " has only ",
        elements(*input), " elements");
  return false;
}

bool ProgramChecker::checkMatrix(const Instruction &in) {
  return inRange("timesteps", in.get(Field::Timesteps), 1, 65535) &&
         inRange("columns", in.get(Field::Columns), 1, 65535);
}

uint64_t ProgramChecker::matrixBytes(const Instruction &in) {
  return roundUp16(in.get(Field::Timesteps)) * roundUp16(in.get(Field::Columns));
}

uint32_t ProgramChecker::word(size_t number) const {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i)
    value = value << 8 | scratch[4 * number + i];
  return value;
}

void ProgramChecker::hostGather(const Instruction &in) {
  int64_t rows = in.get(Field::TableRows), timesteps = in.get(Field::Timesteps);
  int64_t columns = in.get(Field::Columns);
  if (!checkMatrix(in) || !inRange("table_rows", rows, 1, INT32_MAX))
    return;
  // The host's accumulator has 40 fraction bits; a code must fit it.
  if (int64_t sum = in.get(Field::Bias) + in.get(Field::Scale); sum < -26 || sum > 18)
    fault("bias and scale sum to ", sum, ", outside -26..18");
  if (in.get(Field::Source) == 0) {
    if (!checkInput(in, {ElementType::I32, ElementType::I64}))
      return;
  } else {
    uint64_t indices = in.get(Field::Indices);
    if (!readTier("indices", indices, 4 * timesteps))
      return;
    if (state.tiers.known(indices, indices + 4 * timesteps, scratch))
      for (int64_t t = 0; t < timesteps; ++t)
        if (word(t) >= rows)
          return fault("row number ", t, " is ", word(t), ", the table has ", rows, " rows");
  }
  uint64_t bytes = rows * roundUp16(columns);
  if (in.get(Field::Sparse)) {
    uint64_t offsets = in.get(Field::Offsets), size = 4 * (rows + 1);
    if (!readTier("offsets", offsets, size))
      return;
    if (!state.tiers.known(offsets, offsets + size, scratch))
      return fault("offsets at 0x", absl::Hex(offsets), " are not from an image");
    for (int64_t r = 0; r < rows; ++r)
      if (word(r) > word(r + 1))
        return fault("offset of row ", r, " is ", word(r), ", that of the next ", word(r + 1));
    bytes = word(rows);
  }
  if (bytes > 0 && !readTier("table", in.get(Field::Table), bytes))
    return;
  if (in.get(Field::Accumulate))
    checkAccumulator(in);
  state.accumulator = Accumulator{timesteps, columns};
}

void ProgramChecker::checkAccumulator(const Instruction &in) {
  if (!state.accumulator)
    return fault("uses the accumulator before a host_gather has cleared it");
  if (state.accumulator->timesteps != in.get(Field::Timesteps) ||
      state.accumulator->columns != in.get(Field::Columns))
    fault("takes the accumulator as ", in.get(Field::Timesteps), " x ", in.get(Field::Columns),
          ", it is ", state.accumulator->timesteps, " x ", state.accumulator->columns);
}

void ProgramChecker::hostEmit(const Instruction &in) {
  if (!checkMatrix(in))
    return;
  checkAccumulator(in);
  writeTier("out_address", in.get(Field::OutAddress), matrixBytes(in));
}

void ProgramChecker::hostTable(const Instruction &in) {
  uint64_t bytes = in.get(Field::Bytes), address = in.get(Field::Address);
  uint64_t out = in.get(Field::OutAddress);
  uint64_t table =
      static_cast<uint64_t>(in.get(Field::Table) + iteration * in.get(Field::LoopStride));
  if (!inRange("bytes", bytes, 1, UINT32_MAX))
    return;
  if (readTier("table", table, 256) && readTier("address", address, bytes, address == out))
    writeTier("out_address", out, bytes);
}

void ProgramChecker::hostMask(const Instruction &in) {
  int64_t vectors = in.get(Field::Vectors);
  if (!inRange("vectors", vectors, 1, machine.engine.maxVectors) ||
      !inRange("timesteps", in.get(Field::Timesteps), 1, vectors * kLanes) ||
      !inRange("bias", in.get(Field::Bias), 3, 7)) // lower ones have no code for 1.0
    return;
  if (checkInput(in, {ElementType::I32, ElementType::I64, ElementType::Bool}))
    writeTier("out_address", in.get(Field::OutAddress), vectors * kLanes);
}

void ProgramChecker::hostCopy(const Instruction &in) {
  uint64_t bytes = in.get(Field::Bytes), address = in.get(Field::Address);
  uint64_t out = in.get(Field::OutAddress);
  if (!inRange("bytes", bytes, 1, UINT32_MAX) || !readTier("address", address, bytes))
    return;
  struct Part {
    uint64_t offset, size;
    const uint8_t *data;
    int image;
  };
  std::vector<Part> parts;
  state.tiers.forEach(
      address, address + bytes,
      [&](uint64_t from, uint64_t to, const TierMap::Piece *piece, const uint8_t *data) {
        parts.push_back({from - address, to - from, data, piece ? piece->image : -1});
      });
  if (!writeTier("out_address", out, bytes))
    return;
  for (const Part &part : parts)
    state.tiers.write(out + part.offset, out + part.offset + part.size, part.data, part.image);
}

void ProgramChecker::hostTranspose(const Instruction &in) {
  if (checkMatrix(in) && readTier("address", in.get(Field::Address), matrixBytes(in)))
    writeTier("out_address", in.get(Field::OutAddress), matrixBytes(in));
}

void ProgramChecker::hostOutput(const Instruction &in) {
  if (!checkMatrix(in) || !inRange("layout", in.get(Field::Layout), 0, 0))
    return;
  int64_t number = in.get(Field::Output);
  const TensorSpec *output = tensor("output", &Task::outputs, number, {ElementType::F32});
  if (!output)
    return;
  int64_t size = in.get(Field::Timesteps) * in.get(Field::Columns);
  if (elements(*output) != size)
    fault("writes ", size, " elements, output ", output->name, " has ", elements(*output));
  outputWritten[number] = true;
  readTier("address", in.get(Field::Address), matrixBytes(in));
}

} // namespace aac::check
