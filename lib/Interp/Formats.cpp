#include "aac/Interp/Formats.h"

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
  for (float &value : values)
    value = static_cast<float>(
        decodeAdaptivFloat(bits, minExponent, encodeAdaptivFloat(bits, minExponent, value)));
}

Tensor interp::decode(const Tensor &codes, Attribute format) {
  Tensor result = Tensor::floats(codes.shape);
  if (auto int8 = dyn_cast<ir::Int8Attr>(format)) {
    std::vector<int8_t> narrow(codes.i.begin(), codes.i.end());
    decodeInt8(scalesOf(int8), innerOf(int8, codes.shape), narrow, absl::MakeSpan(result.f));
    return result;
  }
  auto adaptivFloat = cast<ir::AdaptivFloatAttr>(format);
  AdaptivFloatFormat bits = shapeOf(adaptivFloat);
  uint32_t count = 1u << bits.bits;
  std::vector<float> values(count);
  for (uint32_t code = 0; code < count; ++code)
    values[code] =
        static_cast<float>(decodeAdaptivFloat(bits, adaptivFloat.getMinExponent(), code));
  for (size_t i = 0; i < codes.i.size(); ++i)
    result.f[i] = values[static_cast<uint64_t>(codes.i[i]) & (count - 1)];
  return result;
}
