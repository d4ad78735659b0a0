"""Quantised models."""

import numpy as np
from onnx import TensorProto

from onnx_files import model, node, tensor, value
from refusal_cases import CASES, case, one

DYNAMIC = (r" \(dynamic quantisation: quantise statically, with calibration data, in QDQ format, or "
           r"give the model in float\)")


@case(r'2 operators are not supported: node "/d" \(DynamicQuantizeLinear\)' + DYNAMIC +
      r', node "/m" \(MatMulInteger\)' + DYNAMIC + "$")
def dynamically_quantised(path):
    return model([node("DynamicQuantizeLinear", "x", "q s z", "/d"),
                  node("MatMulInteger", "q w", "i", "/m"),
                  node("Cast", "i", "y", to=TensorProto.FLOAT)],
                 [value("x", [2, 3])], [value("y", [2, 4])],
                 [tensor("w", np.ones((3, 4), np.int8))])


@case(r'1 operator is not supported: node "/d" \(DynamicQuantizeMatMul\) of domain "com.microsoft"' +
      DYNAMIC + "$")
def dynamically_quantised_at_once(path):
    return model([node("DynamicQuantizeMatMul", "x w s", "y", "/d", domain="com.microsoft")],
                 [value("x", [2, 3])], [value("y", [2, 4])],
                 [tensor("w", np.ones((3, 4), np.int8)), tensor("s", np.float32(1))])


@case(r'1 operator is not supported: node "/m" \(QLinearMatMul\) \(quantised operators: quantise in '
      r"QDQ format, or give the model in float\)$")
def quantised_operators(path):
    scalars = [tensor(n, np.float32(1)) for n in ("s", "ws", "ys")]
    zeros = [tensor(n, np.int8(0)) for n in ("z", "wz", "yz")]
    return model([node("QLinearMatMul", "x s z w ws wz ys yz", "y", "/m")],
                 [value("x", [2, 3], TensorProto.INT8)], [value("y", [2, 4], TensorProto.INT8)],
                 [tensor("w", np.ones((3, 4), np.int8)), *scalars, *zeros])


def quantised(scale=1.0, op="QuantizeLinear", zero=None, shape=(2, 3), **attributes):
    given = [tensor("s", np.array(scale, np.float32))]
    given += [] if zero is None else [tensor("z", np.array(zero))]
    return one(op, "x s" + ("" if zero is None else " z"), [shape], given, **attributes)


AGAIN = " is not finite and positive: quantise the model again, with calibration data in which"

for bad_scale in (0.0, -0.5, -0.0, [1.0, -1.0, 2.0], float("inf"), [0.0, float("inf"), 0.0]):
    CASES[f"quantised_scale_{bad_scale}"] = (
        lambda path, bad_scale=bad_scale: quantised(bad_scale),
        r'node "/N" \(QuantizeLinear\): its scale (-?[01.5]+|inf)' + AGAIN)
    CASES[f"dequantised_scale_{bad_scale}"] = (
        lambda path, bad_scale=bad_scale: one(
            "DequantizeLinear", "c s", [], [tensor("c", np.zeros((2, 3), np.int8)),
                                            tensor("s", np.array(bad_scale, np.float32))]),
        r'node "/N" \(DequantizeLinear\): its scale (-?[01.5]+|inf)' + AGAIN)


for bad_scale in (float("nan"), [1.0, float("nan"), 1.0], [1.0, float("inf"), 1.0]):
    CASES[f"quantised_scale_{bad_scale}"] = (
        lambda path, bad_scale=bad_scale: quantised(bad_scale),
        r'initializer "s": element [01] is (not a number \(NaN\)|infinite: only a mask)')


for operation in ("Neg", "Log"):
    @case(r'node "/N" \(QuantizeLinear\): its scale (-0.5|-?inf)' + AGAIN)
    def computed_scale(path, operation=operation):
        """-0.5 and log 0: only what is computed shows it."""
        return model([node(operation, "s", "c"), node("QuantizeLinear", "x c", "y", "/N")],
                     [value("x", [2, 3])], [value("y", None)],
                     [tensor("s", np.float32(0.5 if operation == "Neg" else 0))])
    CASES[f"computed_scale_{operation}"] = CASES.pop("computed_scale")


@case(r'node "/N" \(QuantizeLinear\): its scale -1' + AGAIN)
def long_scale(path):
    """Longer than what is computed while importing."""
    scale = np.ones(5000, np.float32)
    scale[4999] = -1
    return quantised(scale, shape=(2, 5000))


@case(r'node "/N" \(QuantizeLinear\).*the scale must be a scalar or a vector of 3, got')
def quantised_scale_size(path):
    return quantised([1.0, 2.0])


@case(r'node "/N" \(QuantizeLinear\).*axis 2 is outside rank 2')
def quantised_axis(path):
    return quantised([1.0, 2.0], axis=2)


@case(r'node "/N" \(QuantizeLinear\).*differ in size')
def quantised_zero_points(path):
    return quantised(zero=np.zeros(3, np.int8))


@case(r'node "/N" \(QuantizeLinear\).*codes must be int8 or uint8, got i32')
def quantised_to_int32(path):
    return quantised(zero=np.int32(0))


@case(r'node "/N" \(DequantizeLinear\).*codes must be int8 or uint8, or int32, got f32')
def dequantised_floats(path):
    return quantised(op="DequantizeLinear")
