"""Every operator in every form that ONNX gave it, at every opset from 11 to 21.

usage: opsets.py FOLDER PAGE

One table says which opsets have which form. For each opset, the forms that it has go into one
model, which must evaluate to what numpy computes; every other form goes into a model of its own,
which must be refused by the name of node, form and opset. Two judges stand beside the table: ONNX's
checker, as far as the installed one knows the opset, must take and refuse the same models, and the
opsets that PAGE (aac-onnx-ops) names for attributes and inputs must be those of ONNX's schemas.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

from onnx_files import evaluate, model, node, tensor, translate, value

RNG = np.random.default_rng(11)
F32, I64 = np.float32, np.int64
OLDEST, NEWEST = 11, 21
KNOWN = min(onnx.defs.onnx_opset_version(), NEWEST)  # to the installed package
ELEMENT = {np.dtype(F32): TensorProto.FLOAT, np.dtype(I64): TensorProto.INT64,
           np.dtype(np.int32): TensorProto.INT32, np.dtype(np.int8): TensorProto.INT8,
           np.dtype(np.uint8): TensorProto.UINT8, np.dtype(bool): TensorProto.BOOL}
FORMS = []


class Form:
    """A node: inputs of the model and stored operands, in order; None is an absent one."""

    def __init__(self, op, operands, expected, opsets, refusal, seen, attributes):
        self.op, self.operands, self.expected, self.attributes = op, operands, expected, attributes
        self.first, self.last = opsets
        self.refusal, self.seen = refusal, seen

    def legal(self, opset):
        return self.first <= opset <= self.last

    def build(self, prefix, opset):
        """(node, inputs, initializers, outputs, arrays, expected), values named after `prefix`."""
        names, infos, stored, arrays = [], [], [], {}
        for number, operand in enumerate(self.operands):
            name = f"{prefix}_{number}"
            if operand is None:
                name = "-"
            elif isinstance(operand, Stored):
                stored.append(tensor(name, operand.array))
            else:
                infos.append(value(name, operand.shape, ELEMENT[operand.dtype]))
                arrays[name] = operand
            names.append(name)
        expected = self.expected(opset) if callable(self.expected) else self.expected
        expected = expected if isinstance(expected, list) else [expected]
        results = {f"{prefix}_y{n}": np.asarray(e) for n, e in enumerate(expected)}
        made = node(self.op, " ".join(names), " ".join(results), f"/{prefix}", **self.attributes)
        outputs = [value(n, e.shape, ELEMENT[e.dtype]) for n, e in results.items()]
        return made, infos, stored, outputs, arrays, results


class Stored:
    def __init__(self, *array, dtype=None):
        array = array[0] if len(array) == 1 else list(array)
        self.array = np.asarray(array, dtype)


def form(op, operands, expected, opsets=(OLDEST, NEWEST), refusal=None, seen=True, **attributes):
    """`opsets` have it; `expected` may depend on the opset. With `refusal` it is refused there too,
    by an error of that pattern. Not `seen`: ONNX's checker, which looks at neither shapes nor
    values, cannot tell the opsets apart; or its types are taken in every opset."""
    FORMS.append(Form(op, operands, expected, opsets, refusal, seen, attributes))


def refused(op, operands, refusal, opsets=(OLDEST, NEWEST), **attributes):
    form(op, operands, np.zeros(1, F32), opsets, refusal, **attributes)


def rand(*shape):
    return RNG.standard_normal(shape).astype(F32)


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def erf(x):
    """Enough for 1e-6: the derivative's series."""
    total, term = np.zeros_like(x, np.float64), x.astype(np.float64)
    for n in range(60):
        total += term / (2 * n + 1)
        term = term * -(x.astype(np.float64) ** 2) / (n + 1)
    return (2 / np.sqrt(np.pi) * total).astype(F32)


# --- operators with one form -------------------------------------------------------------------

x, z = rand(2, 3), rand(2, 3)
positive = np.abs(rand(2, 3)) + F32(0.5)
i, j = np.array([[7, -7, 3], [1, 0, 9]]), np.array([[2, 2, -2], [5, 1, 4]])
p, q = np.array([True, True, False]), np.array([True, False, False])

