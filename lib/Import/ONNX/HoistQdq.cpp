//===- HoistQdq.cpp - aac-hoist-qdq ---------------------------------------===//
//
// Moves QuantizeLinear, DequantizeLinear pairs to the operations whose results they round.
//
// A pair with one constant scale rounds each element by itself, so it changes places with what only
// moves elements: y = DQ(Q(Transpose(x))) is Transpose(DQ(Q(x))). The heads of an attention's
// result are merged before it is rounded: there pairs move the other way. With a product by a power
// of two it changes places too: 2^k * DQ(Q(x)) is a pair with scale 2^k * s on 2^k * x. Both to the
// bit. A pair of a pair with the same constants does nothing.
//
// Each step moves a pair in front of an operation or drops it: at most (pairs x longest chain of
// movers), and no more than kMaxWork, which no model needs: pairs that are left stay where they
// are.
//
//===----------------------------------------------------------------------===//
#include "aac/Import/Passes.h"

#include "aac/Interp/Attributes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <cmath>
#include <iterator>

using namespace mlir;

namespace aac::onnx {
#define GEN_PASS_DEF_HOISTQDQPASS
#include "aac/Import/Passes.h.inc"

namespace {

/// A DequantizeLinear of a QuantizeLinear of `x`.
struct Pair {
  QuantizeLinearOp quantise;
  DequantizeLinearOp dequantise;
};

/// The f32 of a stored scalar, nothing for others.
std::optional<float> storedScalar(Value value) {
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<ConstantOp, InitializerOp>(op))
    return std::nullopt;
  auto attribute = cast<ElementsAttr>(op->getAttr("value"));
  if (attribute.getNumElements() != 1 || !attribute.getElementType().isF32())
    return std::nullopt;
  absl::StatusOr<interp::Tensor> tensor = interp::fromAttribute(attribute);
  return tensor.ok() ? std::optional<float>(tensor->f.front()) : std::nullopt;
}

/// Values that are the same constant, or both left out.
bool sameConstant(Value a, Value b) {
  if (a == b || (isa<NoneType>(a.getType()) && isa<NoneType>(b.getType())))
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  return isa_and_nonnull<ConstantOp, InitializerOp>(x) &&
         isa_and_nonnull<ConstantOp, InitializerOp>(y) &&
         x->getAttr("value") == y->getAttr("value");
}

/// The pair that makes `value`, with one scale.
std::optional<Pair> pairOf(Value value) {
  auto dequantise = value.getDefiningOp<DequantizeLinearOp>();
  auto quantise = dequantise ? dequantise.getX().getDefiningOp<QuantizeLinearOp>() : nullptr;
  if (!quantise || !storedScalar(quantise.getScale()) ||
      !sameConstant(quantise.getScale(), dequantise.getScale()) ||
      !sameConstant(quantise.getZeroPoint(), dequantise.getZeroPoint()))
    return std::nullopt;
  return Pair{quantise, dequantise};
}

/// The type of a pair's codes.
Type codesOf(Pair pair) { return getElementTypeOrSelf(pair.quantise.getResult()); }

bool movesElements(Operation *op) {
  return isa_and_nonnull<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp, TransposeOp>(op);
}

/// `value` is a product of two values that depend on inputs, seen through what moves elements and
/// through pairs: the scores or the context of an attention.
bool isAttentionProduct(Value value) {
  constexpr int kMaxChain = 256;
  auto behindMovers = [](Value v) {
    for (int steps = 0; steps < kMaxChain; ++steps)
      if (movesElements(v.getDefiningOp()))
        v = v.getDefiningOp()->getOperand(0);
      else if (std::optional<Pair> pair = pairOf(v))
        v = pair->quantise.getX();
      else
        break;
    return v.getDefiningOp();
  };
  Operation *product = behindMovers(value);
  return isa_and_nonnull<MatMulOp, EinsumOp>(product) &&
         llvm::none_of(product->getOperands(), [&](Value operand) {
           return isa_and_nonnull<ConstantOp, InitializerOp>(behindMovers(operand));
         });
}

/// Operations made and uses changed in a graph.
constexpr int64_t kMaxWork = 1 << 16;

/// Operations in the order in which they came; those that are erased fall out.
class Worklist {
public:
  void push(Operation *op) {
    ++work;
    places[op].push_back(queue.size());
    queue.push_back(op);
  }
  void erase(Operation *op) {
    auto found = places.find(op);
    if (found == places.end())
      return;
    for (size_t place : found->second)
      queue[place] = nullptr;
    places.erase(found);
  }
  /// `to` in the place of `from`.
  void replace(Value from, Value to) {
    work += std::distance(from.use_begin(), from.use_end());
    from.replaceAllUsesWith(to);
  }
  /// From now on there is `amount` of work to spend.
  void setBudget(int64_t amount) {
    work = 0;
    budget = amount;
  }
  /// The next operation, null when there is none or the work is spent.
  Operation *pop() {
    while (work < budget && next < queue.size())
      if (Operation *op = queue[next++])
        return op;
    return nullptr;
  }

private:
  SmallVector<Operation *> queue;
  size_t next = 0;
  int64_t work = 0, budget = 0;
  llvm::DenseMap<Operation *, SmallVector<size_t, 1>> places;
};

class HoistQdqPass : public impl::HoistQdqPassBase<HoistQdqPass> {
public:
  using HoistQdqPassBase::HoistQdqPassBase;

