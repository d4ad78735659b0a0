//===- TensorFixture.h - small tensors, and the errors of kernels -*- C++ -*-===//
#ifndef AAC_TEST_INTERP_TENSORFIXTURE_H
#define AAC_TEST_INTERP_TENSORFIXTURE_H

#include "aac/Interp/Kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace aac::interp {

inline Tensor floats(Shape shape, std::vector<float> values) {
  Tensor t = Tensor::floats(std::move(shape));
  EXPECT_EQ(t.f.size(), values.size());
  t.f = std::move(values);
  return t;
}

inline Tensor integers(Shape shape, std::vector<int64_t> values) {
  Tensor t = Tensor::integers(std::move(shape));
  EXPECT_EQ(t.i.size(), values.size());
  t.i = std::move(values);
  return t;
}

/// 0, 1, 2, ...
inline Tensor ramp(Shape shape) {
  Tensor t = Tensor::floats(std::move(shape));
  for (size_t i = 0; i < t.f.size(); ++i)
    t.f[i] = static_cast<float>(i);
  return t;
}

/// That `result` is the error whose message has `text` in it.
template <typename T> void expectError(const absl::StatusOr<T> &result, const char *text) {
  ASSERT_FALSE(result.ok()) << "expected: " << text;
  EXPECT_THAT(std::string(result.status().message()), testing::HasSubstr(text));
}

} // namespace aac::interp

#endif // AAC_TEST_INTERP_TENSORFIXTURE_H
