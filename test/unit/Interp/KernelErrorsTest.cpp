//===- KernelErrorsTest.cpp - what the interpreter's functions refuse ------===//
//
// Hand-written IR reaches these with operands that no importer would make.
//
//===----------------------------------------------------------------------===//
#include "TensorFixture.h"

using namespace aac::interp;

namespace {

const Tensor kOne = floats({1}, {1}), kInteger = integers({1}, {1});

TEST(KernelErrors, KindsOfElements) {
  expectError(unary(Unary::Tanh, kInteger), "operand must be float");
  expectError(unary(Unary::Not, kOne), "operand must be bool");
  expectError(binary(Binary::Add, kOne, kInteger), "operands are float and integer");
  expectError(binary(Binary::Xor, kOne, kOne), "operands must be integers");
  expectError(binary(Binary::FloorMod, kInteger, integers({}, {0})), "integer division by zero");
  expectError(where(kOne, kOne, kOne), "the condition must be bool");
  expectError(where(kInteger, kInteger, kOne), "operands are integer and float");
  expectError(softmax(kInteger, 0), "operand must be float");
  expectError(layerNorm(kOne, kInteger, nullptr, 0.0), "operands must be float");
  expectError(matmul(kOne, kInteger), "operands must be of one kind");
  expectError(gemm(kOne, kOne, &kInteger, 1.0f, 1.0f, false, false), "operands must be float");
  expectError(linear(kOne, **packWeight(floats({1, 1}, {1})), &kInteger), "operands must be float");
  expectError(gather(kOne, kOne, 0), "indices must be integers");
  expectError(quantizeLinear(kInteger, kOne, nullptr, 0, -128, 127), "operand must be float");
  expectError(dequantizeLinear(kOne, kOne, nullptr, 0), "operand must be integers");
  Tensor integer = integers({1}, {2});
  const Tensor *mixed[] = {&kOne, &integer};
  expectError(concat(mixed, 0), "parts [1] and [1] do not fit along axis 0");
}

TEST(KernelErrors, ShapesOfMatrices) {
  expectError(matmul(floats({}, {1}), kOne), "operands must have a dimension");
  expectError(matmul(ramp({2, 1, 2}), ramp({3, 2, 1})),
              "batches of [2, 1, 2] and [3, 2, 1] do not broadcast");
  expectError(gemm(kOne, kOne, nullptr, 1.0f, 1.0f, false, false), "operands must be matrices");
  expectError(gemm(ramp({2, 3}), ramp({2, 3}), nullptr, 1.0f, 1.0f, false, false),
              "inner sizes of [2, 3] and [2, 3] differ");
  expectError(packWeight(ramp({2})), "weight [2] must be a matrix of floats");
}

TEST(KernelErrors, Einsum) {
  Tensor x = ramp({2, 2});
  const Tensor *three[] = {&x, &x, &x};
  expectError(einsum({"ab", "bc", "cd"}, "ad", three), "einsum needs one or two operands");
  const Tensor *one[] = {&x};
  expectError(einsum({"abc"}, "ab", one), "term \"abc\" does not fit [2, 2]");
}

TEST(KernelErrors, AxesAndShapes) {
  expectError(reduce(Reduction::Sum, kOne, {1}, false), "axis 1 is outside rank 1");
  expectError(reduce(Reduction::Mean, ramp({0}), {0}, false), "nothing to reduce in [0]");
  expectError(reshape(ramp({3}), {2}), "[3] cannot have shape [2]");
  expectError(transpose(ramp({2, 3}), {0, 2}), "perm [0, 2] is no permutation of 2 axes");
  expectError(transpose(ramp({2, 3}), {1}), "perm [1] is no permutation of 2 axes");
  expectError(broadcastTo(ramp({2}), {1}), "[2] does not broadcast to [1]");
  expectError(gather(ramp({2}), integers({1}, {-3}), 0),
              "index -3 is outside the 2 entries of axis 0");
  expectError(slice(ramp({2, 2}), {0}, {1}, {2}), "a slice of [2, 2] needs 2 ranges");
  expectError(slice(ramp({4}), {2}, {1}, {3}), "elements 2 to 4 are outside the 4");
  expectError(concat({}, 0), "nothing to concatenate");
  expectError(tile(ramp({2}), {1, 1}), "repeats [1, 1] do not fit [2]");
  expectError(tile(ramp({2}), {-1}), "repeats [-1] are negative");
  expectError(trilu(ramp({2}), 0, true), "needs a matrix, got [2]");
  expectError(cumulativeSum(ramp({2}), -2, false, false), "axis -2 is outside rank 1");
  expectError(argReduce(ramp({2, 0}), 1, true, false, false), "nothing to choose from in [2, 0]");
}

TEST(KernelErrors, GatherElementsPadOneHot) {
  expectError(gatherElements(ramp({2, 2}), integers({1}, {0}), 0),
              "indices must be integers of the data's rank");
  expectError(gatherElements(ramp({2, 2}), integers({1, 3}, {0, 0, 0}), 0),
              "indices [1, 3] do not fit data [2, 2]");
  expectError(gatherElements(ramp({2, 2}), integers({1, 1}, {2}), 0),
              "index 2 is outside the 2 entries of axis 0");
  expectError(pad(ramp({2}), {0, 0}, {2, 2}, PadMode::Edge, nullptr), "pads of 2 axes for rank 1");
  expectError(pad(ramp({2}), {0}, {3}, PadMode::Constant, &kInteger),
              "the value must be one element of the data's type");
  expectError(pad(ramp({2, 0}), {0, 1}, {2, 1}, PadMode::Edge, nullptr),
              "nothing to repeat along axis 1");
  expectError(oneHot(kInteger, 2, ramp({2}), 2), "axis 2 is outside rank 2");
  expectError(oneHot(kInteger, 0, ramp({2}), 0), "needs a depth from 1 and two values, off and on");
  expectError(oneHot(kInteger, 2, ramp({3}), 0), "needs a depth from 1 and two values, off and on");
}

TEST(KernelErrors, Scales) {
  Tensor x = ramp({2, 3});
  expectError(quantizeLinear(x, kInteger, nullptr, 0, -128, 127), "the scale must be float");
  expectError(quantizeLinear(x, floats({1}, {0}), nullptr, 0, -128, 127),
              "its scale 0 is not finite and positive");
  Tensor zeros = integers({2}, {0, 0});
  expectError(quantizeLinear(x, kOne, &zeros, 0, -128, 127), "scale and zero point differ in size");
  expectError(quantizeLinear(x, floats({2}, {1, 1}), nullptr, 1, -128, 127),
              "2 scales do not fit axis 1 of [2, 3]");
}

} // namespace
