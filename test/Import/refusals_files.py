"""Files that are no model, and tensors that are wrong."""

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from onnx_files import tensor
from refusal_cases import CASES, case, linear, one, patched_tensor


@case("is empty")
def empty(path):
    path.write_bytes(b"")


@case("cannot open: No such file")
def absent(path):
    pass


@case("is a directory")
def directory(path):
    path.mkdir()


@case("protobuf cannot parse it")
def truncated(path):
    path.write_bytes(linear().SerializeToString()[:-7])


@case("protobuf cannot parse it")
def text(path):
    path.write_bytes(b"this is no model\n")


@case("protobuf cannot parse it")
def huge_length(path):
    path.write_bytes(b"\x3a\xff\xff\xff\xff\x07abc")


@case("protobuf cannot parse it")
def deep_nesting(path):
    proto = linear()
    for _ in range(60):  # three messages a level, protobuf stops at 100
        outer = one("Relu", "x", [[2]])
        outer.graph.node[0].attribute.append(
            AttributeProto(name="body", type=AttributeProto.GRAPH, g=proto.graph))
        proto = outer
    return proto


@case("larger than 2 GiB")
def over_2_gib(path):
    with open(path, "wb") as file:
        file.truncate(2**31 + 1)


@case("has no graph")
def no_graph(path):
    proto = linear()
    proto.ClearField("graph")
    return proto


@case("ir_version is missing or 0")
def ir_version_0(path):
    return linear(ir_version=0)


@case("ir_version 999 is not known, the newest is")
def ir_version_999(path):
    return linear(ir_version=999)


@case("opset 999 is not supported: export with opset 11 to 21")
def opset_999(path):
    return linear(opset=999)


@case("opset 10 is not supported")
def opset_10(path):
    return linear(opset=10)


@case("opset_import does not name")
def no_opset(path):
    proto = linear()
    del proto.opset_import[:]
    return proto


@case("opset_import names the versions 13 and 12")
def two_opsets(path):
    proto = linear()
    proto.opset_import.append(helper.make_opsetid("ai.onnx", 12))
    return proto


@case(r'initializer "w": raw_data has 48 bytes, float \[3, 5\] needs 60')
def dims_too_large(path):
    return patched_tensor(dims=[3, 5])


@case(r'initializer "w": dimension -3 of \[-3, 4\] is negative')
def negative_dims(path):
    return patched_tensor(dims=[-3, 4])


@case(r'initializer "w": dims .* have too many elements')
def dims_overflow(path):
    return patched_tensor(dims=[2**40, 2**40])


@case(r'initializer "w": dims .* have too many elements')
def dims_overflow_behind_zero(path):
    """Zero elements in all, but no order of multiplying them may overflow."""
    return patched_tensor(dims=[2**40, 2**40, 0], raw_data=b"")


@case(r'initializer "w": has 65 dimensions, the most are 64')
def many_dims(path):
    return patched_tensor(dims=[1] * 65, raw_data=bytes(4))


@case(r'initializer "w": raw_data has 23 bytes, float16 \[3, 4\] needs 24')
def odd_half(path):
    return patched_tensor(data_type=TensorProto.FLOAT16, raw_data=bytes(23))


def ones(shape, *changes):
    """Ones with `changes` ((index, value), ...) as the initializer w."""
    array = np.ones(shape, np.float32)
    for index, new in changes:
        array[index] = new
    return array


def weights(array):
    proto = linear()
    proto.graph.initializer[0].CopyFrom(tensor("w", array))
    return proto


@case(r'initializer "w": element 6 is not a number \(NaN\)')
def nan_weight(path):
    return weights(ones((3, 4), ((1, 2), np.nan)))


@case(r'initializer "w": element 11 is infinite: only a mask of zeros and infinities may be')
def infinite_weight(path):
    return weights(ones((3, 4), ((2, 3), -np.inf)))


@case(r'initializer "w": element 0 is infinite as f32')
def double_too_large(path):
    return weights(ones((3, 4)).astype(np.float64) * np.float64(1e300) ** np.eye(3, 4))


@case(r'initializer "w": element 1 is not a number \(NaN\)')
def nan_half_weight(path):
    return weights(ones((3, 4), ((0, 1), np.nan)).astype(np.float16))


@case(r'initializer "w": element 1 is not a number \(NaN\)')
def several_nan_weights(path):
    """Checked side by side, told in the file's order."""
    proto = weights(ones((3, 4), ((0, 1), np.nan)))
    for index in range(40):
        proto.graph.initializer.append(tensor(f"v{index}", ones((2, 2), ((0, 0), np.inf))))
    return proto


@case(r'initializer "w": has no values: 0 bytes, float \[3, 4\] needs 48')
def no_values(path):
    return patched_tensor(raw_data=None)


@case(r'initializer "w": has values in raw_data and in float_data')
def two_values(path):
    return patched_tensor(float_data=[1.0])


@case(r'initializer "w": float_data has 2 values, dims \[3, 4\] need 12')
def few_values(path):
    return patched_tensor(raw_data=None, float_data=[1.0, 2.0])


@case(r'initializer "w": is float but has values in int64_data instead of float_data')
def wrong_field(path):
    return patched_tensor(raw_data=None, int64_data=[1] * 12)


@case(r'initializer "w": element type string is not supported')
def strings(path):
    return patched_tensor(raw_data=None, data_type=TensorProto.STRING, string_data=[b"a"] * 12)


@case(r'initializer "w": element type int4 is not supported')
def int4(path):
    return patched_tensor(data_type=22)


for number, name in ((0, "undefined"), (13, "uint64"), (14, "complex64"), (17, "float8e4m3fn"),
                     (18, "float8e4m3fnuz"), (19, "float8e5m2"), (20, "float8e5m2fnuz"),
                     (21, "uint4"), (23, "float4e2m1"), (-1, "-1")):
    CASES[f"type_{name}"] = (lambda path, number=number: patched_tensor(data_type=number),
                             rf'initializer "w": element type {name} is not supported')


@case(r'initializer "w": element type 7777 is not supported')
def future_type(path):
    return patched_tensor(data_type=7777)


@case(r'initializer "w" is sparse')
def sparse(path):
    proto = linear()
    sparse_tensor = proto.graph.sparse_initializer.add()
    sparse_tensor.values.CopyFrom(tensor("w", np.ones(2, np.float32)))
    del proto.graph.initializer[:]
    return proto


@case(r'initializer "w" is sparse')
def sparse_with_bad_indices(path):
    proto = sparse(path)
    bad = proto.graph.sparse_initializer[0]
    bad.indices.CopyFrom(tensor("", np.array([2**62, -1])))
    bad.dims.extend([3, 4])
    return proto


@case(r'initializer "w" occurs twice')
def tensor_twice(path):
    proto = linear()
    proto.graph.initializer.append(proto.graph.initializer[0])
    return proto
