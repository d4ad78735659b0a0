//===- Passes.h - conversions to the aac dialect ----------------*- C++ -*-===//
#ifndef AAC_CONVERSION_PASSES_H
#define AAC_CONVERSION_PASSES_H

#include "dialects/AAC/AACDialect.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace aac {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/ConversionPasses.h.inc"

} // namespace aac

#endif // AAC_CONVERSION_PASSES_H
