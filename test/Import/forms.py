"""Every form in which a file may say a thing: each model must evaluate to what numpy computes.

usage: forms.py FOLDER
"""

import pathlib
import shutil
import sys

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from onnx_files import (evaluate, function, model, node, refer, tensor, translate, value,
                        with_functions)

RNG = np.random.default_rng(7)
I64, F32 = np.int64, np.float32
CASES = {}


def case(make):
    """Registers a function that returns (model, inputs, outputs by numpy)."""
    CASES[make.__name__] = make
    return make


def rand(*shape):
    return RNG.standard_normal(shape).astype(F32)


def one(op, arrays, expected, constants=None, opset=13, outputs="y", inputs=None, **attributes):
    """One node; `arrays` are inputs of the model, `constants` initializers; operands in order."""
    constants = constants or {}
    names = inputs or " ".join([*arrays, *constants])
    element = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "b": TensorProto.BOOL}
    infos = [value(n, a.shape, element[a.dtype.kind]) for n, a in arrays.items()]
    results = outputs.split()
    expected = expected if isinstance(expected, list) else [expected]
    proto = model([node(op, names, outputs, **attributes)], infos,
                  [value(n, e.shape, element[e.dtype.kind])
                   for n, e in zip(results, expected)],
                  [tensor(n, a) for n, a in constants.items()], opset)
    return proto, arrays, dict(zip(results, expected))


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@case
def unsqueeze_attribute():
    x = rand(2, 3)
    return one("Unsqueeze", {"x": x}, x[:, None, :, None], opset=11, axes=[1, -1])


@case
def unsqueeze_input():
    x = rand(2, 3)
    return one("Unsqueeze", {"x": x}, x[:, None, :, None], {"a": np.array([-1, 1])})


@case
def squeeze_all():
    x = rand(2, 1, 3, 1)
    return one("Squeeze", {"x": x}, x[:, 0, :, 0])


@case
def squeeze_attribute():
    x = rand(2, 1, 3, 1)
    return one("Squeeze", {"x": x}, x[:, 0], opset=11, axes=[-3])


@case
def reduce_attribute():
    x = rand(2, 3, 4)
    return one("ReduceMean", {"x": x}, x.mean(axis=(0, 2)), axes=[-1, 0], keepdims=0)


@case
def reduce_input():
    x = rand(2, 3, 4)
    return one("ReduceMean", {"x": x}, x.mean(axis=1, keepdims=True), {"a": np.array([1])},
               opset=18)


@case
def reduce_nothing():
    x = rand(2, 3)
    return one("ReduceSum", {"x": x}, x, {"a": np.zeros(0, I64)}, noop_with_empty_axes=1)


@case
def reduce_everything():
    x = rand(2, 3)
    return one("ReduceSum", {"x": x}, x.sum(keepdims=True), {"a": np.zeros(0, I64)})


@case
def softmax_old_flattens():
    x = rand(2, 3, 4)
    return one("Softmax", {"x": x}, softmax(x.reshape(2, 12), 1).reshape(2, 3, 4), opset=12)


@case
def softmax_old_last_axis():
    x = rand(2, 3, 4)
    return one("Softmax", {"x": x}, softmax(x, 2), opset=11, axis=2)


@case
def softmax_new():
    x = rand(2, 3, 4)
    return one("Softmax", {"x": x}, softmax(x, 1), axis=1)


@case
def split_attribute():
    x = rand(2, 6)
    return one("Split", {"x": x}, [x[:, :2], x[:, 2:]], opset=11, outputs="a b", axis=1,
               split=[2, 4])


@case
def split_input():
    x = rand(2, 6)
    return one("Split", {"x": x}, [x[:, :1], x[:, 1:]], {"s": np.array([1, 5])}, outputs="a b",
               axis=-1)


@case
def split_equal():
    x = rand(2, 6)
    return one("Split", {"x": x}, [x[:1], x[1:]], outputs="a b")


