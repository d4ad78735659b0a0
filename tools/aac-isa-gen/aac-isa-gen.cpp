//===- aac-isa-gen.cpp - prints what the instruction table generates -------===//
//
//   aac-isa-gen --ods | --c-header | --markdown
//
// Core only: runs at build time, before anything of MLIR is compiled.
//
//===----------------------------------------------------------------------===//
#include "Generate.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include <cstdio>
#include <cstring>
#include <set>

using namespace aac::isa;
using namespace aac::isa::generate;

namespace {

/// load_data -> LoadData
std::string camelCase(absl::string_view name) {
  std::string result;
  for (absl::string_view word : absl::StrSplit(name, '_')) {
    result += absl::ascii_toupper(static_cast<unsigned char>(word[0]));
    absl::StrAppend(&result, word.substr(1));
  }
  return result;
}

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
      absl::StrAppend(&description, "    - `", field.name, "` (", range(field),
                      "): ", described(field), "\n");
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
                        range(field), " | ", field.unit, " | ", field.doc, " |\n"));
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
