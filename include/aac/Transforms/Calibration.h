//===- Calibration.h - what calibration leaves for quantisation -*- C++ -*-===//
#ifndef AAC_TRANSFORMS_CALIBRATION_H
#define AAC_TRANSFORMS_CALIBRATION_H

#include "llvm/ADT/StringRef.h"

namespace aac {

/// On an operation (f64): magnitudes of its result above this may saturate, although larger ones
/// were seen.
inline constexpr llvm::StringLiteral kClipAttr = "aac.clip";
/// On an operation (two f64): the least and the largest value of its result, where they were asked
/// for.
inline constexpr llvm::StringLiteral kRangeAttr = "aac.range";
/// On an operation (#aac.int8): the file rounds its result to this format, wherever it is used.
inline constexpr llvm::StringLiteral kQuantisedAttr = "aac.quantised";
/// On a task (i64): how many of the user's samples its magnitudes were measured on. Absent: one
/// pseudo-random sentence, or nothing.
inline constexpr llvm::StringLiteral kSamplesAttr = "aac.samples";

} // namespace aac

#endif // AAC_TRANSFORMS_CALIBRATION_H
