//===- Passes.h - passes on the onnx dialect --------------------*- C++ -*-===//
#ifndef AAC_IMPORT_PASSES_H
#define AAC_IMPORT_PASSES_H

#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/Pass/Pass.h"

namespace aac::onnx {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "aac/Import/Passes.h.inc"
} // namespace aac::onnx

#endif // AAC_IMPORT_PASSES_H
