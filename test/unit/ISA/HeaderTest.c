/* HeaderTest.c - the generated firmware header decodes what the codec encodes.
 * Compiled as strict C99. The bytes are those frozen in InstructionTest.cpp. */
#include "aac_isa.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void expect(int condition, const char *what) {
  if (!condition) {
    fprintf(stderr, "failed: %s\n", what);
    ++failures;
  }
}

static void testInstructions(void) {
  static const uint8_t wait[] = {AAC_WAIT, 5, 0, 0};
  static const uint8_t matmul[] = {13, 0x40, 0x40, 0, 2, 0xe1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  static const uint8_t load[] = {7, 0x47, 2, 0, 6, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  aac_instruction in;
  char text[AAC_MAX_TEXT];

  expect(aac_decode(wait, sizeof wait, &in) == AAC_OK, "wait");
  expect(in.opcode == AAC_WAIT && in.values[AAC_WAIT_UNITS] == 5, "fields of wait");
  expect(strcmp(aac_instructions[AAC_WAIT].name, "wait") == 0, "name of wait");
  expect(aac_instructions[AAC_WAIT].bytes == sizeof wait, "size of wait");
  expect(aac_print(&in, text, sizeof text) == 12, "length of a line");
  expect(strcmp(text, "wait units=5") == 0, "text of wait");
  expect(aac_print(&in, text, 5) == 12 && strcmp(text, "wait") == 0, "a text cut off");
  text[0] = 'x';
  expect(aac_print(&in, text, 0) == 12 && text[0] == 'x', "a text of no room");

  expect(aac_decode(matmul, sizeof matmul, &in) == AAC_OK, "matmul");
  expect(in.values[AAC_MATMUL_N0] == 64 && in.values[AAC_MATMUL_N1] == 16, "n0 and n1");
  expect(in.values[AAC_MATMUL_M] == 32 && in.values[AAC_MATMUL_RELU] == 1, "m and relu");
  expect(in.values[AAC_MATMUL_WEIGHT_BIAS] == -8, "a negative field");
  expect(aac_instructions[AAC_MATMUL].unit == AAC_UNIT_ENGINE, "unit of matmul");
  expect(aac_instructions[AAC_MATMUL].stride == AAC_NONE, "matmul has no stride");
  aac_print(&in, text, sizeof text);
  expect(strncmp(text, "matmul n0=64 n1=16 m=32 relu=1 bias_enable=0 weight_bias=-8 shift=0", 66) ==
             0,
         "text of matmul");

  expect(aac_decode(load, sizeof load, &in) == AAC_OK, "load_data");
  expect(in.values[AAC_LOAD_DATA_ADDRESS] == 0x80000001, "an address of 32 bits");
  expect(in.values[AAC_LOAD_DATA_ROWS] == 0x1000, "rows");
}

/* wait; a loop of three that loads auxiliary rows; task ... */
static const uint8_t kProgram[] = {
    AAC_TASK_BEGIN, 9, 0, 0,                            /* at 0 */
    AAC_LOOP,       3, 0, 0,                            /* at 4 */
    AAC_LOAD_AUX,   7, 2, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, /* at 8: set below */
    AAC_WAIT,       1, 0, 0,                            /* at 20 */
    AAC_END,        0, 0, 0,                            /* at 24 */
    AAC_TASK_END,   9, 0, 0,                            /* at 28 */
};

/* Puts `bits` of `value` at bit `bit`. */
static void put(uint8_t *bytes, uint32_t bit, uint32_t bits, uint64_t value) {
  uint32_t i;
  for (i = 0; i < bits; ++i, ++bit) {
    bytes[bit / 8] &= (uint8_t)~(1u << (bit % 8));
    bytes[bit / 8] |= (uint8_t)((value >> i & 1) << (bit % 8));
  }
}

/* row 7, rows, address and stride of the load_aux at 8. */
static void makeProgram(uint8_t *bytes, uint64_t address, uint64_t stride) {
  memcpy(bytes, kProgram, sizeof kProgram);
  put(bytes + 8, 8, 8, 7);
  put(bytes + 8, 16, 9, 256);
  put(bytes + 8, 25, 32, address);
  put(bytes + 8, 57, 32, stride);
}

static void testWalks(void) {
  static const char *const listed[] = {
      "task_begin task=9", "loop count=3", "load_aux row=7 rows=256 address=4096 loop_stride=32",
      "wait units=1",      "end",          "task_end task=9"};
  uint8_t bytes[sizeof kProgram];
  aac_program program;
  aac_instruction in;
  char text[AAC_MAX_TEXT];
  size_t i, at = 99;
  makeProgram(bytes, 4096, 32);
  expect(aac_check(bytes, sizeof bytes, &at) == AAC_OK && at == sizeof bytes, "a good program");
  expect(aac_check(bytes, 0, NULL) == AAC_OK, "an empty program");

  aac_open(&program, bytes, sizeof bytes);
  for (i = 0; i < sizeof listed / sizeof *listed; ++i) {
    expect(aac_read(&program, &in) == AAC_OK, "a line");
    aac_print(&in, text, sizeof text);
    expect(strcmp(text, listed[i]) == 0, listed[i]);
  }
  expect(aac_read(&program, &in) == AAC_DONE && aac_read(&program, &in) == AAC_DONE, "its end");

  aac_open(&program, bytes, sizeof bytes);
  expect(aac_next(&program, &in) == AAC_OK && in.opcode == AAC_TASK_BEGIN, "the task begins");
  for (i = 0; i < 3; ++i) {
    expect(aac_next(&program, &in) == AAC_OK && in.opcode == AAC_LOAD_AUX, "load_aux repeated");
    expect(program.at == 8 && program.iteration == i && program.count == 3, "where it is");
    expect(in.values[AAC_LOAD_AUX_ADDRESS] == 4096 + 32 * (int64_t)i, "address of a repetition");
    expect(in.values[AAC_LOAD_AUX_LOOP_STRIDE] == 0, "stride is used up");
    expect(aac_next(&program, &in) == AAC_OK && in.opcode == AAC_WAIT, "wait repeated");
  }
  expect(aac_next(&program, &in) == AAC_OK && in.opcode == AAC_TASK_END, "the task ends");
  expect(program.count == 0, "after the loop");
  expect(aac_next(&program, &in) == AAC_DONE && aac_next(&program, &in) == AAC_DONE, "done");
}

/* kProgram with bytes replaced, cut to a size. */
typedef struct {
  enum aac_error error;
  size_t at, size, first, count;
  uint8_t bytes[4];
} Damage;

static void testErrors(void) {
  static const Damage damages[] = {
      {AAC_TRUNCATED, 28, 31, 0, 0, {0}},
      {AAC_TRUNCATED, 8, 9, 0, 0, {0}},
      {AAC_UNKNOWN_OPCODE, 20, 32, 20, 1, {AAC_OPCODES}},
      {AAC_UNKNOWN_OPCODE, 0, 32, 0, 1, {255}},
      {AAC_BAD_FIELD, 4, 32, 5, 2, {0, 0}},  /* no repetition */
      {AAC_BAD_FIELD, 8, 32, 10, 2, {0, 0}}, /* no rows */
      {AAC_BAD_FIELD, 8, 32, 10, 2, {1, 1}}, /* 257 rows */
      {AAC_BAD_PADDING, 20, 32, 21, 1, {9}}, /* behind the field */
      {AAC_BAD_PADDING, 24, 32, 27, 1, {1}}, /* in the last byte */
      {AAC_LOOP_IN_LOOP, 20, 32, 20, 4, {AAC_LOOP, 1, 0, 0}},
      {AAC_LOOP_WITHOUT_END, 4, 28, 24, 4, {AAC_WAIT, 0, 0, 0}},
      {AAC_END_WITHOUT_LOOP, 4, 32, 4, 4, {AAC_END, 0, 0, 0}},
      {AAC_TASK_IN_TASK, 28, 32, 28, 4, {AAC_TASK_BEGIN, 9, 0, 0}},
      {AAC_TASK_IN_LOOP, 20, 32, 20, 4, {AAC_TASK_END, 9, 0, 0}},
      {AAC_TASK_IN_LOOP, 20, 32, 20, 4, {AAC_TASK_BEGIN, 9, 0, 0}},
      {AAC_TASK_WITHOUT_END, 0, 28, 0, 0, {0}},
      {AAC_TASK_END_WITHOUT_BEGIN, 28, 32, 0, 4, {AAC_WAIT, 0, 0, 0}},
      {AAC_OTHER_TASK, 28, 32, 29, 1, {8}},
  };
  uint8_t bytes[sizeof kProgram];
  uint8_t provoked[AAC_ERRORS] = {0};
  aac_program program;
  aac_instruction in;
  char what[96];
  size_t i;
  int code;
  for (i = 0; i < sizeof damages / sizeof *damages; ++i) {
    const Damage *d = &damages[i];
    size_t at = 99;
    enum aac_error error;
    makeProgram(bytes, 4096, 32);
    memcpy(bytes + d->first, d->bytes, d->count);
    error = aac_check(bytes, d->size, &at);
    snprintf(what, sizeof what, "damage %u: %s at %u, got %s at %u", (unsigned)i,
             aac_error_text(d->error), (unsigned)d->at, aac_error_text(error), (unsigned)at);
    expect(error == d->error && at == d->at, what);
    provoked[d->error] = 1;
    /* Carried out without a check first: the same error, and it stays. */
    aac_open(&program, bytes, d->size);
    do
      error = aac_next(&program, &in);
    while (error == AAC_OK);
    expect(error == d->error && program.at == d->at, what);
    expect(aac_next(&program, &in) == error && aac_read(&program, &in) == error, what);
  }
  /* The third repetition's address has no 32 bits; two would have. */
  makeProgram(bytes, 0xffffffc0, 32);
  expect(aac_check(bytes, sizeof bytes, NULL) == AAC_BAD_FIELD, "an address that wraps");
  makeProgram(bytes, 0xffffffbf, 32);
  expect(aac_check(bytes, sizeof bytes, NULL) == AAC_OK, "the highest address");
  expect(aac_decode(bytes, 0, &in) == AAC_TRUNCATED, "nothing at all");
  for (code = AAC_TRUNCATED; code < AAC_ERRORS; ++code)
    expect(provoked[code], aac_error_text((enum aac_error)code));
}

/* Whatever the bytes are, a walk ends within them. */
static void testNoise(void) {
  uint8_t bytes[sizeof kProgram];
  uint32_t random = 1, round;
  for (round = 0; round < 200000; ++round) {
    aac_program program;
    aac_instruction in;
    char text[AAC_MAX_TEXT];
    size_t changes, size, at = 0;
    int steps = 0;
    makeProgram(bytes, 4096, 32);
    for (changes = 0; changes <= round % 3; ++changes) {
      random = random * 1664525u + 1013904223u;
      bytes[random >> 27] = (uint8_t)(random >> 16);
    }
    size = round % 4 ? sizeof bytes : (random >> 8) % (sizeof bytes + 1);
    expect(aac_check(bytes, size, &at) < AAC_ERRORS && at <= size, "an offset in the program");
    aac_open(&program, bytes, size);
    while (aac_next(&program, &in) == AAC_OK && ++steps < 100)
      expect(aac_print(&in, text, sizeof text) < sizeof text, "room for a line");
  }
}

int main(void) {
  testInstructions();
  testWalks();
  testErrors();
  testNoise();
  return failures != 0;
}
