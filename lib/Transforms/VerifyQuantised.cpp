//===- VerifyQuantised.cpp - what the lowering relies on ------------------===//
#include "ProductShift.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/ParamValues.h"

#include "llvm/ADT/TypeSwitch.h"

namespace aac {
#define GEN_PASS_DEF_VERIFYQUANTISEDPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

/// Checks one operation at a time; each method reports at the operation.
class Checker {
public:
  explicit Checker(SuiteOp suite) : symbols(suite) {}

  /// The format of `value`, with an error at `op` if it has none.
  Attribute need(Operation *op, StringRef what, Value value) {
    Attribute format = anyFormatOf(value, symbols);
    if (!format)
      op->emitOpError() << what << " has no format: run aac-quantise";
    return format;
  }

  LogicalResult oneScale(Operation *op, ArrayRef<std::pair<StringRef, Value>> values) {
    AdaptivFloatAttr first;
    StringRef firstName;
    for (auto [what, value] : values) {
      Attribute format = need(op, what, value);
      if (!format)
        return failure();
      auto other = dyn_cast<AdaptivFloatAttr>(format);
      if (!first) {
        first = other;
        firstName = what;
      }
      if (other && other.getScale() != first.getScale())
        return op->emitOpError() << what << " has scale " << other.getScale() << " and "
                                 << firstName << " has scale " << first.getScale()
                                 << ": the engine adds at one scale";
    }
    return success();
  }

  LogicalResult oneFormat(Operation *op, StringRef whatA, Attribute a, StringRef whatB,
                          Attribute b) {
    if (!a || !b || a == b)
      return success(a && b);
    return op->emitOpError() << whatA << " has format " << a << " and " << whatB << " has " << b;
  }

  LogicalResult check(Operation *op);

private:
  LogicalResult checkProduct(Operation *op);
  LogicalResult checkLoop(LoopOp loop);
  LogicalResult checkUseEach(UseEachOp each);
  LogicalResult checkLinear(LinearOp linear);

  SymbolTable symbols;
};

LogicalResult Checker::checkProduct(Operation *op) {
  FailureOr<Product> product = productOf(op);
  if (failed(product))
    return failure();
  if (!product->op)
    return success();
  if (!need(op, "the first factor", product->a) || !need(op, "the second factor", product->b) ||
      !need(op, "the result", op->getResult(0)))
    return failure();
  AdaptivFloatAttr a = formatOf(product->a, symbols), b = formatOf(product->b, symbols),
                   out = formatOf(op);
  if (!a || !b || !out)
    return success(); // int8 has no shifts
  int shift =
      productShift(out.getScale(), a.getMinExponent(), b.getMinExponent(), product->logFactor);
  if (shift < 0 || shift > kMaxShift)
    return op->emitOpError() << "needs a shift of " << shift << ", the engine has 0 to "
                             << kMaxShift << ": operands have smallest exponents "
                             << a.getMinExponent() << " and " << b.getMinExponent()
                             << ", the result has scale " << out.getScale();
  return success();
}

LogicalResult Checker::checkLinear(LinearOp linear) {
  for (ParamOp bias : paramsBehind(linear.getBias(), symbols))
    if (formatOf(bias))
      return linear.emitOpError() << "bias @" << bias.getSymName()
                                  << " has a format: linear biases stay f32";
  if (ActivationFnOp relu = fusedRelu(linear))
    return oneFormat(linear, "the result", need(linear, "the result", linear.getResult()),
                     "the relu applied with it", need(relu, "the result", relu.getResult()));
  return success();
}

LogicalResult Checker::checkLoop(LoopOp loop) {
  Operation *yield = loop.getBody().front().getTerminator();
  for (unsigned i = 0; i < loop.getNumResults(); ++i)
    if (failed(oneFormat(
            loop, "an initial value", need(loop, "an initial value", loop.getInits()[i]),
            "what is yielded for it", need(loop, "a yielded value", yield->getOperand(i)))))
      return failure();
  return success();
}

LogicalResult Checker::checkUseEach(UseEachOp each) {
  SmallVector<ParamOp> params = paramsBehind(each.getResult(), symbols);
  for (ParamOp param : params)
    if (formatOf(param) != formatOf(params.front()))
      return each.emitOpError() << "@" << param.getSymName() << " and @"
                                << params.front().getSymName() << " have different formats";
  return success();
}

LogicalResult Checker::check(Operation *op) {
  if (makesActivation(op) && !need(op, "the result", op->getResult(0)))
    return failure();
  if (failed(checkProduct(op)))
    return failure();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](AdapterOp adapter) -> LogicalResult {
        return adapter.emitOpError("must be written out before lowering (aac-expand-adapters)");
      })
      .Case([&](AddOp add) {
        return oneScale(
            op, {{"result", add.getResult()}, {"lhs", add.getLhs()}, {"rhs", add.getRhs()}});
      })
      .Case([&](LayerNormOp norm) -> LogicalResult {
        if (!need(op, "the input", norm.getInput()))
          return failure();
        return oneScale(
            op,
            {{"result", norm.getResult()}, {"gamma", norm.getGamma()}, {"beta", norm.getBeta()}});
      })
      .Case([&](SoftmaxOp softmax) -> LogicalResult {
        if (!need(op, "scores", softmax.getScores()) ||
            !need(op, "the result", softmax.getResult()))
          return failure();
        AdaptivFloatAttr in = formatOf(softmax.getScores(), symbols), out = formatOf(op);
        if (!in || !out)
          return success();
        if (in.getScale() != 0 || out.getScale() != 0)
          return op->emitOpError()
                 << "scores have scale " << in.getScale() << " and the result has "
                 << out.getScale() << ": the softmax unit works at scale 0";
        if (out.getBias() > 3)
          return op->emitOpError()
                 << "the result has bias " << out.getBias() << ": probabilities need 3 at most";
        return success();
      })
      .Case([&](SelectOp select) {
        return oneFormat(op, "the result", need(op, "the result", select.getResult()), "the input",
                         need(op, "the input", select.getInput()));
      })
      .Case([&](EmbeddingOp embedding) -> LogicalResult {
        for (Value table : embedding.getTables())
          if (!need(op, "a table", table))
            return failure();
        return success();
      })
      .Case([&](ActivationFnOp fn) { return success(need(op, "the input", fn.getInput())); })
      .Case([&](LinearOp linear) { return checkLinear(linear); })
      .Case([&](LoopOp loop) { return checkLoop(loop); })
      .Case([&](UseEachOp each) { return checkUseEach(each); })
      .Default([](Operation *) { return success(); });
}

struct VerifyQuantisedPass : aac::impl::VerifyQuantisedPassBase<VerifyQuantisedPass> {
  using VerifyQuantisedPassBase::VerifyQuantisedPassBase;

  void runOnOperation() override {
    Checker checker(getOperation());
    bool ok = true;
    getOperation().walk([&](Operation *op) { ok &= succeeded(checker.check(op)); });
    if (!ok)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
