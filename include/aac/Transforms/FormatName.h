//===- FormatName.h - "af8e3" -----------------------------------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_FORMATNAME_H
#define AAC_TRANSFORMS_FORMATNAME_H

#include "aac/Numerics/AdaptivFloat.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace aac {

/// Parses af<bits>e<exponent bits>, such as af8e3: 4 to 16 bits, 1 to bits-1 (at most 8) of
/// them exponent.
std::optional<AdaptivFloatFormat> parseFormatName(llvm::StringRef name);

} // namespace aac

#endif // AAC_TRANSFORMS_FORMATNAME_H
