//===- Container.cpp - the sections of a stream file -----------------------===//
#include "Container.h"

#include <algorithm>
#include <zlib.h>

namespace aac::container {
namespace {

constexpr absl::string_view kMagic = "AACS";
constexpr size_t kPadding = 8;

void put32(std::string &out, uint32_t value) {
  for (int i = 0; i < 4; ++i)
    out.push_back(static_cast<char>(value >> (8 * i)));
}
void put64(std::string &out, uint64_t value) {
  put32(out, static_cast<uint32_t>(value));
  put32(out, static_cast<uint32_t>(value >> 32));
}
uint64_t get(absl::string_view bytes, size_t at, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  return value;
}

uint32_t crc(absl::string_view bytes) {
  uLong value = crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    size_t piece = std::min<size_t>(bytes.size(), size_t{1} << 30);
    value = crc32(value, reinterpret_cast<const Bytef *>(bytes.data()), static_cast<uInt>(piece));
    bytes.remove_prefix(piece);
  }
  return static_cast<uint32_t>(value);
}

size_t padded(size_t bytes) { return (bytes + kPadding - 1) / kPadding * kPadding; }

bool isZero(absl::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

} // namespace

absl::string_view kindName(SectionKind kind) {
  switch (kind) {
  case SectionKind::Machine:
    return "machine";
  case SectionKind::Task:
    return "task";
  case SectionKind::Image:
    return "image";
  case SectionKind::Program:
    return "program";
  case SectionKind::Symbols:
    return "symbols";
  case SectionKind::Locations:
    return "locations";
  }
  return "unknown";
}

Writer::Writer() : file(kHeaderBytes, '\0') {}

void Writer::add(SectionKind kind, TaskSet owners, absl::string_view metadata,
                 absl::string_view bytes) {
  size_t header = file.size(), start = header + kSectionHeaderBytes;
  size_t payload = bytes.empty() ? metadata.size() : padded(metadata.size()) + bytes.size();
  file.reserve(start + padded(payload));
  file.resize(start);
  file.append(metadata.data(), metadata.size());
  if (!bytes.empty()) {
    file.resize(start + padded(metadata.size()));
    file.append(bytes.data(), bytes.size());
  }

  std::string head;
  put32(head, static_cast<uint32_t>(kind));
  put32(head, static_cast<uint32_t>(metadata.size()));
  put64(head, owners);
  put64(head, payload);
  put32(head, crc(absl::string_view(file).substr(start)));
  put32(head, crc(head));
  file.replace(header, kSectionHeaderBytes, head);
  file.resize(padded(file.size()));
  ++sections;
}

std::string Writer::finish() {
  std::string head(kMagic);
  put32(head, kVersion);
  put64(head, file.size());
  put32(head, sections);
  put32(head, crc(head));
  file.replace(0, kHeaderBytes, head);
  std::string result = std::move(file);
  *this = Writer();
  return result;
}

absl::StatusOr<std::vector<Section>> readSections(absl::string_view file) {
  if (file.substr(0, kMagic.size()) != kMagic)
    return error("not a stream: it does not start with the magic ", kMagic);
  if (file.size() < kHeaderBytes)
    return error("stream header is truncated: ", file.size(), " of ", kHeaderBytes, " bytes");
  uint64_t version = get(file, 4, 4), size = get(file, 8, 8), count = get(file, 16, 4);
  if (crc(file.substr(0, 20)) != get(file, 20, 4))
    return error("stream header is damaged: its CRC does not match");
  if (version != kVersion)
    return error("stream version is ", version, ", this program reads ", kVersion,
                 "; compile the suite again");
  if (size != file.size())
    return error("stream has ", file.size(), " bytes, its header says ", size,
                 size > file.size() ? "; it is truncated" : "; there is more after its end");

  std::vector<Section> sections;
  size_t at = kHeaderBytes;
  for (uint64_t i = 0; i < count; ++i) {
    if (file.size() - at < kSectionHeaderBytes)
      return error("section ", i, ": header is truncated");
    absl::string_view head = file.substr(at, kSectionHeaderBytes);
    if (crc(head.substr(0, 28)) != get(head, 28, 4))
      return error("section ", i, ": header is damaged: its CRC does not match");
    Section section;
    section.kind = static_cast<SectionKind>(get(head, 0, 4));
    section.owners = get(head, 8, 8);
    uint64_t metadata = get(head, 4, 4), payload = get(head, 16, 8);
    std::string name = absl::StrCat("section ", i, " (", kindName(section.kind), ")");
    if (kindName(section.kind) == "unknown")
      return error(name, ": kind is ", get(head, 0, 4), ", which is not defined");
    size_t start = at + kSectionHeaderBytes, left = file.size() - start;
    if (payload > left || padded(payload) > left)
      return error(name, ": length is ", payload, " bytes, ", left, " are left");
    if (metadata > payload || (metadata < payload && padded(metadata) >= payload))
      return error(name, ": metadata length is ", metadata, " bytes, payload length is ", payload);
    absl::string_view body = file.substr(start, payload);
    if (crc(body) != get(head, 24, 4))
      return error(name, ": payload is damaged: its CRC does not match");
    section.metadata = body.substr(0, metadata);
    size_t bytes = std::min<size_t>(padded(metadata), payload);
    section.bytes = body.substr(bytes);
    if (!isZero(body.substr(metadata, bytes - metadata)) ||
        !isZero(file.substr(start + payload, padded(payload) - payload)))
      return error(name, ": padding is not zero");
    at = start + padded(payload);
    section.sizeInFile = kSectionHeaderBytes + padded(payload);
    sections.push_back(section);
  }
  if (at != file.size())
    return error("stream has ", file.size() - at, " bytes after its last section");
  return sections;
}

} // namespace aac::container
