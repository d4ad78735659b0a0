"""Wrong input of every kind: one clear error, exit code 1, and no output left behind.

usage: errors.py FOLDER MACHINES
"""

import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import helper

from aac.config import Config
from support import MACHINE, SMALL, Suite, expect_error


def main(folder, machines):
    suite = Suite(folder, Config(**SMALL), {"sst2": 2}, sentences=1)
    folder, model = suite.folder, suite.models["sst2"]

    def compile_refused(pattern, path, machine=MACHINE):
        out = folder / "refused"
        expect_error(pattern, "aac", "compile", f"sst2={path}", f"--machine={machine}", "-o", out,
                     output=out)

    for name, data in (("truncated", model.read_bytes()[:-1000]), ("empty", b""),
                       ("text", b"this is no model\n")):
        path = folder / f"{name}.onnx"
        path.write_bytes(data)
        compile_refused(f"{name}.onnx", path)
    compile_refused("absent.onnx", folder / "absent.onnx")
    compile_refused("Mystery", unknown_operator(model, folder / "unknown.onnx"))
    compile_refused("source", model, machine_without_source(machines, folder))
    compile_refused("no-such-machine", model, "no-such-machine")

    stream, result = suite.compile() / "suite.aacs", folder / "y.npz"
    sentence = folder / "models" / "sst2.npz"

    def run_refused(pattern, path=stream, machine=MACHINE, task="sst2", values=sentence):
        expect_error(pattern, "aac-sim", "run", path, f"--machine={machine}", f"--task={task}",
                     f"--input={values}", "-o", result, output=result)

    run_refused("machine", machine="edgebert-sram")
    run_refused("mnli", task="mnli")
    damaged = folder / "damaged.aacs"
    data = bytearray(stream.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    run_refused("damaged|CRC", path=damaged)
    damaged.write_bytes(stream.read_bytes()[:-8])
    run_refused("truncated", path=damaged)
    for name, change in (("word", ("input_ids", np.full((1, SMALL["seq"]), 100000, np.int64))),
                         ("shape", ("input_ids", np.zeros((1, 3), np.int64)))):
        arrays = {**np.load(sentence), change[0]: change[1]}
        np.savez(folder / f"{name}.npz", **arrays)
        run_refused("input_ids", values=folder / f"{name}.npz")
    arrays = dict(np.load(sentence))
    del arrays["attention_mask"]
    np.savez(folder / "missing.npz", **arrays)
    run_refused("attention_mask", values=folder / "missing.npz")


def unknown_operator(model, path):
    """The model with an operator that nobody knows before its last node."""
    proto = onnx.load(str(model))
    last = proto.graph.node[-1]
    proto.graph.node.insert(len(proto.graph.node) - 1, helper.make_node(
        "Mystery", [last.input[0]], ["mystery"], name="/classifier/Mystery", domain="example"))
    proto.opset_import.append(helper.make_opsetid("example", 1))
    last.input[0] = "mystery"
    path.write_bytes(proto.SerializeToString())
    return path


def machine_without_source(machines, folder):
    """A copy of the machine's files in which the first number has lost its source."""
    copies = folder / "machines"
    shutil.copytree(machines, copies)
    path = copies / "edgebert.textproto"
    lines = path.read_text().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if "source:" in line and "#" not in line)
    before, _, after = lines[first].partition("source:")
    rest = after.split('"', 2)[2]
    lines[first] = before + rest
    path.write_text("".join(lines))
    return copies / f"{MACHINE}.textproto"


if __name__ == "__main__":
    main(*sys.argv[1:])
