//===- ONNXOps.cpp - structure operations of the onnx dialect -------------===//
#include "dialects/ONNX/ONNXDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace aac::onnx;

ParseResult GraphOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> args;
  ArrayAttr inputNames, outputNames;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name), result.attributes) ||
      parser.parseArgumentList(args, OpAsmParser::Delimiter::Paren, /*allowType=*/true) ||
      parser.parseKeyword("inputs") ||
      parser.parseAttribute(inputNames, getInputNamesAttrName(result.name), result.attributes) ||
      parser.parseKeyword("outputs") ||
      parser.parseAttribute(outputNames, getOutputNamesAttrName(result.name), result.attributes) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, args))
    return failure();
  ensureTerminator(*body, parser.getBuilder(), result.location);
  return success();
}

void GraphOp::print(OpAsmPrinter &p) {
  p << ' ';
  p.printSymbolName(getSymName());
  p << '(';
  llvm::interleaveComma(getBody().getArguments(), p,
                        [&](BlockArgument arg) { p.printRegionArgument(arg); });
  p << ") inputs " << getInputNames() << " outputs " << getOutputNames();
  p.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getInputNamesAttrName(), getOutputNamesAttrName()});
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/true);
}

LogicalResult GraphOp::verify() {
  if (getBody().getNumArguments() != getInputNames().size())
    return emitOpError() << "has " << getBody().getNumArguments() << " inputs but "
                         << getInputNames().size() << " input names";
  Operation *terminator = getBody().front().getTerminator();
  if (terminator->getNumOperands() != getOutputNames().size())
    return emitOpError() << "returns " << terminator->getNumOperands() << " values but has "
                         << getOutputNames().size() << " output names";
  return success();
}

/// A resource must be there and have as many bytes as its type says (MLIR does not check).
static LogicalResult verifyValue(Operation *op, ElementsAttr value) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  if (!resource)
    return success();
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob) // elided when printed; whoever reads the values must say so
    return success();
  auto type = cast<ShapedType>(value.getType());
  if (!type.getElementType().isIntOrFloat())
    return op->emitOpError() << "elements must be integers or floats, got " << type;
  uint64_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  if (blob->getData().size() != bytes)
    return op->emitOpError() << "resource has " << blob->getData().size() << " bytes, " << type
                             << " needs " << bytes;
  return success();
}

LogicalResult InitializerOp::verify() { return verifyValue(*this, getValue()); }
LogicalResult ConstantOp::verify() { return verifyValue(*this, getValue()); }
OpFoldResult InitializerOp::fold(FoldAdaptor) { return getValueAttr(); }
OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

#define GET_OP_CLASSES
#include "dialects/ONNX/ONNXOps.cpp.inc"
