//===- ParamScaler.h - moves factors into parameters ------------*- C++ -*-===//
//
// aac-expand-adapters and aac-fold-scales both replace "factor * (w x + b)" by other
// parameters. One parameter may have many readers, in several tasks: it is scaled in
// place where all agree, and copied (marked aac.fork) where they do not.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_TRANSFORMS_PARAMSCALER_H
#define AAC_LIB_TRANSFORMS_PARAMSCALER_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/DenseMap.h"

namespace aac {

class ParamScaler {
public:
  /// `operand` is to read its parameter(s) times `factor`; factors asked for twice multiply.
  void demand(mlir::OpOperand &operand, double factor) {
    demands.try_emplace(&operand, 1.0).first->second *= factor;
  }

  /// Scales and copies. Returns how many parameters took up a factor; fails with an error at a
  /// parameter whose values cannot be read.
  mlir::FailureOr<unsigned> apply(ir::SuiteOp suite);

private:
  llvm::DenseMap<mlir::OpOperand *, double> demands;
};

} // namespace aac

#endif // AAC_LIB_TRANSFORMS_PARAMSCALER_H
