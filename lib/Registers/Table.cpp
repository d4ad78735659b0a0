//===- Table.cpp - the register map -----------------------------------------===//
//
// Reference: accelerator section 4; its padding lanes in 0x20 are design section 6's.
//
//===----------------------------------------------------------------------===//
#include "aac/Registers/Registers.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace aac::registers {
namespace {

using R = Register;

constexpr PartSpec kParts[] = {
    {Part::SoftReset, R::SoftReset, "soft_reset", 0, 1, false},
    {Part::Opcode, R::Start, "start", 0, 32, false},
    {Part::FlipMem, R::FlipMem, "flip_mem", 0, 1, false},
    {Part::Relu, R::AccelConfig, "is_relu", 0, 1, false},
    {Part::BiasEnable, R::AccelConfig, "is_bias", 4, 1, false},
    {Part::WeightBias, R::AccelConfig, "weight_bias", 8, 8, true},
    {Part::OutBias, R::AccelConfig, "adf_accum_bias", 16, 3, false},
    {Part::Shift, R::AccelConfig, "accum_right_shift", 20, 5, false},
    {Part::N0, R::MatrixConfig, "N0", 0, 10, false},
    {Part::N1, R::MatrixConfig, "N1", 10, 10, false},
    {Part::M, R::MatrixConfig, "M", 20, 12, false},
    {Part::InputBase0, R::InputBase, "base_input[0]", 0, 12, false},
    {Part::InputBase1, R::InputBase, "base_input[1]", 16, 12, false},
    {Part::InputOffset0, R::InputOffset, "base_input_offset[0]", 0, 12, false},
    {Part::InputOffset1, R::InputOffset, "base_input_offset[1]", 16, 12, false},
    {Part::SpanBase, R::PeriphConfig, "base_attn_span", 0, 7, false},
    {Part::GammaBase, R::PeriphConfig, "base_gamma", 7, 8, false},
    {Part::BetaBase, R::PeriphConfig, "base_beta", 15, 8, false},
    {Part::SpanBias, R::PeriphConfig, "adpbias_attn_span", 23, 3, false},
    {Part::GammaBias, R::PeriphConfig, "adpbias_gamma", 26, 3, false},
    {Part::BetaBias, R::PeriphConfig, "adpbias_beta", 29, 3, false},
    {Part::Vectors, R::SfuConfig, "num_vector", 0, 8, false},
    {Part::Timesteps, R::SfuConfig, "num_timestep", 8, 8, false},
    {Part::Bias1, R::SfuConfig, "adpbias_act1", 16, 3, false},
    {Part::Bias2, R::SfuConfig, "adpbias_act2", 20, 3, false},
    {Part::Bias3, R::SfuConfig, "adpbias_act3", 24, 3, false},
    {Part::PadLanes, R::SfuConfig, "pad_lanes", 28, 4, false},
    {Part::Threshold, R::EntropyConfig, "enpy_threshold", 0, 16, true},
    {Part::EntropyScale, R::EntropyConfig, "enpy_scale", 16, 8, false},
    {Part::MaskReadAddress, R::MaskReadAddress, "mask read address", 0, 32, false},
    {Part::MaskWriteAddress, R::MaskWriteAddress, "mask write address", 0, 32, false},
    {Part::DataReadAddress, R::DataReadAddress, "input read address", 0, 32, false},
    {Part::DataWriteAddress, R::DataWriteAddress, "input write address", 0, 32, false},
    {Part::AuxReadAddress, R::AuxReadAddress, "aux read address", 0, 32, false},
    {Part::AuxWriteAddress, R::AuxWriteAddress, "aux write address", 0, 32, false},
    {Part::CountLess1, R::TransferCount, "M_1", 0, 12, false},
    {Part::AuxCountLess1, R::AuxCount, "aux M_1", 0, 8, false},
    {Part::OutputBase, R::OutputBase, "base_output", 0, 12, false},
    {Part::UseAxi, R::UseAxi, "use_axi", 0, 1, false},
    {Part::UseSfu, R::UseSfu, "use_gb", 0, 1, false},
    {Part::SfuMode, R::SfuMode, "gb_mode_config", 0, 4, false},
    {Part::DecoderMode0, R::DecoderMode, "reset_mode[0]", 0, 6, false},
    {Part::DecoderMode1, R::DecoderMode, "reset_mode[1]", 6, 6, false},
    {Part::EntropyStatus, R::Status, "enpy_status", 0, 2, false},
    {Part::DcoSelect, R::Status, "DCO select", 2, 6, false},
    {Part::LdoSelect, R::Status, "LDO select", 10, 8, false},
    {Part::DcoA, R::DcoA, "DCO values 0 to 4", 0, 30, false},
    {Part::DcoB, R::DcoB, "DCO values 5 to 9", 0, 30, false},
    {Part::DcoC, R::DcoC, "DCO values 10 to 14", 0, 30, false},
    {Part::LdoA, R::LdoA, "LDO values 0 to 3", 0, 32, false},
    {Part::LdoB, R::LdoB, "LDO values 4 to 7", 0, 32, false},
    {Part::LdoC, R::LdoC, "LDO values 8 to 11", 0, 32, false},
    {Part::LdoD, R::LdoD, "LDO values 12 to 15", 0, 32, false},
};

constexpr bool tableIsSound() {
  int count = 0;
  for (const PartSpec &a : kParts) {
    if (static_cast<int>(a.part) != count++ || a.bits < 1 || a.low + a.bits > 32)
      return false;
    for (const PartSpec &b : kParts)
      if (a.part != b.part && a.reg == b.reg && a.low < b.low + b.bits && b.low < a.low + a.bits)
        return false;
  }
  return count == static_cast<int>(Part::LdoD) + 1;
}
static_assert(tableIsSound(), "parts out of order, missing, too wide or overlapping");

} // namespace

absl::Span<const PartSpec> allParts() { return kParts; }

const PartSpec &specOf(Part part) { return kParts[static_cast<size_t>(part)]; }

int64_t extract(Part part, uint32_t word) {
  const PartSpec &spec = specOf(part);
  uint64_t value = (uint64_t{word} >> spec.low) & ((uint64_t{1} << spec.bits) - 1);
  if (spec.isSigned && value >> (spec.bits - 1) & 1)
    return static_cast<int64_t>(value) - (int64_t{1} << spec.bits);
  return static_cast<int64_t>(value);
}

bool isRegister(uint32_t address) {
  for (const PartSpec &spec : kParts)
    if (static_cast<uint32_t>(spec.reg) == address)
      return true;
  return false;
}

bool operator==(const Command &a, const Command &b) {
  return a.interrupt == b.interrupt &&
         (a.interrupt || (a.address == b.address && a.data == b.data));
}

std::string print(const Command &command) {
  if (command.interrupt)
    return "irq";
  return absl::StrFormat("w 0x%02x 0x%08x", command.address, command.data);
}

absl::StatusOr<Command> parse(absl::string_view line) {
  std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
  if (words.size() == 1 && words[0] == "irq")
    return Command{true, 0, 0};
  auto number = [](absl::string_view word, uint32_t &value) {
    return absl::StartsWith(word, "0x") ? absl::SimpleHexAtoi(word, &value)
                                        : absl::SimpleAtoi(word, &value);
  };
  Command command;
  if (words.size() != 3 || words[0] != "w" || !number(words[1], command.address) ||
      !number(words[2], command.data))
    return absl::InvalidArgumentError(
        absl::StrCat("'", line, "' is neither 'w ADDRESS DATA' nor 'irq'"));
  return command;
}

} // namespace aac::registers