for name, function in {
        "Abs": np.abs, "Ceil": np.ceil, "Cos": np.cos, "Erf": erf, "Exp": np.exp, "Floor": np.floor,
        "Identity": lambda v: v, "Neg": np.negative, "Reciprocal": lambda v: 1 / v,
        "Relu": lambda v: np.maximum(v, 0), "Round": np.rint, "Sigmoid": lambda v: 1 / (1 + np.exp(-v)),
        "Sign": np.sign, "Sin": np.sin, "Softplus": lambda v: np.log1p(np.exp(v)),
        "Softsign": lambda v: v / (1 + np.abs(v)), "Tanh": np.tanh}.items():
    form(name, [x], function(x))
form("Log", [positive], np.log(positive))
form("Sqrt", [positive], np.sqrt(positive))
for name, function in {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide,
                       "Max": np.maximum, "Min": np.minimum, "Sum": np.add}.items():
    form(name, [x, z], function(x, z))
form("Mean", [x, z], (x + z) / 2)
form("Pow", [positive, z], np.power(positive, z))
form("Pow", [x, Stored([2], dtype=I64)], x * x, (12, NEWEST), seen=False)
form("Mod", [i, j], np.mod(i, j))
form("Mod", [x, z], np.fmod(x, z), fmod=1)
for name, function in {"Equal": np.equal, "Greater": np.greater, "Less": np.less}.items():
    form(name, [i, j], function(i, j))
form("GreaterOrEqual", [i, j], i >= j, (12, NEWEST))
form("LessOrEqual", [i, j], i <= j, (12, NEWEST))
for name, function in {"And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor}.items():
    form(name, [p, q], function(p, q))
form("Not", [p], ~p)
form("Where", [p, x, z], np.where(p, x, z))
special = np.array([1, np.inf, -np.inf, np.nan], F32)
form("IsNaN", [special], np.isnan(special))
form("IsInf", [special], np.isinf(special))
form("IsInf", [special], special == np.inf, detect_negative=0)
form("MatMul", [x, z.T.copy()], x @ z.T)
form("Gemm", [x, z], F32(0.5) * x @ z.T, alpha=0.5, transB=1)
form("Gemm", [x, z, x[:1, :2].copy()], x @ z.T + 2 * x[:1, :2], transB=1, beta=2.0)
form("Einsum", [x, z], np.einsum("ij,kj->ki", x, z), (12, NEWEST), equation="ij,kj->ki")
form("Concat", [x, z], np.concatenate([x, z], 1), axis=-1)
form("ConstantOfShape", [Stored(2, 3)], np.zeros((2, 3), F32))
form("ConstantOfShape", [Stored(2, 3)], np.full((2, 3), 7),
     value=helper.make_tensor("v", TensorProto.INT64, [1], [7]))
form("CumSum", [x, Stored(1)], np.cumsum(x, 1))
form("CumSum", [x, Stored(0)], np.stack([x[1], 0 * x[1]]), exclusive=1, reverse=1)
form("Expand", [x[:, None].copy(), Stored(2, 4, 3)], np.repeat(x[:, None], 4, 1))
form("Flatten", [x[None]], x.reshape(1, 6))
form("Flatten", [x[None]], x, axis=-1)
form("Gather", [x, Stored(1, 0)], x[:, [1, 0]], axis=-1)
form("GatherElements", [x, Stored([[1, 0, 1]])], np.take_along_axis(x, np.array([[1, 0, 1]]), 0))
form("OneHot", [Stored(1, 0), Stored(3), Stored(5.0, 7.0, dtype=F32)],
     np.array([[5, 7, 5], [7, 5, 5]], F32))
form("Range", [Stored(3), Stored(9), Stored(2)], np.arange(3, 9, 2))
form("Size", [x], np.array(6))
form("Slice", [x, Stored(0), Stored(2), Stored(1)], x[:, :2])
form("Slice", [x, Stored(2), Stored(-9), Stored(1), Stored(-1)], x[:, ::-1])
form("Tile", [x, Stored(1, 2)], np.tile(x, (1, 2)))
form("Transpose", [x], x.T)
form("Transpose", [x], x.T, perm=[1, 0])
form("Elu", [x], np.where(x > 0, x, 2 * np.expm1(x)), alpha=2.0)
form("LeakyRelu", [x], np.where(x >= 0, x, F32(0.01) * x))
form("HardSigmoid", [x], np.clip(F32(0.2) * x + F32(0.5), 0, 1))
form("HardSwish", [x], x * np.clip(x / 6 + F32(0.5), 0, 1), (14, NEWEST))
form("Trilu", [x], np.triu(x), (14, NEWEST))
form("Trilu", [x, Stored(-1)], np.tril(x, -1), (14, NEWEST), upper=0)
form("Gelu", [x], x * F32(0.5) * (1 + erf(x / np.sqrt(F32(2)))), (20, NEWEST))
form("Gelu", [x], x / 2 * (1 + np.tanh(np.sqrt(F32(2 / np.pi)) * (x + F32(0.044715) * x**3))),
     (20, NEWEST), approximate="tanh")
norm = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + F32(1e-5))
form("LayerNormalization", [x, z[0].copy(), z[1].copy()], norm * z[0] + z[1], (17, NEWEST))
form("LayerNormalization", [x, z[0].copy()], norm * z[0], (17, NEWEST), axis=1, stash_type=1)

