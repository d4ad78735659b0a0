//===- AACOps.cpp - verifiers and assembly of the aac dialect -------------===//
#include "dialects/AAC/AACDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

#include <cmath>

using namespace mlir;
using namespace aac::ir;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

void SuiteOp::build(OpBuilder &builder, OperationState &state) {
  state.addRegion()->emplaceBlock();
}

LogicalResult ParamOp::verify() {
  auto type = getTensorType();
  ShapedType held = getValue().getShapedType();
  if (held.getShape() != type.getShape())
    return emitOpError("value has shape ") << held << ", parameter is " << type;
  if (!getFormat()) {
    if (held.getElementType() != type.getElementType())
      return emitOpError("without a format the value must be ") << type << ", got " << held;
    return success();
  }
  auto adaptivFloat = dyn_cast<AdaptivFloatAttr>(*getFormat());
  unsigned width = adaptivFloat && adaptivFloat.getBits() > 8 ? 16 : 8;
  if (auto int8 = dyn_cast<Int8Attr>(*getFormat()); int8 && !int8.fits(type.getShape()))
    return emitOpError() << "format has " << int8.getScales().size() << " scales along axis "
                         << int8.getAxis() << ", parameter is " << type;
  if (!held.getElementType().isInteger(width))
    return emitOpError("codes of ")
           << *getFormat() << " are i" << width << ", got " << held.getElementType();
  return success();
}

LogicalResult StoredOp::verify() {
  static constexpr StringLiteral kinds[] = {"weights", "vectors", "rows",
                                            "table",   "ids",     "constant"};
  if (!llvm::is_contained(kinds, getKind()))
    return emitOpError() << "unknown kind '" << getKind()
                         << "'; expected weights, vectors, rows, table, ids or constant";
  ShapedType held = getValue().getShapedType();
  if (held.getRank() != 1 || !held.getElementType().isInteger(8))
    return emitOpError() << "value must be one-dimensional i8, got " << held;
  int64_t bytes = static_cast<int64_t>(getCount()) * static_cast<int64_t>(getStride());
  if (held.getNumElements() != bytes)
    return emitOpError() << "value has " << held.getNumElements() << " bytes, count " << getCount()
                         << " times stride " << getStride() << " is " << bytes;
  if (getKind() != "weights")
    return success();
  if (!getTileRows() || !getRowVectors() || !getMaskOffsets() || !getDataOffsets() ||
      !getDataRows())
    return emitOpError(
        "weights need tile_rows, row_vectors, mask_offsets, data_offsets, data_rows");
  size_t tiles = getDataOffsets()->size();
  if (getMaskOffsets()->size() != tiles || getDataRows()->size() != tiles)
    return emitOpError() << "mask_offsets, data_offsets and data_rows differ in length: "
                         << getMaskOffsets()->size() << ", " << tiles << ", "
                         << getDataRows()->size();
  return success();
}

ParseResult TaskOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> args;
  SmallVector<Type> resultTypes;
  ArrayAttr inputNames, outputNames;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name), result.attributes) ||
      parser.parseArgumentList(args, OpAsmParser::Delimiter::Paren, /*allowType=*/true))
    return failure();
  if (parser.parseKeyword("inputs") ||
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

void TaskOp::print(OpAsmPrinter &p) {
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

LogicalResult TaskOp::verify() {
  if (getBody().getNumArguments() != getInputNames().size())
    return emitOpError() << "has " << getBody().getNumArguments() << " inputs but "
                         << getInputNames().size() << " input names";
  Operation *terminator = getBody().front().getTerminator();
  if (terminator->getNumOperands() != getOutputNames().size())
    return emitOpError() << "returns " << terminator->getNumOperands() << " values but has "
                         << getOutputNames().size() << " output names";
  return success();
}

/// Checks that `symbol` is a parameter of `type`.
static LogicalResult verifyUse(Operation *op, SymbolTableCollection &tables,
                               FlatSymbolRefAttr symbol, Type type) {
  auto suite = op->getParentOfType<SuiteOp>();
  if (!suite)
    return op->emitOpError("is not inside an aac.suite");
  auto param = tables.lookupNearestSymbolFrom<ParamOp>(suite, symbol);
  if (!param)
    return op->emitOpError() << "there is no parameter " << symbol;
  if (param.getType() != type) {
    InFlightDiagnostic diag = op->emitOpError()
                              << symbol << " is " << param.getType() << ", used as " << type;
    diag.attachNote(param.getLoc()) << "parameter declared here";
    return diag;
  }
  return success();
}

LogicalResult UseOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyUse(*this, tables, getParamAttr(), getResult().getType());
}

LogicalResult UseEachOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto loop = cast<LoopOp>((*this)->getParentOp());
  if (getParams().size() != loop.getCount())
    return emitOpError() << "names " << getParams().size() << " parameters, the loop has "
                         << loop.getCount() << " repetitions";
  for (Attribute symbol : getParams())
    if (failed(verifyUse(*this, tables, cast<FlatSymbolRefAttr>(symbol), getResult().getType())))
      return failure();
  return success();
}

