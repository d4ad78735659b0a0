//===- aac-isa-gen.cpp - prints what the instruction table generates -------===//
//
//   aac-isa-gen --ods | --c-header | --markdown
//
// Core only: runs at build time, before anything of MLIR is compiled.
//
//===----------------------------------------------------------------------===//
#include "aac/ISA/Instruction.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <set>

using namespace aac::isa;

namespace {

int64_t lowest(const FieldSpec &field) {
  return field.isSigned ? -(int64_t{1} << (field.bits - 1)) : 0;
}
int64_t highest(const FieldSpec &field) {
  return (int64_t{1} << (field.isSigned ? field.bits - 1 : field.bits)) - 1;
}

size_t payloadBits(const InstructionSpec &spec) {
  size_t bits = 8;
  for (const FieldSpec &field : spec.fields)
    bits += field.bits;
  return bits;
}
size_t encodedBytes(const InstructionSpec &spec) { return (payloadBits(spec) + 31) / 32 * 4; }

absl::string_view unitName(Unit unit) {
  constexpr absl::string_view names[] = {"control", "transfer", "engine", "host"};
  return names[static_cast<size_t>(unit)];
}

/// load_data -> LoadData
std::string camelCase(absl::string_view name) {
  std::string result;
  for (absl::string_view word : absl::StrSplit(name, '_')) {
    result += absl::ascii_toupper(static_cast<unsigned char>(word[0]));
    absl::StrAppend(&result, word.substr(1));
  }
  return result;
}

/// The field's sentence with its unit.
std::string described(const FieldSpec &field) {
  return absl::StrCat(field.doc, field.unit.empty() ? "" : absl::StrCat(" [", field.unit, "]"));
}

void emit(const std::string &text) { std::fwrite(text.data(), 1, text.size(), stdout); }

//===----------------------------------------------------------------------===//
// ODS of the cmd dialect
//===----------------------------------------------------------------------===//

std::string odsType(const FieldSpec &field) {
  return absl::StrCat("Cmd_", field.isSigned ? "S" : "U", field.bits);
}

void printOds() {
  emit("// Made by aac-isa-gen from lib/ISA/Table.cpp. Do not edit.\n\n");
  std::set<std::string> types;
  for (const InstructionSpec &spec : allInstructions())
    for (const FieldSpec &field : spec.fields)
      if (types.insert(odsType(field)).second)
        emit(absl::StrCat("def ", odsType(field), " : Cmd_Number<", lowest(field), ", ",
                          highest(field), ">;\n"));
  for (const InstructionSpec &spec : allInstructions()) {
    std::string arguments, format, description;
    for (const FieldSpec &field : spec.fields) {
      bool first = arguments.empty();
      absl::StrAppend(&arguments, first ? "" : ",\n    ", odsType(field), ":$", field.name);
      absl::StrAppend(&format, first ? "" : " `,` ", "`", field.name, "` `=` $", field.name);
      absl::StrAppend(&description, "    - `", field.name, "` (", lowest(field), "..",
                      highest(field), "): ", described(field), "\n");
    }
    absl::string_view summary = spec.doc.substr(0, spec.doc.find('.'));
    emit(absl::StrCat("\ndef Cmd_", camelCase(spec.name), "Op : Cmd_Instruction<\"", spec.name,
                      "\"> {\n  let summary = \"", summary, "\";\n  let description = [{\n    ",
                      spec.doc, " Unit: ", unitName(spec.unit), ".\n\n", description,
                      "  }];\n  let arguments = (ins", arguments.empty() ? "" : " ", arguments,
                      ");\n  let assemblyFormat = \"", format, format.empty() ? "" : " ",
                      "attr-dict\";\n}\n"));
  }
}

//===----------------------------------------------------------------------===//
// C99 header for firmware
//===----------------------------------------------------------------------===//

void printHeader() {
  emit("/* aac_isa.h - instructions of an aac stream and their decoder, C99.\n"
       " *\n"
       " * Made by aac-isa-gen from lib/ISA/Table.cpp. Do not edit. An instruction is an opcode\n"
       " * byte, then its fields packed lowest bit first, padded with zeros to a multiple of 4\n"
       " * bytes. */\n"
       "#ifndef AAC_ISA_H\n#define AAC_ISA_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n");
  emit(
      "enum aac_unit { AAC_UNIT_CONTROL, AAC_UNIT_TRANSFER, AAC_UNIT_ENGINE, AAC_UNIT_HOST };\n\n");
  emit("enum aac_opcode {\n");
  size_t most = 1;
  for (const InstructionSpec &spec : allInstructions()) {
    emit(absl::StrCat("  /* ", spec.doc, " */\n  AAC_", absl::AsciiStrToUpper(spec.name), " = ",
                      static_cast<int>(spec.opcode), ",\n"));
    most = std::max(most, spec.fields.size());
  }
  emit(absl::StrCat("  AAC_OPCODES = ", allInstructions().size(), "\n};\n\n"));
  emit(absl::StrCat("#define AAC_MAX_FIELDS ", most, "\n\n"));

  emit("/* Where a field stands in aac_instruction.values. */\nenum aac_field {\n");
  std::string lines;
  for (const InstructionSpec &spec : allInstructions())
    for (size_t i = 0; i < spec.fields.size(); ++i)
      absl::StrAppend(&lines, lines.empty() ? "" : ",\n", "  AAC_",
                      absl::AsciiStrToUpper(spec.name), "_",
                      absl::AsciiStrToUpper(spec.fields[i].name), " = ", i, " /* ",
                      described(spec.fields[i]), " */");
  emit(lines + "\n};\n\n");

  emit("typedef struct {\n  const char *name;\n  uint8_t bits;\n  uint8_t is_signed;\n"
       "} aac_field_info;\n\n"
       "typedef struct {\n  const char *name;\n  uint8_t unit;   /* enum aac_unit */\n"
       "  uint8_t bytes;  /* of the encoding */\n  uint8_t fields; /* how many */\n"
       "  uint8_t first;  /* index of the first in aac_fields */\n} aac_instruction_info;\n\n");
  std::string fields, instructions;
  size_t first = 0;
  for (const InstructionSpec &spec : allInstructions()) {
    absl::StrAppend(&instructions, "    {\"", spec.name, "\", AAC_UNIT_",
                    absl::AsciiStrToUpper(unitName(spec.unit)), ", ", encodedBytes(spec), ", ",
                    spec.fields.size(), ", ", first, "},\n");
    for (const FieldSpec &field : spec.fields)
      absl::StrAppend(&fields, "    {\"", field.name, "\", ", static_cast<int>(field.bits), ", ",
                      field.isSigned ? 1 : 0, "},\n");
    first += spec.fields.size();
  }
  emit("static const aac_field_info aac_fields[] = {\n" + fields + "};\n\n");
  emit("static const aac_instruction_info aac_instructions[AAC_OPCODES] = {\n" + instructions +
       "};\n\n");
  emit(R"(typedef struct {
  uint8_t opcode; /* enum aac_opcode */
  int64_t values[AAC_MAX_FIELDS];
} aac_instruction;

/* Decodes the instruction at `bytes`, of which `size` are there. Returns the bytes it takes; 0
 * if the opcode is unknown, the instruction truncated or its padding not zero. */
static inline size_t aac_decode(const uint8_t *bytes, size_t size, aac_instruction *out) {
  const aac_instruction_info *info;
  uint32_t bit = 8;
  uint8_t i;
  if (size == 0 || bytes[0] >= AAC_OPCODES)
    return 0;
  info = &aac_instructions[bytes[0]];
  if (size < info->bytes)
    return 0;
  out->opcode = bytes[0];
  for (i = 0; i < info->fields; ++i) {
    const aac_field_info *field = &aac_fields[info->first + i];
    uint64_t value = 0;
    uint32_t done = 0;
    while (done < field->bits) {
      uint32_t shift = bit % 8, take = 8 - shift;
      if (take > field->bits - done)
        take = field->bits - done;
      value |= (uint64_t)((uint32_t)(bytes[bit / 8] >> shift) & ((1u << take) - 1u)) << done;
      done += take;
      bit += take;
    }
    out->values[i] = (int64_t)value;
    if (field->is_signed && (value >> (field->bits - 1)) != 0)
      out->values[i] -= (int64_t)1 << field->bits;
  }
  for (; bit < 8u * info->bytes; ++bit)
    if ((bytes[bit / 8] >> (bit % 8)) & 1)
      return 0;
  return info->bytes;
}

#endif /* AAC_ISA_H */
)");
}

