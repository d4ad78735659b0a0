//===- ONNXDialect.td - the onnx dialect -------------------*- tablegen -*-===//
#ifndef AAC_DIALECTS_ONNX_ONNXDIALECT
#define AAC_DIALECTS_ONNX_ONNXDIALECT

include "mlir/IR/OpBase.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::aac::onnx";
  let summary = "what an ONNX file said";
  let description = [{
    One `onnx.graph` per task, one operation per node. Operation and attribute names
    are those of ONNX; a location carries the node's name. An operation has the form
    of the newest opset in which it means the same, so that later stages see one form:
    axes of reductions, `Squeeze` and `Unsqueeze` are an attribute, `Softmax` works
    along one axis, an absent optional input is an `onnx.None`.

    Types are static: the importer needs every input's size (`--bind`). Floats of 16
    and 64 bits are f32 from the import on; bool is i1.
  }];
}

#endif
