//===- ExpandAdapters.cpp - adapter -> linear, activation, linear, add ----===//
#include "ParamScaler.h"
#include "aac/Transforms/CompressPasses.h"

#include "mlir/IR/Builders.h"

namespace aac {
#define GEN_PASS_DEF_EXPANDADAPTERSPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

/// The location of a part of `loc`'s operation: its name with `suffix`, if it has one.
static Location partOf(Location loc, StringRef suffix) {
  if (auto named = dyn_cast<NameLoc>(loc))
    return NameLoc::get(
        StringAttr::get(loc.getContext(), named.getName().getValue() + "." + suffix),
        named.getChildLoc());
  return loc;
}

namespace {

struct ExpandAdaptersPass : aac::impl::ExpandAdaptersPassBase<ExpandAdaptersPass> {
  using ExpandAdaptersPassBase::ExpandAdaptersPassBase;

  void runOnOperation() override {
    SmallVector<AdapterOp> adapters;
    getOperation().walk([&](AdapterOp op) { adapters.push_back(op); });
    ParamScaler scaler;
    for (AdapterOp adapter : adapters)
      expand(adapter, scaler);
    FailureOr<unsigned> scaled = scaler.apply(getOperation());
    if (failed(scaled))
      return signalPassFailure();
    numExpanded += adapters.size();
    numScaled += *scaled;
  }

  void expand(AdapterOp op, ParamScaler &scaler) {
    OpBuilder b(op);
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getResult().getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = cast<RankedTensorType>(op.getDown().getType()).getDimSize(0);
    auto inner = type.clone(shape);
    auto linear = [&](StringRef name, Type result, Value input, Value weight, Value bias) {
      return LinearOp::create(b, partOf(loc, name), result, input, weight, bias, nullptr, nullptr,
                              nullptr, llvm::APFloat(1.0f));
    };
    LinearOp down = linear("down", inner, op.getInput(), op.getDown(), op.getDownBias());
    auto act = ActivationFnOp::create(b, partOf(loc, "activation"), inner, op.getKindAttr(),
                                      down.getResult(), nullptr, nullptr, nullptr);
    LinearOp up = linear("up", type, act.getResult(), op.getUp(), op.getUpBias());
    auto sum = AddOp::create(b, loc, type, op.getInput(), up.getResult(), op.getFormatAttr(),
                             op.getAbsmaxAttr(), op.getBufferAttr());
    double scale = op.getScale().convertToDouble();
    if (scale != 1.0) {
      scaler.demand(up.getWeightMutable(), scale);
      scaler.demand(*up.getBiasMutable().begin(), scale);
    }
    op.getResult().replaceAllUsesWith(sum.getResult());
    op.erase();
  }
};

} // namespace
