//===- SchedulePass.cpp - overlap and waits -------------------------------===//
//
// aac-schedule: the core's scheduler (Plan/Schedule.h) applied to each cmd.program, with the
// cycles that the machine takes for each instruction (Sim/Timing.h).
//
//===----------------------------------------------------------------------===//
#include "TaskLowering.h"
#include "aac/Conversion/AACToCmd.h"
#include "aac/Plan/Schedule.h"
#include "aac/Sim/Timing.h"

using namespace mlir;

namespace aac {
#define GEN_PASS_DEF_SCHEDULEPASS
#include "lib/Conversion/AACToCmd/AACToCmdPasses.h.inc"

namespace {

struct SchedulePass : impl::SchedulePassBase<SchedulePass> {
  using SchedulePassBase::SchedulePassBase;

  LogicalResult schedule(cmd::ProgramOp program, const Machine &machine) {
    Block &body = program.getBody().front();
    std::vector<plan::Step> steps;
    std::vector<Operation *> operations;
    for (Operation &op : body) {
      FailureOr<isa::Instruction> instruction = cmd::toInstruction(&op);
      if (failed(instruction))
        return failure();
      absl::StatusOr<int64_t> cycles = sim::instructionCycles(*instruction, machine);
      if (!cycles.ok())
        return op.emitOpError() << std::string(cycles.status().message());
      steps.emplace_back(*instruction, *cycles);
      steps.back().issue = sim::issueCycles(*instruction, machine);
      if (auto rows = op.getAttrOfType<DenseI64ArrayAttr>(kOperandRows)) {
        if (rows.size() != 2)
          return op.emitOpError() << kOperandRows << " has " << rows.size()
                                  << " numbers, not one for each of two operands";
        steps.back().operandRows = {rows[0], rows[1]};
        op.removeAttr(kOperandRows);
      }
      operations.push_back(&op);
    }
    plan::Units units{machine.engine.dataRows, machine.engine.overlapsTransfers};
    plan::Schedule schedule = plan::schedule(steps, units, overlap);
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
  }

  void runOnOperation() override {
    for (auto stream : getOperation().getOps<cmd::StreamOp>()) {
      absl::StatusOr<Machine> machine =
          Machine::parse(stream.getMachineText().str(), "machine of the stream");
      if (!machine.ok()) {
        stream.emitOpError() << std::string(machine.status().message());
        return signalPassFailure();
      }
      for (auto program : stream.getOps<cmd::ProgramOp>())
        if (failed(schedule(program, *machine)))
          return signalPassFailure();
    }
  }
};

} // namespace
} // namespace aac
