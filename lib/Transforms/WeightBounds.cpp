//===- WeightBounds.cpp - how large values can get, from weights ----------===//
//
// |w . x| is at most |w|_1 max|x| and at most |w|_2 |x|_2; a layer norm's row has norm
// at most sqrt(width) max|gamma| + |beta|_2, and no element is further than sqrt(width - 1)
// standard deviations from its row's mean (Samuelson); attention takes convex combinations. A loop
// is followed through its repetitions. What is likely follows from root mean squares, which a
// linear multiplies by its rows' norms: values of a row count as independent of each other and of
// the weights.
//
//===----------------------------------------------------------------------===//
#include "WeightBounds.h"

#include "aac/Transforms/ParamValues.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

ParamSize aac::sizeOfParam(ArrayRef<float> values, int64_t rowLength) {
  ParamSize size;
  double squares = 0;
  for (size_t begin = 0; begin < values.size(); begin += rowLength) {
    double l1 = 0, l2 = 0;
    float absmax = 0;
    for (float v : values.slice(begin, std::min<size_t>(rowLength, values.size() - begin))) {
      float m = std::fabs(v);
      absmax = std::max(absmax, m);
      l1 += m;
      l2 += static_cast<double>(m) * m;
    }
    size.absmax = std::max<double>(size.absmax, absmax);
    size.rowL1 = std::max(size.rowL1, l1);
    size.rowL2 = std::max(size.rowL2, std::sqrt(l2));
    squares += l2;
  }
  size.frobenius = std::sqrt(squares);
  size.finite = std::isfinite(squares);
  return size;
}

FailureOr<llvm::DenseMap<Operation *, ParamSize>> aac::sizesOfParams(SuiteOp suite) {
  SmallVector<ParamOp> params;
  std::vector<Elements<float>> values;
  for (ParamOp param : suite.getOps<ParamOp>()) {
    FailureOr<Elements<float>> read = readFloats(param);
    if (failed(read))
      return failure();
    params.push_back(param);
    values.push_back(std::move(*read));
  }
  std::vector<ParamSize> measured(params.size());
  parallelFor(suite.getContext(), 0, params.size(), [&](size_t i) {
    ArrayRef<int64_t> dims = params[i].getTensorType().getShape();
    measured[i] =
        sizeOfParam(values[i].get(), dims.empty() ? 1 : std::max<int64_t>(dims.back(), 1));
  });
  llvm::DenseMap<Operation *, ParamSize> sizes;
  for (size_t i = 0; i < params.size(); ++i) {
    if (!measured[i].finite)
      return params[i].emitOpError()
             << "@" << params[i].getSymName() << " holds a value that is not finite";
    sizes[params[i]] = measured[i];
  }
  return sizes;
}

namespace {

class BoundsOfTask {
public:
  BoundsOfTask(SymbolTable &symbols, const llvm::DenseMap<Operation *, ParamSize> &sizes,
               double sigmas)
      : symbols(symbols), sizes(sizes), sigmas(sigmas) {}

  void visit(Block &block) {
    for (Operation &op : block) {
      if (auto loop = dyn_cast<LoopOp>(op))
        visitLoop(loop);
      else if (makesActivation(&op))
        if (std::optional<Bound> bound = boundOf(&op)) {
          expect(&op, *bound);
          bound->likely = std::min(bound->likely, bound->max);
          bound->rms = std::min(bound->rms, bound->max);
          bounds[op.getResult(0)] = *bound;
        }
    }
  }

  llvm::DenseMap<Value, Bound> bounds;

private:
  /// The largest of the parameters behind `operand`, in every sense.
  ParamSize param(Value operand) {
    ParamSize largest;
    for (ParamOp param : paramsBehind(operand, symbols)) {
      ParamSize size = sizes.lookup(param);
      largest.absmax = std::max(largest.absmax, size.absmax);
      largest.rowL1 = std::max(largest.rowL1, size.rowL1);
      largest.rowL2 = std::max(largest.rowL2, size.rowL2);
      largest.frobenius = std::max(largest.frobenius, size.frobenius);
    }
    return largest;
  }

