//===- Instructions.h - instructions for tests, with their usual fields ---===//
#ifndef AAC_TEST_UNIT_INSTRUCTIONS_H
#define AAC_TEST_UNIT_INSTRUCTIONS_H

#include "aac/ISA/Instruction.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace aac {

using Fields = std::vector<std::pair<isa::Field, int64_t>>;

/// An instruction with these fields; a transfer is of one chunk unless they say otherwise.
inline isa::Instruction make(isa::Opcode opcode, const Fields &fields = {}) {
  isa::Instruction in(opcode);
  if (in.has(isa::Field::Chunks))
    in.set(isa::Field::Chunks, 1);
  for (auto [field, value] : fields)
    in.set(field, value);
  return in;
}

inline isa::Instruction loadData(int64_t memory, int64_t row, int64_t rows, uint64_t address) {
  return make(isa::Opcode::LoadData, {{isa::Field::Memory, memory},
                                      {isa::Field::Row, row},
                                      {isa::Field::Rows, rows},
                                      {isa::Field::Address, static_cast<int64_t>(address)}});
}

inline isa::Instruction loadMask(int64_t memory, int64_t row, int64_t words, uint64_t address) {
  return make(isa::Opcode::LoadMask, {{isa::Field::Memory, memory},
                                      {isa::Field::Row, row},
                                      {isa::Field::Words, words},
                                      {isa::Field::Address, static_cast<int64_t>(address)}});
}

inline isa::Instruction storeData(int64_t memory, int64_t row, int64_t rows, uint64_t address) {
  isa::Instruction in = loadData(memory, row, rows, address);
  in.opcode = isa::Opcode::StoreData;
  return in;
}

inline isa::Instruction copy(uint64_t from, uint64_t to, int64_t bytes) {
  return make(isa::Opcode::HostCopy, {{isa::Field::Address, static_cast<int64_t>(from)},
                                      {isa::Field::OutAddress, static_cast<int64_t>(to)},
                                      {isa::Field::Bytes, bytes}});
}

} // namespace aac

#endif // AAC_TEST_UNIT_INSTRUCTIONS_H
