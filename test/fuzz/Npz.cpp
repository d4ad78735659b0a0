//===- Npz.cpp - any bytes as an .npz file --------------------------------===//
//
// A fuzzer would not guess the checksums of an archive's entries: those of stored ones are put
// right first, so that what is changed inside an array is read.
//
//===----------------------------------------------------------------------===//
#include "aac/Support/Npz.h"
#include "Sanitizers.h"
#include <cstring>
#include <string>
#include <zlib.h>

namespace {

template <typename T> T get(const std::string &bytes, size_t at) {
  T value;
  std::memcpy(&value, &bytes[at], sizeof(T));
  return value;
}

/// The checksums of all stored entries of a zip archive that lie in it (fields as in PKWARE's
/// APPNOTE, 4.3.7 and 4.3.12: CRC-32 at 14 and 16 of the local and the central header).
void repair(std::string &bytes) {
  constexpr size_t kLocalBytes = 30, kCentralBytes = 46;
  const std::string signature("PK\1\2", 4);
  for (size_t at = 0; (at = bytes.find(signature, at)) != std::string::npos; ++at) {
    if (bytes.size() - at < kCentralBytes)
      return;
    size_t local = get<uint32_t>(bytes, at + 42), size = get<uint32_t>(bytes, at + 20);
    if (get<uint16_t>(bytes, at + 10) != 0 || local + kLocalBytes > bytes.size())
      continue;
    size_t data =
        local + kLocalBytes + get<uint16_t>(bytes, local + 26) + get<uint16_t>(bytes, local + 28);
    if (data > bytes.size() || size > bytes.size() - data)
      continue;
    auto crc = static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef *>(&bytes[data]), static_cast<uInt>(size)));
    std::memcpy(&bytes[local + 14], &crc, sizeof crc);
    std::memcpy(&bytes[at + 16], &crc, sizeof crc);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size);
  repair(bytes);
  auto arrays = aac::parseNpz(bytes, "fuzz.npz");
  if (arrays.ok())
    for (const aac::NpyArray &array : *arrays) {
      (void)array.toFloats();
      (void)array.toInts();
    }
  return 0;
}
