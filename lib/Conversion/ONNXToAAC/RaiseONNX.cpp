//===- RaiseONNX.cpp - aac-raise-onnx -------------------------------------===//
//
// Precondition: onnx graphs of static types with integer arithmetic folded. Postcondition:
// one aac.suite, no onnx operations.
//
// Each task in three steps, all linear in its nodes:
//   1. plan: from the outputs backwards, each value that is needed is matched to the largest
//      pattern that ends in it; the pattern's inputs are needed next. Nodes that only served
//      shapes are never visited. Where no pattern fits, the reason is noted and the search
//      goes on behind the unknown nodes, so that all of them come out in one diagnostic.
//   2. emit: matches in the order of their last nodes, which is topological.
//   3. parameters: roles by use, one aac.param for each content and role.
//
//===----------------------------------------------------------------------===//
#include "Patterns.h"
#include "aac/Conversion/Passes.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace aac;
using namespace aac::raise;

namespace aac {
#define GEN_PASS_DEF_RAISEONNXPASS
#include "lib/Conversion/ConversionPasses.h.inc"
} // namespace aac

RankedTensorType Emitter::withWidth(Value like, int64_t width) {
  SmallVector<int64_t> shape(shapeOf(like));
  shape.back() = width;
  return floats(shape);
}

namespace {

using Matcher = bool (*)(Graph &, Value, Match &, std::string &);
/// Larger patterns before those that they contain.
constexpr Matcher kMatchers[] = {matchRequantise, matchEmbedding, matchLayerNorm, matchActivation,
                                 matchLinear,     matchContext,   matchSoftmax,   matchScores,
                                 matchMask,       matchPart,      matchSelect,    matchBiasedSum,
                                 matchAdd};

/// A node that no pattern takes, or not the one it might have.
struct Refusal {
  Operation *node;
  std::string reason;
};

/// Refusals printed in full; more are counted.
constexpr size_t kMaxNotes = 30;

bool vowel(StringRef word) { return StringRef("aeiou").contains(word.front()); }

ArrayRef<Attribute> widenedTypes(onnx::GraphOp graph) {
  auto types = graph->getAttrOfType<ArrayAttr>(onnx::kWidenedAttr);
  return types ? types.getValue() : ArrayRef<Attribute>();
}

class TaskRaiser {
public:
  TaskRaiser(onnx::GraphOp graph, TensorStore &store)
      : graph(graph), view(widenedTypes(graph)), parameters(store) {}

  /// Finds a match for every value that the outputs need; false if there is none for some.
  bool plan();
  /// Writes the task at the end of `suite`; null on failure.
  ir::TaskOp emit(ir::SuiteOp suite, SymbolTable &symbols);
  /// One diagnostic with all refusals.
  void report();

  size_t nodeCount = 0;

private:
  void match(Value value, bool afterRefusal, SmallVectorImpl<std::pair<Value, bool>> &needed);

  onnx::GraphOp graph;
  Graph view;
  TaskParameters parameters;
  llvm::DenseMap<Value, Match> matches;
  SmallVector<Refusal> refusals, remarks; ///< remarks: what almost was more
};

} // namespace

