//===- CheckAccumulators.cpp - sums that the accumulator may not hold -----===//
//
// aac-check-accumulators. The engine adds products of significands, whole numbers of at
// most 3968 (engine arithmetic). What a sum can reach follows from the codes of the weights
// alone: |row|_1 times the largest significand. Linear in the bytes of parameters.
//
//===----------------------------------------------------------------------===//
#include "EngineFormats.h"
#include "aac/Machine/Machine.h"
#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Transforms/ActivationLayout.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/PlacePasses.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/MapVector.h"
#include <cmath>

using namespace mlir;

namespace aac {
#define GEN_PASS_DEF_CHECKACCUMULATORSPASS
#include "lib/Transforms/Place/PlacePasses.h.inc"

using namespace ir;

namespace {

constexpr AdaptivFloatFormat kFormat; // the engine's
constexpr double kLargest = 31 << 7;  // significand of 0x7f

/// The largest sum of significands over a row of a weight.
int64_t largestRow(ArrayRef<uint8_t> codes, int64_t rowLength) {
  int64_t largest = 0;
  for (size_t begin = 0; begin < codes.size(); begin += rowLength) {
    int64_t sum = 0;
    for (uint8_t code : codes.slice(begin, rowLength))
      sum += std::abs(significandAdaptivFloat8(code));
    largest = std::max(largest, sum);
  }
  return largest;
}

/// log2 of the unit in which significands of `value` count.
int unitOf(Value value, SymbolTable &symbols) {
  return formatOf(value, symbols).getMinExponent() - kFormat.mantissaBits();
}

class Checker {
public:
  Checker(SuiteOp suite, const Machine &machine)
      : suite(suite), machine(machine), symbols(suite),
        limit(std::ldexp(1.0, machine.engine.accumulatorBits - 1) - 1) {}

  LogicalResult run();

  int64_t numProven = 0, numUnproven = 0;

private:
  LogicalResult measureWeights();
  double boundOf(LinearOp linear);
  LogicalResult check(Operation *op, double bound, const Twine &because);

  SuiteOp suite;
  const Machine &machine;
  SymbolTable symbols;
  double limit;
  llvm::MapVector<ParamOp, int64_t> rows; ///< largestRow of each weight
};

LogicalResult Checker::measureWeights() {
  WalkResult found = suite.walk([&](LinearOp linear) {
    for (ParamOp param : paramsBehind(linear.getWeight(), symbols))
      if (!param.getFormatAttr()) {
        linear.emitOpError("has a weight without codes: run aac-quantise first");
        return WalkResult::interrupt();
      } else {
        rows[param] = 0;
      }
    return WalkResult::advance();
  });
  if (found.wasInterrupted())
    return failure();
  std::vector<Elements<uint8_t>> codes;
  for (auto &entry : rows) {
    FailureOr<Elements<uint8_t>> read = readCodes(entry.first);
    if (failed(read))
      return failure();
    codes.push_back(std::move(*read));
  }
  parallelFor(suite.getContext(), 0, codes.size(), [&](size_t i) {
    auto &entry = *(rows.begin() + static_cast<ptrdiff_t>(i));
    entry.second = largestRow(codes[i].get(), entry.first.getTensorType().getShape().back());
  });
  return success();
}

/// Row of the weight times the largest code, and the bias, to its last lane's rounding.
double Checker::boundOf(LinearOp linear) {
  int64_t row = 0;
  for (ParamOp param : paramsBehind(linear.getWeight(), symbols))
    row = std::max(row, rows.lookup(param));
  double bias = 0;
  for (ParamOp param : paramsBehind(linear.getBias(), symbols)) {
    FailureOr<Elements<float>> values = readFloats(param);
    if (succeeded(values))
      for (float value : values->get())
        bias = std::max<double>(bias, std::fabs(value));
  }
  int unit = unitOf(linear.getInput(), symbols) + unitOf(linear.getWeight(), symbols);
  return static_cast<double>(row) * kLargest + std::ldexp(bias, -unit) * (1 + 1.0 / 32);
}

LogicalResult Checker::check(Operation *op, double bound, const Twine &because) {
  auto whole = [](double value) { return static_cast<int64_t>(std::ceil(value)); };
  if (bound <= limit) {
    ++numProven;
    return success();
  }
  ++numUnproven;
  if (machine.engine.accumulatorBits < 32)
    return op->emitOpError() << "adds up to " << whole(bound) << " (" << because
                             << "), the accumulator of '" << machine.name << "' has "
                             << machine.engine.accumulatorBits << " bits and holds " << whole(limit)
                             << ": it would wrap; compile for a machine with a wider one";
  op->emitRemark() << "sums are not proven to fit the accumulator: up to " << whole(bound) << " ("
                   << because << "), " << machine.engine.accumulatorBits << " bits hold "
                   << whole(limit) << "; the simulator counts sums that wrap";
  return success();
}

LogicalResult Checker::run() {
  if (failed(checkEngineFormats(suite, machine)))
    return failure();
  if (failed(measureWeights()))
    return failure();
  WalkResult result = suite.walk([&](Operation *op) {
    LogicalResult checked = success();
    auto width = [](Value value) {
      return static_cast<double>(cast<RankedTensorType>(value.getType()).getShape().back());
    };
    if (auto linear = dyn_cast<LinearOp>(op)) {
      if (formatOf(linear.getInput(), symbols))
        checked = check(op, boundOf(linear), "the weight's largest row times the largest code");
    } else if (auto scores = dyn_cast<ScoresOp>(op)) {
      double head = width(scores.getQuery()) / static_cast<double>(scores.getHeads());
      checked =
          check(op, head * kLargest * kLargest,
                Twine(static_cast<int64_t>(head)) + " features of a head, each the largest code");
    } else if (auto context = dyn_cast<ContextOp>(op)) {
      // A row of probabilities adds up to 1 but for rounding; a code is at most twice what it
      // stands for (half of the smallest value becomes the smallest).
      double keys = width(context.getProbabilities());
      AdaptivFloatAttr format = formatOf(context.getProbabilities(), symbols);
      if (format)
        checked = check(
            op,
            std::min(keys * kLargest, std::ldexp(2 * (1 + keys * 0x1p-15),
                                                 -unitOf(context.getProbabilities(), symbols))) *
                kLargest,
            "probabilities of a row times the largest code");
    }
    return failed(checked) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

struct CheckAccumulatorsPass : impl::CheckAccumulatorsPassBase<CheckAccumulatorsPass> {
  using CheckAccumulatorsPassBase::CheckAccumulatorsPassBase;

  void runOnOperation() override {
    FailureOr<Machine> loaded = loadMachine(getOperation(), machine);
    if (failed(loaded))
      return signalPassFailure();
    for (SuiteOp suite : getOperation().getOps<SuiteOp>()) {
      Checker checker(suite, *loaded);
      if (failed(checker.run()))
        return signalPassFailure();
      numProven += checker.numProven;
      numUnproven += checker.numUnproven;
    }
  }
};

} // namespace
} // namespace aac
