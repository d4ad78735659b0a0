//===- Kernels.h - tensor functions of the interpreter ----------*- C++ -*-===//
//
// Pure functions on interp::Tensor, row-major. Floats are f32 (sums of normalisations in
// f64); integers are int64 and wrap; bools are integers 0 and 1. Shapes that do not fit are
// errors, not assertions: the interpreter also serves hand-written IR.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_INTERP_KERNELS_H
#define AAC_INTERP_KERNELS_H

#include "aac/Interp/Interpreter.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace aac::interp {

class PackedMatrix;
using Shape = std::vector<int64_t>;

/// "[1, 128, 768]" for messages.
std::string shapeText(absl::Span<const int64_t> shape);

/// Element-wise functions of one operand. Those from Ceil on are for floats only.
enum class Unary {
  Abs,
  Neg,
  Relu,
  Sign,
  Not, ///< integers: x == 0
  Ceil,
  Cos,
  Erf,
  Exp,
  Floor,
  GeluErf,  ///< 0.5 x (1 + erf(x / sqrt 2))
  GeluTanh, ///< 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
  Log,
  Reciprocal,
  Sigmoid,
  Silu, ///< x sigmoid(x)
  Sin,
  Softplus,
  Sqrt,
  Tanh
};
absl::StatusOr<Tensor> unary(Unary function, const Tensor &x);

/// Element-wise functions of two operands with numpy's broadcasting. Comparisons and
/// logic give integers 0 and 1. Pow's result has the kind of `a`; the others need one kind.
enum class Binary {
  Add,
  Sub,
  Mul,
  Div, ///< integers truncate; division by zero is an error
  Pow,
  Max,
  Min,
  FloorMod, ///< sign of b, integers
  Fmod,     ///< sign of a
  Equal,
  Less,
  LessOrEqual,
  Greater,
  GreaterOrEqual,
  And,
  Or,
  Xor
};
absl::StatusOr<Tensor> binary(Binary function, const Tensor &a, const Tensor &b);

/// `a` where `condition` is not 0, else `b`; all broadcast.
absl::StatusOr<Tensor> where(const Tensor &condition, const Tensor &a, const Tensor &b);

/// numpy.matmul: operands of rank 1 and more, batches broadcast.
absl::StatusOr<Tensor> matmul(const Tensor &a, const Tensor &b);
/// alpha a' b' + beta c for matrices; ' transposes where asked; `c` (may be null) is broadcast.
absl::StatusOr<Tensor> gemm(const Tensor &a, const Tensor &b, const Tensor *c, float alpha,
                            float beta, bool transA, bool transB);
/// A weight [out, in] laid out for linear(), once for all products with it.
absl::StatusOr<std::shared_ptr<const PackedMatrix>> packWeight(const Tensor &weight);
/// x [..., in] times transposed `weight` [out, in], plus `bias` [out] (may be null). Large products
/// run on the threads of `context`, if given.
absl::StatusOr<Tensor> linear(const Tensor &x, const PackedMatrix &weight, const Tensor *bias,
                              mlir::MLIRContext *context = nullptr);
/// Einsum of one or two operands; terms as letters, such as {"bfnd", "ndh"} -> "bfh".
absl::StatusOr<Tensor> einsum(absl::Span<const std::string> terms, const std::string &output,
                              absl::Span<const Tensor *const> operands);

/// exp(x - max) / sum along `axis`; `log` takes the logarithm of it.
absl::StatusOr<Tensor> softmax(const Tensor &x, int64_t axis, bool log = false);
/// (x - mean) / sqrt(variance + epsilon) * scale + bias over the axes from `axis` on; scale and
/// bias are broadcast to them, `bias` may be null.
absl::StatusOr<Tensor> layerNorm(const Tensor &x, const Tensor &scale, const Tensor *bias,
                                 double epsilon, int64_t axis = -1);

/// Codes round(x / scale) + zero, halves to even, limited to [low, high]. `scale` and `zero` (may
/// be null: 0) have one element or one for each slice along `axis`. Scales that are not finite
/// and positive are an error.
absl::StatusOr<Tensor> quantizeLinear(const Tensor &x, const Tensor &scale, const Tensor *zero,
                                      int64_t axis, int64_t low, int64_t high);
/// (x - zero) * scale, operands as above.
absl::StatusOr<Tensor> dequantizeLinear(const Tensor &x, const Tensor &scale, const Tensor *zero,
                                        int64_t axis);
/// The error of a scale that is not finite and positive.
absl::Status checkScales(const Tensor &scale);

enum class Reduction { Sum, Mean, Prod, Max, Min };
/// Reduces the (resolved, sorted) `axes`; they stay as size 1 when `keepDims`.
absl::StatusOr<Tensor> reduce(Reduction reduction, const Tensor &x, absl::Span<const int64_t> axes,
                              bool keepDims);

/// The same elements in another shape.
absl::StatusOr<Tensor> reshape(Tensor x, Shape shape);
/// Result axis i is axis perm[i] of x.
absl::StatusOr<Tensor> transpose(const Tensor &x, absl::Span<const int64_t> perm);
/// x broadcast to `shape` (numpy's rule; `shape` is the final one).
absl::StatusOr<Tensor> broadcastTo(const Tensor &x, absl::Span<const int64_t> shape);
/// Slices of `data` along `axis`; negative indices count from the end, others outside are an
/// error that names index and size.
absl::StatusOr<Tensor> gather(const Tensor &data, const Tensor &indices, int64_t axis);
/// Elements starts[i] + j * steps[i], j < counts[i], of each axis i.
absl::StatusOr<Tensor> slice(const Tensor &x, absl::Span<const int64_t> starts,
                             absl::Span<const int64_t> steps, absl::Span<const int64_t> counts);
absl::StatusOr<Tensor> concat(absl::Span<const Tensor *const> parts, int64_t axis);
/// Zero outside the upper (or lower) triangle of each matrix, `k` diagonals right of the main one.
absl::StatusOr<Tensor> trilu(const Tensor &x, int64_t k, bool upper);
/// Running sums along `axis`; `exclusive` leaves the element itself out.
absl::StatusOr<Tensor> cumulativeSum(const Tensor &x, int64_t axis, bool exclusive, bool reverse);
/// Index of the largest (or smallest) element along `axis`, of equals the first or the last.
absl::StatusOr<Tensor> argReduce(const Tensor &x, int64_t axis, bool largest, bool keepDims,
                                 bool last);
/// y[i][j] = data[indices[i][j]][j] for axis 0, and so on.
absl::StatusOr<Tensor> gatherElements(const Tensor &data, const Tensor &indices, int64_t axis);
enum class PadMode { Constant, Reflect, Edge, Wrap };
/// x from position `before` of a tensor of `shape`; `value` (null: zero) for PadMode::Constant.
absl::StatusOr<Tensor> pad(const Tensor &x, absl::Span<const int64_t> before,
                           absl::Span<const int64_t> shape, PadMode mode, const Tensor *value);
/// values[1] at the index along a new axis of `depth`, values[0] elsewhere; indices from -depth.
absl::StatusOr<Tensor> oneHot(const Tensor &indices, int64_t depth, const Tensor &values,
                              int64_t axis);
absl::StatusOr<Tensor> tile(const Tensor &x, absl::Span<const int64_t> repeats);

} // namespace aac::interp

#endif // AAC_INTERP_KERNELS_H