# --- forms that came and went ------------------------------------------------------------------

form("ArgMax", [x], x.argmax(1)[:, None], axis=1)
form("ArgMin", [x], x.argmin(0), axis=0, keepdims=0)
ties = np.array([[1, 2, 2], [2, 1, 1]], F32)
form("ArgMax", [ties], np.array([2, 0]), (12, NEWEST), axis=1, keepdims=0, select_last_index=1)
form("ArgMin", [ties], np.array([0, 2]), (12, NEWEST), axis=1, keepdims=0, select_last_index=1)
form("Cast", [x * 4], (x * 4).astype(I64), to=TensorProto.INT64)
form("Cast", [x * 4], (x * 4).astype(I64), (19, NEWEST), to=TensorProto.INT64, saturate=0)
form("CastLike", [x * 4, Stored(1)], (x * 4).astype(I64), (15, NEWEST))
form("CastLike", [x * 4, Stored(1)], (x * 4).astype(I64), (19, NEWEST), saturate=1)
form("Clip", [x], x)
form("Clip", [x, Stored(F32(-0.5))], np.maximum(x, F32(-0.5)))
form("Clip", [x, None, Stored(F32(0.5))], np.minimum(x, F32(0.5)))
form("Clip", [i, Stored(0), Stored(5)], np.clip(i, 0, 5), (12, NEWEST), seen=False)
refused("Clip", [x], 'attribute "min" is not in opset OPSET but up to 10', min=0.0)
form("Constant", [], x, value=tensor("v", x))
form("Constant", [], F32(2.5), (12, NEWEST), value_float=2.5)
form("Constant", [], np.array([1.5, 2.5], F32), (12, NEWEST), value_floats=[1.5, 2.5])
form("Constant", [], np.array(-3), (12, NEWEST), value_int=-3)
form("Constant", [], np.array([-3, 3]), (12, NEWEST), value_ints=[-3, 3])
form("Dropout", [x], x)
form("Dropout", [x], x, (OLDEST, 11), ratio=0.1)
form("Dropout", [x, Stored(F32(0.1))], x, (12, NEWEST))
form("Dropout", [x, Stored(F32(0.1)), Stored(False)], x, (12, NEWEST))
form("Dropout", [x, None, Stored(False)], x, (12, NEWEST), seed=3)
refused("Dropout", [x, Stored(F32(0.1)), Stored(True)], "is in training mode", (12, NEWEST))
form("Pad", [x, Stored(0, 1, 0, 2)], np.pad(x, ((0, 0), (1, 2))))
form("Pad", [x, Stored(0, 1, 0, 2), Stored(F32(7))], np.pad(x, ((0, 0), (1, 2)), constant_values=7))
form("Pad", [x, Stored(0, 1, 0, 2)], np.pad(x, ((0, 0), (1, 2)), "reflect"), mode="reflect")
form("Pad", [x, Stored(0, 1, 0, 2)], np.pad(x, ((0, 0), (1, 2)), "edge"), mode="edge")
form("Pad", [x, Stored(0, 1, 0, 2)], np.pad(x, ((0, 0), (1, 2)), "wrap"), (19, NEWEST),
     seen=False, mode="wrap")
