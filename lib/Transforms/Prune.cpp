//===- Prune.cpp - sets the smallest weights to zero ----------------------===//
//
// One mask a parameter, so that a shared parameter stays shared. Linear in the number of
// elements, in parallel over parameters.
//
//===----------------------------------------------------------------------===//
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/Magnitude.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace aac {
#define GEN_PASS_DEF_PRUNEPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

/// Magnitude as an integer that sorts alike; NaN sorts last.
static uint32_t magnitude(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits & 0x7fffffffu;
}

int64_t aac::pruneByMagnitude(MutableArrayRef<float> values, double fraction) {
  auto count = static_cast<size_t>(std::floor(fraction * static_cast<double>(values.size())));
  if (count == 0)
    return 0;
  std::vector<uint32_t> sizes(values.size());
  llvm::transform(values, sizes.begin(), magnitude);
  std::nth_element(sizes.begin(), sizes.begin() + (count - 1), sizes.end());
  uint32_t threshold = sizes[count - 1];
  size_t below = std::count_if(sizes.begin(), sizes.begin() + count,
                               [&](uint32_t m) { return m < threshold; });
  size_t ties = count - below;
  int64_t zeroed = 0;
  for (float &value : values) {
    uint32_t m = magnitude(value);
    if (m > threshold || (m == threshold && ties == 0))
      continue;
    if (m == threshold)
      --ties;
    zeroed += value != 0;
    value = 0;
  }
  return zeroed;
}

FailureOr<std::vector<SparsityRule>> aac::parseSparsity(StringRef text, std::string &error) {
  std::vector<SparsityRule> rules;
  SmallVector<StringRef> parts;
  text.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [name, number] = part.split(':');
    name = name.trim();
    SparsityRule rule;
    if (number.trim().getAsDouble(rule.fraction) || !(rule.fraction >= 0 && rule.fraction <= 1)) {
      error = ("sparsity '" + part + "' must be group:fraction with a fraction from 0 to 1").str();
      return failure();
    }
    if (name == "all") {
      for (unsigned role = 0; role <= getMaxEnumValForRole(); ++role)
        rule.roles.push_back(static_cast<Role>(role));
    } else if (name == "encoder") {
      rule.roles = {Role::Attention, Role::Ffn};
    } else if (std::optional<Role> role = symbolizeRole(name)) {
      rule.roles = {*role};
    } else {
      error = ("there is no parameter group '" + name +
               "'; groups are embedding, attention, ffn, encoder, adapter, layer_norm, pooler, "
               "classifier, other, all")
                  .str();
      return failure();
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

namespace {

/// A parameter that a rule names, and what becomes of it.
struct Job {
  ParamOp param;
  double fraction;
  std::vector<float> values;
  int64_t zeroed = 0, zeros = 0;
};

struct PrunePass : aac::impl::PrunePassBase<PrunePass> {
  using PrunePassBase::PrunePassBase;

  void runOnOperation() override {
    std::string error;
    FailureOr<std::vector<SparsityRule>> rules = parseSparsity(sparsity, error);
    if (failed(rules)) {
      getOperation().emitError() << error;
      return signalPassFailure();
    }
    std::vector<Job> jobs;
    for (ParamOp param : getOperation().getOps<ParamOp>()) {
      if (param.getTensorType().getRank() < 2)
        continue;
      std::optional<double> fraction;
      for (const SparsityRule &rule : *rules)
        if (llvm::is_contained(rule.roles, roleOf(param)))
          fraction = rule.fraction;
      if (!fraction)
        continue;
      FailureOr<Elements<float>> values = readFloats(param);
      if (failed(values))
        return signalPassFailure();
      jobs.push_back({param, *fraction, values->get().vec()});
    }
    parallelForEach(&getContext(), jobs, [](Job &job) {
      job.zeroed = pruneByMagnitude(job.values, job.fraction);
      job.zeros = llvm::count(job.values, 0.0f);
    });
    Builder builder(&getContext());
    for (Job &job : jobs) {
      double count = static_cast<double>(std::max<size_t>(job.values.size(), 1));
      job.param.setSparsityAttr(builder.getF64FloatAttr(static_cast<double>(job.zeros) / count));
      if (job.zeroed == 0)
        continue;
      writeFloats(job.param, std::move(job.values));
      ++numPruned;
      numZeroed += job.zeroed;
    }
  }
};

} // namespace
