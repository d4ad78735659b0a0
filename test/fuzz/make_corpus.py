"""Makes the seeds of the fuzz targets.

usage: make_corpus.py onnx FOLDER      the models in corpus/onnx (kept in the repository)
       make_corpus.py others FOLDER    stream, assembler, machine and npz seeds, made with aac
                                       and aac-sim on PATH; ./run fuzz asks for them

Needs python/ on PYTHONPATH. The same versions of python3-onnx and numpy give the same bytes.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "Import"))
import forms
from aac import models
from aac.config import Config
from onnx_files import function, model, node, refer, tensor, value, with_functions

SOURCE = pathlib.Path(__file__).parents[2]

# Forms of nodes (test/Import/forms.py) that reach a part of the importer each.
FORMS = ["einsum_projection", "gelu_forms", "half_weights", "layer_normalization",
         "parallel_composition_noise", "shape_arithmetic", "slice_backwards",
         "softmax_old_flattens", "split_count", "typed_fields", "function_with_attributes"]


def albert(opset, folder, **options):
    """A whole model, as small as there is, its names shortened: the names are most of it."""
    config = Config(vocab=5, embedding=4, hidden=4, layers=1, heads=2, ffn=4, positions=3, types=2,
                    seq=3, adapter=1, opset=opset, **options)
    path = models.make_suite(config, {"t": 2}, folder)["t"]
    proto = onnx.load(str(path))
    short = {}
    name = lambda text: text and short.setdefault(text, f"{len(short):x}")
    for tensors in (proto.graph.initializer, proto.graph.input, proto.graph.output):
        for item in tensors:
            item.name = name(item.name)
    for item in proto.graph.node:
        item.name = ""
        for names in (item.input, item.output):
            names[:] = [name(text) for text in names]
    return proto


def dynamic():
    """Free dimensions, a mask and shapes that are computed."""
    nodes = [node("Shape", "x", "s"), node("Gather", "s zero", "b"),
             node("Unsqueeze", "b axis", "bv"), node("Concat", "bv rest", "shape", axis=0),
             node("Reshape", "x shape", "f"), node("Cast", "m", "mf", to=TensorProto.FLOAT),
             node("Sub", "one mf", "i"), node("Mul", "i big", "a"), node("MatMul", "f w", "h"),
             node("Add", "h a", "z"), node("Softmax", "z", "y", axis=-1)]
    constants = [tensor("zero", np.int64(0)), tensor("axis", np.array([0])),
                 tensor("rest", np.array([-1])), tensor("one", np.float32(1)),
                 tensor("big", np.float32(-10000)), tensor("w", np.ones((6, 4), np.float32))]
    return model(nodes, [value("x", ["batch", 2, 3]), value("m", ["batch", 4], TensorProto.INT64)],
                 [value("y", ["batch", 4])], constants)


def functions():
    """A function that calls another, with attributes that are given, defaults and references."""
    axis = AttributeProto(name="axis", type=AttributeProto.INT, i=-1)
    inner = function("In", "x", "y", [refer(node("Softmax", "x", "y"), AttributeProto.INT,
                                            axis="axis")], defaults=[axis])
    outer = function("Out", "x w", "y", [node("MatMul", "x w", "h"),
                                         refer(node("In", "h", "s", domain="local"),
                                               AttributeProto.INT, axis="k"),
                                         node("Add", "s w", "y")], attributes=["k"])
    nodes = [node("Out", "x w", "a", domain="local", k=0), node("Out", "a w", "b", domain="local"),
             node("In", "b", "y", domain="local")]
    return with_functions(model(nodes, [value("x", [3, 3])], [value("y", [3, 3])],
                                [tensor("w", np.ones((3, 3), np.float32))]), inner, outer)


def quantised():
    """Rounded activations and weights in int8, a pair behind what moves elements."""
    pair = lambda x, y: [node("QuantizeLinear", f"{x} s z", f"{y}q"),
                         node("DequantizeLinear", f"{y}q s z", y)]
    nodes = [*pair("x", "a"), node("DequantizeLinear", "w ws wz", "wf", axis=1),
             node("DequantizeLinear", "b bs", "bf"), node("MatMul", "a wf", "p"), *pair("p", "c"),
             node("Add", "c bf", "h"), node("Reshape", "h shape", "t"),
             node("Transpose", "t", "u", perm=[1, 0, 2]), *pair("u", "v"), node("Mul", "v two", "m"),
             *pair("m", "y")]
    constants = [tensor("s", np.float32(0.125)), tensor("z", np.int8(3)),
                 tensor("w", np.arange(12, dtype=np.int8).reshape(3, 4)),
                 tensor("ws", np.array([0.5, 1, 0.25, 2], np.float32)),
                 tensor("wz", np.zeros(4, np.int8)), tensor("b", np.arange(4, dtype=np.int32)),
                 tensor("bs", np.float32(0.5)), tensor("shape", np.array([2, 2, 2])),
                 tensor("two", np.float32(2))]
    return model(nodes, [value("x", [2, 3])], [value("y", [2, 2, 2])], constants)


def make_onnx(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        protos = {"albert13": albert(13, scratch), "albert17": albert(17, scratch),
                  "dynamic": dynamic(), "functions": functions(), "quantised": quantised()}
    for name in FORMS:
        protos[name] = forms.CASES[name]()[0]
    for name, proto in protos.items():
        (folder / f"{name}.onnx").write_bytes(proto.SerializeToString(deterministic=True))


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def make_others(folder):
    for name in ("stream", "assembler", "machine", "npz"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "t.onnx").write_bytes(albert(13, scratch).SerializeToString())
        run("aac", "compile", scratch / "t.onnx", "--machine=tiny", "-o", scratch)
        stream = (scratch / "suite.aacs").read_bytes()
    (folder / "stream" / "albert.aacs").write_bytes(stream)
    run("aac-sim", "dis", folder / "stream" / "albert.aacs", "-o",
        folder / "assembler" / "albert.txt")
    for path in (SOURCE / "machines").glob("*.textproto"):
        text = subprocess.run(["aac", "machines", "show", path.stem], check=True,
                              capture_output=True).stdout
        (folder / "machine" / path.stem).write_bytes(text)
    np.savez(folder / "npz" / "plain.npz", a=np.arange(6).reshape(2, 3), b=np.float32(1),
             c=np.zeros(0, bool), d=np.ones(2, ">f8"))
    np.savez_compressed(folder / "npz" / "deflated.npz", a=np.zeros(100, np.int64))


if __name__ == "__main__":
    {"onnx": make_onnx, "others": make_others}[sys.argv[1]](pathlib.Path(sys.argv[2]))
