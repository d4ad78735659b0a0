"""Small ONNX models for the import tests, and running the tools on them."""

import subprocess

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper


def node(op, inputs, outputs, name=None, domain=None, **attributes):
    """A node; inputs and outputs as strings of names separated by blanks ("-" is absent)."""
    names = lambda text: ["" if n == "-" else n for n in text.split()]
    return helper.make_node(op, names(inputs), names(outputs), name=name or f"/{op}",
                            domain=domain, **attributes)


def value(name, shape, element=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs, outputs, initializers=(), opset=13, ir_version=7):
    """A model without any checks: that is the importer's task."""
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(initializers))
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    proto.ir_version = ir_version
    return proto


def function(name, inputs, outputs, nodes, attributes=(), opset=13, defaults=()):
    """A function of domain "local"; `defaults` are attributes with their values."""
    proto = helper.make_function("local", name, inputs.split(), outputs.split(), list(nodes),
                                 [helper.make_opsetid("", opset)] if opset else [], list(attributes))
    for attribute in defaults:  # attribute_proto, which this version of onnx does not know
        data = attribute.SerializeToString()
        proto.MergeFromString(b"\x5a" + bytes([len(data)]) + data)
    return proto


def refer(proto, kind, **references):
    """The node with attributes that refer to the function's: attribute=name."""
    for name, reference in references.items():
        proto.attribute.append(AttributeProto(name=name, ref_attr_name=reference, type=kind))
    return proto


def with_functions(proto, *functions):
    proto.functions.extend(functions)
    proto.opset_import.append(helper.make_opsetid("local", 1))
    return proto


def translate(path, *arguments):
    """Runs aac-translate --import-onnx on `path`."""
    command = ["aac-translate", "--import-onnx", f"t={path}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def evaluate(module, inputs, folder):
    """Outputs of the one task of `module` on `inputs` (name -> array) by aac eval."""
    np.savez(folder / "x.npz", **inputs)
    command = ["aac", "eval", str(module), f"--input={folder / 'x.npz'}", "-o",
               str(folder / "y.npz")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        raise AssertionError(f"aac eval: exit code {result.returncode}: {result.stderr}")
    with np.load(folder / "y.npz") as outputs:
        return dict(outputs)