@case
def split_count():
    x = rand(5, 2)
    return one("Split", {"x": x}, [x[:3], x[3:]], opset=18, outputs="a b", num_outputs=2)


@case
def dropout_with_mask():
    x = rand(2, 3)
    proto, arrays, expected = one("Dropout", {"x": x}, x, opset=12, outputs="y mask")
    return proto, arrays, expected


@case
def transpose_default():
    x = rand(2, 3, 4)
    return one("Transpose", {"x": x}, x.transpose(2, 1, 0))


@case
def gelu_forms():
    x = rand(2, 3)
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return one("Gelu", {"x": x}, (0.5 * x * (1 + np.tanh(inner))).astype(F32), opset=20,
               approximate="tanh")


@case
def layer_normalization():
    x, scale = rand(2, 3, 4), rand(4)
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return one("LayerNormalization", {"x": x}, (x - mean) / np.sqrt(variance + 1e-5) * scale,
               {"s": scale}, opset=17)


@case
def slice_backwards():
    x = rand(4, 5)
    return one("Slice", {"x": x}, x[3:0:-2, 1:],
               {"s": np.array([-1, 1]), "e": np.array([0, 2**63 - 1]), "a": np.array([0, -1]),
                "t": np.array([-2, 1])})


@case
def slice_with_a_huge_step():
    x = rand(4, 5)
    return one("Slice", {"x": x}, x[2:3],
               {"s": np.array([2]), "e": np.array([4]), "a": np.array([0]),
                "t": np.array([2**62 + 1])})


@case
def integer_power_beyond_integers():
    """Saturates; nothing but x is left of the result."""
    x = np.array([3], I64)
    nodes = [node("Pow", "two e", "p"), node("Min", "p x", "y")]
    return (model(nodes, [value("x", [1], TensorProto.INT64)], [value("y", [1], TensorProto.INT64)],
                  [tensor("two", np.array([2])), tensor("e", np.array([200.0], F32))]), {"x": x},
            {"y": x})


@case
def reduce_norms():
    x = rand(2, 3)
    nodes = [node(op, "x", op.lower(), axes=[1], keepdims=0)
             for op in ("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp")]
    expected = {"reducel1": np.abs(x).sum(1), "reducel2": np.sqrt((x * x).sum(1)),
                "reducesumsquare": (x * x).sum(1), "reducelogsumexp": np.log(np.exp(x).sum(1))}
    return (model(nodes, [value("x", [2, 3])], [value(n, [2]) for n in expected]), {"x": x},
            expected)


@case
def pad_some_axes():
    x = rand(2, 3)
    return one("Pad", {"x": x}, np.pad(x, ((0, 0), (1, 2)), constant_values=7),
               {"p": np.array([1, 2]), "v": F32(7), "a": np.array([-1])}, opset=18)


@case
def cast_like():
    x = rand(2, 3)
    return one("CastLike", {"x": x}, x.astype(I64), {"like": np.array([1])}, opset=15)


@case
def positions_by_cumulative_sum():
    """Position ids of padded sentences, as RoBERTa's exporters write them."""
    m = np.array([[1, 1, 1, 0]])
    nodes = [node("CumSum", "m axis", "c"), node("Mul", "c m", "y")]
    return (model(nodes, [value("m", [1, 4], TensorProto.INT64)],
                  [value("y", [1, 4], TensorProto.INT64)], [tensor("axis", np.array(1))]),
            {"m": m}, {"y": np.cumsum(m, 1) * m})


@case
def clip_without_min():
    x = rand(3, 4)
    return one("Clip", {"x": x}, np.minimum(x, F32(0.5)), {"m": F32(0.5)}, inputs="x - m")


@case
def gemm_everything():
    a, b, c = rand(3, 2), rand(4, 3), rand(4)
    return one("Gemm", {"a": a}, 0.5 * a.T @ b.T + 2 * c, {"b": b, "c": c}, alpha=0.5, beta=2.0,
               transA=1, transB=1)


