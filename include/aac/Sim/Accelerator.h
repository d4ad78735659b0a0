//===- Accelerator.h - the accelerator as its host sees it ------*- C++ -*-===//
//
// Register writes, interrupts and external memory (reference: accelerator section 4). Two
// revisions of one machine behind one interface:
//
//   PUBLISHED  What the released source does wrong is kept where it has a defined result
//              (loads to address 0, burst addresses, counters that only a reset clears, bases
//              that queue up, the stale mask base after an SFU operation); where it hangs or
//              has no defined result, the error says which rule was broken and what to do.
//              Arithmetic: Published.h. 0x00 = 1 is the soft reset; memories keep their
//              contents.
//   CORRECTED  Each command latches all registers when it is started; one transfer may run
//              beside one engine operation; completions are counted. Arithmetic: Engine.h.
//
// Commands take effect when they are started; between start and interrupt nothing may
// change that they use (the checker proves that of a stream). How long they take is
// Timing.h's business. docs/registers.md has the conventions.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_ACCELERATOR_H
#define AAC_SIM_ACCELERATOR_H

#include "aac/Machine/Machine.h"
#include "aac/Registers/Registers.h"
#include "aac/Sim/Published.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace aac::sim {

/// External memory: 32-bit byte addresses, which wrap; zero until written.
class ExternalMemory {
public:
  void write(uint32_t address, absl::Span<const uint8_t> bytes);
  std::vector<uint8_t> read(uint32_t address, size_t size) const;

private:
  static constexpr uint32_t kPage = 4096;
  std::map<uint32_t, std::array<uint8_t, kPage>> pages;
};

class Accelerator {
public:
  /// After power-on, memories zero. Semantics and sizes are the machine's.
  static std::unique_ptr<Accelerator> create(const Machine &machine);
  virtual ~Accelerator();

  /// Writes a register (32 of them, the address wraps), which may start a command.
  absl::Status write(uint32_t address, uint32_t data);
  uint32_t read(uint32_t address) const;
  /// Waits until the interrupt has risen and fallen. Error: it never rises.
  virtual absl::Status waitForInterrupt() = 0;
  /// A write or a wait.
  absl::Status run(const registers::Command &command);
  virtual const published::Memories &memories() const = 0;

  ExternalMemory dram;

protected:
  int get(registers::Part part) const;
  void set(registers::Part part, uint32_t value);
  /// What a write of `reg` does besides being stored.
  virtual absl::Status configure(registers::Register reg) = 0;
  virtual absl::Status start(registers::Start opcode) = 0;
  /// The frequency and voltage codes for an entropy with 10 fraction bits.
  absl::Status dvfs(int entropy);

  std::array<uint32_t, 32> words{};
};

} // namespace aac::sim

#endif // AAC_SIM_ACCELERATOR_H
