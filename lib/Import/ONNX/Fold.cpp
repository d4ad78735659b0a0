//===- Fold.cpp - aac-fold-onnx -------------------------------------------===//
//
// Evaluates constant arithmetic of an onnx.graph and drops operations that do nothing.
//
// Precondition: static types (what the importer makes). Postcondition: integer values that
// do not depend on an input are onnx.Constant or onnx.Initializer.
//
// One walk in order: operands are folded before their users. Values of constants are
// cached, so that each is decoded once; linear in operations and folded elements.
//
//===----------------------------------------------------------------------===//
#include "aac/Import/Passes.h"

#include "aac/Interp/Attributes.h"
#include "aac/Interp/OnnxOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace aac::onnx {
#define GEN_PASS_DEF_FOLDONNXPASS
#include "aac/Import/Passes.h.inc"

namespace {

/// Floats that the file stores, more than one: a weight, which is compared with those of
/// other tasks as it is, so nothing is computed on it.
bool isParameter(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !isa<FloatType>(type.getElementType()) || type.getNumElements() <= 1)
    return false;
  if (auto constant = value.getDefiningOp<ConstantOp>())
    return isa<DenseResourceElementsAttr>(constant.getValue());
  return value.getDefiningOp<InitializerOp>() != nullptr;
}

class Folder {
public:
  explicit Folder(int64_t maxElements) : maxElements(maxElements) {}

  /// A value that `op` equals, or null: it does nothing to its operand.
  Value passedThrough(Operation *op);
  /// The results of `op` if they should become constants.
  std::optional<std::vector<interp::Tensor>> evaluate(Operation *op);
  /// The f32 weight that a DequantizeLinear of constants stands for, made before it; null if
  /// it is none.
  Value dequantised(DequantizeLinearOp op, OpBuilder &builder);
  /// The codes of a QuantizeLinear of constants.
  static std::optional<interp::Tensor> quantised(QuantizeLinearOp op);

private:
  bool isSmall(Type type) const {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape())
      return false;
    constexpr int64_t kMaxIntegers = 1 << 20;
    return tensor.getNumElements() <=
           (isa<FloatType>(tensor.getElementType()) ? maxElements : kMaxIntegers);
  }
  const interp::Tensor *constantOf(Value value);
  /// Whether `value` is a constant all of whose elements are `number`.
  bool isAll(Value value, double number);

  int64_t maxElements;
  /// Left to spend, in steps of evaluationWork(): what a graph can ask for is bounded.
  int64_t work = int64_t{1} << 26;
  /// Elements of weights that may still be decoded, 1 GiB: a small file may dequantise one tensor
  /// many times.
  int64_t weights = int64_t{1} << 28;
  llvm::DenseMap<Value, std::unique_ptr<interp::Tensor>> cache;
};

const interp::Tensor *Folder::constantOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<ConstantOp, InitializerOp>(op) || !isSmall(value.getType()))
    return nullptr;
  auto &slot = cache[value];
  if (!slot) {
    auto tensor = interp::fromAttribute(cast<ElementsAttr>(op->getAttr("value")));
    if (!tensor.ok())
      return nullptr;
    slot = std::make_unique<interp::Tensor>(*std::move(tensor));
  }
  return slot.get();
}

bool Folder::isAll(Value value, double number) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getNumElements() != 1)
    return false;
  const interp::Tensor *tensor = constantOf(value);
  if (!tensor)
    return false;
  return tensor->kind == interp::Kind::Float ? tensor->f[0] == number
                                             : static_cast<double>(tensor->i[0]) == number;
}

