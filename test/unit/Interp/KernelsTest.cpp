//===- KernelsTest.cpp - the interpreter's tensor functions ---------------===//
#include "TensorFixture.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <mlir/IR/MLIRContext.h>

using namespace aac::interp;
using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

namespace {

TEST(Unary, FloatsAndIntegers) {
  auto x = floats({3}, {-1.5f, 0.0f, 2.0f});
  EXPECT_THAT(unary(Unary::Relu, x)->f, ElementsAre(0.0f, 0.0f, 2.0f));
  EXPECT_THAT(unary(Unary::Sign, x)->f, ElementsAre(-1.0f, 0.0f, 1.0f));
  EXPECT_THAT(unary(Unary::Neg, integers({2}, {5, std::numeric_limits<int64_t>::min()}))->i,
              ElementsAre(-5, std::numeric_limits<int64_t>::min()));
  EXPECT_THAT(unary(Unary::Not, integers({2}, {0, 3}))->i, ElementsAre(1, 0));
  expectError(unary(Unary::Erf, integers({1}, {1})), "must be float");
  expectError(unary(Unary::Not, x), "must be bool");
}

TEST(Unary, ActivationsAtKnownPoints) {
  auto x = floats({3}, {-1.0f, 0.0f, 1.0f});
  // Values of the closed forms in f64.
  EXPECT_THAT(unary(Unary::GeluErf, x)->f,
              Pointwise(FloatNear(1e-6f), {-0.15865526f, 0.0f, 0.84134474f}));
  EXPECT_THAT(unary(Unary::GeluTanh, x)->f,
              Pointwise(FloatNear(1e-6f), {-0.15880801f, 0.0f, 0.84119199f}));
  EXPECT_THAT(unary(Unary::Silu, x)->f,
              Pointwise(FloatNear(1e-6f), {-0.26894142f, 0.0f, 0.73105858f}));
}

TEST(Binary, BroadcastsAsNumpy) {
  auto sum = binary(Binary::Add, ramp({2, 1, 3}), floats({2, 1}, {10, 20}));
  ASSERT_TRUE(sum.ok());
  EXPECT_THAT(sum->shape, ElementsAre(2, 2, 3));
  EXPECT_THAT(sum->f, ElementsAre(10, 11, 12, 20, 21, 22, 13, 14, 15, 23, 24, 25));
  auto scalar = binary(Binary::Mul, floats({}, {2}), ramp({3}));
  EXPECT_THAT(scalar->f, ElementsAre(0, 2, 4));
  auto empty = binary(Binary::Add, ramp({0, 3}), ramp({1, 3}));
  EXPECT_THAT(empty->shape, ElementsAre(0, 3));
  expectError(binary(Binary::Add, ramp({2}), ramp({3})), "[2] and [3] do not broadcast");
  expectError(binary(Binary::Add, ramp({2}), integers({2}, {1, 2})), "float and integer");
}

TEST(Binary, IntegersNeverTrap) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_THAT(binary(Binary::Div, integers({3}, {-7, 7, kMin}), integers({3}, {2, 2, -1}))->i,
              ElementsAre(-3, 3, kMin));
  EXPECT_THAT(binary(Binary::FloorMod, integers({2}, {-7, 7}), integers({2}, {3, -3}))->i,
              ElementsAre(2, -2));
  EXPECT_THAT(binary(Binary::Fmod, integers({2}, {-7, kMin}), integers({2}, {3, -1}))->i,
              ElementsAre(-1, 0));
  EXPECT_THAT(binary(Binary::Pow, integers({3}, {3, 2, -1}), integers({3}, {4, -1, -3}))->i,
              ElementsAre(81, 0, -1));
  EXPECT_THAT(binary(Binary::Mul, integers({1}, {kMin}), integers({1}, {-1}))->i,
              ElementsAre(kMin));
  expectError(binary(Binary::Div, integers({1}, {1}), integers({1}, {0})), "division by zero");
}

