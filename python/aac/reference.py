"""ONNX semantics in numpy: what a model's logits are, to compare compiled results with.

  outputs = evaluate(onnx.load("sst2.onnx"), inputs)            f32, as an ONNX runtime computes
  outputs = evaluate(model, inputs, dtype=np.float64)           to judge f32's own error
  outputs = evaluate(model, inputs, observe=hook)               hook(node, value) may replace any result

Only the operators that exporters write for transformer encoders are known; others raise KeyError by name.
"""

import functools
import math

import numpy as np
import onnx
from onnx import helper, numpy_helper

_erf = np.vectorize(math.erf, otypes=[np.float64])


def evaluate(model, inputs, dtype=np.float32, observe=None):
    """The model's outputs by name. Floating-point tensors are held in `dtype` throughout."""
    values = {"": None}
    for tensor in model.graph.initializer:
        values[tensor.name] = _cast(numpy_helper.to_array(tensor), dtype)
    values.update({name: _cast(np.asarray(array), dtype) for name, array in inputs.items()})
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type not in _OPERATORS:
            raise KeyError(f"operator '{node.op_type}' of node '{node.name}' is not known here")
        arguments = [values[name] for name in node.input]
        results = _OPERATORS[node.op_type](arguments, attributes, dtype, opset)
        for name, result in zip(node.output, results if isinstance(results, list) else [results]):
            result = _cast(np.asarray(result), dtype)
            if observe is not None:
                result = observe(node, result)
            values[name] = result
    return {output.name: values[output.name] for output in model.graph.output}


def sqnr_db(reference, result):
    """Signal over noise in decibels: the reference's energy over the difference's."""
    reference, result = np.asarray(reference, np.float64), np.asarray(result, np.float64)
    noise = float(np.sum((reference - result) ** 2))
    return math.inf if noise == 0 else 10 * math.log10(float(np.sum(reference**2)) / noise)


def adaptiv_float(values, bits=8, exponent_bits=3):
    """`values` rounded to AdaptivFloat with the exponent bias that their largest magnitude asks for.

    Below half of the smallest value is zero, the rest of that gap the smallest value; ties go to even."""
    values = np.asarray(values)
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0:
        return values
    mantissa_bits = bits - exponent_bits - 1
    top = math.frexp(largest)[1] - 1
    bottom = top - (2**exponent_bits - 1)
    smallest = 2.0**bottom * (1 + 2.0**-mantissa_bits)
    limit = 2.0**top * (2 - 2.0**-mantissa_bits)
    magnitude = np.minimum(np.abs(values.astype(np.float64)), limit)
    exponent = np.clip(np.frexp(magnitude)[1] - 1, bottom, top)
    step = np.exp2(exponent - mantissa_bits)
    rounded = np.minimum(np.rint(magnitude / step) * step, limit)
    rounded = np.where(magnitude < smallest, np.where(magnitude < smallest / 2, 0, smallest), rounded)
    return (np.sign(values) * rounded).astype(values.dtype)


def ideal(model, inputs):
    """The model's outputs where weights and the result of every node are rounded by adaptiv_float().

    What masks (beyond 1e4) and single numbers stay as they are."""
    rounded = onnx.ModelProto.FromString(model.SerializeToString())
    for tensor in rounded.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1:
            tensor.CopyFrom(numpy_helper.from_array(adaptiv_float(values), tensor.name))

    def observe(_, result):
        huge = result.dtype == np.float32 and np.max(np.abs(result), initial=0) > 1e4
        if result.dtype != np.float32 or huge or result.size <= 1:
            return result
        return adaptiv_float(result)

    return evaluate(rounded, inputs, observe=observe)


def _cast(array, dtype):
    return array.astype(dtype) if array.dtype.kind == "f" else array


