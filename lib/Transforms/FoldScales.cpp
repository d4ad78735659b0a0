//===- FoldScales.cpp - the scale of scores becomes a power of two --------===//
#include "ParamScaler.h"
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

/// The linear whose result serves as query of scores of one scale and as nothing else; null
/// if there is none.
static LinearOp exclusiveQuery(ScoresOp scores) {
  auto linear = scores.getQuery().getDefiningOp<LinearOp>();
  if (!linear)
    return nullptr;
  for (OpOperand &use : linear.getResult().getUses()) {
    auto user = dyn_cast<ScoresOp>(use.getOwner());
    if (!user || use.getOperandNumber() != scores.getQueryMutable().getOperandNumber() ||
        user.getScale() != scores.getScale())
      return nullptr;
  }
  if (!isa_and_nonnull<UseOp, UseEachOp>(linear.getWeight().getDefiningOp()) ||
      (linear.getBias() && !isa_and_nonnull<UseOp, UseEachOp>(linear.getBias().getDefiningOp())))
    return nullptr;
  return linear;
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

  void runOnOperation() override {
    ParamScaler scaler;
    SmallVector<std::pair<ScoresOp, double>> folded;
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
      LinearOp linear = exclusiveQuery(scores);
      if (!linear) {
        scores.emitRemark() << "scale " << scale
                            << " is no power of two and the query is not the result of a linear "
                               "of its own: not folded";
        return;
      }
      scaler.demand(linear.getWeightMutable(), rest);
      if (linear.getBias())
        scaler.demand(*linear.getBiasMutable().begin(), rest);
      folded.push_back({scores, power});
    });
    FailureOr<unsigned> scaled = scaler.apply(getOperation());
    if (failed(scaled))
      return signalPassFailure();
    Builder builder(&getContext());
    for (auto [scores, power] : folded)
      scores.setScaleAttr(builder.getF32FloatAttr(static_cast<float>(power)));
    numFolded += folded.size();
    numScaled += *scaled;
  }
};

} // namespace
