"""--codec=entropy: a smaller file, near the entropy, that means the same.

usage: codec.py FOLDER
"""

import json
import sys

import numpy as np

from aac import models
from aac.config import Config
from support import MACHINE, SMALL, Suite, expect, read_stream, run


def main(folder):
    suite = Suite(folder, Config(**{**SMALL, "vocab": 3000, "ffn": 512}), {"sst2": 2, "mnli": 3},
                  sentences=1)
    sparsity = "--sparsity=embedding:0.6,encoder:0.5"
    plain, coded = suite.compile("plain", sparsity), suite.compile("coded", sparsity, "--codec=entropy")
    sections = [[s for s in read_stream(out / "suite.aacs")[0] if s.kind == "image"]
                for out in (plain, coded)]
    raw, small = (sum(len(s.data) for s in images) for images in sections)
    tensors = json.loads((plain / "report.json").read_text())["encoding"]["tensors"]
    entropy = sum(t["weights"] * t["entropy_bits_per_weight"] for t in tensors) / 8
    print(f"images {raw} bytes, coded {small}, entropy of the weights alone {entropy:.0f}")
    expect(small < 0.9 * raw, "coding saves nothing")
    table = max(tensors, key=lambda t: t["weights"])
    data = next(s.data for s, p in zip(sections[1], sections[0])
                if len(p.data) == table["stored_bytes"])
    expect(data[0] == 2, "the embedding table is not coded as one")
    weights = [t for t in tensors if t["kind"] == "weights" and t["weights"] >= 4096]
    methods = [s.data[0] for s, p in zip(sections[1], sections[0])
               if any(len(p.data) == t["stored_bytes"] for t in weights)]
    expect(len(methods) >= len(weights) and set(methods) == {3},
           f"of {len(weights)} weights, images are coded by methods {methods}")
    ratio = 8 * len(data) / table["weights"] / table["entropy_bits_per_weight"]
    print(f"{table['name']}: {ratio:.4f} times its entropy")
    expect(ratio < 1.02, f"the embedding table is coded at {ratio} times its entropy")

    for name in ("suite.mlirbc", "suite.placed.mlirbc"):
        expect((plain / name).read_bytes() == (coded / name).read_bytes(), f"{name} differs")
    results = []
    for out in (plain, coded):
        stream = out / "suite.aacs"
        run("aac-sim", "check", stream)
        run("aac-sim", "run", stream, f"--machine={MACHINE}", "--task=mnli",
            f"--input={models.sentence_path(suite.folder / 'models', 'mnli', 0)}", "-o", out / "y.npz")
        with np.load(out / "y.npz") as arrays:
            results.append(arrays["logits"])
        text, again, back = out / "suite.s", out / "again.aacs", out / "back.aacs"
        run("aac-sim", "dis", stream, "-o", text)
        run("aac-sim", "as", text, "-o", again)
        expect(again.read_bytes() == stream.read_bytes(), "assembled to other bytes")
        run("aac-translate", "--import-stream", stream, "-o", out / "cmd.mlir")
        run("aac-translate", "--export-stream", out / "cmd.mlir", "-o", back)
        expect(back.read_bytes() == stream.read_bytes(), "other bytes by way of the cmd dialect")
    expect(np.array_equal(*results), "other logits")

    # A task that is added finds them decoded, and the file stays coded.
    single = suite.folder / "single"
    run("aac", "compile", f"sst2={suite.models['sst2']}", "--codec=entropy", "-o", single)
    run("aac", "compile", "--add", f"mnli={suite.models['mnli']}", single)
    expect("coded=1" in run("aac-sim", "dis", single / "suite.aacs")[0], "no longer coded")
    run("aac-sim", "check", single / "suite.aacs")


if __name__ == "__main__":
    main(*sys.argv[1:])
