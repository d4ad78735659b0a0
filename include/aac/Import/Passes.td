//===- Passes.td - passes on the onnx dialect --------------*- tablegen -*-===//
#ifndef AAC_IMPORT_PASSES
#define AAC_IMPORT_PASSES

include "mlir/Pass/PassBase.td"

def FoldOnnxPass : Pass<"aac-fold-onnx", "::aac::onnx::GraphOp"> {
  let summary = "evaluate constant arithmetic and drop operations that do nothing";
  let description = [{
    Replaces every operation whose operands are constants by an `onnx.Constant`, if its
    result is of integers or has at most `max-elements` elements; `onnx.Shape` of
    anything. Nothing is computed on parameters (stored floats, more than one): tasks
    share them as they are stored. Drops `Identity`, `Dropout`, and `Cast`, `Reshape`, `Expand`, `Tile`,
    `Slice`, `Transpose`, `Mul` and `Div` by one, `Add` and `Sub` of zero that change
    neither values nor type. Dead operations go. Transposes of initialisers stay: raising
    absorbs them.

    Precondition: all types are static. Postcondition: no integer arithmetic is left
    that does not depend on an input.
  }];
  let options = [
    Option<"maxElements", "max-elements", "int64_t", "4096",
           "largest float result to evaluate">
  ];
  let statistics = [
    Statistic<"numFolded", "folded", "operations evaluated">,
    Statistic<"numDropped", "dropped", "operations that did nothing">
  ];
  let dependentDialects = ["::aac::onnx::ONNXDialect"];
}

#endif
