//===- ScaleKernels.cpp - QuantizeLinear and DequantizeLinear -------------===//
#include "Strides.h"

#include <cmath>

namespace aac::interp {

absl::Status checkScales(const Tensor &scale) {
  if (scale.kind != Kind::Float)
    return bad("the scale must be float");
  for (float v : scale.f)
    if (!(v > 0.0f) || !std::isfinite(v))
      return bad(absl::StrCat("its scale ", v,
                              " is not finite and positive: quantise the model again, with "
                              "calibration data in which the tensor varies"));
  return absl::OkStatus();
}

namespace {

/// Calls each(element, scale, zero) for the elements of `shape`.
template <typename Each>
absl::Status forEachScaled(const Shape &shape, const Tensor &scale, const Tensor *zero,
                           int64_t axis, Each &&each) {
  if (absl::Status status = checkScales(scale); !status.ok())
    return status;
  int64_t rank = shape.size(), scales = scale.size();
  axis += axis < 0 ? rank : 0;
  if (zero && (zero->kind != Kind::Integer || zero->size() != scales))
    return bad("scale and zero point differ in size");
  if (scales != 1 && (axis < 0 || axis >= rank || shape[axis] != scales))
    return bad(absl::StrCat(scales, " scales do not fit axis ", axis, " of ", shapeText(shape)));
  int64_t inner = scales == 1 ? count(shape) : count(absl::MakeConstSpan(shape).subspan(axis + 1));
  for (int64_t at = 0, total = count(shape), n = 0; at < total; n = (n + 1) % scales)
    for (int64_t end = at + inner; at < end; ++at)
      each(at, scale.f[n], zero ? zero->i[n] : 0);
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Tensor> quantizeLinear(const Tensor &x, const Tensor &scale, const Tensor *zero,
                                      int64_t axis, int64_t low, int64_t high) {
  if (x.kind != Kind::Float)
    return bad("operand must be float");
  Tensor y = Tensor::integers(x.shape);
  auto status = forEachScaled(x.shape, scale, zero, axis, [&](int64_t at, float s, int64_t z) {
    float code = std::nearbyint(x.f[at] / s) + static_cast<float>(z);
    y.i[at] = std::isnan(code) ? z
                               : static_cast<int64_t>(std::clamp(code, static_cast<float>(low),
                                                                 static_cast<float>(high)));
  });
  if (!status.ok())
    return status;
  return y;
}

absl::StatusOr<Tensor> dequantizeLinear(const Tensor &x, const Tensor &scale, const Tensor *zero,
                                        int64_t axis) {
  if (x.kind != Kind::Integer)
    return bad("operand must be integers");
  Tensor y = Tensor::floats(x.shape);
  auto status = forEachScaled(x.shape, scale, zero, axis, [&](int64_t at, float s, int64_t z) {
    y.f[at] = static_cast<float>(wrapSub(x.i[at], z)) * s;
  });
  if (!status.ok())
    return status;
  return y;
}

} // namespace aac::interp
