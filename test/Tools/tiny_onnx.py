"""Writes the models that the tests of the command lines read.

usage: tiny_onnx.py FOLDER: static.onnx (y = relu(x w) with names that exporters give),
dynamic.onnx (the same with free dimensions) and unsupported.onnx (an operator in it that is
not supported).
"""

import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "fc.weight")
    nodes = [helper.make_node("MatMul", ["x", "fc.weight"], ["onnx::Relu_5"], name="/fc/MatMul"),
             helper.make_node("Identity", ["onnx::Relu_5"], ["6"], name="/fc/Identity"),
             helper.make_node("Relu", ["6"], ["logits"], name="/act/Relu")]
    for name, shape in (("static", [2, 3]), ("dynamic", ["batch", 3])):
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [shape[0], 4])]
        graph = helper.make_graph(nodes, "g", inputs, outputs, [weight])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)],
                                  producer_name="test")
        model.ir_version = 7
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    nodes = [helper.make_node("NonZero", ["x"], ["n"]), helper.make_node("Relu", ["n"], ["y"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    (folder / "unsupported.onnx").write_bytes(model.SerializeToString())
    np.savez(folder / "x.npz", x=np.array([[1, 0, 0], [0, -1, 0]], np.float32))
    np.savez(folder / "cases.npz", **{"in.0.x": np.zeros((2, 3), np.float32),
                                      "in.1.x": np.ones((2, 3), np.float32)})
    np.savez(folder / "bad.npz", x=np.zeros((2, 4), np.float32))


if __name__ == "__main__":
    main(sys.argv[1])
