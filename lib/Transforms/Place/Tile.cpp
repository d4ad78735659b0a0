//===- Tile.cpp - how the engine works through each linear ----------------===//
//
// aac-tile. Precondition: aac-encode. Postcondition: every aac.linear has `aac.tile`.
//
// The weight's tile (features at a time) was fixed when it was encoded; here the
// tokens at a time follow from what the data memory still holds, and the order from
// counting the cycles that each takes: of what streams by, the part that does not cover
// what came before it is loaded beside the engine, the rest before it (Plan/Turns.h).
//
//===----------------------------------------------------------------------===//
#include "aac/Machine/Machine.h"
#include "aac/Plan/Turns.h"
#include "aac/Sim/Timing.h"
#include "aac/Transforms/ActivationLayout.h"
#include "aac/Transforms/PlacePasses.h"

using namespace mlir;

namespace aac {
#define GEN_PASS_DEF_TILEPASS
#include "lib/Transforms/Place/PlacePasses.h.inc"

using namespace ir;

namespace {

/// Cycles to load `rows` data rows and `words` mask words.
int64_t loadCycles(const Machine &machine, int64_t rows, int64_t words) {
  const EngineTiming &timing = machine.engine.timing;
  int64_t rowBeats = kLanes / std::max<int64_t>(timing.beatBytes, 1);
  return rows * rowBeats + words / std::max<int64_t>(timing.maskWordsPerCycle, 1);
}

LogicalResult tile(LinearOp op, StoredOp weights, const Machine &machine) {
  int64_t rowVectors = *weights.getRowVectors(), tileRows = *weights.getTileRows();
  int64_t capacity = machine.engine.dataRows;
  int64_t tokens = roundUp(tokensOf(op.getInput()), kLanes);
  // Input tile and two output tiles share a memory: t*rowVectors + 2*t*tileRows/16.
  int64_t perBlock = kLanes * rowVectors + 2 * tileRows;
  int64_t held = capacity / perBlock * kLanes;
  if (held == 0 && kLanes * rowVectors + tileRows <= capacity)
    held = kLanes;
  held = std::min({held, tokens, machine.engine.maxN / kLanes * kLanes});
  if (held == 0)
    return op.emitError() << "16 tokens of " << rowVectors
                          << " vectors and their results do not fit "
                          << "the " << capacity << " rows of the engine's data memory";
  int64_t tiles = weights.getDataRows()->size(), blocks = (tokens + held - 1) / held;
  int64_t rows = *llvm::max_element(*weights.getDataRows());
  int64_t words = weights.getMaskOffsets()->front() >= 0 ? tileRows * rowVectors : 0;
  int64_t inputRows = held * rowVectors;
  absl::StatusOr<int64_t> engine =
      sim::instructionCycles(isa::Instruction(isa::Opcode::MatMul)
                                 .set(isa::Field::N0, tileRows)
                                 .set(isa::Field::N1, held)
                                 .set(isa::Field::M, rowVectors * kLanes),
                             machine);
  if (!engine.ok())
    return op.emitError() << std::string(engine.status().message());
  // Cycles from one command to the next where a tile of weights, or of inputs, is loaded between.
  auto perCommand = [&](int64_t freeRows, int64_t freeWords, int64_t allRows, int64_t allWords) {
    return std::max(*engine, loadCycles(machine, freeRows, freeWords)) +
           loadCycles(machine, allRows - freeRows, allWords - freeWords);
  };
  plan::Turns data(rows, capacity), masks(words, machine.engine.maskWords),
      inputs(inputRows, capacity - 2 * held * tileRows / kLanes);
  int64_t weightStep = perCommand(data.freeOf(rows), masks.freeOf(words), rows, words);
  int64_t inputStep = perCommand(inputs.freeOf(inputRows), 0, inputRows, 0);
  int64_t inputStays = blocks * (loadCycles(machine, inputRows, 0) + tiles * weightStep);
  int64_t weightsStay = tiles * (loadCycles(machine, rows, words) + blocks * inputStep);
  StringRef order = blocks == 1 || inputStays <= weightsStay ? "input" : "weights";
  op->setAttr("aac.tile", TileAttr::get(op.getContext(), held, order));
  return success();
}

struct TilePass : impl::TilePassBase<TilePass> {
  using TilePassBase::TilePassBase;
  void runOnOperation() override {
    FailureOr<Machine> loaded = loadMachine(getOperation(), machine);
    if (failed(loaded))
      return signalPassFailure();
    WalkResult result = getOperation().walk([&](LinearOp op) -> WalkResult {
      if (op->hasAttr("aac.tile"))
        return success(); // compiled earlier (AddTask.h)
      auto name = op->getAttrOfType<FlatSymbolRefAttr>("aac.weights");
      auto weights =
          name
              ? SymbolTable::lookupNearestSymbolFrom<StoredOp>(op->getParentOfType<SuiteOp>(), name)
              : StoredOp();
      if (!weights)
        return op.emitError("has no stored weights; run aac-encode first");
      return tile(op, weights, *loaded);
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace aac
