//===- Roles.cpp - what a raised task's parameters are for ----------------===//
#include "Roles.h"
#include "Graph.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include <map>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

Structure::Structure(ir::TaskOp task) {
  for (Operation &op : task.getBody().front()) {
    int64_t layer = 0;
    for (Value operand : op.getOperands())
      layer = std::max(layer, layers.lookup(operand));
    for (Value result : op.getResults())
      layers[result] = layer + (isa<ir::ContextOp>(op) ? 1 : 0);
  }
  findLora(task);
  findBlocks(task);
  findNorms(task);
}

ir::LinearOp Structure::adapted(ir::LinearOp op) const {
  auto it = bases.find(op);
  return it == bases.end() ? op : it->second;
}

Value Structure::whole(ir::LinearOp op) const {
  auto it = wholes.find(op);
  return it == wholes.end() ? op.getResult() : it->second;
}

ir::LinearOp Structure::linearBehind(Value value) const {
  if (ir::LinearOp base = sums.lookup(value))
    return base;
  auto linear = value.getDefiningOp<ir::LinearOp>();
  return linear && !wholes.contains(linear) && !bases.contains(linear) ? linear : ir::LinearOp();
}

/// The linears that a tree of additions adds up; nothing else may be in it.
static bool linearsIn(Value value, SmallVectorImpl<ir::LinearOp> &found) {
  constexpr size_t kMaxLinears = 8;
  SmallVector<Value> addends{value};
  while (!addends.empty()) {
    if (found.size() + addends.size() > kMaxLinears) // not along a whole chain
      return false;
    Value addend = addends.pop_back_val();
    if (auto linear = addend.getDefiningOp<ir::LinearOp>()) {
      found.push_back(linear);
      continue;
    }
    auto add = addend.getDefiningOp<ir::AddOp>();
    if (!add)
      return false;
    addends.append({add.getRhs(), add.getLhs()});
  }
  return true;
}

/// Sums of a linear of x and of linears of linears of x. Operations come in order, so that of
/// nested sums the outermost holds.
void Structure::findLora(ir::TaskOp task) {
  for (ir::AddOp add : task.getBody().front().getOps<ir::AddOp>()) {
    SmallVector<ir::LinearOp> linears;
    if (!linearsIn(add.getResult(), linears))
      continue;
    auto first = [](ir::LinearOp up) {
      auto down = up.getInput().getDefiningOp<ir::LinearOp>();
      return down && !up.getBias() && !down.getBias() ? down : ir::LinearOp();
    };
    // The one whose input the others' first linears take.
    auto isBase = [&](ir::LinearOp base) {
      return llvm::all_of(linears, [&](ir::LinearOp up) {
        ir::LinearOp down = first(up);
        return up == base || (down && down.getInput() == base.getInput());
      });
    };
    auto *base = llvm::find_if(linears, isBase);
    if (base == linears.end())
      continue;
    if (auto old = wholes.find(*base); old != wholes.end())
      sums.erase(old->second);
    wholes[*base] = add.getResult();
    sums[add.getResult()] = *base;
    for (ir::LinearOp up : linears) {
      if (up == *base)
        continue;
      parts[up] = LayerPart::LoraUp;
      parts[first(up)] = LayerPart::LoraDown;
      bases[up] = bases[first(up)] = *base;
    }
  }
}

void Structure::findBlocks(ir::TaskOp task) {
  auto functions = task.getBody().front().getOps<ir::ActivationFnOp>();
  for (ir::ActivationFnOp function : functions) {
    ir::LinearOp down = linearBehind(function.getInput());
    if (!down || shapeOf(function).size() != 3)
      continue;
    for (Operation *user : function.getResult().getUsers()) {
      auto up = dyn_cast<ir::LinearOp>(user);
      if (up && partOf(up) == LayerPart::None &&
          lastDim(up.getResult()) == lastDim(down.getInput()))
        blocks.push_back({down, function, up, layerOf(down.getInput())});
    }
  }
  bool hasAttention = !task.getBody().front().getOps<ir::ContextOp>().empty();
  std::map<int64_t, SmallVector<LinearPair>> byLayer;
  for (const LinearPair &block : blocks)
    byLayer[block.layer].push_back(block);
  for (const auto &[index, layer] : byLayer)
    classify(layer, hasAttention);
}

/// An adapter reads a dense layer's result, maybe through a norm of its own.
bool Structure::startsAtProjection(const LinearPair &block) const {
  ir::LinearOp down = block.down;
  Value input = down.getInput();
  if (auto norm = input.getDefiningOp<ir::LayerNormOp>())
    input = norm.getInput();
  return linearBehind(input) != nullptr;
}

