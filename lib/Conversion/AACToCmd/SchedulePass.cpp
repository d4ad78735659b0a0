//===- SchedulePass.cpp - overlap and waits -------------------------------===//
//
// aac-schedule: the core's scheduler (Plan/Schedule.h) applied to each cmd.program.
//
//===----------------------------------------------------------------------===//
#include "aac/Conversion/AACToCmd.h"
#include "aac/Plan/Schedule.h"

using namespace mlir;

namespace aac {
#define GEN_PASS_DEF_SCHEDULEPASS
#include "lib/Conversion/AACToCmd/AACToCmdPasses.h.inc"

namespace {

struct SchedulePass : impl::SchedulePassBase<SchedulePass> {
  using SchedulePassBase::SchedulePassBase;
  void runOnOperation() override {
    WalkResult result = getOperation().walk([&](cmd::ProgramOp program) -> WalkResult {
      Block &body = program.getBody().front();
      std::vector<isa::Instruction> instructions;
      std::vector<Operation *> operations;
      for (Operation &op : body) {
        FailureOr<isa::Instruction> instruction = cmd::toInstruction(&op);
        if (failed(instruction))
          return failure();
        instructions.push_back(*instruction);
        operations.push_back(&op);
      }
      plan::Schedule schedule = plan::schedule(instructions, overlap);
      for (const plan::Slot &slot : schedule.slots) {
        if (slot.index >= 0) {
          operations[slot.index]->moveBefore(&body, body.end());
          continue;
        }
        OpBuilder builder = OpBuilder::atBlockEnd(&body);
        cmd::createInstruction(
            builder, program.getLoc(),
            isa::Instruction(isa::Opcode::Wait).set(isa::Field::Units, slot.waitUnits));
      }
      numWaits += schedule.waits;
      numMoved += schedule.moved;
      return success();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace aac
