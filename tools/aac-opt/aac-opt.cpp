//===- aac-opt.cpp - every pass and pipeline alone ------------------------===//
#include "aac/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  aac::registerAllDialects(registry);
  aac::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "aac: optimiser and pass driver\n", registry));
}
