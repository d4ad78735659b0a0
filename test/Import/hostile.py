"""Files made to harm: the tools stay within bounds of memory and say one line, or import them.

usage: hostile.py FOLDER CHANGING_LIBRARY

CHANGING_LIBRARY, loaded before others, makes a file grow while it is read (changing.c).
"""

import os
import pathlib
import random
import shutil
import subprocess
import sys

import numpy as np
from onnx import StringStringEntryProto, TensorProto, helper

from onnx_files import function, model, node, tensor, value, with_functions

MIB = 1 << 20
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


# A process counts as its own peak what the one that started it held then: a small one must start it.
# What takes five minutes of a processor is killed: many times what anything here needs.
PROBE = """
import os, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_CPU, (300, 300))
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024)
"""


def run(*command, cwd=None, stdin=None, env=None, cores=None):
    """(exit code, standard error, peak memory in bytes) of a command; on `cores` alone, if given."""
    result = subprocess.run(
        [sys.executable, "-S", "-c", PROBE, *map(str, command)], cwd=cwd, stdin=stdin,
        capture_output=True, text=True, env={**os.environ, **(env or {})},
        preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None)
    code, peak = map(int, result.stdout.split())
    return code, result.stderr, peak


def translate(*arguments, **options):
    return run("aac-translate", "--import-onnx", *arguments, "-o", "/dev/null", **options)


def refused(result, *words):
    code, errors, _ = result
    lines = errors.strip().splitlines()
    assert code == 1 and len(lines) == 1, f"exit code {code}: {errors[:500]}"
    assert all(word in errors for word in words), f"not {words}: {errors[:500]}"


def linear(weight=np.ones((3, 4), np.float32)):
    return model([node("MatMul", "x w", "h"), node("Relu", "h", "y")],
                 [value("x", [2, weight.shape[0]])], [value("y", [2, weight.shape[1]])],
                 [tensor("w", weight)])


def externalise(proto, folder, name="w.data"):
    """Moves all initializers to one file."""
    with open(folder / name, "wb") as file:
        for item in proto.graph.initializer:
            for key, entry in (("location", name), ("offset", file.tell()),
                               ("length", len(item.raw_data))):
                item.external_data.append(StringStringEntryProto(key=key, value=str(entry)))
            file.write(item.raw_data)
            item.ClearField("raw_data")
            item.data_location = TensorProto.EXTERNAL
    return proto


def write(path, proto):
    path.write_bytes(proto.SerializeToString())
    return path


# --- no ONNX at all --------------------------------------------------------------------------


def all_refused(paths):
    """One process, a line for each file, exit code 1."""
    code, errors, _ = translate(*[f"t{i}={path}" for i, path in enumerate(paths)])
    lines = errors.strip().splitlines()
    assert code == 1, f"exit code {code}: {errors[-500:]}"
    assert len(lines) == len(paths), f"{len(lines)} lines for {len(paths)} files"
    for path, line in zip(paths, lines):
        assert str(path) in line, line


@check
def truncated_at_every_byte(folder):
    whole = linear().SerializeToString()
    paths = []
    for size in range(len(whole)):
        paths.append(folder / f"{size}.onnx")
        paths[-1].write_bytes(whole[:size])
    all_refused(paths)


@check
def random_bytes(folder):
    source = random.Random(3)
    whole = linear().SerializeToString()
    paths = []
    for index in range(300):
        paths.append(folder / f"{index}.onnx")
        data = bytearray(source.randbytes(source.randrange(1, 400)))
        if index % 2:  # a model whose head is right
            data = bytearray(whole[:40]) + data
        paths[-1].write_bytes(data)
    all_refused(paths)


@check
def other_files(folder):
    samples = {"elf": pathlib.Path("/proc/self/exe").read_bytes()[:4096], "nul": bytes(1000),
               "zip": b"PK\x03\x04" + bytes(60), "text": b"import torch\n" * 50,
               "groups": b"\x0b" * 100000, "ends": b"\x0c" * 1000, "tags": b"\xff" * 1000}
    paths = []
    for name, data in samples.items():
        paths.append(folder / f"{name}.onnx")
        paths[-1].write_bytes(data)
    all_refused(paths)


@check
def fifo_and_device_as_model(folder):
    os.mkfifo(folder / "pipe.onnx")
    refused(translate(folder / "pipe.onnx"), "pipe.onnx: is not a regular file")
    refused(translate("t=/dev/zero"), "/dev/zero: is not a regular file")


