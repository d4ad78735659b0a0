//===- Calibrate.cpp - runs each task and notes how large values get ------===//
//
// Postcondition: every operation that makes an activation has `absmax`, every layer norm
// `min_variance`, what should saturate `aac.clip`, a task with samples `aac.samples`, a bias that
// can be corrected `aac.target`. Cost: one f32 inference a task and case, batches of cases in
// parallel.
//
//===----------------------------------------------------------------------===//
#include "BiasSites.h"
#include "PeelLoop.h"
#include "WeightBounds.h"

#include "aac/Interp/Interpreter.h"
#include "aac/Interp/Parameters.h"
#include "aac/Numerics/MagnitudeHistogram.h"
#include "aac/Transforms/Calibration.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/FormatName.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Samples.h"
#include "aac/Transforms/Sharing.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <mutex>

namespace aac {
#define GEN_PASS_DEF_CALIBRATEPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;
using interp::Tensor;

namespace {

/// How the limit of a value follows from its magnitudes, and which biases get targets.
struct Method {
  enum Kind { MinMax, Percentile, LeastError } kind = MinMax;
  double percent = 99.9;
  AdaptivFloatFormat format; ///< for LeastError
  /// Own: all that can be corrected, of pseudo-random sentences the head's.
  enum Biases { Own, Head, None } biases = Own;
};

std::optional<Method> parseMethod(StringRef text) {
  Method method;
  auto [limit, biases] = text.split('/');
  if (text.contains('/') && biases != "head" && biases != "none")
    return std::nullopt;
  if (!biases.empty())
    method.biases = biases == "head" ? Method::Head : Method::None;
  text = limit;
  if (text == "minmax")
    return method;
  if (text == "mse") {
    method.kind = Method::LeastError;
    return method;
  }
  method.kind = Method::Percentile;
  if (text == "percentile")
    return method;
  if (!text.consume_front("percentile:") || text.getAsDouble(method.percent))
    return std::nullopt;
  return method.percent > 0 && method.percent <= 100 ? std::optional<Method>(method) : std::nullopt;
}

/// The method of each task: one for all, or `task=method,...` and minmax for the others. Errors at
/// the suite.
FailureOr<std::vector<Method>> methodsOf(SuiteOp suite, StringRef text) {
  SmallVector<StringRef> names, parts;
  for (TaskOp task : suite.getOps<TaskOp>())
    names.push_back(task.getSymName());
  auto parse = [&](StringRef one) -> FailureOr<Method> {
    if (std::optional<Method> method = parseMethod(one))
      return *method;
    return suite.emitError() << "there is no calibration '" << one
                             << "': write minmax, mse, percentile or percentile:<0 to 100>, with "
                                "/head or /none behind "
                                "it to correct fewer biases";
  };
  if (!text.contains('=')) {
    FailureOr<Method> method = parse(text);
    return failed(method) ? FailureOr<std::vector<Method>>(failure())
                          : std::vector<Method>(names.size(), *method);
  }
  std::vector<Method> methods(names.size());
  llvm::DenseSet<size_t> set;
  text.split(parts, ',');
  for (StringRef part : parts) {
    auto [name, own] = part.split('=');
    size_t at = llvm::find(names, name) - names.begin();
    if (at == names.size())
      return suite.emitError() << "calibration for '" << name << "': there is no such task";
    if (!set.insert(at).second)
      return suite.emitError() << "calibration for '" << name << "' is given twice: choose one";
    FailureOr<Method> method = parse(own);
    if (failed(method))
      return failure();
    methods[at] = *method;
  }
  return methods;
}

/// What was seen of the values of one task.
struct Seen {
  llvm::DenseMap<Value, MagnitudeHistogram> histograms; ///< unless the method is MinMax
  llvm::DenseMap<Value, double> absmax;
  llvm::DenseMap<Value, std::pair<float, float>> ranges; ///< least and largest, if asked for
  /// Of the first repetition of a loop and of the later ones.
  llvm::DenseMap<Value, double> first, later;
  llvm::DenseMap<Operation *, double> variance; ///< of layer norms
  /// What biases should lead to (BiasSites.h).
  llvm::DenseMap<Operation *, std::vector<float>> targets;

