//===- WeightBounds.h - how large values can get, from weights --*- C++ -*-===//
#ifndef AAC_LIB_TRANSFORMS_WEIGHTBOUNDS_H
#define AAC_LIB_TRANSFORMS_WEIGHTBOUNDS_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/DenseMap.h"

namespace aac {

/// Sizes of one parameter. Rows are those of a matrix; a vector is one row.
struct ParamSize {
  double absmax = 0;
  double rowL1 = 0, rowL2 = 0; ///< of the largest row
  double frobenius = 0;        ///< of all elements
  bool finite = true;
};
ParamSize sizeOfParam(llvm::ArrayRef<float> values, int64_t rowLength);

/// Sizes of all parameters of `suite`, measured in parallel; an error at one that is not finite.
mlir::FailureOr<llvm::DenseMap<mlir::Operation *, ParamSize>> sizesOfParams(ir::SuiteOp suite);

/// Bounds on a value: no element is larger than `max`, no row (last axis) has a larger
/// Euclidean norm than `norm`. Both hold for any input. `rms` and `likely` are what is to be
/// expected of values that are independent of each other: their root mean square, and a magnitude
/// that few of them exceed.
struct Bound {
  double max = 0, norm = 0;
  double rms = 0, likely = 0;
};

/// Bounds of every activation of `task`, from the sizes of its parameters alone. `sizes` has
/// every parameter that the task uses. Values that depend on an f32 input have none. `likely` has
/// room for `sigmas` root mean squares (at most `max`).
llvm::DenseMap<mlir::Value, Bound>
boundsFromWeights(ir::TaskOp task, mlir::SymbolTable &symbols,
                  const llvm::DenseMap<mlir::Operation *, ParamSize> &sizes, double sigmas);

} // namespace aac

#endif // AAC_LIB_TRANSFORMS_WEIGHTBOUNDS_H
