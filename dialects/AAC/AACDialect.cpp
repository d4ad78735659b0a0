//===- AACDialect.cpp - registration and attributes of the aac dialect ----===//
#include "dialects/AAC/AACDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

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
