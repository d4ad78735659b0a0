//===- Parameters.h - parameters of raised tasks ----------------*- C++ -*-===//
#ifndef AAC_LIB_CONVERSION_ONNXTOAAC_PARAMETERS_H
#define AAC_LIB_CONVERSION_ONNXTOAAC_PARAMETERS_H

#include "Graph.h"
#include "dialects/AAC/AACDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include <map>

namespace aac::raise {

/// Some rows of a matrix: of each run of `step` from row `first` on the first `block`, `count` in
/// all; one run by default.
struct Rows {
  int64_t first, count;
  int64_t block = 0, step = 0; ///< block 0: all together
  /// True where all of them are among `size` rows.
  bool fit(int64_t size) const {
    int64_t runs = block ? count / block : 1;
    return first >= 0 && count > 0 && first + (runs - 1) * step + (block ? block : count) <= size;
  }
};

/// The tensors of a module by content. A matrix is transposed once; the result is named by
/// the hash of its content and is the resource that already has this content, if any.
class TensorStore {
public:
  /// Makes resources that are in the module known by their content, hashed on all threads of
  /// `context`.
  void add(llvm::ArrayRef<mlir::ElementsAttr> values, mlir::MLIRContext *context);
  /// `matrix` ([rows, columns] in row-major order, whatever its type's shape) transposed.
  /// Null when its data is missing.
  mlir::ElementsAttr transposed(mlir::ElementsAttr matrix, int64_t rows, int64_t columns);
  /// The rows `taken` of a [rows, columns] matrix, as stored once as transposed() has it. Null
  /// when its data is missing.
  mlir::ElementsAttr rows(mlir::ElementsAttr matrix, int64_t rows, int64_t columns,
                          const Rows &taken);
  /// `value` in another shape of as many elements; no copy.
  static mlir::ElementsAttr reshaped(mlir::ElementsAttr value, llvm::ArrayRef<int64_t> shape);
  /// XXH3 of the f32 bytes.
  uint64_t hash(mlir::ElementsAttr value);

private:
  /// A resource with these bytes: one that exists already, or a new one.
  mlir::ElementsAttr store(mlir::RankedTensorType type, mlir::AsmResourceBlob blob);

  llvm::DenseMap<mlir::Attribute, mlir::ElementsAttr> transposes;
  llvm::DenseMap<mlir::Attribute, uint64_t> hashes;
  std::map<uint64_t, llvm::SmallVector<mlir::DenseResourceElementsAttr, 1>> byContent;
};

/// The parameters that the operations of one task read. While operations are written each
/// reading is an `aac.use` of its own; `finish` then gives every one its role and name and
/// makes the `aac.param`s: one for each content and role.
class TaskParameters {
public:
  explicit TaskParameters(TensorStore &store) : store(store) {}

  mlir::Value matrix(mlir::OpBuilder &builder, mlir::Location loc, const Constant &constant,
                     bool inOut, int64_t out, int64_t in, llvm::StringRef name);
  mlir::Value rows(mlir::OpBuilder &builder, mlir::Location loc, const Constant &constant,
                   bool inOut, int64_t out, int64_t in, const Rows &taken);
  mlir::Value elements(mlir::OpBuilder &builder, mlir::Location loc, const Constant &constant,
                       int64_t size, const Rows &taken);
  mlir::Value tensor(mlir::OpBuilder &builder, mlir::Location loc, const Constant &constant,
                     llvm::ArrayRef<int64_t> shape, llvm::StringRef name);
  /// Makes the parameters of `task` in `suite`, in front of the task.
  void finish(ir::SuiteOp suite, ir::TaskOp task, mlir::SymbolTable &symbols);

private:
  struct Reading {
    ir::UseOp use;
    mlir::ElementsAttr value;
    std::string name;       ///< from the file, may be empty
    ir::Int8Attr quantised; ///< the file's format, along axes of `value`
  };
  mlir::Value read(mlir::OpBuilder &builder, mlir::Location loc, mlir::ElementsAttr value,
                   llvm::StringRef name, ir::Int8Attr quantised);

  TensorStore &store;
  llvm::SmallVector<Reading> readings;
};

/// `name` unless an exporter invented it ("onnx::MatMul_560", "1234"): then "".
std::string meaningfulName(llvm::StringRef name);

/// Rows times columns of 4-byte elements, transposed blockwise.
void transposeFloats(const uint32_t *from, uint32_t *to, int64_t rows, int64_t columns);

} // namespace aac::raise

#endif // AAC_LIB_CONVERSION_ONNXTOAAC_PARAMETERS_H
