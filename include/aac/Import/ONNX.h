//===- ONNX.h - ONNX files -> onnx dialect ----------------------*- C++ -*-===//
//
// The importer trusts nothing: a file is read once into owned memory, every size in it is
// checked against what is there, and what it cannot import it refuses in one diagnostic
// that names the file and the node, tensor or field.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_IMPORT_ONNX_H
#define AAC_IMPORT_ONNX_H

#include "aac/Interp/Interpreter.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac::onnx {

/// One task and the file of its model.
struct Source {
  std::string task;
  std::string path;
};

/// A size for free dimensions.
struct Binding {
  std::string name;           ///< `INPUT`, `SYMBOL` (a named dimension), or `TASK:` and one of them
  std::vector<int64_t> shape; ///< of the input, or the one number of a symbol
};

struct ImportOptions {
  std::vector<Binding> bindings;
  /// Keep unknown nodes as onnx.Unsupported instead of refusing the file.
  bool allowUnsupported = false;
  /// Leave the graph 1:1 with the file; otherwise `aac-fold-onnx` runs.
  bool fold = true;
};

/// `TASK=PATH`, or a path whose stem is the task's name. Tasks become symbols, so a name is
/// letters, digits, '_', '-' and '.'.
absl::StatusOr<Source> parseSource(absl::string_view text);

/// The comma-separated parts of one --bind: `[TASK:]INPUT=DxD`, `INPUT:DxD`, `SYMBOL=N`.
absl::StatusOr<std::vector<Binding>> parseBindings(absl::string_view text);

/// Imports every source into one module: an `onnx.graph` for each, in order. Equal tensors
/// of all files are one resource; files are read and hashed on the threads of `context`. Errors are
/// diagnostics of `context` (one a file); all files are tried.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> importOnnx(mlir::MLIRContext &context,
                                                              llvm::ArrayRef<Source> sources,
                                                              const ImportOptions &options = {});

/// The operators that import, each with its opsets, inputs and attributes, and what is refused
/// whatever the operator: a page in Markdown.
std::string supportedOperators();

/// Reads an ONNX tensor file (.pb, a TensorProto). Errors name the file.
absl::StatusOr<interp::Tensor> readTensorFile(const std::string &path);

} // namespace aac::onnx

#endif // AAC_IMPORT_ONNX_H
