"""ONNX's own node tests (Debian libonnx-testdata) for every op of the dialect, by aac eval.

usage: node_tests.py FOLDER [DATA]

A test is run if all its operators import (aac-onnx-ops lists them). It passes within ONNX's own
tolerance (relative 1e-3, absolute 1e-7) or is refused by an error that REFUSED lists with its
reason. The tests give even axes and sizes as inputs of the model: where that is why one is
refused, it runs again with its integer inputs stored in the file, as exporters store them; and
where an output is refused that only training reads, without that output.
"""

import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
from onnx import numpy_helper

# What of a registered operator is refused: pattern of the error -> why.
REFUSED = {
    r"opset \d+ is not supported": "older than opset 11",
    r"element type \S+ is not supported|cannot cast to element type": "no such tensor here",
    r"depends on the model's inputs": "sizes that are inputs: nothing static to compile",
    r"axes .* are not constant|sizes .* are not constant": "axes that are inputs",
    r"is no tensor": "sequences and optionals",
    r"its output .* is used": "statistics that only training needs",
    r"training mode": "inference only",
    r"letters that differ": "Einsum terms that no exporter writes",
    r"operators? (is|are) not supported": "a nested operator",
}


def tensor(path):
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def compare(result_path, outputs):
    with np.load(result_path) as found:
        for name, path in zip(found.files, outputs):
            wanted = tensor(path)
            if found[name].shape != wanted.shape:
                return ("failed", f"{name} has shape {found[name].shape}, not {wanted.shape}")
            if not np.allclose(found[name].astype(np.float64), wanted.astype(np.float64),
                               rtol=1e-3, atol=1e-7, equal_nan=True):
                return ("failed", f"{name} is wrong: {found[name].ravel()[:4]}, "
                                  f"wanted {wanted.ravel()[:4]}")
    return None


def evaluate(model, inputs, result_path):
    command = ["aac", "eval", str(model), "-o", str(result_path)]
    command += [f"--input={path}" for path in inputs]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def as_exported(test, inputs, folder):
    """(model, inputs left): integers stored, outputs for training gone."""
    proto = onnx.load(str(test / "model.onnx"))
    graph, left = proto.graph, []
    ranges = graph.node[-1].op_type == "Range"  # its length depends on all it reads
    for info, path in list(zip(graph.input, inputs)):
        array = tensor(path)
        if array.ndim <= 1 and (ranges or (array.dtype.kind in "iu" and len(graph.input) > 1)):
            graph.initializer.append(numpy_helper.from_array(array, info.name))
            graph.input.remove(info)
        else:
            left.append(path)
    if graph.node[-1].op_type == "LayerNormalization":
        del graph.output[1:]
    path = folder / f"{test.name}.onnx"
    path.write_bytes(proto.SerializeToString())
    return path, left


def run(test, folder):
    """None if the test passes, else (kind, message)."""
    data = test / "test_data_set_0"
    inputs = sorted(data.glob("input_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    outputs = sorted(data.glob("output_*.pb"), key=lambda p: int(p.stem.split("_")[1]))
    result_path = folder / f"{test.name}.npz"
    result = evaluate(test / "model.onnx", inputs, result_path)
    if result.returncode == 1 and re.search(r"not (one )?constant|depends on|its output .* is used",
                                            result.stderr):
        model, left = as_exported(test, inputs, folder)
        result = evaluate(model, left, result_path)
    if result.returncode != 0:
        for pattern, reason in REFUSED.items():
            if result.returncode == 1 and re.search(pattern, result.stderr):
                return ("refused", reason)
        return ("failed", f"exit code {result.returncode}: {result.stderr[:300]}")
    return compare(result_path, outputs)


def main(folder, data="/usr/share/libonnx-testdata/data/node"):
    folder, data = pathlib.Path(folder), pathlib.Path(data)
    folder.mkdir(parents=True, exist_ok=True)
    if not data.is_dir():
        print(f"skipped: no {data} (Debian package libonnx-testdata)")
        return 0
    page = subprocess.run(["aac-onnx-ops"], capture_output=True, text=True, check=True).stdout
    ops = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    tests = []
    for path in sorted(data.glob("*/model.onnx")):
        if "BFLOAT16" in path.parent.name:  # ONNX 1.12 stores these data as uint16
            continue
        nodes = onnx.load(str(path)).graph.node
        if all(n.op_type in ops and n.domain in ("", "ai.onnx") for n in nodes):
            tests.append(path.parent)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda test: run(test, folder), tests))
    counts = {}
    for test, result in zip(tests, results):
        kind = "passed" if result is None else result[0]
        if kind == "failed":
            print(f"{test.name}: {result[1]}")
        if kind == "refused":
            kind = f"refused ({result[1]})"
        counts[kind] = counts.get(kind, 0) + 1
    for kind, count in sorted(counts.items()):
        print(f"{count} {kind}")
    return 1 if "failed" in counts or counts.get("passed", 0) == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
