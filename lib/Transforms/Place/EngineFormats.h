//===- EngineFormats.h - what number formats an engine has ------*- C++ -*-===//
#ifndef AAC_LIB_TRANSFORMS_PLACE_ENGINEFORMATS_H
#define AAC_LIB_TRANSFORMS_PLACE_ENGINEFORMATS_H

#include "aac/Machine/Machine.h"
#include "aac/Numerics/AdaptivFloat.h"
#include "dialects/AAC/AACDialect.h"

namespace aac {

/// Fails, at the first parameter or operation of another format than kEngineFormat, with
/// the machine's name.
mlir::LogicalResult checkEngineFormats(ir::SuiteOp suite, const Machine &machine);

} // namespace aac

#endif // AAC_LIB_TRANSFORMS_PLACE_ENGINEFORMATS_H