  void runOnOperation() override {
    Block &body = getOperation().getBody().front();
    Worklist work;
    for (Operation &op : body)
      if (isa<DequantizeLinearOp, MulOp, DivOp>(op) || movesElements(&op))
        work.push(&op);
    work.setBudget(kMaxWork);
    while (Operation *op = work.pop()) {
      if (auto dequantise = dyn_cast<DequantizeLinearOp>(op))
        hoist(dequantise, work);
      else if (movesElements(op))
        sink(op, work);
      else
        scale(op, work);
    }
  }

private:
  /// Erases what nothing uses any more, so that uses can be counted.
  static void erase(Operation *op, Worklist &work) {
    SmallVector<Operation *> dead{op};
    while (!dead.empty()) {
      Operation *last = dead.pop_back_val();
      bool isOurs = movesElements(last) ||
                    isa_and_nonnull<QuantizeLinearOp, DequantizeLinearOp, MulOp, DivOp>(last);
      if (!isOurs || !last->use_empty())
        continue;
      Operation *source = last->getOperand(0).getDefiningOp();
      work.erase(last);
      last->erase();
      dead.push_back(source);
    }
  }

  /// A pair like `like` on `x`, with another scale if one is given.
  Value round(OpBuilder &builder, Pair like, Value x, Value scale, Worklist &work) {
    auto floats = cast<RankedTensorType>(x.getType());
    auto old = cast<RankedTensorType>(like.quantise.getType());
    auto codes = RankedTensorType::get(floats.getShape(), old.getElementType());
    auto quantise = cast<QuantizeLinearOp>(builder.clone(*like.quantise));
    quantise.getXMutable().assign(x);
    quantise.getScaleMutable().assign(scale);
    quantise.getResult().setType(codes);
    auto dequantise = cast<DequantizeLinearOp>(builder.clone(*like.dequantise));
    dequantise.getXMutable().assign(quantise.getResult());
    dequantise.getScaleMutable().assign(scale);
    dequantise.getResult().setType(floats);
    work.push(dequantise);
    return dequantise.getResult();
  }

  void hoist(DequantizeLinearOp op, Worklist &work) {
    std::optional<Pair> pair = pairOf(op.getResult());
    if (!pair || op.use_empty())
      return;
    Value x = pair->quantise.getX();
    if (std::optional<Pair> inner = pairOf(x);
        inner && sameConstant(inner->quantise.getScale(), pair->quantise.getScale()) &&
        sameConstant(inner->quantise.getZeroPoint(), pair->quantise.getZeroPoint()) &&
        codesOf(*inner) == codesOf(*pair)) {
      work.replace(op.getResult(), x);
      erase(op, work);
      ++numDropped;
      return;
    }
    Operation *mover = x.getDefiningOp();
    if (!movesElements(mover) || !isa<RankedTensorType>(mover->getOperand(0).getType()) ||
        isAttentionProduct(x))
      return;
    OpBuilder builder(op);
    Value rounded = round(builder, *pair, mover->getOperand(0), pair->quantise.getScale(), work);
    Operation *moved = builder.clone(*mover);
    moved->setOperand(0, rounded);
    work.replace(op.getResult(), moved->getResult(0));
    erase(op, work);
    ++numHoisted;
  }

  /// Moves a pair on an attention's product from in front of what moves its elements behind it.
  void sink(Operation *mover, Worklist &work) {
    std::optional<Pair> pair = pairOf(mover->getOperand(0));
    if (!pair || !pair->dequantise->hasOneUse() || mover->use_empty() ||
        !isAttentionProduct(pair->quantise.getX()))
      return;
    OpBuilder builder(mover);
    Operation *moved = builder.clone(*mover);
    moved->setOperand(0, pair->quantise.getX());
    Value rounded = round(builder, *pair, moved->getResult(0), pair->quantise.getScale(), work);
    work.replace(mover->getResult(0), rounded);
    erase(mover, work);
    work.push(moved);
    for (Operation *user : rounded.getUsers())
      if (movesElements(user))
        work.push(user);
    ++numHoisted;
  }

  /// Moves a pair from in front of a product with a power of two behind it.
  void scale(Operation *op, Worklist &work) {
    for (unsigned at : {0u, 1u}) {
      if (at == 1 && isa<DivOp>(op))
        return;
      std::optional<Pair> pair = pairOf(op->getOperand(at));
      std::optional<float> factor = storedScalar(op->getOperand(1 - at));
      if (!pair || !factor || !pair->dequantise->hasOneUse() ||
          op->getResult(0).getType() != op->getOperand(at).getType())
        continue;
      int exponent;
      float by = isa<DivOp>(op) ? 1 / *factor : *factor;
      float scaled = *storedScalar(pair->quantise.getScale()) * by;
      if (!(by > 0) || by == 1 || std::frexp(by, &exponent) != 0.5f || !std::isnormal(scaled))
        continue;
      OpBuilder builder(op);
      auto old = cast<RankedTensorType>(pair->quantise.getScale().getType());
      Value scaleValue = ConstantOp::create(builder, pair->quantise.getLoc(), old,
                                            DenseElementsAttr::get(old, scaled));
      Operation *product = builder.clone(*op);
      product->setOperand(at, pair->quantise.getX());
      work.replace(op->getResult(0),
                   round(builder, *pair, product->getResult(0), scaleValue, work));
      erase(op, work);
      work.push(product);
      ++numHoisted;
      return;
    }
  }
};

} // namespace
} // namespace aac::onnx
