//===- Roll.cpp - turns repeated layers into a loop -----------------------===//
//
// Precondition: any suite. Postcondition: the same function; every run of layers found is
// a loop. An aac.loop made before is never looked into.
//
// Algorithm: put the operations in depth-first post-order from the task's results. A
// layer's operations all depend on what the layer before gives, and the walk goes down
// to that first, so each layer is one run of this order, whatever the exporter's
// order was (unless a layer reads a computed value from before the layers first: so the
// written order is tried too, and the better one taken). Then look for the start s, period p and
// count c with equal keys (kind, attributes, types) at s+j, s+p+j, ...; try them by operations
// covered, until the dataflow of one proves to be that of a loop with one carried value.
//
//===----------------------------------------------------------------------===//
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Repeats.h"
#include "aac/Transforms/Sharing.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include <algorithm>
#include <map>
#include <tuple>

namespace aac {
#define GEN_PASS_DEF_ROLLPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

std::vector<Repeat> aac::findRepeats(ArrayRef<unsigned> keys, size_t minPeriod) {
  std::vector<Repeat> repeats;
  size_t n = keys.size();
  for (size_t period = std::max<size_t>(minPeriod, 1); 2 * period <= n; ++period) {
    // length[i]: how many keys from i on equal the one a period later.
    size_t run = 0;
    std::vector<size_t> length(n - period);
    for (size_t i = n - period; i-- > 0;)
      length[i] = run = keys[i] == keys[i + period] ? run + 1 : 0;
    for (size_t i = 0; i < length.size(); ++i)
      if (size_t count = length[i] / period + 1; count > 1)
        repeats.push_back({i, period, count});
  }
  std::sort(repeats.begin(), repeats.end(), [](const Repeat &a, const Repeat &b) {
    size_t coveredA = a.period * a.count, coveredB = b.period * b.count;
    if (coveredA != coveredB)
      return coveredA > coveredB;
    return std::tie(a.period, a.start) < std::tie(b.period, b.start);
  });
  return repeats;
}

namespace {

/// Where an operand of a layer's operation comes from.
struct Source {
  enum Kind { Internal, Carried, Param, ParamEach, Outside } kind;
  size_t index = 0;                    ///< Internal: operation of the layer
  unsigned result = 0;                 ///< Internal
  Value value = nullptr;               ///< Outside
  SmallVector<Attribute> symbols = {}; ///< Param: one, ParamEach: one a layer
};

/// A repetition whose dataflow is that of a loop.
struct Layers {
  Repeat repeat;
  std::vector<SmallVector<Source>> sources; ///< of each operand of each operation of a layer
  Value init;                               ///< what the first layer starts from
  size_t carried = 0;                       ///< operation of a layer whose result is carried
  size_t perLayer = 0;                      ///< operands that differ from layer to layer
  size_t covered() const { return repeat.period * repeat.count; }
};

/// Operations that a layer shares with its surroundings rather than repeats.
bool isAmbient(Operation *op) {
  return isa<UseOp, UseEachOp, ConstantIdsOp, MaskOp, EmbeddingOp>(op);
}

/// The non-ambient operations of `task` in depth-first post-order from its results.
SmallVector<Operation *> canonicalOrder(TaskOp task) {
  SmallVector<Operation *> order;
  llvm::SmallPtrSet<Operation *, 32> seen;
  SmallVector<std::pair<Operation *, unsigned>> stack;
  auto visit = [&](Operation *op) {
    if (op && !isAmbient(op) && op->getParentOp() == task && seen.insert(op).second)
      stack.push_back({op, 0});
  };
  visit(task.getBody().front().getTerminator());
  while (!stack.empty()) {
    auto &[op, next] = stack.back();
    if (next < op->getNumOperands()) {
      visit(op->getOperand(next++).getDefiningOp());
      continue;
    }
    order.push_back(op);
    stack.pop_back();
  }
  order.pop_back(); // the terminator
  return order;
}

/// The non-ambient operations of `task` as they are written.
SmallVector<Operation *> writtenOrder(TaskOp task) {
  SmallVector<Operation *> order;
  for (Operation &op : task.getBody().front().without_terminator())
    if (!isAmbient(&op))
      order.push_back(&op);
  return order;
}

/// Numbers operations so that equal numbers mean equal but for operands and location.
SmallVector<unsigned> keysOf(ArrayRef<Operation *> ops) {
  using Key = std::tuple<const void *, const void *, std::vector<const void *>>;
  std::map<Key, unsigned> numbers;
  SmallVector<unsigned> keys;
  unsigned fresh = 0;
  for (Operation *op : ops) {
    if (op->getNumRegions() != 0 || op->getNumResults() != 1) {
      keys.push_back(fresh++);
      continue;
    }
    std::vector<const void *> types;
    for (Type type : op->getOperandTypes())
      types.push_back(type.getAsOpaquePointer());
    types.push_back(op->getResult(0).getType().getAsOpaquePointer());
    Key key{op->getName().getAsOpaquePointer(), op->getAttrDictionary().getAsOpaquePointer(),
            std::move(types)};
    auto [it, inserted] = numbers.insert({key, fresh});
    fresh += inserted;
    keys.push_back(it->second);
  }
  return keys;
}

/// Analyses the repetitions of one task.
class Roller {
public:
  Roller(TaskOp task, SymbolTable &symbols, SmallVector<Operation *> order)
      : task(task), symbols(symbols), ops(std::move(order)) {
    for (auto [i, op] : llvm::enumerate(ops))
      position[op] = i;
  }

