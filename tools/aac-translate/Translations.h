//===- Translations.h - what aac-translate can do ---------------*- C++ -*-===//
//
// A translation is a file of its own with one function that takes the parsed Arguments and
// writes its output. A new one: its flag and a call in main.cpp, its file in
// CMakeLists.txt.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TOOLS_AAC_TRANSLATE_TRANSLATIONS_H
#define AAC_TOOLS_AAC_TRANSLATE_TRANSLATIONS_H

#include "absl/status/statusor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <vector>

namespace aac::tool {

/// The command line.
struct Arguments {
  std::vector<std::string> inputs;
  std::string output = "-";
  std::vector<std::string> bindings; ///< --import-onnx
  std::string reportFormat, task;    ///< --export-report; `task` of a trace, empty: the only one
  bool keepUnfolded = false;
  bool allowUnsupported = false;
  bool emitBytecode = false;
  bool emitText = false;
  bool printLocations = false;
};

/// --import-onnx: ONNX files -> a module of the onnx dialect.
absl::Status translateImportOnnx(const Arguments &arguments);

/// --export-stream: a module with a cmd.stream -> the bytes of a stream file.
absl::Status translateExportStream(const Arguments &arguments);

/// --export-report: a module with a cmd.stream -> its cost report or a schedule's trace.
absl::Status translateExportReport(const Arguments &arguments);

/// --import-stream: a stream file -> a module of the cmd dialect.
absl::Status translateImportStream(const Arguments &arguments);

/// A context that knows the project's dialects; diagnostics are printed as this program's.
std::unique_ptr<mlir::MLIRContext> makeContext();

/// Writes `module` as text or bytecode, whichever the arguments ask for: bytecode unless
/// --text is given or the output is a terminal. Weights go to the file as they are, without
/// a copy of all of it in memory.
absl::Status writeModule(mlir::ModuleOp module, const Arguments &arguments);

/// Reads MLIR text or bytecode; "-" is standard input. The error has been printed already
/// where its message is empty.
absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> readModule(mlir::MLIRContext &context,
                                                             const std::string &path);

/// A status whose error has been printed (a diagnostic).
absl::Status alreadyPrinted();

} // namespace aac::tool

#endif // AAC_TOOLS_AAC_TRANSLATE_TRANSLATIONS_H
