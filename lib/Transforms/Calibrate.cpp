//===- Calibrate.cpp - runs each task and notes how large values get ------===//
//
// Postcondition: every operation that makes an activation has `absmax`, every layer norm
// `min_variance`. Cost: one f32 inference a task and case, tasks in parallel.
//
//===----------------------------------------------------------------------===//
#include "aac/Interp/Interpreter.h"
#include "aac/Support/Npz.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/ParamValues.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
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

/// A reproducible stream of pseudo-random numbers (splitmix64).
class RandomIds {
public:
  uint64_t next() {
    state += 0x9e3779b97f4a7c15ull;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }

private:
  uint64_t state = 1;
};

std::vector<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().vec();
}

/// Rows of the smallest embedding table that `input` indexes; 0 if it indexes none.
int64_t tableRows(Value input) {
  int64_t rows = 0;
  for (OpOperand &use : input.getUses())
    if (auto embedding = dyn_cast<EmbeddingOp>(use.getOwner()))
      for (auto [ids, table] : llvm::zip_equal(embedding.getIds(), embedding.getTables()))
        if (ids == input && (rows == 0 || shapeOf(table)[0] < rows))
          rows = shapeOf(table)[0];
  return rows;
}

/// True if `input` says which tokens are attended.
bool isMask(Value input) {
  return llvm::any_of(input.getUsers(), [](Operation *user) { return isa<MaskOp>(user); });
}

/// One pseudo-random sentence for `task`; with `firstOnly` all tokens but the first are masked.
std::vector<Tensor> randomSentence(TaskOp task, bool firstOnly) {
  RandomIds random;
  std::vector<Tensor> inputs;
  for (BlockArgument arg : task.getBody().getArguments()) {
    auto type = cast<RankedTensorType>(arg.getType());
    if (type.getElementType().isF32()) {
      Tensor tensor = Tensor::floats(shapeOf(arg));
      for (float &value : tensor.f)
        value = static_cast<float>(random.below(2001) - 1000) / 1000;
      inputs.push_back(std::move(tensor));
      continue;
    }
    Tensor tensor = Tensor::integers(shapeOf(arg));
    int64_t rows = tableRows(arg), length = tensor.shape.empty() ? 1 : tensor.shape.back();
    for (auto [i, value] : llvm::enumerate(tensor.i)) {
      bool secondHalf = static_cast<int64_t>(i) % length >= (length + 1) / 2;
      bool attended = !firstOnly || !isMask(arg) || static_cast<int64_t>(i) % length == 0;
      value = rows == 0 ? attended : rows <= 2 ? secondHalf && rows == 2 : random.below(rows);
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

/// All cases of `path` for `task`, in order: arrays named as the inputs, or in.<i>.<input>.
FailureOr<std::vector<std::vector<Tensor>>> readSamples(TaskOp task, StringRef path) {
  auto arrays = readNpz(absl::string_view(path.data(), path.size()));
  if (!arrays.ok())
    return task.emitError() << "samples of task @" << task.getSymName() << ": "
                            << StringRef(arrays.status().message().data(),
                                         arrays.status().message().size());
  llvm::StringMap<const NpyArray *> byName;
  for (const NpyArray &array : *arrays)
    byName[array.name] = &array;
  SmallVector<StringRef> names;
  for (Attribute name : task.getInputNames())
    names.push_back(cast<StringAttr>(name).getValue());
  std::vector<std::vector<Tensor>> cases;
  for (size_t index = 0;; ++index) {
    bool plain = !names.empty() && byName.count(names.front());
    std::string prefix = plain ? "" : "in." + std::to_string(index) + ".";
    if (index > 0 && (plain || names.empty() || !byName.count(prefix + names.front().str())))
      break;
    std::vector<Tensor> inputs;
    for (auto [name, arg] : llvm::zip_equal(names, task.getBody().getArguments())) {
      auto it = byName.find(prefix + name.str());
      if (it == byName.end())
        return task.emitError() << "samples of task @" << task.getSymName() << ": " << path
                                << " has no array '" << prefix << name << "'";
      const NpyArray &array = *it->second;
      if (array.shape != shapeOf(arg)) {
        auto text = [](ArrayRef<int64_t> shape) {
          return llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }),
                            "x");
        };
        return task.emitError() << "samples of task @" << task.getSymName() << ": array '"
                                << array.name << "' is " << text(array.shape) << ", input '" << name
                                << "' is " << text(shapeOf(arg));
      }
      bool floats = cast<RankedTensorType>(arg.getType()).getElementType().isF32();
      Tensor tensor = floats ? Tensor::floats(array.shape) : Tensor::integers(array.shape);
      absl::Status status;
      if (floats) {
        auto values = array.toFloats();
        status = values.status();
        if (values.ok())
          tensor.f = std::move(*values);
      } else {
        auto values = array.toInts();
        status = values.status();
        if (values.ok())
          tensor.i = std::move(*values);
      }
      if (!status.ok())
        return task.emitError() << "samples of task @" << task.getSymName() << ": "
                                << StringRef(status.message().data(), status.message().size());
      inputs.push_back(std::move(tensor));
    }
    cases.push_back(std::move(inputs));
  }
  return cases;
}

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

absl::Status run(TaskOp task, std::vector<std::vector<Tensor>> cases, Seen &seen) {
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
  for (std::vector<Tensor> &inputs : cases) {
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
    llvm::StringMap<StringRef> paths;
    SmallVector<StringRef> parts;
    StringRef(samples).split(parts, ',', -1, /*KeepEmpty=*/false);
    SmallVector<TaskOp> tasks = llvm::to_vector(getOperation().getOps<TaskOp>());
    for (StringRef part : parts) {
      auto [name, path] = part.split('=');
      if (path.empty()) {
        getOperation().emitError() << "samples '" << part << "' must be task=path.npz or none";
        return signalPassFailure();
      }
      if (llvm::none_of(tasks, [n = name](TaskOp task) { return task.getSymName() == n; })) {
        getOperation().emitError() << "samples for '" << name << "': there is no such task";
        return signalPassFailure();
      }
      paths[name] = path;
    }
    std::vector<std::vector<std::vector<Tensor>>> cases(tasks.size());
    for (auto [task, own] : llvm::zip_equal(tasks, cases)) {
      auto it = paths.find(task.getSymName());
      if (it == paths.end()) {
        own.push_back(randomSentence(task, /*firstOnly=*/false));
        // Attention is sharpest where there is one token to attend to.
        if (llvm::any_of(task.getBody().getArguments(), isMask))
          own.push_back(randomSentence(task, /*firstOnly=*/true));
      } else {
        auto read = readSamples(task, it->second);
        if (failed(read))
          return signalPassFailure();
        own = std::move(*read);
      }
      numRuns += own.size();
    }
    std::vector<Seen> seen(tasks.size());
    std::vector<absl::Status> statuses(tasks.size());
    parallelFor(&getContext(), 0, tasks.size(),
                [&](size_t i) { statuses[i] = run(tasks[i], std::move(cases[i]), seen[i]); });
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
