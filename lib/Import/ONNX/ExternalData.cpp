//===- ExternalData.cpp - tensors that lie in another file ----------------===//
#include "ExternalData.h"
#include "Messages.h"

#include AAC_ONNX_PB_H

#include "aac/Support/File.h"
#include "absl/strings/numbers.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <set>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace aac::onnx {
namespace {

/// Of one model, from all its files: sizes on disk say nothing, files can be sparse.
constexpr int64_t kMaxExternalBytes = int64_t{8} << 30;

/// Some exporters write a file for each tensor: more than this many do not stay open.
constexpr int kMaxOpen = 64;

/// Decimal digits only (SimpleAtoi takes signs and spaces).
absl::StatusOr<int64_t> parseNumber(const std::string &key, const std::string &text) {
  int64_t value;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(text, &value))
    return bad(absl::StrCat("external data: ", key, " ", quoted(text), " is not a number"));
  return value;
}

} // namespace

ExternalData::ExternalData(const std::string &modelPath) {
  if (modelPath == "-")
    return;
  size_t slash = modelPath.rfind('/');
  directory = slash == std::string::npos ? "." : slash == 0 ? "/" : modelPath.substr(0, slash);
}

ExternalData::~ExternalData() {
  if (directoryDescriptor >= 0)
    ::close(directoryDescriptor);
  for (auto &[location, file] : files)
    if (file.descriptor >= 0)
      ::close(file.descriptor);
}

absl::Status ExternalData::open(File &file) {
  if (file.descriptor >= 0)
    return absl::OkStatus();
  std::string where = absl::StrCat("external data ", quoted(file.location), ": ");
  if (directory.empty())
    return bad(absl::StrCat(where, "a model from standard input has no directory to look in"));
  if (directoryDescriptor < 0)
    directoryDescriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directoryDescriptor < 0)
    return bad(absl::StrCat(where, "cannot open the model's directory: ", std::strerror(errno)));
  auto descriptor = openBeneath(directoryDescriptor, file.location);
  if (!descriptor.ok())
    return bad(absl::StrCat(where, descriptor.status().message()));
  file.descriptor = *descriptor;
  ++numOpen;
  return check(file);
}

absl::Status ExternalData::check(File &file) {
  std::string where = absl::StrCat("external data ", quoted(file.location), ": ");
  struct stat now;
  if (fstat(file.descriptor, &now) != 0)
    return bad(absl::StrCat(where, "cannot read: ", std::strerror(errno)));
  struct stat &first = file.info;
  if (first.st_nlink == 0) // not seen before
    first = now;
  // Not the time: file systems write it late.
  if (now.st_dev != first.st_dev || now.st_ino != first.st_ino || now.st_size != first.st_size)
    return bad(absl::StrCat(where, "changed while it was read"));
  return absl::OkStatus();
}

absl::Status ExternalData::close(File &file) {
  if (file.descriptor < 0)
    return absl::OkStatus();
  absl::Status status = check(file);
  ::close(std::exchange(file.descriptor, -1));
  --numOpen;
  return status;
}

absl::Status ExternalData::checkUnchanged() {
  for (auto &[location, file] : files)
    if (absl::Status status = close(file); !status.ok())
      return status;
  return absl::OkStatus();
}

absl::StatusOr<ExternalData::Range> ExternalData::locate(const ::onnx::TensorProto &proto,
                                                         int64_t wanted) {
  std::string location;
  int64_t offset = 0, length = wanted;
  std::set<std::string> seen;
  for (const auto &entry : proto.external_data()) {
    if (!seen.insert(entry.key()).second)
      return bad(absl::StrCat("external data: key ", quoted(entry.key()), " occurs twice"));
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset" || entry.key() == "length") {
      auto number = parseNumber(entry.key(), entry.value());
      if (!number.ok())
        return number.status();
      (entry.key() == "offset" ? offset : length) = *number;
    } else if (entry.key() != "checksum") {
      return bad(absl::StrCat("external data: unknown key ", quoted(entry.key())));
    }
  }
  if (length != wanted)
    return bad(absl::StrCat("external data: length is ", length, ", dims and type need ", wanted));
  File &file = files[location];
  file.location = location;
  if (file.info.st_nlink == 0)
    if (absl::Status status = open(file); !status.ok())
      return status;
  int64_t size = file.info.st_size;
  if (offset > size || length > size - offset)
    return bad(absl::StrCat("external data ", quoted(location), ": ", length, " bytes at offset ",
                            offset, " are outside the file's ", size, " bytes"));
  if (length > 0) {
    auto after = file.ranges.lower_bound(offset);
    bool same = after != file.ranges.end() && after->first == offset && after->second == length;
    bool clash = !same && after != file.ranges.end() && after->first < offset + length;
    if (!same && after != file.ranges.begin()) {
      auto before = std::prev(after);
      clash |= before->first + before->second > offset;
    }
    if (clash)
      return bad(absl::StrCat("external data ", quoted(location), ": bytes at offset ", offset,
                              " belong to another tensor too"));
    file.ranges[offset] = length;
  }
  return Range{&file, offset, length};
}

absl::StatusOr<std::string> ExternalData::read(const Range &range) {
  std::string where = absl::StrCat("external data ", quoted(range.file->location), ": ");
  if (range.length > kMaxExternalBytes - bytesRead)
    return bad(absl::StrCat(where, "the model's external data is larger than ",
                            kMaxExternalBytes >> 30, " GiB, the limit"));
  bytesRead += range.length;
  if (absl::Status status = open(*range.file); !status.ok())
    return status;
  std::string bytes;
  try {
    bytes.resize(range.length);
  } catch (const std::bad_alloc &) {
    return bad(absl::StrCat(where, "not enough memory for ", range.length, " bytes"));
  }
  int64_t done = 0;
  while (done < range.length) {
    ssize_t n = pread(range.file->descriptor, bytes.data() + done, range.length - done,
                      range.offset + done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return bad(absl::StrCat(where, n < 0 ? absl::StrCat("cannot read: ", std::strerror(errno))
                                           : "changed while it was read: it shrank"));
    done += n;
  }
  if (numOpen > kMaxOpen)
    if (absl::Status status = close(*range.file); !status.ok())
      return status;
  return bytes;
}

} // namespace aac::onnx
