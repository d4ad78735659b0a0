//===- Prune.cpp - sets the smallest weights to zero ----------------------===//
//
// One mask a parameter, so that a shared parameter stays shared. Linear in the number of
// elements, in parallel over parameters. What is small is decided in Magnitude.h.
//
//===----------------------------------------------------------------------===//
#include "aac/Support/Npz.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/Magnitude.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include <cmath>

namespace aac {
#define GEN_PASS_DEF_PRUNEPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

using Shape = SparsityRule::Shape;

/// A parameter that a rule or a mask names, and what becomes of it.
struct Job {
  ParamOp param;
  const SparsityRule *rule; ///< null: a mask alone
  std::vector<float> values, scores, mask;
  std::vector<uint32_t> keys;
  std::vector<double> vectorKeys;
  int64_t zeroed = 0, zeros = 0;
  VectorCount vectors;

  int64_t columns() { return param.getTensorType().getShape().back(); }
  /// Of the rule's units: elements or vectors.
  size_t count(size_t units) const {
    return static_cast<size_t>(std::floor(rule->fraction * static_cast<double>(units)));
  }
};

struct PrunePass : aac::impl::PrunePassBase<PrunePass> {
  using PrunePassBase::PrunePassBase;

  void runOnOperation() override {
    std::string error;
    FailureOr<std::vector<SparsityRule>> rules = parseSparsity(sparsity, error);
    FailureOr<PruneMethod> chosen = failure();
    if (succeeded(rules))
      chosen = parsePruneMethod(method, error);
    if (failed(rules) || failed(chosen)) {
      getOperation().emitError() << error;
      return signalPassFailure();
    }
    std::vector<Job> jobs;
    if (failed(collect(*rules, *chosen, jobs)))
      return signalPassFailure();
    prune(*rules, *chosen, jobs);
    write(jobs);
  }

  /// Arrays of an .npz by the parameter that each is named after.
  LogicalResult readArrays(const std::string &path, llvm::StringMap<std::vector<float>> &arrays) {
    if (path.empty())
      return success();
    auto fail = [&](const Twine &message) { return getOperation().emitError() << message; };
    auto read = readNpz(path);
    if (!read.ok())
      return fail(std::string(read.status().message()));
    SymbolTable symbols(getOperation());
    for (const NpyArray &array : *read) {
      auto param = symbols.lookup<ParamOp>(array.name);
      if (!param)
        return fail(path + ": array '" + array.name +
                    "' is named after no parameter; `aac share` lists them");
      if (llvm::ArrayRef(array.shape) != param.getTensorType().getShape()) {
        InFlightDiagnostic diag = fail(path + ": array '" + array.name + "' has the shape [");
        llvm::interleaveComma(array.shape, diag);
        diag << "], the parameter is " << param.getType();
        return diag;
      }
      auto floats = array.toFloats();
      if (!floats.ok())
        return fail(path + ": " + std::string(floats.status().message()));
      auto nan = llvm::find_if(*floats, [](float value) { return std::isnan(value); });
      if (nan != floats->end())
        return fail(path + ": array '" + array.name + "' is NaN at element " +
                    Twine(nan - floats->begin()) + "; say what stays, or how much it matters");
      arrays[array.name] = *std::move(floats);
    }
    return success();
  }

  LogicalResult collect(ArrayRef<SparsityRule> rules, const PruneMethod &chosen,
                        std::vector<Job> &jobs) {
    llvm::StringMap<std::vector<float>> masks, scores;
    if (failed(readArrays(chosen.masks, masks)) || failed(readArrays(chosen.scores, scores)))
      return failure();
    for (ParamOp param : getOperation().getOps<ParamOp>()) {
      auto mask = masks.find(param.getSymName()), score = scores.find(param.getSymName());
      Job job{param, nullptr, {}, {}, {}, {}, {}, 0, 0, {}};
      if (param.getTensorType().getRank() >= 2)
        for (const SparsityRule &rule : rules)
          if (llvm::is_contained(rule.roles, roleOf(param)))
            job.rule = &rule;
      if (score != scores.end()) {
        if (!job.rule)
          return getOperation().emitError()
                 << chosen.scores << ": parameter '" << param.getSymName() << "' has scores, but "
                 << "no sparsity is asked for '" << stringifyRole(roleOf(param)) << "'";
        job.scores = std::move(score->second);
      }
      if (mask != masks.end())
        job.mask = std::move(mask->second);
      if (!job.rule && job.mask.empty())
        continue;
      FailureOr<Elements<float>> values = readFloats(param);
      if (failed(values))
        return failure();
      job.values = values->get().vec();
      jobs.push_back(std::move(job));
    }
    return success();
  }

