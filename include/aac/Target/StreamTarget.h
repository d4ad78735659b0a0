//===- StreamTarget.h - cmd dialect to stream files and back ----*- C++ -*-===//
#ifndef AAC_TARGET_STREAMTARGET_H
#define AAC_TARGET_STREAMTARGET_H

#include "aac/Stream/Stream.h"
#include "absl/status/statusor.h"
#include "dialects/Cmd/CmdDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace aac {

/// The stream that `op` describes. Tasks, images, programs and symbols keep their order;
/// locations are numbered as programs first name them, and an instruction whose location says
/// nothing (cmd::originOf) has none. `op` must verify. The error is of IR that is well-formed
/// and still no stream, such as an image whose resource has gone.
absl::StatusOr<Stream> translateToStream(cmd::StreamOp op);

/// A module that holds `stream` as a cmd.stream, with the cmd dialect loaded into `context`.
/// Error if the stream breaks a rule of the format.
absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> translateFromStream(const Stream &stream,
                                                                      mlir::MLIRContext &context);

/// The only cmd.stream of `module`, or an error that says how many there are.
absl::StatusOr<cmd::StreamOp> findStream(mlir::ModuleOp module);

/// The bytes of the stream file (.aacs) of `module`'s cmd.stream.
absl::StatusOr<std::string> exportStream(mlir::ModuleOp module);

/// Reads the bytes of a stream file into a module.
absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> importStream(llvm::StringRef bytes,
                                                               mlir::MLIRContext &context);

} // namespace aac

#endif // AAC_TARGET_STREAMTARGET_H
