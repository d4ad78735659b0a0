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

#endif // AAC_DIALECTS_ONNX_ONNXDIALECT_H
