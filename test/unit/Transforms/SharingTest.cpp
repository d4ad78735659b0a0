//===- SharingTest.cpp - the sharing report, and tasks added to a suite ---===//
#include "aac/Transforms/Sharing.h"

#include "aac/InitAll.h"
#include "aac/Transforms/AddTask.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace aac;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

class SharingTest : public testing::Test {
protected:
  SharingTest() : context(registry()) {
    context.loadAllAvailableDialects();
    context.getDiagEngine().registerHandler([this](Diagnostic &diag) {
      told += diag.str() + "\n";
      for (Diagnostic &note : diag.getNotes())
        told += note.str() + "\n";
    });
  }

  static const DialectRegistry &registry() {
    static DialectRegistry all = [] {
      DialectRegistry dialects;
      registerAllDialects(dialects);
      return dialects;
    }();
    return all;
  }

  /// The suite of `body`; it lives as long as the test.
  ir::SuiteOp suite(const std::string &body) {
    modules.push_back(parseSourceString<ModuleOp>("aac.suite {\n" + body + "}\n", &context));
    EXPECT_TRUE(modules.back()) << told;
    return modules.back() ? *modules.back()->getOps<ir::SuiteOp>().begin() : ir::SuiteOp();
  }

  /// A parameter of 2x2 elements.
  static std::string param(const std::string &name, const std::string &values,
                           const std::string &attributes, const std::string &type = "2x2xf32") {
    return "aac.param @" + name + " : tensor<2x2xf32> = dense<" + values + "> : tensor<" + type +
           "> {" + attributes + "}\n";
  }
  /// A task that multiplies its input by each of the parameters of 2x2 elements.
  static std::string task(const std::string &name, const std::vector<std::string> &params) {
    std::string text = "aac.task @" + name +
                       "(%x: tensor<1x2xf32>) inputs [\"x\"] outputs [\"y\"] {\n",
                last = "%x";
    for (const std::string &each : params) {
      text += "%w_" + each + " = aac.use @" + each + " : tensor<2x2xf32>\n%y_" + each +
              " = aac.linear " + last + ", %w_" + each +
              " : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>\n";
      last = "%y_" + each;
    }
    return text + "aac.return " + last + " : tensor<1x2xf32>\n}\n";
  }

  MLIRContext context;
  std::string told;
  std::vector<OwningOpRef<ModuleOp>> modules;
};

std::string attributes(const std::string &role, int hash, const std::string &sharing,
                       const std::string &tasks, const std::string &more = "") {
  return "role = #aac.role<" + role + ">, content_hash = " + std::to_string(hash) +
         " : i64, sharing = #aac.sharing<" + sharing + ">, tasks = [" + tasks + "]" + more;
}

} // namespace

