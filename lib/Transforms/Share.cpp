//===- Share.cpp - stores what several tasks have in common once ----------===//
//
// Precondition: a suite as raising or a linker of suites leaves it. Postcondition: what
// aac-verify-sharing checks.
//
// Algorithm: hash the bytes of each distinct value once, in parallel; give each task of a
// constant task-role parameter a copy of its own; walk the parameters in module order and
// merge each into the first one of its key (type, role, format, hash, and the task for
// such constants) with the same bytes. Linear in bytes. Then, if asked to, merge what
// NearDuplicates.cpp finds equal after quantisation.
//
//===----------------------------------------------------------------------===//
#include "aac/Support/Hash.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/FormatName.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include <map>

namespace aac {
#define GEN_PASS_DEF_SHAREPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

bool aac::isTaskRole(Role role) {
  return role == Role::Adapter || role == Role::LayerNorm || role == Role::Pooler ||
         role == Role::Classifier;
}

Role aac::roleOf(ParamOp param) { return param.getRole().value_or(Role::Other); }

/// Calls `fn` with every symbol reference to a parameter below `root`.
static void forEachUse(Operation *root, function_ref<void(FlatSymbolRefAttr)> fn) {
  root->walk([&](Operation *op) {
    if (auto use = dyn_cast<UseOp>(op))
      fn(use.getParamAttr());
    else if (auto each = dyn_cast<UseEachOp>(op))
      for (Attribute symbol : each.getParams())
        fn(cast<FlatSymbolRefAttr>(symbol));
  });
}

llvm::MapVector<StringAttr, SmallVector<unsigned>> aac::usersOfParams(SuiteOp suite) {
  llvm::MapVector<StringAttr, SmallVector<unsigned>> users;
  for (auto [index, task] : llvm::enumerate(suite.getOps<TaskOp>()))
    forEachUse(task, [&, index = index](FlatSymbolRefAttr symbol) {
      SmallVector<unsigned> &list = users[symbol.getAttr()];
      if (list.empty() || list.back() != index)
        list.push_back(index);
    });
  return users;
}

void aac::renameParamUses(Operation *root, const llvm::DenseMap<StringAttr, StringAttr> &renamed) {
  auto mapped = [&](FlatSymbolRefAttr symbol) {
    auto it = renamed.find(symbol.getAttr());
    return it == renamed.end() ? symbol : FlatSymbolRefAttr::get(it->second);
  };
  root->walk([&](Operation *op) {
    if (auto use = dyn_cast<UseOp>(op)) {
      use.setParamAttr(mapped(use.getParamAttr()));
    } else if (auto each = dyn_cast<UseEachOp>(op)) {
      SmallVector<Attribute> symbols;
      for (Attribute symbol : each.getParams())
        symbols.push_back(mapped(cast<FlatSymbolRefAttr>(symbol)));
      each.setParamsAttr(ArrayAttr::get(op->getContext(), symbols));
    }
  });
}

namespace {

/// The bytes of one value and what is known of them.
struct Content {
  Elements<uint8_t> bytes;
  uint64_t hash = 0;
  bool constant = false; ///< all elements equal
};

/// A parameter on its way through the pass.
struct Candidate {
  ParamOp param;
  SmallVector<unsigned> tasks;
  const Content *content;
};

/// All elements of `bytes`, `width` bytes each, are equal.
bool isConstant(ArrayRef<uint8_t> bytes, size_t width) {
  return bytes.size() <= width ||
         std::memcmp(bytes.data(), bytes.data() + width, bytes.size() - width) == 0;
}

struct SharePass : aac::impl::SharePassBase<SharePass> {
  using SharePassBase::SharePassBase;

  void runOnOperation() override {
    SuiteOp suite = getOperation();
    std::optional<AdaptivFloatFormat> shape = parseFormatName(format);
    if (merge != "equal" && merge != "quantised") {
      suite.emitError() << "cannot merge what is '" << merge << "': write equal or quantised";
      return signalPassFailure();
    }
    if (merge == "quantised" && !shape) {
      suite.emitError() << "cannot compare codes of format '" << format
                        << "': write af<bits>e<exponent bits>, 4 to 16 bits, such as af8e3";
      return signalPassFailure();
    }
    SmallVector<TaskOp> tasks = llvm::to_vector(suite.getOps<TaskOp>());
    dropUnused(suite);
    if (failed(readContents(suite)))
      return signalPassFailure();
    SmallVector<Candidate> candidates = splitConstants(suite, tasks);
    SmallVector<Candidate> kept = mergeEqual(candidates, tasks);
    if (merge == "quantised" && failed(mergeQuantised(suite, *shape, kept, tasks)))
      return signalPassFailure();
    for (Candidate &candidate : kept)
      annotate(candidate, tasks);
    contents.clear();
  }

