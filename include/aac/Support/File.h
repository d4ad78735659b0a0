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

} // namespace aac

#endif // AAC_SUPPORT_FILE_H