/// True when the input of `block` depends on the result of `other`, of the same layer.
bool Structure::isBehind(const LinearPair &block, const LinearPair &other) const {
  ir::LinearOp down = block.down, up = other.up;
  llvm::DenseSet<Value> seen;
  SmallVector<Value> stack{down.getInput()};
  while (!stack.empty()) {
    Value value = stack.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || layerOf(value) != block.layer || !seen.insert(value).second)
      continue;
    if (op == up)
      return true;
    stack.append(op->operand_begin(), op->operand_end());
  }
  return false;
}

void Structure::classify(ArrayRef<LinearPair> layer, bool hasAttention) {
  auto narrows = [](const LinearPair &b) {
    ir::LinearOp down = b.down;
    return lastDim(down.getResult()) < lastDim(down.getInput());
  };
  SmallVector<const LinearPair *> candidates;
  if (!hasAttention || layer.front().layer > 0)
    for (const LinearPair &block : layer)
      if (!startsAtProjection(block) && (hasAttention || !narrows(block)))
        candidates.push_back(&block);
  SmallVector<const LinearPair *> first;
  for (const LinearPair *block : candidates)
    if (llvm::none_of(candidates, [&](const LinearPair *other) {
          return other != block && isBehind(*block, *other);
        }))
      first.push_back(block);
  // The same layer's one without a scale, then the widest, then the first in the file.
  const LinearPair *ffn = nullptr;
  auto rank = [](const LinearPair &b) {
    ir::LinearOp down = b.down, up = b.up;
    return std::pair(up.getScale().convertToFloat() == 1.0f, lastDim(down.getResult()));
  };
  for (const LinearPair *block : first)
    if (!ffn || rank(*block) > rank(*ffn))
      ffn = block;
  for (const LinearPair &block : layer) {
    bool isFfn = ffn && &block == ffn;
    parts[block.down] = isFfn ? LayerPart::FfnIn : LayerPart::AdapterDown;
    parts[block.up] = isFfn ? LayerPart::FfnOut : LayerPart::AdapterUp;
  }
}

/// Layer norms of adapters' own: in front of the down projection alone, over a projection or what
/// the adapter's result is added to; on the result of the up projection; on the sum of that with
/// the adapter's input. (AdapterHub also puts the layer's norm in front of an adapter: that one is
/// over the sum with the layer's input, while the adapter is added to what came before.)
void Structure::findNorms(ir::TaskOp task) {
  SmallVector<ir::LayerNormOp> inFront;
  for (const LinearPair &block : blocks) {
    ir::LinearOp down = block.down, up = block.up;
    if (partOf(up) != LayerPart::AdapterUp)
      continue;
    auto norm = down.getInput().getDefiningOp<ir::LayerNormOp>();
    bool normIsOwn =
        norm && (linearBehind(norm.getInput()) || norm.getInput().getDefiningOp<ir::LayerNormOp>());
    Value branch = whole(up);
    for (Operation *user : branch.getUsers()) {
      if (isa<ir::LayerNormOp>(user))
        parts[user] = LayerPart::AdapterNorm;
      auto add = dyn_cast<ir::AddOp>(user);
      Value residual = add ? (add.getLhs() == branch ? add.getRhs() : add.getLhs()) : Value();
      bool aroundNorm = norm && residual == norm.getInput();
      normIsOwn |= aroundNorm;
      if (residual && (residual == down.getInput() || aroundNorm))
        for (Operation *last : add.getResult().getUsers())
          if (isa<ir::LayerNormOp>(last))
            parts[last] = LayerPart::AdapterNorm;
    }
    if (normIsOwn && norm->hasOneUse())
      inFront.push_back(norm);
  }
  for (ir::LayerNormOp norm : inFront)
    parts[norm] = LayerPart::AdapterNorm;
}

WithoutRounding::WithoutRounding(ir::TaskOp task) {
  // In order: where one rounds the result of another, both go.
  for (ir::RequantiseOp op : task.getBody().front().getOps<ir::RequantiseOp>()) {
    Bypass bypass{op, op.getInput(), {}};
    for (OpOperand &use : op.getResult().getUses())
      bypass.uses.push_back(&use);
    for (OpOperand *use : bypass.uses)
      use->set(bypass.input);
    op->getOpOperand(0).drop();
    bypasses.push_back(std::move(bypass));
  }
}

WithoutRounding::~WithoutRounding() {
  for (Bypass &bypass : llvm::reverse(bypasses)) {
    bypass.op->setOperand(0, bypass.input);
    for (OpOperand *use : bypass.uses)
      use->set(bypass.op.getResult());
  }
}

