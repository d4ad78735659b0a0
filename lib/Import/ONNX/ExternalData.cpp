//===- ExternalData.cpp - tensors that lie in another file ----------------===//
#include "ExternalData.h"

#include AAC_ONNX_PB_H

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace aac::onnx {
namespace {

absl::Status bad(std::string message) { return absl::InvalidArgumentError(std::move(message)); }

/// Decimal digits only (SimpleAtoi takes signs and spaces).
absl::StatusOr<int64_t> parseNumber(const std::string &key, const std::string &text) {
  int64_t value;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos ||
      !absl::SimpleAtoi(text, &value))
    return bad(absl::StrCat("external data: ", key, " \"", text, "\" is not a number"));
  return value;
}

} // namespace

ExternalData::ExternalData(const std::string &modelPath) {
  size_t slash = modelPath.rfind('/');
  directory = slash == std::string::npos ? "." : slash == 0 ? "/" : modelPath.substr(0, slash);
}

ExternalData::~ExternalData() {
  for (auto &[location, file] : files)
    if (file.descriptor >= 0)
      close(file.descriptor);
}

absl::StatusOr<ExternalData::File *> ExternalData::open(const std::string &location) {
  if (auto found = files.find(location); found != files.end())
    return &found->second;
  std::string where = absl::StrCat("external data \"", location, "\"");
  if (location.empty() || location.front() == '/' || location.find('\0') != std::string::npos ||
      location.find('\\') != std::string::npos)
    return bad(absl::StrCat(where, ": the location must be a relative path"));
  std::vector<std::string> parts = absl::StrSplit(location, '/');
  for (const std::string &part : parts)
    if (part.empty() || part == "." || part == "..")
      return bad(absl::StrCat(where, ": the location must not leave the model's directory"));

  // One component at a time, following no link: what is opened lies below the directory.
  int at = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; at >= 0 && i < parts.size(); ++i) {
    bool last = i + 1 == parts.size();
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
    int next = openat(at, parts[i].c_str(), flags);
    int error = errno;
    close(at);
    errno = error;
    at = next;
  }
  if (at < 0)
    return bad(absl::StrCat(where, ": cannot open: ",
                            errno == ELOOP || errno == ENOTDIR
                                ? "a symbolic link or not a directory"
                                : std::strerror(errno)));
  struct stat info;
  if (fstat(at, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) {
    close(at);
    return bad(absl::StrCat(where, ": not a regular file with one name"));
  }
  File &file = files[location];
  file.descriptor = at;
  file.size = info.st_size;
  return &file;
}

absl::StatusOr<std::unique_ptr<std::string>> ExternalData::read(const ::onnx::TensorProto &proto,
                                                                int64_t wanted) {
  std::string location;
  int64_t offset = 0, length = wanted;
  std::set<std::string> seen;
  for (const auto &entry : proto.external_data()) {
    if (!seen.insert(entry.key()).second)
      return bad(absl::StrCat("external data: key \"", entry.key(), "\" occurs twice"));
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset" || entry.key() == "length") {
      auto number = parseNumber(entry.key(), entry.value());
      if (!number.ok())
        return number.status();
      (entry.key() == "offset" ? offset : length) = *number;
    } else if (entry.key() != "checksum") {
      return bad(absl::StrCat("external data: unknown key \"", entry.key(), "\""));
    }
  }
  if (length != wanted)
    return bad(absl::StrCat("external data: length is ", length, ", dims and type need ", wanted));
  auto file = open(location);
  if (!file.ok())
    return file.status();
  if (offset > (*file)->size || length > (*file)->size - offset)
    return bad(absl::StrCat("external data \"", location, "\": ", length, " bytes at offset ",
                            offset, " are outside the file's ", (*file)->size, " bytes"));
  auto &ranges = (*file)->ranges;
  if (length > 0) {
    auto after = ranges.lower_bound(offset);
    bool same = after != ranges.end() && after->first == offset && after->second == length;
    bool clash = !same && after != ranges.end() && after->first < offset + length;
    if (!same && after != ranges.begin()) {
      auto before = std::prev(after);
      clash |= before->first + before->second > offset;
    }
    if (clash)
      return bad(absl::StrCat("external data \"", location, "\": bytes at offset ", offset,
                              " belong to another tensor too"));
    ranges[offset] = length;
  }

  auto bytes = std::make_unique<std::string>();
  bytes->resize(length);
  int64_t done = 0;
  while (done < length) {
    ssize_t n = pread((*file)->descriptor, bytes->data() + done, length - done, offset + done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return bad(absl::StrCat("external data \"", location, "\": cannot read: ",
                              n < 0 ? std::strerror(errno) : "the file shrank"));
    done += n;
  }
  return bytes;
}

} // namespace aac::onnx
