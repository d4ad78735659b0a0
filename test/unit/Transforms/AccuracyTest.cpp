//===- AccuracyTest.cpp - what the format alone costs ---------------------===//
//
// Imports samples, compresses them with default options and compares the interpretation
// with every result rounded to its format against the samples' f64 outputs: the
// signal-to-noise ratio that is left to the engine. Skipped where there are no samples.
//
//===----------------------------------------------------------------------===//
#include "aac/Import/ONNX.h"
#include "aac/InitAll.h"
#include "aac/Interp/Interpreter.h"
#include "aac/Pipelines/CompressPipeline.h"
#include "aac/Pipelines/ImportPipeline.h"
#include "aac/Support/Npz.h"

#include "dialects/AAC/AACDialect.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstdlib>
#include <fstream>

using namespace mlir;
using namespace aac;

namespace {

std::string modelsFolder() {
  if (const char *shared = std::getenv("AAC_SHARED"))
    return std::string(shared) + "/models/";
  return std::string(AAC_SOURCE_DIR) + "/../shared/models/";
}

/// SQNR in dB over all cases of a sample; NaN and a failure where anything goes wrong.
double sqnr(const std::string &name, const std::string &sparsity = "") {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  onnx::ImportOptions importOptions;
  auto module = onnx::importOnnx(context, {{"task", modelsFolder() + name + ".onnx"}});
  if (failed(module)) {
    ADD_FAILURE() << name << ": not imported";
    return NAN;
  }
  PassManager pm(&context);
  buildImportPipeline(pm);
  CompressOptions options;
  options.sparsity = sparsity;
  buildCompressPipeline(pm, options);
  if (failed(pm.run(**module))) {
    ADD_FAILURE() << name << ": not compressed";
    return NAN;
  }
  ir::TaskOp task;
  (*module)->walk([&](ir::TaskOp op) { task = op; });
  auto arrays = readNpz(modelsFolder() + name + ".npz");
  EXPECT_TRUE(arrays.ok()) << arrays.status();
  auto find = [&](const std::string &array) -> const NpyArray * {
    for (const NpyArray &a : *arrays)
      if (a.name == array)
        return &a;
    return nullptr;
  };
  double signal = 0, noise = 0;
  for (int i = 0;; ++i) {
    std::vector<interp::Tensor> inputs;
    for (Attribute input : task.getInputNames())
      if (const NpyArray *array =
              find("in." + std::to_string(i) + "." + cast<StringAttr>(input).str())) {
        inputs.push_back(interp::Tensor::integers(array->shape));
        inputs.back().i = *array->toInts();
      }
    if (inputs.empty())
      break;
    interp::Options rounded;
    rounded.roundActivations = true;
    auto outputs = interp::evaluate(task, std::move(inputs), rounded);
    if (!outputs.ok()) {
      ADD_FAILURE() << name << ": " << outputs.status();
      return NAN;
    }
    std::string output = cast<StringAttr>(task.getOutputNames()[0]).str();
    std::vector<float> reference = *find("ref." + std::to_string(i) + "." + output)->toFloats();
    for (size_t j = 0; j < reference.size(); ++j) {
      signal += reference[j] * reference[j];
      noise += std::pow((*outputs)[0].f[j] - reference[j], 2);
    }
  }
  return 10 * std::log10(signal / noise);
}

TEST(Accuracy, SamplesUnpruned) {
  if (!std::ifstream(modelsFolder() + "manifest.json"))
    GTEST_SKIP() << "no samples at " << modelsFolder();
  for (const char *name :
       {"small_sst2_pl16", "small_stsb_pl16", "nano_base", "nano_act_gelu", "nano_hfinit",
        "nano_op11", "nano_op17", "nano_einsum", "nano_shared_adapter", "nano_nodedup"}) {
    double db = sqnr(name);
    RecordProperty(name, std::to_string(db));
    std::cout << "[ SQNR     ] " << name << " " << db << " dB\n";
    EXPECT_GE(db, 15) << name;
  }
}

} // namespace
