//===- Npz.cpp - any bytes as an .npz file --------------------------------===//
#include "aac/Support/Npz.h"
#include "Sanitizers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto arrays = aac::parseNpz({reinterpret_cast<const char *>(data), size}, "fuzz.npz");
  if (arrays.ok())
    for (const aac::NpyArray &array : *arrays) {
      (void)array.toFloats();
      (void)array.toInts();
    }
  return 0;
}