  /// Adds what another batch of the same task showed; targets stay those of the first.
  void add(const Seen &more) {
    for (const auto &[value, histogram] : more.histograms)
      histograms[value].add(histogram);
    auto larger = [](auto &into, const auto &from) {
      for (const auto &[value, magnitude] : from) {
        double &largest = into.try_emplace(value, magnitude).first->second;
        largest = std::max(largest, magnitude);
      }
    };
    larger(absmax, more.absmax);
    larger(first, more.first);
    larger(later, more.later);
    for (const auto &[value, range] : more.ranges) {
      auto &[least, most] = ranges[value];
      least = std::min(least, range.first);
      most = std::max(most, range.second);
    }
    for (const auto &[op, smallest] : more.variance) {
      double &least = variance.try_emplace(op, smallest).first->second;
      least = std::min(least, smallest);
    }
  }
};

/// The layer norms that read a value, loop arguments followed to what they stand for.
llvm::DenseMap<Value, SmallVector<Operation *>> layerNormsOf(TaskOp task) {
  llvm::DenseMap<Value, SmallVector<Operation *>> readers;
  task.walk([&](LayerNormOp op) {
    SmallVector<Value> inputs{op.getInput()};
    for (size_t i = 0; i < inputs.size(); ++i) {
      auto arg = dyn_cast<BlockArgument>(inputs[i]);
      auto loop = arg ? dyn_cast<LoopOp>(arg.getOwner()->getParentOp()) : nullptr;
      if (loop) {
        inputs.push_back(loop.getInits()[arg.getArgNumber()]);
        inputs.push_back(loop.getBody().front().getTerminator()->getOperand(arg.getArgNumber()));
      } else if (auto inner = inputs[i].getDefiningOp<LoopOp>()) {
        inputs.push_back(inner.getBody().front().getTerminator()->getOperand(
            cast<OpResult>(inputs[i]).getResultNumber()));
      }
      if (inputs.size() > 64) // arguments that feed each other in a circle
        break;
    }
    for (Value input : inputs)
      if (!llvm::is_contained(readers[input], op.getOperation()))
        readers[input].push_back(op);
  });
  return readers;
}

/// The (biased) variance of each row.
std::vector<double> rowVariances(const Tensor &tensor) {
  size_t width = tensor.shape.empty() ? 1 : static_cast<size_t>(tensor.shape.back());
  std::vector<double> variances;
  for (size_t row = 0; width > 0 && row + width <= tensor.f.size(); row += width) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < width; ++i)
      sum += tensor.f[row + i];
    double mean = sum / static_cast<double>(width);
    for (size_t i = 0; i < width; ++i)
      squares += (tensor.f[row + i] - mean) * (tensor.f[row + i] - mean);
    variances.push_back(squares / static_cast<double>(width));
  }
  return variances;
}

/// The largest |v|, infinity if one is no number. Magnitudes of f32 are ordered as their bits are.
double largestMagnitude(ArrayRef<float> values) {
  uint32_t largest = 0;
  for (float value : values)
    largest = std::max(largest, llvm::bit_cast<uint32_t>(value) & 0x7fffffff);
  return largest >= 0x7f800000 ? INFINITY : llvm::bit_cast<float>(largest);
}