def _softmax(arguments, attributes, dtype, opset):
    x = arguments[0]
    if opset < 13:  # all axes from `axis` on are one
        rows = x.reshape(int(np.prod(x.shape[:attributes.get("axis", 1)], dtype=np.int64)), -1)
    else:
        rows = np.moveaxis(x, attributes.get("axis", -1), -1)
    powers = np.exp(rows - rows.max(-1, keepdims=True))
    result = powers / powers.sum(-1, keepdims=True)
    return result.reshape(x.shape) if opset < 13 else np.moveaxis(result, -1,
                                                                  attributes.get("axis", -1))


def _layer_normalization(arguments, attributes, dtype, opset):
    x, gamma, beta = (arguments + [None])[:3]
    axis = attributes.get("axis", -1)
    axes = tuple(range(axis % x.ndim, x.ndim))
    centred = x - x.mean(axes, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axes, keepdims=True)
                        + dtype(attributes.get("epsilon", 1e-5)))
    result = centred / deviation * gamma
    return result if beta is None else result + beta


def _gelu(arguments, attributes, dtype, opset):
    x = arguments[0]
    if attributes.get("approximate", b"none") == b"tanh":
        return x * dtype(0.5) * (1 + np.tanh(dtype(math.sqrt(2 / math.pi)) * (x + dtype(0.044715) * x**3)))
    return x * dtype(0.5) * (1 + _erf(x / dtype(math.sqrt(2))).astype(dtype))


def _clip(arguments, attributes, dtype, opset):
    x, low, high = (arguments + [None, None])[:3]
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _gemm(arguments, attributes, dtype, opset):
    a, b, c = (arguments + [None])[:3]
    a = a.T if attributes.get("transA") else a
    b = b.T if attributes.get("transB") else b
    result = dtype(attributes.get("alpha", 1.0)) * (a @ b)
    return result if c is None else result + dtype(attributes.get("beta", 1.0)) * c


def _axes(arguments, attributes):
    return tuple(attributes["axes"]) if "axes" in attributes else tuple(arguments[1].tolist())


def _unsqueeze(arguments, attributes, dtype, opset):
    return np.expand_dims(arguments[0], _axes(arguments, attributes))


def _reshape(arguments, attributes, dtype, opset):
    x, shape = arguments[0], arguments[1].tolist()
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])


def _slice(arguments, attributes, dtype, opset):
    x, starts, ends = arguments[:3]
    axes = arguments[3] if len(arguments) > 3 and arguments[3] is not None else range(len(starts))
    steps = arguments[4] if len(arguments) > 4 else [1] * len(starts)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps):
        index[int(axis)] = slice(int(start), int(end), int(step))
    return x[tuple(index)]


def _split(arguments, attributes, dtype, opset):
    sizes = attributes["split"] if "split" in attributes else arguments[1].tolist()
    return np.split(arguments[0], np.cumsum(sizes)[:-1], axis=attributes.get("axis", 0))


def _divide(arguments, attributes, dtype, opset):
    x, y = arguments
    if x.dtype.kind == "f":
        return x / y
    return np.trunc(x / y).astype(x.dtype)


def _constant_of_shape(arguments, attributes, dtype, opset):
    fill = numpy_helper.to_array(attributes["value"]) if "value" in attributes else np.zeros(1, "f")
    return np.full(arguments[0].tolist(), fill[0], fill.dtype)


def _cast_to(arguments, attributes, dtype, opset):
    target = helper.mapping.TENSOR_TYPE_TO_NP_TYPE[attributes["to"]]
    return arguments[0].astype(target)


def _along(x, values, axis):
    """Scales or zero points so that they broadcast along their axis of x."""
    return values.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]) \
        if values.size > 1 else values.reshape(())


def _quantize_linear(arguments, attributes, dtype, opset):
    x, scale, zero = (arguments + [None])[:3]
    zero = np.zeros(scale.shape, np.uint8) if zero is None else zero
    axis, limits = attributes.get("axis", 1), np.iinfo(zero.dtype)
    codes = np.rint(x / _along(x, scale, axis)) + _along(x, zero, axis).astype(dtype)
    return np.clip(codes, limits.min, limits.max).astype(zero.dtype)


