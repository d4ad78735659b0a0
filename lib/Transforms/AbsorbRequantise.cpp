//===- AbsorbRequantise.cpp - the file's rounding of activations goes -----===//
//
// Precondition: loops are not rolled, so that what is rounded is an operation's result.
// Postcondition: no aac.requantise. Linear in operations and their uses.
//
//===----------------------------------------------------------------------===//
#include "aac/Transforms/Calibration.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/ParamValues.h"
#include "mlir/IR/Builders.h"

namespace aac {
#define GEN_PASS_DEF_ABSORBREQUANTISEPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

struct AbsorbRequantisePass : aac::impl::AbsorbRequantisePassBase<AbsorbRequantisePass> {
  using AbsorbRequantisePassBase::AbsorbRequantisePassBase;

  void runOnOperation() override {
    SmallVector<RequantiseOp> roundings;
    getOperation().walk([&](RequantiseOp op) { roundings.push_back(op); });
    for (RequantiseOp op : roundings)
      if (failed(absorb(op)))
        return signalPassFailure();
  }

  /// Every use of `value` is rounded to the same format.
  static bool isAlwaysRounded(Value value, Int8Attr to) {
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      auto other = dyn_cast<RequantiseOp>(user);
      return other && other.getTo() == to;
    });
  }

  LogicalResult absorb(RequantiseOp op) {
    Value input = op.getInput();
    Operation *source = input.getDefiningOp();
    if (Value bias = op.getBias()) {
      // The product takes its bias back; what was rounded is no value any more.
      auto linear = dyn_cast_or_null<LinearOp>(source);
      if (!linear || linear.getBias() || linear.getScale().convertToFloat() != 1.0f ||
          !linear->hasOneUse())
        return op.emitOpError("adds a bias, but not to a product of its own that has none");
      OpBuilder builder(linear);
      Operation *use = bias.getDefiningOp();
      if (!isa_and_nonnull<UseOp>(use))
        return op.emitOpError("adds a bias that is no parameter");
      linear.getBiasMutable().assign(builder.clone(*use)->getResult(0));
    } else if (source && makesActivation(source) && isAlwaysRounded(input, op.getTo())) {
      source->setAttr(kQuantisedAttr, op.getTo());
      ++numNoted;
    }
    Operation *use = op.getBias() ? op.getBias().getDefiningOp() : nullptr;
    op.getResult().replaceAllUsesWith(input);
    op.erase();
    if (use && use->use_empty())
      use->erase();
    ++numAbsorbed;
    return success();
  }
};

} // namespace