/// Runs `task` on one batch; the biases that `targetOf` gives for an operation and its repetition
/// get targets.
absl::Status run(TaskOp task, Sentence inputs, const Method &method,
                 llvm::function_ref<ParamOp(Operation *, int64_t)> targetOf, bool ranges,
                 interp::Parameters &parameters, Seen &seen) {
  auto layerNorms = layerNormsOf(task);
  // The least that each row had in any repetition; which rows count is known at the end.
  llvm::DenseMap<Operation *, std::vector<double>> variances;
  llvm::DenseSet<Value> met;
  auto inLoop = [](Value value) { return isa<LoopOp>(value.getParentBlock()->getParentOp()); };
  auto observe = [&](Value value, const Tensor &tensor) {
    double &largest = seen.absmax.try_emplace(value, 0.0).first->second;
    if (ranges) {
      auto &[least, most] = seen.ranges[value];
      for (float element : tensor.f) {
        least = std::min(least, element);
        most = std::max(most, element);
      }
    }
    bool repeats = inLoop(value);
    if (method.kind == Method::MinMax || repeats) {
      double max = largestMagnitude(tensor.f);
      largest = std::max(largest, max);
      if (repeats) {
        double &part = (met.insert(value).second ? seen.first : seen.later)[value];
        part = std::max(part, max);
      }
    }
    if (method.kind != Method::MinMax) {
      MagnitudeHistogram &histogram = seen.histograms[value];
      histogram.add(tensor.f);
      largest = histogram.largest();
    }
    auto it = layerNorms.find(value);
    if (it == layerNorms.end())
      return;
    std::vector<double> rows = rowVariances(tensor);
    for (Operation *op : it->second) {
      std::vector<double> &least = variances.try_emplace(op, rows).first->second;
      for (auto [known, row] : llvm::zip(least, rows))
        known = std::min(known, row);
    }
  };
  AttendedTokens attended;
  auto note = [&](Operation *op, int64_t repetition, const Tensor &result) {
    attended.note(op, result);
    if (ParamOp bias = targetOf(op, repetition))
      seen.targets[bias] = attended.meansOfSentences(result);
  };
  interp::Options options;
  options.observe = observe;
  options.revise = note;
  options.shapesOfInputs = interp::followsInputs(task);
  options.parameters = &parameters;
  absl::Status status = interp::evaluate(task, std::move(inputs), options).status();
  for (auto &[op, rows] : variances) {
    double &least = seen.variance.try_emplace(op, INFINITY).first->second;
    for (size_t row : attended.among(rows.size()))
      least = std::min(least, rows[row]);
  }
  return status;
}

/// True of what comes behind the layers. Inside of them made-up tokens have other means than those
/// that come, and their errors too; behind them, less so.
bool isHead(ParamOp bias) {
  Role role = roleOf(bias);
  return role == Role::Pooler || role == Role::Classifier;
}

/// `value` to 11 significant bits, rounded away from zero or towards it: enough, and easy to read.
double coarse(double value, bool up) {
  if (value == 0 || !std::isfinite(value))
    return value;
  int exponent;
  double mantissa = std::frexp(value, &exponent) * 2048;
  return std::ldexp(up ? std::ceil(mantissa) : std::floor(mantissa), exponent - 11);
}

struct CalibratePass : aac::impl::CalibratePassBase<CalibratePass> {
  using CalibratePassBase::CalibratePassBase;