//===----------------------------------------------------------------------===//
// Reference page
//===----------------------------------------------------------------------===//

void printMarkdown() {
  emit("# Instructions\n\n<!-- Made by aac-isa-gen from lib/ISA/Table.cpp. Do not edit. -->\n\n"
       "An instruction is an opcode byte, then its fields packed lowest bit first in the order "
       "of the tables below,\npadded with zeros to a multiple of 4 bytes. Instructions of one "
       "unit run in order; units run side by side until a `wait`.\n\n"
       "| opcode | instruction | unit | bytes | |\n|---|---|---|---|---|\n");
  for (const InstructionSpec &spec : allInstructions())
    emit(absl::StrCat("| ", static_cast<int>(spec.opcode), " | [`", spec.name, "`](#", spec.name,
                      ") | ", unitName(spec.unit), " | ", encodedBytes(spec), " | ", spec.doc,
                      " |\n"));
  for (const InstructionSpec &spec : allInstructions()) {
    emit(absl::StrCat("\n## ", spec.name, "\n\n", spec.doc, "\n"));
    if (spec.fields.empty())
      continue;
    emit("\n| bit | field | bits | range | unit | meaning |\n|---|---|---|---|---|---|\n");
    size_t bit = 8;
    for (const FieldSpec &field : spec.fields) {
      emit(absl::StrCat("| ", bit, " | `", field.name, "` | ", static_cast<int>(field.bits), " | ",
                        lowest(field), "..", highest(field), " | ", field.unit, " | ", field.doc,
                        " |\n"));
      bit += field.bits;
    }
  }
}

} // namespace

int main(int argc, char **argv) {
  const char *mode = argc == 2 ? argv[1] : "";
  if (std::strcmp(mode, "--ods") == 0)
    printOds();
  else if (std::strcmp(mode, "--c-header") == 0)
    printHeader();
  else if (std::strcmp(mode, "--markdown") == 0)
    printMarkdown();
  else {
    std::fputs("usage: aac-isa-gen --ods | --c-header | --markdown\n", stderr);
    return 2;
  }
  if (std::fflush(stdout) != 0) {
    std::perror("aac-isa-gen: cannot write");
    return 1;
  }
  return 0;
}
