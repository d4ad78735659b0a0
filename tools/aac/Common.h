//===- Common.h - what several subcommands of aac share ---------*- C++ -*-===//
#ifndef AAC_TOOLS_AAC_COMMON_H
#define AAC_TOOLS_AAC_COMMON_H

#include "Commands.h"

#include "aac/Interp/Interpreter.h"
#include "aac/Support/Npz.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <memory>
#include <string>
#include <vector>

namespace aac::tool {

/// The options of commands that read ONNX files.
struct OnnxArguments {
  std::vector<std::string> sources; ///< TASK=PATH or PATH
  std::vector<std::string> bindings;

  /// Adds the positional sources and --bind to `command`.
  void add(CLI::App &command);
  /// Adds --bind alone.
  void addBindings(CLI::App &command);
  /// Imports all sources into one module; fails the command where that is not possible.
  mlir::OwningOpRef<mlir::ModuleOp> import(mlir::MLIRContext &context) const;
};

/// Reads MLIR text or bytecode ("-" is standard input; a path that ends in .onnx, or
/// TASK=PATH with one, is imported). Fails the command where that is not possible.
mlir::OwningOpRef<mlir::ModuleOp> loadModule(mlir::MLIRContext &context, const std::string &path,
                                             const OnnxArguments &onnx = {});

/// The graph (`onnx.graph` or `aac.task`) of `task`; of the only one where `task` is empty.
/// Fails the command with the names that there are.
mlir::Operation *findTask(mlir::ModuleOp module, const std::string &task);

/// The strings of an array attribute of a graph: its "input_names", its "output_names".
std::vector<std::string> namesOf(mlir::Operation *graph, const char *attribute);

/// An array as the input `name` of elements of type `element`. Fails the command where its
/// elements cannot be that.
interp::Tensor toTensor(const NpyArray &array, mlir::Type element, const std::string &name);

} // namespace aac::tool

#endif // AAC_TOOLS_AAC_COMMON_H