Value Folder::passedThrough(Operation *op) {
  if (op->getNumResults() != 1)
    return nullptr;
  Type type = op->getResult(0).getType();
  auto ifSame = [&](Value value) { return value.getType() == type ? value : Value(); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<IdentityOp, DropoutOp, CastOp, ExpandOp, TileOp>(
          [&](auto o) { return ifSame(o->getOperand(0)); })
      .Case<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp>([&](auto o) {
        // Back from other axes of size 1.
        constexpr int kMaxChain = 256;
        Value from = o->getOperand(0);
        for (int steps = 0; steps < kMaxChain && from.getType() != type; ++steps) {
          Operation *before = from.getDefiningOp();
          if (!isa_and_nonnull<SqueezeOp, UnsqueezeOp>(before))
            break;
          from = before->getOperand(0);
        }
        return ifSame(from);
      })
      .Case([&](SliceOp o) -> Value {
        // The same shape can only be the whole in order if no step is negative.
        if (isa<NoneType>(o.getSteps().getType()))
          return ifSame(o.getData());
        const interp::Tensor *steps = constantOf(o.getSteps());
        bool forward = steps && llvm::all_of(steps->i, [](int64_t s) { return s > 0; });
        return forward ? ifSame(o.getData()) : Value();
      })
      .Case([&](TransposeOp o) -> Value {
        return llvm::is_sorted(o.getPerm()) ? ifSame(o.getData()) : Value();
      })
      .Case<ConcatOp, SumOp, MaxOp, MinOp>([&](auto o) -> Value {
        return o.getInputs().size() == 1 ? ifSame(o.getInputs()[0]) : Value();
      })
      .Case([&](MulOp o) -> Value {
        if (isAll(o.getB(), 1.0))
          return ifSame(o.getA());
        return isAll(o.getA(), 1.0) ? ifSame(o.getB()) : Value();
      })
      .Case([&](DivOp o) -> Value { return isAll(o.getB(), 1.0) ? ifSame(o.getA()) : Value(); })
      .Case([&](AddOp o) -> Value {
        if (isAll(o.getB(), 0.0))
          return ifSame(o.getA());
        return isAll(o.getA(), 0.0) ? ifSame(o.getB()) : Value();
      })
      .Case([&](SubOp o) -> Value { return isAll(o.getB(), 0.0) ? ifSame(o.getA()) : Value(); })
      .Case([&](PowOp o) -> Value { return isAll(o.getB(), 1.0) ? ifSame(o.getA()) : Value(); })
      .Default([](Operation *) { return Value(); });
}

std::optional<std::vector<interp::Tensor>> Folder::evaluate(Operation *op) {
  if (isa<ConstantOp, InitializerOp, NoneOp, UnsupportedOp, ReturnOp>(op) ||
      !llvm::all_of(op->getResultTypes(), [&](Type type) { return isSmall(type); }))
    return std::nullopt;
  SmallVector<const interp::Tensor *> operands;
  interp::Tensor shapeOnly;
  if (isa<ShapeOp, SizeOp>(op)) {
    auto type = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
    if (!type || !type.hasStaticShape())
      return std::nullopt;
    shapeOnly.shape.assign(type.getShape().begin(), type.getShape().end());
    operands.push_back(&shapeOnly);
  } else {
    for (Value operand : op->getOperands()) {
      if (isParameter(operand))
        return std::nullopt;
      const interp::Tensor *tensor = constantOf(operand);
      if (!tensor && !isa<NoneType>(operand.getType()))
        return std::nullopt;
      operands.push_back(tensor);
    }
  }
  int64_t steps = interp::evaluationWork(op);
  if (steps > work)
    return std::nullopt;
  work -= steps;
  auto results = interp::evaluateOnnxOp(op, absl::MakeConstSpan(operands.data(), operands.size()));
  if (!results.ok()) // such as a division by zero that is never reached: leave it alone
    return std::nullopt;
  return *std::move(results);
}

/// The stored value of a constant or initialiser, null if `value` is none.
ElementsAttr storedValue(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<ConstantOp, InitializerOp>(op) ? cast<ElementsAttr>(op->getAttr("value"))
                                                        : nullptr;
}

std::optional<interp::Tensor> Folder::quantised(QuantizeLinearOp op) {
  SmallVector<interp::Tensor> tensors;
  SmallVector<const interp::Tensor *> operands(3, nullptr);
  tensors.reserve(3);
  for (auto [operand, slot] : llvm::zip(op->getOperands(), operands)) {
    if (isa<NoneType>(operand.getType()))
      continue;
    ElementsAttr value = storedValue(operand);
    auto tensor = value ? interp::fromAttribute(value) : absl::NotFoundError("no constant");
    if (!tensor.ok())
      return std::nullopt;
    tensors.push_back(*std::move(tensor));
    slot = &tensors.back();
  }
  auto results = interp::evaluateOnnxOp(op, absl::MakeConstSpan(operands.data(), operands.size()));
  return results.ok() ? std::optional(std::move(results->front())) : std::nullopt;
}

Value Folder::dequantised(DequantizeLinearOp op, OpBuilder &builder) {
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type || !type.hasStaticShape() || type.getNumElements() > weights)
    return nullptr;
  // Codes, or f32 values that the file leaves to be rounded.
  Value codes = op.getX(), origin = codes;
  auto quantise = codes.getDefiningOp<QuantizeLinearOp>();
  auto isStored = [&](Value value) {
    return isa<NoneType>(value.getType()) || storedValue(value) || (quantise && value == codes);
  };
  if (!llvm::all_of(op->getOperands(), isStored) ||
      (quantise && !llvm::all_of(quantise->getOperands(), isStored)))
    return nullptr;
  weights -= type.getNumElements(); // before anything is decoded
  std::optional<interp::Tensor> rounded;
  if (quantise) {
    origin = quantise.getX();
    rounded = quantised(quantise);
    if (!rounded)
      return nullptr;
  }
  SmallVector<NamedAttribute> kept{builder.getNamedAttr(
      "codes", TypeAttr::get(cast<RankedTensorType>(codes.getType()).getElementType()))};
  SmallVector<interp::Tensor> tensors;
  SmallVector<const interp::Tensor *> operands(3, nullptr);
  for (Value operand : op->getOperands()) {
    if (isa<NoneType>(operand.getType()))
      continue;
    if (operand == codes && rounded && tensors.empty()) {
      tensors.push_back(*std::move(rounded));
      continue;
    }
    ElementsAttr value = storedValue(operand);
    auto tensor = value ? interp::fromAttribute(value) : absl::NotFoundError("no constant");
    if (!tensor.ok())
      return nullptr;
    tensors.push_back(*std::move(tensor));
    if (tensors.size() > 1)
      kept.push_back(builder.getNamedAttr(tensors.size() == 2 ? "scale" : "zero_point", value));
  }
  for (auto [slot, tensor] : llvm::zip(operands, tensors))
    slot = &tensor;
  auto results = interp::evaluateOnnxOp(op, absl::MakeConstSpan(operands.data(), operands.size()));
  if (!results.ok())
    return nullptr;
  if (tensors[1].size() != 1)
    kept.push_back(builder.getNamedAttr("axis", op.getAxisAttr()));
  ElementsAttr value = interp::toAttribute(results->front(), type);
  auto stored = origin.getDefiningOp<InitializerOp>();
  Operation *made =
      stored ? InitializerOp::create(builder, op.getLoc(), type, stored.getNameAttr(), value)
                   .getOperation()
             : ConstantOp::create(builder, op.getLoc(), type, value).getOperation();
  made->setAttr("onnx.quantised", builder.getDictionaryAttr(kept));
  return made->getResult(0);
}