form("Pad", [x, Stored(1, 2), None, Stored([-1])], np.pad(x, ((0, 0), (1, 2))), (18, NEWEST))
refused("Pad", [x], 'attribute "pads" is not in opset OPSET but up to 10', pads=[0, 1, 0, 2])

codes = np.clip(np.rint(x / F32(0.25)) + 3, 0, 255).astype(np.uint8)
signed = np.clip(np.rint(x / F32(0.25)), -128, 127).astype(np.int8)
scale, zero = Stored(F32(0.25)), Stored(np.uint8(3))
form("QuantizeLinear", [x, scale, zero], codes)
form("QuantizeLinear", [x, scale], np.clip(np.rint(x / F32(0.25)), 0, 255).astype(np.uint8))
form("DequantizeLinear", [codes, scale, zero], (codes.astype(F32) - 3) * F32(0.25))
form("DequantizeLinear", [i.astype(np.int32), scale], i.astype(F32) * F32(0.25))
columns = np.array([0.25, 0.5, 1], F32)
form("QuantizeLinear", [x, Stored(columns), Stored([0, 0, 0], dtype=np.int8)],
     np.rint(x / columns).astype(np.int8), (13, NEWEST), axis=1)
form("DequantizeLinear", [signed, Stored(columns)], signed * columns, (13, NEWEST), axis=-1)
form("DequantizeLinear", [np.stack([signed[:, 0]] * 3, 1), Stored(columns)],
     signed[:, :1] * columns, (13, NEWEST), seen=False)
form("QuantizeLinear", [x, scale, zero], codes, (19, NEWEST), saturate=1)
form("QuantizeLinear", [x, scale, zero], codes, (21, NEWEST), block_size=0, output_dtype=0)
form("QuantizeLinear", [x, scale, zero], codes, (21, NEWEST), output_dtype=TensorProto.UINT8)
form("QuantizeLinear", [x, scale], signed, (21, NEWEST), output_dtype=TensorProto.INT8)
form("QuantizeLinear", [x, Stored(columns)], np.rint(x / columns).astype(np.int8), (21, NEWEST),
     output_dtype=TensorProto.INT8)
form("DequantizeLinear", [codes, scale, zero], (codes.astype(F32) - 3) * F32(0.25), (21, NEWEST),
     block_size=0)
refused("QuantizeLinear", [x, scale, zero], "block_size 2: scales of blocks", (21, NEWEST),
        block_size=2)
refused("DequantizeLinear", [codes, scale], "block_size 3: scales of blocks", (21, NEWEST),
        block_size=3)
refused("QuantizeLinear", [x, scale], "output_dtype 17 is not supported", (21, NEWEST),
        output_dtype=17)
refused("QuantizeLinear", [x, scale], "output_dtype 1 is not supported", (21, NEWEST),
        output_dtype=1)
refused("QuantizeLinear", [x, scale, zero], "output_dtype 3 is not the type of the zero point",
        (21, NEWEST), output_dtype=TensorProto.INT8)
refused("QuantizeLinear", [x, scale], "codes must be int8 or uint8", (21, NEWEST),
        output_dtype=TensorProto.INT16)
refused("QuantizeLinear", [x, scale], 'attribute "block_size" must be an integer', (21, NEWEST),
        block_size=1.5)
refused("QuantizeLinear", [x, scale], 'attribute "precision" is not in opset OPSET but from 23 on',
        precision=1)
refused("DequantizeLinear", [codes, scale],
        'attribute "output_dtype" is not in opset OPSET but from 23 on', output_dtype=1)