# --- external data ---------------------------------------------------------------------------


@check
def model_in_the_current_directory(folder):
    """No directory in the model's path is no licence to leave it."""
    (folder / "secret").write_bytes(bytes(48))
    inside = folder / "inside"
    inside.mkdir()
    proto = externalise(linear(), inside)
    write(inside / "good.onnx", proto)
    for index, location in enumerate(("../secret", "./../secret", str(folder / "secret"))):
        proto.graph.initializer[0].external_data[0].value = location
        write(inside / f"{index}.onnx", proto)
        refused(translate(f"{index}.onnx", cwd=inside), "must ")
    code, errors, _ = translate("good.onnx", cwd=inside)
    assert code == 0, errors


@check
def harmless_names(folder):
    """Two dots within a name leave nothing; folders below the model's are good."""
    (folder / "sub" / "deep").mkdir(parents=True)
    for index, name in enumerate(("w..bin", "..w", "w..", "...", "sub/deep/w")):
        path = write(folder / f"{index}.onnx", externalise(linear(), folder, name))
        code, errors, _ = translate(path)
        assert code == 0, f"{name}: {errors}"


@check
def standard_input_has_no_directory(folder):
    path = write(folder / "m.onnx", externalise(linear(), folder))
    with open(path, "rb") as stdin:
        refused(translate("t=-", cwd=folder, stdin=stdin), "standard input has no directory")
    path = write(folder / "m.onnx", linear())
    with open(path, "rb") as stdin:
        code, errors, _ = translate("t=-", stdin=stdin)
        assert code == 0, errors


@check
def a_file_for_each_of_2000_tensors(folder):
    """More files than a process may have open."""
    count = 2000
    nodes = [node("Add", f"v{i} w{i}", f"v{i + 1}") for i in range(count)]
    proto = model(nodes, [value("v0", [4])], [value(f"v{count}", [4])],
                  [tensor(f"w{i}", np.full(4, i, np.float32)) for i in range(count)])
    for item in proto.graph.initializer:
        (folder / item.name).write_bytes(item.raw_data)
        item.ClearField("raw_data")
        item.data_location = TensorProto.EXTERNAL
        item.external_data.append(StringStringEntryProto(key="location", value=item.name))
    code, errors, _ = translate(write(folder / "m.onnx", proto))
    assert code == 0, errors


@check
def changing_model(folder):
    path = write(folder / "grows.onnx", linear(np.ones((1000, 1000), np.float32)))
    refused(translate(path, env={"LD_PRELOAD": LIBRARY, "AAC_CHANGING": "grows.onnx"}),
            "grows.onnx: changed while it was read")


@check
def changing_data(folder):
    path = write(folder / "m.onnx", externalise(linear(), folder, "grows.data"))
    refused(translate(path, env={"LD_PRELOAD": LIBRARY, "AAC_CHANGING": "grows.data"}),
            'm.onnx: external data "grows.data": changed while it was read')


# --- memory and time -------------------------------------------------------------------------


def baseline(folder):
    code, errors, peak = translate(write(folder / "small.onnx", linear()))
    assert code == 0, errors
    return peak


def costs_no_more(folder, path, file_bytes):
    """Reading costs at most 1.3 times the file's bytes (and a little for any file)."""
    code, errors, peak = translate(path)
    assert code == 0, errors
    used = peak - baseline(folder)
    limit = 1.3 * file_bytes + 8 * MIB
    assert used <= limit, (f"{used / MIB:.0f} MiB for a file of {file_bytes / MIB:.0f} MiB "
                           f"({used / file_bytes:.2f} times)")


def weights(count=12, size=1024):
    """`count` different matrices of 4 MiB."""
    source = np.random.default_rng(1)
    return [source.standard_normal((size, size), np.float32) for _ in range(count)]


def chain_of(arrays, how=tensor):
    nodes = [node("MatMul", f"v{i} w{i}", f"v{i + 1}") for i in range(len(arrays))]
    return model(nodes, [value("v0", [1, 1024])], [value(f"v{len(arrays)}", [1, 1024])],
                 [how(f"w{i}", array) for i, array in enumerate(arrays)])


@check
def memory_of_raw_data(folder):
    path = write(folder / "m.onnx", chain_of(weights()))
    costs_no_more(folder, path, path.stat().st_size)


@check
def memory_of_copies(folder):
    """Twelve copies of each weight, as old exporters write them."""
    path = write(folder / "m.onnx", chain_of(weights(2) * 12))
    costs_no_more(folder, path, path.stat().st_size)