ir::LinearOp WithoutRounding::productBehind(Operation *op) const {
  const auto *bypass = llvm::find_if(bypasses, [&](const Bypass &b) { return b.op == op; });
  return bypass == bypasses.end() ? ir::LinearOp() : bypass->input.getDefiningOp<ir::LinearOp>();
}

//===----------------------------------------------------------------------===//
// Purposes
//===----------------------------------------------------------------------===//

template <typename Op> static bool usedBy(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) { return isa<Op>(user); });
}

/// True when `value` is an output, as it is, as probabilities or without its axis.
static bool isReturned(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    return isa<ir::ReturnOp>(user) || (isa<ir::SelectOp, ir::SqueezeOp, ir::SoftmaxOp>(user) &&
                                       usedBy<ir::ReturnOp>(user->getResult(0)));
  });
}

/// The role of a linear and the name of what it is, such as "layer_3_query".
Purpose Purposes::purposeOf(ir::LinearOp op) {
  Value result = structure.whole(op);
  int64_t attentions = structure.layerOf(op.getInput());
  auto layer = [](int64_t index) { return "layer_" + std::to_string(index) + "_"; };
  std::string current = layer(std::max<int64_t>(attentions - 1, 0));
  if (usedBy<ir::ScoresOp>(result) || usedBy<ir::ContextOp>(result)) {
    std::string name = layer(attentions) + "value";
    for (Operation *user : result.getUsers())
      if (auto scores = dyn_cast<ir::ScoresOp>(user))
        name = layer(attentions) + (scores.getQuery() == result ? "query" : "key");
    return {ir::Role::Attention, name};
  }
  if (op.getInput().getDefiningOp<ir::ContextOp>())
    return {ir::Role::Attention, current + "attention_output"};
  if (isReturned(result))
    return {ir::Role::Classifier, "classifier"};
  if (shapeOf(result).size() != 3)
    return {ir::Role::Pooler, "pooler"};
  switch (structure.partOf(op)) {
  case LayerPart::AdapterDown:
    return {ir::Role::Adapter, current + "adapter_down"};
  case LayerPart::AdapterUp:
    return {ir::Role::Adapter, current + "adapter_up"};
  case LayerPart::FfnIn:
    return {ir::Role::Ffn, current + "ffn"};
  case LayerPart::FfnOut:
    return {ir::Role::Ffn, current + "ffn_output"};
  default:
    break;
  }
  // Of sentences of one token nothing says that the token is selected.
  if (attentions > 0 && shapeOf(result)[1] == 1)
    return {ir::Role::Pooler, "pooler"};
  if (op.getInput().getDefiningOp<ir::ActivationFnOp>() || usedBy<ir::ActivationFnOp>(result))
    return {ir::Role::Ffn, current + "ffn"};
  if (attentions == 0)
    return {ir::Role::Embedding, "embedding_projection"};
  return {ir::Role::Other, "linear_" + std::to_string(others++)};
}

void Purposes::linear(ir::LinearOp op) {
  LayerPart part = structure.partOf(op);
  Purpose purpose = purposeOf(structure.adapted(op));
  if (part == LayerPart::LoraDown || part == LayerPart::LoraUp)
    purpose = {ir::Role::Adapter,
               purpose.name + (part == LayerPart::LoraDown ? "_lora_down" : "_lora_up")};
  note(op, 1, purpose.role, purpose.name + "_weight");
  if (op.getBias())
    note(op, 2, purpose.role, purpose.name + "_bias");
}

Purposes::Purposes(ir::TaskOp task, const Structure &structure) : structure(structure) {
  for (Operation &op : task.getBody().front())
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](ir::LinearOp l) { linear(l); })
        .Case([&](ir::EmbeddingOp e) {
          for (auto [i, table] : llvm::enumerate(e.getTables()))
            note(e, e.getIds().size() + i, ir::Role::Embedding, "embedding_table_" + Twine(i));
        })
        .Case([&](ir::LayerNormOp n) {
          bool own = structure.partOf(n) == LayerPart::AdapterNorm;
          std::string name = (own ? "adapter_norm_" : "norm_") + std::to_string(norms++);
          note(n, 1, own ? ir::Role::Adapter : ir::Role::LayerNorm, name + "_weight");
          note(n, 2, own ? ir::Role::Adapter : ir::Role::LayerNorm, name + "_bias");
        })
        .Case([&](ir::AdapterOp a) {
          std::string name = "adapter_" + std::to_string(adapters++);
          note(a, 1, ir::Role::Adapter, name + "_down_weight");
          note(a, 2, ir::Role::Adapter, name + "_down_bias");
          note(a, 3, ir::Role::Adapter, name + "_up_weight");
          note(a, 4, ir::Role::Adapter, name + "_up_bias");
        });
}
