"""The sample models in another order of nodes and operands: the same operations and outputs.

usage: samples.py FOLDER MODELS
"""

import copy
import json
import pathlib
import sys

import numpy as np
import onnx

from exporter import shuffled
from exports import histogram, must


def reordered(model, seed):
    model, rng = copy.deepcopy(model), np.random.default_rng(seed)
    for node in model.graph.node:
        if node.op_type in ("Add", "Mul") and rng.random() < 0.5:
            node.input[:] = list(node.input)[::-1]
    nodes = shuffled(list(model.graph.node), rng)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def raised(path, arrays, folder):
    bind = ",".join(f"{name}={'x'.join(map(str, array.shape))}" for name, array in arrays.items())
    must("aac-translate", "--import-onnx", f"task={path}", f"--bind={bind}", "-o",
         folder / "onnx.mlirbc")
    must("aac-opt", "--aac-import-pipeline", folder / "onnx.mlirbc", "-o", folder / "aac.mlir")
    return histogram((folder / "aac.mlir").read_text())


def main(folder, models):
    folder, models, bad = pathlib.Path(folder), pathlib.Path(models), 0
    folder.mkdir(parents=True, exist_ok=True)
    for number, entry in enumerate(json.loads((models / "manifest.json").read_text())):
        path, cases = models / f"{entry['name']}.onnx", np.load(models / f"{entry['name']}.npz")
        arrays = {key[5:]: cases[key] for key in cases.files if key.startswith("in.0.")}
        expected = raised(path, arrays, folder)
        onnx.save(reordered(onnx.load(str(path)), number), str(folder / "model.onnx"))
        found = raised(folder / "model.onnx", arrays, folder)
        np.savez(folder / "in.npz", **arrays)
        must("aac", "eval", folder / "aac.mlir", "--task=task", f"--input={folder}/in.npz", "-o",
             folder / "out.npz")
        with np.load(folder / "out.npz") as out:
            worst = max(float(np.abs(out[name] - cases[f"ref.0.{name}"]).max()) for name in out.files)
        good = found == expected and worst <= 1e-5
        print(f"{'ok' if good else 'FAILED'} {entry['name']}: {worst:.0e}, "
              f"{dict(found - expected)} more, {dict(expected - found)} less")
        bad += not good
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
