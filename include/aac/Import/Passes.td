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

def SimplifyOnnxPass : Pass<"aac-simplify-onnx", "::aac::onnx::GraphOp"> {
  let summary = "one spelling for what files spell in several ways";
  let description = [{
    Rewrites that keep every bit of every result: `Sum` becomes `Add`s from the left,
    `x + (-y)` becomes `x - y`, `x - (-y)` becomes `x + y`, `-(-x)` becomes x, and two
    permutations, one after the other, become one. What is dead then goes.

    Example: `%n = onnx.Neg %y`, `%z = onnx.Add %x, %n` become `%z = onnx.Sub %x, %y`.
  }];
  let statistics = [Statistic<"numRewritten", "rewritten", "operations said otherwise">];
  let dependentDialects = ["::aac::onnx::ONNXDialect"];
}

#endif
