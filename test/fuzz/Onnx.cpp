//===- Onnx.cpp - any bytes as an ONNX file, to aac -----------------------===//
//
// Imports, folds and raises. What must hold: an error or a module that verifies, and where
// both levels can be run, the same results on both.
//
//===----------------------------------------------------------------------===//
#include "MemoryFile.h"
#include "Sanitizers.h"

#include "aac/Import/ONNX.h"
#include "aac/InitAll.h"
#include "aac/Interp/Interpreter.h"
#include "aac/Pipelines/ImportPipeline.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include AAC_ONNX_PB_H

#include <cmath>
#include <iostream>
#include <set>

using namespace mlir;

namespace {

/// A size for every named dimension of the inputs.
std::vector<aac::onnx::Binding> bindings(const uint8_t *data, size_t size) {
  std::vector<aac::onnx::Binding> found;
  std::set<std::string> names;
  google::protobuf::Arena arena;
  auto &model = *google::protobuf::Arena::CreateMessage<::onnx::ModelProto>(&arena);
  if (!model.ParseFromArray(data, static_cast<int>(size)))
    return found;
  for (const auto &input : model.graph().input())
    for (const auto &dim : input.type().tensor_type().shape().dim())
      if (!dim.dim_param().empty() && names.insert(dim.dim_param()).second)
        found.push_back({dim.dim_param(), {names.size() % 2 ? 1 : 4}});
  return found;
}

std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  aac::registerAllDialects(registry);
  auto context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  context->printOpOnDiagnostic(false);
  context->getDiagEngine().registerHandler([](Diagnostic &) { return success(); });
  return context;
}

[[noreturn]] void die(const char *what, Operation *module) {
  std::cerr << "finding: " << what << "\n";
  module->dump();
  std::abort();
}

/// Work that evaluating would be, roughly; large is not worth it here.
bool isCheap(ModuleOp module) {
  int64_t elements = 0;
  module.walk([&](Operation *op) {
    SmallVector<Type> types(op->getResultTypes());
    for (Region &region : op->getRegions())
      llvm::append_range(types, region.getArgumentTypes());
    for (Type type : types)
      if (auto ranked = dyn_cast<RankedTensorType>(type)) {
        int64_t count = ranked.hasStaticShape() ? ranked.getNumElements() : 1 << 30;
        elements += std::min<int64_t>(count, 1 << 20);
      }
  });
  return elements < 1 << 14;
}

std::vector<aac::interp::Tensor> makeInputs(Operation *graph) {
  std::vector<aac::interp::Tensor> inputs;
  uint32_t state = 1;
  for (BlockArgument argument : graph->getRegion(0).getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    bool isFloat = isa<FloatType>(type.getElementType());
    auto tensor = isFloat ? aac::interp::Tensor::floats(type.getShape())
                          : aac::interp::Tensor::integers(type.getShape());
    for (float &v : tensor.f)
      v = static_cast<float>((state = state * 1664525 + 1013904223) >> 16) / 32768.0f - 1.0f;
    for (int64_t &v : tensor.i)
      v = (state = state * 1664525 + 1013904223) >> 31;
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

/// Where a result is small and finite everywhere along the way, raising may not change it.
bool agree(const std::vector<aac::interp::Tensor> &a, const std::vector<aac::interp::Tensor> &b) {
  if (a.size() != b.size())
    return false;
  for (size_t t = 0; t < a.size(); ++t) {
    if (a[t].shape != b[t].shape || a[t].kind != b[t].kind)
      return false;
    if (a[t].i != b[t].i)
      return false;
    for (size_t i = 0; i < a[t].f.size(); ++i) {
      float x = a[t].f[i], y = b[t].f[i];
      if (!std::isfinite(x) || !std::isfinite(y))
        continue;
      if (std::fabs(x - y) > 1e-3f * std::max(1.0f, std::fabs(x)))
        return false;
    }
  }
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context grows with all that it has seen: a new one now and then.
  static std::unique_ptr<MLIRContext> context;
  static unsigned runs = 0;
  if (!context || ++runs % 128 == 0)
    context = makeContext();

  aac::fuzz::MemoryFile file(data, size);
  aac::onnx::ImportOptions options;
  options.bindings = bindings(data, size);
  auto module = aac::onnx::importOnnx(*context, {{"task", file.path()}}, options);
  if (failed(module))
    return 0;
  if (failed(verify(**module)))
    die("what was imported does not verify", **module);

  std::vector<aac::interp::Tensor> inputs;
  absl::StatusOr<std::vector<aac::interp::Tensor>> expected = absl::CancelledError();
  Operation *graph = &(*module)->getBody()->front();
  bool cheap = isCheap(**module);
  if (cheap) {
    float largest = 0;
    bool finite = true;
    aac::interp::Options observing;
    auto observe = [&](Value, const aac::interp::Tensor &tensor) {
      for (float v : tensor.f) {
        finite &= std::isfinite(v);
        largest = std::max(largest, std::fabs(v));
      }
    };
    observing.observe = observe;
    inputs = makeInputs(graph);
    expected = aac::interp::evaluate(graph, inputs, observing);
    if (!finite || largest > 1e4f)
      expected = absl::CancelledError();
  }

  OwningOpRef<ModuleOp> original = expected.ok() ? cast<ModuleOp>((*module)->clone()) : nullptr;
  PassManager passes(context.get());
  aac::buildImportPipeline(passes);
  if (failed(passes.run(**module)))
    return 0;
  if (failed(verify(**module)))
    die("what was raised does not verify", **module);
  if (!expected.ok())
    return 0;
  Operation *task = nullptr;
  (*module)->walk([&](Operation *op) {
    if (op->getName().getStringRef() == "aac.task")
      task = op;
  });
  if (!task)
    die("there is no task", **module);
  auto found = aac::interp::evaluate(task, inputs);
  if (!found.ok()) {
    std::cerr << found.status().ToString() << "\n";
    original->dump();
    die("what was raised cannot be evaluated", **module);
  }
  if (!agree(*expected, *found)) {
    original->dump();
    die("raising changed a result", **module);
  }
  return 0;
}