ParseResult LoopOp::parse(OpAsmParser &parser, OperationState &result) {
  int64_t count;
  SmallVector<OpAsmParser::Argument> args;
  SmallVector<OpAsmParser::UnresolvedOperand> inits;
  SmallVector<Type> types;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseInteger(count) || parser.parseAssignmentList(args, inits) ||
      parser.parseColon() || parser.parseLParen())
    return failure();
  if (failed(parser.parseOptionalRParen()) && (parser.parseTypeList(types) || parser.parseRParen()))
    return failure();
  if (parser.resolveOperands(inits, types, loc, result.operands))
    return failure();
  for (auto [arg, type] : llvm::zip_equal(args, types))
    arg.type = type;
  result.addAttribute(getCountAttrName(result.name), parser.getBuilder().getI64IntegerAttr(count));
  result.addTypes(types);
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseRegion(*result.addRegion(), args))
    return failure();
  return success();
}

void LoopOp::print(OpAsmPrinter &p) {
  p << ' ' << getCount() << " (";
  llvm::interleaveComma(llvm::zip_equal(getBody().getArguments(), getInits()), p,
                        [&](auto pair) { p << std::get<0>(pair) << " = " << std::get<1>(pair); });
  p << ") : (";
  llvm::interleaveComma(getInits().getTypes(), p);
  p << ')';
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getCountAttrName()});
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult LoopOp::verify() {
  Block &body = getBody().front();
  if (body.empty() || !isa<YieldOp>(body.back()))
    return emitOpError("body must end with aac.yield");
  if (getBody().getArgumentTypes() != getInits().getTypes() ||
      body.back().getOperandTypes() != getInits().getTypes() ||
      getResultTypes() != getInits().getTypes())
    return emitOpError("initial values, arguments, yielded values and results must agree in type");
  return success();
}

OpFoldResult ConstantIdsOp::fold(FoldAdaptor) { return getValueAttr(); }

//===----------------------------------------------------------------------===//
// Transformer encoder with adapters
//===----------------------------------------------------------------------===//

/// Fails with both types when `found` is not [lead..., tail...].
static LogicalResult expectShape(Operation *op, StringRef what, Value found,
                                 ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(found.getType());
  if (type.getShape() == shape)
    return success();
  InFlightDiagnostic diag = op->emitOpError() << what << " must be [";
  llvm::interleaveComma(shape, diag);
  return diag << "], got " << type;
}

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

LogicalResult EmbeddingOp::verify() {
  if (getIds().size() != getTables().size() || getIds().empty())
    return emitOpError() << "needs one table for each ids, got " << getIds().size() << " and "
                         << getTables().size();
  ArrayRef<int64_t> result = shapeOf(getResult());
  if (result.size() != 3)
    return emitOpError() << "result must be [batch, tokens, features], got "
                         << getResult().getType();
  for (auto [ids, table] : llvm::zip_equal(getIds(), getTables())) {
    ArrayRef<int64_t> shape = shapeOf(ids);
    if (shape.size() != 2 || (shape[0] != 1 && shape[0] != result[0]) || shape[1] != result[1])
      return emitOpError() << "ids must be [" << result[0] << " or 1, " << result[1] << "], got "
                           << ids.getType();
    if (shapeOf(table).size() != 2 || shapeOf(table)[1] != result[2])
      return emitOpError() << "table must be [rows, " << result[2] << "], got " << table.getType();
  }
  return success();
}

/// Shape rules of y = x * transposed w + b.
static LogicalResult verifyLinear(Operation *op, ArrayRef<int64_t> in, ArrayRef<int64_t> out,
                                  StringRef name, Value weight, Value bias) {
  if (failed(expectShape(op, name, weight, {out.back(), in.back()})))
    return failure();
  if (bias)
    return expectShape(op, "bias", bias, {out.back()});
  return success();
}

LogicalResult LinearOp::verify() {
  ArrayRef<int64_t> in = shapeOf(getInput()), out = shapeOf(getResult());
  if (in.empty() || in.size() != out.size() || in.drop_back() != out.drop_back())
    return emitOpError() << "input " << getInput().getType() << " and result "
                         << getResult().getType() << " may differ in the last dimension only";
  return verifyLinear(*this, in, out, "weight", getWeight(), getBias());
}

LogicalResult MaskOp::verify() {
  ArrayRef<int64_t> in = shapeOf(getMask());
  if (in.size() != 2 && (in.size() != 4 || in[1] != 1 || in[2] != 1))
    return emitOpError() << "mask must be [batch, tokens] or [batch, 1, 1, tokens], got "
                         << getMask().getType();
  float constant = getConstant().convertToFloat();
  bool multiplies = getRule() == MaskRule::Inverted || getRule() == MaskRule::Times;
  if (std::isnan(constant) || (multiplies && std::isinf(constant)))
    return emitOpError() << "constant must be " << (multiplies ? "finite" : "a number") << ", got "
                         << constant;
  return expectShape(*this, "result", getResult(), {in.front(), 1, 1, in.back()});
}