def _dequantize_linear(arguments, attributes, dtype, opset):
    x, scale, zero = (arguments + [None])[:3]
    axis, codes = attributes.get("axis", 1), x.astype(np.int64)
    if zero is not None:
        codes = codes - _along(x, zero, axis).astype(np.int64)
    return codes.astype(dtype) * _along(x, scale, axis)


def _arg_max(arguments, attributes, dtype, opset):
    axis = attributes.get("axis", 0)
    index = np.argmax(arguments[0], axis).astype(np.int64)
    return np.expand_dims(index, axis) if attributes.get("keepdims", 1) else index


def _one_hot(arguments, attributes, dtype, opset):
    ids, depth, values = arguments
    ids = np.where(ids < 0, ids + depth, ids)
    hot = np.expand_dims(ids, attributes.get("axis", -1)) == np.arange(int(depth)).reshape(
        [-1 if i == attributes.get("axis", -1) % (ids.ndim + 1) else 1 for i in range(ids.ndim + 1)])
    return np.where(hot, values[1], values[0])


def _plain(function):
    """An operator whose result depends on its operands alone."""
    return lambda arguments, attributes, dtype, opset: function(*arguments)


_OPERATORS = {
    "Add": _plain(np.add), "Sub": _plain(np.subtract),
    "Sum": _plain(lambda *x: functools.reduce(np.add, x)),
    "Mul": _plain(np.multiply), "Div": _divide,
    "Pow": _plain(lambda x, y: np.power(x, y.astype(x.dtype))),
    "Sqrt": _plain(np.sqrt), "Erf": _plain(_erf), "Tanh": _plain(np.tanh),
    "Sigmoid": _plain(lambda x: 1 / (1 + np.exp(-x))), "Relu": _plain(lambda x: np.maximum(x, 0)),
    "Identity": _plain(lambda x: x), "MatMul": _plain(np.matmul), "Gemm": _gemm,
    "Einsum": lambda v, a, d, o: np.einsum(a["equation"].decode(), *v),
    "Constant": lambda v, a, d, o: numpy_helper.to_array(a["value"]),
    "ConstantOfShape": _constant_of_shape, "Cast": _cast_to,
    "Equal": _plain(np.equal), "Where": _plain(np.where), "Not": _plain(np.logical_not),
    "Greater": _plain(np.greater), "Less": _plain(np.less), "Split": _split,
    "Dropout": lambda v, a, d, o: v[0],
    "Expand": _plain(lambda x, shape: x * np.ones(shape.tolist(), x.dtype)),
    "Tile": _plain(lambda x, repeats: np.tile(x, repeats.tolist())),
    "Range": _plain(lambda start, limit, step: np.arange(start, limit, step)),
    "Shape": _plain(lambda x: np.array(x.shape, np.int64)),
    "Gather": lambda v, a, d, o: np.take(v[0], v[1], axis=a.get("axis", 0)),
    "Concat": lambda v, a, d, o: np.concatenate(v, axis=a["axis"]),
    "Transpose": lambda v, a, d, o: np.transpose(v[0], a.get("perm")),
    "Unsqueeze": _unsqueeze, "Squeeze": lambda v, a, d, o: np.squeeze(v[0], _axes(v, a)),
    "Reshape": _reshape, "Slice": _slice, "Softmax": _softmax,
    "LogSoftmax": lambda v, a, d, o: np.log(_softmax(v, a, d, o)), "ArgMax": _arg_max,
    "OneHot": _one_hot, "ReduceMean": lambda v, a, d, o: v[0].mean(_axes(v, a), keepdims=bool(a.get("keepdims", 1))),
    "ReduceSum": lambda v, a, d, o: v[0].sum(_axes(v, a), keepdims=bool(a.get("keepdims", 1))),
    "LayerNormalization": _layer_normalization, "Gelu": _gelu, "Clip": _clip,
    "Max": _plain(np.maximum), "Reciprocal": _plain(lambda x: 1 / x), "Neg": _plain(np.negative),
    "QuantizeLinear": _quantize_linear, "DequantizeLinear": _dequantize_linear,
    "Softplus": _plain(lambda x: np.logaddexp(x, 0)),
}
