//===- ActivationLayout.cpp - activations as the engine holds them --------===//
#include "aac/Transforms/ActivationLayout.h"

using namespace mlir;

namespace aac::ir {

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

int64_t tokensOf(Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  return shape.size() == 3 ? shape[1] : 1;
}

bool isFusedRelu(ActivationFnOp op) {
  auto linear = op.getInput().getDefiningOp<LinearOp>();
  return op.getKind() == ActivationKind::Relu && linear && linear->hasOneUse() &&
         linear->getBlock() == op->getBlock();
}

Value resultOf(LinearOp op) {
  if (op->hasOneUse())
    if (auto relu = dyn_cast<ActivationFnOp>(*op->getUsers().begin()))
      if (isFusedRelu(relu))
        return relu.getResult();
  return op.getResult();
}

bool isWrittenTransposed(Value value) {
  if (!value.getDefiningOp<LinearOp>() || !value.hasOneUse())
    return false;
  auto context = dyn_cast<ContextOp>(*value.getUsers().begin());
  return context && context.getValue() == value;
}

bool continuesInEngine(Operation *op) {
  if (!isa<AddOp, LayerNormOp>(op) || !op->hasOneUse())
    return false;
  Operation *user = *op->getUsers().begin();
  return isa<AddOp, LayerNormOp>(user) && user->getBlock() == op->getBlock();
}

SmallVector<Operation *> engineChain(Operation *last) {
  SmallVector<Operation *> chain{last};
  while (true) {
    Operation *previous = nullptr;
    for (Value operand : chain.back()->getOperands())
      if (Operation *def = operand.getDefiningOp(); def && !previous && continuesInEngine(def))
        previous = def;
    if (!previous)
      break;
    chain.push_back(previous);
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

bool isAttentionSoftmax(SoftmaxOp op) {
  return llvm::any_of(op->getUsers(), [](Operation *user) { return isa<ContextOp>(user); });
}

bool isMaterialised(Value value) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return true; // a loop's argument
  if (auto linear = dyn_cast<LinearOp>(def))
    return resultOf(linear) == value;
  if (isa<AddOp, LayerNormOp>(def)) {
    if (!continuesInEngine(def))
      return true;
    // Of an add's two operands that both could stay, only the first does.
    return !llvm::is_contained(engineChain(*def->getUsers().begin()), def);
  }
  if (auto softmax = dyn_cast<SoftmaxOp>(def))
    return !isAttentionSoftmax(softmax);
  return isa<EmbeddingOp, ContextOp, MaskOp, ActivationFnOp, LoopOp>(def);
}

BufferAttr bufferOf(Value value) {
  Operation *def = value.getDefiningOp();
  auto loop = dyn_cast_if_present<LoopOp>(def);
  unsigned number = 0;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    loop = dyn_cast<LoopOp>(argument.getOwner()->getParentOp());
    number = argument.getArgNumber();
  } else {
    number = cast<OpResult>(value).getResultNumber();
  }
  if (!loop)
    return def ? def->getAttrOfType<BufferAttr>("buffer") : BufferAttr();
  auto buffers = loop->getAttrOfType<ArrayAttr>("aac.buffers");
  return buffers ? cast<BufferAttr>(buffers[number]) : BufferAttr();
}

int64_t bufferBytes(Value value, const ActivationLayout &layout) {
  return roundUp(tokensOf(value), kLanes) * layout[value].padded();
}

FailureOr<Machine> loadMachine(Operation *op, StringRef name) {
  absl::StatusOr<Machine> machine = Machine::load(name.str(), defaultMachinePath());
  if (machine.ok())
    return *std::move(machine);
  return op->emitError() << std::string(machine.status().message());
}

FeatureLayout ActivationLayout::operator[](Value value) const {
  return {shapeOf(value).back(), groups.lookup(value)};
}

FailureOr<ActivationLayout> ActivationLayout::compute(TaskOp task) {
  ActivationLayout layout;
  SmallVector<std::pair<Value, Operation *>> work;
  auto require = [&](Value value, int64_t width, Operation *because) {
    if (width % kLanes != 0 && layout.groups.try_emplace(value, width).second)
      work.push_back({value, because});
  };
  task.walk([&](Operation *op) {
    if (auto scores = dyn_cast<ScoresOp>(op)) {
      int64_t width = shapeOf(scores.getQuery()).back() / static_cast<int64_t>(scores.getHeads());
      require(scores.getQuery(), width, op);
      require(scores.getKey(), width, op);
    } else if (auto context = dyn_cast<ContextOp>(op)) {
      int64_t width = shapeOf(context.getValue()).back() / shapeOf(context.getProbabilities())[1];
      require(context.getValue(), width, op);
      require(context.getResult(), width, op);
    }
  });
  while (!work.empty()) {
    auto [value, because] = work.pop_back_val();
    int64_t width = layout.groups[value];
    auto visit = [&, because = because](Operation *op, bool isDef) -> LogicalResult {
      // Padding must stay zero.
      auto function = dyn_cast_if_present<ActivationFnOp>(op);
      bool carries =
          function ? function.getKind() != ActivationKind::Sigmoid : op && isa<AddOp, SelectOp>(op);
      if (carries) {
        for (Value operand : op->getOperands())
          require(operand, width, because);
        require(op->getResult(0), width, because);
        return success();
      }
      if (op && (isa<LinearOp, ContextOp>(op) || (!isDef && isa<ScoresOp>(op))))
        return success();
      InFlightDiagnostic diag = because->emitError()
                                << "heads of width " << width << " are padded to "
                                << roundUp(width, kLanes)
                                << ", which only linear, add, select and activation (but not "
                                << "sigmoid) can carry";
      if (op)
        diag.attachNote(op->getLoc()) << "not '" << op->getName() << "' here";
      return diag;
    };
    if (failed(visit(value.getDefiningOp(), /*isDef=*/true)))
      return failure();
    for (Operation *user : value.getUsers())
      if (failed(visit(user, /*isDef=*/false)))
        return failure();
  }
  return layout;
}

} // namespace aac::ir
