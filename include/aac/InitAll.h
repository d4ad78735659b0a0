//===- InitAll.h - registration of all dialects and passes ------*- C++ -*-===//
//
// What every tool of the compiler registers. A new dialect, pass group or pipeline gets one
// line in lib/Pipelines/InitAll.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_INITALL_H
#define AAC_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace aac {

/// Adds builtin and the project's dialects to `registry`.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers every pass and pipeline of the project with MLIR's global registry, and the
/// canonicalizer, CSE and symbol DCE.
void registerAllPasses();

} // namespace aac

#endif // AAC_INITALL_H
