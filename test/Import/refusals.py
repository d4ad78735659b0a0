"""Every file that must be refused, with what the one error must say.

usage: refusals.py FOLDER

For each case: exit code 1, exactly one line of error, which names the file and matches the
pattern, and no output file.
"""

import os
import pathlib
import re
import shutil
import socket
import stat
import sys

import numpy as np
from onnx import AttributeProto, StringStringEntryProto, TensorProto, helper

from onnx_files import function, model, node, refer, tensor, translate, value, with_functions

CASES = {}


def case(pattern):
    """Registers a function that writes the model to a path (or returns a ModelProto)."""
    def add(make):
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


# --- files that are no model -----------------------------------------------------------------


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


@case(r'initializer "w": has no values')
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


# --- external data ---------------------------------------------------------------------------


def external(path, location="w.data", data=np.ones(12, np.float32).tobytes(), **entries):
    """The model with w in another file of 48 bytes."""
    proto = linear()
    w = proto.graph.initializer[0]
    w.ClearField("raw_data")
    w.data_location = TensorProto.EXTERNAL
    for key, entry in {"location": location, **entries}.items():
        w.external_data.append(StringStringEntryProto(key=key, value=str(entry)))
    if data is not None:
        (path.parent / "w.data").write_bytes(data)
    return proto


@case('external data "w.data": cannot open: No such file')
def external_absent(path):
    return external(path, data=None)


@case("must not leave the model's directory")
def external_parent(path):
    (path.parent.parent / "outside").write_bytes(bytes(48))
    return external(path, location="../outside")


@case("must not leave the model's directory")
def external_inner_parent(path):
    return external(path, location="sub/../w.data")


@case("must be a relative path")
def external_absolute(path):
    return external(path, location=str(path.parent / "w.data"))


@case("must be a relative path")
def external_no_location(path):
    return external(path, location="")


@case("a symbolic link")
def external_symlink(path):
    (path.parent / "link").symlink_to("w.data")
    return external(path, location="link")


@case("a symbolic link")
def external_directory_symlink(path):
    (path.parent / "real").mkdir()
    (path.parent / "real" / "w.data").write_bytes(bytes(48))
    (path.parent / "sub").symlink_to("real")
    return external(path, location="sub/w.data")


@case("not a regular file with one name")
def external_hard_link(path):
    proto = external(path, location="second")
    os.link(path.parent / "w.data", path.parent / "second")
    return proto


@case("not a regular file with one name")
def external_directory(path):
    (path.parent / "sub").mkdir()
    return external(path, location="sub")


@case("not a regular file with one name")
def external_fifo(path):
    os.mkfifo(path.parent / "pipe")
    return external(path, location="pipe")


@case("48 bytes at offset 1 are outside the file's 48 bytes")
def external_offset(path):
    return external(path, offset=1)


@case("48 bytes at offset 9223372036854775807 are outside")
def external_huge_offset(path):
    return external(path, offset=2**63 - 1)


@case('offset "-4" is not a number')
def external_negative_offset(path):
    return external(path, offset=-4)


@case("length is 40, dims and type need 48")
def external_length(path):
    return external(path, length=40)


@case('unknown key "color"')
def external_unknown_key(path):
    return external(path, color="red")


@case("belong to another tensor too")
def external_overlap(path):
    proto = external(path, data=bytes(96))
    second = proto.graph.initializer.add()
    second.CopyFrom(proto.graph.initializer[0])
    second.name = "v"
    second.external_data.append(StringStringEntryProto(key="offset", value="4"))
    return proto


@case('external data "": the location must be a relative path')
def external_nothing(path):
    return external(path, location="", offset=0)


@case(r'initializer "w": external data "..\\\\outside": the location must be a relative path')
def external_backslash(path):
    return external(path, location="..\\outside")


@case("the location must be a relative path")
def external_nul(path):
    return external(path, location="w.data\0.txt")


@case("cannot open: No such file")
def external_utf8_dots(path):
    (path.parent.parent / "outside").write_bytes(bytes(48))
    return external(path, location="\u2025/outside")  # one character of two dots


@case("cannot open: No such file")
def external_percent(path):
    (path.parent.parent / "outside").write_bytes(bytes(48))
    return external(path, location="%2e%2e/outside")


