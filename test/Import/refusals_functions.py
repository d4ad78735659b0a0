"""A model's own functions."""

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from onnx_files import function, model, node, refer, tensor, value, with_functions
from refusal_cases import case


def calls(*functions, call=None, proto=None):
    """A model that calls the function f of domain "local", which Relu is unless others are given."""
    relu = function("f", "a", "b", [node("Relu", "a", "b")])
    call = call or node("f", "x", "y", "/F", "local")
    proto = proto or model([call], [value("x", [2])], [value("y", [2])])
    return with_functions(proto, *(functions or [relu]))


@case(r'1 operator is not supported: node "/F" \(g\) of domain "local"$')
def missing_function(path):
    return calls(call=node("g", "x", "y", "/F", "local"))


@case(r'1 operator is not supported: node "/F/inner" \(Conv\) \(a linear as a convolution of width 1: '
      r'export it as MatMul or Gemm\)')
def unsupported_in_a_function(path):
    return calls(function("f", "a", "b", [node("Conv", "a a", "b", "inner")]))


@case(r'function "local\.f" calls itself$')
def recursive_function(path):
    return calls(function("f", "a", "b", [node("f", "a", "b", domain="local")]))


@case(r'function "local\.f" calls itself, by way of "local\.g"')
def recursive_functions(path):
    return calls(function("f", "a", "b", [node("g", "a", "b", domain="local")]),
                 function("g", "a", "b", [node("f", "a", "b", domain="local")]))


@case(r'node "/F" \(f\): has 2 inputs and 1 outputs, function "local\.f" has 1 and 1')
def function_inputs(path):
    return calls(call=node("f", "x x", "y", "/F", "local"))


@case(r'node "/F" \(f\): has 1 inputs and 2 outputs, function "local\.f" has 1 and 1')
def function_outputs(path):
    return calls(call=node("f", "x", "y z", "/F", "local"))


@case(r'node "/F" \(f\): function "local\.f" has no attribute "axis"')
def function_attribute_unknown(path):
    return calls(call=node("f", "x", "y", "/F", "local", axis=1))


@case(r'node "/F" \(f\): attribute "axis" occurs twice')
def function_attribute_twice(path):
    call = node("f", "x", "y", "/F", "local", axis=1)
    call.attribute.append(call.attribute[0])
    return calls(function("f", "a", "b", [node("Relu", "a", "b")], ["axis"]), call=call)


@case(r'node "/F/N" \(Softmax\): attribute "axis" refers to "way", which is of another type')
def function_attribute_type(path):
    body = refer(node("Softmax", "a", "b", "N"), AttributeProto.INT, axis="way")
    return calls(function("f", "a", "b", [body], ["way"]),
                 call=node("f", "x", "y", "/F", "local", way=1.5))


@case(r'function "local\.f": attribute "axis" occurs twice')
def function_default_twice(path):
    axis = helper.make_attribute("axis", 1)
    return calls(function("f", "a", "b", [node("Relu", "a", "b")], defaults=[axis, axis]))


@case(r'function "local\.f": an attribute.s default cannot be parsed')
def function_default_broken(path):
    f = function("f", "a", "b", [node("Relu", "a", "b")])
    f.MergeFromString(b"\x5a\x02\xff\xff")
    return calls(f)


@case(r'function "local\.f" is of opset 14, the graph of 13: one file must have one')
def function_opset(path):
    return calls(function("f", "a", "b", [node("Relu", "a", "b")], opset=14))


@case(r'function "local\.f" has operators of ONNX and imports no opset of it')
def function_without_opset(path):
    return calls(function("f", "a", "b", [node("Relu", "a", "b")], opset=None))


@case(r'function "local\.f": node "/R" \(Relu\) reads "x", which does not exist')
def function_reads_outside(path):
    return calls(function("f", "a", "b", [node("Relu", "x", "b", "/R")]))


@case(r'function "local\.f" does not make its output "c"')
def function_output_missing(path):
    return calls(function("f", "a", "c", [node("Relu", "a", "b")]))


@case(r'function "local\.f" makes the value "b" twice')
def function_value_twice(path):
    return calls(function("f", "a", "b", [node("Relu", "a", "b"), node("Exp", "a", "b")]))


@case(r'function "local\.f" makes the value "a" twice')
def function_makes_its_input(path):
    return calls(function("f", "a", "a", [node("Relu", "a", "a")]))


@case(r'function "local\.f": input "a" has no name or occurs twice')
def function_input_twice(path):
    return calls(function("f", "a a", "b", [node("Relu", "a", "b")]))


@case(r'function "local\.f" occurs twice')
def function_twice(path):
    f = function("f", "a", "b", [node("Relu", "a", "b")])
    return calls(f, f)


@case(r'function "Relu" has the name of an operator of ONNX')
def function_of_onnx(path):
    f = function("Relu", "a", "b", [node("Exp", "a", "b")])
    f.domain = "ai.onnx"
    return calls(f, call=node("Relu", "x", "y", "/F"))


@case(r'node "/F/[f0-9/.]*" \(f64\): functions call each other more than 64 deep')
def functions_too_deep(path):
    chain = [function(f"f{i}", "a", "b", [node(f"f{i + 1}", "a", "b", f"f{i}", "local")])
             for i in range(70)]
    return calls(*chain, call=node("f0", "x", "y", "/F", "local"))


@case(r'attribute "value" is an external tensor, which only initializers may be')
def function_with_external_tensor(path):
    external = tensor("v", np.ones(2, np.float32))
    external.ClearField("raw_data")
    external.data_location = TensorProto.EXTERNAL
    return calls(function("f", "a", "b", [node("Constant", "", "c", value=external),
                                          node("Add", "a c", "b")]))


@case(r'initializer "local.f/c": element 1 is not a number \(NaN\)')
def function_with_nan(path):
    return calls(function("f", "a", "b", [
        node("Constant", "", "c", value=tensor("v", np.array([1, np.nan], np.float32))),
        node("Add", "a c", "b")]))


@case(r'node "/F/N" \(Softmax\): axis 5 is outside rank 1')
def function_inside_is_checked(path):
    return calls(function("f", "a", "b", [node("Softmax", "a", "b", "N", axis=5)]))