  void visitLoop(LoopOp loop) {
    Block &body = loop.getBody().front();
    for (auto [arg, init] : llvm::zip_equal(body.getArguments(), loop.getInits()))
      if (auto it = bounds.find(init); it != bounds.end())
        bounds[arg] = Bound(it->second);
    for (int64_t i = 0, count = loop.getCount(); i < count; ++i) {
      visit(body);
      bool grew = false;
      for (auto [arg, next] :
           llvm::zip_equal(body.getArguments(), body.getTerminator()->getOperands())) {
        auto it = bounds.find(next);
        auto own = bounds.find(arg);
        if (it == bounds.end() || own == bounds.end())
          continue;
        Bound wider{std::max(own->second.max, it->second.max),
                    std::max(own->second.norm, it->second.norm),
                    std::max(own->second.rms, it->second.rms),
                    std::max(own->second.likely, it->second.likely)};
        grew |= wider.max > own->second.max || wider.norm > own->second.norm ||
                wider.rms > own->second.rms || wider.likely > own->second.likely;
        own->second = wider;
      }
      if (!grew)
        break;
    }
    for (auto [result, last] :
         llvm::zip_equal(loop.getResults(), body.getTerminator()->getOperands()))
      if (auto it = bounds.find(last); it != bounds.end())
        bounds[result] = Bound(it->second);
  }