cube = rand(2, 3, 4)
for name, function in {
        "ReduceL1": lambda v, **k: np.abs(v).sum(**k),
        "ReduceL2": lambda v, **k: np.sqrt((v * v).sum(**k)),
        "ReduceLogSum": lambda v, **k: np.log(v.sum(**k)),
        "ReduceLogSumExp": lambda v, **k: np.log(np.exp(v).sum(**k)),
        "ReduceMax": np.max, "ReduceMean": np.mean, "ReduceMin": np.min, "ReduceProd": np.prod,
        "ReduceSum": np.sum, "ReduceSumSquare": lambda v, **k: (v * v).sum(**k)}.items():
    data = np.abs(cube) + F32(0.5)
    new = 13 if name == "ReduceSum" else 18
    form(name, [data], function(data, axis=(0, 1, 2), keepdims=True))
    form(name, [data], function(data, axis=(0, 1, 2)), keepdims=0)
    form(name, [data], function(data, axis=(0, 2), keepdims=True), (OLDEST, new - 1), axes=[-1, 0])
    form(name, [data, Stored(-1, 0)], function(data, axis=(0, 2)), (new, NEWEST), keepdims=0)
    form(name, [data, Stored([], dtype=I64)], function(data, axis=(0, 1, 2), keepdims=True),
         (new, NEWEST), noop_with_empty_axes=0)
    # Nothing is reduced; what the operator does to each element it still does.
    each = {"ReduceLogSum": np.log(data), "ReduceSumSquare": data * data}.get(name, data)
    form(name, [data, Stored([], dtype=I64)], each, (new, NEWEST), noop_with_empty_axes=1)
    form(name, [data], each, (new, NEWEST), noop_with_empty_axes=1)
form("ReduceMax", [np.stack([p, q])], np.array([[True]]), (20, NEWEST), seen=False)
form("ReduceMin", [np.stack([p, q])], np.array([[False]]), (20, NEWEST), seen=False)
refused("ReduceSum", [cube], 'attribute "noop_with_empty_axes" must be an integer', (13, NEWEST),
        noop_with_empty_axes=1.0)

form("Reshape", [x, Stored(3, -1)], x.reshape(3, 2))
form("Reshape", [x, Stored(0, -1)], x, (14, NEWEST), allowzero=0)
empty = np.zeros((0, 3), F32)
form("Reshape", [empty, Stored(4, 0)], np.zeros((4, 0), F32), (14, NEWEST), allowzero=1)
refused("Reshape", [empty, Stored(0, -1)], "cannot have shape", (14, NEWEST), allowzero=1)
form("Shape", [cube], np.array([2, 3, 4]))
form("Shape", [cube], np.array([3, 4]), (15, NEWEST), start=1)
form("Shape", [cube], np.array([2, 3]), (15, NEWEST), end=-1)
form("Shape", [cube], np.array([3]), (15, NEWEST), start=-2, end=2)
refused("Slice", [x], 'attribute "(starts|ends)" is not in opset OPSET but up to 9',
        starts=[0], ends=[1])
for name, change in {"Softmax": lambda v: v, "LogSoftmax": np.log}.items():
    form(name, [cube], change(softmax(cube, -1)), axis=-1)
    form(name, [cube], change(softmax(cube, -1)), axis=2)
    # Without an axis, or with one in front of the last, the opset decides what is meant.
    flat = change(softmax(cube.reshape(2, 12), 1)).reshape(cube.shape)
    form(name, [cube], lambda opset, old=flat, new=change(softmax(cube, -1)):
         old if opset < 13 else new)
    form(name, [cube], lambda opset, old=flat, new=change(softmax(cube, 1)):
         old if opset < 13 else new, axis=1)
parts = [cube[:, :1], cube[:, 1:]]
form("Split", [cube], [cube[:1], cube[1:]])
form("Split", [cube], parts, (OLDEST, 12), axis=1, split=[1, 2])
form("Split", [cube, Stored(1, 2)], parts, (13, NEWEST), axis=1)
form("Split", [cube], [cube[:, :2], cube[:, 2:]], (18, NEWEST), axis=1, num_outputs=2)
form("Split", [cube], [cube[..., :2], cube[..., 2:]], (18, NEWEST), axis=-1, num_outputs=2)
refused("Split", [cube, Stored(1, 2)], "num_outputs is 1, it has 1|has num_outputs and sizes",
        (18, NEWEST), axis=1, num_outputs=1)