  void runOnOperation() override {
    FailureOr<std::vector<Method>> methods = methodsOf(getOperation(), method);
    if (failed(methods))
      return signalPassFailure();
    for (Method &each : *methods) {
      if (each.kind != Method::LeastError)
        continue;
      std::optional<AdaptivFloatFormat> wanted = parseFormatName(format);
      if (!wanted) {
        getOperation().emitError()
            << "calibration 'mse' needs an AdaptivFloat format, not '" << format << "'";
        return signalPassFailure();
      }
      each.format = *wanted;
    }
    if (samples == "none")
      return failed(peelByWeights()) ? signalPassFailure() : void();
    SmallVector<TaskOp> tasks = llvm::to_vector(getOperation().getOps<TaskOp>());
    FailureOr<std::vector<CalibrationSet>> sets = calibrationSets(getOperation(), samples);
    if (failed(sets))
      return signalPassFailure();
    BiasSites sites(getOperation());
    // Batches of all tasks, the large ones first.
    std::vector<std::pair<size_t, size_t>> pieces;
    std::vector<std::vector<Seen>> seenIn(tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i) {
      const CalibrationSet &set = (*sets)[i];
      seenIn[i].resize(set.batches.size());
      for (size_t batch = 0; batch < set.batches.size(); ++batch)
        pieces.push_back({i, batch});
      if (set.samples > 0)
        tasks[i]->setAttr(kSamplesAttr, Builder(&getContext()).getI64IntegerAttr(set.samples));
      else
        tasks[i]->removeAttr(kSamplesAttr);
    }
    numRuns += pieces.size();
    llvm::sort(pieces, [](const auto &a, const auto &b) {
      return std::make_pair(a.second, a.first) < std::make_pair(b.second, b.first);
    });
    std::vector<absl::Status> statuses(tasks.size());
    std::mutex lock; // of statuses
    interp::Parameters parameters(getOperation());
    parallelFor(&getContext(), 0, pieces.size(), [&](size_t piece) {
      auto [i, batch] = pieces[piece];
      CalibrationSet &set = (*sets)[i];
      bool corrects = batch == 0 && set.sentencesOfFirst() >= kLeastSentences;
      Method::Biases biases = (*methods)[i].biases;
      if (biases == Method::Own && set.samples == 0)
        biases = Method::Head;
      auto targetOf = [&, biases](Operation *op, int64_t repetition) {
        bool any = corrects && biases != Method::None;
        ParamOp bias = any ? sites.lookup(op, repetition) : nullptr;
        return bias && (biases == Method::Own || isHead(bias)) ? bias : nullptr;
      };
      absl::Status status = run(tasks[i], std::move(set.batches[batch]), (*methods)[i], targetOf,
                                ranges, parameters, seenIn[i][batch]);
      if (status.ok())
        return;
      std::lock_guard<std::mutex> guard(lock);
      statuses[i] = status;
    });
    std::vector<Seen> seen(tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i) {
      seen[i] = std::move(seenIn[i].front());
      for (const Seen &more : ArrayRef<Seen>(seenIn[i]).drop_front())
        seen[i].add(more);
    }
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (!statuses[i].ok()) {
        tasks[i].emitError() << "calibrating task @" << tasks[i].getSymName() << ": "
                             << StringRef(statuses[i].message().data(),
                                          statuses[i].message().size());
        return signalPassFailure();
      }
      if (failed(annotate(tasks[i], (*methods)[i], seen[i])))
        return signalPassFailure();
      noteTargets(seen[i]);
      peelLoops(tasks[i], seen[i]);
    }
  }

  /// Without measurements, what the weights make likely says where loops start apart.
  LogicalResult peelByWeights() {
    if (weightSigmas <= 0 || peel <= 0)
      return success();
    SuiteOp suite = getOperation();
    FailureOr<llvm::DenseMap<Operation *, ParamSize>> sizes = sizesOfParams(suite);
    if (failed(sizes))
      return failure();
    SymbolTable symbols(suite);
    for (TaskOp task : suite.getOps<TaskOp>()) {
      Seen likely;
      for (const auto &[value, bound] : boundsFromWeights(task, symbols, *sizes, weightSigmas))
        likely.absmax[value] = bound.likely;
      peelLoops(task, likely);
    }
    return success();
  }

  /// True if `loop` starts from values of another magnitude than those it goes on with, by
  /// `peel` octaves or more.
  bool startsApart(LoopOp loop, const Seen &seen) {
    for (auto [init, next] :
         llvm::zip_equal(loop.getInits(), loop.getBody().front().getTerminator()->getOperands())) {
      auto a = seen.absmax.find(init), b = seen.absmax.find(next);
      if (a == seen.absmax.end() || b == seen.absmax.end() || a->second <= 0 || b->second <= 0)
        continue;
      if (std::fabs(std::log2(a->second / b->second)) >= peel)
        return true;
    }
    return false;
  }

  /// Notes the magnitude of one copy; a limit beyond it goes.
  static void setMagnitude(Value copy, FloatAttr absmax) {
    if (!copy || !absmax)
      return;
    Operation *op = copy.getDefiningOp();
    op->setAttr("absmax", absmax);
    auto clip = op->getAttrOfType<FloatAttr>(kClipAttr);
    if (clip && clip.getValueAsDouble() >= absmax.getValueAsDouble())
      op->removeAttr(kClipAttr);
  }

  void peelLoops(TaskOp task, const Seen &seen) {
    if (peel <= 0)
      return;
    Builder builder(&getContext());
    SmallVector<LoopOp> loops(task.getBody().getOps<LoopOp>());
    for (LoopOp loop : loops) {
      if (!startsApart(loop, seen))
        continue;
      auto note = [&](Value value, const llvm::DenseMap<Value, double> &absmax) {
        if (auto it = absmax.find(value); it != absmax.end())
          return builder.getF64FloatAttr(coarse(it->second, /*up=*/true));
        return FloatAttr();
      };
      // What each copy saw, read before the loop may go.
      struct Magnitudes {
        Value value;
        FloatAttr first, later;
      };
      SmallVector<Magnitudes> magnitudes;
      for (Operation &op : loop.getBody().front())
        if (makesActivation(&op))
          magnitudes.push_back({op.getResult(0), note(op.getResult(0), seen.first),
                                note(op.getResult(0), seen.later)});
      bool stays = loop.getCount() > 2;
      IRMapping copies, second;
      peelFirst(loop, copies, second);
      for (const Magnitudes &m : magnitudes) {
        setMagnitude(copies.lookup(m.value), m.first);
        setMagnitude(stays ? m.value : second.lookupOrNull(m.value), m.later);
      }
      ++numPeeled;
    }
  }

  void noteTargets(Seen &seen) {
    for (auto &[bias, target] : seen.targets) {
      int64_t width = cast<ParamOp>(bias).getTensorType().getNumElements();
      auto type = RankedTensorType::get({static_cast<int64_t>(target.size()) / width, width},
                                        Float32Type::get(&getContext()));
      bias->setAttr(kTargetAttr, DenseElementsAttr::get(type, ArrayRef<float>(target)));
      ++numTargets;
    }
  }

  LogicalResult annotate(TaskOp task, const Method &method, const Seen &seen) {
    Builder builder(&getContext());
    WalkResult result = task.walk([&](Operation *op) {
      if (!makesActivation(op))
        return WalkResult::advance();
      auto it = seen.absmax.find(op->getResult(0));
      if (it == seen.absmax.end())
        return WalkResult::advance();
      if (!std::isfinite(it->second)) {
        op->emitOpError() << "has a result that is not finite in f32";
        return WalkResult::interrupt();
      }
      op->setAttr("absmax", builder.getF64FloatAttr(coarse(it->second, /*up=*/true)));
      ++numValues;
      op->removeAttr(kClipAttr);
      op->removeAttr(kRangeAttr);
      if (auto range = seen.ranges.find(op->getResult(0)); range != seen.ranges.end())
        op->setAttr(kRangeAttr,
                    builder.getDenseF64ArrayAttr({-coarse(-range->second.first, /*up=*/true),
                                                  coarse(range->second.second, /*up=*/true)}));
      if (auto own = seen.histograms.find(op->getResult(0)); own != seen.histograms.end())
        noteClip(op, method, own->second);
      if (auto norm = dyn_cast<LayerNormOp>(op))
        if (auto variance = seen.variance.find(op); variance != seen.variance.end())
          norm.setMinVarianceAttr(builder.getF64FloatAttr(coarse(variance->second, /*up=*/false)));
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// Notes the limit of the result of `op` where `method` lets some of what was seen saturate.
  void noteClip(Operation *op, const Method &method, const MagnitudeHistogram &seen) {
    double limit = method.kind == Method::Percentile ? seen.percentile(method.percent)
                                                     : seen.leastErrorLimit(method.format);
    // Zero: almost all are zeros, which says nothing of the others.
    if (!(limit < seen.largest()) || !(limit > 0))
      return;
    op->setAttr(kClipAttr, Builder(&getContext()).getF64FloatAttr(coarse(limit, /*up=*/true)));
    op->emitRemark() << "saturates at " << limit << ": " << seen.countFrom(limit) << " of "
                     << seen.count() << " values measured are as large or larger, up to "
                     << seen.largest();
    ++numClipped;
  }
};

} // namespace
