//===- Passes.td - conversions to the aac dialect ----------*- tablegen -*-===//
#ifndef AAC_CONVERSION_PASSES
#define AAC_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def RaiseOnnxPass : Pass<"aac-raise-onnx", "::mlir::ModuleOp"> {
  let summary = "onnx -> aac: recognise the operations of a transformer encoder";
  let description = [{
    Replaces all `onnx.graph`s of the module by one `aac.suite`. Each pattern is proven:
    structure, constants (to f32 rounding), axes and types; the order of commutative
    operands and the association of products do not matter. Linear weights become
    [out, in]; activations keep the shape [batch, tokens, features] where a file
    flattens the tokens for a while. Parameters get the role that their use says.

    Precondition: static types, integer arithmetic folded (`aac-fold-onnx`).
    Postcondition: no onnx operations; each `aac.param` is one content in one role of
    one task. A task with nodes that no pattern takes is refused in one diagnostic that
    names them, with the reason of the nearest pattern; see docs/raising.md.
  }];
  let statistics = [
    Statistic<"numNodes", "nodes", "onnx nodes that raised operations stand for">,
    Statistic<"numOperations", "operations", "raised operations">
  ];
  let dependentDialects = ["::aac::ir::AACDialect", "::aac::onnx::ONNXDialect"];
}

#endif
