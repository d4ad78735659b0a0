//===- BiasSites.h - the biases that can be corrected -----------*- C++ -*-===//
#ifndef AAC_LIB_TRANSFORMS_BIASSITES_H
#define AAC_LIB_TRANSFORMS_BIASSITES_H

#include "aac/Interp/Interpreter.h"
#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/DenseMap.h"

namespace aac {

/// On a bias (f32 elements, [sentences, features]): what the linear that it belongs to should give,
/// as calibration saw it: the mean over the attended tokens of each sentence.
inline constexpr llvm::StringLiteral kTargetAttr = "aac.target";

/// Fewer sentences do not tell chance from error, and correct no bias.
inline constexpr int64_t kLeastSentences = 4;

/// The linears whose bias is a task's own (adapters, pooler, classifier), not all zeros, not
/// stored yet, and added once an inference: what is added there moves nothing else.
class BiasSites {
public:
  explicit BiasSites(ir::SuiteOp suite);
  /// The bias that `op` adds in repetition `repetition` of the loop around it; null if it is none
  /// of them.
  ir::ParamOp lookup(mlir::Operation *op, int64_t repetition) const {
    return sites.lookup({op, repetition});
  }
  bool empty() const { return sites.empty(); }

private:
  llvm::DenseMap<std::pair<mlir::Operation *, int64_t>, ir::ParamOp> sites;
};

/// Sees which tokens are attended.
class AttendedTokens {
public:
  /// Tells of each operation's result, before those that are to be averaged.
  void note(mlir::Operation *op, const interp::Tensor &result);
  /// Which of `rows` rows belong to attended tokens: all, where they are not one a token.
  std::vector<size_t> among(size_t rows) const;
  /// For each sentence the mean of the rows of `tensor` ([sentences, ..., features]) that belong to
  /// attended tokens; of a sentence that has none, of all its rows.
  std::vector<float> meansOfSentences(const interp::Tensor &tensor) const;

private:
  std::vector<bool> attended; ///< of one inference; empty without a mask
  size_t sentences = 0;       ///< that these tokens belong to
};

} // namespace aac

#endif // AAC_LIB_TRANSFORMS_BIASSITES_H
