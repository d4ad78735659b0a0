//===- InferRules.h - result types by families of operations ----*- C++ -*-===//
//
// Private to the dialect: what inferTypes() chooses from (Infer*.cpp), and what those share.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_DIALECTS_ONNX_INFERRULES_H
#define AAC_DIALECTS_ONNX_INFERRULES_H

#include "dialects/ONNX/ONNXDialect.h"

#include "llvm/ADT/Twine.h"

namespace aac::onnx::infer {

using Shape = llvm::SmallVector<int64_t>;

inline Inference known(mlir::Type type) { return {Inference::Known, {type}, ""}; }
inline Inference unknown() { return {Inference::Unknown, {}, ""}; }
inline Inference invalid(const llvm::Twine &message) {
  return {Inference::Invalid, {}, message.str()};
}

/// "[2, 3]"
std::string str(llvm::ArrayRef<int64_t> shape);
std::string str(mlir::Type type);
/// Text of a file in quotes: control characters escaped, at most 200 characters.
std::string quoted(llvm::StringRef text);

inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}
inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) { return typeOf(value).getShape(); }
inline bool isAbsent(mlir::Value value) { return mlir::isa<mlir::NoneType>(value.getType()); }

/// A tensor type, or Invalid when its elements cannot be counted, zeros left out.
Inference tensor(llvm::ArrayRef<int64_t> shape, mlir::Type element);

/// `axis` from the front; nothing when it is outside `rank`.
std::optional<int64_t> resolveAxis(int64_t axis, int64_t rank);
Inference badAxis(int64_t axis, int64_t rank);

// Results with the shape of their operands, in some axes reduced (InferElements.cpp).
Inference elementwise(mlir::Operation *op);
Inference reduce(mlir::Operation *op);
Inference arg(mlir::Operation *op);
Inference cumSum(CumSumOp op);
Inference softmax(mlir::Operation *op, int64_t axis);
Inference layerNormalization(LayerNormalizationOp op);
/// QuantizeLinear and DequantizeLinear: x, scale, zero point.
Inference quantisation(mlir::Operation *op, int64_t axis);

// Sums of products (InferProducts.cpp).
Inference matMul(MatMulOp op);
Inference gemm(GemmOp op);
Inference einsum(EinsumOp op);

// Elements of operands in other places (InferMovers.cpp).
Inference concat(ConcatOp op);
Inference split(SplitOp op);
Inference slice(SliceOp op, ConstantLookup constants);
Inference pad(PadOp op, ConstantLookup constants);
Inference gather(GatherOp op);
Inference gatherElements(GatherElementsOp op);
Inference trilu(TriluOp op);
Inference reshape(ReshapeOp op, ConstantLookup constants);
Inference flatten(FlattenOp op);
Inference squeeze(SqueezeOp op);
Inference unsqueeze(UnsqueezeOp op);
Inference transpose(TransposeOp op);
Inference tile(TileOp op, ConstantLookup constants);
Inference expand(ExpandOp op, ConstantLookup constants);

// What sizes and numbers make (InferMakers.cpp).
Inference range(RangeOp op, ConstantLookup constants, FloatLookup floats);
Inference oneHot(OneHotOp op, ConstantLookup constants);
Inference shape(ShapeOp op);
Inference constantOfShape(ConstantOfShapeOp op, ConstantLookup constants);

} // namespace aac::onnx::infer

#endif // AAC_DIALECTS_ONNX_INFERRULES_H