  void dropUnused(SuiteOp suite) {
    auto users = usersOfParams(suite);
    for (ParamOp param : llvm::make_early_inc_range(suite.getOps<ParamOp>()))
      if (!users.count(param.getSymNameAttr())) {
        param.erase();
        ++numDropped;
      }
  }

  /// Hashes each distinct value once.
  LogicalResult readContents(SuiteOp suite) {
    contents.clear();
    SmallVector<ParamOp> distinct;
    for (ParamOp param : suite.getOps<ParamOp>()) {
      std::shared_ptr<Content> &content = contents[param.getValue()];
      if (content)
        continue;
      FailureOr<Elements<uint8_t>> bytes = readBytes(param);
      if (failed(bytes))
        return failure();
      content = std::make_shared<Content>();
      content->bytes = std::move(*bytes);
      distinct.push_back(param);
    }
    parallelFor(&getContext(), 0, distinct.size(), [&](size_t i) {
      Content &content = *contents.find(distinct[i].getValue())->second;
      ArrayRef<uint8_t> bytes = content.bytes.get();
      content.hash = hashBytes(absl::Span<const uint8_t>(bytes.data(), bytes.size()));
      content.constant =
          isConstant(bytes, distinct[i].getValue().getElementType().getIntOrFloatBitWidth() / 8);
    });
    return success();
  }

  /// A constant of a task role says nothing about its origin: with several tasks it is one
  /// parameter a task, however the exporter stored it.
  bool staysPerTask(const Candidate &candidate, size_t numTasks) const {
    return numTasks > 1 && candidate.content->constant && isTaskRole(roleOf(candidate.param));
  }

  SmallVector<Candidate> splitConstants(SuiteOp suite, MutableArrayRef<TaskOp> tasks) {
    auto users = usersOfParams(suite);
    SymbolTable symbols(suite);
    SmallVector<Candidate> candidates;
    for (ParamOp param : llvm::make_early_inc_range(suite.getOps<ParamOp>())) {
      Candidate whole{param, users.lookup(param.getSymNameAttr()),
                      contents.find(param.getValue())->second.get()};
      if (!staysPerTask(whole, tasks.size()) || whole.tasks.size() < 2) {
        candidates.push_back(std::move(whole));
        continue;
      }
      for (unsigned task : ArrayRef<unsigned>(whole.tasks).drop_front()) {
        auto copy = cast<ParamOp>(param->clone());
        copy.setSymName((param.getSymName() + "." + tasks[task].getSymName()).str());
        symbols.insert(copy, std::next(Block::iterator(param)));
        renameParamUses(tasks[task], {{param.getSymNameAttr(), copy.getSymNameAttr()}});
        candidates.push_back({copy, {task}, whole.content});
      }
      whole.tasks.truncate(1);
      candidates.push_back(whole);
    }
    return candidates;
  }

