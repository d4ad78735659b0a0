//===- Interpreter.cpp - which interpreter a graph needs ------------------===//
#include "aac/Interp/Interpreter.h"

#include "absl/strings/str_cat.h"

namespace aac::interp {

absl::StatusOr<std::vector<Tensor>> evaluate(mlir::Operation *graph, std::vector<Tensor> inputs,
                                             const Options &options) {
  std::string name = graph->getName().getStringRef().str();
  if (name == "onnx.graph")
    return evaluateOnnx(graph, std::move(inputs), options);
#ifdef AAC_HAVE_AAC_INTERPRETER
  if (name == "aac.task")
    return evaluateAac(graph, std::move(inputs), options);
#endif
  return absl::InvalidArgumentError(absl::StrCat("cannot evaluate ", name));
}

} // namespace aac::interp
