//===- Container.h - the sections of a stream file --------------*- C++ -*-===//
//
// All numbers little-endian. Header, 24 bytes:
//    0  magic "AACS"
//    4  u32 version
//    8  u64 bytes of the whole file
//   16  u32 number of sections
//   20  u32 CRC-32 of bytes 0..19
// then the sections, each of a header of 32 bytes
//    0  u32 kind (SectionKind)
//    4  u32 bytes of metadata at the start of the payload, before padding
//    8  u64 owners, bit t = task t
//   16  u64 bytes of the payload
//   24  u32 CRC-32 of the payload
//   28  u32 CRC-32 of bytes 0..27 of this header
// and its payload: the metadata (a message of stream.proto), padded with zeros to a
// multiple of 8, then plain bytes (an image, code), padded likewise. Payload bytes
// are counted without the last padding. CRC-32 is the IEEE polynomial (zlib's).
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_STREAM_CONTAINER_H
#define AAC_LIB_STREAM_CONTAINER_H

#include "aac/Stream/Stream.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <string>
#include <vector>

namespace aac::container {

inline constexpr uint32_t kVersion = 2;
inline constexpr size_t kHeaderBytes = 24;
inline constexpr size_t kSectionHeaderBytes = 32;

enum class SectionKind : uint32_t {
  Machine = 1,
  Task = 2,
  Image = 3,
  Program = 4,
  Symbols = 5,
  Locations = 6,
};

/// Name of a kind for messages; "unknown" for others.
absl::string_view kindName(SectionKind kind);

/// A section in a file that is in memory.
struct Section {
  SectionKind kind = SectionKind::Machine;
  TaskSet owners = 0;
  absl::string_view metadata, bytes;
  uint64_t sizeInFile = 0; ///< header, payload and padding
};

/// Error with text put together like absl::StrCat.
template <typename... Parts> absl::Status error(const Parts &...parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

/// Writes sections one after the other.
class Writer {
public:
  Writer();
  void add(SectionKind kind, TaskSet owners, absl::string_view metadata,
           absl::string_view bytes = {});
  /// The complete file; the writer is empty then.
  std::string finish();

private:
  std::string file;
  uint32_t sections = 0;
};

/// Splits a file into sections and checks lengths, CRCs and padding. The sections
/// point into `file`.
absl::StatusOr<std::vector<Section>> readSections(absl::string_view file);

} // namespace aac::container

#endif // AAC_LIB_STREAM_CONTAINER_H
