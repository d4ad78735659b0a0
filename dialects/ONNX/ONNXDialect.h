//===- ONNXDialect.h - the onnx dialect -------------------------*- C++ -*-===//
#ifndef AAC_DIALECTS_ONNX_ONNXDIALECT_H
#define AAC_DIALECTS_ONNX_ONNXDIALECT_H

#include "dialects/ONNX/ONNXInfer.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/ONNX/ONNXDialect.h.inc"
#define GET_OP_CLASSES
#include "dialects/ONNX/ONNXOps.h.inc"

namespace aac::onnx {

/// Of a graph: the types of the file's floats that became f32, such as [f16]; absent if none did.
constexpr llvm::StringLiteral kWidenedAttr = "widened_to_f32";
/// Of a graph, and of the task raised from it: the element type of each output as the file declares
/// it, where one is f16, bf16 or f64. Computed in f32, converted where results leave.
constexpr llvm::StringLiteral kOutputTypesAttr = "output_types";

} // namespace aac::onnx

#endif // AAC_DIALECTS_ONNX_ONNXDIALECT_H
