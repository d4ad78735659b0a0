//===- Writer.cpp - what both expansions share -----------------------------===//
#include "Writer.h"

#include "absl/strings/str_format.h"

namespace aac::registers {

using isa::Field;
using isa::Instruction;
using Op = isa::Opcode;

Writer &Writer::write(const Values &values) {
  uint32_t word = 0;
  for (auto [part, value] : values) {
    const PartSpec &spec = specOf(part);
    int64_t low = spec.isSigned ? -(int64_t{1} << (spec.bits - 1)) : 0;
    int64_t high = (int64_t{1} << (spec.bits - spec.isSigned)) - 1;
    if ((value < low || value > high) && status.ok())
      status = absl::OutOfRangeError(absl::StrFormat("%s of register 0x%02x is %d, not %d to %d",
                                                     spec.name, static_cast<int>(spec.reg), value,
                                                     low, high));
    uint64_t mask = (uint64_t{1} << spec.bits) - 1;
    word |= static_cast<uint32_t>((static_cast<uint64_t>(value) & mask) << spec.low);
  }
  commands.push_back({false, static_cast<uint32_t>(specOf(values.front().first).reg), word});
  return *this;
}

Values accelConfig(const Instruction &in) {
  return {{Part::Relu, in.get(Field::Relu)},
          {Part::BiasEnable, in.get(Field::BiasEnable)},
          {Part::WeightBias, in.get(Field::WeightBias)},
          {Part::OutBias, in.get(Field::OutBias)},
          {Part::Shift, in.get(Field::Shift)}};
}

Values matrixConfig(const Instruction &in) {
  return {
      {Part::N0, in.get(Field::N0)}, {Part::N1, in.get(Field::N1)}, {Part::M, in.get(Field::M)}};
}

Values layerNormConfig(const Instruction &in) {
  return {{Part::GammaBase, in.get(Field::GammaBase)},
          {Part::BetaBase, in.get(Field::BetaBase)},
          {Part::GammaBias, in.get(Field::GammaBias)},
          {Part::BetaBias, in.get(Field::BetaBias)}};
}

Values softmaxConfig(const Instruction &in) {
  return {{Part::SpanBase, in.get(Field::SpanBase)}, {Part::SpanBias, in.get(Field::SpanBias)}};
}

const TransferRegisters *transferRegisters(Op opcode) {
  using P = Part;
  static constexpr TransferRegisters loadMask = {
      P::MaskReadAddress, P::CountLess1, Start::LoadMask, 2, false, false, Field::Words};
  static constexpr TransferRegisters storeMask = {
      P::MaskWriteAddress, P::CountLess1, Start::StoreMask, 2, true, false, Field::Words};
  static constexpr TransferRegisters loadData = {
      P::DataReadAddress, P::CountLess1, Start::LoadData, 16, false, false, Field::Rows};
  static constexpr TransferRegisters storeData = {
      P::DataWriteAddress, P::CountLess1, Start::StoreData, 16, true, false, Field::Rows};
  static constexpr TransferRegisters loadAux = {
      P::AuxReadAddress, P::AuxCountLess1, Start::LoadAux, 16, false, true, Field::Rows};
  static constexpr TransferRegisters storeAux = {
      P::AuxWriteAddress, P::AuxCountLess1, Start::StoreAux, 16, true, true, Field::Rows};
  switch (opcode) {
  case Op::LoadMask:
    return &loadMask;
  case Op::StoreMask:
    return &storeMask;
  case Op::LoadData:
    return &loadData;
  case Op::StoreData:
    return &storeData;
  case Op::LoadAux:
    return &loadAux;
  case Op::StoreAux:
    return &storeAux;
  default:
    return nullptr;
  }
}

const SfuRegisters *sfuRegisters(Op opcode) {
  static constexpr SfuRegisters layerNorm = {kDecodeLayerNorm, kSfuLayerNorm, Start::LayerNorm};
  static constexpr SfuRegisters softmax = {kDecodeSoftmax, kSfuSoftmax, Start::Softmax};
  static constexpr SfuRegisters add = {kDecodeAdd, kSfuAdd, Start::ElementAdd};
  static constexpr SfuRegisters entropy = {kDecodeEntropy, kSfuEntropy, Start::Entropy};
  switch (opcode) {
  case Op::LayerNorm:
    return &layerNorm;
  case Op::Softmax:
    return &softmax;
  case Op::ElementAdd:
    return &add;
  case Op::Entropy:
    return &entropy;
  default:
    return nullptr;
  }
}

absl::Status checkMatMul(const Instruction &in) {
  for (Field field : {Field::N0, Field::N1, Field::M})
    if (int64_t value = in.get(field); value < 16 || value % 16)
      return absl::InvalidArgumentError(
          absl::StrFormat("%s is %d, no multiple of 16",
                          field == Field::N0 ? "n0" : (field == Field::N1 ? "n1" : "m"), value));
  return absl::OkStatus();
}

absl::Status checkBeats(const TransferRegisters &t, int64_t count, int64_t address) {
  if (count * t.unitBytes % kBeatBytes)
    return absl::InvalidArgumentError(absl::StrFormat(
        "%d mask words are no multiple of the %d of a beat", count, kBeatBytes / t.unitBytes));
  if (address % kBeatBytes)
    return absl::InvalidArgumentError(absl::StrFormat(
        "address 0x%x is no multiple of the %d bytes of a beat", address, kBeatBytes));
  return absl::OkStatus();
}

} // namespace aac::registers
