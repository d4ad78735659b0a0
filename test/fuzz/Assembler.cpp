//===- Assembler.cpp - any text as assembly -------------------------------===//
#include "Sanitizers.h"
#include "aac/Stream/Stream.h"
#include <cstdlib>
#include <iostream>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto bytes = aac::assemble(absl::string_view(reinterpret_cast<const char *>(data), size));
  if (bytes.ok() && !aac::deserialize(*bytes).ok()) {
    std::cerr << "finding: what was assembled is no stream: "
              << aac::deserialize(*bytes).status().ToString() << "\n";
    std::abort();
  }
  return 0;
}
