//===- Common.cpp - what several subcommands of aac share -----------------===//
#include "Common.h"

#include "aac/Import/ONNX.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dialects/AAC/AACDialect.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include <iostream>

using namespace mlir;

namespace aac::tool {

void fail(const std::string &message) {
  std::cerr << "aac: error: " << message << "\n";
  throw CLI::RuntimeError(1);
}
void fail(const absl::Status &status) { fail(std::string(status.message())); }
void failQuietly() { throw CLI::RuntimeError(1); }

void OnnxArguments::add(CLI::App &command) {
  command
      .add_option("models", sources, "ONNX files: TASK=PATH, or a path whose stem names the task")
      ->required()
      ->type_name("[TASK=]PATH");
  addBindings(command);
}

void OnnxArguments::addBindings(CLI::App &command) {
  command
      .add_option("--bind", bindings,
                  "sizes of free dimensions: [TASK:]INPUT=DxD or SYMBOL=N, comma-separated")
      ->type_name("NAME=SIZES")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
}

OwningOpRef<ModuleOp> OnnxArguments::import(MLIRContext &context) const {
  std::vector<onnx::Source> parsed;
  onnx::ImportOptions options;
  for (const std::string &text : sources) {
    auto source = onnx::parseSource(text);
    if (!source.ok())
      fail(source.status());
    parsed.push_back(*std::move(source));
  }
  for (const std::string &text : bindings) {
    auto list = onnx::parseBindings(text);
    if (!list.ok())
      fail(list.status());
    options.bindings.insert(options.bindings.end(), list->begin(), list->end());
  }
  auto module = onnx::importOnnx(context, parsed, options);
  if (failed(module))
    failQuietly();
  return *std::move(module);
}

OwningOpRef<ModuleOp> loadModule(MLIRContext &context, const std::string &path,
                                 const OnnxArguments &onnx) {
  if (absl::EndsWith(path, ".onnx")) {
    OnnxArguments arguments = onnx;
    arguments.sources = {path};
    return arguments.import(context);
  }
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    fail(absl::StrCat("cannot open ", path, ": ", buffer.getError().message()));
  // The resources of bytecode point into the file, which the source manager keeps.
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!module)
    failQuietly();
  return module;
}

Operation *findTask(ModuleOp module, const std::string &task) {
  std::vector<std::string> names;
  Operation *found = nullptr;
  module->walk([&](Operation *op) {
    if (!isa<onnx::GraphOp, ir::TaskOp>(op))
      return;
    std::string name = op->getAttrOfType<StringAttr>("sym_name").getValue().str();
    if (name == task || task.empty())
      found = op;
    names.push_back(name);
  });
  if (names.empty())
    fail("the module holds no task (onnx.graph or aac.task)");
  if (task.empty() && names.size() > 1)
    fail(absl::StrCat("the module holds several tasks: choose one with --task (",
                      absl::StrJoin(names, ", "), ")"));
  if (!found)
    fail(absl::StrCat("there is no task \"", task, "\"; the module holds ",
                      absl::StrJoin(names, ", ")));
  return found;
}

std::vector<std::string> namesOf(Operation *graph, const char *attribute) {
  std::vector<std::string> names;
  for (Attribute name : graph->getAttrOfType<ArrayAttr>(attribute))
    names.push_back(cast<StringAttr>(name).getValue().str());
  return names;
}

interp::Tensor toTensor(const NpyArray &array, Type element, const std::string &name) {
  interp::Tensor tensor;
  tensor.shape = array.shape;
  absl::Status status = absl::OkStatus();
  if (isa<FloatType>(element)) {
    auto values = array.toFloats();
    status = values.status();
    if (values.ok())
      tensor.f = *std::move(values);
  } else {
    tensor.kind = interp::Kind::Integer;
    auto values = array.toInts();
    status = values.status();
    if (values.ok())
      tensor.i = *std::move(values);
  }
  if (!status.ok())
    fail(absl::StrCat("input \"", name, "\": ", status.message()));
  return tensor;
}

} // namespace aac::tool