refused("Split", [cube], "num_outputs is 3, it has 1", (18, NEWEST), axis=1, num_outputs=3)
form("Split", [x], [x[:, :1], x[:, 1:2], x[:, 2:], x[:, :0]], (18, NEWEST), axis=1, num_outputs=4)
form("Split", [rand(5)], [np.zeros(1, F32)] * 4, (18, NEWEST), "5 elements do not divide by 4",
     num_outputs=4)
form("Split", [rand(5)], [np.zeros(1, F32)] * 2, refusal="5 elements do not divide by 2")
refused("Split", [cube], 'attribute "split" must be integers', (OLDEST, 12), split=1)
form("Squeeze", [cube[:1, :, None]], cube[0])
form("Squeeze", [cube[:1, :, None]], cube[:1], (OLDEST, 12), axes=[-2])
form("Squeeze", [cube[:1, :, None], Stored([-2])], cube[:1], (13, NEWEST))
form("Unsqueeze", [x], x[:, None, :, None], (OLDEST, 12), axes=[1, -1])
form("Unsqueeze", [x, Stored(-1, 1)], x[:, None, :, None], (13, NEWEST))
refused("LayerNormalization", [x, z[0].copy()], r"stash_type must be 1 \(float\), got 16", (17, NEWEST),
        stash_type=16)
refused("Gelu", [x], 'approximate must be "none" or "tanh"', (20, NEWEST), approximate="sigmoid")

# Operators of newer opsets, in files that name an older one.
for name in ("Attention", "RMSNormalization", "RotaryEmbedding", "Swish", "TensorScatter"):
    refused(name, [x, x], "$")


# --- running -----------------------------------------------------------------------------------


def accepted_by_checker(proto):
    try:
        onnx.checker.check_model(proto)
        return True
    except onnx.checker.ValidationError:
        return False


def check_legal(opset, folder):
    """All forms that `opset` has, in one model; (problems, how many)."""
    nodes, inputs, stored, outputs, arrays, expected = [], [], [], [], {}, {}
    problems = []
    for number, entry in enumerate(FORMS):
        if not entry.legal(opset) or entry.refusal:
            continue
        made, infos, initializers, results, fed, wanted = entry.build(f"f{number}", opset)
        nodes.append(made)
        inputs += infos
        stored += initializers
        outputs += results
        arrays.update(fed)
        expected.update(wanted)
        if opset <= KNOWN and not accepted_by_checker(
                model([made], infos, results, initializers, opset)):
            problems.append(f"opset {opset}: ONNX's checker refuses {made.op_type} {entry.attributes}")
    path, module = folder / f"opset{opset}.onnx", folder / f"opset{opset}.mlir"
    path.write_bytes(model(nodes, inputs, outputs, stored, opset).SerializeToString())
    makers = {n: made for made in nodes for n in made.output}
    for fold in ([], ["--no-fold"]):
        result = translate(path, *fold, "-o", module)
        if result.returncode != 0:
            return problems + [f"opset {opset}: {result.stderr[:300]}"], len(nodes)
        found = evaluate(module, arrays, folder)
        for name, wanted in expected.items():
            made = makers[name]
            what = f"opset {opset} {fold}: {made.op_type} {[a.name for a in made.attribute]}"
            if found[name].shape != wanted.shape:
                problems.append(f"{what}: {found[name].shape}, not {wanted.shape}")
            elif wanted.size and np.abs(found[name].astype(np.float64) - wanted).max() > 1e-5:
                problems.append(f"{what}: {found[name].ravel()[:4]}, not {wanted.ravel()[:4]}")
    return problems, len(nodes)


