//===- Simplify.cpp - aac-simplify-onnx -----------------------------------===//
//
// Says in one spelling what files say in several: only rewrites that keep every bit of
// every result. One walk in order, so that operands are rewritten before their users.
//
//===----------------------------------------------------------------------===//
#include "aac/Import/Passes.h"

#include "dialects/ONNX/ONNXInfer.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace aac::onnx {
#define GEN_PASS_DEF_SIMPLIFYONNXPASS
#include "aac/Import/Passes.h.inc"

namespace {

/// y of -y, null where `value` is no negation.
Value negated(Value value) {
  auto neg = value.getDefiningOp<NegOp>();
  return neg ? neg.getX() : Value();
}

/// a + b + c as (a + b) + c: Sum adds from the left.
Value asAdditions(SumOp sum, OpBuilder &builder) {
  OperandRange inputs = sum.getInputs();
  Value total = inputs.front();
  for (Value next : inputs.drop_front()) {
    auto type = dyn_cast<RankedTensorType>(total.getType());
    auto nextType = dyn_cast<RankedTensorType>(next.getType());
    if (!type || !nextType)
      return nullptr;
    std::optional<SmallVector<int64_t>> shape =
        broadcastShapes(type.getShape(), nextType.getShape());
    if (!shape)
      return nullptr;
    total = AddOp::create(builder, sum.getLoc(), type.clone(*shape), total, next);
  }
  return total.getType() == sum.getType() ? total : Value();
}

/// One permutation for two, one after the other.
Value composed(TransposeOp outer, OpBuilder &builder) {
  auto inner = outer.getData().getDefiningOp<TransposeOp>();
  if (!inner)
    return nullptr;
  SmallVector<int64_t> perm;
  for (int64_t axis : outer.getPerm())
    perm.push_back(inner.getPerm()[axis]);
  if (llvm::is_sorted(perm) && inner.getData().getType() == outer.getType())
    return inner.getData();
  return TransposeOp::create(builder, outer.getLoc(), outer.getType(), inner.getData(), perm);
}

/// Another way to say `op`, null where it is said well.
Value simplified(Operation *op, OpBuilder &builder) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](SumOp sum) { return asAdditions(sum, builder); })
      .Case([&](NegOp neg) { return negated(neg.getX()); })
      .Case([&](AddOp add) -> Value {
        // x + (-y) is how IEEE 754 defines x - y.
        if (Value y = negated(add.getB()))
          return SubOp::create(builder, op->getLoc(), add.getType(), add.getA(), y);
        if (Value y = negated(add.getA()))
          return SubOp::create(builder, op->getLoc(), add.getType(), add.getB(), y);
        return nullptr;
      })
      .Case([&](SubOp sub) -> Value {
        if (Value y = negated(sub.getB()))
          return AddOp::create(builder, op->getLoc(), sub.getType(), sub.getA(), y);
        return nullptr;
      })
      .Case([&](TransposeOp transpose) { return composed(transpose, builder); })
      .Default([](Operation *) { return Value(); });
}

class SimplifyOnnxPass : public impl::SimplifyOnnxPassBase<SimplifyOnnxPass> {
public:
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    Block &body = getOperation().getBody().front();
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
      rewriter.setInsertionPoint(&op);
      Value other = simplified(&op, rewriter);
      if (!other)
        continue;
      llvm::SetVector<Operation *> sources;
      for (Value operand : op.getOperands())
        if (Operation *source = operand.getDefiningOp())
          sources.insert(source);
      rewriter.replaceOp(&op, other);
      for (Operation *source : sources)
        if (isOpTriviallyDead(source))
          rewriter.eraseOp(source);
      ++numRewritten;
    }
  }
};

} // namespace
} // namespace aac::onnx
