//===- InitAll.cpp - registration of all dialects and passes --------------===//
#include "aac/InitAll.h"

#include "aac/Conversion/AACToCmd.h"
#include "aac/Conversion/Passes.h"
#include "aac/Import/Passes.h"
#include "aac/Pipelines/CompressPipeline.h"
#include "aac/Pipelines/ImportPipeline.h"
#include "aac/Pipelines/PlacePipelines.h"
#include "aac/Transforms/CompressPasses.h"
#include "aac/Transforms/PlacePasses.h"
#include "dialects/AAC/AACDialect.h"
#include "dialects/Cmd/CmdDialect.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Transforms/Passes.h"

void aac::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<mlir::BuiltinDialect>();
  registry.insert<aac::onnx::ONNXDialect, aac::ir::AACDialect, aac::cmd::CmdDialect>();
}

void aac::registerAllPasses() {
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  aac::onnx::registerAacImportPasses();
  aac::registerConversionPasses();
  aac::registerImportPipeline();
  aac::registerCompressPasses();
  aac::registerCompressPipeline();
  aac::registerPlacePasses();
  aac::registerAACToCmdPasses();
  aac::registerPlacePipelines();
}
