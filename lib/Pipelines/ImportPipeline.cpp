//===- ImportPipeline.cpp - onnx -> aac -----------------------------------===//
#include "aac/Pipelines/ImportPipeline.h"

#include "aac/Conversion/Passes.h"
#include "aac/Import/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void aac::buildImportPipeline(OpPassManager &pm) {
  // Integer arithmetic (shapes, positions) becomes constants: raising needs static shapes.
  pm.addNestedPass<onnx::GraphOp>(onnx::createFoldOnnxPass());
  pm.addNestedPass<onnx::GraphOp>(onnx::createSimplifyOnnxPass());
  // Where files round activations, the rounding belongs to what computes, not to what reshapes.
  pm.addNestedPass<onnx::GraphOp>(onnx::createHoistQdqPass());
  pm.addPass(createRaiseOnnxPass());
  // The same product asked for twice (once with its bias, once alone) is one operation.
  pm.addPass(createCSEPass());
}

void aac::registerImportPipeline() {
  PassPipelineRegistration<>("aac-import-pipeline",
                             "onnx -> aac: fold constants, simplify and raise",
                             [](OpPassManager &pm) { buildImportPipeline(pm); });
}
