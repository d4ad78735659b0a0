//===- AddTask.cpp - a task added to a suite that is compiled already -----===//
#include "aac/Transforms/AddTask.h"

#include "aac/Support/Hash.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <map>
#include <tuple>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

/// What makes two parameters candidates for being one.
using Identity = std::tuple<int64_t, const void *, unsigned>;

Identity identityOf(ParamOp param) {
  return {static_cast<int64_t>(param.getContentHash().value_or(0)),
          param.getType().getAsOpaquePointer(), static_cast<unsigned>(roleOf(param))};
}

/// Parameters by identity, the first of each.
std::map<Identity, ParamOp> byIdentity(SuiteOp suite) {
  std::map<Identity, ParamOp> params;
  for (ParamOp param : suite.getOps<ParamOp>())
    params.insert({identityOf(param), param});
  return params;
}

/// Elements of two tensors of one size that differ, and by how much.
struct Difference {
  int64_t count = 0;
  double largest = 0;
};

Difference differenceOf(ArrayRef<float> a, ArrayRef<float> b) {
  Difference difference;
  for (auto [x, y] : llvm::zip_equal(a, b)) {
    if (llvm::bit_cast<uint32_t>(x) == llvm::bit_cast<uint32_t>(y))
      continue;
    ++difference.count;
    difference.largest =
        std::max(difference.largest, std::fabs(static_cast<double>(x) - static_cast<double>(y)));
  }
  return difference;
}

/// A matrix of the shape of `b` transposed.
bool isTransposedType(ParamOp a, ParamOp b) {
  ArrayRef<int64_t> from = a.getTensorType().getShape(), to = b.getTensorType().getShape();
  return from.size() == 2 && to.size() == 2 && from[0] == to[1] && from[1] == to[0];
}

/// `a` of `rows` rows is `b` transposed, bit by bit.
bool isTransposed(ArrayRef<float> a, ArrayRef<float> b, int64_t rows) {
  int64_t columns = rows ? static_cast<int64_t>(a.size()) / rows : 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      if (llvm::bit_cast<uint32_t>(a[r * columns + c]) != llvm::bit_cast<uint32_t>(b[c * rows + r]))
        return false;
  return true;
}

std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.6g", value);
  return text;
}

/// "768x768".
std::string shapeText(ParamOp param) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(param.getTensorType().getShape(), os, "x");
  return text;
}

/// A parameter of the new task that is not stored, and the nearest one that is.
struct Foreign {
  ParamOp param, nearest;
  Difference difference;
  bool transposed = false; ///< it is the nearest one, transposed
};

class Matcher {
public:
  Matcher(SuiteOp added, SuiteOp original, SuiteOp stored)
      : added(added), stored(stored), originals(byIdentity(original)) {}

  LogicalResult run(bool allowFork);

private:
  /// The f32 values as imported of a parameter that is stored.
  FailureOr<Elements<float>> originalOf(ParamOp param) {
    auto found = originals.find(identityOf(param));
    if (found == originals.end())
      return param.emitError() << "'" << param.getSymName()
                               << "' is not in the suite as imported: do suite.mlirbc and "
                                  "suite.placed.mlirbc come from one compilation?";
    return readFloats(found->second);
  }
  FailureOr<Foreign> nearestTo(ParamOp param);
  LogicalResult refuse(ArrayRef<Foreign> foreign);

  SuiteOp added, stored;
  std::map<Identity, ParamOp> originals;
  llvm::StringSet<> matched; ///< stored parameters that the new task has
};

