//===- ParametersTest.cpp - parameters that several inferences share ------===//
#include "aac/Interp/Parameters.h"
#include "FixedOrder.h"
#include "aac/Interp/Kernels.h"

#include "dialects/AAC/AACDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace aac;
using namespace aac::interp;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

constexpr const char *kSuite = R"mlir(
aac.suite {
  aac.param @x : tensor<1x2x2xf32> = dense<[[[1.0, 2.0], [3.0, 4.0]]]> : tensor<1x2x2xf32>
  aac.param @w : tensor<2x2xf32> = dense<[[1.0, 0.0], [1.0, 1.0]]> : tensor<2x2xf32>
  aac.param @same : tensor<2x2xf32> = dense<3.0> : tensor<2x2xf32>
  aac.param @codes : tensor<2x2xf32> = dense<[[48, -80], [0, 127]]> : tensor<2x2xi8> {format = #aac.af<8, 3, bias = 7, scale = 0>}
  aac.param @code : tensor<2xf32> = dense<48> : tensor<2xi8> {format = #aac.af<8, 3, bias = 7, scale = 0>}
  aac.param @wide : tensor<2xf32> = dense<[0, 256]> : tensor<2xi16> {format = #aac.af<16, 8, bias = 7, scale = 3>}
  aac.param @gone : tensor<2xf32> = dense_resource<gone> : tensor<2xf32>
  aac.task @t() inputs [] outputs ["y", "z"] {
    %x = aac.use @x : tensor<1x2x2xf32>
    %w = aac.use @w : tensor<2x2xf32>
    %y = aac.linear %x, %w : (tensor<1x2x2xf32>, tensor<2x2xf32>) -> tensor<1x2x2xf32>
    %z = aac.linear %w, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    aac.return %y, %z : tensor<1x2x2xf32>, tensor<2x2xf32>
  }
}
)mlir";

class ParametersTest : public ::testing::Test {
protected:
  void SetUp() override {
    context.loadDialect<ir::AACDialect>();
    module = parseSourceString<ModuleOp>(kSuite, &context);
    ASSERT_TRUE(module);
    suite = *module->getOps<ir::SuiteOp>().begin();
  }
  StringAttr name(const char *text) { return StringAttr::get(&context, text); }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  ir::SuiteOp suite;
};

TEST_F(ParametersTest, ValuesAreDecodedAndKept) {
  Parameters parameters(suite);
  auto codes = parameters.values(name("codes"));
  ASSERT_TRUE(codes.ok()) << codes.status();
  EXPECT_THAT((*codes)->f, ElementsAre(1, -1, 0, 31));
  EXPECT_THAT((*codes)->shape, ElementsAre(2, 2));
  EXPECT_EQ(parameters.values(name("codes"))->get(), codes->get());
  EXPECT_THAT((*parameters.values(name("same")))->f, ElementsAre(3, 3, 3, 3));
  EXPECT_THAT((*parameters.values(name("code")))->f, ElementsAre(1, 1));
  EXPECT_THAT((*parameters.values(name("wide")))->f, ElementsAre(0, 4));
}

TEST_F(ParametersTest, WeightsAreLaidOutOnce) {
  Parameters parameters(suite);
  auto packed = parameters.packed(name("w"));
  ASSERT_TRUE(packed.ok()) << packed.status();
  EXPECT_EQ(parameters.packed(name("w"))->get(), packed->get());
  Tensor x = Tensor::floats({1, 2});
  x.f = {5, 7};
  EXPECT_THAT(linear(x, **packed, nullptr)->f, ElementsAre(5, 12));
}

TEST_F(ParametersTest, ErrorsNameTheParameter) {
  Parameters parameters(suite);
  auto expect = [](const absl::Status &status, const char *text) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  };
  expect(parameters.values(name("none")).status(), "there is no parameter @none");
  expect(parameters.packed(name("none")).status(), "there is no parameter @none");
  expect(parameters.values(name("gone")).status(),
         "parameter @gone: resource gone has no data (was it elided?)");
  expect(parameters.packed(name("gone")).status(), "parameter @gone: resource gone has no data");
  expect(parameters.packed(name("x")).status(),
         "parameter @x: weight [1, 2, 2] must be a matrix of floats");
}

TEST_F(ParametersTest, InferencesShareThem) {
  ir::TaskOp task = *suite.getOps<ir::TaskOp>().begin();
  Parameters parameters(suite);
  Options options;
  options.parameters = &parameters;
  for (int run = 0; run < 2; ++run) {
    auto outputs = evaluate(task, {}, options);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_THAT((*outputs)[0].f, ElementsAre(1, 3, 3, 7));
    EXPECT_THAT((*outputs)[1].f, ElementsAre(1, 1, 1, 2)); // a weight and an operand, too
  }
  // What was read stays, even where the suite has changed since.
  ir::ParamOp w = *std::next(suite.getOps<ir::ParamOp>().begin());
  w.setValueAttr(DenseElementsAttr::get(cast<ShapedType>(w.getTensorType()), 0.0f));
  EXPECT_THAT((*evaluate(task, {}, options))[1].f, ElementsAre(1, 1, 1, 2));
  EXPECT_THAT((*evaluate(task, {}))[1].f, ElementsAre(0, 0, 0, 0));
}

} // namespace