  SmallVector<Candidate> mergeEqual(ArrayRef<Candidate> candidates, MutableArrayRef<TaskOp> tasks) {
    using Key = std::tuple<void *, unsigned, const void *, uint64_t, int64_t, int64_t>;
    std::map<Key, SmallVector<size_t>> kept; // indices into `result`
    llvm::DenseMap<StringAttr, StringAttr> renamed;
    SmallVector<Candidate> result;
    for (const Candidate &candidate : candidates) {
      ParamOp param = candidate.param;
      if (param->hasAttr(kForkAttr) && !staysPerTask(candidate, tasks.size())) {
        result.push_back(candidate);
        continue;
      }
      int64_t owner = staysPerTask(candidate, tasks.size()) ? candidate.tasks.front() : -1;
      Key key{const_cast<void *>(param.getType().getAsOpaquePointer()),
              static_cast<unsigned>(roleOf(param)),
              param.getFormatAttr().getAsOpaquePointer(),
              candidate.content->hash,
              param.getContentHash().value_or(0),
              owner};
      SmallVector<size_t> &same = kept[key];
      auto *match = llvm::find_if(same, [&](size_t i) {
        return result[i].content == candidate.content ||
               result[i].content->bytes.get() == candidate.content->bytes.get();
      });
      if (match == same.end()) {
        same.push_back(result.size());
        result.push_back(candidate);
        continue;
      }
      Candidate &into = result[*match];
      renamed[param.getSymNameAttr()] = into.param.getSymNameAttr();
      into.tasks.append(candidate.tasks.begin(), candidate.tasks.end());
      param.erase();
      ++numMerged;
    }
    for (TaskOp task : tasks)
      renameParamUses(task, renamed);
    // Constants that stay apart are wanted copies.
    std::map<std::tuple<void *, unsigned, uint64_t>, SmallVector<ParamOp>> alike;
    for (Candidate &candidate : result)
      if (staysPerTask(candidate, tasks.size()))
        alike[{const_cast<void *>(candidate.param.getType().getAsOpaquePointer()),
               static_cast<unsigned>(roleOf(candidate.param)), candidate.content->hash}]
            .push_back(candidate.param);
    for (auto &[key, params] : alike)
      for (ParamOp param : params)
        if (params.size() > 1)
          param->setAttr(kForkAttr, StringAttr::get(&getContext(), "constant"));
    return result;
  }

  /// Merges what has equal codes into the first of each kind, whose values stay.
  LogicalResult mergeQuantised(SuiteOp suite, AdaptivFloatFormat shape,
                               SmallVector<Candidate> &kept, MutableArrayRef<TaskOp> tasks) {
    FailureOr<std::vector<NearDuplicate>> near = findNearDuplicates(suite, shape);
    if (failed(near))
      return failure();
    llvm::DenseMap<Operation *, size_t> index;
    for (auto [i, candidate] : llvm::enumerate(kept))
      index[candidate.param] = i;
    llvm::DenseMap<StringAttr, StringAttr> renamed;
    llvm::DenseSet<Operation *> gone;
    for (NearDuplicate &pair : *near) {
      if (pair.kind != NearDuplicate::Kind::Quantised)
        continue;
      pair.first.emitRemark() << "takes the place of '" << pair.second.getSymName()
                              << "', equal in " << format << ": largest difference "
                              << pair.largestDifference;
      renamed[pair.second.getSymNameAttr()] = pair.first.getSymNameAttr();
      ArrayRef<unsigned> more = kept[index[pair.second]].tasks;
      kept[index[pair.first]].tasks.append(more.begin(), more.end());
      gone.insert(pair.second);
      ++numMerged;
    }
    for (TaskOp task : tasks)
      renameParamUses(task, renamed);
    llvm::erase_if(kept, [&](const Candidate &c) { return gone.contains(c.param); });
    for (Operation *param : gone)
      param->erase();
    return success();
  }

  void annotate(Candidate &candidate, MutableArrayRef<TaskOp> tasks) {
    ParamOp param = candidate.param;
    SmallVector<StringRef> names;
    for (unsigned task : candidate.tasks)
      names.push_back(tasks[task].getSymName());
    llvm::sort(names);
    names.erase(llvm::unique(names), names.end());
    Sharing sharing = Sharing::Subset;
    if (tasks.size() == 1) {
      Role role = roleOf(param);
      bool backbone = role == Role::Embedding || role == Role::Attention || role == Role::Ffn;
      sharing = backbone ? Sharing::Shared : Sharing::Task;
    } else if (names.size() == tasks.size()) {
      sharing = Sharing::Shared;
    } else if (names.size() == 1) {
      sharing = Sharing::Task;
    }
    ++(sharing == Sharing::Shared ? numShared : sharing == Sharing::Task ? numTask : numSubset);
    Builder builder(&getContext());
    param.setSharingAttr(SharingAttr::get(&getContext(), sharing));
    param.setTasksAttr(builder.getStrArrayAttr(names));
    if (!param.getContentHash())
      param.setContentHashAttr(
          builder.getI64IntegerAttr(static_cast<int64_t>(candidate.content->hash)));
  }

  llvm::DenseMap<Attribute, std::shared_ptr<Content>> contents;
};

} // namespace