FailureOr<Foreign> Matcher::nearestTo(ParamOp param) {
  Foreign foreign{param, ParamOp(), {}, false};
  FailureOr<Elements<float>> values = readFloats(param);
  if (failed(values))
    return failure();
  for (ParamOp other : stored.getOps<ParamOp>()) {
    bool transposed = isTransposedType(other, param);
    if (other.getSharing() == Sharing::Task ||
        (other.getType() != param.getType() && !transposed) || roleOf(other) != roleOf(param) ||
        matched.contains(other.getSymName()))
      continue;
    FailureOr<Elements<float>> theirs = originalOf(other);
    if (failed(theirs))
      return failure();
    if (transposed &&
        isTransposed(values->get(), theirs->get(), param.getTensorType().getDimSize(0))) {
      foreign.nearest = other;
      foreign.transposed = true;
      return foreign;
    }
    if (other.getType() != param.getType())
      continue;
    Difference difference = differenceOf(values->get(), theirs->get());
    if (!foreign.nearest || difference.count < foreign.difference.count) {
      foreign.nearest = other;
      foreign.difference = difference;
    }
  }
  return foreign;
}

LogicalResult Matcher::refuse(ArrayRef<Foreign> foreign) {
  TaskOp task = *added.getOps<TaskOp>().begin();
  InFlightDiagnostic diag =
      mlir::emitError(UnknownLoc::get(task.getContext()))
      << "task '" << task.getSymName()
      << "' does not have the backbone that is stored; parameters that differ: " << foreign.size()
      << ". Use the backbone that the suite was compiled from, compile all tasks together, or "
         "allow "
      << "copies (--allow-fork)";
  for (const Foreign &f : foreign) {
    ParamOp param = f.param;
    Diagnostic &note = diag.attachNote(UnknownLoc::get(task.getContext()));
    note << "'" << param.getSymName() << "' (" << stringifyRole(roleOf(param)) << " "
         << shapeText(param) << ") ";
    if (!f.nearest)
      note << "is like nothing that is stored";
    else if (f.transposed)
      note << "is '" << ParamOp(f.nearest).getSymName() << "' transposed";
    else
      note << "differs from '" << ParamOp(f.nearest).getSymName() << "' in " << f.difference.count
           << " of " << param.getTensorType().getNumElements() << " elements, by at most "
           << number(f.difference.largest);
  }
  return diag;
}

LogicalResult Matcher::run(bool allowFork) {
  std::map<Identity, ParamOp> held;
  for (ParamOp param : stored.getOps<ParamOp>())
    if (param.getSharing() != Sharing::Task)
      held.insert({identityOf(param), param});
  SmallVector<ParamOp> unmatched;
  for (ParamOp param : added.getOps<ParamOp>()) {
    auto found = held.find(identityOf(param));
    if (found == held.end()) {
      unmatched.push_back(param);
      continue;
    }
    ParamOp known = found->second;
    FailureOr<Elements<float>> mine = readFloats(param), theirs = originalOf(known);
    if (failed(mine) || failed(theirs))
      return failure();
    if (differenceOf(mine->get(), theirs->get()).count != 0) {
      unmatched.push_back(param);
      continue;
    }
    param->setAttr(kStoredAsAttr, FlatSymbolRefAttr::get(known.getSymNameAttr()));
    if (known.getFormatAttr())
      param->setAttr(kPinnedAttr, known.getFormatAttr());
    matched.insert(known.getSymName());
  }
  if (allowFork)
    return success();
  SmallVector<Foreign> foreign;
  for (ParamOp param : unmatched) {
    FailureOr<Foreign> nearest = nearestTo(param);
    if (failed(nearest))
      return failure();
    bool backbone = !isTaskRole(roleOf(param));
    bool nearly = nearest->nearest && !nearest->transposed &&
                  nearest->difference.count * 10 <= param.getTensorType().getNumElements();
    if (backbone || nearly)
      foreign.push_back(*nearest);
  }
  return foreign.empty() ? success() : refuse(foreign);
}

/// Names of all tasks in `list` and `more`, sorted.
ArrayAttr unite(ArrayAttr list, ArrayAttr more) {
  SmallVector<StringRef> names;
  for (ArrayAttr array : {list, more})
    if (array)
      llvm::append_range(names, array.getAsValueRange<StringAttr>());
  llvm::sort(names);
  names.erase(llvm::unique(names), names.end());
  return Builder(list.getContext()).getStrArrayAttr(names);
}

