//===- Expand.cpp - instructions as register writes, CORRECTED --------------===//
#include "Writer.h"

namespace aac::registers {
namespace {

using isa::Field;
using isa::Instruction;
using Starts = std::vector<std::vector<Command>>;

void matMul(const Instruction &in, Writer &w) {
  w.write(Part::OutputBase, in.get(Field::OutBase)).write(Part::UseSfu, 0);
  w.write(Part::UseAxi, 0);
  w.write({{Part::DecoderMode0, kDecodeN0}, {Part::DecoderMode1, kDecodeN1}});
  w.write(accelConfig(in)).write(Part::FlipMem, in.get(Field::OutMemory));
  w.write({{Part::InputBase0, in.get(Field::Base0)}, {Part::InputBase1, in.get(Field::Base1)}});
  w.write({{Part::InputOffset0, in.get(Field::DataOffset0)},
           {Part::InputOffset1, in.get(Field::DataOffset1)}});
  w.write(matrixConfig(in)).start(Start::MatMul);
}

/// The modes come before what they route (reference: accelerator 4.4, 1).
void sfu(const Instruction &in, const SfuRegisters &unit, Writer &w) {
  auto get = [&](Field field, int64_t other) { return in.has(field) ? in.get(field) : other; };
  int64_t memory = in.get(Field::Memory), base = in.get(Field::InBase);
  if (in.has(Field::OutBase))
    w.write(Part::OutputBase, in.get(Field::OutBase));
  w.write(Part::UseAxi, 0).write(Part::FlipMem, memory).write(Part::UseSfu, 1);
  w.write(memory ? Part::DecoderMode1 : Part::DecoderMode0, unit.decoder);
  w.write(Part::SfuMode, unit.mode);
  if (unit.start == Start::Entropy)
    w.write({{Part::Threshold, in.get(Field::Threshold)}, {Part::EntropyScale, 1}});
  if (unit.start == Start::LayerNorm)
    w.write(layerNormConfig(in));
  if (unit.start == Start::Softmax)
    w.write(softmaxConfig(in));
  // One operand: whichever half a unit reads, it finds the base.
  w.write({{Part::InputBase0, base}, {Part::InputBase1, get(Field::InBase1, base)}});
  w.write({{Part::InputOffset0, 0}, {Part::InputOffset1, 0}});
  w.write({{Part::Vectors, in.get(Field::Vectors)},
           {Part::Timesteps, get(Field::Timesteps, 1)},
           {Part::Bias1, in.get(Field::InBias)},
           {Part::Bias2, get(Field::InBias1, 0)},
           {Part::Bias3, get(Field::OutBias, 0)},
           {Part::PadLanes, in.get(Field::PadLanes)}});
  w.start(unit.start);
}

absl::StatusOr<Starts> transfer(const Instruction &in, const TransferRegisters &t) {
  auto get = [&](Field field, int64_t other) { return in.has(field) ? in.get(field) : other; };
  int64_t count = in.get(t.size), chunks = get(Field::Chunks, 1);
  Starts starts;
  for (int64_t c = 0; c < chunks; ++c) {
    int64_t address = in.get(Field::Address) + c * get(Field::AddressStride, 0);
    if (absl::Status status = checkBeats(t, count, address); !status.ok())
      return status;
    Writer w;
    if (c == 0) { // the rest stays as it is for the further chunks
      if (t.store)
        w.write(Part::UseAxi, 1);
      if (!t.auxiliary)
        w.write(Part::FlipMem, in.get(Field::Memory));
      w.write(t.count, count - 1);
    }
    w.write(Part::OutputBase, in.get(Field::Row) + c * get(Field::RowStride, 0));
    w.write(t.address, address).start(t.start);
    if (!w.status.ok())
      return w.status;
    starts.push_back(std::move(w.commands));
  }
  return starts;
}

} // namespace

absl::StatusOr<Starts> expand(const Instruction &in) {
  if (const TransferRegisters *t = transferRegisters(in.opcode))
    return transfer(in, *t);
  Writer w;
  if (in.opcode == isa::Opcode::MatMul) {
    if (absl::Status status = checkMatMul(in); !status.ok())
      return status;
    matMul(in, w);
  } else if (const SfuRegisters *unit = sfuRegisters(in.opcode)) {
    sfu(in, *unit, w);
  } else {
    return Starts();
  }
  if (!w.status.ok())
    return w.status;
  return Starts{std::move(w.commands)};
}

} // namespace aac::registers
