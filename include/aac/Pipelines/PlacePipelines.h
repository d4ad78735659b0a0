//===- PlacePipelines.h - encoded aac -> placed -> cmd ----------*- C++ -*-===//
#ifndef AAC_PIPELINES_PLACEPIPELINES_H
#define AAC_PIPELINES_PLACEPIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringRef.h"

namespace aac {

/// place, tile for `machine`.
void buildPlacePipeline(mlir::OpPassManager &pm, llvm::StringRef machine);
/// Lower to cmd and schedule.
void buildLowerPipeline(mlir::OpPassManager &pm, llvm::StringRef machine);
/// Makes them known as `aac-place-pipeline` and `aac-lower-pipeline`, and all pipelines in
/// sequence as `aac-compile-pipeline`.
void registerPlacePipelines();

} // namespace aac

#endif // AAC_PIPELINES_PLACEPIPELINES_H
