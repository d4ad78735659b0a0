//===- NodeImporter.cpp - one node -> one onnx operation ------------------===//
//
// Differences between opsets end here: whatever the node's form, the operation has the
// newest one (ONNXOps.td).
//
//===----------------------------------------------------------------------===//
#include "ExternalData.h"
#include "GraphImporter.h"
#include "Messages.h"
#include "OpTable.h"

#include "aac/Interp/Attributes.h"
#include "aac/Interp/Kernels.h"
#include "aac/Interp/OnnxOps.h"
#include "mlir/IR/Diagnostics.h"
#include <cmath>

using namespace mlir;

namespace aac::onnx {
namespace {

using ::onnx::AttributeProto;

/// Constants up to this size are evaluated while importing: shapes and scalars.
constexpr int64_t kEvaluatedElements = 4096;
/// Steps of all of them together: far above what shape arithmetic of a real model needs.
constexpr int64_t kEvaluationWork = 1 << 26;

/// The last of TensorProto.DataType that elementType() may know.
constexpr int32_t kLastDataType = 16;

/// The first opset of Pad's mode "wrap".
constexpr int64_t kWrappingPads = 19;
/// The first opset in which slices may have scales of their own.
constexpr int64_t kScalesOnAnAxis = 13;

/// No operator has as many; a list that is searched stays short.
constexpr int kMaxAttributes = 64;

bool isReduction(StringRef name) { return name.starts_with("Reduce"); }

/// Takes an integer out of `attributes`, `otherwise` where it is not there.
absl::StatusOr<int64_t> takeInteger(NamedAttrList &attributes, StringRef name, int64_t otherwise) {
  Attribute given = attributes.erase(name);
  if (!given)
    return otherwise;
  if (auto integer = dyn_cast<IntegerAttr>(given))
    return integer.getInt();
  return bad(absl::StrCat("attribute ", quoted(name.str()), " must be an integer"));
}

} // namespace

Location GraphImporter::locationOf(const ::onnx::NodeProto &node) {
  std::string output = node.output_size() > 0 ? node.output(0) : "";
  Location value = NameLoc::get(builder.getStringAttr(output.empty() ? "?" : output));
  if (node.name().empty())
    return value;
  return NameLoc::get(builder.getStringAttr(node.name()), value);
}

absl::StatusOr<Value> GraphImporter::valueOf(const std::string &name) {
  if (auto found = values.find(name); found != values.end())
    return found->second;
  auto found = initializers.find(name);
  if (found == initializers.end())
    return bad(absl::StrCat("the value ", quoted(name), " does not exist"));
  ElementsAttr value = pool.intern(file.initializers[found->second]);
  Location loc = NameLoc::get(builder.getStringAttr(name));
  auto op = InitializerOp::create(builder, loc, cast<ShapedType>(value.getType()),
                                  builder.getStringAttr(name), value);
  values[name] = op.getResult();
  return op.getResult();
}

Value GraphImporter::none(Location loc) {
  if (!noneValue) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(builder.getInsertionBlock());
    noneValue = NoneOp::create(builder, builder.getUnknownLoc(), builder.getNoneType());
  }
  return noneValue;
}

Value GraphImporter::constant(ArrayRef<int64_t> elements, Location loc) {
  auto type = RankedTensorType::get({static_cast<int64_t>(elements.size())}, builder.getI64Type());
  auto op = ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, elements));
  evaluate(op);
  return op.getResult();
}

//===----------------------------------------------------------------------===//
// Constants known while importing
//===----------------------------------------------------------------------===//

const interp::Tensor *GraphImporter::evaluated(Value value) {
  if (auto found = constants.find(value); found != constants.end())
    return &found->second;
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<InitializerOp>(op))
    return nullptr;
  evaluate(op);
  auto found = constants.find(value);
  return found == constants.end() ? nullptr : &found->second;
}

