//===- Attributes.h - tensors <-> MLIR attributes ---------------*- C++ -*-===//
#ifndef AAC_INTERP_ATTRIBUTES_H
#define AAC_INTERP_ATTRIBUTES_H

#include "aac/Interp/Interpreter.h"
#include "absl/status/statusor.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace aac::interp {

/// The bytes of a dense or dense_resource attribute, row-major, little-endian; one element of a
/// splat. The errors of fromAttribute().
absl::StatusOr<llvm::ArrayRef<char>> bytesOf(mlir::ElementsAttr attribute);

/// The values of a dense or dense_resource attribute. Elements may be f16, bf16, f32, f64
/// or integers of up to 64 bits. Errors: no data (elided), a size that does not match.
absl::StatusOr<Tensor> fromAttribute(mlir::ElementsAttr attribute);

/// A dense attribute of `type` (f32 or integer elements) with the values of `tensor`, whose
/// shape must be that of `type`.
mlir::DenseElementsAttr toAttribute(const Tensor &tensor, mlir::RankedTensorType type);

} // namespace aac::interp

#endif // AAC_INTERP_ATTRIBUTES_H
