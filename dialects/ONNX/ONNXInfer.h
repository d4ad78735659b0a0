//===- ONNXInfer.h - result types of onnx operations ------------*- C++ -*-===//
#ifndef AAC_DIALECTS_ONNX_ONNXINFER_H
#define AAC_DIALECTS_ONNX_ONNXINFER_H

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>
#include <string>

namespace aac::onnx {

class EinsumOp;
class PadOp;
class ShapeOp;

/// Most dimensions that a tensor may have: more is no model but an attack on memory.
constexpr size_t kMaxRank = 64;

/// The elements of an integer value where they are known at compile time.
using ConstantLookup = llvm::function_ref<std::optional<llvm::SmallVector<int64_t>>(mlir::Value)>;
/// The same of an f32 value.
using FloatLookup = llvm::function_ref<std::optional<llvm::SmallVector<float>>(mlir::Value)>;

/// What the operands and attributes of an operation imply for its results.
struct Inference {
  enum Kind {
    Known,   ///< `types` holds one ranked, static type for each result.
    Unknown, ///< Depends on values that are not constant, or on unranked operands.
    Invalid  ///< Operands and attributes contradict each other: `message` says how.
  } kind;
  llvm::SmallVector<mlir::Type> types;
  std::string message;
};

/// Infers the result types of an `onnx` operation. Sizes that depend on values (the shape
/// of a Reshape) are asked of `constants`, those of a Range of floats of `floats`.
Inference inferTypes(mlir::Operation *op, ConstantLookup constants, FloatLookup floats);

/// The elements of an integer `onnx.Constant`, `onnx.Initializer`.
std::optional<llvm::SmallVector<int64_t>> constantIntegers(mlir::Value value);
/// The elements of a small f32 `onnx.Constant`, `onnx.Initializer`: one that is no resource.
std::optional<llvm::SmallVector<float>> constantFloats(mlir::Value value);

/// `onnx` number of an element type (TensorProto.DataType) -> the type that the dialect
/// holds it in (all floats are f32, bool is i1); null when the dialect has none.
mlir::Type elementType(mlir::MLIRContext *context, int64_t dataType);

/// Resolves `axes` against `rank`: negative ones count from the end. Nothing when one is
/// out of range or double. Sorted.
std::optional<llvm::SmallVector<int64_t>> resolveAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

/// Shape of element-wise operations (numpy's rule); nothing when they do not fit.
std::optional<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                                          llvm::ArrayRef<int64_t> b);

/// Elements start, start + step, ... of a sliced axis.
struct SliceRange {
  int64_t start, step, count;
};
/// Clamps a Slice of an axis of `size` as ONNX says; nothing when `step` is 0.
std::optional<SliceRange> resolveSlice(int64_t start, int64_t end, int64_t step, int64_t size);

/// What a Pad adds in front along each axis, and its result's shape; `why` when it cannot.
struct PadRange {
  llvm::SmallVector<int64_t> before, shape;
  std::string why;
};
/// Nothing where pads or axes are not constant.
std::optional<PadRange> resolvePads(PadOp op, ConstantLookup constants);

/// First and last-plus-one dimension that a Shape reads.
std::pair<int64_t, int64_t> resolveShapeRange(ShapeOp op, int64_t rank);

/// The parsed equation of an Einsum of one or two operands. The axes of an ellipsis have letters
/// that the equation does not use.
struct EinsumTerms {
  llvm::SmallVector<std::string, 2> inputs;
  std::string output;
};
/// Parses the equation of `op`; nothing with a reason in `why` when it has an index twice in a
/// term, an output index or ellipsis that no input has, or not as many terms as operands.
std::optional<EinsumTerms> parseEinsum(EinsumOp op, std::string &why);

namespace trait {
mlir::LogicalResult verifyInferredTypes(mlir::Operation *op);

template <typename ConcreteOp>
class InferredTypes : public mlir::OpTrait::TraitBase<ConcreteOp, InferredTypes> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) { return verifyInferredTypes(op); }
};

/// The result's elements depend on the elements of the same place only.
template <typename ConcreteOp>
class Elementwise : public mlir::OpTrait::TraitBase<ConcreteOp, Elementwise> {};
} // namespace trait

} // namespace aac::onnx

#endif // AAC_DIALECTS_ONNX_ONNXINFER_H
