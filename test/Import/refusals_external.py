"""Tensors in other files."""

import os
import socket
import stat

import numpy as np
from onnx import StringStringEntryProto, TensorProto

from onnx_files import tensor
from refusal_cases import CASES, case, linear, one


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


@case('external data: unknown key "color"')
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
