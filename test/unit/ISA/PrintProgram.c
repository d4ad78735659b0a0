/* PrintProgram.c - firmware's view of a program, for tests that compare it with the tools'.
 *
 *   ISAPrintProgram read|next FILE
 *
 * prints a program's instructions, one a line: as they stand, or as they are carried out. An
 * error gives `byte N: what is wrong` and exit code 1. Strict C99; the largest program is
 * bounded, as in a device. */
#include "aac_isa.h"

#include <stdio.h>
#include <string.h>

static uint8_t bytes[1 << 22];

int main(int argc, char **argv) {
  enum aac_error (*step)(aac_program *, aac_instruction *) = aac_read;
  enum aac_error error;
  aac_program program;
  aac_instruction in;
  char text[AAC_MAX_TEXT];
  size_t size, at;
  FILE *file;
  if (argc != 3 || (strcmp(argv[1], "read") != 0 && strcmp(argv[1], "next") != 0))
    return 2;
  if (strcmp(argv[1], "next") == 0)
    step = aac_next;
  file = fopen(argv[2], "rb");
  if (!file)
    return 2;
  size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  if (size == sizeof bytes)
    return 2;
  error = aac_check(bytes, size, &at);
  if (error != AAC_OK) {
    printf("byte %lu: %s\n", (unsigned long)at, aac_error_text(error));
    return 1;
  }
  aac_open(&program, bytes, size);
  while ((error = step(&program, &in)) == AAC_OK) {
    if (aac_print(&in, text, sizeof text) >= sizeof text)
      return 3;
    puts(text);
  }
  return error == AAC_DONE ? 0 : 3;
}
