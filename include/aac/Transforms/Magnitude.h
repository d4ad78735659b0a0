//===- Magnitude.h - which weights are small enough to go -------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_MAGNITUDE_H
#define AAC_TRANSFORMS_MAGNITUDE_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace aac {

/// Sets the floor(fraction * n) elements of least magnitude to zero, ties by position.
/// Zeros count. Returns how many elements other than zero were set. O(n).
int64_t pruneByMagnitude(llvm::MutableArrayRef<float> values, double fraction);

/// One `group:fraction` of a sparsity list.
struct SparsityRule {
  std::vector<ir::Role> roles;
  double fraction;
};
/// Parses "embedding:0.6,encoder:0.5". On failure `error` says what is wrong.
mlir::FailureOr<std::vector<SparsityRule>> parseSparsity(llvm::StringRef text, std::string &error);

} // namespace aac

#endif // AAC_TRANSFORMS_MAGNITUDE_H
