//===- Patterns.h - the patterns that raising knows -------------*- C++ -*-===//
//
// Two layers. A `...Parts` function proves that a value is computed by a pattern and says from
// what: structure, constants, axes and types. A `match...` function turns that into a Match:
// the values that must be raised first and how to write the aac operation. The planner
// (RaiseONNX.cpp) asks the matchers in a fixed order, from the graph's outputs backwards.
//
// `why` gets the reason when a value has a pattern's shape but one of its constants, axes or
// types is not the pattern's: the near-miss that the user is told about.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_CONVERSION_ONNXTOAAC_PATTERNS_H
#define AAC_LIB_CONVERSION_ONNXTOAAC_PATTERNS_H

#include "Graph.h"
#include "Parameters.h"
#include "aac/Numerics/Int8.h"
#include "dialects/AAC/AACDialect.h"
#include <functional>

namespace aac::raise {

/// Writes aac operations for one match.
class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, TaskParameters &parameters)
      : builder(builder), parameters(parameters) {}

  mlir::OpBuilder &builder;
  mlir::Location loc = builder.getUnknownLoc();
  std::string error; ///< why the last emission failed

  /// Reads a weight as [out, in]; `inOut` says that the matrix seen is [in, out].
  mlir::Value matrix(const Constant &constant, bool inOut, int64_t out, int64_t in,
                     llvm::StringRef name) {
    return parameters.matrix(builder, loc, constant, inOut, out, in, name);
  }
  /// The rows `taken` of such a weight.
  mlir::Value rows(const Constant &constant, bool inOut, int64_t out, int64_t in,
                   const Rows &taken) {
    return parameters.rows(builder, loc, constant, inOut, out, in, taken);
  }
  /// Reads a constant in the given shape (the same elements in row-major order).
  mlir::Value tensor(const Constant &constant, llvm::ArrayRef<int64_t> shape,
                     llvm::StringRef name) {
    return parameters.tensor(builder, loc, constant, shape, name);
  }
  /// The elements `taken` of a vector of `size`.
  mlir::Value elements(const Constant &constant, int64_t size, const Rows &taken) {
    return parameters.elements(builder, loc, constant, size, taken);
  }
  /// A tensor of f32 like `like` with another last dimension.
  mlir::RankedTensorType withWidth(mlir::Value like, int64_t width);
  mlir::RankedTensorType floats(llvm::ArrayRef<int64_t> shape) {
    return mlir::RankedTensorType::get(shape, builder.getF32Type());
  }
  /// Remembers the reason; returns a null value.
  mlir::Value fail(std::string reason) {
    error = std::move(reason);
    return nullptr;
  }

private:
  TaskParameters &parameters;
};

/// How one value is raised.
struct Match {
  llvm::StringRef pattern;               ///< what it was recognised as
  llvm::SmallVector<mlir::Value> inputs; ///< values to raise first
  /// Writes the operations for the raised inputs; null with Emitter::error on failure.
  std::function<mlir::Value(Emitter &, llvm::ArrayRef<mlir::Value>)> emit;
  llvm::SmallVector<mlir::Operation *> nodes; ///< the nodes that it stands for
};

/// y = scale * (x * transposed weight + bias).
struct LinearParts {
  mlir::Value input;
  Constant weight;
  bool inOut; ///< the weight seen is [in, out]
  std::optional<Constant> bias;
  int64_t in, out;
  float scale = 1.0f;
};
/// True when `constant` is a vector of `width` elements along the last axis.
bool isVector(const Constant &constant, int64_t width);
std::optional<LinearParts> linearParts(Graph &graph, mlir::Value value, std::string &why);
/// Names of weight and bias; where the file names only one of them, the other follows it.
std::pair<std::string, std::string> linearNames(const LinearParts &parts);
/// Writes the linear of `parts` on a raised input.
mlir::Value emitLinear(Emitter &emitter, const LinearParts &parts, mlir::Value input);
/// Writes the sum of two raised values, which must have one type.
mlir::Value emitAdd(Emitter &emitter, mlir::Value lhs, mlir::Value rhs);

/// One feature of each token, without its axis: `input` is `shape` and a last axis of size 1.
mlir::Value emitSqueeze(Emitter &emitter, mlir::Value input, llvm::ArrayRef<int64_t> shape);

/// One of n packed projections: some features of `whole`, a value that is viewed as
/// [batch, tokens, n, ...], [batch, tokens, heads, n, size] or [batch, tokens, heads, n * size].
/// `shape` is that without n; axis i of the part is its axis axes[i].
struct PackedPart {
  mlir::Value whole;
  llvm::SmallVector<int64_t> shape, axes;
  Rows features;
};
std::optional<PackedPart> packedPart(Graph &graph, mlir::Value value);

struct ActivationParts {
  ir::ActivationKind kind;
  mlir::Value input;
};
std::optional<ActivationParts> activationParts(Graph &graph, mlir::Value value, std::string &why);

/// What is added to (or takes the place of) the scores of keys, by an input of the model.
struct MaskParts {
  mlir::Value mask; ///< the input, [batch or 1, keys] or [batch or 1, 1, 1, keys]
  ir::MaskRule rule;
  float constant;
};
/// `value` as a mask that is added to scores: 0 for keys that count.
std::optional<MaskParts> maskParts(Graph &graph, mlir::Value value, std::string &why);
/// The same for a Where that puts `constant` in the place of scores where `condition` is
/// `fillsWhen`.
std::optional<MaskParts> fillParts(Graph &graph, mlir::Value condition, bool fillsWhen,
                                   float constant, std::string &why);
mlir::Value emitMask(Emitter &emitter, const MaskParts &parts, mlir::Value mask);
/// True when broadcasting `from` to `to` keeps sentences on the first axis and keys on the last.
bool keepsAxes(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);

/// Each returns true and fills `match` when `value` (already canonical) is that pattern.

/// A value rounded to 8-bit codes, and maybe a bias added to that.
struct RequantiseParts {
  mlir::Value input;
  Int8Scale to;
  std::optional<Constant> bias;
};
/// `value` as a DequantizeLinear of a QuantizeLinear with the same constants.
std::optional<RequantiseParts> requantiseParts(Graph &graph, mlir::Value value, std::string &why);

bool matchRequantise(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchLinear(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchActivation(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchLayerNorm(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchEmbedding(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchBiasedSum(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchAdd(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchPart(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchSelect(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchContext(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchSoftmax(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchScores(Graph &graph, mlir::Value value, Match &match, std::string &why);
bool matchMask(Graph &graph, mlir::Value value, Match &match, std::string &why);

} // namespace aac::raise

#endif // AAC_LIB_CONVERSION_ONNXTOAAC_PATTERNS_H
