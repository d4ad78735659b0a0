//===- ProductShift.h - the shift of a matrix product -----------*- C++ -*-===//
//
// The engine's accumulator counts in units of 2^(minExpA - 4 + minExpB - 4); it is shifted
// right to units of 2^-12 times the result's scale (docs: engine arithmetic). So
//   shift = s_out - minExpA - minExpB - 4 - log2(factor).
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_TRANSFORMS_PRODUCTSHIFT_H
#define AAC_LIB_TRANSFORMS_PRODUCTSHIFT_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

namespace aac {

inline constexpr int kMaxShift = 31;

inline int productShift(int scaleOut, int minExponentA, int minExponentB, int logFactor) {
  return scaleOut - minExponentA - minExponentB - 4 - logFactor;
}

/// The two factors of a matrix product and log2 of what multiplies it.
struct Product {
  mlir::Operation *op = nullptr;
  mlir::Value a, b;
  int logFactor = 0;
};

/// Null `op` if `op` is no matrix product; fails with an error if its factor is no power of
/// two.
inline mlir::FailureOr<Product> productOf(mlir::Operation *op) {
  using namespace ir;
  if (auto linear = llvm::dyn_cast<LinearOp>(op))
    return Product{op, linear.getInput(), linear.getWeight(), 0};
  if (auto context = llvm::dyn_cast<ContextOp>(op))
    return Product{op, context.getProbabilities(), context.getValue(), 0};
  auto scores = llvm::dyn_cast<ScoresOp>(op);
  if (!scores)
    return Product{};
  double scale = scores.getScale().convertToDouble();
  int exponent = 0;
  if (!(scale > 0) || std::frexp(scale, &exponent) != 0.5)
    return op->emitOpError() << "scale " << scale
                             << " is no power of two: the engine can only shift (aac-fold-scales "
                                "moves the rest into the query's weight)";
  return Product{op, scores.getQuery(), scores.getKey(), exponent - 1};
}

/// A relu that the engine applies in the same command as the linear before it; null if `op` is
/// no such linear.
inline ir::ActivationFnOp fusedRelu(ir::LinearOp op) {
  if (!op->hasOneUse())
    return nullptr;
  auto relu = llvm::dyn_cast<ir::ActivationFnOp>(*op->getUsers().begin());
  return relu && relu.getKind() == ir::ActivationKind::Relu ? relu : nullptr;
}

} // namespace aac

#endif // AAC_LIB_TRANSFORMS_PRODUCTSHIFT_H