  /// The best repetition that is a loop, if any.
  std::optional<Layers> find(size_t minOps) {
    std::optional<Layers> best;
    for (Repeat repeat : findRepeats(keysOf(ops), minOps)) {
      if (best &&
          (repeat.period * repeat.count < best->covered() || repeat.period != best->repeat.period))
        break;
      std::optional<Layers> layers = analyse(repeat);
      // Of cuts that cover as much, take the one with fewest parameters a layer, then the
      // latest: a layer norm before the first layer may look like the one that ends each.
      if (layers && (!best || layers->perLayer <= best->perLayer))
        best = std::move(layers);
    }
    return best;
  }

  void build(const Layers &layers);

private:
  Operation *at(const Repeat &repeat, size_t layer, size_t op) const {
    return ops[repeat.start + layer * repeat.period + op];
  }
  std::optional<Layers> analyse(Repeat repeat);
  std::optional<Source> sourceOf(Layers &layers, size_t op, unsigned operand);
  bool resultsStayInside(const Layers &layers);

  TaskOp task;
  SymbolTable &symbols;
  SmallVector<Operation *> ops;
  llvm::DenseMap<Operation *, size_t> position;
};

std::optional<Source> Roller::sourceOf(Layers &layers, size_t j, unsigned operand) {
  const Repeat &r = layers.repeat;
  Value first = at(r, 0, j)->getOperand(operand);
  // A parameter, the same in all layers or one for each.
  if (first.getDefiningOp<UseOp>()) {
    Source source{Source::Param};
    ParamOp like;
    for (size_t layer = 0; layer < r.count; ++layer) {
      auto use = at(r, layer, j)->getOperand(operand).getDefiningOp<UseOp>();
      auto param = use ? symbols.lookup<ParamOp>(use.getParam()) : nullptr;
      if (!param || (like && (roleOf(param) != roleOf(like) || param.getType() != like.getType())))
        return std::nullopt;
      like = param;
      source.symbols.push_back(use.getParamAttr());
    }
    if (llvm::all_equal(source.symbols))
      source.symbols.truncate(1);
    else
      source.kind = Source::ParamEach;
    return source;
  }
  auto indexIn = [&](size_t layer, Value value) -> std::optional<size_t> {
    auto it = position.find(value.getDefiningOp());
    size_t begin = r.start + layer * r.period;
    if (!value.getDefiningOp() || it == position.end() || it->second < begin ||
        it->second >= begin + r.period)
      return std::nullopt;
    return it->second - begin;
  };
  // The result of an earlier operation of the same layer.
  if (std::optional<size_t> inner = indexIn(0, first)) {
    for (size_t layer = 1; layer < r.count; ++layer)
      if (indexIn(layer, at(r, layer, j)->getOperand(operand)) != inner)
        return std::nullopt;
    return Source{Source::Internal, *inner};
  }
  // The same value from outside in all layers.
  bool same = true;
  for (size_t layer = 1; layer < r.count; ++layer)
    same &= at(r, layer, j)->getOperand(operand) == first;
  if (same)
    return Source{Source::Outside, 0, 0, first};
  // What the layer before gives; one value only.
  if (layers.init && layers.init != first)
    return std::nullopt;
  for (size_t layer = 1; layer < r.count; ++layer) {
    std::optional<size_t> from = indexIn(layer - 1, at(r, layer, j)->getOperand(operand));
    if (!from || (layers.init && *from != layers.carried))
      return std::nullopt;
    layers.init = first;
    layers.carried = *from;
  }
  return Source{Source::Carried};
}

/// Nothing after the loop may need a result other than the last layer's carried one, and no
/// layer but the next a carried one.
bool Roller::resultsStayInside(const Layers &layers) {
  const Repeat &r = layers.repeat;
  for (size_t layer = 0; layer < r.count; ++layer)
    for (size_t j = 0; j < r.period; ++j) {
      if (layer + 1 == r.count && j == layers.carried)
        continue;
      size_t begin = r.start + layer * r.period;
      size_t end = begin + (j == layers.carried ? 2 : 1) * r.period;
      for (Operation *user : at(r, layer, j)->getUsers()) {
        auto it = position.find(user);
        if (it == position.end() || it->second < begin || it->second >= end)
          return false;
      }
    }
  return true;
}

std::optional<Layers> Roller::analyse(Repeat repeat) {
  Layers layers;
  layers.repeat = repeat;
  layers.sources.resize(repeat.period);
  for (size_t j = 0; j < repeat.period; ++j)
    for (unsigned operand = 0; operand < at(repeat, 0, j)->getNumOperands(); ++operand) {
      std::optional<Source> source = sourceOf(layers, j, operand);
      if (!source)
        return std::nullopt;
      layers.perLayer += source->kind == Source::ParamEach;
      layers.sources[j].push_back(std::move(*source));
    }
  if (!layers.init ||
      at(repeat, 0, layers.carried)->getResult(0).getType() != layers.init.getType() ||
      !resultsStayInside(layers))
    return std::nullopt;
  return layers;
}

void Roller::build(const Layers &layers) {
  const Repeat &r = layers.repeat;
  // After everything that the loop reads: all of it comes before the last operation of the
  // last layer, and everything that reads the loop comes after.
  Operation *last = at(r, r.count - 1, layers.carried);
  OpBuilder builder(last);
  OperationState state(at(r, 0, 0)->getLoc(), LoopOp::getOperationName());
  Type type = layers.init.getType();
  state.addOperands(layers.init);
  state.addTypes(type);
  state.addAttribute("count", builder.getI64IntegerAttr(static_cast<int64_t>(r.count)));
  Block *body = new Block;
  state.addRegion()->push_back(body);
  Value carried = body->addArgument(type, state.location);
  auto loop = cast<LoopOp>(builder.create(state));

  builder.setInsertionPointToStart(body);
  // One use for each distinct list of parameters.
  std::map<std::vector<const void *>, Value> uses;
  auto useOf = [&](const Source &source, Location loc, Type useType) {
    std::vector<const void *> key;
    for (Attribute symbol : source.symbols)
      key.push_back(symbol.getAsOpaquePointer());
    Value &value = uses[key];
    if (!value)
      value = source.kind == Source::Param
                  ? UseOp::create(builder, loc, useType,
                                  cast<FlatSymbolRefAttr>(source.symbols.front()))
                        .getResult()
                  : UseEachOp::create(builder, loc, useType, builder.getArrayAttr(source.symbols))
                        .getResult();
    return value;
  };
  SmallVector<Value> results;
  for (size_t j = 0; j < r.period; ++j) {
    Operation *op = at(r, 0, j);
    SmallVector<Value> operands;
    for (auto [operand, source] : llvm::zip_equal(op->getOperands(), layers.sources[j]))
      switch (source.kind) {
      case Source::Internal:
        operands.push_back(results[source.index]);
        break;
      case Source::Carried:
        operands.push_back(carried);
        break;
      case Source::Outside:
        operands.push_back(source.value);
        break;
      case Source::Param:
      case Source::ParamEach:
        operands.push_back(useOf(source, op->getLoc(), operand.getType()));
        break;
      }
    Operation *copy = builder.clone(*op);
    copy->setOperands(operands);
    results.push_back(copy->getResult(0));
  }
  YieldOp::create(builder, state.location, results[layers.carried]);

  last->getResult(0).replaceAllUsesWith(loop.getResult(0));
  for (size_t layer = r.count; layer-- > 0;)
    for (size_t j = r.period; j-- > 0;)
      at(r, layer, j)->erase();
  task.walk([](Operation *op) {
    if (isa<UseOp>(op) && op->use_empty())
      op->erase();
  });
}

struct RollPass : aac::impl::RollPassBase<RollPass> {
  using RollPassBase::RollPassBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (TaskOp task : getOperation().getOps<TaskOp>())
      while (true) {
        Roller roller(task, symbols, canonicalOrder(task));
        std::optional<Layers> layers = roller.find(minOps);
        Roller asWritten(task, symbols, writtenOrder(task));
        std::optional<Layers> other = asWritten.find(minOps);
        bool second = other && (!layers || other->covered() > layers->covered());
        if (second)
          layers = std::move(other);
        if (!layers)
          break;
        (second ? asWritten : roller).build(*layers);
        ++numLoops;
        numLayers += layers->repeat.count;
        numPerLayer += layers->perLayer;
      }
  }
};

} // namespace