@case
def matmul_broadcast():
    a, b = rand(2, 1, 3, 4), rand(5, 4, 2)
    return one("MatMul", {"a": a, "b": b}, a @ b)


@case
def matmul_vectors():
    a, b = rand(4), rand(2, 4, 3)
    return one("MatMul", {"a": a, "b": b}, a @ b)


@case
def einsum_projection():
    x, w = rand(1, 5, 2, 3), rand(2, 3, 4)
    return one("Einsum", {"x": x}, np.einsum("bfnd,ndh->bfh", x, w), {"w": w}, opset=12,
               equation="bfnd,ndh->bfh")


@case
def einsum_batched_and_summed():
    x, w = rand(2, 3, 4), rand(4, 2, 5)
    return one("Einsum", {"x": x, "w": w}, np.einsum("bij,jbk->kb", x, w), equation="bij, jbk -> kb")


@case
def constant_forms():
    nodes = [node("Constant", "", "a", value_float=2.0), node("Constant", "", "b", value_int=1),
             node("Constant", "", "c", value_floats=[1.0, 2.0]),
             node("Constant", "", "d", value_ints=[-1]),
             node("Cast", "b", "bf", to=TensorProto.FLOAT), node("Mul", "x a", "p"),
             node("Add", "p c", "q"), node("Add", "q bf", "r"), node("Reshape", "r d", "y")]
    x = rand(3, 2)
    return (model(nodes, [value("x", [3, 2])], [value("y", [6])]), {"x": x},
            {"y": (x * 2 + np.array([1, 2], F32) + 1).reshape(-1)})


@case
def typed_fields():
    x = rand(2)
    stored = [helper.make_tensor("f", TensorProto.FLOAT, [2], [1.5, -2.0]),
              helper.make_tensor("d", TensorProto.DOUBLE, [2], [0.25, 4.0]),
              helper.make_tensor("h", TensorProto.FLOAT16, [2], [0.5, 3.0]),
              helper.make_tensor("b", TensorProto.BOOL, [2], [True, False])]
    nodes = [node("Mul", "x f", "p"), node("Add", "p d", "q"), node("Where", "b q h", "y")]
    return (model(nodes, [value("x", [2])], [value("y", [2])], stored), {"x": x},
            {"y": np.array([x[0] * 1.5 + 0.25, 3.0], F32)})


@case
def half_weights():
    x, w, b = rand(2, 3), rand(3, 4).astype(np.float16), rand(4)
    bits = b.view(np.uint32) >> 16  # truncated to bf16
    bf16 = helper.make_tensor("b", TensorProto.BFLOAT16, [4], np.zeros(4), raw=False)
    del bf16.int32_data[:]
    bf16.int32_data.extend(int(v) for v in bits)
    nodes = [node("MatMul", "x w", "p"), node("Add", "p b", "y")]
    wide = (bits.astype(np.uint32) << 16).view(F32)
    return (model(nodes, [value("x", [2, 3])], [value("y", [2, 4])], [tensor("w", w), bf16]),
            {"x": x}, {"y": x @ w.astype(F32) + wide})


@case
def quantize_halves_to_even():
    x = np.array([0.25, 0.75, -0.25, -0.75, 1.25, 200, -200, 64], F32)
    nodes = [node("QuantizeLinear", "x s z", "q"), node("Cast", "q", "y", to=TensorProto.FLOAT)]
    return (model(nodes, [value("x", [8])], [value("y", [8])],
                  [tensor("s", F32(0.5)), tensor("z", np.int8(1))]), {"x": x},
            {"y": np.array([1, 3, 1, -1, 3, 127, -128, 127], F32)})


