//===- ExpandPublished.cpp - instructions as register writes, PUBLISHED -----===//
//
// The order is that of the sequences observed to work (reference: accelerator 4.5): base_output
// once, modes, configuration, loads, operation, stores, each command awaited. Between two
// groups of this kind stands a soft reset, the rule of 4.4. Numbers of the instructions go
// into the registers as they are: here a base counts mask words and data bytes.
//
//===----------------------------------------------------------------------===//
#include "Writer.h"

#include "absl/strings/str_format.h"
#include <optional>

namespace aac::registers {
namespace {

using isa::Field;
using isa::Instruction;
using Op = isa::Opcode;

constexpr int64_t kBurstRows = 128, kBurstWords = 1024; ///< of 256 beats
constexpr int64_t kMaxLoadRows = 1920, kMaxStoreRows = 1024;

absl::Status refuse(absl::string_view what) { return absl::UnimplementedError(what); }

absl::Status checkTransfer(const Instruction &in, const TransferRegisters &t) {
  if (in.opcode == Op::StoreAux)
    return refuse("the published source cannot store its auxiliary memory");
  if (in.has(Field::Chunks) && in.get(Field::Chunks) != 1)
    return refuse("a transfer of several chunks; each would begin at the same address of the "
                  "memory: use one transfer");
  if (!t.store && in.get(Field::Row) != 0)
    return refuse(absl::StrFormat(
        "a load to row %d; the published source loads to the memory's beginning: use row 0",
        in.get(Field::Row)));
  int64_t count = in.get(t.size);
  if (t.size == Field::Words && count > kBurstWords)
    return refuse(absl::StrFormat("%d mask words; the published source mixes up the bursts of more "
                                  "than %d",
                                  count, kBurstWords));
  int64_t most = t.store ? kMaxStoreRows : kMaxLoadRows;
  if (t.size == Field::Rows && !t.auxiliary &&
      (count > most || (count > kBurstRows && count % kBurstRows)))
    return refuse(absl::StrFormat("%d rows; the published source moves up to %d or a multiple of "
                                  "that, at most %d: move more rows than are needed",
                                  count, kBurstRows, most));
  if (t.auxiliary && count > kBurstRows && count % kBurstRows)
    return refuse(absl::StrFormat("%d auxiliary rows; the published source moves up to %d or a "
                                  "multiple of that",
                                  count, kBurstRows));
  return checkBeats(t, count, in.get(Field::Address));
}

absl::Status checkOperation(const Instruction &in) {
  if (in.opcode == Op::MatMul)
    return checkMatMul(in);
  if (in.get(Field::PadLanes) != 0)
    return refuse("padding lanes; the published source counts every lane: use pad_lanes=0");
  if ((in.opcode == Op::LayerNorm || in.opcode == Op::Softmax) &&
      in.get(Field::OutBias) != in.get(Field::InBias))
    return refuse("an out_bias of its own; the published source writes with in_bias");
  if (in.opcode == Op::Softmax && in.get(Field::Timesteps) > 2)
    return refuse("softmax of more than two rows; from the third on the published source reads "
                  "wrong data: use operations of two rows");
  return absl::OkStatus();
}

/// One operation after a reset: what is loaded for it and what is stored of it.
class Group {
public:
  bool takes(const Instruction &in) const {
    const TransferRegisters *t = transferRegisters(in.opcode);
    if (t && t->store)
      return !(t->start == Start::StoreMask ? maskStored : dataStored);
    return !operation && !maskStored && !dataStored; // a load or the operation
  }
  void add(const Instruction &in) {
    if (const TransferRegisters *t = transferRegisters(in.opcode); !t)
      operation = in;
    else if (t->store)
      (t->start == Start::StoreMask ? maskStored : dataStored) = true;
    if (in.has(Field::OutBase) && !base)
      base = in.get(Field::OutBase);
    else if (const TransferRegisters *t = transferRegisters(in.opcode); t && t->store && !base)
      base = in.get(Field::Row);
  }
  std::optional<Instruction> operation;
  std::optional<int64_t> base; ///< what 0x48 holds
  bool maskStored = false, dataStored = false;
};

class Expander {
public:
  absl::Status run(const std::vector<Instruction> &code, size_t &at);
  std::vector<Line> lines;

private:
  absl::Status emit(const Writer &w) {
    if (!w.status.ok())
      return w.status;
    for (const Command &command : w.commands)
      lines.push_back({"", command});
    if (!w.commands.empty() && w.commands.back().address == static_cast<uint32_t>(Register::Start))
      lines.push_back({"", {true, 0, 0}});
    return absl::OkStatus();
  }
  void selectMemory(int64_t memory, Writer &w) {
    if (flipMem != memory)
      w.write(Part::FlipMem, memory);
    flipMem = memory;
  }
  void begin(const Group &group, Writer &w);
  absl::Status transfer(const Instruction &in, const Group &group);
  absl::Status operation(const Instruction &in);