TEST(Binary, ComparisonsGiveIntegers) {
  auto less = binary(Binary::Less, ramp({3}), floats({}, {1}));
  EXPECT_EQ(less->kind, Kind::Integer);
  EXPECT_THAT(less->i, ElementsAre(1, 0, 0));
}

TEST(Where, BroadcastsAllThree) {
  auto y = where(integers({2, 1}, {1, 0}), ramp({3}), floats({}, {-1}));
  EXPECT_THAT(y->f, ElementsAre(0, 1, 2, -1, -1, -1));
}

TEST(MatMul, BatchesAndVectors) {
  auto y = matmul(ramp({2, 1, 1, 2}), ramp({2, 2, 1}));
  ASSERT_TRUE(y.ok());
  EXPECT_THAT(y->shape, ElementsAre(2, 2, 1, 1));
  EXPECT_THAT(y->f, ElementsAre(1, 3, 3, 13)); // [0 1].[0 1], [0 1].[2 3], [2 3].[0 1], ...
  auto dot = matmul(ramp({3}), ramp({3}));
  EXPECT_TRUE(dot->shape.empty());
  EXPECT_THAT(dot->f, ElementsAre(5));
  EXPECT_THAT(matmul(integers({1, 2}, {1, 2}), integers({2, 1}, {3, 4}))->i, ElementsAre(11));
  auto hollow = matmul(ramp({2, 0}), ramp({0, 3}));
  EXPECT_THAT(hollow->f, ElementsAre(0, 0, 0, 0, 0, 0));
  expectError(matmul(ramp({2, 3}), ramp({2, 3})), "inner sizes");
}

TEST(Gemm, TransposesAndScales) {
  auto c = floats({2}, {100, 200});
  auto y = gemm(ramp({3, 1}), ramp({2, 3}), &c, 2.0f, 1.0f, true, true);
  ASSERT_TRUE(y.ok());
  EXPECT_THAT(y->f, ElementsAre(2 * 5 + 100, 2 * 14 + 200));
}

TEST(Linear, WeightIsOutIn) {
  auto bias = floats({2}, {1, -1});
  auto weight = packWeight(floats({2, 3}, {1, 0, 0, 0, 1, 1}));
  ASSERT_TRUE(weight.ok());
  auto y = linear(ramp({1, 2, 3}), **weight, &bias);
  EXPECT_THAT(y->shape, ElementsAre(1, 2, 2));
  EXPECT_THAT(y->f, ElementsAre(1, 2, 4, 8));
  expectError(linear(ramp({4}), **weight, nullptr), "input [4] and weight [2, 3] do not fit");
  auto three = floats({3}, {1, 2, 3});
  expectError(linear(ramp({3}), **weight, &three), "bias [3] does not fit weight [2, 3]");
  expectError(linear(integers({3}, {1, 2, 3}), **weight, nullptr), "must be float");
  expectError(packWeight(ramp({4})), "weight [4] must be a matrix of floats");
  expectError(packWeight(integers({1, 2}, {1, 2})), "must be a matrix of floats");
}

TEST(Linear, ThreadsDoNotMatter) {
  mlir::MLIRContext context;
  Tensor x = ramp({50, 200}), weight = ramp({300, 200}), bias = ramp({300});
  for (size_t i = 0; i < weight.f.size(); ++i)
    weight.f[i] = 1.0f / (1.0f + static_cast<float>(i % 97));
  auto packed = packWeight(weight);
  ASSERT_TRUE(packed.ok());
  auto one = linear(x, **packed, &bias), many = linear(x, **packed, &bias, &context);
  ASSERT_TRUE(one.ok() && many.ok());
  EXPECT_EQ(one->f, many->f);
  EXPECT_NE(one->f, std::vector<float>(one->f.size()));
}

