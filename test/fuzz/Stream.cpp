//===- Stream.cpp - any bytes as a stream file ----------------------------===//
//
// Reads, disassembles and checks. What must hold: an error, or text that assembles to the
// same bytes again. A fuzzer would not guess lengths and checksums: they are put right first.
//
//===----------------------------------------------------------------------===//
#include "aac/Stream/Stream.h"
#include "Sanitizers.h"
#include "aac/Machine/Machine.h"
#include "aac/Stream/Check.h"
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <zlib.h>

namespace {

constexpr size_t kHeaderBytes = 24, kSectionBytes = 32;

template <typename T> void put(std::string &bytes, size_t at, T value) {
  std::memcpy(&bytes[at], &value, sizeof(T));
}
template <typename T> T get(const std::string &bytes, size_t at) {
  T value;
  std::memcpy(&value, &bytes[at], sizeof(T));
  return value;
}
uint32_t checksum(const std::string &bytes, size_t at, size_t size) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef *>(bytes.data() + at), static_cast<uInt>(size)));
}

/// The file's size and the checksums of all sections that lie in it.
void repair(std::string &bytes) {
  if (bytes.size() < kHeaderBytes)
    return;
  put<uint64_t>(bytes, 8, bytes.size());
  put<uint32_t>(bytes, 20, checksum(bytes, 0, 20));
  size_t at = kHeaderBytes;
  while (bytes.size() - at >= kSectionBytes) {
    uint64_t payload = get<uint64_t>(bytes, at + 16);
    if (payload > bytes.size() - at - kSectionBytes)
      return;
    put<uint32_t>(bytes, at + 24, checksum(bytes, at + kSectionBytes, payload));
    put<uint32_t>(bytes, at + 28, checksum(bytes, at, 28));
    at += kSectionBytes + (payload + 7) / 8 * 8;
    if (at > bytes.size())
      return;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size);
  repair(bytes);
  auto stream = aac::deserialize(bytes);
  auto text = aac::disassemble(bytes);
  if (stream.ok() && text.ok()) {
    auto again = aac::assemble(*text);
    if (!again.ok() || *again != bytes) {
      std::cerr << "finding: the disassembly does not assemble to the same bytes: "
                << again.status().ToString() << "\n";
      std::abort();
    }
  }
  if (!stream.ok())
    return 0;
  (void)aac::sizeByOwner(bytes);
  auto machine = aac::Machine::parse(stream->machine, "machine");
  if (machine.ok())
    (void)aac::checkStream(*stream, *machine);
  return 0;
}
