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

def HoistQdqPass : Pass<"aac-hoist-qdq", "::aac::onnx::GraphOp"> {
  let summary = "move quantised activations to the operations whose results they round";
  let description = [{
    A DequantizeLinear of a QuantizeLinear with the same constants and one scale moves in front of
    Reshape, Squeeze, Unsqueeze, Flatten and Transpose (behind them, if it rounds the product of two
    activations: an attention's heads are merged first), and, where nothing else uses it, behind a
    product with a power of two (with the scale times that power): the same bits. Of two such
    pairs in a row with the same constants one goes. Raising then finds attention's heads and scale
    as they are without quantisation.

    Precondition: `aac-fold-onnx`. Postcondition: the same values.

    Example: `DQ(Q(Transpose(x)))` becomes `Transpose(DQ(Q(x)))`
  }];
  let statistics = [
    Statistic<"numHoisted", "hoisted", "pairs moved by an operation">,
    Statistic<"numDropped", "dropped", "pairs that did nothing">
  ];
  let dependentDialects = ["::aac::onnx::ONNXDialect"];
}

#endif
