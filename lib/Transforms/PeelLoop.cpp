//===- PeelLoop.cpp - the first repetition of a loop by itself ------------===//
#include "PeelLoop.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace aac;
using namespace aac::ir;

/// Clones repetition `index` of `loop` at `builder`, starting from `carried`; returns what it
/// yields.
static SmallVector<Value> writeOut(OpBuilder &builder, LoopOp loop, size_t index,
                                   ValueRange carried, IRMapping &copies) {
  Block &body = loop.getBody().front();
  copies.map(body.getArguments(), carried);
  for (Operation &op : body.without_terminator()) {
    if (auto each = dyn_cast<UseEachOp>(op)) {
      auto symbol = cast<FlatSymbolRefAttr>(each.getParams()[index]);
      Value use = UseOp::create(builder, op.getLoc(), each.getType(), symbol);
      copies.map(each.getResult(), use);
      continue;
    }
    builder.clone(op, copies);
  }
  return llvm::to_vector(llvm::map_range(body.getTerminator()->getOperands(), [&](Value value) {
    return copies.lookupOrDefault(value);
  }));
}

void aac::peelFirst(LoopOp loop, IRMapping &copies, IRMapping &second) {
  OpBuilder builder(loop);
  SmallVector<Value> carried = writeOut(builder, loop, 0, loop.getInits(), copies);
  if (loop.getCount() == 2) {
    carried = writeOut(builder, loop, 1, carried, second);
    loop.replaceAllUsesWith(carried);
    loop.erase();
    return;
  }
  if (loop.getCount() == 1) {
    loop.replaceAllUsesWith(carried);
    loop.erase();
    return;
  }
  loop.getInitsMutable().assign(carried);
  loop.setCount(loop.getCount() - 1);
  loop.walk([&](UseEachOp each) {
    each.setParamsAttr(builder.getArrayAttr(each.getParams().getValue().drop_front()));
  });
}
