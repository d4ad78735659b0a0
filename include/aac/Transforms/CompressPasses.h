//===- CompressPasses.h - share, roll, prune, quantise ----------*- C++ -*-===//
//
// Passes on `aac.suite`, in the order of the compress pipeline. Their reference is
// generated from CompressPasses.td.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TRANSFORMS_COMPRESSPASSES_H
#define AAC_TRANSFORMS_COMPRESSPASSES_H

#include "dialects/AAC/AACDialect.h"
#include "mlir/Pass/Pass.h"

namespace aac {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Transforms/CompressPasses.h.inc"

} // namespace aac

#endif // AAC_TRANSFORMS_COMPRESSPASSES_H
