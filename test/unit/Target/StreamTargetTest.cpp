//===- StreamTargetTest.cpp - cmd dialect to stream and back ---------------===//
#include "aac/Target/StreamTarget.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <random>

using namespace aac;
using aac::isa::Field;
using aac::isa::Instruction;
using aac::isa::Opcode;
using ::testing::HasSubstr;

namespace {

int64_t lowest(const isa::FieldSpec &field) {
  return field.isSigned ? -(int64_t{1} << (field.bits - 1)) : 0;
}
int64_t highest(const isa::FieldSpec &field) {
  return (int64_t{1} << (field.isSigned ? field.bits - 1 : field.bits)) - 1;
}

/// Two tasks and a program that holds every instruction with random values.
Stream everything() {
  Stream stream;
  stream.machineName = "toy";
  stream.machine = "name: \"toy\"\n";
  stream.tasks = {{"first task",
                   {{"ids", ElementType::I64, {1, 8}}, {"mask", ElementType::Bool, {1, 8}}},
                   {{"logits", ElementType::F32, {1, 2}}, {"n", ElementType::I32, {}}},
                   2},
                  {"b", {}, {}, 2}};
  stream.images = {{"dram", 0x80000000, 3, {1, 2, 3}}, {"rram", 0, 2, {0xff}, /*coded=*/true}};
  stream.switchTo = {-1, 1, 1, -1, 1, -1};
  stream.symbols = {{"w", "ffn", "shared", 3, "dram", 0x80000000, 3, {2, 3}, "af", ~uint64_t{0}}};
  stream.locations = {{"MatMul_1;Add_2", "linear", "layer"}, {"Softmax", "", ""}, {"", "loop", ""}};
  stream.programs = {{"power", ProgramRole::PowerOn, 3, {}, {}},
                     {"switch", ProgramRole::Switch, 3, {Instruction(Opcode::Wait)}, {}},
                     {"first task", ProgramRole::Run, 3, {}, {}}};
  std::mt19937_64 random(5);
  Program &run = stream.programs[2];
  for (const isa::InstructionSpec &spec : isa::allInstructions())
    for (int repeat = 0; repeat < 3; ++repeat) {
      Instruction instruction(spec.opcode);
      for (size_t i = 0; i < spec.fields.size(); ++i) {
        int64_t low = lowest(spec.fields[i]), high = highest(spec.fields[i]);
        instruction.values[i] = repeat == 0 ? low
                                : repeat == 1
                                    ? high
                                    : std::uniform_int_distribution<int64_t>(low, high)(random);
      }
      run.code.push_back(instruction);
      run.location.push_back(static_cast<int32_t>(run.code.size()) % 4 - 1);
      if (spec.opcode == Opcode::Loop) {
        run.code.push_back(Instruction(Opcode::End));
        run.location.push_back(-1);
      }
      if (spec.opcode == Opcode::End) {
        run.code.insert(run.code.end() - 1, Instruction(Opcode::Loop));
        run.location.push_back(-1);
      }
    }
  return stream;
}

std::string textOf(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module->print(out, mlir::OpPrintingFlags().enableDebugInfo());
  return text;
}

TEST(StreamTarget, CmdToStreamToCmdIsTheSame) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = translateFromStream(everything(), context);
  ASSERT_TRUE(module.ok()) << module.status();
  ASSERT_TRUE(mlir::succeeded(mlir::verify(**module)));
  auto bytes = exportStream(**module);
  ASSERT_TRUE(bytes.ok()) << bytes.status();

