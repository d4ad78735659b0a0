//===- CHeader.cpp - the C99 header for firmware ---------------------------===//
//
// Tables made of the instruction table, then a decoder that is text of its own: it allocates
// nothing, calls no library and needs no table but those.
//
//===----------------------------------------------------------------------===//
#include "Generate.h"

#include "absl/strings/ascii.h"

#include <algorithm>

namespace aac::isa::generate {
namespace {

constexpr absl::string_view kTypes = R"(typedef struct {
  const char *name;
  int64_t least, most; /* what a program may hold */
  uint8_t bits;
  uint8_t is_signed;
  uint8_t step; /* values are multiples of this */
} aac_field_info;

typedef struct {
  const char *name;
  uint8_t unit;   /* enum aac_unit */
  uint8_t bytes;  /* of the encoding */
  uint8_t fields; /* how many */
  uint8_t first;  /* index of the first in aac_fields */
  uint8_t stride; /* field added once per repetition of a loop; AAC_NONE: no such field */
  uint8_t target; /* field that it is added to */
} aac_instruction_info;

#define AAC_NONE 255

)";

constexpr absl::string_view kDecoder = R"(/* What may be wrong with a program. */
enum aac_error {
  AAC_OK,
  AAC_DONE,                   /* no error: the program is at its end */
  AAC_TRUNCATED,              /* the bytes end within an instruction */
  AAC_UNKNOWN_OPCODE,
  AAC_BAD_FIELD,              /* a value outside the field's limits, also in a repetition of a loop */
  AAC_BAD_PADDING,            /* bits after the last field that are not zero */
  AAC_LOOP_IN_LOOP,           /* loops do not nest */
  AAC_LOOP_WITHOUT_END,
  AAC_END_WITHOUT_LOOP,
  AAC_TASK_IN_TASK,           /* task_begin after a task_begin */
  AAC_TASK_IN_LOOP,           /* task_begin or task_end in a loop */
  AAC_TASK_WITHOUT_END,
  AAC_TASK_END_WITHOUT_BEGIN,
  AAC_OTHER_TASK,             /* task_end of another task than the one begun */
  AAC_ERRORS
};

static inline const char *aac_error_text(enum aac_error error) {
  static const char *const texts[AAC_ERRORS] = {
      "no error",
      "end of the program",
      "the instruction is truncated",
      "unknown opcode",
      "a field is outside its limits",
      "padding that is not zero",
      "a loop in a loop",
      "a loop without an end after it",
      "an end without a loop before it",
      "a task begins in a task",
      "a task begins or ends in a loop",
      "a task without an end",
      "a task ends that did not begin",
      "another task ends than the one that began"};
  return texts[error];
}

typedef struct {
  uint8_t opcode; /* enum aac_opcode */
  int64_t values[AAC_MAX_FIELDS];
} aac_instruction;

/* Decodes the instruction at `bytes`, of which `size` are there: AAC_OK, AAC_TRUNCATED,
 * AAC_UNKNOWN_OPCODE, AAC_BAD_FIELD or AAC_BAD_PADDING. It takes
 * aac_instructions[out->opcode].bytes. After an error `out` holds nothing of use. */
static inline enum aac_error aac_decode(const uint8_t *bytes, size_t size, aac_instruction *out) {
  const aac_instruction_info *info;
  uint32_t bit = 8;
  uint8_t i;
  if (size == 0)
    return AAC_TRUNCATED;
  if (bytes[0] >= AAC_OPCODES)
    return AAC_UNKNOWN_OPCODE;
  info = &aac_instructions[bytes[0]];
  if (size < info->bytes)
    return AAC_TRUNCATED;
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
    if (out->values[i] < field->least || out->values[i] > field->most ||
        out->values[i] % field->step != 0)
      return AAC_BAD_FIELD;
  }
  for (; bit < 8u * info->bytes; ++bit)
    if ((bytes[bit / 8] >> (bit % 8)) & 1)
      return AAC_BAD_PADDING;
  return AAC_OK;
}

/* A program on its way through aac_read or aac_next. Its bytes must stay where they are. */
typedef struct {
  const uint8_t *bytes;
  size_t size;
  size_t at;          /* offset of the instruction returned last, or of the error */
  size_t next;        /* offset of the one that follows it in the bytes */
  size_t loop;        /* offset of the loop around it */
  size_t task;        /* offset of the task_begin before it */
  size_t body;        /* offset of the loop's first instruction */
  uint32_t count;     /* repetitions of the loop around it, 0: it is in none */
  uint32_t iteration; /* the repetition it is in, from 0 on; aac_read stays at 0 */
  uint16_t number;    /* of the task that has begun */
  uint8_t in_task;
  uint8_t error; /* enum aac_error; once set, it stays */
} aac_program;

static inline void aac_open(aac_program *program, const uint8_t *bytes, size_t size) {
  static const aac_program start = {0};
  *program = start;
  program->bytes = bytes;
  program->size = size;
}