  std::optional<int64_t> flipMem;
  bool storing = false; ///< use_axi is 1
};

/// What comes before a group's loads.
void Expander::begin(const Group &group, Writer &w) {
  flipMem.reset();
  storing = false;
  if (group.base)
    w.write(Part::OutputBase, *group.base);
  if (!group.operation)
    return;
  const Instruction &in = *group.operation;
  if (in.opcode == Op::MatMul) {
    w.write(Part::UseSfu, 0);
    w.write({{Part::DecoderMode0, kDecodeN0}, {Part::DecoderMode1, kDecodeN1}});
    w.write(accelConfig(in));
    w.write({{Part::InputBase0, in.get(Field::Base0)}, {Part::InputBase1, in.get(Field::Base1)}});
    w.write({{Part::InputOffset0, in.get(Field::DataOffset0)},
             {Part::InputOffset1, in.get(Field::DataOffset1)}});
  }
  w.write(Part::UseAxi, 0);
}

absl::Status Expander::transfer(const Instruction &in, const Group &group) {
  const TransferRegisters &t = *transferRegisters(in.opcode);
  if (absl::Status status = checkTransfer(in, t); !status.ok())
    return status;
  if (t.store && in.get(Field::Row) != *group.base)
    return refuse(absl::StrFormat("a store from %d; the published source stores from the base of "
                                  "the results, %d",
                                  in.get(Field::Row), *group.base));
  Writer w;
  if (t.store && !storing)
    w.write(Part::UseAxi, 1);
  storing = t.store;
  if (!t.auxiliary)
    selectMemory(in.get(Field::Memory), w);
  w.write(t.count, in.get(t.size) - 1).write(t.address, in.get(Field::Address)).start(t.start);
  return emit(w);
}

absl::Status Expander::operation(const Instruction &in) {
  if (absl::Status status = checkOperation(in); !status.ok())
    return status;
  Writer w;
  if (in.opcode == Op::MatMul) {
    selectMemory(in.get(Field::OutMemory), w);
    w.write(matrixConfig(in)).start(Start::MatMul);
    return emit(w);
  }
  const SfuRegisters &unit = *sfuRegisters(in.opcode);
  int64_t memory = in.get(Field::Memory), base = in.get(Field::InBase);
  selectMemory(memory, w);
  w.write(Part::UseSfu, 1);
  w.write(memory ? Part::DecoderMode1 : Part::DecoderMode0, unit.decoder);
  w.write(Part::SfuMode, unit.mode);
  Values control = {{Part::Vectors, in.get(Field::Vectors)},
                    {Part::Timesteps, in.has(Field::Timesteps) ? in.get(Field::Timesteps) : 1},
                    {Part::Bias1, in.get(Field::InBias)}};
  if (in.opcode == Op::ElementAdd) {
    control.push_back({Part::Bias2, in.get(Field::InBias1)});
    control.push_back({Part::Bias3, in.get(Field::OutBias)});
  }
  if (in.opcode == Op::LayerNorm)
    w.write(layerNormConfig(in));
  if (in.opcode == Op::Softmax)
    w.write(softmaxConfig(in));
  if (in.opcode == Op::Entropy)
    w.write({{Part::Threshold, in.get(Field::Threshold)}, {Part::EntropyScale, 1}});
  else
    w.write(control);
  w.write({{Part::InputBase0, base},
           {Part::InputBase1, in.has(Field::InBase1) ? in.get(Field::InBase1) : base}});
  w.write({{Part::InputOffset0, 0}, {Part::InputOffset1, 0}});
  if (in.opcode == Op::Entropy) // its generator begins as soon as it knows the size
    w.write(control);
  w.start(unit.start);
  return emit(w);
}

absl::Status Expander::run(const std::vector<Instruction> &code, size_t &at) {
  auto concerns = [](const Instruction &in) {
    return transferRegisters(in.opcode) || sfuRegisters(in.opcode) || in.opcode == Op::MatMul;
  };
  // Groups first: a group's first writes come from instructions behind its loads.
  std::vector<Group> groups(1);
  std::vector<size_t> groupOf(code.size());
  for (size_t i = 0; i < code.size(); ++i) {
    if (concerns(code[i])) {
      if (!groups.back().takes(code[i]))
        groups.emplace_back();
      groups.back().add(code[i]);
    }
    groupOf[i] = groups.size() - 1;
  }
  std::optional<size_t> current;
  for (at = 0; at < code.size(); ++at) {
    const Instruction &in = code[at];
    if (!concerns(in)) {
      lines.push_back({isa::print(in), {}});
      continue;
    }
    const Group &group = groups[groupOf[at]];
    Writer w;
    if (current && *current != groupOf[at])
      w.write(Part::SoftReset, 1);
    if (current != groupOf[at])
      begin(group, w);
    current = groupOf[at];
    if (absl::Status status = emit(w); !status.ok())
      return status;
    lines.push_back({isa::print(in), {}});
    absl::Status status = transferRegisters(in.opcode) ? transfer(in, group) : operation(in);
    if (!status.ok())
      return status;
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<std::vector<Line>> expandPublished(const std::vector<Instruction> &code,
                                                  size_t &at) {
  Expander expander;
  if (absl::Status status = expander.run(code, at); !status.ok())
    return status;
  return std::move(expander.lines);
}

} // namespace aac::registers
