//===- FoldScales.cpp - scales of linears and scores go into weights -----===//
#include "ParamScaler.h"
#include "aac/Transforms/Calibration.h"
#include "aac/Transforms/CompressPasses.h"

#include "mlir/IR/Builders.h"
#include <cmath>

namespace aac {
#define GEN_PASS_DEF_FOLDSCALESPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

static bool readsParameters(LinearOp linear) {
  return isa_and_nonnull<UseOp, UseEachOp>(linear.getWeight().getDefiningOp()) &&
         (!linear.getBias() || isa_and_nonnull<UseOp, UseEachOp>(linear.getBias().getDefiningOp()));
}

/// The linears whose sum (LoRA) is `value`, which serves as query of scores of one scale and as
/// nothing else; false if it is anything else.
static bool exclusiveQuery(Value value, ScoresOp scores, SmallVectorImpl<LinearOp> &linears) {
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<LinearOp, AddOp>(op))
    return false;
  for (OpOperand &use : value.getUses()) {
    if (isa<AddOp>(use.getOwner()) && value != scores.getQuery() && value.hasOneUse())
      continue;
    auto user = dyn_cast<ScoresOp>(use.getOwner());
    if (!user || use.getOperandNumber() != scores.getQueryMutable().getOperandNumber() ||
        user.getScale() != scores.getScale())
      return false;
  }
  if (auto add = dyn_cast<AddOp>(op))
    return exclusiveQuery(add.getLhs(), scores, linears) &&
           exclusiveQuery(add.getRhs(), scores, linears);
  linears.push_back(cast<LinearOp>(op));
  return readsParameters(linears.back());
}

/// What of `scale` a power of two leaves, to 16 bits: one file's sqrt(sqrt(1 / 64))^2 and another's
/// 1 / 8 are one scale, and a weight that both share stays one.
static double leftOver(double scale, double power) {
  constexpr double kSteps = 1 << 16;
  return std::round(scale / power * kSteps) / kSteps;
}

namespace {

struct FoldScalesPass : aac::impl::FoldScalesPassBase<FoldScalesPass> {
  using FoldScalesPassBase::FoldScalesPassBase;

  static void demand(ParamScaler &scaler, LinearOp linear, double factor) {
    scaler.demand(linear.getWeightMutable(), factor);
    if (linear.getBias())
      scaler.demand(*linear.getBiasMutable().begin(), factor);
  }

  void runOnOperation() override {
    ParamScaler scaler;
    SmallVector<std::pair<ScoresOp, double>> folded;
    llvm::SmallPtrSet<Operation *, 4> queries; // two scores may read one query
    SmallVector<LinearOp> scaledLinears;
    WalkResult found = getOperation().walk([&](LinearOp linear) {
      double scale = linear.getScale().convertToDouble();
      if (scale == 1)
        return WalkResult::advance();
      if (!readsParameters(linear)) {
        linear.emitOpError("is scaled, but its weight or bias is no parameter that could be");
        return WalkResult::interrupt();
      }
      demand(scaler, linear, scale);
      scaledLinears.push_back(linear);
      return WalkResult::advance();
    });
    if (found.wasInterrupted())
      return signalPassFailure();
    getOperation().walk([&](ScoresOp scores) {
      double scale = scores.getScale().convertToDouble();
      if (scale == 0 || !std::isfinite(scale))
        return;
      double power = std::exp2(std::round(std::log2(std::fabs(scale))));
      if (scale == power)
        return;
      double rest = leftOver(scale, power);
      if (rest == 1) {
        folded.push_back({scores, power});
        return;
      }
      SmallVector<LinearOp> linears;
      if (!exclusiveQuery(scores.getQuery(), scores, linears)) {
        scores.emitRemark() << "scale " << scale
                            << " is no power of two and the query is not the result of a linear "
                               "of its own: not folded";
        return;
      }
      scores.getQuery().getDefiningOp()->removeAttr(kQuantisedAttr); // of other values now
      for (LinearOp linear : linears)
        if (queries.insert(linear).second) {
          linear->removeAttr(kQuantisedAttr);
          demand(scaler, linear, rest);
        }
      folded.push_back({scores, power});
    });
    FailureOr<unsigned> scaled = scaler.apply(getOperation());
    if (failed(scaled))
      return signalPassFailure();
    Builder builder(&getContext());
    for (LinearOp linear : scaledLinears)
      linear.setScaleAttr(builder.getF32FloatAttr(1.0f));
    for (auto [scores, power] : folded)
      scores.setScaleAttr(builder.getF32FloatAttr(static_cast<float>(power)));
    numFolded += folded.size() + scaledLinears.size();
    numScaled += *scaled;
  }
};

} // namespace
