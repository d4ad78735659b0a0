//===- Calibration.h - what calibration leaves for quantisation -*- C++ -*-===//
#ifndef AAC_TRANSFORMS_CALIBRATION_H
#define AAC_TRANSFORMS_CALIBRATION_H

#include "llvm/ADT/StringRef.h"

namespace aac {

/// On an operation (f64): magnitudes of its result above this may saturate, although larger ones
/// were seen.
inline constexpr llvm::StringLiteral kClipAttr = "aac.clip";
/// On a task (i64): how many of the user's samples its magnitudes were measured on. Absent: one
/// pseudo-random sentence, or nothing.
inline constexpr llvm::StringLiteral kSamplesAttr = "aac.samples";

} // namespace aac

#endif // AAC_TRANSFORMS_CALIBRATION_H
