//===- AACDialect.cpp - registration and attributes of the aac dialect ----===//
#include "dialects/AAC/AACDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace aac::ir;

#include "dialects/AAC/AACDialect.cpp.inc"
#include "dialects/AAC/AACEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/AAC/AACAttrs.cpp.inc"

void AACDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/AAC/AACAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/AAC/AACOps.cpp.inc"
      >();
}

LogicalResult AdaptivFloatAttr::verify(function_ref<InFlightDiagnostic()> emitError, unsigned bits,
                                       unsigned exponentBits, int bias, int scale) {
  if (bits < 4 || bits > 16)
    return emitError() << "AdaptivFloat has 4 to 16 bits, got " << bits;
  if (exponentBits < 1 || exponentBits + 1 >= bits + 1)
    return emitError() << "AdaptivFloat<" << bits << "> needs 1 to " << bits - 1
                       << " exponent bits, got " << exponentBits;
  if (bias < 0 || bias > 7)
    return emitError() << "the exponent bias register holds 0 to 7, got " << bias;
  return success();
}

//===----------------------------------------------------------------------===//
// Int8Attr: `<0.05, zero = 3>` or `<[0.1, 0.2], zero = [3, 0], axis = 0>`
//===----------------------------------------------------------------------===//

bool Int8Attr::isSymmetric() const {
  return llvm::all_of(getZeros().asArrayRef(), [](int32_t zero) { return zero == 0; });
}

bool Int8Attr::fits(ArrayRef<int64_t> shape) const {
  return !isPerChannel() || (getAxis() < static_cast<int64_t>(shape.size()) &&
                             shape[getAxis()] == static_cast<int64_t>(getScales().size()));
}

LogicalResult Int8Attr::verify(function_ref<InFlightDiagnostic()> emitError,
                               DenseF32ArrayAttr scales, DenseI32ArrayAttr zeros, int64_t axis) {
  if (scales.size() != zeros.size())
    return emitError() << "int8 has " << scales.size() << " scales and " << zeros.size()
                       << " zero points";
  if (scales.empty() || (axis < 0 && scales.size() != 1))
    return emitError() << "int8 without an axis has one scale, got " << scales.size();
  for (float scale : scales.asArrayRef())
    if (!(scale > 0) || !std::isfinite(scale))
      return emitError() << "an int8 scale is positive and finite, got " << scale;
  for (int32_t zero : zeros.asArrayRef())
    if (zero < -128 || zero > 127)
      return emitError() << "an int8 zero point is -128 to 127, got " << zero;
  return success();
}

/// Parses one element by `element`, or several in brackets.
static ParseResult parseOneOrList(AsmParser &parser, function_ref<ParseResult()> element) {
  if (failed(parser.parseOptionalLSquare()))
    return element();
  if (parser.parseCommaSeparatedList(element))
    return failure();
  return parser.parseRSquare();
}

Attribute Int8Attr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<float> scales;
  SmallVector<int32_t> zeros;
  int64_t axis = -1;
  auto parseScale = [&]() -> ParseResult {
    double scale;
    if (parser.parseFloat(scale))
      return failure();
    scales.push_back(static_cast<float>(scale));
    return success();
  };
  auto parseZero = [&]() { return parser.parseInteger(zeros.emplace_back()); };
  if (parser.parseLess() || parseOneOrList(parser, parseScale))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("zero"))) {
      if (parser.parseEqual() || parseOneOrList(parser, parseZero))
        return {};
    } else if (parser.parseKeyword("axis") || parser.parseEqual() || parser.parseInteger(axis)) {
      return {};
    }
  }
  if (parser.parseGreater())
    return {};
  if (zeros.empty())
    zeros.assign(scales.size(), 0);
  MLIRContext *context = parser.getContext();
  return parser.getChecked<Int8Attr>(loc, context, DenseF32ArrayAttr::get(context, scales),
                                     DenseI32ArrayAttr::get(context, zeros), axis);
}

void Int8Attr::print(AsmPrinter &printer) const {
  auto list = [&](auto elements, auto print) {
    if (isPerChannel())
      printer << '[';
    llvm::interleaveComma(elements, printer, print);
    if (isPerChannel())
      printer << ']';
  };
  printer << '<';
  list(getScales().asArrayRef(), [&](float scale) { printer.printFloat(llvm::APFloat(scale)); });
  if (!isSymmetric()) {
    printer << ", zero = ";
    list(getZeros().asArrayRef(), [&](int32_t zero) { printer << zero; });
  }
  if (isPerChannel())
    printer << ", axis = " << getAxis();
  printer << '>';
}