/// Remembers the results of `op` if they are small and its operands known.
void GraphImporter::evaluate(Operation *op) {
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getNumElements() > kEvaluatedElements)
      return;
  }
  // Shape and Size read only the type of their operand.
  if (isa<ShapeOp, SizeOp>(op)) {
    auto type = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
    if (!type || !type.hasStaticShape())
      return;
    interp::Tensor operand;
    operand.shape.assign(type.getShape().begin(), type.getShape().end());
    const interp::Tensor *operands[] = {&operand};
    if (auto results = interp::evaluateOnnxOp(op, operands); results.ok())
      constants[op->getResult(0)] = std::move(results->front());
    return;
  }
  SmallVector<const interp::Tensor *> operands;
  for (Value operand : op->getOperands()) {
    bool absent = isa<NoneType>(operand.getType());
    if (!absent && !evaluated(operand)) // may load initialisers: no pointers are kept yet
      return;
  }
  for (Value operand : op->getOperands())
    operands.push_back(isa<NoneType>(operand.getType()) ? nullptr : evaluated(operand));
  evaluationWork += interp::evaluationWork(op);
  if (evaluationWork > kEvaluationWork)
    return; // importNode() refuses
  auto results = interp::evaluateOnnxOp(op, absl::MakeConstSpan(operands.data(), operands.size()));
  if (!results.ok())
    return; // the interpreter reports it if it is ever run
  for (auto [value, tensor] : llvm::zip_equal(op->getResults(), *results))
    constants[value] = std::move(tensor);
}

absl::Status GraphImporter::checkEvaluated() const {
  if (evaluationWork <= kEvaluationWork)
    return absl::OkStatus();
  return bad(absl::StrCat("constant arithmetic up to here takes more than ", kEvaluationWork,
                          " steps, the limit"));
}

std::optional<SmallVector<int64_t>> GraphImporter::integersOf(Value value) {
  const interp::Tensor *tensor = evaluated(value);
  if (!tensor || tensor->kind != interp::Kind::Integer)
    return std::nullopt;
  return SmallVector<int64_t>(tensor->i.begin(), tensor->i.end());
}

