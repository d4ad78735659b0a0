//===- CompressPipeline.cpp - share, roll, prune, quantise, encode --------===//
#include "aac/Pipelines/CompressPipeline.h"

#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/PlacePasses.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

/// What is shared stays shared: proven after every pass.
static void addProven(OpPassManager &suite, std::unique_ptr<Pass> pass) {
  suite.addPass(std::move(pass));
  suite.addPass(aac::createVerifySharingPass());
}

/// What is not measured gets room for so many root mean squares: a normal distribution's largest of
/// 10^8 values is below, and two octaves above what is usual still leave six.
static double weightSigmasOf(const aac::CompressOptions &options) {
  return options.calibrate == "none" ? 6 : 0;
}

void aac::buildPreparePipeline(OpPassManager &pm, const CompressOptions &options) {
  OpPassManager &suite = pm.nest<ir::SuiteOp>();
  auto add = [&](std::unique_ptr<Pass> pass) { addProven(suite, std::move(pass)); };
  // First who shares what, while parameters are what the files said.
  add(createSharePass({options.merge, options.format}));
  // The file's own rounding of activations makes way for the formats chosen here.
  add(createAbsorbRequantisePass());
  // Layers become loops before anything gives them attributes that differ.
  add(createRollPass());
  add(createPrunePass({options.sparsity, options.prune}));
  add(createExpandAdaptersPass());
  add(createFoldScalesPass());
  // Magnitudes are measured on the weights that will be quantised.
  CalibratePassOptions calibrate;
  calibrate.samples = options.calibrate;
  calibrate.method = options.calibration;
  calibrate.format = options.format;
  calibrate.weightSigmas = weightSigmasOf(options);
  // Zero points need both ends of what is measured.
  calibrate.ranges = StringRef(options.format).contains("asymmetric") ||
                     StringRef(options.formats).contains("asymmetric");
  add(createCalibratePass(calibrate));
}

void aac::buildQuantisePipeline(OpPassManager &pm, const CompressOptions &options) {
  OpPassManager &suite = pm.nest<ir::SuiteOp>();
  QuantisePassOptions quantise;
  quantise.format = options.format;
  quantise.formats = options.formats;
  quantise.weightSigmas = weightSigmasOf(options);
  addProven(suite, createQuantisePass(quantise));
  addProven(suite, createCorrectBiasesPass({options.calibrate}));
  suite.addPass(createVerifyQuantisedPass());
  // Bytes last: their sizes decide what fits where.
  if (!options.encode)
    return;
  pm.addPass(createCheckAccumulatorsPass({options.machine}));
  pm.addPass(createEncodePass({options.machine, options.tileRows}));
  pm.addNestedPass<ir::SuiteOp>(createVerifySharingPass());
}

void aac::buildCompressPipeline(OpPassManager &pm, const CompressOptions &options) {
  buildPreparePipeline(pm, options);
  buildQuantisePipeline(pm, options);
}

void aac::registerCompressPipeline() {
  PassPipelineRegistration<CompressOptions>(
      "aac-prepare-pipeline", "share, roll, prune and calibrate an aac.suite, still in f32",
      buildPreparePipeline);
  PassPipelineRegistration<CompressOptions>("aac-quantise-pipeline",
                                            "quantise and encode what aac-prepare-pipeline left",
                                            buildQuantisePipeline);
  PassPipelineRegistration<CompressOptions>(
      "aac-compress-pipeline", "share, roll, prune, calibrate, quantise and encode an aac.suite",
      buildCompressPipeline);
}
