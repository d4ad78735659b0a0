//===- ActivationLayout.cpp - activations as the engine holds them --------===//
#include "aac/Transforms/ActivationLayout.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"

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
  return op.getKind() == ActivationKind::Relu && linear && linear->hasOneUse();
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
  return isa<EmbeddingOp, ContextOp, MaskOp, ActivationFnOp, LoopOp>(def);
}

SmallVector<ParamOp> paramsOf(Value use, SymbolTable &symbols) {
  SmallVector<ParamOp> params;
  if (auto one = use.getDefiningOp<UseOp>())
    params.push_back(symbols.lookup<ParamOp>(one.getParam()));
  else if (auto each = use.getDefiningOp<UseEachOp>())
    for (Attribute name : each.getParams())
      params.push_back(symbols.lookup<ParamOp>(cast<FlatSymbolRefAttr>(name).getValue()));
  return params;
}

AdaptivFloatAttr formatOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<LoopOp>(argument.getOwner()->getParentOp());
    return loop ? formatOf(loop.getInits()[argument.getArgNumber()]) : AdaptivFloatAttr();
  }
  Operation *def = value.getDefiningOp();
  if (auto loop = dyn_cast<LoopOp>(def))
    return formatOf(loop.getInits()[cast<OpResult>(value).getResultNumber()]);
  return def->getAttrOfType<AdaptivFloatAttr>("format");
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

ArrayRef<char> bytesOf(ElementsAttr value, std::vector<char> &storage) {
  ShapedType type = value.getShapedType();
  unsigned width = type.getElementTypeBitWidth() / 8;
  size_t bytes = static_cast<size_t>(type.getNumElements()) * width;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != bytes)
      return {};
    return blob->getData();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return {};
  if (!dense.isSplat())
    return dense.getRawData();
  storage.resize(bytes);
  for (size_t i = 0; i < bytes; i += width)
    std::copy_n(dense.getRawData().data(), width, storage.data() + i);
  return storage;
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
      if (op && isa<AddOp, ActivationFnOp, SelectOp>(op)) {
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
                                << ", which only linear, add and activation can carry";
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
