//===- CompressPipeline.cpp - share, roll, prune, quantise, encode --------===//
#include "aac/Pipelines/CompressPipeline.h"

#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/PlacePasses.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void aac::buildCompressPipeline(OpPassManager &pm, const CompressOptions &options) {
  OpPassManager &suite = pm.nest<ir::SuiteOp>();
  // First who shares what, while parameters are what the files said.
  suite.addPass(createSharePass({options.merge, options.format}));
  suite.addPass(createVerifySharingPass());
  // Layers become loops before anything gives them attributes that differ.
  suite.addPass(createRollPass());
  suite.addPass(createPrunePass({options.sparsity, options.prune}));
  suite.addPass(createExpandAdaptersPass());
  suite.addPass(createFoldScalesPass());
  // Magnitudes are measured on the weights that will be quantised.
  suite.addPass(createCalibratePass(CalibratePassOptions{options.calibrate}));
  QuantisePassOptions quantise;
  quantise.format = options.format;
  suite.addPass(createQuantisePass(quantise));
  suite.addPass(createVerifyQuantisedPass());
  suite.addPass(createVerifySharingPass());
  // Bytes last: their sizes decide what fits where.
  if (options.encode)
    pm.addPass(createEncodePass({options.machine}));
}

void aac::registerCompressPipeline() {
  PassPipelineRegistration<CompressOptions>(
      "aac-compress-pipeline", "share, roll, prune, calibrate, quantise and encode an aac.suite",
      buildCompressPipeline);
}