@check
def memory_of_equal_files(folder):
    """Eight files of the same weights: one, and one that is being read."""
    proto = chain_of(weights())
    paths = [write(folder / f"m{i}.onnx", proto) for i in range(8)]
    size = paths[0].stat().st_size
    code, errors, peak = translate(*paths, cores={min(os.sched_getaffinity(0))})
    assert code == 0, errors
    used = peak - baseline(folder)
    assert used <= 1.3 * 2 * size + 8 * MIB, f"{used / MIB:.0f} MiB, a file has {size / MIB:.0f}"


@check
def memory_of_float_data(folder):
    def typed(name, array):
        proto = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape)
        proto.float_data.extend(array.ravel())
        return proto
    path = write(folder / "m.onnx", chain_of(weights(), typed))
    costs_no_more(folder, path, path.stat().st_size)


@check
def memory_of_external_data(folder):
    path = write(folder / "m.onnx", externalise(chain_of(weights()), folder))
    costs_no_more(folder, path, (folder / "w.data").stat().st_size)


@check
def memory_of_one_range_many_times(folder):
    """A hundred tensors that are the same 4 MiB of a file."""
    proto = externalise(chain_of(weights(1)), folder)
    for index in range(1, 100):
        proto.graph.initializer.add().CopyFrom(proto.graph.initializer[0])
        proto.graph.initializer[index].name = f"w{index}"
        proto.graph.node.append(node("MatMul", f"v{index} w{index}", f"v{index + 1}"))
    proto.graph.output[0].name = "v100"
    costs_no_more(folder, write(folder / "m.onnx", proto), 4 * MIB)


def length_delimited(number, data):
    size, head = len(data), bytearray([number << 3 | 2])
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes(head) + bytes([size]) + data


@check
def many_empty_messages(folder):
    """Ten million messages of two bytes, which would be 200 each in memory."""
    for name, number in (("nodes", 1), ("initializers", 5), ("inputs", 11), ("values", 13)):
        path = folder / f"{name}.onnx"
        path.write_bytes(length_delimited(7, bytes([number << 3 | 2, 0]) * 10_000_000))
        result = translate(path)
        refused(result, "would need more memory")
        assert result[2] - baseline(folder) <= 160 * MIB, f"{name}: {result[2] / MIB} MiB"


@check
def many_numbers(folder):
    """Numbers of one byte, which are eight in memory."""
    data = length_delimited(7, length_delimited(5, length_delimited(7, bytes(40_000_000))))
    path = folder / "m.onnx"
    path.write_bytes(data)
    result = translate(path)
    refused(result, "would need more memory")
    assert result[2] - baseline(folder) <= 400 * MIB, f"{result[2] / MIB} MiB"


# operator -> its second input, or its attributes; of a list, one form after the other.
CHAINS = {
    "Relu": {}, "Identity": {}, "Neg": {}, "Sigmoid": {}, "Softmax": {}, "Gelu": {},
    "Transpose": {"perm": [1, 0]}, "Flatten": {}, "Reshape": ["row", "shape"], "Add": "x",
    "Mul": "two", "Concat": {"axis": 0}, "MatMul": "w", "Dropout": {},
    "Squeeze": {}, "Cast": [{"to": TensorProto.INT64}, {"to": TensorProto.FLOAT}],
}


@check
def long_chains(folder):
    """30,000 nodes of each kind, 100,000 products: nothing recurses along them or takes their square of time.

    Raising must end too, in IR or in one error.
    """
    for op, forms in CHAINS.items():
        count = 100_000 if op == "Mul" else 30_000
        forms = forms if isinstance(forms, list) else [forms]
        nodes = []
        for i in range(count):
            form = forms[i % len(forms)]
            second, attributes = (f" {form}", {}) if isinstance(form, str) else ("", form)
            outputs = f"v{i + 1} m{i}" if op == "Dropout" else f"v{i + 1}"
            nodes.append(node(op, f"v{i}{second}", outputs, f"/{i}", **attributes))
        proto = model(nodes, [value("v0", [2, 2]), value("x", [2, 2])],
                      [value(f"v{count}", [2, 2])],
                      [tensor("row", np.array([4])), tensor("shape", np.array([2, 2])),
                       tensor("two", np.float32(2)), tensor("w", np.eye(2, dtype=np.float32))],
                      opset=20)
        module = folder / f"{op}.mlirbc"
        code, errors, _ = run("aac-translate", "--import-onnx",
                              f"t={write(folder / f'{op}.onnx', proto)}", "-o", module)
        assert code == 0, f"{op}: {errors[:500]}"
        code, errors, _ = run("aac-opt", module, "--aac-import-pipeline", "--emit-bytecode", "-o",
                              "/dev/null")
        assert code in (0, 1), f"{op}: exit code {code}: {errors[:500]}"


