//===- ImportPipeline.h - onnx -> aac ---------------------------*- C++ -*-===//
#ifndef AAC_PIPELINES_IMPORTPIPELINE_H
#define AAC_PIPELINES_IMPORTPIPELINE_H

#include "mlir/Pass/PassManager.h"

namespace aac {

/// Adds what turns a module of `onnx.graph`s into one of an `aac.suite`.
void buildImportPipeline(mlir::OpPassManager &pm);
/// Makes it known as `aac-import-pipeline`.
void registerImportPipeline();

} // namespace aac

#endif // AAC_PIPELINES_IMPORTPIPELINE_H
