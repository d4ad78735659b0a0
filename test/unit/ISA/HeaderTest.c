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

int main(void) {
  static const uint8_t wait[] = {4, 5, 0, 0};
  static const uint8_t matmul[] = {13, 0x40, 0x40, 0, 2, 0xe1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  static const uint8_t load[] = {7, 0x47, 2, 0, 6, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  static const uint8_t unknown[] = {99, 0, 0, 0}, padding[] = {4, 9, 0, 0};
  aac_instruction in;

  expect(aac_decode(wait, sizeof wait, &in) == 4, "size of wait");
  expect(in.opcode == AAC_WAIT && in.values[AAC_WAIT_UNITS] == 5, "fields of wait");
  expect(strcmp(aac_instructions[AAC_WAIT].name, "wait") == 0, "name of wait");

  expect(aac_decode(matmul, sizeof matmul, &in) == sizeof matmul, "size of matmul");
  expect(in.values[AAC_MATMUL_N0] == 64 && in.values[AAC_MATMUL_N1] == 16, "n0 and n1");
  expect(in.values[AAC_MATMUL_M] == 32 && in.values[AAC_MATMUL_RELU] == 1, "m and relu");
  expect(in.values[AAC_MATMUL_WEIGHT_BIAS] == -8, "a negative field");
  expect(aac_instructions[AAC_MATMUL].unit == AAC_UNIT_ENGINE, "unit of matmul");

  expect(aac_decode(load, sizeof load, &in) == sizeof load, "size of load_data");
  expect(in.values[AAC_LOAD_DATA_ADDRESS] == 0x80000001, "an address of 32 bits");
  expect(in.values[AAC_LOAD_DATA_ROWS] == 0x1000, "rows");

  expect(aac_decode(load, sizeof load - 1, &in) == 0, "truncation is refused");
  expect(aac_decode(load, 0, &in) == 0, "nothing is refused");
  expect(aac_decode(unknown, sizeof unknown, &in) == 0, "an unknown opcode is refused");
  expect(aac_decode(padding, sizeof padding, &in) == 0, "padding is checked");
  return failures != 0;
}