def check_refused(opset, folder):
    """Each form that `opset` does not have in a model of its own, all in one run; as above."""
    problems, wanted = [], {}
    for number, entry in enumerate(FORMS):
        legal = entry.legal(opset)
        newer_type = not entry.seen and entry.op not in ("Pad", "DequantizeLinear")
        if newer_type or (legal and not entry.refusal):
            continue
        made, infos, initializers, results, _, _ = entry.build(f"f{number}", opset)
        proto = model([made], infos, results, initializers, opset)
        (folder / f"f{number}.onnx").write_bytes(proto.SerializeToString())
        pattern = entry.refusal if legal else r"is not in opset OPSET but (from|up to) \d+"
        wanted[f"f{number}"] = (entry, pattern.replace("OPSET", str(opset)))
        if not legal and entry.seen and opset <= KNOWN and accepted_by_checker(proto):
            problems.append(f"opset {opset}: ONNX's checker takes {entry.op} {entry.attributes}")
    command = ["aac-translate", "--import-onnx", *(f"{n}={folder / n}.onnx" for n in wanted), "-o",
               str(folder / "refused.mlir")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    errors = {}
    for line in result.stderr.strip().splitlines():
        errors.setdefault(re.sub(r".*/(f\d+)\.onnx: .*", r"\1", line), []).append(line)
    if result.returncode != 1 or set(errors) - set(wanted):
        problems.append(f"opset {opset}: exit code {result.returncode}, {set(errors) - set(wanted)}")
    for name, (entry, pattern) in wanted.items():
        lines = errors.get(name, [])
        if len(lines) != 1 or not re.search(rf'node "/{name}" \({entry.op}\).*({pattern})', lines[0]):
            problems.append(f"opset {opset}: {entry.op} {entry.attributes}: {lines}, not {pattern}")
    return problems, len(wanted)


def check_schemas(page):
    """The opsets that the page names are those of ONNX's schemas, as far as they are installed."""
    listed = {m[1]: set(re.findall(r"`(\w+)`", m[3])) for m in re.finditer(
        r"^\| `(\w+)` \| (\d+ to \d+) \| [^|]* \| ([^|]*) \|$", page, re.M)}
    forms = {}
    for m in re.finditer(r"^\| `(\w+)` \| (attribute|input) `?(\w+)`? \| (?:(\d+) to (\d+)|up to \d+"
                         r": refused) \|$", page, re.M):
        forms[m[1], m[3]] = (int(m[4]), int(m[5])) if m[4] else (0, 0)
    # The importer makes these attributes; those it does not take.
    made = {("CumSum", "axis")}
    left_out = {("Constant", n) for n in ("sparse_value", "value_string", "value_strings")}
    problems, count = [], 0
    for op, attributes in listed.items():
        for opset in range(OLDEST, KNOWN + 1):
            try:
                schema = onnx.defs.get_schema(op, opset)
            except onnx.defs.SchemaError:
                continue
            has = set(schema.attributes)
            for name in has | attributes | {n for o, n in forms if o == op and not n.isdigit()}:
                first, last = forms.get((op, name), (OLDEST, NEWEST))
                ours = first <= opset <= last and (name in attributes or (op, name) in forms)
                count += 1
                if ours != (name in has) and (op, name) not in made | left_out:
                    problems.append(f"{op} {name} at opset {opset}: page {ours}, schema {not ours}")
            for (other, name), (first, last) in forms.items():
                if other == op and name.isdigit():
                    count += 1
                    if (first <= opset <= last) != (int(name) < len(schema.inputs)):
                        problems.append(f"{op} input {name} at opset {opset}: the schema says "
                                        f"{len(schema.inputs)} inputs")
    return problems, count


def main(folder, page):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = pathlib.Path(page).read_text()
    problems, compared = check_schemas(text)
    listed = set(re.findall(r"^\| `(\w+)` \| \d+ to", text, re.M))
    tested = {f.op for f in FORMS}
    problems += [f"no form of {op}" for op in sorted(listed - tested)]
    legal = other = 0
    for opset in range(OLDEST, NEWEST + 1):
        for check in (check_legal, check_refused):
            found, count = check(opset, folder)
            problems += found
            legal, other = (legal + count, other) if check is check_legal else (legal, other + count)
    for problem in problems:
        print(problem)
    print(f"{legal} forms evaluated, {other} refused, {compared} compared with ONNX's schemas, "
          f"{len(problems)} wrong")
    return bool(problems or not legal or not other or not compared)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
