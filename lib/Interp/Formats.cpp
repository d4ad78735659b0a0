#include "aac/Interp/Formats.h"

#include "aac/Interp/Attributes.h"
#include "llvm/ADT/ArrayRef.h"

using namespace mlir;
using namespace aac;
using namespace aac::interp;

AdaptivFloatFormat interp::shapeOf(ir::AdaptivFloatAttr format) {
  return {static_cast<int>(format.getBits()), static_cast<int>(format.getExponentBits())};
}

std::vector<Int8Scale> interp::scalesOf(ir::Int8Attr format) {
  std::vector<Int8Scale> scales;
  for (auto [scale, zero] :
       llvm::zip_equal(format.getScales().asArrayRef(), format.getZeros().asArrayRef()))
    scales.push_back({scale, zero});
  return scales;
}

int64_t interp::innerOf(ir::Int8Attr format, ArrayRef<int64_t> shape) {
  int64_t inner = 1;
  for (int64_t d : shape.drop_front(std::min<size_t>(format.getAxis() + 1, shape.size())))
    inner *= d;
  return inner;
}

void interp::roundTo(Attribute format, ArrayRef<int64_t> shape, MutableArrayRef<float> values) {
  if (auto int8 = dyn_cast<ir::Int8Attr>(format)) {
    std::vector<int8_t> codes(values.size());
    std::vector<Int8Scale> scales = scalesOf(int8);
    int64_t inner = innerOf(int8, shape);
    encodeInt8(scales, inner, absl::MakeConstSpan(values.data(), values.size()),
               absl::MakeSpan(codes));
    decodeInt8(scales, inner, codes, absl::MakeSpan(values.data(), values.size()));
    return;
  }
  auto adaptivFloat = cast<ir::AdaptivFloatAttr>(format);
  AdaptivFloatFormat bits = shapeOf(adaptivFloat);
  int minExponent = adaptivFloat.getMinExponent();
  roundToAdaptivFloat(bits, minExponent, absl::MakeSpan(values.data(), values.size()));
}

absl::StatusOr<Tensor> interp::decode(ElementsAttr codes, Attribute format) {
  absl::StatusOr<ArrayRef<char>> bytes = bytesOf(codes);
  if (!bytes.ok())
    return bytes.status();
  auto type = cast<ShapedType>(codes.getType());
  Tensor result = Tensor::floats(type.getShape().vec());
  bool isNarrow = type.getElementType().isInteger(8) && bytes->size() == result.f.size();
  auto adaptivFloat = dyn_cast<ir::AdaptivFloatAttr>(format);
  if (isNarrow && adaptivFloat && adaptivFloat.getBits() <= 8) {
    decodeAdaptivFloat(
        shapeOf(adaptivFloat), adaptivFloat.getMinExponent(),
        absl::MakeConstSpan(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()),
        absl::MakeSpan(result.f));
    return result;
  }
  absl::StatusOr<Tensor> wide = fromAttribute(codes);
  if (!wide.ok())
    return wide;
  if (auto int8 = dyn_cast<ir::Int8Attr>(format)) {
    std::vector<int8_t> narrow(wide->i.begin(), wide->i.end());
    decodeInt8(scalesOf(int8), innerOf(int8, wide->shape), narrow, absl::MakeSpan(result.f));
    return result;
  }
  AdaptivFloatFormat bits = shapeOf(adaptivFloat);
  uint32_t count = 1u << bits.bits;
  std::vector<float> values(count);
  for (uint32_t code = 0; code < count; ++code)
    values[code] =
        static_cast<float>(decodeAdaptivFloat(bits, adaptivFloat.getMinExponent(), code));
  for (size_t i = 0; i < wide->i.size(); ++i)
    result.f[i] = values[static_cast<uint64_t>(wide->i[i]) & (count - 1)];
  return result;
}
