//===- Tile.cpp - how the engine works through each linear ----------------===//
//
// aac-tile. Precondition: aac-encode. Postcondition: every aac.linear has `aac.tile`.
//
// The weight's tile (features at a time) was fixed when it was encoded; here the
// tokens at a time follow from what the data memory still holds, and the order
// from counting the cycles that each order's transfers take.
//
//===----------------------------------------------------------------------===//
#include "aac/Machine/Machine.h"
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
  int64_t weightRows = 0, words = 0, tiles = weights.getDataRows()->size();
  ArrayRef<int64_t> dataRows = *weights.getDataRows();
  for (int64_t rows : dataRows)
    weightRows += rows;
  if (weights.getMaskOffsets()->front() >= 0)
    words = tiles * tileRows * rowVectors;
  int64_t inputRows = tokens * (rowVectors - (weights.getBiasExponent() ? 1 : 0));
  int64_t blocks = (tokens + held - 1) / held;
  int64_t inputStays =
      loadCycles(machine, inputRows, 0) + blocks * loadCycles(machine, weightRows, words);
  int64_t weightsStay =
      tiles * loadCycles(machine, inputRows, 0) + loadCycles(machine, weightRows, words);
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