/// Matches `value` or refuses it. Behind a refused node (`afterRefusal`) its neighbours are
/// most likely parts of the same unknown pattern: only what stands for itself is taken, the
/// others are looked through without a word.
void TaskRaiser::match(Value value, bool afterRefusal,
                       SmallVectorImpl<std::pair<Value, bool>> &needed) {
  Operation *op = value.getDefiningOp();
  std::string reason;
  for (Matcher matcher : kMatchers) {
    Match found;
    std::string why;
    view.visited.clear();
    if (!matcher(view, value, found, why)) {
      if (reason.empty())
        reason = why;
      // A product that is almost one of one-hot rows is no linear.
      if (matcher == matchEmbedding && isa<onnx::MatMulOp>(op) && !why.empty())
        break;
      continue;
    }
    if (afterRefusal && (matcher == matchActivation || matcher == matchAdd || matcher == matchMask))
      continue;
    found.nodes = {op};
    llvm::DenseSet<Operation *> seen{op};
    for (Operation *node : view.visited)
      if (seen.insert(node).second)
        found.nodes.push_back(node);
    if (!reason.empty())
      remarks.push_back({op, ("raised as " + Twine(vowel(found.pattern) ? "an " : "a ") +
                              found.pattern + ", not as part of a larger operation: " + reason)
                                 .str()});
    for (Value input : found.inputs)
      needed.push_back({input, false});
    matches.try_emplace(value, std::move(found));
    return;
  }
  if (auto unsupported = dyn_cast<onnx::UnsupportedOp>(op))
    reason =
        "operation " + unsupported.getOpType().str() +
        (unsupported.getDomain().empty() ? "" : " of domain " + unsupported.getDomain().str()) +
        " is not supported";
  else if (isa<onnx::ConstantOp, onnx::InitializerOp>(op))
    reason = "a constant where an activation is needed";
  else if (reason.empty() && isa<onnx::QuantizeLinearOp, onnx::DequantizeLinearOp>(op))
    reason =
        "an activation that the file quantises, not by a QuantizeLinear and a DequantizeLinear "
        "with one constant scale";
  else if (isa<onnx::LogSoftmaxOp>(op))
    reason = "log-probabilities are not computed here: end the model with the logits that they are "
             "of, the logarithm is the caller's";
  else if (isa<onnx::ArgMaxOp, onnx::ArgMinOp>(op))
    reason = "an index is no activation: end the model with the values that it is of, the choice "
             "is the caller's";
  bool report = !afterRefusal || isa<onnx::UnsupportedOp>(op);
  if (reason.empty())
    reason = "no operation of a transformer encoder ends in it";
  if (report)
    refusals.push_back({op, reason});
  for (Value operand : op->getOperands())
    if (isFloat(operand) && !view.constant(operand))
      needed.push_back({view.canon(operand), true});
}

bool TaskRaiser::plan() {
  SmallVector<std::pair<Value, bool>> needed;
  llvm::DenseSet<Value> refusedOrPlanned;
  Operation *terminator = graph.getBody().front().getTerminator();
  for (Value output : terminator->getOperands())
    needed.push_back({view.canon(output), false});
  while (!needed.empty()) {
    auto [value, afterRefusal] = needed.pop_back_val();
    if (isa<BlockArgument>(value) || !refusedOrPlanned.insert(value).second)
      continue;
    match(value, afterRefusal, needed);
  }
  return refusals.empty();
}

void TaskRaiser::report() {
  llvm::sort(refusals, [](const Refusal &a, const Refusal &b) {
    return a.node != b.node && a.node->isBeforeInBlock(b.node);
  });
  InFlightDiagnostic diag = emitError(graph.getLoc())
                            << "task " << graph.getSymName() << ": cannot raise " << refusals.size()
                            << (refusals.size() == 1 ? " node" : " nodes");
  for (auto [i, refusal] : llvm::enumerate(refusals)) {
    if (i == kMaxNotes) {
      diag.attachNote(graph.getLoc()) << "and " << refusals.size() - i << " more";
      break;
    }
    std::string name = nodeName(refusal.node);
    diag.attachNote(refusal.node->getLoc())
        << "node " << (name.empty() ? "without a name" : "\"" + name + "\"") << " ("
        << refusal.node->getName().stripDialect() << "): " << refusal.reason;
  }
}

