//===- FormatName.cpp - formats by name, and which tensor gets which ------===//
#include "aac/Transforms/FormatName.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

using namespace mlir;
using namespace aac;
using namespace aac::ir;

std::optional<AdaptivFloatFormat> aac::parseFormatName(StringRef name) {
  AdaptivFloatFormat format;
  if (!name.consume_front("af") || name.consumeInteger(10, format.bits) ||
      !name.consume_front("e") || name.consumeInteger(10, format.exponentBits) || !name.empty() ||
      format.bits < 4 || format.bits > 16 || format.exponentBits < 1 ||
      format.exponentBits >= format.bits || format.exponentBits > 8)
    return std::nullopt;
  return format;
}

const char *const aac::kFormatHint =
    "write af<bits>e<exponent bits>, 4 to 16 bits, such as af8e3, or int8, int8:asymmetric, "
    "int8:channel, int8:channel:asymmetric";

std::optional<FormatSpec> aac::parseFormatSpec(StringRef name) {
  FormatSpec spec;
  if (!name.consume_front("int8")) {
    std::optional<AdaptivFloatFormat> format = parseFormatName(name);
    if (!format)
      return std::nullopt;
    spec.adaptivFloat = *format;
    return spec;
  }
  spec.isInt8 = true;
  while (!name.empty()) {
    bool *property = name.consume_front(":asymmetric") ? &spec.asymmetric
                     : name.consume_front(":channel")  ? &spec.channel
                                                       : nullptr;
    if (!property || *property)
      return std::nullopt;
    *property = true;
  }
  return spec;
}

std::string aac::formatName(Attribute format) {
  if (auto int8 = dyn_cast<Int8Attr>(format))
    return std::string("int8") + (int8.isPerChannel() ? ":channel" : "") +
           (int8.isSymmetric() ? "" : ":asymmetric");
  auto adaptivFloat = cast<AdaptivFloatAttr>(format);
  return "af" + std::to_string(adaptivFloat.getBits()) + "e" +
         std::to_string(adaptivFloat.getExponentBits());
}

int64_t aac::codeBits(Attribute format) {
  auto adaptivFloat = dyn_cast<AdaptivFloatAttr>(format);
  return adaptivFloat ? adaptivFloat.getBits() : 8;
}

int64_t aac::scaleBytes(Attribute format) {
  auto int8 = dyn_cast<Int8Attr>(format);
  return int8 ? int8.getScales().size() * (int8.isSymmetric() ? 4 : 5) : 0;
}

int64_t aac::denseBytes(Attribute format, int64_t elements) {
  return (elements * codeBits(format) + 7) / 8 + scaleBytes(format);
}

std::string aac::nameForFormat(Operation *op) {
  if (auto param = dyn_cast<ParamOp>(op))
    return param.getSymName().str();
  std::string name;
  op->getLoc()->walk([&](Location loc) {
    auto named = dyn_cast<NameLoc>(loc);
    if (!named)
      return WalkResult::advance();
    name = named.getName().str();
    return WalkResult::interrupt();
  });
  return name;
}

LogicalResult aac::parseFormatChoices(Operation *suite, StringRef text, AdaptivFloatFormat base,
                                      std::vector<FormatChoice> &choices) {
  SmallVector<StringRef> parts;
  text.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [pattern, name] = part.rsplit('=');
    std::optional<FormatSpec> format = parseFormatSpec(name);
    if (pattern.empty() || !format)
      return suite->emitError() << "formats '" << part
                                << "' must be PATTERN=FORMAT, such as layer_0_*=af12e3 "
                                   "or *_weight=int8:channel";
    if (!format->isInt8 && format->adaptivFloat.exponentBits != base.exponentBits)
      return suite->emitError() << "formats '" << part << "': all formats of a suite have the same "
                                << "exponent bits, " << base.exponentBits << " here";
    llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(pattern);
    if (!glob)
      return suite->emitError() << "formats '" << part << "': " << llvm::toString(glob.takeError());
    choices.push_back({std::move(*glob), *format});
  }
  return success();
}
