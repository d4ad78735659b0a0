//===- OnnxOps.h - one onnx operation evaluated -----------------*- C++ -*-===//
#ifndef AAC_INTERP_ONNXOPS_H
#define AAC_INTERP_ONNXOPS_H

#include "aac/Interp/Interpreter.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "mlir/IR/Operation.h"

namespace aac::interp {

/// The results of one `onnx` operation, which has its final (static) result types, on
/// `operands`; an absent operand (`onnx.None`) is null. Integer results are wrapped to
/// their type. Errors do not name the operation: see describe().
absl::StatusOr<std::vector<Tensor>> evaluateOnnxOp(mlir::Operation *op,
                                                   absl::Span<const Tensor *const> operands);

/// Steps that evaluating an operation of static types takes, roughly: elements read and
/// written, products made. Saturates. What folds untrusted graphs adds it up.
int64_t evaluationWork(mlir::Operation *op);

/// "onnx.MatMul (node \"MatMul_12\")" for messages.
std::string describe(mlir::Operation *op);

} // namespace aac::interp

#endif // AAC_INTERP_ONNXOPS_H
