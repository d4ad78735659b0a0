//===- Calibrate.cpp - runs each task and notes how large values get ------===//
//
// Postcondition: every operation that makes an activation has `absmax`, every layer norm
// `min_variance`. Cost: one f32 inference a task and case, tasks in parallel.
//
//===----------------------------------------------------------------------===//
#include "aac/Interp/Interpreter.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Samples.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include <cmath>

namespace aac {
#define GEN_PASS_DEF_CALIBRATEPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;
using interp::Tensor;

namespace {

/// What was seen of the values of one task.
struct Seen {
  llvm::DenseMap<Value, double> absmax;
  llvm::DenseMap<Operation *, double> variance; ///< of layer norms
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

double smallestVariance(const Tensor &tensor) {
  size_t width = tensor.shape.empty() ? 1 : static_cast<size_t>(tensor.shape.back());
  double smallest = INFINITY;
  for (size_t row = 0; width > 0 && row + width <= tensor.f.size(); row += width) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < width; ++i)
      sum += tensor.f[row + i];
    double mean = sum / static_cast<double>(width);
    for (size_t i = 0; i < width; ++i)
      squares += (tensor.f[row + i] - mean) * (tensor.f[row + i] - mean);
    smallest = std::min(smallest, squares / static_cast<double>(width));
  }
  return smallest;
}

absl::Status run(TaskOp task, std::vector<Sentence> cases, Seen &seen) {
  auto layerNorms = layerNormsOf(task);
  auto observe = [&](Value value, const Tensor &tensor) {
    double &largest = seen.absmax.try_emplace(value, 0.0).first->second;
    float max = 0;
    for (float v : tensor.f)
      max = std::max(max, std::fabs(v));
    largest = std::max<double>(largest, max);
    auto it = layerNorms.find(value);
    if (it == layerNorms.end())
      return;
    double variance = smallestVariance(tensor);
    for (Operation *op : it->second) {
      auto [entry, inserted] = seen.variance.try_emplace(op, variance);
      entry->second = std::min(entry->second, variance);
    }
  };
  interp::Options options;
  options.observe = observe;
  for (Sentence &inputs : cases) {
    auto outputs = interp::evaluate(task, std::move(inputs), options);
    if (!outputs.ok())
      return outputs.status();
  }
  return absl::OkStatus();
}

/// `value` to 11 significant bits, rounded away from zero or towards it: what a BLAS adds up in
/// another order does not show.
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
    if (samples == "none")
      return;
    SmallVector<TaskOp> tasks = llvm::to_vector(getOperation().getOps<TaskOp>());
    FailureOr<std::vector<std::vector<Sentence>>> cases = samplesOf(getOperation(), samples);
    if (failed(cases))
      return signalPassFailure();
    for (const std::vector<Sentence> &own : *cases)
      numRuns += own.size();
    std::vector<Seen> seen(tasks.size());
    std::vector<absl::Status> statuses(tasks.size());
    parallelFor(&getContext(), 0, tasks.size(),
                [&](size_t i) { statuses[i] = run(tasks[i], std::move((*cases)[i]), seen[i]); });
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (!statuses[i].ok()) {
        tasks[i].emitError() << "calibrating task @" << tasks[i].getSymName() << ": "
                             << StringRef(statuses[i].message().data(),
                                          statuses[i].message().size());
        return signalPassFailure();
      }
      if (failed(annotate(tasks[i], seen[i])))
        return signalPassFailure();
    }
  }

  LogicalResult annotate(TaskOp task, const Seen &seen) {
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
      if (auto norm = dyn_cast<LayerNormOp>(op))
        if (auto variance = seen.variance.find(op); variance != seen.variance.end())
          norm.setMinVarianceAttr(builder.getF64FloatAttr(coarse(variance->second, /*up=*/false)));
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }
};

} // namespace
