//===- Sharing.h - who uses which parameter ---------------------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_SHARING_H
#define AAC_TRANSFORMS_SHARING_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace aac {

/// Name of the discardable attribute that makes a wanted copy of a parameter explicit.
/// Its value is a string that says why.
inline constexpr llvm::StringLiteral kForkAttr = "aac.fork";

/// The paper's task parameters (adapters, layer norms, pooler, classifier); the others are
/// the backbone's.
bool isTaskRole(ir::Role role);
/// Role of a parameter, `other` where none is given.
ir::Role roleOf(ir::ParamOp param);

/// For each parameter symbol the indices (in module order) of the tasks that read it.
llvm::MapVector<mlir::StringAttr, llvm::SmallVector<unsigned>> usersOfParams(ir::SuiteOp suite);

/// What `aac share` prints; JSON as design.md section 8 has it.
struct SharingReport {
  struct Parameter {
    std::string name, role;
    std::vector<int64_t> shape;
    int64_t bytes = 0; ///< of f32 values
    std::string sharing;
    std::vector<std::string> tasks;
  };
  std::vector<Parameter> parameters; ///< in module order
  int64_t sharedBytes = 0, subsetBytes = 0;
  std::map<std::string, int64_t> taskBytes; ///< every task, also those with 0
  /// What the tasks hold when each is stored alone (each tensor once a task).
  int64_t inputBytes = 0;

  void printText(llvm::raw_ostream &os) const;
  void printJson(llvm::raw_ostream &os) const;
};

/// Reads the attributes that `aac-share` sets. Fails with an error at a parameter that
/// lacks them.
mlir::FailureOr<SharingReport> reportSharing(ir::SuiteOp suite);

} // namespace aac

#endif // AAC_TRANSFORMS_SHARING_H
