//===- Generate.h - what the generated texts share --------------*- C++ -*-===//
#ifndef AAC_ISA_GEN_GENERATE_H
#define AAC_ISA_GEN_GENERATE_H

#include "aac/ISA/Instruction.h"
#include "absl/strings/str_cat.h"

#include <cstdio>
#include <string>

namespace aac::isa::generate {

/// What a field's encoding has room for.
inline int64_t lowest(const FieldSpec &field) {
  return field.isSigned ? -(int64_t{1} << (field.bits - 1)) : 0;
}
inline int64_t highest(const FieldSpec &field) {
  return (int64_t{1} << (field.isSigned ? field.bits - 1 : field.bits)) - 1;
}

/// What a program may hold.
inline int64_t least(const FieldSpec &field) { return field.least ? field.least : lowest(field); }
inline int64_t most(const FieldSpec &field) { return field.most ? field.most : highest(field); }
inline std::string range(const FieldSpec &field) {
  return absl::StrCat(least(field), "..", most(field),
                      field.step > 1 ? absl::StrCat(" by ", field.step) : "");
}

inline size_t encodedBytes(const InstructionSpec &spec) {
  size_t bits = 8;
  for (const FieldSpec &field : spec.fields)
    bits += field.bits;
  return (bits + 31) / 32 * 4;
}

inline absl::string_view unitName(Unit unit) {
  constexpr absl::string_view names[] = {"control", "transfer", "engine", "host"};
  return names[static_cast<size_t>(unit)];
}

/// The field's sentence with its unit.
inline std::string described(const FieldSpec &field) {
  return absl::StrCat(field.doc, field.unit.empty() ? "" : absl::StrCat(" [", field.unit, "]"));
}

inline void emit(const std::string &text) { std::fwrite(text.data(), 1, text.size(), stdout); }

/// The C99 header for firmware (CHeader.cpp).
void printHeader();

} // namespace aac::isa::generate

#endif // AAC_ISA_GEN_GENERATE_H
