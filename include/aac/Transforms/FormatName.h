//===- FormatName.h - "af8e3", and which tensor gets which ------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_FORMATNAME_H
#define AAC_TRANSFORMS_FORMATNAME_H

#include "aac/Numerics/AdaptivFloat.h"
#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/GlobPattern.h"
#include <optional>
#include <string>
#include <vector>

namespace aac {

/// Parses af<bits>e<exponent bits>, such as af8e3: 4 to 16 bits, 1 to bits-1 (at most 8) of
/// them exponent.
std::optional<AdaptivFloatFormat> parseFormatName(llvm::StringRef name);
/// The inverse: "af8e3".
std::string formatName(ir::AdaptivFloatAttr format);

/// A format for the tensors whose name a pattern (of shells: * ? [a-z]) matches.
struct FormatChoice {
  llvm::GlobPattern pattern;
  AdaptivFloatFormat format;
};
/// What a pattern is compared with: a parameter's symbol, else the first ONNX node's name of an
/// operation's location; empty if it has none.
std::string nameForFormat(mlir::Operation *op);
/// Parses `PATTERN=FORMAT,...`. Errors at `suite`: no such format, a pattern that is none,
/// exponent bits other than those of `base`.
mlir::LogicalResult parseFormatChoices(mlir::Operation *suite, llvm::StringRef text,
                                       AdaptivFloatFormat base, std::vector<FormatChoice> &choices);

} // namespace aac

#endif // AAC_TRANSFORMS_FORMATNAME_H
