//===- ToolContext.h - the MLIR context of the command-line tools -*- C++ -*-===//
#ifndef AAC_PIPELINES_TOOLCONTEXT_H
#define AAC_PIPELINES_TOOLCONTEXT_H

#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"
#include <memory>
#include <string>

namespace aac {

/// A location for people: a file position, or the name of the ONNX node; of several fused
/// nodes the first, and how many more. Empty if nothing is known.
std::string describeLocation(mlir::Location loc);

/// A context that knows the project's dialects and prints diagnostics to standard error as
/// `<tool>: error: <location>: <message>`, without the operation; remarks only where asked for.
std::unique_ptr<mlir::MLIRContext> makeToolContext(std::string tool, bool remarks = false);

} // namespace aac

#endif // AAC_PIPELINES_TOOLCONTEXT_H