@check
def axes_that_come_and_go(folder):
    """200,000 nodes that add and drop axes of size 1, hardly a shape of them twice."""
    choose, dims, nodes = random.Random(1), [2, 3] * 10, []
    for i in range(200_000):
        ones = [axis for axis, size in enumerate(dims) if size == 1]
        if len(dims) < 60 or not ones:
            op, axis = "Unsqueeze", choose.randrange(len(dims) + 1)
            dims.insert(axis, 1)
        else:
            op, axis = "Squeeze", choose.choice(ones)
            del dims[axis]
        nodes.append(node(op, f"t{i} a{axis}", f"t{i + 1}"))
    proto = model(nodes, [value("t0", [2, 3] * 10)], [value("t200000", None)],
                  [tensor(f"a{axis}", np.array([axis])) for axis in range(60)])
    code, errors, _ = translate(write(folder / "m.onnx", proto))
    assert code == 0, errors


@check
def pairs_behind_a_long_chain(folder):
    """3,000 pairs that could each move in front of 3,000 nodes."""
    nodes, last, path, module = [], "t0", folder / "m.onnx", folder / "m.mlirbc"
    for i in range(3000):
        nodes.append(node("Transpose", last, f"t{i + 1}", perm=[1, 0]) if i % 2 else
                     node("Reshape", f"{last} shape", f"t{i + 1}"))
        last = f"t{i + 1}"
    for i in range(3000):
        nodes += [node("QuantizeLinear", f"{last} s{i}", f"q{i}"),
                  node("DequantizeLinear", f"q{i} s{i}", f"d{i}")]
        last = f"d{i}"
    proto = model(nodes, [value("t0", [2, 3])], [value(last, None)],
                  [*(tensor(f"s{i}", np.float32(1 + i)) for i in range(3000)),
                   tensor("shape", np.array([3, 2]))])
    code, errors, _ = run("aac-translate", "--import-onnx", f"t={write(path, proto)}", "-o", module)
    assert code == 0, errors
    code, errors, _ = run("aac-opt", module,
                          "--pass-pipeline=builtin.module(onnx.graph(aac-hoist-qdq))",
                          "--emit-bytecode", "-o", "/dev/null")
    assert code == 0, errors


@check
def weights_that_are_not_rounded(folder):
    """One large tensor, 40,000 times with a scale that is not known: it is never decoded."""
    nodes = []
    for i in range(40_000):
        nodes += [node("QuantizeLinear", "w s", f"q{i}"), node("DequantizeLinear", f"q{i} s", f"d{i}"),
                  node("ReduceMax", f"d{i}", f"y{i}", keepdims=0)]
    nodes.append(node("Sum", " ".join(f"y{i}" for i in range(40_000)), "y"))
    proto = model(nodes, [value("s", [])], [value("y", [])],
                  [tensor("w", np.ones(4 * MIB, np.float32))])
    code, errors, _ = translate(write(folder / "m.onnx", proto))
    assert code == 0, errors


@check
def scales_that_many_share(folder):
    """A long vector of scales is checked once, not for each of 150,000 nodes."""
    nodes = [node("QuantizeLinear", "x s", f"q{i}") for i in range(150_000)]
    nodes.append(node("Concat", " ".join(f"q{i}" for i in range(150_000)), "y", axis=0))
    proto = model(nodes, [value("x", [1, MIB])], [value("y", None, TensorProto.UINT8)],
                  [tensor("s", np.ones(MIB, np.float32))])
    code, errors, _ = translate(write(folder / "m.onnx", proto))
    assert code == 0, errors


@check
def control_characters_in_names(folder):
    """What raising says of a node does not reach the terminal as it is, and ends."""
    name = "/a\x1b[31m\n\x07" + "n" * 1000
    proto = model([node("Sin", "x", "y", name)], [value("x", [2, 3])], [value("y", [2, 3])])
    module = folder / "m.mlirbc"
    run("aac-translate", "--import-onnx", f"t={write(folder / 'm.onnx', proto)}", "-o", module)
    code, errors, _ = run("aac-opt", module, "--aac-raise-onnx", "-o", "/dev/null")
    said = errors.split("node ")[-1]
    assert code == 1 and "\x1b" not in errors and "\x07" not in errors, errors[:500]
    assert said.startswith('"/a\\x1B[31m\\n\\x07nnn') and "n" * 192 + '..." (Sin)' not in said, said[:500]
    assert "n" * 191 + '..." (Sin): ' in said, said[:500]


