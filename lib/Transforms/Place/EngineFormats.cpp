//===- EngineFormats.cpp - what number formats an engine has --------------===//
#include "EngineFormats.h"

#include "aac/Transforms/FormatName.h"

using namespace mlir;
using namespace aac;
using namespace aac::ir;

LogicalResult aac::checkEngineFormats(SuiteOp suite, const Machine &machine) {
  WalkResult result = suite.walk([&](Operation *op) {
    if (auto int8 = op->getAttrOfType<Int8Attr>("format")) {
      op->emitError() << "machine '" << machine.name << "' has no int8, the format ("
                      << formatName(int8) << ") of '" << nameForFormat(op) << "' (" << op->getName()
                      << "): use af" << kEngineFormat.bits << "e" << kEngineFormat.exponentBits;
      return WalkResult::interrupt();
    }
    auto format = op->getAttrOfType<AdaptivFloatAttr>("format");
    if (!format || (static_cast<int>(format.getBits()) == kEngineFormat.bits &&
                    static_cast<int>(format.getExponentBits()) == kEngineFormat.exponentBits))
      return WalkResult::advance();
    op->emitError() << "machine '" << machine.name << "' computes with af" << kEngineFormat.bits
                    << "e" << kEngineFormat.exponentBits << ", it cannot run " << formatName(format)
                    << " of '" << nameForFormat(op) << "'";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}
