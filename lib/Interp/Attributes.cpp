//===- Attributes.cpp - tensors <-> MLIR attributes -----------------------===//
#include "aac/Interp/Attributes.h"

#include "absl/strings/str_cat.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace mlir;

namespace aac::interp {
namespace {

absl::Status bad(absl::string_view message) { return absl::InvalidArgumentError(message); }

template <typename T, typename Out> void widen(const char *data, std::vector<Out> &out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, data + i * sizeof(T), sizeof(T));
    out[i] = static_cast<Out>(value); // NOLINT(bugprone-signed-char-misuse): T is a number
  }
}

/// Little-endian elements of `type` in `data`, which holds all of them.
absl::Status decode(Type type, ArrayRef<char> data, Tensor &tensor) {
  const char *bytes = data.data();
  if (auto floating = dyn_cast<FloatType>(type)) {
    if (type.isF32()) {
      if (!tensor.f.empty())
        std::memcpy(tensor.f.data(), bytes, tensor.f.size() * sizeof(float));
    } else if (type.isF64()) {
      widen<double>(bytes, tensor.f);
    } else if (floating.getWidth() == 16) {
      for (size_t i = 0; i < tensor.f.size(); ++i) {
        uint16_t bits;
        std::memcpy(&bits, bytes + 2 * i, 2);
        APFloat value(floating.getFloatSemantics(), APInt(16, bits));
        bool lossy;
        value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &lossy);
        tensor.f[i] = value.convertToFloat();
      }
    } else {
      return bad("element type is not supported");
    }
    return absl::OkStatus();
  }
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 1: // resources hold a bool as a byte
    widen<uint8_t>(bytes, tensor.i);
    for (int64_t &v : tensor.i)
      v = v != 0;
    return absl::OkStatus();
  case 8:
    isUnsigned ? widen<uint8_t>(bytes, tensor.i) : widen<int8_t>(bytes, tensor.i);
    return absl::OkStatus();
  case 16:
    isUnsigned ? widen<uint16_t>(bytes, tensor.i) : widen<int16_t>(bytes, tensor.i);
    return absl::OkStatus();
  case 32:
    isUnsigned ? widen<uint32_t>(bytes, tensor.i) : widen<int32_t>(bytes, tensor.i);
    return absl::OkStatus();
  case 64:
    widen<int64_t>(bytes, tensor.i);
    return absl::OkStatus();
  default:
    return bad("element type is not supported");
  }
}

} // namespace

absl::StatusOr<ArrayRef<char>> bytesOf(ElementsAttr attribute) {
  auto type = cast<ShapedType>(attribute.getType());
  if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return bad("a constant must be a static tensor of integers or floats");
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
    return dense.getRawData();
  auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
  if (!resource)
    return bad("a constant must be dense or dense_resource");
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  std::string key = resource.getRawHandle().getKey().str();
  if (!blob)
    return bad(absl::StrCat("resource ", key, " has no data (was it elided?)"));
  uint64_t bytes = static_cast<uint64_t>(type.getNumElements()) *
                   llvm::divideCeil(type.getElementTypeBitWidth(), uint64_t{8});
  if (blob->getData().size() != bytes)
    return bad(
        absl::StrCat("resource ", key, " has ", blob->getData().size(), " bytes, not ", bytes));
  return blob->getData();
}

absl::StatusOr<Tensor> fromAttribute(ElementsAttr attribute) {
  absl::StatusOr<ArrayRef<char>> bytes = bytesOf(attribute);
  if (!bytes.ok())
    return bytes.status();
  auto type = cast<ShapedType>(attribute.getType());
  Type element = type.getElementType();
  std::vector<int64_t> shape(type.getShape().begin(), type.getShape().end());
  Tensor tensor = isa<FloatType>(element) ? Tensor::floats(shape) : Tensor::integers(shape);
  auto dense = dyn_cast<DenseElementsAttr>(attribute);
  if (dense && element.isInteger(1)) {
    for (auto [slot, value] : llvm::zip_equal(tensor.i, dense.getValues<bool>()))
      slot = value;
    return tensor;
  }
  if (dense && dense.isSplat() && tensor.size() != 1) {
    Tensor one = isa<FloatType>(element) ? Tensor::floats({}) : Tensor::integers({});
    absl::Status status = decode(element, *bytes, one);
    if (!status.ok())
      return status;
    if (isa<FloatType>(element))
      std::fill(tensor.f.begin(), tensor.f.end(), one.f[0]);
    else
      std::fill(tensor.i.begin(), tensor.i.end(), one.i[0]);
    return tensor;
  }
  absl::Status status = decode(element, *bytes, tensor);
  if (!status.ok())
    return status;
  return tensor;
}

DenseElementsAttr toAttribute(const Tensor &tensor, RankedTensorType type) {
  if (tensor.kind == Kind::Float)
    return DenseElementsAttr::get(type, ArrayRef<float>(tensor.f));
  unsigned width = type.getElementTypeBitWidth();
  if (width == 1) {
    SmallVector<bool> bits;
    for (int64_t v : tensor.i)
      bits.push_back(v != 0);
    return DenseElementsAttr::get(type, bits);
  }
  // Little-endian two's complement: the low bytes of each int64.
  std::vector<char> raw(tensor.i.size() * (width / 8));
  for (size_t i = 0; i < tensor.i.size(); ++i)
    std::memcpy(raw.data() + i * (width / 8), &tensor.i[i], width / 8);
  return DenseElementsAttr::getFromRawBuffer(type, raw);
}

} // namespace aac::interp