std::optional<SmallVector<float>> GraphImporter::floatsOf(Value value) {
  const interp::Tensor *tensor = evaluated(value);
  if (!tensor || tensor->kind != interp::Kind::Float)
    return std::nullopt;
  return SmallVector<float>(tensor->f.begin(), tensor->f.end());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

absl::StatusOr<Attribute> GraphImporter::convert(AttributeProto &attribute) {
  if (!attribute.ref_attr_name().empty())
    return bad("refers to an attribute of a function");
  switch (attribute.type()) {
  case AttributeProto::INT:
    return builder.getI64IntegerAttr(attribute.i());
  case AttributeProto::FLOAT:
    if (std::isnan(attribute.f()))
      return bad("is not a number (NaN)");
    return builder.getF32FloatAttr(attribute.f());
  case AttributeProto::STRING:
    return builder.getStringAttr(attribute.s());
  case AttributeProto::INTS:
    return builder.getDenseI64ArrayAttr(
        ArrayRef<int64_t>(attribute.ints().data(), attribute.ints_size()));
  case AttributeProto::FLOATS:
    if (llvm::any_of(attribute.floats(), [](float f) { return std::isnan(f); }))
      return bad("is not a number (NaN)");
    return builder.getDenseF32ArrayAttr(
        ArrayRef<float>(attribute.floats().data(), attribute.floats_size()));
  case AttributeProto::TENSOR: {
    // Tensors of attributes are small; external ones are not allowed here.
    if (attribute.t().data_location() == ::onnx::TensorProto::EXTERNAL)
      return bad("is an external tensor, which only initializers may be");
    ExternalData nowhere("-");
    auto tensor = takeTensor(*attribute.mutable_t(), nowhere);
    if (!tensor.ok())
      return tensor.status();
    settle(*tensor);
    if (absl::Status status = checkFinite(*tensor); !status.ok())
      return status;
    if (becomesF32(tensor->dataType))
      file.widened.insert(tensor->dataType);
    return pool.intern(*tensor);
  }
  case AttributeProto::GRAPH:
  case AttributeProto::GRAPHS:
    return bad("is a graph: control flow is not supported");
  default:
    return bad(absl::StrCat("has the type ", static_cast<int>(attribute.type()),
                            ", which is not supported"));
  }
}

absl::Status GraphImporter::readAttributes(::onnx::NodeProto &node, NamedAttrList &attributes) {
  if (node.attribute_size() > kMaxAttributes)
    return bad(
        absl::StrCat("has ", node.attribute_size(), " attributes, the most are ", kMaxAttributes));
  for (AttributeProto &attribute : *node.mutable_attribute()) {
    std::string where = absl::StrCat("attribute ", quoted(attribute.name()));
    if (attribute.name().empty() || attributes.get(attribute.name()))
      return bad(absl::StrCat(where, " has no name or occurs twice"));
    auto value = convert(attribute);
    if (!value.ok())
      return bad(absl::StrCat(where, " ", value.status().message()));
    attributes.append(attribute.name(), *value);
  }
  return absl::OkStatus();
}

absl::StatusOr<ElementsAttr> GraphImporter::constantValue(::onnx::NodeProto &node) {
  if (node.attribute_size() != 1)
    return bad("must have one attribute");
  AttributeProto &attribute = *node.mutable_attribute(0);
  const std::string &name = attribute.name();
  auto value = convert(attribute);
  if (!value.ok())
    return bad(absl::StrCat("attribute ", quoted(name), " ", value.status().message()));
  if (name == "value")
    if (auto elements = dyn_cast<ElementsAttr>(*value))
      return elements;
  auto f32 = builder.getF32Type();
  auto i64 = builder.getI64Type();
  if (name == "value_float")
    if (auto number = dyn_cast<FloatAttr>(*value))
      return DenseElementsAttr::get(RankedTensorType::get({}, f32), number.getValue());
  if (name == "value_int")
    if (auto number = dyn_cast<IntegerAttr>(*value))
      return DenseElementsAttr::get(RankedTensorType::get({}, i64), number.getValue());
  if (name == "value_floats")
    if (auto list = dyn_cast<DenseF32ArrayAttr>(*value))
      return DenseElementsAttr::get(RankedTensorType::get({list.size()}, f32), list.asArrayRef());
  if (name == "value_ints")
    if (auto list = dyn_cast<DenseI64ArrayAttr>(*value))
      return DenseElementsAttr::get(RankedTensorType::get({list.size()}, i64), list.asArrayRef());
  return bad(absl::StrCat("attribute ", quoted(name), " is not supported"));
}

//===----------------------------------------------------------------------===//
// One form for all opsets
//===----------------------------------------------------------------------===//

absl::Status GraphImporter::resolveAxesForm(const ::onnx::NodeProto &node,
                                            NamedAttrList &attributes) {
  if (node.input_size() > 1 && !node.input(1).empty()) {
    auto value = valueOf(node.input(1));
    if (!value.ok())
      return value.status();
    auto axes = integersOf(*value);
    if (!axes)
      return bad(absl::StrCat("its axes ", quoted(node.input(1)), " are not constant"));
    attributes.set("axes", builder.getDenseI64ArrayAttr(*axes));
  }
  auto axes = dyn_cast_if_present<DenseI64ArrayAttr>(attributes.get("axes"));
  if (attributes.get("axes") && !axes)
    return bad("attribute \"axes\" must be integers");
  if (isReduction(node.op_type())) {
    auto noop = takeInteger(attributes, "noop_with_empty_axes", 0);
    if (!noop.ok())
      return noop.status();
    if (!axes || axes.empty()) { // nothing named: all axes, or none
      attributes.erase("axes");
      if (*noop != 0)
        attributes.set("axes", builder.getDenseI64ArrayAttr({}));
    }
  } else if (node.op_type() == "Unsqueeze" && !axes) {
    return bad("has no axes");
  }
  return absl::OkStatus();
}

absl::Status GraphImporter::resolveAxis(const ::onnx::NodeProto &node, NamedAttrList &attributes) {
  auto value = valueOf(node.input(1));
  if (!value.ok())
    return value.status();
  auto axis = integersOf(*value);
  if (!axis || axis->size() != 1)
    return bad(absl::StrCat("its axis ", quoted(node.input(1)), " is not one constant"));
  attributes.set("axis", builder.getI64IntegerAttr(axis->front()));
  return absl::OkStatus();
}

/// A Cast to the element type of the second operand, which goes.
absl::Status GraphImporter::resolveCastLike(SmallVectorImpl<Value> &operands,
                                            NamedAttrList &attributes) {
  auto like = dyn_cast<RankedTensorType>(operands.pop_back_val().getType());
  for (int32_t to = 1; like && to <= kLastDataType; ++to)
    if (elementType(context, to) == like.getElementType()) {
      attributes.set("to", builder.getI64IntegerAttr(to));
      return absl::OkStatus();
    }
  return bad("the type of its second input is not known");
}

absl::Status GraphImporter::splitSizes(const ::onnx::NodeProto &node, NamedAttrList &attributes,
                                       Value input, SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(input.getType());
  if (!type)
    return bad("the type of its input is not known");
  auto axisAttr = dyn_cast_if_present<IntegerAttr>(attributes.get("axis"));
  int64_t axis = axisAttr ? axisAttr.getInt() : 0;
  if (axis < -type.getRank() || axis >= type.getRank())
    return bad(absl::StrCat("axis ", axis, " is outside rank ", type.getRank()));
  axis += axis < 0 ? type.getRank() : 0;
  int64_t size = type.getDimSize(axis), parts = node.output_size();
  if (parts == 0)
    return bad("has no outputs");

  SmallVector<int64_t> sizes;
  bool counted = attributes.get("num_outputs") != nullptr;
  auto count = takeInteger(attributes, "num_outputs", parts);
  if (!count.ok())
    return count.status();
  if (*count != parts)
    return bad(absl::StrCat("num_outputs is ", *count, ", it has ", parts));
  if (Attribute given = attributes.erase("split")) {
    auto list = dyn_cast<DenseI64ArrayAttr>(given);
    if (!list)
      return bad("attribute \"split\" must be integers");
    sizes.assign(list.asArrayRef().begin(), list.asArrayRef().end());
  } else if (node.input_size() > 1 && !node.input(1).empty()) {
    auto value = valueOf(node.input(1));
    if (!value.ok())
      return value.status();
    auto list = integersOf(*value);
    if (!list)
      return bad(absl::StrCat("its sizes ", quoted(node.input(1)), " are not constant"));
    sizes = *list;
    if (counted)
      return bad("has num_outputs and sizes: ONNX allows one of them");
  } else { // equal ones; only with num_outputs, and only the last may be smaller
    int64_t each = size / parts + (size % parts != 0), last = size - each * (parts - 1);
    if ((!counted && last != each) || last < 0)
      return bad(absl::StrCat(size, " elements do not divide by ", parts));
    sizes.assign(parts, each);
    sizes.back() = last;
  }
  if (static_cast<int64_t>(sizes.size()) != parts)
    return bad(absl::StrCat("has ", sizes.size(), " sizes and ", parts, " outputs"));
  for (int64_t part : sizes) {
    if (part < 0 || part > size)
      return bad(absl::StrCat("part of ", part, " elements in an axis of ", size));
    SmallVector<int64_t> shape(type.getShape());
    shape[axis] = part;
    types.push_back(RankedTensorType::get(shape, type.getElementType()));
  }
  return absl::OkStatus();
}

absl::Status GraphImporter::checkDropout(const ::onnx::NodeProto &node, NamedAttrList &attributes) {
  if (node.input_size() > 2 && !node.input(2).empty()) {
    auto value = valueOf(node.input(2));
    if (!value.ok())
      return value.status();
    auto training = integersOf(*value);
    if (!training || llvm::any_of(*training, [](int64_t v) { return v != 0; }))
      return bad("is in training mode: export the model for inference");
  }
  attributes.erase("ratio");
  attributes.erase("seed");
  return absl::OkStatus();
}

/// The attributes of opset 21: blocks are refused, a type of codes becomes a zero point of it.
absl::Status GraphImporter::resolveQuantisation(SmallVectorImpl<Value> &operands,
                                                NamedAttrList &attributes) {
  auto size = takeInteger(attributes, "block_size", 0);
  auto type = takeInteger(attributes, "output_dtype", 0);
  if (!size.ok() || !type.ok())
    return size.ok() ? type.status() : size.status();
  if (*size != 0)
    return bad(absl::StrCat("block_size ", *size,
                            ": scales of blocks are not supported, only those of a tensor or of "
                            "slices along an axis"));
  auto scale = dyn_cast<RankedTensorType>(operands[1].getType());
  if (!scale)
    return absl::OkStatus(); // its producer is unknown
  if (file.opset < kScalesOnAnAxis && scale.getNumElements() != 1)
    return bad(absl::StrCat("a vector of scales is not in opset ", file.opset, " but from ",
                            kScalesOnAnAxis, " on"));
  if (*type == 0)
    return absl::OkStatus();
  Type code = elementType(context, *type);
  if (!isa_and_nonnull<IntegerType>(code))
    return bad(absl::StrCat("output_dtype ", *type, " is not supported: codes are int8 or uint8"));
  if (auto zero = dyn_cast<RankedTensorType>(operands[2].getType())) {
    if (zero.getElementType() != code)
      return bad(absl::StrCat("output_dtype ", *type, " is not the type of the zero point"));
    return absl::OkStatus();
  }
  auto zeros = RankedTensorType::get(scale.getShape(), code);
  operands[2] = ConstantOp::create(builder, operands[1].getLoc(), zeros,
                                   DenseElementsAttr::get(zeros, builder.getZeroAttr(code)));
  return absl::OkStatus();
}

/// Scales may be inputs; stored ones are checked whatever their number, computed ones where they
/// are known.
absl::Status GraphImporter::checkScales(Value scale) {
  if (!checkedScales.insert(scale).second) // many nodes may share a long vector
    return absl::OkStatus();
  if (const interp::Tensor *known = evaluated(scale))
    return interp::checkScales(*known);
  Operation *stored = scale.getDefiningOp();
  if (!isa_and_nonnull<ConstantOp, InitializerOp>(stored))
    return absl::OkStatus();
  auto tensor = interp::fromAttribute(cast<ElementsAttr>(stored->getAttr("value")));
  return tensor.ok() ? interp::checkScales(*tensor) : tensor.status();
}

absl::Status GraphImporter::checkUnusedOutputs(const ::onnx::NodeProto &node, int used) const {
  for (int i = used; i < node.output_size(); ++i) {
    const std::string &name = node.output(i);
    if (read.contains(name) && !name.empty())
      return bad(
          absl::StrCat("its output ", quoted(name), " is used: only the first ", used, " can be"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Operation *> GraphImporter::flattenedSoftmax(OperationName name, Value input,
                                                            int64_t axis, Location loc) {
  auto type = cast<RankedTensorType>(input.getType());
  int64_t rows = 1, columns = 1;
  for (auto [index, size] : llvm::enumerate(type.getShape()))
    (static_cast<int64_t>(index) < axis ? rows : columns) *= size;
  auto flat = RankedTensorType::get({rows, columns}, type.getElementType());
  Value matrix =
      ReshapeOp::create(builder, loc, flat, input, constant({rows, columns}, loc), /*allowzero=*/1);
  OperationState state(loc, name, matrix, flat);
  state.addAttribute("axis", builder.getI64IntegerAttr(-1));
  Value result = builder.create(state)->getResult(0);
  return ReshapeOp::create(builder, loc, type, result, constant(type.getShape(), loc),
                           /*allowzero=*/1)
      .getOperation();
}

/// Gives `op` its result types and checks it as the verifier would.
absl::Status GraphImporter::finish(Operation *op, const ::onnx::NodeProto &node) {
  Inference inference = inferTypes(
      op, [&](Value value) { return integersOf(value); },
      [&](Value value) { return floatsOf(value); });
  if (inference.kind == Inference::Invalid)
    return bad(inference.message);
  if (inference.kind == Inference::Unknown) {
    bool unranked = llvm::any_of(op->getOperandTypes(), llvm::IsaPred<UnrankedTensorType>);
    if (!unranked)
      return bad("the shape of its result depends on the model's inputs, which is not supported");
  }
  for (auto [type, result] : llvm::zip(inference.types, op->getResults()))
    result.setType(type);

  std::string why;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    why += (why.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  if (failed(op->getName().verifyInvariants(op)))
    return bad(why);
  return absl::OkStatus();
}

/// Whether the file's opset has this form of the node; else what it lacks.
absl::Status GraphImporter::checkForm(const ::onnx::NodeProto &node, const OpSpec &spec) const {
  if (file.opset < spec.sinceOpset)
    return bad(absl::StrCat("is not in opset ", file.opset, " but from ", spec.sinceOpset, " on"));
  for (const AttributeProto &attribute : node.attribute())
    if (std::string why = whyNoAttribute(spec.name, attribute.name(), file.opset); !why.empty())
      return bad(absl::StrCat("attribute ", quoted(attribute.name()), " ", why));
  if (node.input_size() < spec.minInputs ||
      (spec.maxInputs >= 0 && node.input_size() > spec.maxInputs))
    return bad(absl::StrCat("has ", node.input_size(), " inputs, must have ", spec.minInputs,
                            spec.maxInputs == spec.minInputs ? ""
                            : spec.maxInputs < 0 ? " or more"
                                                 : absl::StrCat(" to ", spec.maxInputs)));
  for (int i = 0; i < spec.minInputs; ++i)
    if (node.input(i).empty())
      return bad(absl::StrCat("input ", i, " is missing"));
  for (int i = spec.minInputs; spec.maxInputs >= 0 && i < node.input_size(); ++i)
    if (std::string why = whyNoInput(spec.name, i, file.opset); !why.empty())
      return bad(absl::StrCat("input ", i, " ", why));
  return absl::OkStatus();
}

absl::Status GraphImporter::importKnownNode(const ::onnx::NodeProto &constNode, int index,
                                            const OpSpec &spec) {
  auto &node = *proto.mutable_node(index); // tensors are moved out of it
  StringRef type = spec.name;
  Location loc = locationOf(node);
  if (absl::Status status = checkForm(node, spec); !status.ok())
    return status;
  if (node.output_size() < 1 || node.output(0).empty())
    return bad("has no output");

  if (type == "Constant") {
    auto value = constantValue(node);
    if (!value.ok())
      return value.status();
    auto op = ConstantOp::create(builder, loc, cast<ShapedType>(value->getType()), *value);
    evaluate(op);
    values[node.output(0)] = op.getResult();
    return checkEvaluated();
  }

  SmallVector<Value> operands;
  int count = spec.operands < 0 ? node.input_size() : spec.operands;
  for (int i = 0; i < count; ++i) {
    if (i >= node.input_size() || node.input(i).empty()) {
      if (spec.operands < 0)
        return bad(absl::StrCat("input ", i, " is missing"));
      operands.push_back(none(loc));
      continue;
    }
    auto value = valueOf(node.input(i));
    if (!value.ok())
      return value.status();
    operands.push_back(*value);
  }

  OperationState state(loc, type == "CastLike" ? "onnx.Cast" : ("onnx." + type).str());
  NamedAttrList attributes;
  if (absl::Status status = readAttributes(node, attributes); !status.ok())
    return status;
  SmallVector<Type> types(1, UnrankedTensorType::get(builder.getF32Type()));
  absl::Status status = absl::OkStatus();
  if (isReduction(type) || type == "Squeeze" || type == "Unsqueeze") {
    status = resolveAxesForm(node, attributes);
  } else if (type == "CumSum") {
    status = resolveAxis(node, attributes);
  } else if (type == "CastLike") {
    status = resolveCastLike(operands, attributes);
  } else if (type == "Split") {
    types.clear();
    status = splitSizes(node, attributes, operands[0], types);
  } else if (type == "Dropout") {
    status = checkDropout(node, attributes);
  } else if (type == "QuantizeLinear" || type == "DequantizeLinear") {
    status = resolveQuantisation(operands, attributes);
  } else if (auto mode = dyn_cast_if_present<StringAttr>(attributes.get("mode"));
             type == "Pad" && mode && mode.getValue() == "wrap" && file.opset < kWrappingPads) {
    status = bad(absl::StrCat("mode \"wrap\" is not in opset ", file.opset, " but from ",
                              kWrappingPads, " on"));
  } else if (type == "Transpose" && !attributes.get("perm")) {
    auto ranked = dyn_cast<RankedTensorType>(operands[0].getType());
    SmallVector<int64_t> perm;
    for (int64_t axis = ranked ? ranked.getRank() : 0; axis-- > 0;)
      perm.push_back(axis);
    attributes.set("perm", builder.getDenseI64ArrayAttr(perm));
  } else if ((type == "Concat" && !attributes.get("axis")) ||
             (type == "Cast" && !attributes.get("to")) ||
             (type == "Einsum" && !attributes.get("equation"))) {
    status = bad("lacks its attribute");
  }
  if (status.ok() && types.size() == 1 && type != "Split")
    status = checkUnusedOutputs(node, 1);
  if (!status.ok())
    return status;

  // Names and types of attributes are those of the operation's definition.
  auto known = state.name.getAttributeNames();
  for (NamedAttribute attribute : attributes)
    if (!llvm::is_contained(known, attribute.getName()))
      return bad(
          absl::StrCat("attribute ", quoted(attribute.getName().str()), " is not supported"));
  std::string why;
  {
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      why = diagnostic.str();
      return success();
    });
    if (failed(state.name.verifyInherentAttrs(attributes, [&] { return emitError(loc); })))
      return bad(why);
  }

  Operation *op = nullptr;
  auto ranked = operands.empty() ? nullptr : dyn_cast<RankedTensorType>(operands[0].getType());
  if ((type == "Softmax" || type == "LogSoftmax") && file.opset < 13 && ranked) {
    auto given = dyn_cast_if_present<IntegerAttr>(attributes.get("axis"));
    int64_t axis = given ? given.getInt() : 1, rank = ranked.getRank();
    if (axis < -rank || axis >= rank)
      return bad(absl::StrCat("axis ", axis, " is outside rank ", rank));
    axis += axis < 0 ? rank : 0;
    if (axis != rank - 1) {
      auto made = flattenedSoftmax(state.name, operands[0], axis, loc);
      if (!made.ok())
        return made.status();
      op = *made;
    }
    attributes.set("axis", builder.getI64IntegerAttr(-1));
  }
  if (!op) {
    state.addOperands(operands);
    state.addTypes(types);
    state.addAttributes(attributes);
    op = builder.create(state);
    if (status = finish(op, node); !status.ok())
      return status;
  }
  if (isa<QuantizeLinearOp, DequantizeLinearOp>(op))
    if (status = checkScales(op->getOperand(1)); !status.ok())
      return status;
  evaluate(op);
  for (auto [i, result] : llvm::enumerate(op->getResults()))
    if (!node.output(i).empty())
      values[node.output(i)] = result;
  return checkEvaluated();
}

absl::Status GraphImporter::importNode(const ::onnx::NodeProto &node, int index) {
  const OpSpec *spec = findOp(node.op_type());
  if (spec && (node.domain().empty() || node.domain() == "ai.onnx"))
    return importKnownNode(node, index, *spec);
  SmallVector<Value> operands;
  for (const std::string &name : node.input()) {
    if (name.empty()) {
      operands.push_back(none(builder.getUnknownLoc()));
      continue;
    }
    auto value = valueOf(name);
    if (!value.ok())
      return value.status();
    operands.push_back(*value);
  }
  SmallVector<Type> types(node.output_size(), UnrankedTensorType::get(builder.getF32Type()));
  auto op =
      UnsupportedOp::create(builder, locationOf(node), types, builder.getStringAttr(node.op_type()),
                            builder.getStringAttr(node.domain()), operands);
  for (auto [name, result] : llvm::zip_equal(node.output(), op->getResults()))
    if (!name.empty())
      values[name] = result;
  return absl::OkStatus();
}

} // namespace aac::onnx
