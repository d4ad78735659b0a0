//===- FixedOrderTest.cpp - products and exponentials to the bit ----------===//
#include "FixedOrder.h"

#include <cmath>
#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <random>
#include <vector>

using namespace aac::interp;

namespace {

std::vector<float> draws(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float &value : values)
    value = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-30f;
  return values;
}

/// What the header promises, one result after the other.
void slowProduct(size_t m, size_t n, size_t k, float alpha, MatrixView a, MatrixView b,
                 bool bIsTransposed, float *c, size_t cStride) {
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j)
      for (size_t start = 0; start < k; start += 256) {
        volatile float sum = 0; // each step rounded to f32
        for (size_t l = start; l < std::min(k, start + 256); ++l) {
          volatile float product =
              a.data[i * a.stride + l] *
              (bIsTransposed ? b.data[j * b.stride + l] : b.data[l * b.stride + j]);
          sum = sum + product;
        }
        volatile float scaled = sum * alpha;
        c[i * cStride + j] += scaled;
      }
}

/// Runs `body` once per SIMD target that this machine has.
template <typename Fn> void onEachTarget(Fn body) {
  for (int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    int64_t target = targets & -targets;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(FixedOrder, ProductsHaveTheSameBitsEverywhere) {
  struct Case {
    size_t m, n, k;
    bool transposed;
  };
  for (Case c : {Case{1, 1, 1, true},
                 {23, 37, 300, true},
                 {10, 32, 256, false},
                 {250, 70, 260, true},
                 {7, 65, 513, false},
                 {3, 5, 0, true},
                 {0, 4, 4, false}}) {
    std::vector<float> a = draws(c.m * (c.k + 3), 1), b = draws((c.k + 2) * (c.n + 2), 2);
    MatrixView left{a.data(), c.k + 3}, right{b.data(), c.transposed ? c.k + 2 : c.n + 2};
    std::vector<float> start = draws(c.m * (c.n + 1), 3), wanted = start;
    slowProduct(c.m, c.n, c.k, 0.125f, left, right, c.transposed, wanted.data(), c.n + 1);
    onEachTarget([&] {
      std::vector<float> found = start;
      addProduct(c.m, c.n, c.k, 0.125f, left, right, c.transposed, found.data(), c.n + 1);
      EXPECT_EQ(found, wanted) << c.m << " x " << c.n << " x " << c.k;

      // Packed, and the columns in two parts.
      PackedMatrix packed(c.n, c.k, right, c.transposed);
      found = start;
      addProduct(c.m, 0.125f, left, packed, kPanel, c.n, found.data(), c.n + 1);
      for (size_t i = 0; i < found.size(); ++i)
        ASSERT_EQ(found[i], i % (c.n + 1) < kPanel ? start[i] : wanted[i]) << i;
      addProduct(c.m, 0.125f, left, packed, 0, kPanel, found.data(), c.n + 1);
      EXPECT_EQ(found, wanted) << c.m << " x " << c.n << " x " << c.k;
    });
  }
}

TEST(FixedOrder, FunctionsAreCloseAndTheSameEverywhere) {
  std::vector<float> inputs;
  for (int i = -3000; i <= 3000; ++i)
    inputs.push_back(static_cast<float>(i) * 0.0411f);
  inputs.insert(inputs.end(), {0.0f, -0.0f, 88.6f, -87.2f, -200.0f, -3.4e38f, 1e-30f});
  struct Function {
    const char *name;
    void (*run)(float *, size_t);
    double (*exact)(double);
    double relative, absolute;
  };
  const Function functions[] = {
      {"exp", [](float *v, size_t n) { expInPlace(v, n, 0); }, [](double x) { return std::exp(x); },
       3e-7, 2e-38},
      {"sigmoid", sigmoidInPlace, [](double x) { return 1 / (1 + std::exp(-x)); }, 5e-7, 2e-38},
      {"silu", siluInPlace, [](double x) { return x / (1 + std::exp(-x)); }, 5e-7, 1e-35},
      {"gelu", geluTanhInPlace,
       [](double x) {
         return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
       },
       2e-6, 2e-6}};
  for (const Function &f : functions) {
    SCOPED_TRACE(f.name);
    std::vector<float> first;
    onEachTarget([&] {
      std::vector<float> found = inputs;
      f.run(found.data(), found.size());
      if (first.empty())
        first = found;
      EXPECT_EQ(found, first);
    });
    for (size_t i = 0; i < inputs.size(); ++i) {
      double wanted = f.exact(inputs[i]);
      if (std::isfinite(static_cast<float>(wanted)))
        EXPECT_NEAR(first[i], wanted, f.absolute + f.relative * std::fabs(wanted)) << inputs[i];
    }
  }
}

} // namespace
