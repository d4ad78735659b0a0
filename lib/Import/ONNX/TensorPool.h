//===- TensorPool.h - equal tensors once ------------------------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_TENSORPOOL_H
#define AAC_LIB_IMPORT_ONNX_TENSORPOOL_H

#include "Tensors.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <unordered_map>

namespace aac::onnx {

/// Turns tensors into attributes. Single values, bools and integers of up to 4096 elements
/// are `dense`; the rest are resources named by content, one for equal bytes whatever the
/// file, name or shape. The resource takes over the tensor's memory.
class TensorPool {
public:
  explicit TensorPool(mlir::MLIRContext *context) : context(context) {}

  /// `tensor` gives up its bytes.
  mlir::ElementsAttr intern(TensorData &tensor);

private:
  mlir::MLIRContext *context;
  /// By hash; bytes are compared where hashes meet.
  std::unordered_multimap<uint64_t, mlir::DenseResourceElementsHandle> resources;
};

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_TENSORPOOL_H