@case
def quantize_unsigned_by_default():
    x = np.array([[-1, 0.5, 300], [1.5, 2.5, 254.6]], F32)
    nodes = [node("QuantizeLinear", "x s", "q"), node("Cast", "q", "y", to=TensorProto.FLOAT)]
    return (model(nodes, [value("x", [2, 3])], [value("y", [2, 3])], [tensor("s", F32(1))]),
            {"x": x}, {"y": np.array([[0, 0, 255], [2, 2, 255]], F32)})


@case
def quantize_pair_on_an_axis():
    x, s, z = rand(2, 3, 4), np.array([0.1, 0.02, 0.3], F32), np.array([0, 128, 255], np.uint8)
    nodes = [node("QuantizeLinear", "x s z", "q", axis=-2),
             node("DequantizeLinear", "q s z", "y", axis=-2)]
    along = lambda v: v.astype(F32).reshape(3, 1)
    codes = np.clip(np.rint(x / along(s)) + along(z), 0, 255)
    return (model(nodes, [value("x", [2, 3, 4])], [value("y", [2, 3, 4])],
                  [tensor("s", s), tensor("z", z)]), {"x": x},
            {"y": ((codes - along(z)) * along(s)).astype(F32)})


@case
def dequantized_weights():
    """int8 on axis 0 or 1, uint8 with a zero point, an int32 bias; more scales than are evaluated early."""
    x, w = rand(2, 5000), RNG.integers(-128, 128, (5000, 3)).astype(np.int8)
    rows, columns = RNG.random(5000).astype(F32) / 4096, RNG.random(3).astype(F32) / 4096
    u, b = RNG.integers(0, 256, (3, 3)).astype(np.uint8), np.array([1000, -70000, 3], np.int32)
    nodes = [node("DequantizeLinear", "w rows", "wr", axis=0), node("MatMul", "x wr", "p"),
             node("DequantizeLinear", "u columns z", "uf", "/u"), node("MatMul", "p uf", "q"),
             node("DequantizeLinear", "b columns", "bf", "/b", axis=0), node("Add", "q bf", "y")]
    z = np.array([1, 128, 255], np.uint8)
    wanted = (x @ (w * rows[:, None])) @ ((u.astype(F32) - z) * columns) + b * columns
    return (model(nodes, [value("x", [2, 5000])], [value("y", [2, 3])],
                  [tensor("w", w), tensor("rows", rows), tensor("u", u), tensor("columns", columns),
                   tensor("z", z), tensor("b", b)]), {"x": x}, {"y": wanted.astype(F32)})


@case
def any_order_and_dead_nodes():
    nodes = [node("Relu", "h", "y", "/last"), node("NonZero", "x", "dead", "/dead"),
             node("MatMul", "x w", "h", "/first")]
    x, w = rand(2, 3), rand(3, 4)
    return (model(nodes, [value("x", [2, 3])], [value("y", [2, 4])], [tensor("w", w)]), {"x": x},
            {"y": np.maximum(x @ w, 0)})


@case
def initializers_as_inputs():
    x, w = rand(2, 3), rand(3, 4)
    proto, _, expected = one("MatMul", {"x": x}, x @ w, {"w": w})
    proto.graph.input.append(value("w", [3, 4]))
    return proto, {"x": x}, expected


@case
def shape_arithmetic():
    """What a dynamic export does to merge heads, with an int64 division and a square root."""
    nodes = [node("Shape", "x", "s"), node("Constant", "", "two", value_int=2),
             node("Constant", "", "zero", value_int=0), node("Constant", "", "axis", value_ints=[0]),
             node("Gather", "s two", "d"), node("Div", "d two", "half"),
             node("Unsqueeze", "half axis", "hv"), node("Gather", "s zero", "b"),
             node("Unsqueeze", "b axis", "bv"), node("Constant", "", "rest", value_ints=[-1]),
             node("Concat", "bv rest hv", "shape", axis=0), node("Reshape", "x shape", "r"),
             node("Cast", "d", "df", to=TensorProto.FLOAT), node("Sqrt", "df", "root"),
             node("Div", "r root", "y")]
    x = rand(2, 3, 4)
    return (model(nodes, [value("x", [2, 3, 4])], [value("y", [2, 6, 2])]), {"x": x},
            {"y": (x / np.sqrt(F32(4))).reshape(2, 6, 2)})


