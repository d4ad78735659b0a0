//===- Adapter.cpp - linear, function, linear, residual -> aac.adapter ----===//
//
// x + scale * up(f(down(x))) is an adapter where Structure says that the two linears are one's;
// the feed-forward block of a layer without an adapter looks the same. What has no bias, or
// another residual, or a norm in between, stays linear, activation, linear and add.
//
//===----------------------------------------------------------------------===//
#include "Roles.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

void raise::formAdapters(ir::TaskOp task, const Structure &structure) {
  for (const LinearPair &block : structure.allBlocks()) {
    ir::LinearOp down = block.down, up = block.up;
    ir::ActivationFnOp function = block.function;
    if (structure.partOf(up) != LayerPart::AdapterUp || !down.getBias() || !up.getBias() ||
        down.getScale().convertToFloat() != 1.0f || !down->hasOneUse() || !function->hasOneUse() ||
        !up->hasOneUse() || function.getInput() != down.getResult() ||
        up.getInput() != function.getResult())
      continue;
    auto add = dyn_cast<ir::AddOp>(*up->user_begin());
    Value x = down.getInput();
    if (!add || (add.getLhs() != x && add.getRhs() != x))
      continue;
    OpBuilder builder(add);
    Location loc =
        builder.getFusedLoc({down.getLoc(), function.getLoc(), up.getLoc(), add.getLoc()});
    auto adapter = ir::AdapterOp::create(
        builder, loc, add.getType(), x, down.getWeight(), down.getBias(), up.getWeight(),
        up.getBias(), function.getKind(), up.getScale(), /*format=*/nullptr, /*absmax=*/nullptr,
        /*buffer=*/nullptr);
    add.getResult().replaceAllUsesWith(adapter.getResult());
    for (Operation *op :
         {add.getOperation(), up.getOperation(), function.getOperation(), down.getOperation()})
      op->erase();
  }
}
