//===- Accelerator.cpp - registers and external memory ---------------------===//
#include "AcceleratorImpl.h"

#include "absl/strings/str_format.h"
#include <algorithm>

namespace aac::sim {

using registers::Part;
using registers::Register;

void ExternalMemory::write(uint32_t address, absl::Span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    size_t size = std::min<size_t>(bytes.size(), kPage - address % kPage);
    std::copy_n(bytes.begin(), size, pages[address / kPage].begin() + address % kPage);
    bytes.remove_prefix(size);
    address += static_cast<uint32_t>(size);
  }
}

std::vector<uint8_t> ExternalMemory::read(uint32_t address, size_t size) const {
  std::vector<uint8_t> bytes(size);
  for (size_t done = 0; done < size;) {
    size_t part = std::min<size_t>(size - done, kPage - address % kPage);
    if (auto page = pages.find(address / kPage); page != pages.end())
      std::copy_n(page->second.begin() + address % kPage, part, bytes.begin() + done);
    done += part;
    address += static_cast<uint32_t>(part);
  }
  return bytes;
}

std::unique_ptr<Accelerator> Accelerator::create(const Machine &machine) {
  return machine.engine.semantics == Semantics::Published ? createPublished()
                                                          : createCorrected(machine);
}

Accelerator::~Accelerator() = default;

absl::Status Accelerator::write(uint32_t address, uint32_t data) {
  if (address % 4)
    return absl::InvalidArgumentError(
        absl::StrFormat("register 0x%02x: the address is no multiple of 4", address));
  uint32_t offset = address % 0x80;
  words[offset / 4] = data;
  if (offset != static_cast<uint32_t>(Register::Start))
    return configure(static_cast<Register>(offset));
  return start(static_cast<registers::Start>(std::min<uint32_t>(data, 255)));
}

uint32_t Accelerator::read(uint32_t address) const { return words[address % 0x80 / 4]; }

absl::Status Accelerator::run(const registers::Command &command) {
  return command.interrupt ? waitForInterrupt() : write(command.address, command.data);
}

int Accelerator::get(Part part) const {
  uint32_t word = words[static_cast<size_t>(registers::specOf(part).reg) / 4];
  // Routing flags are any value that is not zero.
  if (registers::specOf(part).bits == 1 &&
      (part == Part::FlipMem || part == Part::UseAxi || part == Part::UseSfu))
    return word != 0;
  return static_cast<int>(registers::extract(part, word));
}

void Accelerator::set(Part part, uint32_t value) {
  const registers::PartSpec &spec = registers::specOf(part);
  uint32_t &word = words[static_cast<size_t>(spec.reg) / 4];
  uint32_t mask = static_cast<uint32_t>((uint64_t{1} << spec.bits) - 1) << spec.low;
  word = (word & ~mask) | (value << spec.low & mask);
}

absl::Status Accelerator::dvfs(int entropy) {
  int scale = get(Part::EntropyScale);
  if (scale == 0)
    return absl::FailedPreconditionError("Dvfs divides by enpy_scale, which is 0: write 0x24");
  published::DvfsPoint point = published::dvfs(static_cast<int16_t>(entropy), scale);
  constexpr Register dco[] = {Register::DcoA, Register::DcoB, Register::DcoC};
  constexpr Register ldo[] = {Register::LdoA, Register::LdoB, Register::LdoC, Register::LdoD};
  auto word = [&](Register reg) { return words[static_cast<size_t>(reg) / 4]; };
  set(Part::DcoSelect, word(dco[point.dco / 5]) >> (6 * (point.dco % 5)) & 63);
  set(Part::LdoSelect, word(ldo[point.ldo / 4]) >> (8 * (point.ldo % 4)) & 255);
  return absl::OkStatus();
}

} // namespace aac::sim
