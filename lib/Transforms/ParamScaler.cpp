//===- ParamScaler.cpp - moves factors into parameters --------------------===//
#include "ParamScaler.h"

#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include <map>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {
/// One place that names a parameter: a use, or one repetition of a use_each.
struct Reference {
  Operation *op;
  size_t position;
};
} // namespace

/// Gives each use operation readers of one factor only, copying it where needed.
static llvm::MapVector<Operation *, double>
factorsOfUses(SuiteOp suite, const llvm::DenseMap<OpOperand *, double> &demands) {
  SmallVector<Operation *> uses;
  suite.walk([&](Operation *op) {
    if (isa<UseOp, UseEachOp>(op))
      uses.push_back(op);
  });
  llvm::MapVector<Operation *, double> factors;
  for (Operation *use : uses) {
    std::map<double, SmallVector<OpOperand *>> groups;
    for (OpOperand &operand : use->getUses()) {
      auto it = demands.find(&operand);
      groups[it == demands.end() ? 1.0 : it->second].push_back(&operand);
    }
    bool first = true;
    for (auto &[factor, operands] : groups) {
      Operation *own = use;
      if (!first) {
        OpBuilder builder(use);
        own = builder.clone(*use);
        for (OpOperand *operand : operands)
          operand->set(own->getResult(0));
      }
      first = false;
      factors[own] = factor;
    }
  }
  return factors;
}

static void setSymbol(Reference reference, FlatSymbolRefAttr symbol) {
  if (auto use = dyn_cast<UseOp>(reference.op)) {
    use.setParamAttr(symbol);
    return;
  }
  auto each = cast<UseEachOp>(reference.op);
  SmallVector<Attribute> symbols = llvm::to_vector(each.getParams());
  symbols[reference.position] = symbol;
  each.setParamsAttr(ArrayAttr::get(symbol.getContext(), symbols));
}

/// Multiplies the values of `param`.
static LogicalResult scale(ParamOp param, double factor) {
  FailureOr<Elements<float>> values = readFloats(param);
  if (failed(values))
    return failure();
  std::vector<float> scaled(values->get().size());
  llvm::transform(values->get(), scaled.begin(),
                  [&](float v) { return static_cast<float>(v * factor); });
  writeFloats(param, std::move(scaled));
  return success();
}

FailureOr<unsigned> ParamScaler::apply(SuiteOp suite) {
  SymbolTable symbols(suite);
  llvm::MapVector<Operation *, std::map<double, SmallVector<Reference>>> references;
  for (auto &[use, factor] : factorsOfUses(suite, demands))
    for (auto [position, param] : llvm::enumerate(paramsBehind(use->getResult(0), symbols)))
      references[param][factor].push_back({use, position});

  unsigned count = 0;
  for (auto &[op, byFactor] : references) {
    auto param = cast<ParamOp>(op);
    // The original stays for readers without a factor, or takes up the first one.
    double own = byFactor.count(1.0) ? 1.0 : byFactor.begin()->first;
    for (auto &[factor, readers] : byFactor) {
      if (factor == own)
        continue;
      auto copy = cast<ParamOp>(param->clone());
      copy->setAttr(kForkAttr, StringAttr::get(suite.getContext(), "scaled"));
      symbols.insert(copy, std::next(Block::iterator(param)));
      for (Reference reader : readers)
        setSymbol(reader, FlatSymbolRefAttr::get(copy.getSymNameAttr()));
      if (failed(scale(copy, factor)))
        return failure();
      ++count;
    }
    if (own == 1.0)
      continue;
    if (failed(scale(param, own)))
      return failure();
    ++count;
  }
  return count;
}
