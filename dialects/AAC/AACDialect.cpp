//===- AACDialect.cpp - registration and attributes of the aac dialect ----===//
#include "dialects/AAC/AACDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace aac::ir;

#include "dialects/AAC/AACDialect.cpp.inc"
#include "dialects/AAC/AACEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/AAC/AACAttrs.cpp.inc"

void AACDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/AAC/AACAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/AAC/AACOps.cpp.inc"
      >();
}

LogicalResult AdaptivFloatAttr::verify(function_ref<InFlightDiagnostic()> emitError, unsigned bits,
                                       unsigned exponentBits, int bias, int scale) {
  if (bits < 4 || bits > 16)
    return emitError() << "AdaptivFloat has 4 to 16 bits, got " << bits;
  if (exponentBits < 1 || exponentBits + 1 >= bits + 1)
    return emitError() << "AdaptivFloat<" << bits << "> needs 1 to " << bits - 1
                       << " exponent bits, got " << exponentBits;
  if (bias < 0 || bias > 7)
    return emitError() << "the exponent bias register holds 0 to 7, got " << bias;
  return success();
}

LogicalResult AffineAttr::verify(function_ref<InFlightDiagnostic()> emitError, Type type,
                                 DenseF32ArrayAttr scales, DenseI64ArrayAttr zeroPoints,
                                 int64_t axis) {
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.getWidth() < 2 || integer.getWidth() > 32)
    return emitError() << "codes are integers of 2 to 32 bits, got " << type;
  if (scales.empty() || scales.size() != zeroPoints.size() || (axis < 0 && scales.size() != 1))
    return emitError() << "got " << scales.size() << " scales and " << zeroPoints.size()
                       << " zero points for axis " << axis;
  for (float scale : scales.asArrayRef())
    if (!(scale > 0) || !std::isfinite(scale))
      return emitError() << "scale " << scale << " is not a positive number";
  return success();
}

std::pair<int64_t, int64_t> AffineAttr::getCodeRange() const {
  auto integer = cast<IntegerType>(getType());
  int64_t count = int64_t(1) << integer.getWidth();
  if (integer.isUnsigned())
    return {0, count - 1};
  return {-count / 2, count / 2 - 1};
}

double AffineAttr::getAbsmax() const {
  auto [low, high] = getCodeRange();
  double largest = 0;
  for (auto [scale, zero] : llvm::zip(getScales().asArrayRef(), getZeroPoints().asArrayRef()))
    largest = std::max(largest, static_cast<double>(scale) * std::max(zero - low, high - zero));
  return largest;
}