LogicalResult ScoresOp::verify() {
  ArrayRef<int64_t> q = shapeOf(getQuery()), k = shapeOf(getKey());
  if (q.size() != 3 || k.size() != 3 || q[0] != k[0] || q[2] != k[2])
    return emitOpError() << "query " << getQuery().getType() << " and key " << getKey().getType()
                         << " must be [batch, tokens, features] and may differ in tokens only";
  if (q[2] % static_cast<int64_t>(getHeads()) != 0)
    return emitOpError() << q[2] << " features do not divide by " << getHeads() << " heads";
  return expectShape(*this, "result", getResult(),
                     {q[0], static_cast<int64_t>(getHeads()), q[1], k[1]});
}

LogicalResult SoftmaxOp::verify() {
  if (getResult().getType() != getScores().getType())
    return emitOpError() << "result " << getResult().getType() << " must have the scores' type "
                         << getScores().getType();
  if (!getMask())
    return getFill() ? emitOpError("cannot fill without a mask") : success();
  ArrayRef<int64_t> s = shapeOf(getScores()), m = shapeOf(getMask());
  if (s.size() != 4 || m.size() != 4 || (m[0] != 1 && m[0] != s[0]) || m[1] != 1 || m[2] != 1 ||
      m[3] != s[3])
    return emitOpError() << "mask must be [batch or 1, 1, 1, keys] of scores "
                         << getScores().getType() << ", got " << getMask().getType();
  return success();
}

LogicalResult ContextOp::verify() {
  ArrayRef<int64_t> p = shapeOf(getProbabilities()), v = shapeOf(getValue());
  if (p.size() != 4 || v.size() != 3 || p[0] != v[0] || p[3] != v[1] || p[1] < 1 ||
      v[2] % p[1] != 0)
    return emitOpError() << "probabilities [batch, heads, queries, keys] and value [batch, keys, "
                            "heads * n] do not fit: "
                         << getProbabilities().getType() << ", " << getValue().getType();
  return expectShape(*this, "result", getResult(), {p[0], p[2], v[2]});
}

LogicalResult LayerNormOp::verify() {
  if (getResult().getType() != getInput().getType())
    return emitOpError() << "result must have the input's type " << getInput().getType();
  if (shapeOf(getInput()).empty())
    return emitOpError("input must have a last axis, got a scalar");
  int64_t width = shapeOf(getInput()).back();
  if (failed(expectShape(*this, "gamma", getGamma(), {width})) ||
      failed(expectShape(*this, "beta", getBeta(), {width})))
    return failure();
  if (!(getEpsilon().convertToFloat() >= 0))
    return emitOpError() << "epsilon must not be negative, got " << getEpsilon().convertToFloat();
  return success();
}

LogicalResult AdapterOp::verify() {
  if (getResult().getType() != getInput().getType())
    return emitOpError() << "result must have the input's type " << getInput().getType();
  if (shapeOf(getInput()).empty())
    return emitOpError("input must have a last axis, got a scalar");
  int64_t width = shapeOf(getInput()).back();
  if (shapeOf(getDown()).size() != 2)
    return emitOpError() << "down must be [bottleneck, " << width << "], got "
                         << getDown().getType();
  int64_t size = shapeOf(getDown())[0];
  if (failed(expectShape(*this, "down", getDown(), {size, width})) ||
      failed(expectShape(*this, "down bias", getDownBias(), {size})) ||
      failed(expectShape(*this, "up", getUp(), {width, size})) ||
      failed(expectShape(*this, "up bias", getUpBias(), {width})))
    return failure();
  return success();
}

LogicalResult RequantiseOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  if (getResult().getType() != type)
    return emitOpError() << "rounds " << type << " to " << getResult().getType();
  if (!getTo().fits(type.getShape()))
    return emitOpError() << "has " << getTo().getScales().size() << " scales along axis "
                         << getTo().getAxis() << " of " << type;
  auto bias = getBias() ? cast<RankedTensorType>(getBias().getType()) : RankedTensorType();
  if (bias && (type.getRank() == 0 || bias.getShape() != type.getShape().take_back()))
    return emitOpError() << "adds a bias of " << bias << " to the features of " << type;
  return success();
}

LogicalResult SelectOp::verify() {
  ArrayRef<int64_t> in = shapeOf(getInput());
  if (in.size() != 3)
    return emitOpError() << "input must be [batch, tokens, features], got " << getInput().getType();
  if (static_cast<int64_t>(getIndex()) >= in[1])
    return emitOpError() << "token " << getIndex() << " is outside the " << in[1] << " tokens";
  return expectShape(*this, "result", getResult(), {in[0], in[2]});
}

LogicalResult SqueezeOp::verify() {
  ArrayRef<int64_t> in = shapeOf(getInput());
  if (in.empty() || in.back() != 1)
    return emitOpError() << "the last axis of the input must be of size 1, got "
                         << getInput().getType();
  return expectShape(*this, "result", getResult(), in.drop_back());
}

#define GET_OP_CLASSES
#include "dialects/AAC/AACOps.cpp.inc"
