//===- Functions.h - calls of a model's own functions -----------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_FUNCTIONS_H
#define AAC_LIB_IMPORT_ONNX_FUNCTIONS_H

#include AAC_ONNX_PB_H

#include "absl/status/status.h"
#include <cstdint>

namespace aac::onnx {

/// The most nodes, calls and operands that all calls together may become, the most bytes of those
/// nodes, and how deep calls may lie in one another.
constexpr int64_t kMaxInlinedNodes = 200000, kMaxInlinedBytes = 32 << 20;
constexpr int kMaxCallDepth = 64;

/// Replaces the nodes of `model`'s graph that call one of its functions by the function's nodes,
/// and theirs in turn, named "<call>/<node>"; values inside are renamed the same way. Tensors of
/// Constant nodes become initializers, once for all calls. `opset` is that of the graph. Errors
/// name the call and the function: one that calls itself, too many nodes, bytes or levels, other
/// operands, attributes or opsets than the function says, values that it does not have.
absl::Status inlineFunctions(::onnx::ModelProto &model, int64_t opset);

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_FUNCTIONS_H