TEST(Einsum, ProjectionTransposeAndSum) {
  Tensor x = ramp({1, 2, 2}), w = ramp({2, 3});
  const Tensor *both[] = {&x, &w};
  auto y = einsum({"bfn", "nh"}, "bfh", both);
  EXPECT_THAT(y->f, ElementsAre(3, 4, 5, 9, 14, 19));
  const Tensor *just[] = {&x};
  EXPECT_THAT(einsum({"bfn"}, "nf", just)->f, ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(einsum({"bfn"}, "", just)->f, ElementsAre(6));
}

TEST(Softmax, LargeValuesAndMasks) {
  float low = -std::numeric_limits<float>::max();
  auto y = softmax(floats({2, 2}, {1000, 1000, low, 5}), -1);
  EXPECT_THAT(y->f, ElementsAre(0.5f, 0.5f, 0.0f, 1.0f));
  auto columns = softmax(floats({2, 2}, {0, 1, 0, 1}), 0);
  EXPECT_THAT(columns->f, ElementsAre(0.5f, 0.5f, 0.5f, 0.5f));
  expectError(softmax(ramp({2}), 1), "axis 1 is outside rank 1");
}

TEST(LayerNorm, MatchesTheFormula) {
  auto scale = floats({3}, {1, 2, 3}), bias = floats({3}, {0, 0, 1});
  auto y = layerNorm(floats({1, 3}, {1, 2, 3}), scale, &bias, 0.0);
  float s = std::sqrt(1.5f);
  EXPECT_THAT(y->f, Pointwise(FloatNear(1e-6f), {-s, 0.0f, 3 * s + 1}));
}

TEST(Reduce, AxesKindsAndEmpty) {
  EXPECT_THAT(reduce(Reduction::Mean, ramp({2, 3}), {1}, false)->f, ElementsAre(1, 4));
  EXPECT_THAT(reduce(Reduction::Max, ramp({2, 3}), {0}, true)->shape, ElementsAre(1, 3));
  EXPECT_THAT(reduce(Reduction::Prod, integers({3}, {2, 3, 4}), {0}, false)->i, ElementsAre(24));
  EXPECT_THAT(reduce(Reduction::Sum, ramp({0, 2}), {0}, false)->f, ElementsAre(0, 0));
  expectError(reduce(Reduction::Max, ramp({0, 2}), {0}, false), "nothing to reduce");
}

TEST(Layout, TransposeSliceConcatTile) {
  EXPECT_THAT(transpose(ramp({2, 3}), {1, 0})->f, ElementsAre(0, 3, 1, 4, 2, 5));
  expectError(transpose(ramp({2, 3}), {0, 0}), "no permutation");
  EXPECT_THAT(slice(ramp({4}), {3}, {-2}, {2})->f, ElementsAre(3, 1));
  expectError(slice(ramp({4}), {3}, {1}, {2}), "outside");
  Tensor a = ramp({2, 1}), b = ramp({2, 2});
  const Tensor *parts[] = {&a, &b};
  EXPECT_THAT(concat(parts, 1)->f, ElementsAre(0, 0, 1, 1, 2, 3));
  expectError(concat(parts, 0), "do not fit");
  EXPECT_THAT(tile(ramp({1, 2}), {2, 2})->f, ElementsAre(0, 1, 0, 1, 0, 1, 0, 1));
  expectError(broadcastTo(ramp({2}), {3}), "does not broadcast");
}

TEST(Gather, NegativeAndOutside) {
  auto y = gather(ramp({3, 2}), integers({2}, {-1, 0}), 0);
  EXPECT_THAT(y->f, ElementsAre(4, 5, 0, 1));
  auto scalar = gather(ramp({2, 3}), integers({}, {1}), 1);
  EXPECT_THAT(scalar->shape, ElementsAre(2));
  expectError(gather(ramp({3, 2}), integers({1}, {3}), 0), "index 3 is outside the 3 entries");
}

} // namespace
