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

/// What a user asks for, before it is fitted to a tensor: "af8e3", or "int8" with ":asymmetric"
/// (a zero point), ":channel" (a scale for each output feature or table row) or both.
struct FormatSpec {
  bool isInt8 = false;
  AdaptivFloatFormat adaptivFloat;          ///< unless it is int8
  bool asymmetric = false, channel = false; ///< of int8
};
std::optional<FormatSpec> parseFormatSpec(llvm::StringRef name);
/// What parseFormatSpec takes, for messages: "write af<bits>e<exponent bits>, ...".
extern const char *const kFormatHint;

/// The name of a tensor's format: "af8e3", "int8:channel".
std::string formatName(mlir::Attribute format);
/// Bits of a code.
int64_t codeBits(mlir::Attribute format);
/// Bytes beside the codes: an int8 format's scales, 4 each, and its zero points where it has any.
int64_t scaleBytes(mlir::Attribute format);
/// Bytes of `elements` dense codes and what is beside them.
int64_t denseBytes(mlir::Attribute format, int64_t elements);

/// A format for the tensors whose name a pattern (of shells: * ? [a-z]) matches.
struct FormatChoice {
  llvm::GlobPattern pattern;
  FormatSpec format;
};
/// What a pattern is compared with: a parameter's symbol, else the first ONNX node's name of an
/// operation's location; empty if it has none.
std::string nameForFormat(mlir::Operation *op);
/// Parses `PATTERN=FORMAT,...`. Errors at `suite`: no such format, a pattern that is none,
/// AdaptivFloat with other exponent bits than `base`.
mlir::LogicalResult parseFormatChoices(mlir::Operation *suite, llvm::StringRef text,
                                       AdaptivFloatFormat base, std::vector<FormatChoice> &choices);

} // namespace aac

#endif // AAC_TRANSFORMS_FORMATNAME_H
