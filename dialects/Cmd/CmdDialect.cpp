//===- CmdDialect.cpp - registration and attributes of the cmd dialect ----===//
#include "dialects/Cmd/CmdDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace aac::cmd;

#include "dialects/Cmd/CmdDialect.cpp.inc"
#include "dialects/Cmd/CmdEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Cmd/CmdAttrs.cpp.inc"

void CmdDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Cmd/CmdAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Cmd/CmdOps.cpp.inc"
      >();
}

LogicalResult TensorAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef name,
                                 RankedTensorType type) {
  Type element = type.getElementType();
  if (!element.isInteger(32) && !element.isInteger(64) && !element.isInteger(1) && !element.isF32())
    return emitError() << "tensor '" << name << "' has elements of " << element
                       << "; expected i32, i64, f32 or i1";
  if (!type.hasStaticShape())
    return emitError() << "tensor '" << name << "' has the dynamic shape " << type
                       << "; bind its sizes";
  return success();
}
