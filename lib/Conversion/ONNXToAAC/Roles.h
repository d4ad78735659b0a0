//===- Roles.h - what a raised task's parameters are for --------*- C++ -*-===//
//
// A parameter's role follows from how values flow through the operations that read it, never
// from its name. This is the one place that decides it.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_CONVERSION_ONNXTOAAC_ROLES_H
#define AAC_LIB_CONVERSION_ONNXTOAAC_ROLES_H

#include "dialects/AAC/AACDialect.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include <string>

namespace aac::raise {

/// What an operation is in a layer.
enum class LayerPart {
  None,
  FfnIn,       ///< first linear of the feed-forward block
  FfnOut,      ///< second one
  AdapterDown, ///< of a bottleneck adapter
  AdapterUp,
  AdapterNorm, ///< a layer norm of an adapter's own
  LoraDown,    ///< A of y = W x + scale B (A x)
  LoraUp       ///< B
};

/// A linear, a function and a linear back to as many features.
struct LinearPair {
  ir::LinearOp down;
  ir::ActivationFnOp function;
  ir::LinearOp up;
  int64_t layer; ///< attentions behind its input
};

/// The layers of a task whose operations are linears, functions, additions, layer norms and
/// attention: which of its linear pairs are feed-forward blocks, which adapters, which LoRA.
///
/// Each layer has one feed-forward block: the first block that starts neither at a projection
/// (an adapter stands behind the dense layer, a feed-forward block behind a normalised sum)
/// nor behind another such block; of several in parallel the one without a scale, then the
/// widest. All others are adapters, whatever their size. In a task without attention a block
/// that narrows is an adapter. A pair of linears without a function, added to a linear of the
/// same input, is LoRA.
class Structure {
public:
  explicit Structure(ir::TaskOp task);

  LayerPart partOf(mlir::Operation *op) const { return parts.lookup(op); }
  /// For a LoRA linear the linear that it adapts, else `op` itself.
  ir::LinearOp adapted(ir::LinearOp op) const;
  /// What the rest of the task sees of a linear: itself, or its sum with LoRA.
  mlir::Value whole(ir::LinearOp op) const;
  /// The linear whose whole() is `value`; null if there is none.
  ir::LinearOp linearBehind(mlir::Value value) const;
  /// Attentions behind a value.
  int64_t layerOf(mlir::Value value) const { return layers.lookup(value); }
  llvm::ArrayRef<LinearPair> allBlocks() const { return blocks; }

private:
  void findLora(ir::TaskOp task);
  void findBlocks(ir::TaskOp task);
  void classify(llvm::ArrayRef<LinearPair> layer, bool hasAttention);
  void findNorms(ir::TaskOp task);
  bool startsAtProjection(const LinearPair &block) const;
  bool isBehind(const LinearPair &block, const LinearPair &other) const;

  llvm::DenseMap<mlir::Operation *, LayerPart> parts;
  llvm::DenseMap<mlir::Value, int64_t> layers;
  llvm::DenseMap<mlir::Value, ir::LinearOp> sums;        ///< LoRA sum -> its linear
  llvm::DenseMap<mlir::Operation *, mlir::Value> wholes; ///< linear -> its LoRA sum
  llvm::DenseMap<mlir::Operation *, ir::LinearOp> bases; ///< LoRA linear -> what it adapts
  llvm::SmallVector<LinearPair> blocks;
};

/// Takes each aac.requantise of a task out of the flow of values while this lives: what reads the
/// rounded value reads its input. Structure and purposes follow from the rest.
class WithoutRounding {
public:
  explicit WithoutRounding(ir::TaskOp task);
  ~WithoutRounding();
  WithoutRounding(const WithoutRounding &) = delete;
  WithoutRounding &operator=(const WithoutRounding &) = delete;

  /// For an aac.requantise that adds a bias the linear whose result it rounds, else null.
  ir::LinearOp productBehind(mlir::Operation *op) const;

private:
  struct Bypass {
    ir::RequantiseOp op;
    mlir::Value input;
    llvm::SmallVector<mlir::OpOperand *> uses;
  };
  llvm::SmallVector<Bypass> bypasses;
};

/// Replaces the adapters of `structure` that are x + scale * up(f(down(x))), with both biases, by
/// aac.adapter.
void formAdapters(ir::TaskOp task, const Structure &structure);

/// What a parameter is for, seen from the operation that reads it.
struct Purpose {
  ir::Role role = ir::Role::Other;
  std::string name; ///< such as "layer_3_query_weight"
};

/// The purpose of each reading of a parameter in a task.
class Purposes {
public:
  Purposes(ir::TaskOp task, const Structure &structure);
  Purpose of(mlir::OpOperand &use) const { return purposes.lookup(&use); }

private:
  void note(mlir::Operation *op, unsigned operand, ir::Role role, const llvm::Twine &name) {
    purposes[&op->getOpOperand(operand)] = {role, name.str()};
  }
  void linear(ir::LinearOp op);
  Purpose purposeOf(ir::LinearOp op);

  const Structure &structure;
  llvm::DenseMap<mlir::OpOperand *, Purpose> purposes;
  int64_t norms = 0, adapters = 0, others = 0;
};

} // namespace aac::raise

#endif // AAC_LIB_CONVERSION_ONNXTOAAC_ROLES_H
