//===- BiasSites.cpp - the biases that can be corrected -------------------===//
#include "BiasSites.h"

#include "aac/Transforms/AddTask.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"

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

std::vector<double> AttendedTokens::meanOfRows(const interp::Tensor &tensor) const {
  auto width = static_cast<size_t>(tensor.shape.back());
  std::vector<double> mean(width, 0);
  std::vector<size_t> rows = among(width == 0 ? 0 : tensor.f.size() / width);
  for (size_t row : rows)
    for (size_t i = 0; i < width; ++i)
      mean[i] += tensor.f[row * width + i];
  for (double &value : mean)
    value /= static_cast<double>(std::max<size_t>(rows.size(), 1));
  return mean;
}
