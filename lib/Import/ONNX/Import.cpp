//===- Import.cpp - ONNX files -> one module ------------------------------===//
//
// Files are read side by side, and the tensors of each are checked and hashed side by side; equal
// ones of all files exist once from then on. Then graphs are built one after the other, in the
// order given, so that the result does not depend on the threads.
//
//===----------------------------------------------------------------------===//
#include "GraphImporter.h"
#include "aac/Import/ONNX.h"
#include "aac/Import/Passes.h"

#include "absl/strings/str_cat.h"
#include "mlir/IR/Threading.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

using namespace mlir;

namespace aac::onnx {
namespace {

using ReadResult = absl::StatusOr<std::unique_ptr<FileModel>>;

std::vector<ReadResult> readAll(ArrayRef<Source> sources, MLIRContext *context) {
  std::vector<ReadResult> files;
  for (size_t i = 0; i < sources.size(); ++i)
    files.emplace_back(absl::InternalError("not read"));
  Contents contents;
  parallelFor(context, 0, sources.size(),
              [&](size_t i) { files[i] = readModel(sources[i].path, context, contents); });
#ifdef __GLIBC__
  malloc_trim(0); // else what equal tensors took stays with the process
#endif
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

  std::vector<ReadResult> files = readAll(sources, &context);
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