/* Only for what follows here. */
static inline enum aac_error aac_stop_(aac_program *program, size_t at, enum aac_error error) {
  program->at = at;
  program->error = (uint8_t)error;
  return error;
}

/* The next instruction in the order of the bytes, loop and end among them, with its fields as
 * they are there. AAC_OK, AAC_DONE at the end, or what is wrong at program->at. */
static inline enum aac_error aac_read(aac_program *program, aac_instruction *out) {
  const aac_instruction_info *info;
  enum aac_error error;
  size_t at = program->next;
  if (program->error != AAC_OK)
    return (enum aac_error)program->error;
  if (at == program->size) {
    if (program->count != 0)
      return aac_stop_(program, program->loop, AAC_LOOP_WITHOUT_END);
    if (program->in_task)
      return aac_stop_(program, program->task, AAC_TASK_WITHOUT_END);
    return aac_stop_(program, at, AAC_DONE);
  }
  error = aac_decode(program->bytes + at, program->size - at, out);
  if (error != AAC_OK)
    return aac_stop_(program, at, error);
  info = &aac_instructions[out->opcode];
  if (info->stride != AAC_NONE && program->count != 0 &&
      out->values[info->target] + (int64_t)(program->count - 1) * out->values[info->stride] >
          aac_fields[info->first + info->target].most)
    return aac_stop_(program, at, AAC_BAD_FIELD);
  switch (out->opcode) {
  case AAC_LOOP:
    if (program->count != 0)
      return aac_stop_(program, at, AAC_LOOP_IN_LOOP);
    program->loop = at;
    program->body = at + info->bytes;
    program->count = (uint32_t)out->values[AAC_LOOP_COUNT];
    program->iteration = 0;
    break;
  case AAC_END:
    if (program->count == 0)
      return aac_stop_(program, at, AAC_END_WITHOUT_LOOP);
    program->count = 0;
    break;
  case AAC_TASK_BEGIN:
  case AAC_TASK_END:
    if (program->count != 0)
      return aac_stop_(program, at, AAC_TASK_IN_LOOP);
    if (out->opcode == AAC_TASK_BEGIN && program->in_task)
      return aac_stop_(program, at, AAC_TASK_IN_TASK);
    if (out->opcode == AAC_TASK_END && !program->in_task)
      return aac_stop_(program, at, AAC_TASK_END_WITHOUT_BEGIN);
    if (out->opcode == AAC_TASK_END && program->number != out->values[AAC_TASK_END_TASK])
      return aac_stop_(program, at, AAC_OTHER_TASK);
    program->in_task = out->opcode == AAC_TASK_BEGIN;
    program->number = (uint16_t)out->values[AAC_TASK_BEGIN_TASK];
    program->task = at;
    break;
  default:
    break;
  }
  program->at = at;
  program->next = at + info->bytes;
  return AAC_OK;
}

/* The next instruction to be carried out: what a loop holds, once per repetition, with the
 * address of that repetition and a stride of 0; never loop or end themselves. Results as of
 * aac_read; aac_check tells beforehand whether there will be an error. */
static inline enum aac_error aac_next(aac_program *program, aac_instruction *out) {
  for (;;) {
    uint32_t count = program->count;
    enum aac_error error = aac_read(program, out);
    if (error != AAC_OK)
      return error;
    if (out->opcode == AAC_END) {
      if (program->iteration + 1 < count) {
        program->count = count;
        program->next = program->body;
        ++program->iteration;
      } else {
        program->iteration = 0;
      }
    } else if (out->opcode != AAC_LOOP) {
      const aac_instruction_info *info = &aac_instructions[out->opcode];
      if (info->stride != AAC_NONE) {
        if (program->count != 0)
          out->values[info->target] += program->iteration * out->values[info->stride];
        out->values[info->stride] = 0;
      }
      return AAC_OK;
    }
  }
}

/* Whether all of a program can be carried out: AAC_OK, or what is wrong at *at (may be null). */
static inline enum aac_error aac_check(const uint8_t *bytes, size_t size, size_t *at) {
  aac_program program;
  aac_instruction instruction;
  enum aac_error error;
  aac_open(&program, bytes, size);
  do
    error = aac_read(&program, &instruction);
  while (error == AAC_OK);
  if (at)
    *at = program.at;
  return error == AAC_DONE ? AAC_OK : error;
}

/* Only for aac_print: appends what fits, counts all. */
static inline size_t aac_put_(char *text, size_t size, size_t length, const char *more) {
  for (; *more; ++more, ++length)
    if (length + 1 < size)
      text[length] = *more;
  return length;
}

/* The instruction's line of text, as `aac-sim dis` prints it: "wait units=5". Returns its
 * length; AAC_MAX_TEXT bytes are room enough. If `size` is less, what fits, always with a
 * zero byte behind it. */