@case
def parallel_composition_noise():
    """ConstantOfShape, Expand, Tile by ones and Mul by 1.0, as AdapterHub writes them."""
    one_value = helper.make_tensor("o", TensorProto.INT64, [1], [1])
    nodes = [node("Constant", "", "rank", value_ints=[2]),
             node("ConstantOfShape", "rank", "ones", value=one_value),
             node("Expand", "x ones", "e"), node("Tile", "e ones", "t"),
             node("Constant", "", "scale", value_float=1.0), node("Mul", "t scale", "m"),
             node("Identity", "m", "i"), node("Relu", "i", "y")]
    x = rand(3, 4)
    return (model(nodes, [value("x", [3, 4])], [value("y", [3, 4])]), {"x": x},
            {"y": np.maximum(x, 0)})


@case
def einsum_ellipsis():
    x, w = rand(2, 3, 4), rand(4, 5)
    return one("Einsum", {"x": x}, x @ w, {"w": w}, equation="...ij,jk->...ik")


@case
def einsum_ellipsis_of_no_axes():
    x, w = rand(3, 4), rand(5, 4)
    return one("Einsum", {"x": x}, x @ w.T, {"w": w}, equation="... i j, k j -> ... i k")


@case
def einsum_two_ellipses():
    """Of two and one axes, aligned at the last; letters that the equation has are not taken."""
    a, b = rand(2, 3, 4, 5), rand(3, 5, 6)
    return one("Einsum", {"a": a, "b": b}, a @ b, equation="...AB,...BC->...AC")


@case
def einsum_implicit_ellipsis():
    a, b = rand(2, 4, 5), rand(2, 5, 3)
    return one("Einsum", {"a": a, "b": b}, np.einsum("...kj,...ji", a, b), equation="...kj,...ji")


@case
def range_of_floats():
    x = rand(4)
    start, limit, delta = (np.array(v, F32) for v in (0.5, -1.2, -0.5))
    nodes = [node("Range", "a b c", "r"), node("Add", "x r", "y")]
    return (model(nodes, [value("x", [4])], [value("y", [4])],
                  [tensor("a", start), tensor("b", limit), tensor("c", delta)]),
            {"x": x}, {"y": x + np.arange(0.5, -1.2, -0.5, F32)})


@case
def range_of_a_size():
    """Its limit is a Cast of a size of the input."""
    x = rand(3, 2)
    nodes = [node("Shape", "x", "s"), node("Gather", "s zero", "n"), node("Cast", "n", "f", to=1),
             node("Range", "a f b", "r"), node("MatMul", "r x", "y")]
    return (model(nodes, [value("x", [3, 2])], [value("y", [2])],
                  [tensor("zero", np.array(0)), tensor("a", F32(0)), tensor("b", F32(1))]),
            {"x": x}, {"y": np.arange(3, dtype=F32) @ x})


def called(calls, functions, expected, x, weights=()):
    proto = model(calls, [value("x", x.shape)], [value("y", expected.shape)],
                  [tensor(n, a) for n, a in weights])
    return with_functions(proto, *functions), {"x": x}, {"y": expected}


@case
def function_called_twice():
    x = rand(2, 3)
    body = [node("Constant", "", "c", value=tensor("v", rand(3))), node("Mul", "a c", "p"),
            node("Add", "p b", "r")]
    c = helper.get_attribute_value(body[0].attribute[0])
    scale = np.frombuffer(c.raw_data, F32)
    return called([node("f", "x x", "h", "/1", "local"), node("f", "h x", "y", "/2", "local")],
                  [function("f", "a b", "r", body)], (x * scale + x) * scale + x, x)


