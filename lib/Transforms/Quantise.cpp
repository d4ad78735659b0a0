//===- Quantise.cpp - number formats for parameters and activations -------===//
//
// Precondition: no aac.adapter; scores scaled by powers of two. Postcondition: what
// aac-verify-quantised checks.
//
// Nodes are activations and parameters. Two partitions of them: `formats` (one format) and,
// coarser, `scales` (one scale). A format group wants a smallest exponent, from the
// largest magnitude of its nodes; a scale class takes the largest of these + 3, so that
// the group that wants it has bias 7. Shifts out of range move scales until nothing
// changes. Almost linear in operations, linear in parameter elements.
//
//===----------------------------------------------------------------------===//
#include "Int8Formats.h"
#include "ProductShift.h"
#include "WeightBounds.h"
#include "aac/Interp/Formats.h"
#include "aac/Transforms/AddTask.h"
#include "aac/Transforms/Calibration.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/FormatName.h"
#include "aac/Transforms/ParamValues.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <climits>
#include <cmath>

namespace aac {
#define GEN_PASS_DEF_QUANTISEPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

constexpr int kNoDemand = INT_MIN;
constexpr int kTopBias = 7;

/// Where formats come from and go to.
struct Node {
  Operation *op = nullptr; ///< that has the format: a parameter or an activation's operation
  double absmax = 0;
  double reach = 0;   ///< the same, before what the softmax unit prefers
  bool counts = true; ///< false: a linear whose relu's magnitude counts instead
  double seen = 0;    ///< what calibration saw of it, if anything
};

/// A parameter on its way to codes.
struct Encoding {
  ParamOp param;
  Attribute format;
  Elements<float> values;
  std::vector<uint8_t> codes;
  std::vector<uint16_t> wideCodes;
  int64_t saturated = 0, underflow = 0;
};

struct QuantisePass : aac::impl::QuantisePassBase<QuantisePass> {
  using QuantisePassBase::QuantisePassBase;

  void runOnOperation() override {
    std::optional<FormatSpec> parsed = parseFormatSpec(format);
    if (!parsed) {
      getOperation().emitError() << "there is no format '" << format << "': " << kFormatHint;
      return signalPassFailure();
    }
    std::vector<FormatChoice> choices;
    if (failed(parseFormatChoices(getOperation(), formats, parsed->adaptivFloat, choices)))
      return signalPassFailure();
    Quantiser quantiser(getOperation(), *parsed, choices, {sigmas, sampleSigmas, weightSigmas});
    if (failed(quantiser.collect()) || failed(quantiser.solve()) || failed(quantiser.rewrite()))
      return signalPassFailure();
    numParams += quantiser.numParams;
    numSaturated += quantiser.numSaturated;
    numUnderflow += quantiser.numUnderflow;
    numClasses += quantiser.numClasses;
  }

  /// Standard deviations of a normal distribution that magnitudes get room for, by where they come
  /// from.
  struct Room {
    double seeded, samples, weights; ///< of weights: 0 for rigorous bounds
  };

  class Quantiser {
  public:
    Quantiser(SuiteOp suite, const FormatSpec &base, ArrayRef<FormatChoice> choices, Room room)
        : suite(suite), symbols(suite), base(base), shape(base.adaptivFloat), choices(choices),
          room(room) {}

    LogicalResult collect();
    LogicalResult solve();
    LogicalResult rewrite();

    int64_t numParams = 0, numSaturated = 0, numUnderflow = 0, numClasses = 0;

