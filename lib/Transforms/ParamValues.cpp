//===- ParamValues.cpp - the elements of aac.param ------------------------===//
#include "aac/Transforms/ParamValues.h"

#include "aac/Support/Hash.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace aac::ir;

namespace aac {

static int64_t elementBytes(Type type) { return type.getIntOrFloatBitWidth() / 8; }

FailureOr<Elements<uint8_t>> readBytes(ParamOp param) {
  ElementsAttr value = param.getValue();
  auto type = cast<ShapedType>(value.getType());
  int64_t bytes = type.getNumElements() * elementBytes(type.getElementType());
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return param.emitOpError() << "the bytes of resource '" << resource.getRawHandle().getKey()
                                 << "' are missing";
    if (static_cast<int64_t>(blob->getData().size()) != bytes)
      return param.emitOpError() << "resource '" << resource.getRawHandle().getKey() << "' has "
                                 << blob->getData().size() << " bytes, " << type << " has "
                                 << bytes;
    return Elements<uint8_t>(ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(blob->getData().data()), blob->getData().size()));
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return param.emitOpError("value must be dense or a resource");
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return Elements<uint8_t>(
        ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(raw.data()), raw.size()));
  std::vector<uint8_t> all;
  all.reserve(bytes);
  while (static_cast<int64_t>(all.size()) < bytes)
    all.insert(all.end(), raw.begin(), raw.end());
  return Elements<uint8_t>(std::move(all));
}

FailureOr<Elements<float>> readFloats(ParamOp param) {
  if (param.getFormat() || !param.getValue().getElementType().isF32())
    return param.emitOpError() << "must hold f32 values, holds "
                               << param.getValue().getElementType();
  FailureOr<Elements<uint8_t>> bytes = readBytes(param);
  if (failed(bytes))
    return failure();
  ArrayRef<uint8_t> raw = bytes->get();
  size_t count = raw.size() / sizeof(float);
  bool inPlace = !param.getValue().isSplat() || isa<DenseResourceElementsAttr>(param.getValue());
  if (inPlace && reinterpret_cast<uintptr_t>(raw.data()) % alignof(float) == 0)
    return Elements<float>(ArrayRef<float>(reinterpret_cast<const float *>(raw.data()), count));
  std::vector<float> copy(count);
  std::memcpy(copy.data(), raw.data(), raw.size());
  return Elements<float>(std::move(copy));
}

FailureOr<Elements<uint8_t>> readCodes(ParamOp param) {
  if (!param.getFormat() || !param.getValue().getElementType().isInteger(8))
    return param.emitOpError() << "must hold 8-bit codes, holds "
                               << param.getValue().getElementType();
  return readBytes(param);
}

/// Makes `values` the value of `param`, as a resource named by content if the old value
/// was one.
template <typename T>
static void replaceValue(ParamOp param, std::vector<T> values, Type elementType) {
  auto type = RankedTensorType::get(param.getTensorType().getShape(), elementType);
  size_t bytes = values.size() * sizeof(T);
  const char *data = reinterpret_cast<const char *>(values.data());
  if (!isa<DenseResourceElementsAttr>(param.getValue())) {
    param.setValueAttr(DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(data, bytes)));
    return;
  }
  uint64_t hash =
      hashBytes(absl::Span<const uint8_t>(reinterpret_cast<const uint8_t *>(data), bytes));
  std::string name =
      "h" +
      llvm::toHex(llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(&hash), sizeof(hash)),
                  true);
  // The same bytes under one name, whatever was tried in between.
  auto &resources = DenseResourceElementsHandle::getManagerInterface(param.getContext());
  auto *known = resources.getBlobManager().lookup(name);
  if (AsmResourceBlob *blob = known ? known->getBlob() : nullptr;
      blob && blob->getData() == ArrayRef<char>(data, bytes)) {
    auto *builtin = param.getContext()->getLoadedDialect<BuiltinDialect>();
    param.setValueAttr(
        DenseResourceElementsAttr::get(type, DenseResourceElementsHandle(known, builtin)));
    return;
  }
  auto held = std::make_shared<std::vector<T>>(std::move(values));
  AsmResourceBlob blob = UnmanagedAsmResourceBlob::allocateWithAlign(
      ArrayRef<char>(reinterpret_cast<const char *>(held->data()), bytes), alignof(T),
      [held](void *, size_t, size_t) {});
  param.setValueAttr(DenseResourceElementsAttr::get(type, name, std::move(blob)));
}

void writeFloats(ParamOp param, std::vector<float> values) {
  replaceValue(param, std::move(values), Float32Type::get(param.getContext()));
}

void writeCodes(ParamOp param, std::vector<uint8_t> codes, Attribute format) {
  param.setFormatAttr(format);
  replaceValue(param, std::move(codes), IntegerType::get(param.getContext(), 8));
}

void writeCodes(ParamOp param, std::vector<uint16_t> codes, Attribute format) {
  param.setFormatAttr(format);
  replaceValue(param, std::move(codes), IntegerType::get(param.getContext(), 16));
}

SmallVector<ParamOp> paramsBehind(Value operand, SymbolTable &symbols) {
  SmallVector<ParamOp> params;
  auto add = [&](FlatSymbolRefAttr symbol) {
    if (auto param = symbols.lookup<ParamOp>(symbol.getAttr()))
      params.push_back(param);
  };
  if (!operand)
    return params;
  if (auto use = operand.getDefiningOp<UseOp>())
    add(use.getParamAttr());
  else if (auto each = operand.getDefiningOp<UseEachOp>())
    for (Attribute symbol : each.getParams())
      add(cast<FlatSymbolRefAttr>(symbol));
  return params;
}

bool makesActivation(Operation *op) {
  return isa<EmbeddingOp, LinearOp, ScoresOp, SoftmaxOp, ContextOp, LayerNormOp, AddOp,
             ActivationFnOp, AdapterOp, SelectOp, RequantiseOp>(op);
}

Attribute anyFormatOf(Value value, SymbolTable &symbols) {
  while (value) {
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      auto loop = dyn_cast<LoopOp>(arg.getOwner()->getParentOp());
      if (!loop)
        return nullptr;
      value = loop.getInits()[arg.getArgNumber()];
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (auto loop = dyn_cast<LoopOp>(op)) {
      value = loop.getInits()[cast<OpResult>(value).getResultNumber()];
      continue;
    }
    if (isa<UseOp, UseEachOp>(op)) {
      SmallVector<ParamOp> params = paramsBehind(value, symbols);
      return params.empty() ? nullptr : params.front().getFormatAttr();
    }
    return op->getAttr("format");
  }
  return nullptr;
}

AdaptivFloatAttr formatOf(Value value, SymbolTable &symbols) {
  return dyn_cast_or_null<AdaptivFloatAttr>(anyFormatOf(value, symbols));
}

AdaptivFloatAttr formatOf(Operation *op) { return op->getAttrOfType<AdaptivFloatAttr>("format"); }

} // namespace aac
