//===- Requantise.cpp - recognises activations that the file rounds -------===//
//
// A DequantizeLinear of a QuantizeLinear with the same constants, one scale for the whole value;
// and the bias of a product that is added behind it, where files round the product alone.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

/// The constant behind `value`: null attribute if it is left out, nothing if it is no constant.
static std::optional<Attribute> constantOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (isa<NoneType>(value.getType()))
    return Attribute();
  return isa_and_nonnull<onnx::ConstantOp, onnx::InitializerOp>(op)
             ? std::optional<Attribute>(op->getAttr("value"))
             : std::nullopt;
}

static std::optional<Int8Scale> storedScale(Value scale, Value zero, Value codes) {
  std::optional<Attribute> scaleValue = constantOf(scale), zeroValue = constantOf(zero);
  auto type = dyn_cast<RankedTensorType>(codes.getType());
  if (!scaleValue || !zeroValue || !type)
    return std::nullopt;
  return raise::scaleOf(*scaleValue, *zeroValue, type.getElementType());
}

std::optional<RequantiseParts> raise::requantiseParts(Graph &graph, Value value, std::string &why) {
  auto dequantise = value.getDefiningOp<onnx::DequantizeLinearOp>();
  if (!dequantise)
    return std::nullopt;
  auto quantise = dequantise.getX().getDefiningOp<onnx::QuantizeLinearOp>();
  if (!quantise) {
    why = "DequantizeLinear of what no QuantizeLinear made: activations are f32";
    return std::nullopt;
  }
  std::optional<Int8Scale> to =
      storedScale(quantise.getScale(), quantise.getZeroPoint(), quantise.getResult());
  std::optional<Int8Scale> from =
      storedScale(dequantise.getScale(), dequantise.getZeroPoint(), dequantise.getX());
  if (!to || !from) {
    why = "an activation is quantised with one constant scale above 0 and an 8-bit zero point, not "
          "with scales " +
          shapeText(shapeOf(quantise.getScale())) + ": quantise activations per tensor";
    return std::nullopt;
  }
  if (!(*to == *from)) {
    why = "an activation is quantised with scale " + floatText(to->scale) + " and zero point " +
          std::to_string(to->zeroPoint) + " (signed), but dequantised with " +
          floatText(from->scale) + " and " + std::to_string(from->zeroPoint);
    return std::nullopt;
  }
  graph.visited.append({dequantise, quantise});
  return RequantiseParts{graph.canon(quantise.getX()), *to, std::nullopt};
}

bool raise::matchRequantise(Graph &graph, Value value, Match &match, std::string &why) {
  if (!isFloat(value))
    return false;
  std::optional<RequantiseParts> parts = requantiseParts(graph, value, why);
  if (!parts)
    graph.either<onnx::AddOp>(value, [&](Value vector, Value rounded) {
      std::optional<Constant> bias = graph.constant(vector);
      if (!bias || !isVector(*bias, lastDim(value)))
        return false;
      rounded = graph.canon(rounded);
      parts = elementCount(rounded) == elementCount(value) ? requantiseParts(graph, rounded, why)
                                                           : std::nullopt;
      if (!parts)
        return false;
      parts->bias = bias;
      return true;
    });
  if (!parts)
    return false;
  match.pattern = "requantise";
  match.inputs = {parts->input};
  match.emit = [parts = *parts](Emitter &emitter, ArrayRef<Value> inputs) -> Value {
    Value bias;
    if (parts.bias) {
      if (lastDim(inputs[0]) != parts.bias->size())
        return emitter.fail("its input has " + std::to_string(lastDim(inputs[0])) +
                            " features here, its bias " + std::to_string(parts.bias->size()));
      bias = emitter.tensor(*parts.bias, {lastDim(inputs[0])}, meaningfulName(parts.bias->name));
      if (!bias)
        return emitter.fail("the data of its bias is missing");
    }
    MLIRContext *context = emitter.builder.getContext();
    auto to = ir::Int8Attr::get(context, DenseF32ArrayAttr::get(context, {parts.to.scale}),
                                DenseI32ArrayAttr::get(context, {parts.to.zeroPoint}), -1);
    return ir::RequantiseOp::create(emitter.builder, emitter.loc, inputs[0].getType(), inputs[0],
                                    bias, to, /*format=*/nullptr, /*absmax=*/nullptr,
                                    /*buffer=*/nullptr);
  };
  return true;
}
