//===- GraphImporter.h - one file -> one onnx.graph -------------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define AAC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "Reader.h"
#include "TensorPool.h"

#include "aac/Import/ONNX.h"
#include "aac/Interp/Interpreter.h"
#include "absl/status/statusor.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <map>
#include <set>

namespace aac::onnx {

struct OpSpec;

/// Builds the onnx.graph of one file. Errors do not name the file.
///
/// Nodes come in an order in which every value stands before its uses, the file's order
/// where that is one. Types are final at once: the importer evaluates constant arithmetic
/// beside the graph, so sizes that are computed from shapes are known when they are needed.
class GraphImporter {
public:
  GraphImporter(mlir::MLIRContext *context, FileModel &file, const std::string &task,
                TensorPool &pool, const ImportOptions &options);

  /// Appends the graph to `module`. `usedBindings` collects the indices of bindings that
  /// named something in this file.
  absl::Status run(mlir::ModuleOp module, std::set<size_t> &usedBindings);

private:
  struct Input {
    std::string name;
    int32_t dataType;
    std::vector<int64_t> dims; ///< -1: free
    std::vector<std::string> symbols;
  };

  // GraphImporter.cpp: inputs, order, outputs.
  absl::Status readInputs();
  absl::Status bindInputs(std::set<size_t> &used);
  absl::Status checkNames();
  absl::Status findLiveNodes();
  absl::Status orderNodes();
  absl::Status checkSupported() const;
  absl::Status importOutputs(GraphOp graph);

  // NodeImporter.cpp: one node -> one operation.
  absl::Status importNode(const ::onnx::NodeProto &node, int index);
  absl::Status importKnownNode(const ::onnx::NodeProto &node, int index, const OpSpec &spec);
  absl::Status checkForm(const ::onnx::NodeProto &node, const OpSpec &spec) const;
  absl::StatusOr<mlir::Value> valueOf(const std::string &name);
  absl::Status readAttributes(::onnx::NodeProto &node, mlir::NamedAttrList &attributes);
  absl::StatusOr<mlir::Attribute> convert(::onnx::AttributeProto &attribute);
  absl::StatusOr<mlir::ElementsAttr> constantValue(::onnx::NodeProto &node);
  /// The op's axes, from its attribute or its second input, into `attributes`.
  absl::Status resolveAxesForm(const ::onnx::NodeProto &node, mlir::NamedAttrList &attributes);
  absl::Status resolveAxis(const ::onnx::NodeProto &node, mlir::NamedAttrList &attributes);
  absl::Status resolveCastLike(llvm::SmallVectorImpl<mlir::Value> &operands,
                               mlir::NamedAttrList &attributes);
  absl::Status splitSizes(const ::onnx::NodeProto &node, mlir::NamedAttrList &attributes,
                          mlir::Value input, llvm::SmallVectorImpl<mlir::Type> &types);
  absl::Status checkDropout(const ::onnx::NodeProto &node, mlir::NamedAttrList &attributes);
  absl::Status resolveQuantisation(llvm::SmallVectorImpl<mlir::Value> &operands,
                                   mlir::NamedAttrList &attributes);
  /// Scales of QuantizeLinear and DequantizeLinear: finite and positive, as far as they are known.
  absl::Status checkScales(mlir::Value scale);
  absl::Status checkUnusedOutputs(const ::onnx::NodeProto &node, int used) const;
  absl::Status finish(mlir::Operation *op, const ::onnx::NodeProto &node);
  /// Softmax of opsets before 13 sees a matrix: axes before `axis`, axes from it on.
  absl::StatusOr<mlir::Operation *> flattenedSoftmax(mlir::OperationName name, mlir::Value input,
                                                     int64_t axis, mlir::Location loc);
  mlir::Value constant(llvm::ArrayRef<int64_t> values, mlir::Location loc);
  mlir::Value none(mlir::Location loc);
  mlir::Location locationOf(const ::onnx::NodeProto &node);
  /// Constants known while importing are bounded: an error if they are too many.
  absl::Status checkEvaluated() const;
  /// Integers of a constant value, of an initialiser or computed.
  std::optional<llvm::SmallVector<int64_t>> integersOf(mlir::Value value);
  /// The same of an f32 value.
  std::optional<llvm::SmallVector<float>> floatsOf(mlir::Value value);
  /// The value if it is small and constant; loads initialisers on demand.
  const interp::Tensor *evaluated(mlir::Value value);
  void evaluate(mlir::Operation *op);

  mlir::MLIRContext *context;
  FileModel &file;
  ::onnx::GraphProto &proto;
  std::string task;
  TensorPool &pool;
  const ImportOptions &options;
  mlir::OpBuilder builder;

  std::vector<Input> inputs;
  llvm::StringMap<size_t> initializers; ///< name -> index in the file
  llvm::StringMap<int> producers;       ///< value name -> index of its node
  std::vector<char> live;
  llvm::StringSet<> read; ///< values that live nodes or the graph's outputs read
  std::vector<int> order; ///< indices of live nodes
  llvm::StringMap<mlir::Value> values;
  llvm::DenseMap<mlir::Value, interp::Tensor> constants;
  int64_t evaluationWork = 0; ///< spent on `constants`, in interp::evaluationWork()
  llvm::DenseSet<mlir::Value> checkedScales;
  mlir::Value noneValue;
};

/// `node "encoder/MatMul_3" (MatMul)`, by its number where it has no name.
std::string describeNode(const ::onnx::NodeProto &node, int index);

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