static inline size_t aac_print(const aac_instruction *in, char *text, size_t size) {
  const aac_instruction_info *info = &aac_instructions[in->opcode];
  size_t length = aac_put_(text, size, 0, info->name);
  uint8_t i;
  for (i = 0; i < info->fields; ++i) {
    char digits[21];
    char *digit = digits + sizeof digits - 1;
    int64_t value = in->values[i];
    *digit = 0;
    do {
      int64_t last = value % 10;
      *--digit = (char)('0' + (last < 0 ? -last : last));
      value /= 10;
    } while (value != 0);
    if (in->values[i] < 0)
      *--digit = '-';
    length = aac_put_(text, size, length, " ");
    length = aac_put_(text, size, length, aac_fields[info->first + i].name);
    length = aac_put_(text, size, length, "=");
    length = aac_put_(text, size, length, digit);
  }
  if (size > 0)
    text[length < size ? length : size - 1] = 0;
  return length;
}

#endif /* AAC_ISA_H */
)";

int indexOf(const InstructionSpec &spec, Field field) {
  for (size_t i = 0; i < spec.fields.size(); ++i)
    if (spec.fields[i].field == field)
      return static_cast<int>(i);
  return -1;
}

/// Bytes of an instruction's longest line with its final zero.
size_t textBytes(const InstructionSpec &spec) {
  size_t bytes = spec.name.size() + 1;
  for (const FieldSpec &field : spec.fields)
    bytes += absl::StrCat(" ", field.name, "=").size() +
             std::max(absl::StrCat(least(field)).size(), absl::StrCat(most(field)).size());
  return bytes;
}

} // namespace

void printHeader() {
  emit("/* aac_isa.h - instructions of an aac stream and their decoder, C99.\n"
       " *\n"
       " * Made by aac-isa-gen from lib/ISA/Table.cpp. Do not edit. An instruction is an opcode\n"
       " * byte, then its fields packed lowest bit first, padded with zeros to a multiple of 4\n"
       " * bytes. Nothing here allocates memory or calls a library. */\n"
       "#ifndef AAC_ISA_H\n#define AAC_ISA_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n");
  emit(
      "enum aac_unit { AAC_UNIT_CONTROL, AAC_UNIT_TRANSFER, AAC_UNIT_ENGINE, AAC_UNIT_HOST };\n\n");
  emit("enum aac_opcode {\n");
  size_t mostFields = 1, mostText = 1;
  for (const InstructionSpec &spec : allInstructions()) {
    emit(absl::StrCat("  /* ", spec.doc, " */\n  AAC_", absl::AsciiStrToUpper(spec.name), " = ",
                      static_cast<int>(spec.opcode), ",\n"));
    mostFields = std::max(mostFields, spec.fields.size());
    mostText = std::max(mostText, textBytes(spec));
  }
  emit(absl::StrCat("  AAC_OPCODES = ", allInstructions().size(), "\n};\n\n"));
  emit(absl::StrCat("#define AAC_MAX_FIELDS ", mostFields,
                    "\n/* Of a line of aac_print, with its final zero. */\n#define AAC_MAX_TEXT ",
                    mostText, "\n\n"));

  emit("/* Where a field stands in aac_instruction.values. */\nenum aac_field {\n");
  std::string lines;
  for (const InstructionSpec &spec : allInstructions())
    for (size_t i = 0; i < spec.fields.size(); ++i)
      absl::StrAppend(&lines, lines.empty() ? "" : ",\n", "  AAC_",
                      absl::AsciiStrToUpper(spec.name), "_",
                      absl::AsciiStrToUpper(spec.fields[i].name), " = ", i, " /* ",
                      described(spec.fields[i]), " */");
  emit(lines + "\n};\n\n");

  emit(std::string(kTypes));
  std::string fields, instructions;
  size_t first = 0;
  for (const InstructionSpec &spec : allInstructions()) {
    std::string stride = "AAC_NONE, AAC_NONE";
    if (std::optional<Field> target = loopStrided(spec.opcode))
      stride = absl::StrCat(indexOf(spec, Field::LoopStride), ", ", indexOf(spec, *target));
    absl::StrAppend(&instructions, "    {\"", spec.name, "\", AAC_UNIT_",
                    absl::AsciiStrToUpper(unitName(spec.unit)), ", ", encodedBytes(spec), ", ",
                    spec.fields.size(), ", ", first, ", ", stride, "},\n");
    for (const FieldSpec &field : spec.fields)
      absl::StrAppend(&fields, "    {\"", field.name, "\", ", least(field), ", ", most(field), ", ",
                      static_cast<int>(field.bits), ", ", field.isSigned ? 1 : 0, ", ", field.step,
                      "},\n");
    first += spec.fields.size();
  }
  emit("static const aac_field_info aac_fields[] = {\n" + fields + "};\n\n");
  emit("static const aac_instruction_info aac_instructions[AAC_OPCODES] = {\n" + instructions +
       "};\n\n");
  emit(std::string(kDecoder));
}

} // namespace aac::isa::generate
