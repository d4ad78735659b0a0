//===- CheckCommands.cpp - what transfers and the engine access -----------===//
#include "CheckProgram.h"

namespace aac::check {

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

uint64_t ProgramChecker::addressOf(const Instruction &in) const {
  return static_cast<uint64_t>(in.get(Field::Address) + iteration * in.get(Field::LoopStride));
}

template <typename F>
bool ProgramChecker::forChunks(const Instruction &in, Field countField, int64_t bytes, F f) {
  int64_t count = in.get(countField), chunks = in.get(Field::Chunks);
  int64_t limit = countField == Field::Words ? machine.engine.maskWords : machine.engine.dataRows;
  if (!inRange(countField == Field::Words ? "words" : "rows", count, 1, limit))
    return false;
  if (chunks < 1) {
    fault("chunks is 0, below 1");
    return false;
  }
  uint64_t address = addressOf(in);
  int64_t row = in.get(Field::Row);
  if (in.get(Field::AddressStride) == count * bytes && in.get(Field::RowStride) == count)
    return f(address, row, count * chunks);
  for (int64_t c = 0; c < chunks; ++c)
    if (!f(address + static_cast<uint64_t>(c * in.get(Field::AddressStride)),
           row + c * in.get(Field::RowStride), count))
      return false;
  return true;
}

void ProgramChecker::transferData(const Instruction &in, bool isLoad) {
  int64_t m = in.get(Field::Memory);
  forChunks(in, Field::Rows, kRowBytes, [&](uint64_t address, int64_t row, int64_t rows) {
    if (isLoad)
      return readTier("address", address, rows * kRowBytes) &&
             writeRows("rows", state.data[m], dataSpace(m), row, rows);
    return readRows("rows", state.data[m], dataSpace(m), row, rows) &&
           writeTier("address", address, rows * kRowBytes);
  });
}

void ProgramChecker::transferMask(const Instruction &in, bool isLoad) {
  // Bytes of mask words that are all ones.
  static const std::vector<uint8_t> ones(1 << 16, 0xff);
  int64_t m = in.get(Field::Memory);
  MaskWords &words = state.words[m];
  forChunks(in, Field::Words, kWordBytes, [&](uint64_t address, int64_t row, int64_t count) {
    uint64_t bytes = count * kWordBytes;
    if (isLoad) {
      if (!readTier("address", address, bytes) ||
          !writeRows("words", state.mask[m], maskSpace(m), row, count))
        return false;
      if (state.tiers.known(address, address + bytes, scratch))
        words.set(row, count, scratch.data());
      else
        words.setUnknown(row, count);
      return true;
    }
    if (!readRows("words", state.mask[m], maskSpace(m), row, count))
      return false;
    bool dense = words.firstNotDense(row, count) < 0 && bytes <= ones.size();
    return writeTier("address", address, bytes, dense ? ones.data() : nullptr);
  });
}

void ProgramChecker::transferAux(const Instruction &in, bool isLoad) {
  int64_t row = in.get(Field::Row), rows = in.get(Field::Rows);
  if (!inRange("rows", rows, 1, machine.engine.auxRows))
    return;
  if (isLoad) {
    if (readTier("address", addressOf(in), rows * kRowBytes))
      writeRows("rows", state.aux, Aux, row, rows);
  } else if (readRows("rows", state.aux, Aux, row, rows)) {
    writeTier("address", addressOf(in), rows * kRowBytes);
  }
}

//===----------------------------------------------------------------------===//
// The engine
//===----------------------------------------------------------------------===//

void ProgramChecker::writeDense(int64_t memory, int64_t base, int64_t vectors) {
  if (writeRows("words", state.mask[memory], maskSpace(memory), base, vectors) &&
      writeRows("rows", state.data[memory], dataSpace(memory), base, vectors))
    state.words[memory].setDense(base, vectors);
}

bool ProgramChecker::checkSize(absl::string_view field, int64_t value, int64_t most) {
  if (!inRange(field, value, kLanes, most))
    return false;
  if (value % kLanes != 0)
    fault(field, " is ", value, ", not a multiple of ", kLanes);
  return value % kLanes == 0;
}

bool ProgramChecker::readOperand(int64_t memory, int64_t base, int64_t offset, int64_t vectors) {
  if (!readRows("words", state.mask[memory], maskSpace(memory), base, vectors))
    return false;
  int64_t rows = state.words[memory].dataRows(base, vectors);
  int64_t row = base - offset; // around the end of the memory
  if (row < 0)
    row += machine.engine.dataRows;
  return readRows("rows", state.data[memory], dataSpace(memory), row, rows);
}

void ProgramChecker::matMul(const Instruction &in) {
  int64_t n0 = in.get(Field::N0), n1 = in.get(Field::N1), m = in.get(Field::M);
  if (!checkSize("n0", n0, machine.engine.maxN) || !checkSize("n1", n1, machine.engine.maxN) ||
      !checkSize("m", m, machine.engine.maxM))
    return;
  if (readOperand(0, in.get(Field::Base0), in.get(Field::DataOffset0), n0 * m / kLanes) &&
      readOperand(1, in.get(Field::Base1), in.get(Field::DataOffset1), n1 * m / kLanes))
    writeDense(in.get(Field::OutMemory), in.get(Field::OutBase), n0 * n1 / kLanes);
}

template <typename F>
bool ProgramChecker::forRows(int64_t base, int64_t vectors, int64_t timesteps, F f) {
  int64_t whole = timesteps / kLanes * kLanes, rest = timesteps % kLanes;
  if (whole > 0 && !f(base, whole * vectors))
    return false;
  for (int64_t v = 0; rest > 0 && v < vectors; ++v)
    if (!f(base + whole * vectors + v * kLanes, rest))
      return false;
  return true;
}

bool ProgramChecker::readSfu(int64_t m, int64_t base, int64_t vectors, int64_t timesteps,
                             bool inPlace) {
  return forRows(base, vectors, timesteps, [&](int64_t first, int64_t count) {
    if (!readRows("words", state.mask[m], maskSpace(m), first, count, inPlace) ||
        !readRows("rows", state.data[m], dataSpace(m), first, count, inPlace))
      return false;
    if (int64_t at = state.words[m].firstNotDense(first, count); at >= 0)
      fault("mask word ", at, " of memory ", m,
            " is not known to be all ones; this operation takes dense operands");
    return true;
  });
}

void ProgramChecker::sfu(const Instruction &in) {
  int64_t m = in.get(Field::Memory), vectors = in.get(Field::Vectors);
  int64_t timesteps = in.has(Field::Timesteps) ? in.get(Field::Timesteps) : 1;
  if (!inRange("vectors", vectors, 1, machine.engine.maxVectors) ||
      !inRange("timesteps", timesteps, 1, machine.engine.maxTimesteps))
    return;
  int64_t out = in.has(Field::OutBase) ? in.get(Field::OutBase) : -1;
  for (Field base : {Field::InBase, Field::InBase1})
    if (in.has(base) && !readSfu(m, in.get(base), vectors, timesteps, in.get(base) == out))
      return;
  for (Field base : {Field::GammaBase, Field::BetaBase, Field::SpanBase})
    if (in.has(base) && !readRows("rows", state.aux, Aux, in.get(base), vectors))
      return;
  if (out >= 0)
    forRows(out, vectors, timesteps, [&](int64_t first, int64_t count) {
      writeDense(m, first, count);
      return true;
    });
}

} // namespace aac::check
