//===- VerifySharing.cpp - fails when a pass forked a parameter -----------===//
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/Sharing.h"

#include "llvm/ADT/STLExtras.h"
#include <map>

namespace aac {
#define GEN_PASS_DEF_VERIFYSHARINGPASS
#include "lib/Transforms/CompressPasses.h.inc"
} // namespace aac

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

struct VerifySharingPass : aac::impl::VerifySharingPassBase<VerifySharingPass> {
  using VerifySharingPassBase::VerifySharingPassBase;

  void runOnOperation() override {
    SuiteOp suite = getOperation();
    bool ok = succeeded(checkAttributes(suite));
    ok &= succeeded(checkUses(suite));
    ok &= succeeded(checkForks(suite));
    ok &= succeeded(checkStored(suite));
    if (!ok)
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult checkAttributes(SuiteOp suite) {
    LogicalResult result = success();
    for (ParamOp param : suite.getOps<ParamOp>())
      for (StringRef name : {"content_hash", "sharing", "tasks"})
        if (!param->hasAttr(name))
          result = param.emitOpError() << "@" << param.getSymName() << " has no '" << name
                                       << "': aac-share sets it and no pass may drop it";
    return result;
  }

  LogicalResult checkUses(SuiteOp suite) {
    LogicalResult result = success();
    SmallVector<TaskOp> tasks = llvm::to_vector(suite.getOps<TaskOp>());
    auto users = usersOfParams(suite);
    for (ParamOp param : suite.getOps<ParamOp>()) {
      if (!param.getTasks())
        continue;
      SmallVector<unsigned> mine = users.lookup(param.getSymNameAttr());
      // A task that uses something else instead has a fork; what nobody uses is only left over.
      for (StringRef task : param.getTasks()->getAsValueRange<StringAttr>())
        if (!mine.empty() &&
            llvm::none_of(mine, [&](unsigned i) { return tasks[i].getSymName() == task; }))
          result = param.emitOpError()
                   << "@" << param.getSymName() << " belongs to task @" << task
                   << ", which does not use it: a pass gave it something else instead";
      for (unsigned index : mine)
        if (!llvm::is_contained(*param.getTasks(), tasks[index].getSymNameAttr()))
          result = param.emitOpError()
                   << "@" << param.getSymName() << " is used by task @" << tasks[index].getSymName()
                   << ", which is not in its tasks " << *param.getTasks();
    }
    return result;
  }

  LogicalResult checkForks(SuiteOp suite) {
    LogicalResult result = success();
    std::map<std::tuple<int64_t, const void *, unsigned>, ParamOp> first;
    for (ParamOp param : suite.getOps<ParamOp>()) {
      if (!param.getContentHash() || param->hasAttr(kForkAttr))
        continue;
      auto [it, inserted] = first.insert(
          {{static_cast<int64_t>(*param.getContentHash()), param.getType().getAsOpaquePointer(),
            static_cast<unsigned>(roleOf(param))},
           param});
      if (inserted)
        continue;
      InFlightDiagnostic diag = param.emitOpError()
                                << "@" << param.getSymName()
                                << " has the content hash, type and role of @"
                                << it->second.getSymName()
                                << ": a shared parameter was forked (mark a wanted copy with '"
                                << kForkAttr << "')";
      diag.attachNote(it->second.getLoc()) << "the other one is here";
      result = diag;
    }
    return result;
  }

  /// A weight or table of several tasks is stored once, for all of them.
  LogicalResult checkStored(SuiteOp suite) {
    LogicalResult result = success();
    SymbolTable symbols(suite);
    llvm::DenseMap<Operation *, StoredOp> first;
    for (StoredOp stored : suite.getOps<StoredOp>()) {
      auto sources = stored.getSources().getAsValueRange<StringAttr>();
      llvm::SmallPtrSet<Operation *, 4> here; // a repetition may use what another one does
      for (auto [index, name] : llvm::enumerate(sources)) {
        auto param = symbols.lookup<ParamOp>(name);
        if (!param || static_cast<int64_t>(index) >= static_cast<int64_t>(stored.getCount()) ||
            !param.getTasks() || param.getSharing() == Sharing::Task || param->hasAttr(kForkAttr) ||
            !here.insert(param).second)
          continue;
        auto [it, inserted] = first.try_emplace(param, stored);
        if (!inserted) {
          InFlightDiagnostic diag = stored.emitOpError()
                                    << "@" << stored.getSymName() << " stores @"
                                    << param.getSymName() << ", which @" << it->second.getSymName()
                                    << " stores already: a shared parameter is stored once";
          diag.attachNote(it->second.getLoc()) << "the other one is here";
          result = diag;
        } else if (stored.getTasks() != *param.getTasks()) {
          result = stored.emitOpError()
                   << "@" << stored.getSymName() << " is stored for tasks " << stored.getTasks()
                   << ", but @" << param.getSymName() << " belongs to " << *param.getTasks();
        }
      }
    }
    return result;
  }
};

} // namespace