class FoldOnnxPass : public impl::FoldOnnxPassBase<FoldOnnxPass> {
public:
  using FoldOnnxPassBase::FoldOnnxPassBase;

  void runOnOperation() override {
    Folder folder(maxElements);
    Block &body = getOperation().getBody().front();
    OpBuilder builder(&getContext());
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
      if (Value same = folder.passedThrough(&op)) {
        op.getResult(0).replaceAllUsesWith(same);
        ++numDropped;
      } else if (auto dequantise = dyn_cast<DequantizeLinearOp>(op)) {
        builder.setInsertionPoint(&op);
        if (Value weight = folder.dequantised(dequantise, builder)) {
          op.getResult(0).replaceAllUsesWith(weight);
          ++numFolded;
        }
      } else if (auto results = folder.evaluate(&op)) {
        builder.setInsertionPoint(&op);
        for (auto [value, tensor] : llvm::zip_equal(op.getResults(), *results)) {
          auto type = cast<RankedTensorType>(value.getType());
          value.replaceAllUsesWith(
              ConstantOp::create(builder, op.getLoc(), type, interp::toAttribute(tensor, type)));
        }
        ++numFolded;
      }
    }
    SmallVector<Operation *> operations;
    for (Operation &op : body.without_terminator())
      operations.push_back(&op);
    for (Operation *op : llvm::reverse(operations))
      if (isOpTriviallyDead(op))
        op->erase();
  }
};

} // namespace
} // namespace aac::onnx
