//===- File.h - whole files in and out --------------------------*- C++ -*-===//
#ifndef AAC_SUPPORT_FILE_H
#define AAC_SUPPORT_FILE_H

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <string>

namespace aac {

/// The bytes of the file `path`, or of standard input where `path` is "-". Errors
/// name the path and the reason (missing, a directory, not readable).
absl::StatusOr<std::string> readFile(absl::string_view path);

/// Writes `bytes` to `path`, or to standard output where `path` is "-". The bytes go
/// to a temporary file beside the target that is renamed when complete, so that
/// readers see the old file or the new one and never half of it. A device or a pipe
/// is written in place. Errors name the path and the reason.
absl::Status writeFileAtomically(absl::string_view path, absl::string_view bytes);

/// A file that is written piece by piece under the same rules: bytes go to `descriptor()`,
/// the target changes when commit() is called, and without it nothing is left behind.
class AtomicFile {
public:
  /// Errors as those of writeFileAtomically().
  static absl::StatusOr<AtomicFile> create(absl::string_view path);
  AtomicFile(AtomicFile &&other) noexcept;
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  int descriptor() const { return fd; }
  /// Puts the file in its place; `error` is an errno of the writing, 0 if it went well.
  absl::Status commit(int error = 0);

private:
  AtomicFile() = default;
  int fd = -1;
  std::string path, target;
  std::string temporary; ///< empty: written in place
};

/// Opens the regular file `relative` below the open directory `directory` for reading: no
/// part of the path may be a symbolic link or lead out of the directory (`..`, an absolute
/// path), and the file must have no other name (hard link). All of it holds for what was
/// opened, whatever changes meanwhile. `byParts` does without openat2, as on old kernels.
/// The caller closes the descriptor. Errors say what is wrong and name no path.
absl::StatusOr<int> openBeneath(int directory, const std::string &relative, bool byParts = false);

} // namespace aac

#endif // AAC_SUPPORT_FILE_H
