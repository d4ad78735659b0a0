//===- ErrorLedgerTest.cpp - sums of errors, ledgers and budgets ----------===//
#include "aac/Transforms/ErrorLedger.h"

#include "aac/InitAll.h"
#include "aac/Support/Npz.h"
#include "aac/Transforms/CompressPasses.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace aac;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ErrorSum, NoiseAngleAndLargestError) {
  ErrorSum sum;
  EXPECT_EQ(sum.cosine(), 1); // nothing and nothing
  EXPECT_TRUE(std::isinf(sum.sqnrDb()));
  sum.add({3, 1}, {3, 4});
  EXPECT_DOUBLE_EQ(sum.sqnrDb(), 10 * std::log10(25.0 / 9));
  EXPECT_DOUBLE_EQ(sum.cosine(), 13 / std::sqrt(250.0));
  EXPECT_EQ(sum.maxError(), 3);
  sum.add({1}, {2}); // a smaller one later
  EXPECT_EQ(sum.maxError(), 3);
  EXPECT_DOUBLE_EQ(sum.sqnrDb(), 10 * std::log10(29.0 / 10));
  ErrorSum lost;
  lost.add({0}, {1});
  EXPECT_EQ(lost.cosine(), 0);
}

/// A ledger's entry with an error of `error` in 1.
static ErrorLedger::Entry entry(const std::string &name, const std::string &format, float error) {
  ErrorLedger::Entry made;
  made.name = name;
  made.format = format;
  made.rounding.add({1 + error}, {1});
  return made;
}

TEST(AccuracyBudget, EveryTaskMustMeetIt) {
  llvm::Expected<AccuracyBudget> budget = AccuracyBudget::parse("top1:0.75");
  ASSERT_TRUE(static_cast<bool>(budget));
  ErrorLedger ledger;
  ledger.tasks.resize(2);
  for (ErrorLedger::Task &task : ledger.tasks) {
    task.rows = 4;
    task.agreeing = 3;
  }
  EXPECT_TRUE(budget->isMet(ledger));
  ledger.tasks[1].agreeing = 2;
  ledger.tasks[1].name = "second";
  EXPECT_FALSE(budget->isMet(ledger));
  EXPECT_EQ(budget->describeMiss(ledger), "top1 of task 'second' is 0.5, below 0.75 (0 sentences)");
  for (const char *wrong : {"top1:1.5", "top1:-1", "sqnr:", "mse:1", "top1"}) {
    llvm::Expected<AccuracyBudget> parsed = AccuracyBudget::parse(wrong);
    EXPECT_FALSE(static_cast<bool>(parsed)) << wrong;
    llvm::consumeError(parsed.takeError());
  }
}

TEST(AccuracyBudget, TheWeakestQuarterGetsTwoBits) {
  ErrorLedger ledger;
  ledger.entries = {entry("full", "af16e3", 0.5), entry("", "af8e3", 0.4), entry("a", "af8e3", 0.3),
                    entry("b", "af15e3", 0.2),    entry("c", "int8", 0.1), entry("d", "af8e3", 0.1),
                    entry("e", "af8e3", 0.1)};
  EXPECT_THAT(raiseWeakest(ledger), ElementsAre("a=af10e3", "b=af16e3"));
  ledger.entries.resize(2);
  EXPECT_THAT(raiseWeakest(ledger), IsEmpty());
}

TEST(ErrorLedger, OfAQuantisedSuite) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(R"(
    aac.suite {
      aac.param @table : tensor<2x4xf32> = dense<[[1.0, 0.3, 2.0, 0.7], [0.1, 0.9, 0.0, 3.0]]> : tensor<2x4xf32> {tasks = ["t"]}
      aac.param @w : tensor<4x4xf32> = dense<[[1.0, 0.3, 2.0, 0.7], [0.1, 0.9, 0.0, 3.0], [0.2, 0.4, 0.6, 0.8], [0.5, 0.1, 0.7, 0.3]]> : tensor<4x4xf32> {tasks = ["t"]}
      aac.param @exact : tensor<4x4xf32> = dense<0.0> : tensor<4x4xf32> {tasks = ["t"]}
      aac.task @t(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y", "z"] {
        %t = aac.use @table : tensor<2x4xf32>
        %w = aac.use @w : tensor<4x4xf32>
        %n = aac.use @exact : tensor<4x4xf32>
        %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<2x4xf32>) -> tensor<1x3x4xf32>
        %y = aac.linear %e, %w : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
        %z = aac.linear %e, %n : (tensor<1x3x4xf32>, tensor<4x4xf32>) -> tensor<1x3x4xf32>
        aac.return %y, %z : tensor<1x3x4xf32>, tensor<1x3x4xf32>
      }
    })",
                                            &context);
  ASSERT_TRUE(module);
  OwningOpRef<ModuleOp> quantised = module->clone();
  PassManager pm(&context);
  QuantisePassOptions options;
  options.format = "int8:channel";
  pm.addNestedPass<ir::SuiteOp>(createQuantisePass(options));
  ASSERT_TRUE(succeeded(pm.run(*quantised)));
  std::string samples = testing::TempDir() + "aac-ledger-samples.npz";
  ASSERT_TRUE(writeNpz(samples, {NpyArray::fromInts("in.0.ids", {1, 3}, {0, 1, 1}),
                                 NpyArray::fromInts("in.1.ids", {1, 3}, {1, 0, 1})})
                  .ok());
  auto suiteOf = [](ModuleOp from) { return *from.getOps<ir::SuiteOp>().begin(); };
  FailureOr<ErrorLedger> ledger =
      measureErrors(suiteOf(*module), suiteOf(*quantised), "t=" + samples);
  ASSERT_TRUE(succeeded(ledger));
  ASSERT_EQ(ledger->tasks.size(), 1u);
  // A row of outputs is a token's.
  EXPECT_EQ(ledger->tasks[0].sentences, 2);
  EXPECT_EQ(ledger->tasks[0].rows, 2 * 3 * 2);
  // A scale of four bytes and a zero point a row; what is exact is no entry but has its bytes.
  std::vector<std::string> names;
  int64_t scales = 0;
  for (const ErrorLedger::Entry &each : ledger->entries) {
    names.push_back(each.name);
    if (each.kind == "linear") {
      EXPECT_EQ(each.elements, 12); // of one inference
    }
    if (each.kind != "parameter")
      continue;
    EXPECT_GE(each.scaleBytes, each.name == "w" ? 16 : 8);
    EXPECT_EQ(each.bytes, each.elements + each.scaleBytes);
    scales += each.scaleBytes;
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"table", "w"}));
  EXPECT_THAT(names, testing::Not(testing::Contains("exact")));
  EXPECT_EQ(ledger->bytes, 8 + 16 + 16 + ledger->scaleBytes);
  EXPECT_GT(ledger->scaleBytes, scales);
}
