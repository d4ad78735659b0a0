//===- ParamValues.h - the elements of aac.param ----------------*- C++ -*-===//
//
// A parameter's value is a resource (large tensors, shared memory with the file they came
// from) or a dense attribute (hand-written IR). These functions hide the difference;
// what replaces a value is held the way the old one was.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TRANSFORMS_PARAMVALUES_H
#define AAC_TRANSFORMS_PARAMVALUES_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace aac {

/// Elements of type T, in place where they lie in memory as such, else a copy.
template <typename T> class Elements {
public:
  Elements() = default;
  explicit Elements(llvm::ArrayRef<T> inPlace) : view(inPlace) {}
  explicit Elements(std::vector<T> copy) : owned(std::move(copy)), holds(true) {}
  llvm::ArrayRef<T> get() const { return holds ? llvm::ArrayRef<T>(owned) : view; }

private:
  llvm::ArrayRef<T> view;
  std::vector<T> owned;
  bool holds = false;
};

/// The bytes of a value, little-endian, row-major. Fails with an error at `param` when a
/// resource is missing or has another size than its type.
mlir::FailureOr<Elements<uint8_t>> readBytes(ir::ParamOp param);
/// The f32 values of a parameter without a format; the same errors, and one if it has codes.
mlir::FailureOr<Elements<float>> readFloats(ir::ParamOp param);
/// The 8-bit codes of a parameter with a format of at most 8 bits.
mlir::FailureOr<Elements<uint8_t>> readCodes(ir::ParamOp param);

/// Replaces the f32 values. Not thread-safe with other writers of the same context's
/// resources when names must be reproducible: call in module order.
void writeFloats(ir::ParamOp param, std::vector<float> values);
/// Replaces the values by codes of `format`, i8 or i16.
void writeCodes(ir::ParamOp param, std::vector<uint8_t> codes, mlir::Attribute format);
void writeCodes(ir::ParamOp param, std::vector<uint16_t> codes, mlir::Attribute format);

/// The parameters that an operand reads: one behind `aac.use`, one for each repetition
/// behind `aac.use_each`, none if it is no parameter.
llvm::SmallVector<ir::ParamOp> paramsBehind(mlir::Value operand, mlir::SymbolTable &symbols);

/// True for operations that make an activation: those that may carry `format`.
bool makesActivation(mlir::Operation *op);

/// The format of an operand: of the operation that makes it, of the initial value of a
/// loop for its arguments and results, of the first parameter behind a use. Null if none.
mlir::Attribute anyFormatOf(mlir::Value value, mlir::SymbolTable &symbols);
/// The same where it is AdaptivFloat, as everything is that an engine runs; else null.
ir::AdaptivFloatAttr formatOf(mlir::Value value, mlir::SymbolTable &symbols);
/// The AdaptivFloat format of a parameter or of an operation's result, null if it has none.
ir::AdaptivFloatAttr formatOf(mlir::Operation *op);

} // namespace aac

#endif // AAC_TRANSFORMS_PARAMVALUES_H