/// Moves `param` to the end of the parameters of `suite`, under a name that is free there.
StringAttr moveParam(ParamOp param, SuiteOp suite, SymbolTable &symbols, StringRef prefix) {
  if (symbols.lookup(param.getSymName()))
    param.setSymName((prefix + "." + param.getSymName()).str());
  Block &body = suite.getBody().front();
  TaskOp first = *suite.getOps<TaskOp>().begin();
  param->moveBefore(&body, Block::iterator(first));
  param->remove();
  return symbols.insert(param, Block::iterator(first));
}

void moveTasks(SuiteOp from, SuiteOp to, const llvm::DenseMap<StringAttr, StringAttr> &renamed) {
  for (TaskOp task : llvm::make_early_inc_range(from.getOps<TaskOp>())) {
    renameParamUses(task, renamed);
    TaskOp last;
    for (TaskOp other : to.getOps<TaskOp>())
      last = other;
    task->moveAfter(last);
  }
}

} // namespace

LogicalResult aac::pinToStored(SuiteOp added, SuiteOp original, SuiteOp stored, bool allowFork) {
  return Matcher(added, original, stored).run(allowFork);
}

LogicalResult aac::linkToStored(SuiteOp added, SuiteOp stored) {
  SymbolTable symbols(stored);
  std::map<Identity, ParamOp> held = byIdentity(stored);
  StringRef prefix = (*added.getOps<TaskOp>().begin()).getSymName();
  llvm::DenseMap<StringAttr, StringAttr> renamed;
  MLIRContext *context = stored.getContext();
  for (ParamOp param : llvm::make_early_inc_range(added.getOps<ParamOp>())) {
    StringAttr old = param.getSymNameAttr();
    if (auto name = param->getAttrOfType<FlatSymbolRefAttr>(kStoredAsAttr)) {
      auto known = symbols.lookup<ParamOp>(name.getAttr());
      FailureOr<Elements<uint8_t>> mine = readBytes(param), theirs = readBytes(known);
      if (failed(mine) || failed(theirs))
        return failure();
      if (param.getFormat() != known.getFormat() || mine->get() != theirs->get())
        return param.emitError()
               << "'" << old.getValue() << "' is stored as '" << known.getSymName()
               << "', but this task makes other codes of it: its attention scale, or a file of "
                  "masks or scores, is not what the suite was compiled with";
      known.setTasksAttr(unite(*known.getTasks(), param.getTasksAttr()));
      renamed[old] = known.getSymNameAttr();
      param.erase();
      continue;
    }
    // The backbone of a single task says "shared"; here it is one of several.
    param.setSharingAttr(SharingAttr::get(context, Sharing::Task));
    if (held.count(identityOf(param)))
      param->setAttr(kForkAttr, StringAttr::get(context, "added"));
    renamed[old] = moveParam(param, stored, symbols, prefix);
  }
  moveTasks(added, stored, renamed);
  size_t all = llvm::range_size(stored.getOps<TaskOp>());
  for (ParamOp param : stored.getOps<ParamOp>())
    if (param.getSharing() != Sharing::Task)
      param.setSharingAttr(SharingAttr::get(
          context, param.getTasks()->size() == all ? Sharing::Shared : Sharing::Subset));
  return success();
}

void aac::linkOriginals(SuiteOp added, SuiteOp original) {
  SymbolTable symbols(original);
  std::map<Identity, ParamOp> held = byIdentity(original);
  StringRef prefix = (*added.getOps<TaskOp>().begin()).getSymName();
  llvm::DenseMap<StringAttr, StringAttr> renamed;
  for (ParamOp param : llvm::make_early_inc_range(added.getOps<ParamOp>())) {
    if (auto same = held.find(identityOf(param)); same != held.end()) {
      FailureOr<Elements<uint8_t>> mine = readBytes(param), theirs = readBytes(same->second);
      if (succeeded(mine) && succeeded(theirs) && mine->get() == theirs->get())
        param.setValueAttr(same->second.getValueAttr());
    }
    StringAttr old = param.getSymNameAttr();
    renamed[old] = moveParam(param, original, symbols, prefix);
  }
  moveTasks(added, original, renamed);
}
