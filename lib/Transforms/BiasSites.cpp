//===- BiasSites.cpp - the biases that can be corrected -------------------===//
#include "BiasSites.h"

#include "aac/Transforms/AddTask.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"
#include <algorithm>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

static bool isZero(ParamOp param) {
  FailureOr<Elements<float>> values = readFloats(param);
  return failed(values) || llvm::all_of(values->get(), [](float v) { return v == 0; });
}

BiasSites::BiasSites(SuiteOp suite) {
  SymbolTable symbols(suite);
  llvm::DenseMap<Operation *, int64_t> uses;
  SmallVector<std::pair<LinearOp, SmallVector<ParamOp>>> candidates;
  suite.walk([&](Operation *op) {
    auto loop = dyn_cast<LoopOp>(op->getParentOp());
    auto linear = dyn_cast<LinearOp>(op);
    for (OpOperand &operand : op->getOpOperands()) {
      SmallVector<ParamOp> params = paramsBehind(operand.get(), symbols);
      bool isBias =
          linear && operand.get() == linear.getBias() && operand.get() != linear.getWeight();
      bool each = operand.get().getDefiningOp<UseEachOp>() != nullptr;
      for (ParamOp param : params) // anything but a bias rules it out
        uses[param] += !isBias ? 2 : loop && !each ? static_cast<int64_t>(loop.getCount()) : 1;
      if (isBias && !params.empty())
        candidates.push_back({linear, params});
    }
  });
  for (auto &[linear, params] : candidates)
    for (auto [repetition, param] : llvm::enumerate(params))
      if (uses.lookup(param) == 1 && isTaskRole(roleOf(param)) && !param->hasAttr(kStoredAsAttr) &&
          !isZero(param))
        sites[{linear, static_cast<int64_t>(repetition)}] = param;
}

void AttendedTokens::note(Operation *op, const interp::Tensor &result) {
  if (!isa<MaskOp>(op))
    return;
  attended.clear();
  sentences = static_cast<size_t>(result.shape.front());
  for (float value : result.f)
    attended.push_back(value == 0);
}

std::vector<size_t> AttendedTokens::among(size_t rows) const {
  bool all = rows != attended.size() || llvm::none_of(attended, [](bool a) { return a; });
  std::vector<size_t> chosen;
  for (size_t row = 0; row < rows; ++row)
    if (all || attended[row])
      chosen.push_back(row);
  return chosen;
}

std::vector<float> AttendedTokens::meansOfSentences(const interp::Tensor &tensor) const {
  auto width = static_cast<size_t>(tensor.shape.back());
  size_t rows = width == 0 ? 0 : tensor.f.size() / width;
  bool oneEach = rows == attended.size(); // a row a token, in whatever shape
  size_t count = oneEach ? sentences : static_cast<size_t>(tensor.shape.front());
  size_t each = count == 0 ? 0 : rows / count;
  std::vector<float> means(count * width, 0);
  std::vector<double> sum(width);
  for (size_t sentence = 0; sentence < count; ++sentence) {
    llvm::fill(sum, 0.0);
    auto begin = attended.begin() + static_cast<ptrdiff_t>(oneEach ? sentence * each : 0);
    bool all = !oneEach || std::none_of(begin, begin + each, [](bool a) { return a; });
    size_t summed = 0;
    for (size_t row = sentence * each; row < (sentence + 1) * each; ++row) {
      if (!all && !attended[row])
        continue;
      ++summed;
      for (size_t i = 0; i < width; ++i)
        sum[i] += tensor.f[row * width + i];
    }
    for (size_t i = 0; i < width; ++i)
      means[sentence * width + i] =
          static_cast<float>(sum[i] / static_cast<double>(std::max<size_t>(summed, 1)));
  }
  return means;
}