TEST_F(SharingTest, WhereParametersAreUsed) {
  ir::SuiteOp all = suite(R"(
    aac.param @table : tensor<4x2xf32> = dense<1.0> : tensor<4x2xf32>
    aac.param @w : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    aac.param @o : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    aac.param @b : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    aac.param @g : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    aac.param @z : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    aac.param @d : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    aac.param @db : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    aac.param @u : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    aac.param @ub : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    aac.param @even : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    aac.param @odd : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    aac.task @layers(%ids: tensor<1x3xi64>) inputs ["ids"] outputs ["y"] {
      %t = aac.use @table : tensor<4x2xf32>
      %w = aac.use @w : tensor<2x2xf32>
      %o = aac.use @o : tensor<2x2xf32>
      %b = aac.use @b : tensor<2xf32>
      %g = aac.use @g : tensor<2xf32>
      %z = aac.use @z : tensor<2xf32>
      %d = aac.use @d : tensor<2x2xf32>
      %db = aac.use @db : tensor<2xf32>
      %u = aac.use @u : tensor<2x2xf32>
      %ub = aac.use @ub : tensor<2xf32>
      %e = aac.embedding ids(%ids) tables(%t) : (tensor<1x3xi64>, tensor<4x2xf32>) -> tensor<1x3x2xf32>
      %q0 = aac.linear %e, %w : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
      %k0 = aac.linear %e, %w : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
      %s0 = aac.scores %q0, %k0 heads 1 scale 1.0 : (tensor<1x3x2xf32>, tensor<1x3x2xf32>) -> tensor<1x1x3x3xf32>
      %p0 = aac.softmax %s0 : (tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
      %c0 = aac.context %p0, %k0 : (tensor<1x1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
      %o0 = aac.linear %c0, %o, %b : (tensor<1x3x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
      %n0 = aac.layer_norm %o0, %g, %z epsilon 1.0e-12 : (tensor<1x3x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
      %a0 = aac.adapter relu %n0 down(%d, %db) up(%u, %ub) : (tensor<1x3x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
      %q1 = aac.linear %a0, %w : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
      %s1 = aac.scores %q1, %q1 heads 1 scale 1.0 : (tensor<1x3x2xf32>, tensor<1x3x2xf32>) -> tensor<1x1x3x3xf32>
      %p1 = aac.softmax %s1 : (tensor<1x1x3x3xf32>) -> tensor<1x1x3x3xf32>
      %c1 = aac.context %p1, %q1 : (tensor<1x1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
      %n1 = aac.layer_norm %c1, %g, %z epsilon 1.0e-12 : (tensor<1x3x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x3x2xf32>
      %cls = aac.select %n1[0] : tensor<1x3x2xf32> -> tensor<1x2xf32>
      %y = aac.linear %cls, %o, %b : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
      aac.return %y : tensor<1x2xf32>
    }
    aac.task @loop(%x: tensor<1x3x2xf32>) inputs ["x"] outputs ["y"] {
      %y = aac.loop 3 (%h = %x) : (tensor<1x3x2xf32>) {
        %w = aac.use_each [@even, @odd, @even] : tensor<2x2xf32>
        %a = aac.linear %h, %w : (tensor<1x3x2xf32>, tensor<2x2xf32>) -> tensor<1x3x2xf32>
        aac.yield %a : tensor<1x3x2xf32>
      }
      aac.return %y : tensor<1x3x2xf32>
    }
)");
  ASSERT_TRUE(all);
  auto uses = describeUses(all);
  auto of = [&](const char *name) { return uses.lookup(StringAttr::get(&context, name)); };
  EXPECT_THAT(of("table"), ElementsAre("embedding table, embedding"));
  EXPECT_THAT(of("w"), ElementsAre("linear weight, layers 0-1"));
  EXPECT_THAT(of("o"), ElementsAre("linear weight, layer 0 and head"));
  EXPECT_THAT(of("b"), ElementsAre("linear bias, layer 0 and head"));
  EXPECT_THAT(of("g"), ElementsAre("layer_norm gamma, layers 0-1"));
  EXPECT_THAT(of("z"), ElementsAre("layer_norm beta, layers 0-1"));
  EXPECT_THAT(of("d"), ElementsAre("adapter down, layer 0"));
  EXPECT_THAT(of("db"), ElementsAre("adapter down bias, layer 0"));
  EXPECT_THAT(of("u"), ElementsAre("adapter up, layer 0"));
  EXPECT_THAT(of("ub"), ElementsAre("adapter up bias, layer 0"));
  EXPECT_THAT(of("even"), ElementsAre("linear weight, layers 0 2"));
  EXPECT_THAT(of("odd"), ElementsAre("linear weight, layer 1"));
}

TEST_F(SharingTest, BytesByClass) {
  FailureOr<SharingReport> report = reportSharing(
      suite(param("all", "1.0", attributes("ffn", 1, "shared", "\"a\", \"b\", \"c\"")) +
            param("some", "2.0", attributes("ffn", 2, "subset", "\"a\", \"b\"")) +
            param("one", "3.0", attributes("ffn", 3, "task", "\"c\"")) +
            task("a", {"all", "some"}) + task("b", {"all", "some"}) + task("c", {"all", "one"})));
  ASSERT_TRUE(succeeded(report)) << told;
  EXPECT_EQ(report->sharedBytes, 16);
  EXPECT_EQ(report->subsetBytes, 16);
  EXPECT_THAT(report->taskBytes,
              ElementsAre(testing::Pair("a", 0), testing::Pair("b", 0), testing::Pair("c", 16)));
  EXPECT_EQ(report->inputBytes, 6 * 16);
  std::string text;
  llvm::raw_string_ostream os(text);
  report->printText(os);
  EXPECT_THAT(text, HasSubstr("\nstored               48 bytes, 50.0 % of the 96 bytes"));
}

TEST_F(SharingTest, OnlyTransposesAreTransposed) {
  // Of vectors and constants it says nothing; the last two have the same elements in another order.
  auto near = findNearDuplicates(suite(R"(
    aac.param @m : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
    aac.param @turned : tensor<3x2xf32> = dense<[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]> : tensor<3x2xf32>
    aac.param @row : tensor<1x3xf32> = dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
    aac.param @column : tensor<3x1xf32> = dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
    aac.param @ones : tensor<2x3xf32> = dense<1.0> : tensor<2x3xf32>
    aac.param @more_ones : tensor<3x2xf32> = dense<1.0> : tensor<3x2xf32>
    aac.param @up : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
    aac.param @down : tensor<2x2xf32> = dense<[[4.0, 3.0], [2.0, 1.0]]> : tensor<2x2xf32>
)"),
                                 {});
  ASSERT_TRUE(succeeded(near)) << told;
  ASSERT_EQ(near->size(), 1u);
  EXPECT_EQ(near->front().kind, NearDuplicate::Kind::Transposed);
  EXPECT_EQ(near->front().first.getSymName(), "m");
  EXPECT_EQ(near->front().second.getSymName(), "turned");
}

//===----------------------------------------------------------------------===//
// Tasks added to a suite
//===----------------------------------------------------------------------===//

TEST_F(SharingTest, NearestOfWhatIsStored) {
  // @same is stored as @near, which @other would differ from in one element only; @role is no ffn.
  std::string stored =
      param("far", "9.0", attributes("ffn", 1, "shared", "\"a\"")) +
      param("near", "[[1.0, 2.0], [3.0, 4.0]]", attributes("ffn", 2, "shared", "\"a\"")) +
      param("half", "[[1.0, 2.0], [9.0, 9.0]]", attributes("ffn", 3, "shared", "\"a\"")) +
      param("role", "[[1.0, 2.0], [3.0, 6.0]]", attributes("attention", 4, "shared", "\"a\"")) +
      task("a", {"far", "near", "half", "role"});
  std::string added =
      param("same", "[[1.0, 2.0], [3.0, 4.0]]", attributes("ffn", 2, "shared", "\"new\"")) +
      param("other", "[[1.0, 2.0], [3.0, 5.0]]", attributes("ffn", 9, "shared", "\"new\"")) +
      task("new", {"same", "other"});
  EXPECT_TRUE(failed(pinToStored(suite(added), suite(stored), suite(stored), false)));
  EXPECT_THAT(told, HasSubstr("parameters that differ: 1."));
  EXPECT_THAT(told, HasSubstr("'other' (ffn 2x2) differs from 'half' in 2 of 4 elements, by at "
                              "most 6"));
}

TEST_F(SharingTest, OnlyEqualBytesAreStored) {
  // One hash, other values.
  std::string rest = attributes("ffn", 2, "shared", "\"a\""), uses = task("a", {"w"});
  std::string stored = param("w", "[[1.0, 2.0], [3.0, 4.0]]", rest) + uses;
  std::string added = param("w", "[[1.0, 2.0], [3.0, 5.0]]", rest) + task("new", {"w"});
  EXPECT_TRUE(failed(pinToStored(suite(added), suite(stored), suite(stored), false)));
  EXPECT_THAT(told, HasSubstr("'w' (ffn 2x2) differs from 'w' in 1 of 4 elements, by at most 1"));
}

TEST_F(SharingTest, WhatIsStoredKeepsItsFormat) {
  std::string rest = attributes("ffn", 2, "shared", "\"a\""), uses = task("a", {"w"});
  std::string codes = ", format = #aac.af<8, 3, bias = 7, scale = -2>";
  ir::SuiteOp added = suite(param("v", "[[1.0, 2.0], [3.0, 4.0]]", rest) + task("new", {"v"}));
  ASSERT_TRUE(
      succeeded(pinToStored(added, suite(param("w", "[[1.0, 2.0], [3.0, 4.0]]", rest) + uses),
                            suite(param("w", "1", rest + codes, "2x2xi8") + uses), false)))
      << told;
  ir::ParamOp pinned = *added.getOps<ir::ParamOp>().begin();
  EXPECT_EQ(pinned->getAttrOfType<FlatSymbolRefAttr>(kStoredAsAttr).getValue(), "w");
  auto format = pinned->getAttrOfType<ir::AdaptivFloatAttr>(kPinnedAttr);
  ASSERT_TRUE(format);
  EXPECT_EQ(format.getScale(), -2);
}

TEST_F(SharingTest, ATasksOwnTransposeIsNoFork) {
  std::string stored =
      param("p", "[[1.0, 2.0], [3.0, 4.0]]", attributes("pooler", 1, "shared", "\"a\"")) +
      task("a", {"p"});
  ir::SuiteOp added =
      suite(param("t", "[[1.0, 3.0], [2.0, 4.0]]", attributes("pooler", 2, "task", "\"new\"")) +
            task("new", {"t"}));
  EXPECT_TRUE(succeeded(pinToStored(added, suite(stored), suite(stored), false))) << told;
}

TEST_F(SharingTest, ATenthThatDiffersIsNoTasksOwn) {
  auto norm = [&](const char *name, const char *last, int hash) {
    return "aac.param @" + std::string(name) +
           " : tensor<16xf32> = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 4.0, "
           "5.0, 6.0, " +
           last + "]> : tensor<16xf32> {" + attributes("layer_norm", hash, "shared", "\"a\"") +
           "}\n";
  };
  std::string stored = norm("n", "7.0, 8.0", 1) + task("a", {});
  auto pin = [&](const char *last) {
    return succeeded(pinToStored(suite(norm("m", last, 2) + task("new", {})), suite(stored),
                                 suite(stored), false));
  };
  EXPECT_TRUE(pin("7.5, 8.5")); // two of sixteen
  EXPECT_THAT(told, IsEmpty());
  EXPECT_FALSE(pin("7.0, 8.5"));
  EXPECT_THAT(told, HasSubstr("'m' (layer_norm 16) differs from 'n' in 1 of 16 elements"));
}

TEST_F(SharingTest, LinksWhatIsStoredToEqualCodesAlone) {
  std::string rest = attributes("ffn", 2, "shared", "\"a\""), uses = task("a", {"w", "lonely"});
  auto stored = [&] {
    return suite(
        param("w", "48", rest + ", format = #aac.af<8, 3, bias = 7, scale = -2>", "2x2xi8") +
        param("lonely", "49",
              attributes("ffn", 3, "shared", "\"a\"") +
                  ", format = #aac.af<8, 3, bias = 7, scale = -2>",
              "2x2xi8") +
        uses);
  };
  auto added = [&](const std::string &codes, const std::string &scale) {
    return suite(
        param("v", codes,
              attributes("ffn", 2, "shared", "\"new\"") +
                  ", aac.stored_as = @w, format = #aac.af<8, 3, bias = 7, scale = " + scale + ">",
              "2x2xi8") +
        task("new", {"v"}));
  };
  for (auto [codes, scale] : {std::pair("49", "-2"), std::pair("48", "-1")}) {
    told.clear();
    EXPECT_TRUE(failed(linkToStored(added(codes, scale), stored())));
    EXPECT_THAT(told, HasSubstr("'v' is stored as 'w', but this task makes other codes of it"));
  }
  ir::SuiteOp linked = stored();
  told.clear();
  ASSERT_TRUE(succeeded(linkToStored(added("48", "-2"), linked)));
  EXPECT_THAT(told, IsEmpty());
  EXPECT_EQ(llvm::range_size(linked.getOps<ir::ParamOp>()), 2);
  SymbolTable symbols(linked);
  auto known = symbols.lookup<ir::ParamOp>("w"), lonely = symbols.lookup<ir::ParamOp>("lonely");
  EXPECT_EQ(known.getSharing(), ir::Sharing::Shared);
  EXPECT_EQ(known.getTasks()->size(), 2u);
  EXPECT_EQ(lonely.getSharing(), ir::Sharing::Subset);
}
