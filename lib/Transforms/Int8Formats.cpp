//===- Int8Formats.cpp - int8 formats fitted to tensors -------------------===//
#include "Int8Formats.h"

#include "aac/Interp/Formats.h"
#include "aac/Transforms/Calibration.h"
#include "mlir/IR/BuiltinAttributes.h"
#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

static Int8Attr attributeOf(MLIRContext *context, ArrayRef<Int8Scale> scales, int64_t axis) {
  SmallVector<float> steps;
  SmallVector<int32_t> zeros;
  for (Int8Scale scale : scales) {
    steps.push_back(scale.scale);
    zeros.push_back(scale.zeroPoint);
  }
  return Int8Attr::get(context, DenseF32ArrayAttr::get(context, steps),
                       DenseI32ArrayAttr::get(context, zeros), axis);
}

Interval aac::rangeOf(Operation *op, double absmax) {
  auto fn = dyn_cast<ActivationFnOp>(op);
  bool noNegative =
      isa<SoftmaxOp>(op) ||
      (fn && (fn.getKind() == ActivationKind::Relu || fn.getKind() == ActivationKind::Sigmoid));
  Interval range{noNegative ? 0 : -absmax, absmax};
  auto seen = op->getAttrOfType<DenseF64ArrayAttr>(kRangeAttr);
  if (!seen || seen.size() != 2)
    return range;
  double least = seen[0], largest = seen[1], magnitude = std::max(std::fabs(least), largest);
  if (!(magnitude > 0) || !std::isfinite(magnitude))
    return range;
  double factor = absmax / magnitude;
  return {std::max(range.least, std::min(least, 0.0) * factor), std::max(largest, 0.0) * factor};
}

double aac::largestOf(Int8Attr format) {
  double largest = 0;
  for (Int8Scale scale : interp::scalesOf(format))
    largest = std::max(largest, scale.zeroPoint == 0 ? static_cast<double>(kInt8Max) * scale.scale
                                                     : largestInt8(scale));
  return largest;
}

Int8Attr aac::int8ForResult(Operation *op, const FormatSpec &spec, Interval range) {
  MLIRContext *context = op->getContext();
  if (auto own = op->getAttrOfType<Int8Attr>(kQuantisedAttr))
    return own;
  absl::StatusOr<Int8Scale> scale = chooseInt8(range.least, range.largest, !spec.asymmetric);
  return attributeOf(context, scale.ok() ? *scale : Int8Scale{}, -1);
}

FailureOr<Int8Attr> aac::int8ForParam(ParamOp param, const FormatSpec &spec,
                                      ArrayRef<float> values) {
  ArrayRef<int64_t> shape = param.getTensorType().getShape();
  if (Int8Attr own = param.getQuantisedAttr(); own && own.fits(shape)) {
    std::vector<float> rounded(values.begin(), values.end());
    interp::roundTo(own, shape, rounded);
    if (values == ArrayRef<float>(rounded))
      return own;
  }
  bool channels = spec.channel && shape.size() == 2 && shape[0] > 0;
  auto scales = chooseInt8(absl::MakeConstSpan(values.data(), values.size()), !spec.asymmetric,
                           channels ? shape[0] : 1, channels ? shape[1] : 1);
  if (!scales.ok())
    return param.emitOpError() << "@" << param.getSymName() << ": "
                               << StringRef(scales.status().message().data(),
                                            scales.status().message().size());
  return attributeOf(param.getContext(), *scales, channels ? 0 : -1);
}

std::vector<uint8_t> aac::int8Codes(Int8Attr format, ArrayRef<int64_t> shape,
                                    ArrayRef<float> values, int64_t &saturated,
                                    int64_t &underflow) {
  std::vector<uint8_t> codes(values.size());
  std::vector<Int8Scale> scales = interp::scalesOf(format);
  size_t inner = static_cast<size_t>(interp::innerOf(format, shape));
  absl::Span<int8_t> bytes(reinterpret_cast<int8_t *>(codes.data()), codes.size());
  encodeInt8(scales, static_cast<int64_t>(inner), absl::MakeConstSpan(values.data(), values.size()),
             bytes, &saturated);
  for (size_t i = 0; i < values.size(); ++i)
    underflow += values[i] != 0 &&
                 bytes[i] == scales[scales.size() == 1 ? 0 : i / inner % scales.size()].zeroPoint;
  return codes;
}
