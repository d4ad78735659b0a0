//===- Interpreter.h - the f32 reference interpreter ------------*- C++ -*-===//
//
// Evaluates the graph of one task, on `onnx` IR (lib/Interp/OnnxInterpreter.cpp) or on
// `aac` IR (lib/Interp/AacInterpreter.cpp): f32 on a BLAS, one pure function an op. On
// quantised aac IR, parameters are decoded from their codes and, with
// `roundActivations`, each result is rounded to its format: the ideal that the engine's
// integer arithmetic is measured against.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_INTERP_INTERPRETER_H
#define AAC_INTERP_INTERPRETER_H

#include "absl/status/statusor.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac::interp {

/// How a tensor's elements are held: floats (f16, bf16 and f64 inputs are converted)
/// or integers (all integer types and bool, widened).
enum class Kind { Float, Integer };

/// A dense row-major tensor. Copy is deep; move where you can.
struct Tensor {
  Kind kind = Kind::Float;
  std::vector<int64_t> shape;
  std::vector<float> f;   ///< Kind::Float
  std::vector<int64_t> i; ///< Kind::Integer

  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : shape)
      n *= d;
    return n;
  }
  static Tensor floats(std::vector<int64_t> shape) {
    Tensor t;
    t.shape = std::move(shape);
    t.f.resize(t.size());
    return t;
  }
  static Tensor integers(std::vector<int64_t> shape) {
    Tensor t;
    t.kind = Kind::Integer;
    t.shape = std::move(shape);
    t.i.resize(t.size());
    return t;
  }
};

class Parameters;

struct Options {
  /// Round every result that has a `format` to it (aac IR only).
  bool roundActivations = false;
  /// Called with every value computed, in order; in loops once per repetition.
  llvm::function_ref<void(mlir::Value, const Tensor &)> observe = nullptr;
  /// May change a result before it is rounded (aac IR only): its operation, the repetition of the
  /// loop around it (else 0), and the values.
  llvm::function_ref<void(mlir::Operation *, int64_t, Tensor &)> revise = nullptr;
  /// Batch and length are those of the inputs, not of their types (aac IR that followsInputs()).
  bool shapesOfInputs = false;
  /// What earlier inferences on the same suite have read (aac IR only); null: this one reads its
  /// own.
  Parameters *parameters = nullptr;
};

/// Evaluates an `onnx.graph` or an `aac.task` on `inputs`, one for each block argument in
/// order. Returns its outputs in order. Errors name the op and its location.
absl::StatusOr<std::vector<Tensor>> evaluate(mlir::Operation *graph, std::vector<Tensor> inputs,
                                             const Options &options = {});
/// True if `task` (an aac.task) means the same for sentences of other number and length than its
/// types say, up to their length: all inputs are integers of one shape [batch, tokens], and nothing
/// else but ids of positions has a length of its own.
bool followsInputs(mlir::Operation *task);
/// The two implementations behind evaluate().
absl::StatusOr<std::vector<Tensor>> evaluateOnnx(mlir::Operation *graph, std::vector<Tensor> inputs,
                                                 const Options &options);
absl::StatusOr<std::vector<Tensor>> evaluateAac(mlir::Operation *task, std::vector<Tensor> inputs,
                                                const Options &options);

} // namespace aac::interp

#endif // AAC_INTERP_INTERPRETER_H