  /// Sets what is to be expected of the result of `op`, whose operands have bounds.
  void expect(Operation *op, Bound &bound) {
    auto in = [&](Value value) { return bounds.lookup(value); };
    double width =
        static_cast<double>(cast<RankedTensorType>(op->getResult(0).getType()).getShape().back());
    auto rmsOf = [](ParamSize size, double rows) { return size.frobenius / std::sqrt(rows); };
    bound.rms = bound.likely = bound.max;
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](EmbeddingOp e) {
          double squares = 0;
          for (Value table : e.getTables()) {
            ParamSize size = param(table);
            squares +=
                size.frobenius * size.frobenius /
                static_cast<double>(cast<RankedTensorType>(table.getType()).getNumElements());
          }
          bound.rms = std::sqrt(squares);
        })
        .Case([&](LinearOp linear) {
          Bound x = in(linear.getInput());
          ParamSize w = param(linear.getWeight()), b = param(linear.getBias());
          bound.rms = std::hypot(rmsOf(w, width) * x.rms, rmsOf(b, width));
          bound.likely = sigmas * w.rowL2 * x.rms + b.absmax;
        })
        .Case([&](ScoresOp scores) {
          double head = static_cast<double>(
                            cast<RankedTensorType>(scores.getQuery().getType()).getShape().back()) /
                        static_cast<double>(scores.getHeads());
          bound.rms = std::fabs(scores.getScale().convertToDouble()) * std::sqrt(head) *
                      in(scores.getQuery()).rms * in(scores.getKey()).rms;
          bound.likely = sigmas * bound.rms;
        })
        .Case([&](ContextOp context) {
          bound.rms = in(context.getValue()).rms;
          bound.likely = in(context.getValue()).likely;
        })
        .Case([&](LayerNormOp norm) {
          ParamSize gamma = param(norm.getGamma()), beta = param(norm.getBeta());
          bound.rms = std::hypot(rmsOf(gamma, width), rmsOf(beta, width));
          bound.likely = sigmas * gamma.absmax + beta.absmax;
        })
        .Case([&](AddOp add) {
          bound.rms = std::hypot(in(add.getLhs()).rms, in(add.getRhs()).rms);
          bound.likely = in(add.getLhs()).likely + in(add.getRhs()).likely;
        })
        .Case([&](ActivationFnOp fn) {
          bound.rms = in(fn.getInput()).rms;
          bound.likely = in(fn.getInput()).likely;
        })
        .Case([&](SelectOp select) {
          bound.rms = in(select.getInput()).rms;
          bound.likely = in(select.getInput()).likely;
        });
  }

  std::optional<Bound> boundOf(Operation *op) {
    auto in = [&](Value value) -> std::optional<Bound> {
      auto it = bounds.find(value);
      return it == bounds.end() ? std::nullopt : std::optional<Bound>(it->second);
    };
    auto shape = [](Value value) { return cast<RankedTensorType>(value.getType()).getShape(); };
    double width = static_cast<double>(shape(op->getResult(0)).back());
    auto fit = [&](Bound b) {
      return Bound{std::min(b.max, b.norm), std::min(b.norm, std::sqrt(width) * b.max)};
    };
    using Result = std::optional<Bound>;
    return llvm::TypeSwitch<Operation *, Result>(op)
        .Case([&](EmbeddingOp e) -> Result {
          Bound sum;
          for (Value table : e.getTables()) {
            ParamSize size = param(table);
            sum.max += size.absmax;
            sum.norm += size.rowL2;
          }
          return fit(sum);
        })
        .Case([&](LinearOp linear) -> Result {
          Result x = in(linear.getInput());
          if (!x)
            return std::nullopt;
          ParamSize w = param(linear.getWeight()), b = param(linear.getBias());
          Bound y{std::min(w.rowL1 * x->max, w.rowL2 * x->norm), w.frobenius * x->norm};
          y.norm = std::min(y.norm, std::sqrt(width) * y.max) + b.frobenius;
          y.max += b.absmax;
          return fit(y);
        })
        .Case([&](ScoresOp scores) -> Result {
          Result q = in(scores.getQuery()), k = in(scores.getKey());
          if (!q || !k)
            return std::nullopt;
          double head = static_cast<double>(shape(scores.getQuery()).back()) /
                        static_cast<double>(scores.getHeads());
          double max = std::fabs(scores.getScale().convertToDouble()) *
                       std::min(head * q->max * k->max, q->norm * k->norm);
          return Bound{max, std::sqrt(width) * max};
        })
        .Case([&](SoftmaxOp) -> Result { return Bound{1, 1}; })
        .Case([&](ContextOp context) -> Result {
          Result v = in(context.getValue());
          if (!v)
            return std::nullopt;
          double heads = static_cast<double>(shape(context.getProbabilities())[1]);
          return fit({v->max, std::sqrt(heads) * v->norm});
        })
        .Case([&](LayerNormOp norm) -> Result {
          ParamSize gamma = param(norm.getGamma()), beta = param(norm.getBeta());
          double root = std::sqrt(width);
          return Bound{std::sqrt(width - 1) * gamma.absmax + beta.absmax,
                       root * gamma.absmax + beta.frobenius};
        })
        .Case([&](AddOp add) -> Result {
          Result a = in(add.getLhs()), b = in(add.getRhs());
          if (!a || !b)
            return std::nullopt;
          return Bound{a->max + b->max, a->norm + b->norm};
        })
        .Case([&](ActivationFnOp fn) -> Result {
          // None of these functions makes a value larger, but sigmoid.
          if (fn.getKind() == ActivationKind::Sigmoid)
            return Bound{1, std::sqrt(width)};
          Result x = in(fn.getInput());
          if (x && fn.getKind() == ActivationKind::Tanh)
            return fit({std::min(x->max, 1.0), x->norm});
          return x;
        })
        .Case([&](SelectOp select) -> Result { return in(select.getInput()); })
        .Default([](Operation *) -> Result { return std::nullopt; });
  }

  SymbolTable &symbols;
  const llvm::DenseMap<Operation *, ParamSize> &sizes;
  double sigmas;
};

} // namespace

llvm::DenseMap<Value, Bound>
aac::boundsFromWeights(TaskOp task, SymbolTable &symbols,
                       const llvm::DenseMap<Operation *, ParamSize> &sizes, double sigmas) {
  BoundsOfTask analysis(symbols, sizes, sigmas);
  analysis.visit(task.getBody().front());
  return std::move(analysis.bounds);
}
