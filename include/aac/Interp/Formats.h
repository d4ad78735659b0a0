//===- Formats.h - tensors in the number formats of aac IR ------*- C++ -*-===//
//
// The codecs (Numerics/AdaptivFloat.h, Numerics/Int8.h) by format attribute: #aac.af or
// #aac.int8. `shape` is that of the tensor; per-channel scales lie along one of its axes.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_INTERP_FORMATS_H
#define AAC_INTERP_FORMATS_H

#include "aac/Interp/Interpreter.h"
#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Numerics/Int8.h"
#include "dialects/AAC/AACDialect.h"

namespace aac::interp {

/// Bits and exponent bits.
AdaptivFloatFormat shapeOf(ir::AdaptivFloatAttr format);

/// The scales of a format, and how many elements lie behind its axis in a tensor of `shape`
/// (encodeInt8's `inner`).
std::vector<Int8Scale> scalesOf(ir::Int8Attr format);
int64_t innerOf(ir::Int8Attr format, llvm::ArrayRef<int64_t> shape);

/// Rounds each value to the nearest one that `format` has.
void roundTo(mlir::Attribute format, llvm::ArrayRef<int64_t> shape,
             llvm::MutableArrayRef<float> values);

/// The f32 values of codes (i8, or i16 for more than 8 bits). Errors: no data.
absl::StatusOr<Tensor> decode(mlir::ElementsAttr codes, mlir::Attribute format);

} // namespace aac::interp

#endif // AAC_INTERP_FORMATS_H