  private:
    unsigned addNode(Operation *op) {
      nodes.push_back({op});
      formats.grow(nodes.size());
      scales.grow(nodes.size());
      return nodes.size() - 1;
    }
    void oneFormat(unsigned a, unsigned b) {
      formats.join(a, b);
      scales.join(a, b);
    }
    /// Node of an activation or of the parameters behind a use; an error at `user` if it has
    /// none (an f32 input).
    FailureOr<unsigned> nodeOf(Value value, Operation *user);
    LogicalResult oneScale(Operation *op, ArrayRef<Value> values);
    LogicalResult relate(TaskOp task);
    LogicalResult measureActivations(TaskOp task);
    static double headroomFor(int64_t elements, double sigmas);
    LogicalResult keepStoredFormats();
    void reachBiases();
    void chooseFormats();
    LogicalResult encodeParams();
    AdaptivFloatFormat shapeOfNode(unsigned node) const {
      return {width[formats.findLeader(node)], shape.exponentBits};
    }
    void settle();
    bool levelBiasInputs();
    bool lowerFactor(unsigned a, unsigned b);
    int minExponentOf(unsigned node) const {
      unsigned group = formats.findLeader(node), cls = scales.findLeader(node);
      return biasOf(group, cls) + kEngineExponentOffset + scale[cls];
    }
    int biasOf(unsigned group, unsigned cls) const {
      if (wanted[group] == kNoDemand)
        return 0;
      return std::clamp(wanted[group] - scale[cls] - kEngineExponentOffset, 0, kTopBias);
    }
    AdaptivFloatAttr formatOfNode(unsigned node) {
      unsigned group = formats.findLeader(node), cls = scales.findLeader(node);
      return AdaptivFloatAttr::get(suite.getContext(), width[group], shape.exponentBits,
                                   biasOf(group, cls), scale[cls]);
    }

