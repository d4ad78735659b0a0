//===- Reader.h - an ONNX file in owned memory ------------------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_READER_H
#define AAC_LIB_IMPORT_ONNX_READER_H

#include "Tensors.h"

#include AAC_ONNX_PB_H

#include "absl/status/statusor.h"
#include "mlir/IR/MLIRContext.h"
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace aac::onnx {

/// A file, read: the initialisers' values are taken out of `proto` into `initializers`.
struct FileModel {
  std::string path;
  int64_t opset = 0; ///< of the default domain
  ::onnx::ModelProto proto;
  std::vector<TensorData> initializers; ///< in the file's order
  std::set<int32_t> widened;            ///< of fp16, bf16, double: what became f32
};

/// Reads `path` ("-" is standard input) and checks what does not need the graph: that it
/// is a whole model of a supported version without sparse tensors, and its initialisers. Errors
/// name tensor or field; the caller adds the file. The initialisers' bytes are checked and hashed
/// on the threads of `context`, and are those of `contents` where that has equal ones.
absl::StatusOr<std::unique_ptr<FileModel>>
readModel(const std::string &path, mlir::MLIRContext *context, Contents &contents);

/// The oldest and newest opset that imports.
constexpr int64_t kOldestOpset = 11, kNewestOpset = 21;

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_READER_H