@case("must not leave the model's directory")
def external_nested_parent(path):
    (path.parent / "a").mkdir()
    (path.parent.parent / "outside").write_bytes(bytes(48))
    return external(path, location="a/../../outside")


@case("must not leave the model's directory")
def external_prefix(path):
    """A folder whose name begins as that of the model's."""
    evil = path.parent.with_name(path.parent.name + "_evil")
    evil.mkdir()
    (evil / "w.data").write_bytes(bytes(48))
    return external(path, location=f"../{evil.name}/w.data")


@case("a symbolic link")
def external_chained_symlink(path):
    (path.parent / "a").mkdir()
    (path.parent / "a" / "b").symlink_to(path.parent.parent)
    (path.parent.parent / "outside").write_bytes(bytes(48))
    return external(path, location="a/b/outside")


@case("a symbolic link")
def external_dangling_symlink(path):
    (path.parent / "link").symlink_to("nowhere")
    return external(path, location="link")


@case("not a regular file with one name")
def external_hard_link_outside(path):
    secret = path.parent.parent / "secret"
    secret.write_bytes(bytes(48))
    os.link(secret, path.parent / "inside")
    return external(path, location="inside")


@case("not a regular file with one name|cannot open: Permission|cannot open: No such device")
def external_device(path):
    try:
        os.mknod(path.parent / "zero", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except OSError:  # not allowed here: a socket is as little a file
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path.parent / "zero"))
    return external(path, location="zero")


for number in ("", "abc", "0x10", "1e3", " 4", "+4", "4 ", "-0", "9223372036854775808", "1" * 400):
    for key in ("offset", "length"):
        CASES[f"external_{key}_{number[:20]!r}".replace("'", "").replace(" ", "_")] = (
            lambda path, key=key, number=number: external(path, **{key: number}),
            rf'initializer "w": external data: {key} ".*" is not a number')


@case('unknown key "__class__"')
def external_dunder_key(path):
    return external(path, __class__="x")


@case('external data: key "offset" occurs twice')
def external_key_twice(path):
    proto = external(path, offset=0)
    proto.graph.initializer[0].external_data.append(
        StringStringEntryProto(key="offset", value="4"))
    return proto


@case(r'external data "a\\nb\\x1b\[31m": cannot open')
def external_control_characters(path):
    """What the file says may not write to the terminal."""
    return external(path, location="a\nb\x1b[31m")


@case("the model's external data is larger than 8 GiB")
def external_huge_sparse(path):
    proto = external(path, data=None)
    with open(path.parent / "w.data", "wb") as file:
        file.truncate(2**40)
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend([2**19, 2**19])
    return proto


@case("which only initializers may be")
def external_attribute(path):
    proto = one("Constant", "", [], value=tensor("v", np.ones(2, np.float32)))
    t = proto.graph.node[0].attribute[0].t
    t.ClearField("raw_data")
    t.data_location = TensorProto.EXTERNAL
    t.external_data.append(StringStringEntryProto(key="location", value="/etc/hostname"))
    return proto


@case("has external_data but data_location is not EXTERNAL")
def external_undeclared(path):
    proto = external(path)
    proto.graph.initializer[0].data_location = TensorProto.DEFAULT
    return proto


@case("is external but has values in raw_data")
def external_and_raw(path):
    proto = external(path)
    proto.graph.initializer[0].raw_data = bytes(48)
    return proto


# --- graphs ----------------------------------------------------------------------------------


@case(r'node "/A" \(Relu\) is in, or depends on, a cycle')
def cycle(path):
    return model([node("Relu", "b", "a", "/A"), node("Relu", "a", "b", "/B")], [],
                 [value("b", [2])])


@case(r'node "/B" \(Relu\) makes the value "a", which is there already')
def duplicate_value(path):
    return model([node("Relu", "x", "a", "/A"), node("Relu", "x", "a", "/B")],
                 [value("x", [2])], [value("a", [2])])


@case(r'node "/A" \(Relu\) makes the value "x", which is there already')
def value_is_input(path):
    return model([node("Relu", "x", "x", "/A")], [value("x", [2])], [value("x", [2])])


