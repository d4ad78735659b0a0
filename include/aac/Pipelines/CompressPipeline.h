//===- CompressPipeline.h - share, roll, prune, quantise, encode *- C++ -*-===//
#ifndef AAC_PIPELINES_COMPRESSPIPELINE_H
#define AAC_PIPELINES_COMPRESSPIPELINE_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace aac {

/// What the compress pipeline can be asked for; the passes' own descriptions say more.
struct CompressOptions : public mlir::PassPipelineOptions<CompressOptions> {
  Option<std::string> sparsity{
      *this, "sparsity",
      llvm::cl::desc("what to prune, such as embedding:0.6,encoder:0.5 (none by default)")};
  Option<std::string> prune{*this, "prune",
                            llvm::cl::desc("how to prune: global, masks=FILE.npz, "
                                           "scores=FILE.npz")};
  Option<std::string> merge{*this, "merge",
                            llvm::cl::desc("what tasks share: equal, or quantised: what has equal "
                                           "codes, too"),
                            llvm::cl::init("equal")};
  Option<std::string> calibrate{
      *this, "calibrate",
      llvm::cl::desc("task=path.npz,... or none; pseudo-random sentences where a task is not "
                     "named")};
  Option<std::string> calibration{
      *this, "calibration",
      llvm::cl::desc("which magnitude a format must hold: minmax, mse, percentile or "
                     "percentile:<p>, or task=method,..."),
      llvm::cl::init("minmax")};
  Option<std::string> format{*this, "format", llvm::cl::desc("number format"),
                             llvm::cl::init("af8e3")};
  Option<std::string> formats{*this, "formats",
                              llvm::cl::desc("PATTERN=FORMAT,...: other widths for some tensors")};
  Option<std::string> machine{*this, "machine",
                              llvm::cl::desc("machine to compile for: a name from machines/ or a "
                                             "path"),
                              llvm::cl::init("edgebert-rram")};
  Option<int64_t> tileRows{*this, "tile-rows",
                           llvm::cl::desc("output features between two points where masks and data "
                                          "start anew: 16, 32, 48 or 64"),
                           llvm::cl::init(64)};
  Option<bool> encode{*this, "encode",
                      llvm::cl::desc("end with aac-encode; a task that is added to a compiled "
                                     "suite is encoded there"),
                      llvm::cl::init(true)};
};

/// Adds what comes before quantising: who shares what, layers as loops, pruned weights, adapters
/// written out, activations measured. Values are still f32.
void buildPreparePipeline(mlir::OpPassManager &pm, const CompressOptions &options);
/// Adds quantising and, with `encode`, encoding.
void buildQuantisePipeline(mlir::OpPassManager &pm, const CompressOptions &options);
/// Both: everything from an `aac.suite` as raised to quantised activations and parameters
/// encoded as the machine's engine reads them.
void buildCompressPipeline(mlir::OpPassManager &pm, const CompressOptions &options);
/// Makes them known as `aac-prepare-pipeline`, `aac-quantise-pipeline`, `aac-compress-pipeline`.
void registerCompressPipeline();

} // namespace aac

#endif // AAC_PIPELINES_COMPRESSPIPELINE_H
