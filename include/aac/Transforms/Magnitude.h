//===- Magnitude.h - which weights are small enough to go -------*- C++ -*-===//
//
// Pruning as arithmetic on arrays. Elements are compared by keys: the larger the key, the
// more an element matters. An element that is zero already has the smallest key, so that
// it counts among those to go.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TRANSFORMS_MAGNITUDE_H
#define AAC_TRANSFORMS_MAGNITUDE_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace aac {

/// One key an element: magnitudes where `scores` is empty (NaN matters most), else the scores
/// (of as many elements, signed as movement pruning has them).
std::vector<uint32_t> importanceOf(llvm::ArrayRef<float> values, llvm::ArrayRef<float> scores);
/// One key for each 16 elements of a row of `columns` (the last of a row may have fewer): the
/// sum of squares, or of the scores; 0 where all elements are zero.
std::vector<double> importanceOfVectors(llvm::ArrayRef<float> values, llvm::ArrayRef<float> scores,
                                        int64_t columns);

/// How many keys of each list are among the `count` smallest of all lists together, ties by
/// order. O(n).
std::vector<size_t> countSmallest(llvm::ArrayRef<std::vector<uint32_t>> lists, size_t count);
std::vector<size_t> countSmallest(llvm::ArrayRef<std::vector<double>> lists, size_t count);

/// Sets the `count` elements with the smallest keys to zero, ties by position. Returns how
/// many elements other than zero were set. O(n).
int64_t zeroSmallest(llvm::MutableArrayRef<float> values, llvm::ArrayRef<uint32_t> keys,
                     size_t count);
/// The same for whole vectors of rows of `columns`.
int64_t zeroSmallestVectors(llvm::MutableArrayRef<float> values, llvm::ArrayRef<double> keys,
                            int64_t columns, size_t count);
/// Leaves the `n` elements with the largest keys of each `m` along a row (of what is left, at the
/// end of a row), the last where keys are equal.
int64_t zeroAllButNofM(llvm::MutableArrayRef<float> values, llvm::ArrayRef<uint32_t> keys,
                       int64_t columns, int n, int m);

/// Sets the floor(fraction * n) elements of least magnitude to zero, ties by position.
/// Zeros count. Returns how many elements other than zero were set. O(n).
int64_t pruneByMagnitude(llvm::MutableArrayRef<float> values, double fraction);

/// Vectors of 16 elements of rows of `columns`, and how many of them are zero throughout.
struct VectorCount {
  int64_t all = 0, null = 0;
};
VectorCount countNullVectors(llvm::ArrayRef<float> values, int64_t columns);

/// One `group:amount` of a sparsity list.
struct SparsityRule {
  enum class Shape { Elements, Vectors, NofM };
  std::vector<ir::Role> roles;
  Shape shape = Shape::Elements;
  double fraction = 0; ///< of elements or vectors
  int n = 0, m = 0;    ///< NofM: at most n of m are not zero
};
/// Parses "embedding:0.6,attention:2:4,ffn:vector:0.5". On failure `error` says what is wrong.
mlir::FailureOr<std::vector<SparsityRule>> parseSparsity(llvm::StringRef text, std::string &error);

/// How to choose: a list of `global`, `masks=FILE` and `scores=FILE`.
struct PruneMethod {
  bool global = false; ///< one threshold for all tensors of a rule, not one each
  std::string masks, scores;
};
mlir::FailureOr<PruneMethod> parsePruneMethod(llvm::StringRef text, std::string &error);

} // namespace aac

#endif // AAC_TRANSFORMS_MAGNITUDE_H