@case(r'node "/A" \(Relu\) is in, or depends on, a cycle')
def cycle_of_one(path):
    return model([node("Relu", "a", "a", "/A")], [], [value("a", [2])])


@case(r'node "/A" \(Relu\): its input "nowhere" does not exist')
def missing_input(path):
    return model([node("Relu", "nowhere", "a", "/A")], [], [value("a", [2])])


@case('output "nothing" is made by no node')
def missing_output(path):
    return model([node("Relu", "x", "a")], [value("x", [2])], [value("nothing", [2])])


@case("the graph has no outputs")
def no_outputs(path):
    return model([node("Relu", "x", "a")], [value("x", [2])], [])


@case('output "a" occurs twice')
def output_twice(path):
    return model([node("Relu", "x", "a")], [value("x", [2])], [value("a", [2])] * 2)


@case('output "a" is said to be int64')
def output_type(path):
    return model([node("Relu", "x", "a")], [value("x", [2])],
                 [value("a", [2], TensorProto.INT64)])


@case('input "x" occurs twice')
def input_twice(path):
    return model([node("Relu", "x", "a")], [value("x", [2])] * 2, [value("a", [2])])


@case('input "x": dimension -2 is negative')
def input_negative(path):
    return model([node("Relu", "x", "a")], [value("x", [-2])], [value("a", [2])])


@case('input "x": element type string is not supported')
def input_strings(path):
    return model([node("Relu", "x", "a")], [value("x", [2], TensorProto.STRING)],
                 [value("a", [2])])


@case('input "x" has no shape')
def input_without_shape(path):
    return model([node("Relu", "x", "a")], [value("x", None)], [value("a", [2])])


@case(r'has free dimensions: "x" \[batch, 3, \?\]; give sizes with --bind')
def free_dimensions(path):
    return model([node("Relu", "x", "a")], [value("x", ["batch", 3, None])],
                 [value("a", None)])


# --- nodes -----------------------------------------------------------------------------------


def one(op, inputs, shapes, initializers=(), opset=13, outputs="y", **attributes):
    """A model of one node with float inputs of the given shapes."""
    names = [n for n in inputs.split() if n != "-"]
    given = [i.name for i in initializers]
    infos = [value(n, s) for n, s in zip([n for n in names if n not in given], shapes)]
    return model([node(op, inputs, outputs, "/N", **attributes)], infos, [value("y", None)],
                 initializers, opset)


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


@case(r'3 operators are not supported: node "/a" \(NonZero\), node "/b" \(Mystery\) of domain '
      r'"example", node 2 \(Loop\)')
def unknown_operators(path):
    proto = model([node("NonZero", "x", "a", "/a"),
                   node("Mystery", "a", "b", "/b", domain="example"),
                   node("Loop", "b", "y")], [value("x", [2])], [value("y", None)])
    proto.graph.node[2].name = ""
    return proto


@case(r'2 operators are not supported: node "/if" \(If\), '
      r'node "/inner" \(NonZero\) in "then_branch" of node "/if" \(If\)$')
def operators_in_subgraphs(path):
    branch = helper.make_graph([node("Relu", "x", "r"), node("NonZero", "r", "b", "/inner")], "g",
                               [], [value("b", None)])
    proto = model([node("If", "c", "y", "/if")],
                  [value("x", [2]), value("c", [], TensorProto.BOOL)], [value("y", None)])
    proto.graph.node[0].attribute.append(helper.make_attribute("then_branch", branch))
    return proto


@case(r'2 operators are not supported: node "/g" \(FastGelu\) of domain "com.microsoft", '
      r'node "/r" \(Relu\) of domain "com.microsoft"')
def other_domains(path):
    """A known name in another domain is another operator."""
    return model([node("FastGelu", "x", "a", "/g", domain="com.microsoft"),
                  node("Relu", "a", "y", "/r", domain="com.microsoft")], [value("x", [2])],
                 [value("y", [2])])


@case(r'1200 operators are not supported: .* and 200 more$')
def many_unknown_operators(path):
    nodes = [node("Mystery", f"v{i}", f"v{i + 1}", f"/{i}") for i in range(1200)]
    return model(nodes, [value("v0", [2])], [value("v1200", [2])])


