//===- PlacePasses.h - encode, place, tile ----------------------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_PLACEPASSES_H
#define AAC_TRANSFORMS_PLACEPASSES_H

#include "dialects/AAC/AACDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace aac {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Transforms/Place/PlacePasses.h.inc"

} // namespace aac

#endif // AAC_TRANSFORMS_PLACEPASSES_H
