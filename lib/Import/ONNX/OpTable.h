//===- OpTable.h - the operators that import --------------------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_OPTABLE_H
#define AAC_LIB_IMPORT_ONNX_OPTABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <limits>
#include <string>

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

/// A form of an operator that not every opset has: one of its attributes, or an input.
struct OpForm {
  const char *op;
  const char *attribute; ///< null: the input
  int input;
  int64_t firstOpset;
  int64_t lastOpset; ///< kNoEnd: to this day
};
constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

/// Every operator, by name in ASCII order.
llvm::ArrayRef<OpSpec> opTable();
/// Null when the operator does not import.
const OpSpec *findOp(llvm::StringRef name);

/// Every form that only some opsets have, by operator.
llvm::ArrayRef<OpForm> opForms();
/// Why `opset` does not have `attribute` of `op`: "is not in opset 18 but up to 17"; "" if it has
/// it, or the attribute is in no opset.
std::string whyNoAttribute(llvm::StringRef op, llvm::StringRef attribute, int64_t opset);
/// The same of input number `input`.
std::string whyNoInput(llvm::StringRef op, int input, int64_t opset);

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_OPTABLE_H
