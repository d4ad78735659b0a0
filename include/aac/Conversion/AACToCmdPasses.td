//===- AACToCmdPasses.td - lower and schedule --------------*- tablegen -*-===//
#ifndef AAC_CONVERSION_AACTOCMDPASSES
#define AAC_CONVERSION_AACTOCMDPASSES

include "mlir/Pass/PassBase.td"

def LowerToCmdPass : Pass<"aac-lower-to-cmd", "::mlir::ModuleOp"> {
  let summary = "aac -> cmd: each task becomes a program";
  let description = [{
    Replaces the suite by a `cmd.stream`: the machine's text, the images of its
    persistent tiers, and per task a run program (one inference) and a switch program
    (brings the task's parameters in).

    A linear is a loop over tiles (load, matmul, store); attention runs head by head
    without leaving the engine between scores and context; adds and layer norms that
    follow each other stay in the engine too; everything else is a host call. Commands
    are in an order that is right when each waits for the one before;
    `aac-schedule` makes them overlap.

    What the machine cannot run is refused by the operation's name: a batch other than
    one, an additive mask that does not switch keys off, an epsilon that matters at the
    layer's scale, a shift out of range.

    Precondition: aac-encode, aac-place, aac-tile.
  }];
  let dependentDialects = ["::aac::ir::AACDialect", "::aac::cmd::CmdDialect"];
  let options = [Option<"machine", "machine", "std::string", "\"edgebert-rram\"",
                        "machine to compile for: a name from machines/ or a path">];
  let statistics = [Statistic<"numInstructions", "instructions", "instructions made">];
}

def SchedulePass : Pass<"aac-schedule", "::mlir::ModuleOp"> {
  let summary = "lets transfers, engine and host overlap";
  let description = [{
    Orders the instructions between one loop boundary and the next so that each starts as early
    as its unit and what it conflicts with allow, by the cycles that the stream's machine
    takes for them, and inserts a `cmd.wait` where an instruction conflicts with one that
    another unit may still be busy with. Ranges of memories and tiers decide; a loop's
    boundaries wait for everything. `cmd.operand_rows = array<i64: a, b>` of a matmul, which
    the lowering leaves and this pass takes away, says how many data rows its sparse operands
    have (-1: one a vector).

    With `overlap=false` every instruction waits for the one before.

    Example: a second tile is loaded beside the first tile's product, whose result is stored
    beside the second's:
    ```mlir
    cmd.load_data ...    // tile 0
    cmd.wait units = 1
    cmd.matmul ...       // tile 0
    cmd.load_data ...    // tile 1
    cmd.wait units = 3
    cmd.matmul ...       // tile 1
    cmd.store_data ...   // result of tile 0
    ```
  }];
  let dependentDialects = ["::aac::cmd::CmdDialect"];
  let options = [Option<"overlap", "overlap", "bool", "true", "let units run side by side">];
  let statistics = [Statistic<"numWaits", "waits", "waits inserted">,
                    Statistic<"numMoved", "moved", "instructions that a later one overtook">];
}

#endif
