//===- AACDialect.td - the aac dialect ---------------------*- tablegen -*-===//
#ifndef AAC_DIALECTS_AAC_AACDIALECT
#define AAC_DIALECTS_AAC_AACDIALECT

include "mlir/IR/OpBase.td"

def AAC_Dialect : Dialect {
  let name = "aac";
  let cppNamespace = "::aac::ir";
  let summary = "a suite of transformer-encoder tasks over shared parameters";
  let description = [{
    Tensor semantics in f32, no hardware. An `aac.suite` holds `aac.param`
    symbols, each a parameter stored once, and `aac.task` symbols, each the
    graph of one task. A task reads a parameter with `aac.use`; inside an
    `aac.loop` (repeated layers) `aac.use_each` reads the parameter that
    belongs to the current repetition.

    Compression and placement do not change the graph: they add attributes.
    A parameter gets a number format, codes instead of f32 values, a tier and
    an address; an operation gets the format of its result.
  }];
  let dependentDialects = [];
  let useDefaultAttributePrinterParser = 1;
}

#endif
