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

/// Chunk `c` of a transfer.
void transfer(const Instruction &in, const TransferRegisters &t, int64_t c, Writer &w) {
  auto get = [&](Field field, int64_t other) { return in.has(field) ? in.get(field) : other; };
  if (c == 0) { // the rest stays as it is for the further chunks
    if (t.store)
      w.write(Part::UseAxi, 1);
    if (!t.auxiliary)
      w.write(Part::FlipMem, in.get(Field::Memory));
    w.write(t.count, in.get(t.size) - 1);
  }
  w.write(Part::OutputBase, in.get(Field::Row) + c * get(Field::RowStride, 0));
  w.write(t.address, in.get(Field::Address) + c * get(Field::AddressStride, 0)).start(t.start);
}

/// The first start of `in`, or nothing.
void first(const Instruction &in, Writer &w) {
  if (in.opcode == isa::Opcode::MatMul)
    matMul(in, w);
  else if (const SfuRegisters *unit = sfuRegisters(in.opcode))
    sfu(in, *unit, w);
  else if (const TransferRegisters *t = transferRegisters(in.opcode))
    transfer(in, *t, 0, w);
}

} // namespace

absl::StatusOr<Starts> expand(const Instruction &in) {
  const TransferRegisters *t = transferRegisters(in.opcode);
  int64_t starts = t && in.has(Field::Chunks) ? in.get(Field::Chunks) : 1;
  Starts list;
  for (int64_t c = 0; c < starts; ++c) {
    int64_t skipped = c > 0 ? c * in.get(Field::AddressStride) : 0;
    absl::Status status =
        t ? checkBeats(*t, in.get(t->size), in.get(Field::Address) + skipped)
          : (in.opcode == isa::Opcode::MatMul ? checkMatMul(in) : absl::OkStatus());
    Writer w;
    if (c == 0)
      first(in, w);
    else
      transfer(in, *t, c, w);
    status.Update(w.status);
    if (!status.ok())
      return status;
    if (!w.commands.empty())
      list.push_back(std::move(w.commands));
  }
  return list;
}

WriteCounts writesOf(isa::Opcode opcode) {
  // Which registers are written does not depend on what is written to them.
  static const std::vector<WriteCounts> counts = [] {
    std::vector<WriteCounts> list;
    for (const isa::InstructionSpec &spec : isa::allInstructions()) {
      Instruction in(spec.opcode);
      Writer start, further;
      first(in, start);
      if (const TransferRegisters *t = transferRegisters(spec.opcode); t && in.has(Field::Chunks))
        transfer(in, *t, 1, further);
      list.push_back({static_cast<int64_t>(start.commands.size()),
                      static_cast<int64_t>(further.commands.size())});
    }
    return list;
  }();
  return counts[static_cast<size_t>(opcode)];
}

} // namespace aac::registers
