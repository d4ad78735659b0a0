//===- ONNXDialect.cpp - registration of the onnx dialect -----------------===//
#include "dialects/ONNX/ONNXDialect.h"

using namespace mlir;
using namespace aac::onnx;

#include "dialects/ONNX/ONNXDialect.cpp.inc"

void ONNXDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/ONNX/ONNXOps.cpp.inc"
      >();
}
