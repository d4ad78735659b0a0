//===- Graph.h - looking at an onnx graph through its noise -----*- C++ -*-===//
//
// Exporters write the same computation in many ways: through Identity nodes, multiplications
// by one, reshapes that flatten the tokens and back. The matchers of this folder look at
// values through `skip` (what changes nothing) and `canon` (what only views rows
// differently), so that each pattern is written once.
//
// A matcher visits nodes from the last one of its pattern backwards. Every node looked
// through is recorded in `visited`, from which the raised operation gets its location.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_CONVERSION_ONNXTOAAC_GRAPH_H
#define AAC_LIB_CONVERSION_ONNXTOAAC_GRAPH_H

#include "aac/Numerics/Int8.h"
#include "dialects/AAC/AACDialect.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>

namespace aac::raise {

/// A constant tensor behind a value, through identities and transposes.
struct Constant {
  mlir::ElementsAttr value;         ///< as stored
  llvm::SmallVector<int64_t> shape; ///< as seen through the transposes
  bool transposed = false;          ///< the matrix seen is the stored one transposed
  std::string name;                 ///< the initializer's, empty if it says nothing here
  ir::Int8Attr quantised;           ///< the format of the file's codes, along axes as stored
  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : shape)
      n *= d;
    return n;
  }
};

/// A scaled value: `value` times `factor`.
struct Scaled {
  mlir::Value value;
  double factor = 1.0;
};

/// Patterns look through at most as many nodes in a row: what is longer is no exporter's, and
/// every node of a chain asks.
constexpr int kMaxChain = 256;

class Graph {
public:
  Graph() = default;
  /// Of a file whose floats of `widened` types became f32.
  explicit Graph(llvm::ArrayRef<mlir::Attribute> widened) : widened(widened) {}

  /// Nodes visited since the caller cleared it.
  llvm::SmallVector<mlir::Operation *> visited;

  /// The node behind `value` when it is an Op, recorded as visited.
  template <typename Op> Op as(mlir::Value value) {
    auto op = value.getDefiningOp<Op>();
    if (op)
      visited.push_back(op);
    return op;
  }

  /// `value` without what changes neither elements nor shape: Identity, Dropout, a Cast to
  /// the same type, Expand, Tile and Reshape to the same shape, Mul and Div by one.
  mlir::Value skip(mlir::Value value);
  /// skip() through nodes that only regroup elements in row-major order too, down to the
  /// earliest value whose last dimension (or heads * size, for the un-merged heads of an
  /// attention) is that of `value`: the one that stands for all views of the same rows.
  mlir::Value canon(mlir::Value value);
  /// skip() through every node that regroups elements in row-major order.
  mlir::Value base(mlir::Value value);

  /// The value of an f32 constant of one element.
  std::optional<float> scalar(mlir::Value value);
  bool isScalar(mlir::Value value, float expected) {
    std::optional<float> found = scalar(value);
    return found && *found == expected;
  }
  /// A float constant, through skip(), transposes of matrices and added or removed axes of
  /// size 1.
  std::optional<Constant> constant(mlir::Value value);
  /// The element of a constant of any number type whose elements are all equal, through
  /// reshapes and expansions.
  std::optional<float> splat(mlir::Value value);
  /// The elements of an integer constant, through skip() and reshapes.
  std::optional<llvm::SmallVector<int64_t>> integers(mlir::Value value);

  /// The operands of an Op in the order that `accept(first, second)` takes; null values if none.
  template <typename Op, typename Accept> bool either(mlir::Value value, Accept accept) {
    auto op = value.getDefiningOp<Op>();
    if (!op)
      return false;
    size_t mark = visited.size();
    visited.push_back(op);
    size_t inner = visited.size();
    if (accept(op.getA(), op.getB()))
      return true;
    visited.resize(inner);
    if (accept(op.getB(), op.getA()))
      return true;
    visited.resize(mark);
    return false;
  }

  /// True when the file may have stored `exact` as `found`, an f32 constant: rounded to the type of
  /// its floats, where that is narrower than f32.
  bool isNarrowed(float found, double exact) const;

  /// Peels multiplications and divisions by scalars (that keep the type) off a value.
  Scaled scaled(mlir::Value value);

private:
  llvm::SmallVector<mlir::Attribute, 1> widened;
  /// What splat() found, by constant: each is read once however many nodes ask.
  llvm::DenseMap<mlir::Attribute, std::optional<float>> splats;
};

/// Shape and rank of a value of ranked tensor type; empty for others.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);
inline int64_t lastDim(mlir::Value value) {
  llvm::ArrayRef<int64_t> shape = shapeOf(value);
  return shape.empty() ? -1 : shape.back();
}
int64_t elementCount(mlir::Value value);
/// An axis attribute counted from the front.
inline int64_t frontAxis(uint64_t attribute, int64_t rank) {
  int64_t axis = static_cast<int64_t>(attribute);
  return axis < 0 ? axis + rank : axis;
}
/// True for a tensor of f32.
bool isFloat(mlir::Value value);
/// True for a node that only regroups elements in row-major order: Reshape, Squeeze,
/// Unsqueeze, Flatten. Its operand 0 is what it regroups.
bool regroups(mlir::Operation *op);
/// The scale of int8 or uint8 `codes` from a stored scalar and zero point (null: 0), the zero point
/// as for int8; nothing if they are none.
std::optional<Int8Scale> scaleOf(mlir::Attribute scale, mlir::Attribute zero, mlir::Type codes);
/// The format of the file's codes that an initialiser's values were (`onnx.quantised`, made by
/// aac-fold-onnx); null if they were none, or not of 8 bits.
ir::Int8Attr quantisedFormat(mlir::Operation *stored);
/// The f32 elements of a constant attribute; nothing without data or for other types.
std::optional<llvm::SmallVector<float>> floatElements(mlir::ElementsAttr value);
/// A file's name for a message: control characters escaped, at most 200 characters.
std::string escaped(llvm::StringRef name);
/// The node's name from its location, escaped, "" if it has none.
std::string nodeName(mlir::Operation *op);
/// "input 1" or "node \"/a/MatMul\" (MatMul)", for messages.
std::string nodeText(mlir::Value value);
/// Shortest text that reads back as the same f32.
std::string floatText(float value);
/// "[1, 8, 16]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

} // namespace aac::raise

#endif // AAC_LIB_CONVERSION_ONNXTOAAC_GRAPH_H
