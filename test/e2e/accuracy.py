"""The compiled stream against rounding node by node: without samples, by the weights alone, with samples.

usage: accuracy.py FOLDER

Means over some suites with 64 labels, so that chance is a fraction of a dB. Samples are other sentences
than those measured on. Also: correcting biases is worth something, changes no parameter that is not a
task's bias, and gives the same bytes on one thread and on all; formats too narrow saturate and are counted by name.
"""

import re
import sys

import numpy as np
import onnx

from aac import models
from aac.config import Config
from aac.reference import evaluate, ideal, sqnr_db
from support import SMALL, expect, fresh, run

SENTENCES = 6
SEEDS = (1, 2, 3)
WORSE_DB = 1.0  # than rounding node by node, at most
CORRECTED_DB = 0.5  # by which correcting biases is better, at least

PREPARE = "aac-prepare-pipeline{calibrate=t=%s}"
PIPELINES = {
    "default": "aac-compress-pipeline",
    "none": "aac-compress-pipeline{calibrate=none}",
    "samples": "aac-compress-pipeline{calibrate=t=%s}",
    "uncorrected": PREPARE + ",aac.suite(aac-quantise),aac-encode",
}


def logits(folder, stream, sentences):
    values = []
    for inputs in sentences:
        np.savez(folder / "x.npz", **inputs)
        run("aac-sim", "run", stream, "--task=t", f"--input={folder / 'x.npz'}", "-o", folder / "y.npz")
        with np.load(folder / "y.npz") as arrays:
            values.append(arrays["logits"])
    return values


def compiled(folder, name, pipeline):
    run("aac-opt", folder / "aac.mlirbc", "--emit-bytecode", "-o", folder / "cmd.mlirbc",
        f"--pass-pipeline=builtin.module({pipeline},aac-place-pipeline,aac-lower-pipeline)")
    run("aac-translate", "--export-stream", folder / "cmd.mlirbc", "-o", folder / f"{name}.aacs")
    return folder / f"{name}.aacs"


def measure(folder, seed):
    """{what: dB} of one suite."""
    folder.mkdir()
    config = Config(**SMALL, seed=seed)
    path = models.make_suite(config, {"t": 64}, folder)["t"]
    sentences = [models.sentence(config, "t", i) for i in range(2 * SENTENCES)]
    cases = {f"in.{i}.{key}": value for i, inputs in enumerate(sentences[SENTENCES:])
             for key, value in inputs.items()}
    np.savez(folder / "cases.npz", **cases)
    model, sentences = onnx.load(str(path)), sentences[:SENTENCES]
    wanted = [evaluate(model, inputs)["logits"] for inputs in sentences]
    found = {"ideal": sqnr_db(wanted, [ideal(model, inputs)["logits"] for inputs in sentences])}
    run("aac", "compile", f"t={path}", "--emit=aac", "-o", folder / "aac.mlirbc")
    for name, pipeline in PIPELINES.items():
        stream = compiled(folder, name, pipeline.replace("%s", str(folder / "cases.npz")))
        found[name] = sqnr_db(wanted, logits(folder, stream, sentences))
    print(f"seed {seed}: " + ", ".join(f"{name} {value:.1f} dB" for name, value in found.items()))
    return found


def params(text):
    return dict(re.findall(r"aac\.param @(\S+) : (.*?= .*?>)", text))


def main(folder):
    folder = fresh(folder)
    found = [measure(folder / str(seed), seed) for seed in SEEDS]
    mean = {name: np.mean([row[name] for row in found]) for name in found[0]}
    print("mean: " + ", ".join(f"{name} {value:.1f} dB" for name, value in mean.items()))
    for name in ("default", "none"):
        expect(mean[name] >= mean["ideal"] - WORSE_DB, f"{name}: {mean[name]:.1f} dB")
    expect(mean["samples"] > mean["ideal"], "calibrated: not above rounding node by node")
    expect(mean["samples"] >= mean["uncorrected"] + CORRECTED_DB, "correcting biases is worth nothing")

    # Sentences that nobody gave correct biases too.
    one = folder / "1"
    compiled(one, "seeded", "aac-prepare-pipeline,aac.suite(aac-quantise),aac-encode")
    expect((one / "seeded.aacs").read_bytes() != (one / "default.aacs").read_bytes(),
           "pseudo-random sentences correct no bias")

    # What is shared by two tasks, and the backbone of one, keep their values.
    cases = one / "cases.npz"
    text = {}
    for name, passes in (("before", ""), ("after", f",aac-correct-biases{{samples=t={cases}}}")):
        text[name], _ = run("aac-opt", one / "aac.mlirbc", "--mlir-elide-elementsattrs-if-larger=4096",
                            "--pass-pipeline=builtin.module(" + PREPARE % cases
                            + f",aac.suite(aac-quantise{passes}))")
    before, after = params(text["before"]), params(text["after"])
    changed = {name for name in before if before[name] != after[name]}
    expect(changed and all(name.endswith(".bias") and re.search("adapter|pooler|classifier", name)
                           for name in changed), f"changed: {sorted(changed)}")

    # One thread or all, narrow or wide vectors: the same bytes.
    streams = []
    for name, options in (("one", ["--threads=1"]), ("all", [])):
        run("aac", "compile", f"t={one / 't.onnx'}", f"--calibrate=t={cases}", *options, "-o", one / name)
        streams.append((one / name / "suite.aacs").read_bytes())
    expect(streams[0] == streams[1], "one thread gives other bytes than all")

    # Limits that most values exceed: the simulator counts them, and says where.
    run("aac", "compile", f"t={one / 't.onnx'}", f"--calibrate=t={cases}", "--calibration=percentile:50",
        "-o", one / "narrow")
    output, _ = run("aac-sim", "run", one / "narrow" / "suite.aacs", f"--input={cases}", "--case=0")
    saturated = re.search(r"saturated results: (\d+)\n(.*)", output)
    expect(saturated and int(saturated.group(1)) > 1000 and "/albert/" in saturated.group(2), output)


if __name__ == "__main__":
    main(sys.argv[1])