  auto again = importStream(*bytes, context);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*exportStream(**again), *bytes);

  // The import numbers locations anew, by first use; everything else is as it was.
  Stream before = everything();
  auto after = deserialize(*bytes);
  ASSERT_TRUE(after.ok()) << after.status();
  ASSERT_EQ(after->programs.size(), before.programs.size());
  for (size_t p = 0; p < before.programs.size(); ++p) {
    EXPECT_TRUE(after->programs[p].code == before.programs[p].code);
    ASSERT_EQ(after->programs[p].location.size(), before.programs[p].location.size());
    for (size_t i = 0; i < before.programs[p].location.size(); ++i) {
      int32_t x = before.programs[p].location[i], y = after->programs[p].location[i];
      ASSERT_EQ(x < 0, y < 0);
      if (x >= 0) {
        EXPECT_EQ(before.locations[x].node, after->locations[y].node);
        EXPECT_EQ(before.locations[x].op, after->locations[y].op);
        EXPECT_EQ(before.locations[x].layer, after->locations[y].layer);
      }
    }
  }
  EXPECT_EQ(after->switchTo, before.switchTo);
  EXPECT_EQ(after->symbols[0].hash, before.symbols[0].hash);
  EXPECT_EQ(after->tasks[0].outputs[1].shape, before.tasks[0].outputs[1].shape);
}

TEST(StreamTarget, TextAndBytecodeKeepTheStream) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = translateFromStream(everything(), context);
  ASSERT_TRUE(module.ok());
  std::string bytes = *exportStream(**module);

  auto parsed = mlir::parseSourceString<mlir::ModuleOp>(textOf(**module), &context);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*exportStream(*parsed), bytes);

  std::string bytecode;
  llvm::raw_string_ostream out(bytecode);
  ASSERT_TRUE(mlir::succeeded(mlir::writeBytecodeToFile(**module, out)));
  mlir::MLIRContext other(mlir::MLIRContext::Threading::DISABLED);
  other.loadDialect<cmd::CmdDialect>();
  auto read = mlir::parseSourceString<mlir::ModuleOp>(bytecode, &other);
  ASSERT_TRUE(read);
  EXPECT_EQ(*exportStream(*read), bytes);
}

TEST(StreamTarget, InstructionsKeepTheirFields) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<cmd::CmdDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  mlir::OpBuilder builder(module->getBodyRegion());
  mlir::Location loc =
      cmd::withOrigin(mlir::NameLoc::get(builder.getStringAttr("MatMul_7")), "linear", "layer");
  Instruction matmul = Instruction(Opcode::MatMul).set(Field::N0, 64).set(Field::WeightBias, -8);
  mlir::Operation *op = cmd::createInstruction(builder, loc, matmul);
  EXPECT_TRUE(cmd::isInstruction(op));
  EXPECT_FALSE(cmd::isInstruction(module->getOperation()));
  auto back = cmd::toInstruction(op);
  ASSERT_TRUE(mlir::succeeded(back));
  EXPECT_TRUE(*back == matmul);
  auto typed = mlir::cast<cmd::MatmulOp>(op);
  EXPECT_EQ(typed.getN0(), 64u);
  typed.setN1(32);
  EXPECT_EQ(cmd::toInstruction(op)->get(Field::N1), 32);
  auto wait = cmd::WaitOp::create(builder, loc, {3});
  EXPECT_EQ(wait.getUnits(), 3u);

  cmd::Origin origin = cmd::originOf(mlir::FusedLoc::get(
      &context, {mlir::NameLoc::get(builder.getStringAttr("Add_1"), loc), loc}));
  EXPECT_EQ(origin.node, "Add_1;MatMul_7");
  EXPECT_EQ(origin.op, "linear");
  EXPECT_EQ(origin.layer, "layer");
  EXPECT_TRUE(cmd::originOf(builder.getUnknownLoc()).empty());
}

TEST(StreamTarget, SaysWhatIsMissing) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<cmd::CmdDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>("module {}", &context);
  EXPECT_EQ(
      exportStream(*module).status().message(),
      "expected one cmd.stream in the module, found 0; compile down to the cmd dialect first");
  EXPECT_EQ(importStream("no stream", context).status().message(),
            "not a stream: it does not start with the magic AACS");
  Stream broken = everything();
  broken.switchTo.clear();
  EXPECT_EQ(translateFromStream(broken, context).status().message(),
            "switch table has 0 entries, 2 tasks need 6");
}

} // namespace
