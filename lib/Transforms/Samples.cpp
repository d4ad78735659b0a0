//===- Samples.cpp - the sentences a suite is measured on -----------------===//
#include "aac/Transforms/Samples.h"

#include "aac/Support/Npz.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

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

/// True if it does so by ones for those that are not.
bool marksPadding(Value input) {
  return llvm::any_of(input.getUsers(), [](Operation *user) {
    auto mask = dyn_cast<MaskOp>(user);
    return mask && mask.marksPadding();
  });
}

/// Pseudo-random sentences for `task`, of `shape` ([sentences, tokens]) where that is not empty;
/// `attended` says how many tokens of sentence i are not masked.
Sentence randomSentences(TaskOp task, llvm::function_ref<int64_t(int64_t)> attended,
                         const std::vector<int64_t> &shape = {}) {
  RandomIds random;
  Sentence inputs;
  for (BlockArgument arg : task.getBody().getArguments()) {
    auto type = cast<RankedTensorType>(arg.getType());
    std::vector<int64_t> own = shape.empty() ? shapeOf(arg) : shape;
    if (type.getElementType().isF32()) {
      Tensor tensor = Tensor::floats(own);
      for (float &value : tensor.f)
        value = static_cast<float>(random.below(2001) - 1000) / 1000;
      inputs.push_back(std::move(tensor));
      continue;
    }
    Tensor tensor = Tensor::integers(own);
    int64_t rows = tableRows(arg), length = tensor.shape.empty() ? 1 : tensor.shape.back();
    for (auto [i, value] : llvm::enumerate(tensor.i)) {
      int64_t token = static_cast<int64_t>(i) % length, sentence = static_cast<int64_t>(i) / length;
      bool secondHalf = token >= (length + 1) / 2;
      bool counts = (!isMask(arg) || token < attended(sentence)) != marksPadding(arg);
      value = rows == 0 ? counts : rows <= 2 ? secondHalf && rows == 2 : random.below(rows);
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

int64_t allTokens(int64_t) { return INT64_MAX; }
/// Attention is sharpest where there is one token to attend to.
int64_t firstToken(int64_t) { return 1; }

/// All cases of `path` for `task`, in order: arrays named as the inputs, or in.<i>.<input>.
FailureOr<std::vector<Sentence>> readSamples(TaskOp task, StringRef path) {
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
  std::vector<Sentence> cases;
  for (size_t index = 0;; ++index) {
    bool plain = !names.empty() && byName.count(names.front());
    std::string prefix = plain ? "" : "in." + std::to_string(index) + ".";
    if (index > 0 && (plain || names.empty() || !byName.count(prefix + names.front().str())))
      break;
    Sentence inputs;
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

/// Sentences one after the other, as one of a larger batch.
Sentence together(ArrayRef<Sentence> sentences) {
  Sentence all = sentences.front();
  for (const Sentence &sentence : sentences.drop_front())
    for (auto [tensor, more] : llvm::zip_equal(all, sentence)) {
      tensor.i.insert(tensor.i.end(), more.i.begin(), more.i.end());
      tensor.shape[0] += more.shape[0];
    }
  return all;
}

/// `sentences` in batches.
std::vector<Sentence> inBatches(ArrayRef<Sentence> sentences) {
  constexpr int64_t kTokens = 2048;
  size_t each = std::max<int64_t>(1, kTokens / std::max<int64_t>(1, sentences[0][0].size()));
  std::vector<Sentence> batches;
  for (; !sentences.empty(); sentences = sentences.drop_front(std::min(each, sentences.size())))
    batches.push_back(together(sentences.take_front(each)));
  return batches;
}

/// Multiply-adds of the linears that a token passes.
double workOfToken(TaskOp task) {
  double work = 0;
  task.walk([&](LinearOp linear) {
    auto loop = dyn_cast<LoopOp>(linear->getParentOp());
    auto weight = cast<RankedTensorType>(linear.getWeight().getType());
    work += static_cast<double>(weight.getNumElements()) *
            static_cast<double>(loop ? loop.getCount() : 1);
  });
  return work;
}

std::vector<Sentence> seededBatches(TaskOp task) {
  constexpr int64_t kLength = 16, kLeast = 64, kMost = 512, kFirstOnly = 8;
  constexpr double kWork = 6e9; // what a base-size model takes for some 70 tokens
  int64_t tokens = shapeOf(task.getBody().getArgument(0))[1];
  int64_t length = std::clamp<int64_t>(tokens, 1, kLength);
  double affordable = kWork / std::max(1.0, workOfToken(task));
  auto total = static_cast<int64_t>(std::clamp<double>(affordable, kLeast, kMost));
  std::vector<Sentence> batches;
  auto quarters = [&](int64_t sentence) {
    return std::max<int64_t>(1, length * (4 - sentence % 4) / 4);
  };
  batches.push_back(randomSentences(task, quarters, {total / length, length}));
  if (llvm::any_of(task.getBody().getArguments(), isMask))
    batches.push_back(randomSentences(task, firstToken, {1, std::min(tokens, kFirstOnly)}));
  return batches;
}

} // namespace

bool aac::hasSamples(StringRef samples, StringRef task) {
  return llvm::any_of(llvm::split(samples, ','),
                      [&](StringRef part) { return part.split('=').first == task; });
}

FailureOr<std::vector<CalibrationSet>> aac::calibrationSets(SuiteOp suite, StringRef samples) {
  FailureOr<std::vector<std::vector<Sentence>>> sentences = samplesOf(suite, samples);
  if (failed(sentences))
    return failure();
  std::vector<CalibrationSet> sets;
  for (auto [task, own] : llvm::zip_equal(suite.getOps<TaskOp>(), *sentences)) {
    bool named = hasSamples(samples, task.getSymName());
    bool follows = interp::followsInputs(task);
    CalibrationSet set;
    set.samples = named ? static_cast<int64_t>(own.size()) : 0;
    if (follows)
      set.batches = named ? inBatches(own) : seededBatches(task);
    else
      set.batches = std::move(own);
    sets.push_back(std::move(set));
  }
  return sets;
}

FailureOr<std::vector<std::vector<Sentence>>> aac::samplesOf(SuiteOp suite, StringRef samples) {
  llvm::StringMap<StringRef> paths;
  SmallVector<StringRef> parts;
  samples.split(parts, ',', -1, /*KeepEmpty=*/false);
  SmallVector<TaskOp> tasks = llvm::to_vector(suite.getOps<TaskOp>());
  for (StringRef part : parts) {
    auto [name, path] = part.split('=');
    if (path.empty())
      return suite.emitError() << "samples '" << part << "' must be task=path.npz or none";
    if (llvm::none_of(tasks, [n = name](TaskOp task) { return task.getSymName() == n; }))
      return suite.emitError() << "samples for '" << name << "': there is no such task";
    paths[name] = path;
  }
  std::vector<std::vector<Sentence>> cases(tasks.size());
  for (auto [task, own] : llvm::zip_equal(tasks, cases)) {
    auto it = paths.find(task.getSymName());
    if (it == paths.end()) {
      own.push_back(randomSentences(task, allTokens));
      if (llvm::any_of(task.getBody().getArguments(), isMask))
        own.push_back(randomSentences(task, firstToken));
      continue;
    }
    FailureOr<std::vector<Sentence>> read = readSamples(task, it->second);
    if (failed(read))
      return failure();
    own = std::move(*read);
  }
  return cases;
}
