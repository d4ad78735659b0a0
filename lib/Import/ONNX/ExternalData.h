//===- ExternalData.h - tensors that lie in another file --------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define AAC_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "absl/status/statusor.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace onnx {
class TensorProto;
} // namespace onnx

namespace aac::onnx {

/// Reads external tensors of one model. A location is a relative path without "..", below
/// the model's directory; no part of it may be a symbolic link, and the file must be a
/// regular one with one name. All of that is checked on what was opened.
class ExternalData {
public:
  explicit ExternalData(const std::string &modelPath);
  ~ExternalData();
  ExternalData(const ExternalData &) = delete;
  ExternalData &operator=(const ExternalData &) = delete;

  /// The `wanted` bytes of `proto`. Ranges of two tensors may be the same but not overlap
  /// otherwise.
  absl::StatusOr<std::unique_ptr<std::string>> read(const ::onnx::TensorProto &proto,
                                                    int64_t wanted);

private:
  struct File {
    int descriptor = -1;
    int64_t size = 0;
    std::map<int64_t, int64_t> ranges; ///< offset -> length, not overlapping
  };
  absl::StatusOr<File *> open(const std::string &location);

  std::string directory;
  std::map<std::string, File> files;
};

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_EXTERNALDATA_H
