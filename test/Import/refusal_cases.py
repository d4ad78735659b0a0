"""What the cases of refusals.py are made with."""

import numpy as np

from onnx_files import model, node, tensor, value

CASES = {}


def case(pattern):
    """Registers a function that writes the model to a path (or returns a ModelProto)."""
    def add(make):
        assert make.__name__ not in CASES, f"two cases {make.__name__}"
        CASES[make.__name__] = (make, pattern)
        return make
    return add


def linear(**options):
    """y = relu(x w)"""
    return model([node("MatMul", "x w", "h"), node("Relu", "h", "y")], [value("x", [2, 3])],
                 [value("y", [2, 4])], [tensor("w", np.ones((3, 4), np.float32))], **options)


def patched_tensor(**fields):
    """The model, its initializer w changed field by field."""
    proto = linear()
    w = proto.graph.initializer[0]
    for key, new in fields.items():
        if key in ("dims", "float_data", "int64_data", "string_data"):
            del getattr(w, key)[:]
            getattr(w, key).extend(new)
        elif new is None:
            w.ClearField(key)
        else:
            setattr(w, key, new)
    return proto


def one(op, inputs, shapes, initializers=(), opset=13, outputs="y", **attributes):
    """A model of one node with float inputs of the given shapes."""
    names = [n for n in inputs.split() if n != "-"]
    given = [i.name for i in initializers]
    infos = [value(n, s) for n, s in zip([n for n in names if n not in given], shapes)]
    return model([node(op, inputs, outputs, "/N", **attributes)], infos, [value("y", None)],
                 initializers, opset)