@case(r'node "/N" \(Relu\): has 65 attributes, the most are 64')
def many_attributes(path):
    return one("Relu", "x", [[2]], **{f"a{i}": 1 for i in range(65)})


@case(r'node "/N" \(Gemm\): alpha must be finite')
def infinite_alpha(path):
    return one("Gemm", "x z", [[2, 3], [3, 2]], alpha=float("inf"))


@case(r'node "/N" \(Gemm\): attribute "beta" is not a number \(NaN\)')
def nan_beta(path):
    return one("Gemm", "x z", [[2, 3], [3, 2]], beta=float("nan"))


for epsilon in (float("inf"), -1e-5):
    CASES[f"epsilon_{epsilon}"] = (
        lambda path, epsilon=epsilon: one("LayerNormalization", "x s", [[2, 3]],
                                          [tensor("s", np.ones(3, np.float32))], opset=17,
                                          epsilon=epsilon),
        r'node "/N" \(LayerNormalization\): epsilon must be finite and not negative')


@case(r'node "/N" \(Constant\): attribute "value" element 1 is not a number')
def nan_constant(path):
    return one("Constant", "", [], value=tensor("v", np.array([0, np.nan], np.float32)))


@case(r'node "/N" \(Constant\): attribute "value_float" is not a number')
def nan_constant_float(path):
    return one("Constant", "", [], value_float=float("nan"))


@case(r'node "/N" \(Unsqueeze\): a result of 65 dimensions; the most are 64')
def growing_rank(path):
    return one("Unsqueeze", "x a", [[1] * 60], [tensor("a", np.arange(5))])


@case(r'node "/\d+" \(Concat\): constant arithmetic up to here takes more than \d+ steps')
def constant_bomb(path):
    """20,000 results of 4096 elements each."""
    nodes = [node("Concat", "c", f"v{i}", f"/{i}", axis=0) for i in range(20000)]
    nodes.append(node("Concat", " ".join(f"v{i}" for i in range(20000)), "y", axis=0))
    return model(nodes, [], [value("y", None)], [tensor("c", np.zeros(4096, np.int64))])


@case(r'node "/N" \(Add\): has 1 inputs, must have 2')
def arity(path):
    return one("Add", "x", [[2]])


@case(r'node "/N" \(Add\): input 0 is missing')
def absent_input(path):
    return one("Add", "- x", [[2]])


@case(r'node "/N" \(Add\): shapes \[2\] and \[3\] do not broadcast')
def broadcast(path):
    return one("Add", "x z", [[2], [3]])


@case(r'node "/N" \(Add\): element types differ: f32 and i64')
def mixed_types(path):
    return one("Add", "x c", [[2]], [tensor("c", np.ones(2, np.int64))])


@case(r'node "/N" \(MatMul\): inner sizes of .* differ: 3 and 4')
def matmul_sizes(path):
    return one("MatMul", "x z", [[2, 3], [4, 2]])


@case(r'node "/N" \(Relu\): attribute "slope" is not supported')
def unknown_attribute(path):
    return one("Relu", "x", [[2]], slope=1)


@case(r'node "/N" \(Softmax\): attribute .?axis.? failed to satisfy constraint')
def attribute_type(path):
    return one("Softmax", "x", [[2]], axis=1.5)


@case(r'node "/N" \(Concat\): lacks its attribute')
def missing_attribute(path):
    return one("Concat", "x z", [[2], [2]])


@case(r'node "/N" \(Softmax\): axis 2 is outside rank 1')
def axis_range(path):
    return one("Softmax", "x", [[2]], axis=2)


@case(r'node "/N" \(Cast\): cannot cast to element type 8')
def cast_to_string(path):
    return one("Cast", "x", [[2]], to=TensorProto.STRING)


@case(r'node "/N" \(Gelu\): is not in opset 13 but from 20 on')
def too_new(path):
    return one("Gelu", "x", [[2]])


@case(r'node "/N" \(Reshape\): the shape of its result depends on the model\'s inputs')
def dynamic_reshape(path):
    return model([node("Reshape", "x s", "y", "/N")],
                 [value("x", [2]), value("s", [1], TensorProto.INT64)], [value("y", None)])


