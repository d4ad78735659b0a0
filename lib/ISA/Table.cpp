//===- Table.cpp - every instruction, once ---------------------------------===//
//
// The one place where instructions and their fields are written down. The order of
// fields is the order of encoding. Widths and meanings follow the published
// accelerator's registers where it has the operation (reference/edgebert-machine.md,
// sections 3 and 4).
//
//===----------------------------------------------------------------------===//
#include "aac/ISA/Instruction.h"

#include <cassert>

namespace aac::isa {
namespace {

constexpr FieldSpec u(Field field, absl::string_view name, uint8_t bits, absl::string_view unit,
                      absl::string_view doc) {
  return {field, name, bits, false, unit, doc};
}
constexpr FieldSpec s(Field field, absl::string_view name, uint8_t bits, absl::string_view unit,
                      absl::string_view doc) {
  return {field, name, bits, true, unit, doc};
}

//===----------------------------------------------------------------------===//
// Fields that several instructions share
//===----------------------------------------------------------------------===//

constexpr FieldSpec kTask = u(Field::Task, "task", 16, "", "index of the task in the stream");
constexpr FieldSpec kMemory =
    u(Field::Memory, "memory", 1, "", "data memory (and the mask memory beside it)");
constexpr FieldSpec kRow =
    u(Field::Row, "row", 12, "vectors", "first row of the data memory, or first mask word");
constexpr FieldSpec kAddress = u(Field::Address, "address", 32, "bytes", "tier address");
constexpr FieldSpec kChunks = u(Field::Chunks, "chunks", 12, "", "number of pieces").within(1);
constexpr FieldSpec kAddressStride = u(Field::AddressStride, "address_stride", 32, "bytes",
                                       "tier address of a chunk less that of the one before");
constexpr FieldSpec kRowStride = u(Field::RowStride, "row_stride", 13, "vectors",
                                   "row or word of a chunk less that of the one before");
constexpr FieldSpec kLoopStride = u(Field::LoopStride, "loop_stride", 32, "bytes",
                                    "added to the tier address once per repetition of the loop");
constexpr FieldSpec kInBase = u(Field::InBase, "in_base", 12, "vectors", "first vector read");
constexpr FieldSpec kOutBase = u(Field::OutBase, "out_base", 12, "vectors", "first vector written");
constexpr FieldSpec kVectors =
    u(Field::Vectors, "vectors", 8, "vectors", "vectors of a row").within(1);
constexpr FieldSpec kSfuTimesteps = u(Field::Timesteps, "timesteps", 8, "rows", "rows").within(1);
constexpr FieldSpec kInBias =
    u(Field::InBias, "in_bias", 3, "", "exponent bias register of the input's codes");
constexpr FieldSpec kOutBias =
    u(Field::OutBias, "out_bias", 3, "", "exponent bias register of the result's codes");
constexpr FieldSpec kPadLanes = u(Field::PadLanes, "pad_lanes", 4, "lanes",
                                  "lanes at the end of a row's last vector that count nowhere");
constexpr FieldSpec kHostBias =
    u(Field::Bias, "bias", 3, "", "exponent bias register of the codes");
constexpr FieldSpec kScale =
    s(Field::Scale, "scale", 8, "", "power of two that the codes are scaled by");
constexpr FieldSpec kHostTimesteps = u(Field::Timesteps, "timesteps", 16, "rows", "rows").within(1);
constexpr FieldSpec kColumns =
    u(Field::Columns, "columns", 16, "codes", "codes of a row").within(1);
constexpr FieldSpec kOutAddress =
    u(Field::OutAddress, "out_address", 32, "bytes", "tier address of the result");
constexpr FieldSpec kBytes = u(Field::Bytes, "bytes", 32, "bytes", "how many").within(1);
constexpr FieldSpec kInput = u(Field::Input, "input", 8, "", "index of the task's input");

//===----------------------------------------------------------------------===//
// Field lists
//===----------------------------------------------------------------------===//

constexpr FieldSpec kTaskFields[] = {kTask};
constexpr FieldSpec kLoopFields[] = {
    u(Field::Count, "count", 16, "", "repetitions of what stands before the end").within(1)};
constexpr FieldSpec kWaitFields[] = {
    u(Field::Units, "units", 3, "", "units to wait for: bit 0 transfer, bit 1 engine, bit 2 host")};
constexpr FieldSpec kTierPowerFields[] = {
    u(Field::Tier, "tier", 4, "", "index of the tier in the machine"),
    u(Field::State, "state", 1, "", "1 on, 0 off")};
constexpr FieldSpec kDvfsFields[] = {
    u(Field::Point, "point", 4, "", "index of the machine's operating point")};

constexpr FieldSpec kDataFields[] = {
    kMemory,
    kRow,
    u(Field::Rows, "rows", 13, "vectors", "rows of 16 bytes of a chunk").within(1, 4096),
    kAddress,
    kChunks,
    kAddressStride,
    kRowStride,
    kLoopStride};
constexpr FieldSpec kMaskFields[] = {
    kMemory,
    kRow,
    u(Field::Words, "words", 13, "vectors", "mask words of 2 bytes of a chunk").within(1, 4096),
    kAddress,
    kChunks,
    kAddressStride,
    kRowStride,
    kLoopStride};
constexpr FieldSpec kAuxFields[] = {
    u(Field::Row, "row", 8, "vectors", "first row of the auxiliary memory"),
    u(Field::Rows, "rows", 9, "vectors", "rows of 16 bytes").within(1, 256), kAddress, kLoopStride};

constexpr FieldSpec kMatMulFields[] = {
    u(Field::N0, "n0", 10, "rows", "rows of operand A").within(16, 1008, 16),
    u(Field::N1, "n1", 10, "rows", "rows of operand B").within(16, 1008, 16),
    u(Field::M, "m", 12, "codes", "length of the reduction").within(16, 4080, 16),
    u(Field::Relu, "relu", 1, "", "1: negative results become zero"),
    u(Field::BiasEnable, "bias_enable", 1, "", "1: add weight_bias"),
    s(Field::WeightBias, "weight_bias", 8, "2^-12", "added to every shifted accumulator"),
    u(Field::Shift, "shift", 5, "bits", "arithmetic right shift of the accumulator"),
    kOutBias,
    u(Field::Base0, "base0", 12, "vectors", "first vector of operand A, in memory 0"),
    u(Field::Base1, "base1", 12, "vectors", "first vector of operand B, in memory 1"),
    u(Field::DataOffset0, "data_offset0", 12, "vectors",
      "data row of operand A is base0 less this, modulo the rows of the memory"),
    u(Field::DataOffset1, "data_offset1", 12, "vectors",
      "data row of operand B is base1 less this, modulo the rows of the memory"),
    u(Field::OutMemory, "out_memory", 1, "", "memory that the result goes to"),
    kOutBase};
constexpr FieldSpec kLayerNormFields[] = {
    kMemory,
    kInBase,
    kOutBase,
    kVectors,
    kSfuTimesteps,
    kInBias,
    kOutBias,
    u(Field::GammaBase, "gamma_base", 8, "vectors", "auxiliary row of the first vector of gamma"),
    u(Field::BetaBase, "beta_base", 8, "vectors", "auxiliary row of the first vector of beta"),
    u(Field::GammaBias, "gamma_bias", 3, "", "exponent bias register of gamma's codes"),
    u(Field::BetaBias, "beta_bias", 3, "", "exponent bias register of beta's codes"),
    kPadLanes};
constexpr FieldSpec kSoftmaxFields[] = {
    kMemory,
    kInBase,
    kOutBase,
    kVectors,
    kSfuTimesteps,
    kInBias,
    kOutBias,
    u(Field::SpanBase, "span_base", 7, "vectors", "auxiliary row of the first vector of the span"),
    u(Field::SpanBias, "span_bias", 3, "", "exponent bias register of the span's codes"),
    kPadLanes};
constexpr FieldSpec kElementAddFields[] = {
    kMemory,
    kInBase,
    u(Field::InBase1, "in_base1", 12, "vectors", "first vector of the second operand"),
    kOutBase,
    kVectors,
    kSfuTimesteps,
    kInBias,
    u(Field::InBias1, "in_bias1", 3, "", "exponent bias register of the second operand's codes"),
    kOutBias,
    kPadLanes};
constexpr FieldSpec kEntropyFields[] = {kMemory,
                                        kInBase,
                                        kVectors,
                                        kInBias,
                                        s(Field::Threshold, "threshold", 16, "2^-10",
                                          "entropy in nats that the row's is compared with"),
                                        kPadLanes};

constexpr FieldSpec kHostGatherFields[] = {
    u(Field::Source, "source", 1, "", "where row numbers come from: 0 task input, 1 memory"),
    kInput,
    u(Field::Indices, "indices", 32, "bytes", "tier address of the row numbers, 32 bits each"),
    u(Field::Table, "table", 32, "bytes", "tier address of the table's rows"),
    u(Field::Offsets, "offsets", 32, "bytes",
      "tier address of the rows' byte offsets from the table, if sparse"),
    u(Field::TableRows, "table_rows", 32, "rows", "rows of the table").within(1),
    kColumns,
    kHostTimesteps,
    kHostBias,
    kScale,
    u(Field::Sparse, "sparse", 1, "", "1: rows are bit-mask encoded"),
    u(Field::Accumulate, "accumulate", 1, "", "1: add to the accumulator, 0: clear it first")};
constexpr FieldSpec kHostEmitFields[] = {kOutAddress, kHostTimesteps, kColumns, kHostBias, kScale};
constexpr FieldSpec kHostTableFields[] = {
    kAddress, kOutAddress, kBytes,
    u(Field::Table, "table", 32, "bytes", "tier address of the table of 256 codes"),
    u(Field::LoopStride, "loop_stride", 32, "bytes",
      "added to the table's address once per repetition of the loop")};
constexpr FieldSpec kHostMaskFields[] = {
    kInput,
    kOutAddress,
    kHostTimesteps,
    u(Field::Vectors, "vectors", 8, "vectors", "length of the result; the rest is zero").within(1),
    kHostBias,
    u(Field::Inverted, "inverted", 1, "", "1: ones mark padding, 0: they mark tokens that count")};
constexpr FieldSpec kHostCopyFields[] = {kAddress, kOutAddress, kBytes};
constexpr FieldSpec kHostTransposeFields[] = {kAddress, kOutAddress, kHostTimesteps, kColumns};
constexpr FieldSpec kHostOutputFields[] = {
    u(Field::Output, "output", 8, "", "index of the task's output"),
    kAddress,
    kHostTimesteps,
    kColumns,
    kHostBias,
    kScale,
    u(Field::Layout, "layout", 4, "", "0: dense block order in, row-major f32 out")};

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

constexpr InstructionSpec kTable[] = {
    {Opcode::TaskBegin, "task_begin", Unit::Control, kTaskFields,
     "Begins one inference of a task."},
    {Opcode::TaskEnd, "task_end", Unit::Control, kTaskFields,
     "Ends one inference of a task; waits for all units."},
    {Opcode::Loop, "loop", Unit::Control, kLoopFields,
     "Repeats what stands between it and the next end. Loops do not nest."},
    {Opcode::End, "end", Unit::Control, absl::Span<const FieldSpec>(), "Ends a loop."},
    {Opcode::Wait, "wait", Unit::Control, kWaitFields,
     "Issues nothing more until the units named are idle."},
    {Opcode::TierPower, "tier_power", Unit::Control, kTierPowerFields,
     "Switches a memory tier on or off. A tier without a permanent image loses its content "
     "when off."},
    {Opcode::Dvfs, "dvfs", Unit::Control, kDvfsFields,
     "Selects an operating point of voltage and clock for the engine."},
    {Opcode::LoadData, "load_data", Unit::Transfer, kDataFields,
     "Copies rows of 16 bytes from a tier to a data memory: chunk c from address + c * "
     "address_stride to row + c * row_stride."},
    {Opcode::LoadMask, "load_mask", Unit::Transfer, kMaskFields,
     "Copies mask words of 2 bytes from a tier to a mask memory, in chunks as load_data."},
    {Opcode::LoadAux, "load_aux", Unit::Transfer, kAuxFields,
     "Copies rows of 16 bytes from a tier to the auxiliary memory."},
    {Opcode::StoreData, "store_data", Unit::Transfer, kDataFields,
     "Copies rows of 16 bytes from a data memory to a tier, in chunks as load_data."},
    {Opcode::StoreMask, "store_mask", Unit::Transfer, kMaskFields,
     "Copies mask words of 2 bytes from a mask memory to a tier, in chunks as load_data."},
    {Opcode::StoreAux, "store_aux", Unit::Transfer, kAuxFields,
     "Copies rows of 16 bytes from the auxiliary memory to a tier."},
    {Opcode::MatMul, "matmul", Unit::Engine, kMatMulFields,
     "C[n1][n0] = sum over k of B[n1][k] * A[n0][k], shifted, biased, rectified and encoded. "
     "C is dense, in block order."},
    {Opcode::LayerNorm, "layer_norm", Unit::Engine, kLayerNormFields,
     "Normalises each row to mean 0 and variance 1, then scales by gamma and adds beta."},
    {Opcode::Softmax, "softmax", Unit::Engine, kSoftmaxFields,
     "Softmax of each row, weighted by the span; lanes of span zero are left out and give "
     "zero."},
    {Opcode::ElementAdd, "element_add", Unit::Engine, kElementAddFields,
     "Adds two operands of one memory, saturating."},
    {Opcode::Entropy, "entropy", Unit::Engine, kEntropyFields,
     "Compares the entropy of one row's softmax with a threshold; the host reads the result."},
    {Opcode::HostGather, "host_gather", Unit::Host, kHostGatherFields,
     "Adds a row of a table for each token to the host's accumulator."},
    {Opcode::HostEmit, "host_emit", Unit::Host, kHostEmitFields,
     "Encodes the host's accumulator into dense codes in block order."},
    {Opcode::HostTable, "host_table", Unit::Host, kHostTableFields,
     "Replaces each code by its entry in a table of 256 codes."},
    {Opcode::HostMask, "host_mask", Unit::Host, kHostMaskFields,
     "Makes a span row of a task's attention mask: the code of 1.0 where it is not zero, or, "
     "inverted, where it is zero."},
    {Opcode::HostCopy, "host_copy", Unit::Host, kHostCopyFields, "Copies bytes between tiers."},
    {Opcode::HostTranspose, "host_transpose", Unit::Host, kHostTransposeFields,
     "Transposes a dense matrix in block order; both sizes are padded to multiples of 16."},
    {Opcode::HostOutput, "host_output", Unit::Host, kHostOutputFields,
     "Decodes a dense matrix into an output of the task."},
};

//===----------------------------------------------------------------------===//
// What the compiler proves of the table
//===----------------------------------------------------------------------===//

constexpr int kOpcodes = sizeof(kTable) / sizeof(kTable[0]);
constexpr int kFieldKinds = static_cast<int>(Field::Inverted) + 1;

using FieldIndex = std::array<std::array<int8_t, kFieldKinds>, kOpcodes>;

constexpr FieldIndex makeFieldIndex() {
  FieldIndex index{};
  for (int op = 0; op < kOpcodes; ++op) {
    for (int f = 0; f < kFieldKinds; ++f)
      index[op][f] = -1;
    for (size_t i = 0; i < kTable[op].fields.size(); ++i)
      index[op][static_cast<int>(kTable[op].fields[i].field)] = static_cast<int8_t>(i);
  }
  return index;
}

constexpr bool tableIsSound() {
  for (int op = 0; op < kOpcodes; ++op) {
    if (static_cast<int>(kTable[op].opcode) != op || kTable[op].fields.size() > kMaxFields)
      return false;
    for (size_t i = 0; i < kTable[op].fields.size(); ++i) {
      const FieldSpec &field = kTable[op].fields[i];
      if (field.bits < 1 || field.bits > 32)
        return false;
      bool limited = field.least != 0 || field.most != 0 || field.step != 1;
      int64_t high = field.most ? field.most : (int64_t{1} << field.bits) - 1;
      if (limited && (field.isSigned || high >> field.bits || field.least > high ||
                      field.least % field.step || field.most % field.step))
        return false;
      for (size_t j = 0; j < i; ++j)
        if (field.field == kTable[op].fields[j].field)
          return false;
    }
  }
  return true;
}

static_assert(static_cast<int>(Opcode::HostOutput) + 1 == kOpcodes, "an opcode is missing");
static_assert(tableIsSound(),
              "rows out of order, a field twice, or widths and limits that do not fit");

/// kFieldIndex[opcode][field]: where the field stands in the instruction, -1: nowhere.
constexpr FieldIndex kFieldIndex = makeFieldIndex();

int fieldIndex(Opcode opcode, Field field) {
  return kFieldIndex[static_cast<size_t>(opcode)][static_cast<size_t>(field)];
}

} // namespace

absl::Span<const InstructionSpec> allInstructions() { return kTable; }

const InstructionSpec &specOf(Opcode opcode) { return kTable[static_cast<size_t>(opcode)]; }

const InstructionSpec *findInstruction(absl::string_view mnemonic) {
  for (const InstructionSpec &spec : kTable)
    if (spec.name == mnemonic)
      return &spec;
  return nullptr;
}

std::optional<Field> loopStrided(Opcode opcode) {
  if (fieldIndex(opcode, Field::LoopStride) < 0)
    return std::nullopt;
  return opcode == Opcode::HostTable ? Field::Table : Field::Address;
}

bool Instruction::has(Field field) const { return fieldIndex(opcode, field) >= 0; }

int64_t Instruction::get(Field field) const {
  int index = fieldIndex(opcode, field);
  assert(index >= 0 && "the instruction has no such field");
  return index < 0 ? 0 : values[index];
}

Instruction &Instruction::set(Field field, int64_t value) {
  int index = fieldIndex(opcode, field);
  assert(index >= 0 && "the instruction has no such field");
  if (index >= 0)
    values[index] = value;
  return *this;
}

bool operator==(const Instruction &a, const Instruction &b) {
  return a.opcode == b.opcode && a.values == b.values;
}

} // namespace aac::isa