@case
def function_of_functions():
    """Names inside are those outside, too; the inner one stands behind its user."""
    x = rand(2, 3)
    outer = function("f", "y", "x", [node("g", "y", "h", domain="local"),
                                     node("g", "h", "x", domain="local")])
    inner = function("g", "x", "y", [node("Relu", "x", "h"), node("Add", "h x", "y")])
    g = lambda v: np.maximum(v, 0) + v
    return called([node("f", "x", "y", "", "local")], [outer, inner], g(g(x)), x)


@case
def function_with_attributes():
    """One given, one by its default, one left to the operator's default."""
    x = rand(2, 3)
    body = [refer(node("Softmax", "a", "s"), AttributeProto.INT, axis="way"),
            refer(node("LeakyRelu", "a", "l"), AttributeProto.FLOAT, alpha="slope"),
            refer(node("Elu", "a", "e"), AttributeProto.FLOAT, alpha="missing"),
            node("Sum", "s l e", "r")]
    f = function("f", "a", "r", body, ["way", "missing"],
                 defaults=[helper.make_attribute("slope", 0.5)])
    wanted = softmax(x, 0) + np.where(x < 0, 0.5 * x, x) + np.where(x < 0, np.exp(x) - 1, x)
    return called([node("f", "x", "y", "/f", "local", way=0)], [f], wanted, x)


@case
def function_passes_attributes_on():
    x = rand(2, 3)
    outer = function("f", "a", "r", [refer(node("g", "a", "r", domain="local"), AttributeProto.INT,
                                           axis="way")], ["way"])
    inner = function("g", "a", "r", [refer(node("Softmax", "a", "r"), AttributeProto.INT,
                                           axis="axis")], ["axis"])
    return called([node("f", "x", "y", "/f", "local", way=0)], [inner, outer], softmax(x, 0), x)


@case
def function_without_an_operand():
    """The last operand is not given: Clip has no maximum. One result is not used."""
    x = rand(2, 3)
    f = function("f", "a low high", "r s", [node("Clip", "a low high", "r"), node("Exp", "a", "s")])
    return called([node("f", "x low", "y", "/f", "local")], [f], np.maximum(x, F32(0.25)), x,
                  [("low", F32(0.25))])


@case
def function_that_hands_on():
    """Its results are an operand, a constant, and one value twice."""
    x, c = rand(2, 3), rand(3)
    body = [node("Constant", "", "c", value=tensor("v", c)), node("Relu", "a", "r")]
    f = function("f", "a", "a c r r", body)
    return called([node("f", "x", "p q r s", "/f", "local"), node("Sum", "p q r s", "y")], [f],
                  x + c + 2 * np.maximum(x, 0), x)


@case
def long_chain():
    """100,000 nodes: nothing may recurse along them."""
    count = 100_000
    nodes = [node("Relu", f"v{i}", f"v{i + 1}", f"/{i}") for i in range(count)]
    x = rand(2)
    return (model(nodes, [value("v0", [2])], [value(f"v{count}", [2])]), {"v0": x},
            {f"v{count}": np.maximum(x, 0)})


def main(folder):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bad = 0
    for name, make in CASES.items():
        proto, inputs, expected = make()
        path = folder / f"{name}.onnx"
        path.write_bytes(proto.SerializeToString())
        for fold in ([], ["--no-fold"]):
            module = folder / f"{name}.mlir"
            try:
                result = translate(path, *fold, "-o", module)
                assert result.returncode == 0, result.stderr
                outputs = evaluate(module, inputs, folder)
                for key, wanted in expected.items():
                    found = outputs[key]
                    assert found.shape == wanted.shape, f"{key}: {found.shape}, {wanted.shape}"
                    error = np.abs(found - wanted).max()
                    assert error <= 1e-5, f"{key} is off by {error}"
            except AssertionError as problem:
                print(f"{name} {' '.join(fold)}: {str(problem)[:400]}")
                bad += 1
    print(f"{len(CASES)} forms, {bad} wrong")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
