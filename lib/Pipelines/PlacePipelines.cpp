//===- PlacePipelines.cpp - encoded aac -> placed -> cmd ------------------===//
#include "aac/Pipelines/PlacePipelines.h"

#include "aac/Conversion/AACToCmd.h"
#include "aac/Pipelines/CompressPipeline.h"
#include "aac/Pipelines/ImportPipeline.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/PlacePasses.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void aac::buildPlacePipeline(OpPassManager &pm, llvm::StringRef machine) {
  pm.addPass(createPlacePass({machine.str()}));
  pm.addNestedPass<ir::SuiteOp>(createVerifySharingPass());
  pm.addPass(createTilePass({machine.str()}));
  pm.addNestedPass<ir::SuiteOp>(createVerifySharingPass());
}

void aac::buildLowerPipeline(OpPassManager &pm, llvm::StringRef machine) {
  LowerToCmdPassOptions lower;
  lower.machine = machine.str();
  pm.addPass(createLowerToCmdPass(lower));
  // The order of lowering is right but leaves units idle.
  pm.addPass(createSchedulePass());
}

namespace {
struct MachineOptions : PassPipelineOptions<MachineOptions> {
  Option<std::string> machine{*this, "machine", llvm::cl::desc("a name from machines/ or a path"),
                              llvm::cl::init("edgebert-rram")};
};
} // namespace

void aac::registerPlacePipelines() {
  PassPipelineRegistration<MachineOptions>("aac-place-pipeline", "tiers and addresses, tiles",
                                           [](OpPassManager &pm, const MachineOptions &options) {
                                             buildPlacePipeline(pm, options.machine);
                                           });
  PassPipelineRegistration<MachineOptions>("aac-lower-pipeline", "placed aac -> cmd, scheduled",
                                           [](OpPassManager &pm, const MachineOptions &options) {
                                             buildLowerPipeline(pm, options.machine);
                                           });
  PassPipelineRegistration<CompressOptions>("aac-compile-pipeline",
                                            "onnx -> cmd: import, compress, place and lower",
                                            [](OpPassManager &pm, const CompressOptions &options) {
                                              buildImportPipeline(pm);
                                              buildCompressPipeline(pm, options);
                                              buildPlacePipeline(pm, options.machine);
                                              buildLowerPipeline(pm, options.machine);
                                            });
}