@case(r'node "/N" \(Reshape\): tensor<2x3xf32> cannot have shape \[4, -1\]')
def bad_reshape(path):
    return one("Reshape", "x s", [[2, 3]], [tensor("s", np.array([4, -1]))])


@case(r'node "/N" \(Reshape\): .*too many elements')
def overflowing_reshape(path):
    return one("Reshape", "x s", [[2, 3]], [tensor("s", np.array([2**40, 2**40]))])


@case(r'node "/N" \(Tile\): repeats .* do not fit')
def overflowing_tile(path):
    return one("Tile", "x s", [[2, 3]], [tensor("s", np.array([2**62, 2**62]))])


@case(r'node "/N" \(ConstantOfShape\): a tensor of shape .* has too many elements')
def overflowing_constant(path):
    return one("ConstantOfShape", "s", [], [tensor("s", np.array([2**40, 2**40]))])


@case(r'node "/N" \(Unsqueeze\): its axes "a" are not constant')
def dynamic_axes(path):
    return model([node("Unsqueeze", "x a", "y", "/N")],
                 [value("x", [2]), value("a", [1], TensorProto.INT64)], [value("y", None)])


@case(r'node "/N" \(Transpose\): perm \[0, 0\] is no permutation')
def bad_perm(path):
    return one("Transpose", "x", [[2, 3]], perm=[0, 0])


@case(r'node "/N" \(Einsum\): equation "\.\.\.i->i" has an ellipsis on one side of its arrow only')
def einsum_ellipsis(path):
    return one("Einsum", "x", [[2, 3]], equation="...i->i")


@case(r'node "/N" \(Einsum\): equation "\.\.\.ijk->\.\.\.k" has an ellipsis that does not fit the ranks')
def einsum_short_ellipsis(path):
    return one("Einsum", "x", [[2, 3]], equation="...ijk->...k")


@case(r'node "/N" \(Einsum\): index .A. is 3 and 2')
def einsum_broadcast_ellipsis(path):
    return one("Einsum", "x z", [[3, 4, 5], [2, 5, 6]], equation="...ij,...jk->...ik")


@case(r'node "/N" \(Einsum\): equation "\.\.\.i\.\.\.->\.\.\.i" has an ellipsis that does not')
def einsum_two_ellipses(path):
    return one("Einsum", "x", [[2, 3]], equation="...i...->...i")


@case(r'node "/N" \(Range\): no range from 0.* to 1.* by 0')
def range_of_no_step(path):
    return one("Range", "a b c", [], [tensor("a", np.float32(0)), tensor("b", np.float32(1)),
                                      tensor("c", np.float32(0))])


@case(r'node "/N" \(Range\): no range from 0.* to 1.* by 0')
def range_of_tiny_steps(path):
    return one("Range", "a b c", [], [tensor("a", np.float32(0)), tensor("b", np.float32(1)),
                                      tensor("c", np.float32(1e-30))])


@case(r'node "/N" \(Range\): the range is too long')
def range_of_least_number(path):
    """Whose quotient by -1 is none."""
    return one("Range", "a b c", [], [tensor("a", np.int64(0)), tensor("b", np.int64(-2**63)),
                                      tensor("c", np.int64(-1))])


@case(r'node "/N" \(Einsum\): equation "a{200}\.\.\." has term "a{200}\.\.\.", which is not letters')
def einsum_long_equation(path):
    """In time that is not its square."""
    return one("Einsum", "x", [[2, 3]], equation="a" * 1000000)


CONTROL = "\x1b[31m\n\x07"
ESCAPED = r'"\\x1B\[31m\\n\\x07'


@case(r'node "/N" \(Einsum\): equation ' + ESCAPED + ",i->\" has 2 terms for 1 operands")
def einsum_control_characters(path):
    return one("Einsum", "x", [[2, 3]], equation=CONTROL + ",i->")


@case(r'node "/N" \(Einsum\): equation ' + ESCAPED + '->i" has term ' + ESCAPED + '", which')
def einsum_control_term(path):
    return one("Einsum", "x", [[2]], equation=CONTROL + "->i")


@case(r'node "/N" \(Einsum\): equation "i->\\x1B\[31m\\n\\x07" has output ' + ESCAPED + '", which')
def einsum_control_output(path):
    return one("Einsum", "x", [[2]], equation="i->" + CONTROL)