  void prune(ArrayRef<SparsityRule> rules, const PruneMethod &chosen, std::vector<Job> &jobs) {
    parallelForEach(&getContext(), jobs, [](Job &job) {
      // A mask says which elements stay; it decides alone.
      for (size_t i = 0; i < job.mask.size(); ++i)
        if (job.mask[i] == 0 && job.values[i] != 0) {
          job.values[i] = 0;
          ++job.zeroed;
        }
      if (!job.mask.empty())
        job.rule = nullptr;
      if (!job.rule)
        return;
      if (job.rule->shape == Shape::Vectors)
        job.vectorKeys = importanceOfVectors(job.values, job.scores, job.columns());
      else
        job.keys = importanceOf(job.values, job.scores);
    });
    std::vector<size_t> counts(jobs.size(), 0);
    for (auto [job, count] : llvm::zip_equal(jobs, counts))
      if (job.rule)
        count =
            job.count(job.rule->shape == Shape::Vectors ? job.vectorKeys.size() : job.keys.size());
    for (const SparsityRule &rule : rules) {
      if (chosen.global && rule.shape == Shape::Elements)
        countTogether(rule, jobs, counts, &Job::keys);
      if (chosen.global && rule.shape == Shape::Vectors)
        countTogether(rule, jobs, counts, &Job::vectorKeys);
    }
    parallelFor(&getContext(), 0, jobs.size(), [&](size_t i) {
      Job &job = jobs[i];
      if (job.rule && job.rule->shape == Shape::Vectors)
        job.zeroed += zeroSmallestVectors(job.values, job.vectorKeys, job.columns(), counts[i]);
      else if (job.rule && job.rule->shape == Shape::NofM)
        job.zeroed += zeroAllButNofM(job.values, job.keys, job.columns(), job.rule->n, job.rule->m);
      else if (job.rule)
        job.zeroed += zeroSmallest(job.values, job.keys, counts[i]);
      job.zeros = llvm::count(job.values, 0.0f);
      if (job.param.getTensorType().getRank() >= 2)
        job.vectors = countNullVectors(job.values, job.columns());
    });
  }

  /// The rule's fraction of all its tensors together.
  template <typename Key>
  static void countTogether(const SparsityRule &rule, std::vector<Job> &jobs,
                            std::vector<size_t> &counts, std::vector<Key> Job::*keys) {
    std::vector<std::vector<Key>> lists;
    SmallVector<size_t> members;
    size_t units = 0;
    for (auto [index, job] : llvm::enumerate(jobs))
      if (job.rule == &rule) {
        members.push_back(index);
        lists.push_back(job.*keys);
        units += lists.back().size();
      }
    if (members.empty())
      return;
    std::vector<size_t> mine = countSmallest(lists, jobs[members.front()].count(units));
    for (auto [index, count] : llvm::zip_equal(members, mine))
      counts[index] = count;
  }

  void write(std::vector<Job> &jobs) {
    Builder builder(&getContext());
    for (Job &job : jobs) {
      double count = static_cast<double>(std::max<size_t>(job.values.size(), 1));
      job.param.setSparsityAttr(builder.getF64FloatAttr(static_cast<double>(job.zeros) / count));
      numVectors += job.vectors.all;
      numNullVectors += job.vectors.null;
      if (job.zeroed == 0)
        continue;
      writeFloats(job.param, std::move(job.values));
      ++numPruned;
      numZeroed += job.zeroed;
    }
  }
};

} // namespace
