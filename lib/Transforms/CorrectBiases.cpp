//===- CorrectBiases.cpp - takes the mean error out of a task's biases ----===//
//
// One rounded inference a task, tasks in parallel; each bias is corrected as the inference comes to
// it, so that later ones see what earlier ones changed. All arithmetic is in a fixed order.
//
//===----------------------------------------------------------------------===//
#include "BiasSites.h"

#include "aac/Interp/Parameters.h"
#include "aac/Numerics/Layout.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Samples.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include <cmath>

namespace aac {
#define GEN_PASS_DEF_CORRECTBIASESPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;
using interp::Tensor;

namespace {

/// The mean error of each of `width` features over sentences, scaled down as far as it may be
/// chance: by 1 - (its variance over its square), both summed over the features (James and Stein).
std::vector<double> meanError(ArrayRef<float> found, ArrayRef<float> wanted, size_t width) {
  size_t rows = wanted.size() / width;
  std::vector<double> mean(width, 0);
  if (rows < kLeastSentences)
    return mean;
  for (size_t i = 0; i < wanted.size(); ++i)
    mean[i % width] += (static_cast<double>(wanted[i]) - found[i]) / static_cast<double>(rows);
  double squares = 0, variance = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    double rest = static_cast<double>(wanted[i]) - found[i] - mean[i % width];
    variance += rest * rest / static_cast<double>((rows - 1) * rows);
  }
  for (double value : mean)
    squares += value * value;
  double factor = squares > 0 ? std::max(0.0, 1 - variance / squares) : 0;
  for (double &value : mean)
    value *= factor;
  return mean;
}

struct CorrectBiasesPass : aac::impl::CorrectBiasesPassBase<CorrectBiasesPass> {
  using CorrectBiasesPassBase::CorrectBiasesPassBase;

  void runOnOperation() override {
    SuiteOp suite = getOperation();
    auto targets = llvm::to_vector(llvm::make_filter_range(
        suite.getOps<ParamOp>(), [](ParamOp param) { return param->hasAttr(kTargetAttr); }));
    if (targets.empty())
      return;
    FailureOr<std::vector<CalibrationSet>> sets =
        calibrationSets(suite, samples == "none" ? "" : StringRef(samples));
    if (failed(sets))
      return signalPassFailure();
    SmallVector<TaskOp> tasks = llvm::to_vector(suite.getOps<TaskOp>());
    BiasSites sites(suite);
    symbols.emplace(suite);
    std::vector<llvm::DenseMap<Operation *, std::vector<float>>> corrected(tasks.size());
    std::vector<absl::Status> statuses(tasks.size());
    interp::Parameters parameters(suite);
    parallelFor(&getContext(), 0, tasks.size(), [&](size_t i) {
      if ((*sets)[i].sentencesOfFirst() >= kLeastSentences)
        statuses[i] =
            run(tasks[i], std::move((*sets)[i].batches.front()), sites, parameters, corrected[i]);
    });
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (!statuses[i].ok()) {
        tasks[i].emitError() << "correcting biases of task @" << tasks[i].getSymName() << ": "
                             << StringRef(statuses[i].message().data(),
                                          statuses[i].message().size());
        return signalPassFailure();
      }
      numCorrected += corrected[i].size();
    }
    for (ParamOp param : targets) {
      param->removeAttr(kTargetAttr);
      for (auto &own : corrected)
        if (auto it = own.find(param); it != own.end())
          writeFloats(param, std::move(it->second));
    }
  }

  absl::Status run(TaskOp task, Sentence inputs, const BiasSites &sites,
                   interp::Parameters &parameters,
                   llvm::DenseMap<Operation *, std::vector<float>> &corrected) {
    AttendedTokens attended;
    auto revise = [&](Operation *op, int64_t repetition, Tensor &result) {
      attended.note(op, result);
      ParamOp bias = sites.lookup(op, repetition);
      auto target = bias ? bias->getAttrOfType<DenseElementsAttr>(kTargetAttr) : nullptr;
      if (!target || bias.getFormatAttr()) // int8, where a pattern names it
        return;
      auto wanted = llvm::to_vector(target.getValues<float>());
      auto width = static_cast<size_t>(result.shape.back());
      std::vector<float> found = attended.meansOfSentences(result);
      // Samples that have changed since they were measured.
      if (wanted.size() != found.size())
        return;
      std::vector<double> error = meanError(found, wanted, width);
      FailureOr<Elements<float>> values = readFloats(bias);
      if (failed(values))
        return;
      std::vector<float> own(values->get());
      double reach = reachOf(cast<LinearOp>(op));
      for (size_t i = 0; i < width; ++i) {
        auto more = static_cast<float>(own[i] + error[i]);
        if (std::fabs(more) <= reach || std::fabs(more) <= std::fabs(own[i]))
          own[i] = more;
        else
          error[i] = 0;
      }
      for (size_t i = 0; i < result.f.size(); ++i)
        result.f[i] += static_cast<float>(error[i % width]);
      corrected[bias] = std::move(own);
    };
    interp::Options options;
    options.roundActivations = true;
    options.shapesOfInputs = interp::followsInputs(task);
    options.revise = revise;
    options.parameters = &parameters;
    return interp::evaluate(task, std::move(inputs), options).status();
  }

  /// The largest bias that the lanes of its weight hold (docs/lowering.md).
  double reachOf(LinearOp linear) {
    AdaptivFloatAttr input = formatOf(linear.getInput(), *symbols),
                     weight = formatOf(linear.getWeight(), *symbols);
    if (!input || !weight)
      return INFINITY;
    auto top = [](AdaptivFloatAttr f) {
      return f.getMinExponent() + (1 << f.getExponentBits()) - 1;
    };
    return std::ldexp(kLanes, top(input) + top(weight));
  }

  std::optional<SymbolTable> symbols;
};

} // namespace