@case(r'node "/N" \(Pad\): mode ' + ESCAPED + '" is not supported')
def pad_control_characters(path):
    return one("Pad", "x p", [[2]], [tensor("p", np.zeros(2, np.int64))], mode=CONTROL)


@case(r'node "/N" \(Gelu\): approximate must be "none" or "tanh", got ' + ESCAPED + 'x{193}\\.\\.\\."')
def gelu_control_characters(path):
    return one("Gelu", "x", [[2]], opset=20, approximate=CONTROL + "x" * 1000)


@case(r'node "/N" \(Einsum\): index .j. is 3 and 4')
def einsum_sizes(path):
    return one("Einsum", "x z", [[2, 3], [4, 2]], equation="ij,jk->ik")


@case(r'node "/N" \(Dropout\): is in training mode')
def training_dropout(path):
    return one("Dropout", "x r t", [[2]], [tensor("r", np.float32(0.5)), tensor("t", True)])


@case(r'node "/N" \(LayerNormalization\): its output "m" is used')
def layer_norm_mean(path):
    proto = one("LayerNormalization", "x s", [[2, 3]], [tensor("s", np.ones(3, np.float32))],
                opset=17, outputs="y m")
    proto.graph.output.append(value("m", None))
    return proto


@case(r'node "/N" \(Split\): has 2 sizes and 3 outputs')
def split_count(path):
    return one("Split", "x s", [[6]], [tensor("s", np.array([3, 3]))], outputs="y b c")


@case(r'node "/N" \(Constant\): attribute "value" element type string is not supported')
def constant_string(path):
    return one("Constant", "", [], value=helper.make_tensor("v", TensorProto.STRING, [1], [b"a"]))


@case(r'node "/N" \(Relu\): attribute "body" is a graph')
def subgraph(path):
    return one("Relu", "x", [[2]], body=linear().graph)


@case(r'node "/N" \(Relu\): attribute "a" refers to an attribute of a function')
def function_attribute(path):
    proto = one("Relu", "x", [[2]])
    proto.graph.node[0].attribute.append(
        AttributeProto(name="a", ref_attr_name="b", type=AttributeProto.INT))
    return proto


# --- bindings --------------------------------------------------------------------------------

BINDINGS = {
    "x=2x4": r'input "x" is \[2, 3\], bound to 2x4: dimension 1 is 3 already',
    "x=2": r'input "x" is \[2, 3\], bound to 2: 2 and 1 dimensions',
    "z=2": '"z" is neither an input nor a named dimension of any model',
    "x": 'cannot read the binding "x"',
    "x=0x3": "sizes from 1",
    "x=2x": "cannot read the binding",
}


def check(name, result, pattern, path, output):
    """One refusal; returns whether it was as wanted."""
    errors = result.stderr.strip().splitlines()
    problems = []
    if result.returncode != 1:
        problems.append(f"exit code {result.returncode}, not 1")
    if len(errors) != 1 or not errors[0].startswith("aac-translate: error: "):
        problems.append(f"{len(errors)} lines, not one error")
    if not re.search(pattern, result.stderr):
        problems.append(f"does not say {pattern!r}")
    if path and str(path) not in result.stderr:
        problems.append("does not name the file")
    if output.exists() or result.stdout:
        problems.append("has an output")
    for problem in problems:
        print(f"{name}: {problem}: {result.stderr[:400]}")
    return not problems


def main(folder):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    good, output = 0, folder / "out.mlir"
    for name, (make, pattern) in CASES.items():
        path = folder / name / "m.onnx"
        path.parent.mkdir(parents=True)
        proto = make(path)
        if proto is not None:
            path.write_bytes(proto.SerializeToString())
        good += check(name, translate(path, "-o", output), pattern, path, output)
    path = folder / "m.onnx"
    path.write_bytes(linear().SerializeToString())
    for binding, pattern in BINDINGS.items():
        result = translate(path, f"--bind={binding}", "-o", output)
        good += check(f"--bind={binding}", result, pattern, None, output)
    total = len(CASES) + len(BINDINGS)
    print(f"{good} of {total} refused as they should be")
    return 0 if good == total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
