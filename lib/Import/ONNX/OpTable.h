//===- OpTable.h - the operators that import --------------------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_OPTABLE_H
#define AAC_LIB_IMPORT_ONNX_OPTABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace aac::onnx {

/// An operator of ONNX that has an operation in the dialect. `operands` is how many the
/// operation has: absent trailing inputs become onnx.None; -1: as many as the node has.
struct OpSpec {
  const char *name;
  int minInputs;
  int maxInputs; ///< of the file's node; -1: any number
  int operands;
  int64_t sinceOpset; ///< 1 where older than all that import
};

/// Every operator, by name in ASCII order.
llvm::ArrayRef<OpSpec> opTable();
/// Null when the operator does not import.
const OpSpec *findOp(llvm::StringRef name);

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_OPTABLE_H
