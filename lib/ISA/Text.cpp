//===- Text.cpp - instructions as text and back ----------------------------===//
#include "aac/ISA/Instruction.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace aac::isa {
namespace {

/// Decimal, or hexadecimal after 0x; a minus may stand before either.
bool parseNumber(absl::string_view text, int64_t &value) {
  bool negative = !text.empty() && text[0] == '-';
  absl::string_view digits = negative ? text.substr(1) : text;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(digits[2])) ||
        !absl::SimpleHexAtoi(digits.substr(2), &value))
      return false;
  } else if (digits.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(digits[0])) ||
             !absl::SimpleAtoi(digits, &value)) {
    return false;
  }
  if (negative)
    value = -value;
  return true;
}

} // namespace

std::string print(const Instruction &instruction) {
  if (static_cast<size_t>(instruction.opcode) >= allInstructions().size())
    return absl::StrCat("opcode ", static_cast<int>(instruction.opcode));
  const InstructionSpec &spec = specOf(instruction.opcode);
  std::string line(spec.name);
  for (size_t i = 0; i < spec.fields.size(); ++i)
    absl::StrAppend(&line, " ", spec.fields[i].name, "=", instruction.values[i]);
  return line;
}

absl::StatusOr<Instruction> parse(absl::string_view line) {
  auto fail = [](auto... parts) { return absl::InvalidArgumentError(absl::StrCat(parts...)); };
  auto words = absl::StrSplit(line, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  auto word = words.begin();
  if (word == words.end())
    return fail("no instruction in an empty line");
  const InstructionSpec *spec = findInstruction(*word);
  if (!spec)
    return fail("unknown instruction '", *word, "'");

  Instruction instruction(spec->opcode);
  uint32_t seen = 0;
  size_t guess = 0; // fields mostly come in order
  for (++word; word != words.end(); ++word) {
    size_t equals = word->find('=');
    if (equals == absl::string_view::npos)
      return fail(spec->name, ": expected field=value, got '", *word, "'");
    absl::string_view name = word->substr(0, equals), text = word->substr(equals + 1);
    size_t index = guess;
    if (index >= spec->fields.size() || spec->fields[index].name != name)
      for (index = 0; index < spec->fields.size(); ++index)
        if (spec->fields[index].name == name)
          break;
    if (index == spec->fields.size())
      return fail(spec->name, ": unknown field '", name, "'");
    if (seen & (1u << index))
      return fail(spec->name, ": field ", name, " is given twice");
    if (!parseNumber(text, instruction.values[index]))
      return fail(spec->name, ": field ", name, " is '", text, "', which is not a number");
    seen |= 1u << index;
    guess = index + 1;
  }
  for (size_t i = 0; i < spec->fields.size(); ++i)
    if (!(seen & (1u << i)))
      return fail(spec->name, ": field ", spec->fields[i].name, " is missing");
  if (absl::Status status = validate(instruction); !status.ok())
    return status;
  return instruction;
}

} // namespace aac::isa
