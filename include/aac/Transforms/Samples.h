//===- Samples.h - the sentences a suite is measured on ---------*- C++ -*-===//
#ifndef AAC_TRANSFORMS_SAMPLES_H
#define AAC_TRANSFORMS_SAMPLES_H

#include "aac/Interp/Interpreter.h"
#include "dialects/AAC/AACDialect.h"
#include <vector>

namespace aac {

/// Inputs of one inference, in the order of the task's block arguments.
using Sentence = std::vector<interp::Tensor>;

/// The sentences of each task of `suite`, in the order of the tasks. `samples` is a list of
/// `task=path.npz`: arrays named as the task's inputs, or `in.<i>.<input>` for several cases, all
/// of which are read. A task that is not named gets pseudo-random ones, always the same:
/// one with all tokens attended and, if it has a mask, one with the first alone. Errors at
/// the suite or the task: a list that cannot be read, a task that is not there, arrays that
/// are missing or have another shape.
mlir::FailureOr<std::vector<std::vector<Sentence>>> samplesOf(ir::SuiteOp suite,
                                                              llvm::StringRef samples);

/// True if `samples`, a list as samplesOf() takes it, names `task`.
bool hasSamples(llvm::StringRef samples, llvm::StringRef task);

/// What a task is calibrated on.
struct CalibrationSet {
  std::vector<Sentence> batches; ///< several sentences in each where interp::followsInputs()
  int64_t samples = 0;           ///< sentences of the user's; 0: pseudo-random ones
  /// Sentences of the first batch, which biases are corrected on.
  int64_t sentencesOfFirst() const {
    return batches.empty() || batches[0].empty() || batches[0][0].shape.empty()
               ? 0
               : batches[0][0].shape[0];
  }
};

/// The sentences that each task of `suite` is calibrated on, in the order of the tasks, in batches
/// of at most 2048 tokens: those of samplesOf(), but pseudo-random ones have at most 16 tokens, of
/// which all, three quarters, a half and a quarter are attended in turn; they are 64 to 512
/// tokens together, fewer of larger models. Where the first token alone is attended there are 8.
/// Errors as of samplesOf().
mlir::FailureOr<std::vector<CalibrationSet>> calibrationSets(ir::SuiteOp suite,
                                                             llvm::StringRef samples);

} // namespace aac

#endif // AAC_TRANSFORMS_SAMPLES_H