@check
def constants_that_explode(folder):
    """Each sum is of a million products: refused, not computed ten thousand times."""
    nodes = [node("Einsum", "a a", f"v{i}", f"/{i}", equation="i,j->") for i in range(10000)]
    nodes.append(node("Sum", " ".join(f"v{i}" for i in range(10000)), "y"))
    proto = model(nodes, [], [value("y", [])], [tensor("a", np.ones(4096, np.int64))])
    refused(translate(write(folder / "m.onnx", proto)), "constant arithmetic up to here")


def calling(folder, *functions, times=1, call=None):
    """Refused as too many calls, within a bounded amount of memory."""
    nodes = [call or node("f0", "x", f"y{i}", f"/{i}", "local") for i in range(times)]
    proto = with_functions(model(nodes, [value("x", [2])], [value("y0", [2])]), *functions)
    path = write(folder / "m.onnx", proto)
    result = translate(path)
    refused(result, "the calls of its functions become more than 200000 nodes and operands or 32 MiB")
    used = result[2] - baseline(folder) - 1.3 * path.stat().st_size
    assert used <= 200 * MIB, f"{used / MIB:.0f} MiB"


@check
def functions_that_multiply(folder):
    """Ten to the thirtieth nodes."""
    chain = [function(f"f{i}", "a", "v9", [node(f"f{i + 1}", f"v{j - 1}" if j else "a", f"v{j}", "n",
                                                "local") for j in range(10)]) for i in range(30)]
    calling(folder, *chain, function("f30", "a", "b", [node("Relu", "a", "b")]))


@check
def functions_of_nothing(folder):
    """Two to the sixtieth calls that end in no node."""
    chain = [function(f"f{i}", "a", "b", [node(f"f{i + 1}", "a", "b", domain="local"),
                                          node(f"f{i + 1}", "a", "c", domain="local")])
             for i in range(60)]
    calling(folder, *chain, function("f60", "a", "a", []))


@check
def functions_of_many_operands(folder):
    """Each call would name 100,000 operands that it does not give."""
    operands = " ".join(f"a{i}" for i in range(100000))
    calling(folder, function("f0", operands, "b", [node("Relu", "a0", "b")]), times=20000)


@check
def functions_of_many_defaults(folder):
    f = function("f0", "a", "b", [node("Relu", "a", "b")],
                 defaults=[helper.make_attribute(f"a{i}", 1) for i in range(50000)])
    calling(folder, f, times=20000)


@check
def functions_of_large_attributes(folder):
    large = helper.make_node("Relu", ["a"], ["b"], text="x" * (4 * MIB))
    calling(folder, function("f0", "a", "b", [large]), times=1000)


@check
def functions_with_large_names(folder):
    """Names that grow with each call around them."""
    long = "n" * 100000
    chain = [function(f"f{i}", "a", "b", [node(f"f{i + 1}", "a", f"c{j}" if j else "b", long, "local")
                                          for j in range(2)]) for i in range(60)]
    calling(folder, *chain, function("f60", "a", "b", [node("Relu", "a", "b")]))


@check
def functions_of_one_tensor(folder):
    """A thousand calls of a function with 8 MiB: the tensor exists once."""
    body = [node("Constant", "", "c", value=tensor("v", np.ones(2 * MIB, np.float32))),
            node("ReduceSum", "c", "s", keepdims=0), node("Add", "a s", "b")]
    nodes = [node("f", f"v{i}", f"v{i + 1}", f"/{i}", "local") for i in range(1000)]
    proto = with_functions(model(nodes, [value("v0", [2])], [value("v1000", [2])]),
                           function("f", "a", "b", body))
    costs_no_more(folder, write(folder / "m.onnx", proto), 8 * MIB)


def main(folder, library):
    global LIBRARY
    LIBRARY = library
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    bad = 0
    for function in CHECKS:
        place = folder / function.__name__
        place.mkdir(parents=True)
        try:
            function(place)
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            print(f"{function.__name__}: {problem}")
            bad += 1
        shutil.rmtree(place)
    print(f"{len(CHECKS)} attacks, {bad} not repelled")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
