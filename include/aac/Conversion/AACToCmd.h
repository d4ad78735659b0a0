//===- AACToCmd.h - lower and schedule --------------------------*- C++ -*-===//
#ifndef AAC_CONVERSION_AACTOCMD_H
#define AAC_CONVERSION_AACTOCMD_H

#include "dialects/AAC/AACDialect.h"
#include "dialects/Cmd/CmdDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace aac {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lib/Conversion/AACToCmd/AACToCmdPasses.h.inc"

} // namespace aac

#endif // AAC_CONVERSION_AACTOCMD_H