    SuiteOp suite;
    SymbolTable symbols;
    FormatSpec base;
    AdaptivFloatFormat shape;
    ArrayRef<FormatChoice> choices;
    Room room;
    std::vector<Node> nodes;
    llvm::IntEqClasses formats, scales;
    llvm::DenseMap<Value, unsigned> valueNodes;
    llvm::DenseMap<Operation *, unsigned> paramNodes;
    llvm::DenseMap<Operation *, ParamSize> sizes;
    std::vector<Product> products;
    std::vector<LinearOp> biased;
    std::vector<unsigned> pinned; ///< nodes whose scale is 0
    // Indexed by leader node.
    std::vector<int> wanted; ///< smallest exponent that a format group wants
    std::vector<int> scale, extra;
    std::vector<int> width;                      ///< bits of a format group
    std::vector<std::optional<FormatSpec>> int8; ///< of a format group, if it is int8
    std::vector<bool> isPinned;
    std::vector<int> pinnedScale;  ///< of a pinned class
    std::vector<bool> keepsFormat; ///< a format group that is stored already
  };
};

using Quantiser = QuantisePass::Quantiser;

FailureOr<unsigned> Quantiser::nodeOf(Value value, Operation *user) {
  if (auto it = valueNodes.find(value); it != valueNodes.end())
    return it->second;
  SmallVector<ParamOp> params = paramsBehind(value, symbols);
  if (!params.empty())
    if (auto it = paramNodes.find(params.front()); it != paramNodes.end())
      return it->second;
  return user->emitOpError() << "reads " << value.getType()
                             << " that no operation of the task makes: the engine gets ids and "
                                "masks from outside, nothing else";
}

LogicalResult Quantiser::oneScale(Operation *op, ArrayRef<Value> values) {
  FailureOr<unsigned> first = nodeOf(values.front(), op);
  for (Value value : values.drop_front()) {
    FailureOr<unsigned> node = nodeOf(value, op);
    if (failed(first) || failed(node))
      return failure();
    scales.join(*first, *node);
  }
  return first;
}

/// Joins what must agree within `task`.
LogicalResult Quantiser::relate(TaskOp task) {
  // Nodes first: loops use values before the operations that make them are visited.
  WalkResult made = task.walk([&](Operation *op) {
    if (auto adapter = dyn_cast<AdapterOp>(op)) {
      adapter.emitOpError("cannot be quantised: run aac-expand-adapters first");
      return WalkResult::interrupt();
    }
    if (auto rounding = dyn_cast<RequantiseOp>(op)) {
      rounding.emitOpError("cannot be quantised: run aac-absorb-requantise first");
      return WalkResult::interrupt();
    }
    if (auto linear = dyn_cast<LinearOp>(op);
        linear && linear.getScale().convertToFloat() != 1.0f) {
      linear.emitOpError("cannot be quantised with a scale: run aac-fold-scales first");
      return WalkResult::interrupt();
    }
    if (makesActivation(op))
      valueNodes[op->getResult(0)] = addNode(op);
    if (auto loop = dyn_cast<LoopOp>(op))
      for (Value result : loop.getResults())
        valueNodes[result] = addNode(nullptr);
    if (auto loop = dyn_cast<LoopOp>(op))
      for (Value arg : loop.getBody().getArguments())
        valueNodes[arg] = addNode(nullptr);
    // Parameters that become codes: all operands but the bias of a linear.
    auto linear = dyn_cast<LinearOp>(op);
    for (Value operand : op->getOperands()) {
      if (linear && operand == linear.getBias() && operand != linear.getWeight())
        continue;
      SmallVector<ParamOp> params = paramsBehind(operand, symbols);
      for (ParamOp param : params) {
        if (!paramNodes.count(param)) {
          paramNodes[param] = addNode(param);
          nodes.back().absmax = sizes.lookup(param).absmax;
        }
        oneFormat(paramNodes[param], paramNodes[params.front()]);
      }
    }
    return WalkResult::advance();
  });
  if (made.wasInterrupted())
    return failure();
  WalkResult joined = task.walk([&](Operation *op) {
    LogicalResult result = success();
    if (auto loop = dyn_cast<LoopOp>(op)) {
      Block &body = loop.getBody().front();
      for (unsigned i = 0; i < loop.getNumResults(); ++i)
        for (Value value : {loop.getInits()[i], body.getTerminator()->getOperand(i),
                            Value(body.getArgument(i))}) {
          FailureOr<unsigned> node = nodeOf(value, op);
          if (failed(node))
            return WalkResult::interrupt();
          oneFormat(valueNodes[loop.getResult(i)], *node);
        }
    } else if (auto select = dyn_cast<SelectOp>(op)) {
      FailureOr<unsigned> node = nodeOf(select.getInput(), op);
      if (failed(node))
        return WalkResult::interrupt();
      oneFormat(valueNodes[select.getResult()], *node);
    } else if (auto add = dyn_cast<AddOp>(op)) {
      result = oneScale(op, {add.getResult(), add.getLhs(), add.getRhs()});
    } else if (auto norm = dyn_cast<LayerNormOp>(op)) {
      result = oneScale(op, {norm.getResult(), norm.getGamma(), norm.getBeta()});
      if (succeeded(result) && failed(nodeOf(norm.getInput(), op)))
        result = failure();
    } else if (auto softmax = dyn_cast<SoftmaxOp>(op)) {
      FailureOr<unsigned> node = nodeOf(softmax.getScores(), op);
      if (failed(node))
        return WalkResult::interrupt();
      pinned.push_back(*node);
      pinned.push_back(valueNodes[softmax.getResult()]);
    } else if (auto fn = dyn_cast<ActivationFnOp>(op)) {
      result = failure(failed(nodeOf(fn.getInput(), op)));
    }
    if (auto linear = dyn_cast<LinearOp>(op))
      if (ActivationFnOp relu = fusedRelu(linear)) {
        oneFormat(valueNodes[linear.getResult()], valueNodes[relu.getResult()]);
        nodes[valueNodes[linear.getResult()]].counts = false;
      }
    FailureOr<Product> product = productOf(op);
    if (failed(product) || failed(result))
      return WalkResult::interrupt();
    if (product->op) {
      if (failed(nodeOf(product->a, op)) || failed(nodeOf(product->b, op)))
        return WalkResult::interrupt();
      products.push_back(*product);
      if (auto linear = dyn_cast<LinearOp>(op); linear && linear.getBias())
        biased.push_back(linear);
    }
    return WalkResult::advance();
  });
  return failure(joined.wasInterrupted());
}

/// How much larger than the largest of `elements` measured values the next may be, if they are
/// draws from a normal distribution and `sigmas` standard deviations are to fit: the largest of
/// n is beyond about sqrt(2 ln(n/3)) deviations in 95 % of cases. Two logits tell little, a
/// hidden layer all.
double Quantiser::headroomFor(int64_t elements, double sigmas) {
  double reach = 2 * std::log(static_cast<double>(std::max<int64_t>(elements, 1)) / 3);
  return std::max(1.0, sigmas / std::sqrt(std::max(reach, 0.1)));
}

/// `absmax` of the activations of `task`, from calibration or else from the weights.
LogicalResult Quantiser::measureActivations(TaskOp task) {
  llvm::DenseMap<Value, Bound> bounds = boundsFromWeights(task, symbols, sizes, room.weights);
  WalkResult result = task.walk([&](Operation *op) {
    if (!makesActivation(op))
      return WalkResult::advance();
    Node &node = nodes[valueNodes[op->getResult(0)]];
    node.absmax = bounds.lookup(op->getResult(0)).max;
    if (auto absmax = op->getAttrOfType<FloatAttr>("absmax")) {
      node.seen = absmax.getValueAsDouble();
      int64_t elements = cast<RankedTensorType>(op->getResult(0).getType()).getNumElements();
      if (auto loop = dyn_cast<LoopOp>(op->getParentOp()))
        elements *= static_cast<int64_t>(loop.getCount());
      // The user's samples are like what will come; made-up sentences are not.
      auto samples = task->getAttrOfType<IntegerAttr>(kSamplesAttr);
      elements *= samples ? samples.getInt() : 1;
      double expected = node.seen * headroomFor(elements, samples ? room.samples : room.seeded);
      if (auto clip = op->getAttrOfType<FloatAttr>(kClipAttr))
        expected = node.seen = clip.getValueAsDouble(); // what is beyond was reported
      bool bounded = bounds.contains(op->getResult(0)) && node.absmax >= node.seen;
      node.absmax = bounded ? std::min(node.absmax, expected) : expected;
    } else if (room.weights > 0) {
      node.absmax = bounds.lookup(op->getResult(0)).likely;
    }
    // The file saturates beyond its own format, so nothing is larger.
    if (auto own = op->getAttrOfType<Int8Attr>(kQuantisedAttr))
      node.absmax = node.seen = largestOf(own);
    node.reach = isa<SoftmaxOp>(op) ? std::min(node.absmax, 1.0) : node.absmax;
    if (isa<SoftmaxOp>(op)) {
      // Over many keys the octave below 1/128 is worth more than 1.0 itself.
      bool manyKeys = cast<RankedTensorType>(op->getResult(0).getType()).getShape().back() > 64;
      node.absmax = std::min(node.absmax, manyKeys ? 31.0 / 32 : 1.0);
      node.seen = 0; // saturating there is no surprise
    }
    if (!(node.absmax >= 0) || !std::isfinite(node.absmax)) {
      op->emitOpError() << "has no usable largest magnitude (" << node.absmax << ")";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult Quantiser::collect() {
  FailureOr<llvm::DenseMap<Operation *, ParamSize>> measured = sizesOfParams(suite);
  if (failed(measured))
    return failure();
  sizes = std::move(*measured);
  for (TaskOp task : suite.getOps<TaskOp>())
    if (failed(relate(task)) || failed(measureActivations(task)))
      return failure();
  return success();
}

/// Format of each format group: the suite's, or what choices give its members: int8 or AdaptivFloat
/// as the last choice says, and of AdaptivFloat the most bits.
void Quantiser::chooseFormats() {
  std::vector<int> chosen(nodes.size(), 0);
  std::vector<size_t> last(nodes.size(), 0); ///< number of the choice that decides, from 1
  int8.assign(nodes.size(), std::nullopt);
  for (unsigned i = 0; i < nodes.size() && !choices.empty(); ++i) {
    if (!nodes[i].op)
      continue;
    std::string name = nameForFormat(nodes[i].op);
    unsigned group = formats.findLeader(i);
    for (auto [number, choice] : llvm::enumerate(choices)) {
      if (!choice.pattern.match(name))
        continue;
      if (!choice.format.isInt8)
        chosen[group] = std::max(chosen[group], choice.format.adaptivFloat.bits);
      if (number + 1 < last[group])
        continue;
      last[group] = number + 1;
      int8[group] = choice.format.isInt8 ? std::optional(choice.format) : std::nullopt;
    }
  }
  width.assign(nodes.size(), shape.bits);
  for (unsigned i = 0; i < nodes.size(); ++i) {
    if (chosen[i])
      width[i] = chosen[i];
    else if (base.isInt8 && !int8[i])
      int8[i] = base;
  }
}

/// Parameters that are stored already keep their format (AddTask.h), and their class its scale.
LogicalResult Quantiser::keepStoredFormats() {
  for (unsigned i = 0; i < nodes.size(); ++i) {
    auto pin = isa_and_present<ParamOp>(nodes[i].op)
                   ? nodes[i].op->getAttrOfType<AdaptivFloatAttr>(kPinnedAttr)
                   : AdaptivFloatAttr();
    if (!pin)
      continue;
    unsigned group = formats.findLeader(i), cls = scales.findLeader(i);
    if ((isPinned[cls] && pinnedScale[cls] != pin.getScale()) ||
        (keepsFormat[group] && wanted[group] != pin.getMinExponent()))
      return nodes[i].op->emitError()
             << "'" << cast<ParamOp>(nodes[i].op).getSymName() << "' is stored as " << pin
             << ", but this task combines it with what has another scale or format";
    isPinned[cls] = keepsFormat[group] = true;
    pinnedScale[cls] = pin.getScale();
    wanted[group] = pin.getMinExponent();
  }
  return success();
}

/// A bias is a sum of 16 codes of its weight, each times a power of two that the input has
/// (docs/lowering.md). Raises the smallest exponents of weight and input, half each, where that
/// does not reach the largest bias: an octave costs the smallest values, a bias that saturates
/// all.
void Quantiser::reachBiases() {
  for (LinearOp linear : biased) {
    double largest = 0;
    for (ParamOp param : paramsBehind(linear.getBias(), symbols))
      largest = std::max(largest, sizes.lookup(param).absmax);
    unsigned input = formats.findLeader(*nodeOf(linear.getInput(), linear)),
             weight = formats.findLeader(*nodeOf(linear.getWeight(), linear));
    if (largest == 0 || wanted[input] == kNoDemand || wanted[weight] == kNoDemand)
      continue;
    constexpr int kBiasLanes = 16;
    double lanes = kBiasLanes * (2 - std::exp2(-shape.mantissaBits()));
    int reach = wanted[input] + wanted[weight] + 2 * shape.maxExponentField();
    int missing = static_cast<int>(std::ceil(std::log2(largest / lanes))) - reach;
    if (missing <= 0)
      continue;
    int ofWeight = keepsFormat[weight] ? 0 : (missing + 1) / 2;
    wanted[weight] += ofWeight;
    wanted[input] += missing - ofWeight;
    linear.emitRemark() << "a bias of " << largest << " is more than " << kBiasLanes
                        << " lanes hold: weight and input give up " << missing
                        << " octaves of their smallest values";
  }
}

/// Scales from what the format groups want.
void Quantiser::settle() {
  std::vector<int> largest(nodes.size(), kNoDemand);
  for (unsigned i = 0; i < nodes.size(); ++i)
    largest[scales.findLeader(i)] =
        std::max(largest[scales.findLeader(i)], wanted[formats.findLeader(i)]);
  for (unsigned i = 0; i < nodes.size(); ++i) {
    if (scales.findLeader(i) != i)
      continue;
    bool free = !isPinned[i] && largest[i] != kNoDemand;
    scale[i] = free ? largest[i] - kEngineExponentOffset - kTopBias + extra[i] : pinnedScale[i];
  }
}

/// A bias meets one power of two, wherever its weight is used: where the formats of two inputs have
/// none in common, raises the smallest exponent of the lower one. True if one was raised.
bool Quantiser::levelBiasInputs() {
  llvm::MapVector<Operation *, int> highest; // by weight
  auto forEach = [&](auto fn) {
    for (LinearOp linear : biased)
      for (ParamOp weight : paramsBehind(linear.getWeight(), symbols))
        fn(weight, *nodeOf(linear.getInput(), linear));
  };
  forEach([&](ParamOp weight, unsigned input) {
    auto [it, inserted] = highest.insert({weight, minExponentOf(input)});
    it->second = std::max(it->second, minExponentOf(input));
  });
  bool raised = false;
  forEach([&](ParamOp weight, unsigned input) {
    // The smallest code is no power of two, the one above the smallest exponent is.
    int least = highest.lookup(weight) + 1 - shape.maxExponentField();
    unsigned group = formats.findLeader(input);
    if (minExponentOf(input) >= least || wanted[group] == kNoDemand || keepsFormat[group])
      return;
    wanted[group] = std::max(wanted[group] + 1, least);
    raised = true;
  });
  if (raised)
    settle();
  return raised;
}

/// Lowers the larger of two factors' smallest exponents by one, where that has an effect.
bool Quantiser::lowerFactor(unsigned a, unsigned b) {
  auto larger = std::minmax(
      {a, b}, [&](unsigned x, unsigned y) { return minExponentOf(x) < minExponentOf(y); });
  for (unsigned node : {larger.second, larger.first}) {
    unsigned group = formats.findLeader(node);
    int &want = wanted[group];
    if (want == kNoDemand || keepsFormat[group] || isPinned[scales.findLeader(node)])
      continue;
    int before = minExponentOf(node);
    --want;
    settle();
    if (minExponentOf(node) < before)
      return true;
    ++want;
    settle();
  }
  return false;
}

LogicalResult Quantiser::solve() {
  chooseFormats();
  wanted.assign(nodes.size(), kNoDemand);
  scale.assign(nodes.size(), 0);
  extra.assign(nodes.size(), 0);
  isPinned.assign(nodes.size(), false);
  pinnedScale.assign(nodes.size(), 0);
  keepsFormat.assign(nodes.size(), false);
  for (unsigned node : pinned)
    isPinned[scales.findLeader(node)] = true;
  for (unsigned i = 0; i < nodes.size(); ++i) {
    numClasses += scales.findLeader(i) == i;
    if (nodes[i].counts && nodes[i].absmax > 0) {
      int &want = wanted[formats.findLeader(i)];
      want = std::max(want, chooseMinExponent(shapeOfNode(i), nodes[i].absmax));
    }
  }
  // Scales and shifts are the engine's, which has no int8: where nothing else is left, they do not
  // matter.
  auto isInt8 = [&](unsigned i) { return int8[formats.findLeader(i)].has_value(); };
  if (llvm::all_of(llvm::seq<unsigned>(0, nodes.size()), isInt8))
    return success();
  if (failed(keepStoredFormats()))
    return failure();
  reachBiases();
  // Move scales until every shift is in range. Each round moves at least one scale or exponent
  // up, and none moves by more than its exponent range before that helps or cannot help.
  constexpr int kRounds = 64;
  llvm::SmallSetVector<Operation *, 4> lowered;
  for (int round = 0;; ++round) {
    settle();
    bool changed = round < kRounds && levelBiasInputs();
    for (const Product &product : products) {
      unsigned a = *nodeOf(product.a, product.op), b = *nodeOf(product.b, product.op);
      unsigned out = valueNodes[product.op->getResult(0)], cls = scales.findLeader(out);
      int shift = productShift(scale[cls], minExponentOf(a), minExponentOf(b), product.logFactor);
      if (shift >= 0 && shift <= kMaxShift)
        continue;
      if (round < kRounds && shift < 0 && !isPinned[cls] && extra[cls] - shift <= kTopBias) {
        extra[cls] -= shift;
        settle();
        changed = true;
        continue;
      }
      if (round < kRounds && shift < 0 && isPinned[cls] && lowerFactor(a, b)) {
        lowered.insert(product.op);
        changed = true;
        continue;
      }
      unsigned group = formats.findLeader(b);
      if (round < kRounds && shift > kMaxShift && wanted[group] != kNoDemand &&
          !keepsFormat[group] && !isPinned[scales.findLeader(b)]) {
        wanted[group] += shift - kMaxShift;
        settle();
        changed = true;
        continue;
      }
      return product.op->emitOpError()
             << "needs a shift of " << shift << ", the engine has 0 to " << kMaxShift
             << ": operands have smallest exponents " << minExponentOf(a) << " and "
             << minExponentOf(b) << ", the result has scale " << scale[cls];
    }
    if (changed)
      continue;
    for (Operation *op : lowered)
      op->emitRemark() << "may get so large that its factors' formats need a shift below 0: "
                          "smaller ones are taken, "
                          "which saturate first";
    return success();
  }
}

LogicalResult Quantiser::rewrite() {
  std::vector<Interval> ranges(nodes.size()); // of int8 groups
  for (unsigned i = 0; i < nodes.size(); ++i)
    if (Operation *op = nodes[i].op; op && !isa<ParamOp>(op) && nodes[i].counts)
      ranges[formats.findLeader(i)].include(rangeOf(op, nodes[i].reach));
  for (unsigned i = 0; i < nodes.size(); ++i) {
    Operation *op = nodes[i].op;
    if (!op)
      continue;
    if (unsigned group = formats.findLeader(i); int8[group]) {
      if (!isa<ParamOp>(op))
        op->setAttr("format", int8ForResult(op, *int8[group], ranges[group]));
      continue;
    }
    unsigned cls = scales.findLeader(i);
    if (scale[cls] < -128 || scale[cls] > 127)
      return op->emitOpError() << "needs scale " << scale[cls]
                               << ", an instruction holds -128 to 127: magnitude "
                               << nodes[i].absmax;
    if (isa<ParamOp>(op))
      continue;
    double largest = std::ldexp(2 - std::exp2(-shapeOfNode(i).mantissaBits()),
                                minExponentOf(i) + shape.maxExponentField());
    if (nodes[i].counts && nodes[i].seen > largest)
      op->emitRemark() << "largest magnitude " << nodes[i].seen << " is beyond " << largest
                       << ", the largest that smallest exponent " << minExponentOf(i)
                       << " has: it saturates";
    op->setAttr("format", formatOfNode(i));
  }
  return encodeParams();
}

/// Parameters become codes. A linear's bias stays f32 (the engine's are lanes of the weight) but
/// where a choice names it as int8.
LogicalResult Quantiser::encodeParams() {
  std::vector<Encoding> encodings;
  for (ParamOp param : suite.getOps<ParamOp>()) {
    auto it = paramNodes.find(param);
    std::optional<FormatSpec> spec;
    if (it != paramNodes.end())
      spec = int8[formats.findLeader(it->second)];
    else
      for (const FormatChoice &choice : choices)
        if (choice.format.isInt8 && choice.pattern.match(param.getSymName()))
          spec = choice.format;
    if (it == paramNodes.end() && !spec)
      continue; // a bias, or unused
    FailureOr<Elements<float>> values = readFloats(param);
    if (failed(values))
      return failure();
    Attribute format;
    if (spec) {
      FailureOr<Int8Attr> fitted = int8ForParam(param, *spec, values->get());
      if (failed(fitted))
        return failure();
      format = *fitted;
    } else {
      format = formatOfNode(it->second);
    }
    encodings.push_back({param, format, std::move(*values), {}, {}});
  }
  // A bias stays f32; it cannot be codes too.
  WalkResult biases = suite.walk([&](LinearOp linear) {
    for (ParamOp param : paramsBehind(linear.getBias(), symbols))
      if (paramNodes.count(param)) {
        linear.emitOpError() << "bias @" << param.getSymName()
                             << " is used as a weight or layer norm parameter too: it cannot be "
                                "f32 and codes; copy it";
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  if (biases.wasInterrupted())
    return failure();
  parallelForEach(suite.getContext(), encodings, [&](Encoding &e) {
    ArrayRef<float> values = e.values.get();
    if (auto int8 = dyn_cast<Int8Attr>(e.format)) {
      e.codes =
          int8Codes(int8, e.param.getTensorType().getShape(), values, e.saturated, e.underflow);
      return;
    }
    auto format = cast<AdaptivFloatAttr>(e.format);
    int minExponent = format.getMinExponent();
    AdaptivFloatFormat shape = interp::shapeOf(format);
    if (shape.bits <= 8) {
      e.codes.resize(values.size());
      encodeAdaptivFloat(shape, minExponent, absl::Span<const float>(values.data(), values.size()),
                         absl::Span<uint8_t>(e.codes), &e.saturated);
      for (size_t i = 0; i < values.size(); ++i)
        e.underflow += e.codes[i] == 0 && values[i] != 0;
      return;
    }
    e.wideCodes.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      bool saturated = false;
      e.wideCodes[i] = static_cast<uint16_t>(
          encodeAdaptivFloat(shape, minExponent, static_cast<double>(values[i]), &saturated));
      e.saturated += saturated;
      e.underflow += e.wideCodes[i] == 0 && values[i] != 0;
    }
  });
  for (Encoding &e : encodings) {
    if (e.wideCodes.empty())
      writeCodes(e.param, std::move(e.codes), e.format);
    else
      writeCodes(e.param, std::move(e.wideCodes), e.format);
    ++numParams;
    numSaturated += e.saturated;
    numUnderflow += e.underflow;
  }
  return success();
}

} // namespace
