//===- Machine.cpp - any text as a machine description --------------------===//
#include "aac/Machine/Machine.h"
#include "Sanitizers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)aac::Machine::parse(std::string(reinterpret_cast<const char *>(data), size), "machine");
  return 0;
}
