//===- Sharing.h - who uses which parameter ---------------------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_SHARING_H
#define AAC_TRANSFORMS_SHARING_H

#include "aac/Numerics/AdaptivFloat.h"
#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
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

/// Replaces symbols of parameters in the uses below `root` as `renamed` says.
void renameParamUses(mlir::Operation *root,
                     const llvm::DenseMap<mlir::StringAttr, mlir::StringAttr> &renamed);

/// Two parameters that differ in their bytes only.
struct NearDuplicate {
  enum class Kind { Transposed, Quantised };
  ir::ParamOp first, second; ///< in module order
  Kind kind = Kind::Quantised;
  double largestDifference = 0; ///< between elements that correspond
};

/// Parameters of one type and role whose codes in `format` are equal, each under the exponent
/// of its own largest value, told as (first of them, other); and matrices that are each
/// other's transposes. Left out are linear biases (never codes), constants of a task role
/// and wanted copies. Linear in the bytes of parameters that have a partner of their shape, on
/// all cores. Fails where bytes are missing.
mlir::FailureOr<std::vector<NearDuplicate>> findNearDuplicates(ir::SuiteOp suite,
                                                               AdaptivFloatFormat format);

/// What `aac share` prints; JSON as design.md section 8 has it.
struct SharingReport {
  struct Parameter {
    std::string name, role;
    std::vector<int64_t> shape;
    int64_t bytes = 0; ///< of f32 values
    std::string sharing;
    std::vector<std::string> tasks;
    /// Where the first of the tasks reads it: "linear weight, layers 0-11".
    std::vector<std::string> usedBy;
    /// Bytes that storing it once saves.
    int64_t savedBytes() const {
      return bytes * (static_cast<int64_t>(std::max<size_t>(tasks.size(), 1)) - 1);
    }
  };
  struct Near {
    std::string first, second, kind; ///< "transposed" or "quantised"
    int64_t bytes = 0;               ///< of one of them
    double largestDifference = 0;
  };
  std::vector<Parameter> parameters; ///< in module order
  std::vector<Near> nearDuplicates;
  int64_t sharedBytes = 0, subsetBytes = 0;
  std::map<std::string, int64_t> taskBytes; ///< every task, also those with 0
  /// What the tasks hold when each is stored alone (each tensor once a task).
  int64_t inputBytes = 0;

  void printText(llvm::raw_ostream &os) const;
  void printJson(llvm::raw_ostream &os) const;
};

/// Reads the attributes that `aac-share` sets, and looks for near-duplicates in `format`. Fails
/// with an error at a parameter that lacks them or its bytes.
mlir::FailureOr<SharingReport> reportSharing(ir::SuiteOp suite, AdaptivFloatFormat format = {});

/// For each parameter where the first task that reads it does so, as in
/// SharingReport::Parameter.
llvm::MapVector<mlir::StringAttr, std::vector<std::string>> describeUses(ir::SuiteOp suite);

} // namespace aac

#endif // AAC_TRANSFORMS_SHARING_H
