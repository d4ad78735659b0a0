//===- Int8Formats.h - int8 formats fitted to tensors -----------*- C++ -*-===//
#ifndef AAC_LIB_TRANSFORMS_INT8FORMATS_H
#define AAC_LIB_TRANSFORMS_INT8FORMATS_H

#include "aac/Transforms/FormatName.h"
#include "llvm/ADT/ArrayRef.h"

namespace aac {

/// What a result holds: from `least`, at most 0, to `largest`, at least 0.
struct Interval {
  double least = 0, largest = 0;
  void include(Interval other) {
    least = std::min(least, other.least);
    largest = std::max(largest, other.largest);
  }
};

/// What the result of `op` ranges over if its magnitude is to reach `absmax`: as calibration saw
/// it (`aac.range`), widened or narrowed like its magnitude; else both signs, where the
/// operation has both.
Interval rangeOf(mlir::Operation *op, double absmax);

/// The largest magnitude that a symmetric format is chosen for (127 steps), or that another has.
double largestOf(ir::Int8Attr format);

/// The int8 format of the result of `op`: the file's own, else one scale, whatever `spec` says of
/// channels, since a product adds over them.
ir::Int8Attr int8ForResult(mlir::Operation *op, const FormatSpec &spec, Interval range);
/// The int8 format of a parameter with these values: the file's own where they still are values of
/// it, else as `spec` says. Only matrices have channels: their rows.
/// Fails with an error at `param` on a value that is not finite.
mlir::FailureOr<ir::Int8Attr> int8ForParam(ir::ParamOp param, const FormatSpec &spec,
                                           llvm::ArrayRef<float> values);

/// The codes of values of `shape`, as bytes. Adds to `saturated`, and to `underflow` those that
/// are not zero and become it.
std::vector<uint8_t> int8Codes(ir::Int8Attr format, llvm::ArrayRef<int64_t> shape,
                               llvm::ArrayRef<float> values, int64_t &saturated,
                               int64_t &underflow);

} // namespace aac

#endif // AAC_LIB_TRANSFORMS_INT8FORMATS_H
