//===- ExternalData.h - tensors that lie in another file --------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define AAC_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "absl/status/statusor.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <utility>

namespace onnx {
class TensorProto;
} // namespace onnx

namespace aac::onnx {

/// Reads external tensors of one model. A location is a relative path without "..", below
/// the model's directory; no part of it may be a symbolic link, and the file must be a
/// regular one with one name. All of that is checked on what was opened (openBeneath).
class ExternalData {
public:
  /// A model from standard input ("-") has no directory, hence no external data.
  explicit ExternalData(const std::string &modelPath);
  ~ExternalData();
  ExternalData(const ExternalData &) = delete;
  ExternalData &operator=(const ExternalData &) = delete;

  struct File {
    std::string location;
    int descriptor = -1; ///< -1: closed for now
    struct stat info = {};
    std::map<int64_t, int64_t> ranges; ///< offset -> length, not overlapping
    /// The bytes of tensors, by offset and element type: those of one range have them in common.
    std::map<std::pair<int64_t, int32_t>, std::shared_ptr<std::string>> known;
  };
  struct Range {
    File *file;
    int64_t offset, length;
  };

  /// Where the `wanted` bytes of `proto` lie. Ranges of two tensors may be the same but not
  /// overlap otherwise.
  absl::StatusOr<Range> locate(const ::onnx::TensorProto &proto, int64_t wanted);
  absl::StatusOr<std::string> read(const Range &range);
  /// An error if a file has changed since it was opened first.
  absl::Status checkUnchanged();

private:
  /// Opens `file` where it is not open.
  absl::Status open(File &file);
  /// An error if what is open is not what was opened first.
  absl::Status check(File &file);
  absl::Status close(File &file);

  std::string directory; ///< empty: none
  int directoryDescriptor = -1;
  int64_t bytesRead = 0;
  int numOpen = 0;
  std::map<std::string, File> files;
};

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_EXTERNALDATA_H
