//===- ActivationLayout.h - activations as the engine holds them -*- C++ -*-===//
//
// What encode, place, tile and lower must agree on: how the features of each
// activation are padded, which values exist in a tier's memory at all, and which
// operations are carried out together. Everything is derived from the graph, so that
// nothing can disagree.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_TRANSFORMS_ACTIVATIONLAYOUT_H
#define AAC_TRANSFORMS_ACTIVATIONLAYOUT_H

#include "aac/Machine/Machine.h"
#include "aac/Numerics/Layout.h"
#include "dialects/AAC/AACDialect.h"

namespace aac::ir {

/// The last axis of an activation. With a group (the head width, where it is no multiple
/// of 16) every `group` features are padded to a multiple of 16 of their own.
struct FeatureLayout {
  int64_t features = 0, group = 0;
  int64_t padded() const {
    return group ? features / group * roundUp(group, kLanes) : roundUp(features, kLanes);
  }
  /// Position of feature `f` among the padded ones.
  int64_t position(int64_t f) const {
    return group ? f / group * roundUp(group, kLanes) + f % group : f;
  }
  /// Vectors of 16 a token.
  int64_t vectors() const { return padded() / kLanes; }
  /// Lanes of the last vector that hold no feature (without groups).
  int64_t padLanes() const { return padded() - features; }
};

/// The layouts of one task's activations.
class ActivationLayout {
public:
  /// Errors name the operation that cannot keep a head padding.
  static mlir::FailureOr<ActivationLayout> compute(TaskOp task);
  FeatureLayout operator[](mlir::Value value) const;

private:
  llvm::DenseMap<mlir::Value, int64_t> groups;
};

/// Tokens of an activation: axis 1 of [1, tokens, features], 1 of [1, features].
int64_t tokensOf(mlir::Value value);

/// A relu that the engine applies in the same command as the linear before it.
bool isFusedRelu(ActivationFnOp op);
/// The linear's result as the engine writes it: after a fused relu, the relu's result.
mlir::Value resultOf(LinearOp op);
/// `value` is needed transposed only and its linear writes it that way.
bool isWrittenTransposed(mlir::Value value);
/// `op` is an add or layer norm whose result may stay in the engine for the next one.
bool continuesInEngine(mlir::Operation *op);
/// `value` lies in a tier's memory (false: it stays in the engine or is a view).
bool isMaterialised(mlir::Value value);
/// True for the softmax of an attention, which never leaves the engine; false for one that makes
/// an output of the task.
bool isAttentionSoftmax(SoftmaxOp op);
/// The chain of adds and layer norms, first to last, that ends with `last`.
llvm::SmallVector<mlir::Operation *> engineChain(mlir::Operation *last);

/// Where a materialised activation or view lies, as aac-place decided; null before.
BufferAttr bufferOf(mlir::Value value);
/// Bytes of an activation's buffer: tokens and features padded to 16.
int64_t bufferBytes(mlir::Value value, const ActivationLayout &layout);

/// The machine a pass compiles for. Fails with an error at `op` that says why it does not load.
mlir::FailureOr<Machine> loadMachine(mlir::Operation *op, llvm::StringRef name);

} // namespace aac::ir

#endif // AAC_TRANSFORMS_ACTIVATIONLAYOUT_H
