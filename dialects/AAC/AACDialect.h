//===- AACDialect.h - the aac dialect ---------------------------*- C++ -*-===//
#ifndef AAC_DIALECTS_AAC_AACDIALECT_H
#define AAC_DIALECTS_AAC_AACDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/AAC/AACDialect.h.inc"
#include "dialects/AAC/AACEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/AAC/AACAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/AAC/AACOps.h.inc"

#endif // AAC_DIALECTS_AAC_AACDIALECT_H