ir::TaskOp TaskRaiser::emit(ir::SuiteOp suite, SymbolTable &symbols) {
  OpBuilder builder = OpBuilder::atBlockEnd(&suite.getBody().front());
  auto task = ir::TaskOp::create(builder, graph.getLoc(), graph.getSymNameAttr(),
                                 graph.getInputNamesAttr(), graph.getOutputNamesAttr());
  if (Attribute types = graph->getAttr(onnx::kOutputTypesAttr))
    task->setAttr(onnx::kOutputTypesAttr, types);
  Block *body = builder.createBlock(&task.getBody());
  llvm::DenseMap<Value, Value> raised;
  for (BlockArgument argument : graph.getBody().front().getArguments())
    raised[argument] = body->addArgument(argument.getType(), argument.getLoc());

  SmallVector<Value> order;
  for (auto &entry : matches)
    order.push_back(entry.first);
  llvm::sort(order, [](Value a, Value b) {
    Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
    if (x != y)
      return x->isBeforeInBlock(y);
    return cast<OpResult>(a).getResultNumber() < cast<OpResult>(b).getResultNumber();
  });

  Emitter emitter(builder, parameters);
  for (Value value : order) {
    Match &match = matches[value];
    SmallVector<Value> inputs;
    for (Value input : match.inputs)
      inputs.push_back(raised.lookup(input));
    SmallVector<Location> locs;
    for (Operation *node : match.nodes)
      locs.push_back(node->getLoc());
    emitter.loc = FusedLoc::get(builder.getContext(), locs);
    Value result = llvm::is_contained(inputs, Value()) ? Value() : match.emit(emitter, inputs);
    if (!result) {
      refusals.push_back({value.getDefiningOp(),
                          (vowel(match.pattern) ? "an " : "a ") + match.pattern.str() + ", but " +
                              (emitter.error.empty() ? "its input is unknown" : emitter.error)});
      return nullptr;
    }
    raised[value] = result;
    nodeCount += match.nodes.size();
  }

  SmallVector<Value> outputs;
  Operation *terminator = graph.getBody().front().getTerminator();
  for (auto [i, output] : llvm::enumerate(terminator->getOperands())) {
    Value result = raised.lookup(view.canon(output));
    // A score of each sentence without its axis looks like a view of the same features.
    ArrayRef<int64_t> shape = shapeOf(output);
    if (result && isFloat(result) && lastDim(result) == 1 && shapeOf(result).drop_back() == shape)
      result = emitSqueeze(emitter, result, shape);
    // So does the one token of a sentence of one.
    ArrayRef<int64_t> found = result ? shapeOf(result) : ArrayRef<int64_t>();
    if (found.size() == 3 && found[1] == 1 && shape == ArrayRef<int64_t>{found[0], found[2]})
      result = ir::SelectOp::create(builder, emitter.loc, output.getType(), result, 0,
                                    /*format=*/nullptr, /*absmax=*/nullptr, /*buffer=*/nullptr);
    if (!result || result.getType() != output.getType()) {
      Operation *node = output.getDefiningOp() ? output.getDefiningOp() : terminator;
      refusals.push_back(
          {node, "output " + escaped(cast<StringAttr>(graph.getOutputNames()[i]).getValue()) +
                     " is " + shapeText(shapeOf(output)) + ", raised as " +
                     (result ? shapeText(shapeOf(result)) : "nothing")});
      return nullptr;
    }
    outputs.push_back(result);
  }
  if (ArrayRef<Attribute> types = widenedTypes(graph); !types.empty()) {
    InFlightDiagnostic remark = emitRemark(graph.getLoc())
                                << "task " << graph.getSymName() << ": the file's weights are ";
    llvm::interleave(types, remark, " and ");
    remark << ", computed in f32: nothing in between is rounded to "
           << (types.size() == 1 ? "that" : "those")
           << ", and the constants of functions that are written out are taken as exact";
  }
  for (const Refusal &remark : remarks)
    remark.node->emitRemark() << remark.reason;
  ir::ReturnOp::create(builder, terminator->getLoc(), outputs);
  // What another operation took with a scale of its own.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (isa<ir::LinearOp, ir::ScoresOp, ir::AddOp>(op) && op.use_empty())
      op.erase();
  parameters.finish(suite, task, symbols);
  return task;
}

namespace {

class RaiseOnnxPass : public aac::impl::RaiseOnnxPassBase<RaiseOnnxPass> {
public:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto graphs = llvm::to_vector(module.getOps<onnx::GraphOp>());
    if (graphs.empty())
      return;
    TensorStore store;
    SmallVector<ElementsAttr> stored;
    module.walk([&](onnx::InitializerOp op) { stored.push_back(op.getValue()); });
    store.add(stored, &getContext());

    auto builder = OpBuilder::atBlockEnd(module.getBody());
    auto suite = ir::SuiteOp::create(builder, module.getLoc());
    SymbolTable symbols(suite);
    bool failed = false;
    for (onnx::GraphOp graph : graphs) {
      TaskRaiser raiser(graph, store);
      if (!raiser.plan() || !raiser.emit(suite, symbols)) {
        raiser.report();
        failed = true;
      }
      numNodes += raiser.nodeCount;
    }
    if (failed) {
      suite.erase();
      return signalPassFailure();
    }
    for (onnx::GraphOp graph : graphs)
      graph.erase();
    suite.walk([&](Operation *) { ++numOperations; });
  }
};

} // namespace
