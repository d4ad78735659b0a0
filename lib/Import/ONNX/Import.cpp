//===- Import.cpp - ONNX files -> one module ------------------------------===//
//
// Files are read, checked and hashed side by side; then graphs are built one after the
// other, in the order given, so that the result does not depend on the threads.
//
//===----------------------------------------------------------------------===//
#include "GraphImporter.h"
#include "aac/Import/ONNX.h"
#include "aac/Import/Passes.h"

#include "absl/strings/str_cat.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include <algorithm>
#include <atomic>
#include <thread>

using namespace mlir;

namespace aac::onnx {
namespace {

using ReadResult = absl::StatusOr<std::unique_ptr<FileModel>>;

std::vector<ReadResult> readAll(ArrayRef<Source> sources, unsigned threads) {
  std::vector<ReadResult> files;
  for (size_t i = 0; i < sources.size(); ++i)
    files.emplace_back(absl::InternalError("not read"));
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < sources.size(); i = next++)
      files[i] = readModel(sources[i].path);
  };
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < std::min<size_t>(threads, sources.size()); ++i)
    helpers.emplace_back(work);
  work();
  for (std::thread &helper : helpers)
    helper.join();
  return files;
}

} // namespace

FailureOr<OwningOpRef<ModuleOp>> importOnnx(MLIRContext &context, ArrayRef<Source> sources,
                                            const ImportOptions &options) {
  context.loadDialect<ONNXDialect>();
  Location nowhere = UnknownLoc::get(&context);
  bool good = true;
  auto refuse = [&](const std::string &message) {
    emitError(nowhere) << message;
    good = false;
  };
  std::set<std::string> tasks;
  for (const Source &source : sources)
    if (!tasks.insert(source.task).second)
      refuse(absl::StrCat("two files are for the task \"", source.task, "\": write TASK=PATH"));
  if (llvm::count_if(sources, [](const Source &s) { return s.path == "-"; }) > 1)
    refuse("only one model can come from standard input");
  if (!good)
    return failure();

  std::vector<ReadResult> files = readAll(sources, options.threads);
  OwningOpRef<ModuleOp> module = ModuleOp::create(nowhere);
  TensorPool pool(&context);
  std::set<size_t> usedBindings;
  for (auto [source, file] : llvm::zip_equal(sources, files)) {
    absl::Status status = file.status();
    if (status.ok())
      status =
          GraphImporter(&context, **file, source.task, pool, options).run(*module, usedBindings);
    if (!status.ok())
      refuse(absl::StrCat(source.path, ": ", status.message()));
    file = absl::InternalError("done"); // frees what the graph did not take
  }
  if (!good)
    return failure();
  for (auto [index, binding] : llvm::enumerate(options.bindings))
    if (!usedBindings.count(index))
      refuse(absl::StrCat("--bind: \"", binding.name,
                          "\" is neither an input nor a named dimension of any model"));
  if (!good)
    return failure();

  PassManager passes(&context);
  if (options.fold)
    passes.addNestedPass<GraphOp>(createFoldOnnxPass());
  if (failed(passes.run(*module)))
    return failure();
  return module;
}

} // namespace aac::onnx
