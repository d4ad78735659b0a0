//===- ImportOnnx.cpp - --import-onnx -------------------------------------===//
#include "Translations.h"

#include "aac/Import/ONNX.h"

using namespace mlir;

namespace aac::tool {

absl::Status translateImportOnnx(const Arguments &arguments) {
  std::vector<onnx::Source> sources;
  for (const std::string &text : arguments.inputs) {
    auto source = onnx::parseSource(text);
    if (!source.ok())
      return source.status();
    sources.push_back(*std::move(source));
  }
  onnx::ImportOptions options;
  options.fold = !arguments.keepUnfolded;
  options.allowUnsupported = arguments.allowUnsupported;
  for (const std::string &text : arguments.bindings) {
    auto bindings = onnx::parseBindings(text);
    if (!bindings.ok())
      return bindings.status();
    options.bindings.insert(options.bindings.end(), bindings->begin(), bindings->end());
  }
  auto context = makeContext();
  auto module = onnx::importOnnx(*context, sources, options);
  if (failed(module))
    return alreadyPrinted();
  return writeModule(**module, arguments);
}

} // namespace aac::tool
