"""aac compile --calibration=search: each task gets what is nearest to f32 on its samples, simulated.

usage: search.py FOLDER
"""

import json
import re
import sys

import numpy as np
import onnx

from aac import models
from aac.config import Config
from aac.reference import evaluate, sqnr_db
from aac.sentences import sentence
from support import SMALL, expect, fresh, run

LABELS = {"sst2": 2, "stsb": 1, "qqp": 2}
SENTENCES = 40  # of 16 tokens: 32 of them are 512
REMARK = r'"(\w+)": calibration on (\d+) samples: (.*); (\S+) is taken'


def found(remarks):
    """{task: (samples, {candidate: dB}, chosen)}"""
    return {task: (int(samples), {c: float(db) for c, db in re.findall(r"(\S+) (-?[\d.]+) dB", tried)}, chosen)
            for task, samples, tried, chosen in re.findall(REMARK, remarks)}


def simulated(folder, config, model, task, out, count):
    """dB of the first samples on the simulator."""
    proto, wanted, got = onnx.load(str(model)), [], []
    for index in range(count):
        inputs = sentence(config, task, index)
        wanted.append(evaluate(proto, inputs)["logits"])
        np.savez(folder / "x.npz", **inputs)
        run("aac-sim", "run", out / "suite.aacs", f"--task={task}", f"--input={folder / 'x.npz'}",
            "-o", folder / "y.npz")
        with np.load(folder / "y.npz") as arrays:
            got.append(arrays["logits"])
    return sqnr_db(wanted, got)


def main(folder):
    folder, config = fresh(folder), Config(**SMALL)
    made = models.make_suite(config, LABELS, folder / "models")
    samples = {}
    for task in LABELS:
        samples[task] = folder / f"{task}.npz"
        np.savez(samples[task], **{f"in.{i}.{name}": array for i in range(SENTENCES)
                                   for name, array in sentence(config, task, i).items()})

    def compiled(name, tasks, *options, **how):
        out = folder / name
        text, remarks = run("aac", "compile", *[f"{task}={made[task]}" for task in tasks], *options, "-o", out, **how)
        return out, remarks if how.get("code") else found(remarks)

    def stream(out):
        return (out / "suite.aacs").read_bytes()

    # One task: what is printed of each candidate is what it gives compiled alone; the best is taken.
    given = f"--calibrate=stsb={samples['stsb']}"
    best, searched = compiled("best", ["stsb"], given, "--explain")
    count, tried, chosen = searched["stsb"]
    expect(count == 32, f"{count} sentences were simulated")
    expect(len(tried) >= 5 and len(set(tried.values())) > 1, f"tried: {tried}")
    for number, (candidate, db) in enumerate(tried.items()):
        out, none = compiled(f"alone{number}", ["stsb"], given, f"--calibration={candidate}", "--explain")
        expect(not none, "searched without being asked")
        alone = simulated(folder, config, made["stsb"], "stsb", out, count)
        expect(abs(alone - db) < 0.06, f"{candidate} gives {alone} dB, {db} were told")
        expect((stream(out) == stream(best)) or candidate != chosen, f"{chosen} was not taken")
    expect(tried[chosen] == max(tried.values()), f"{chosen} of {tried}")

    # Two tasks with samples choose by themselves, the third has none; options that are saved need no search.
    both = "--calibrate=" + ",".join(f"{task}={samples[task]}" for task in ("sst2", "stsb"))
    saved = folder / "config.json"
    out, searched = compiled("suite", LABELS, both, "--explain", f"--save-config={saved}")
    expect(set(searched) == {"sst2", "stsb"}, f"{searched}")
    for task, (count, tried, chosen) in searched.items():
        expect(tried[chosen] == max(tried.values()), f"{task}: {chosen} of {tried}")
    calibration = json.loads(saved.read_text())["calibration"]
    expect(calibration == ",".join(f"{task}={searched[task][2]}" for task in ("sst2", "stsb")), calibration)
    again, none = compiled("again", LABELS, f"--config={saved}", "--explain")
    expect(not none and stream(again) == stream(out), "the saved options give something else")
    single, _ = compiled("single", LABELS, both, "--threads=1")
    expect(stream(single) == stream(out), "one thread gives other bytes than all")

    # A task that is added later has no part in it.
    two, _ = compiled("two", ["sst2", "stsb"], both)
    repeated = folder / "two.json"
    compiled("two", ["sst2", "stsb"], both, f"--save-config={repeated}")
    list_ = json.loads(repeated.read_text())["calibration"]
    run("aac", "compile", "--add", f"qqp={made['qqp']}", f"--calibration={list_}", two)

    # Without samples there is nothing to search; what no engine runs is not searched.
    plain, _ = compiled("plain", ["stsb"], "--calibration=minmax")
    for name, options in (("default", []), ("asked", ["--calibration=search"])):
        expect(stream(compiled(name, ["stsb"], *options)[0]) == stream(plain), f"{name}: not minmax")
    for options in (["--format=af6e3"], ["--formats=*query*=af10e3"], ["--budget=sqnr:5"]):
        _, none = compiled("analysis.mlir", ["stsb"], given, "--emit=compressed", "--explain", *options)
        expect(not none, f"searched with {options}")
    pipelines, note = run("aac", "compile", f"stsb={made['stsb']}", given, "--print-pipeline")
    expect("calibrate=stsb=" in pipelines and "calibration=" not in pipelines, pipelines)
    expect("the calibration is printed as minmax; compiling searches for it" in note, note)
    _, note = run("aac", "compile", f"stsb={made['stsb']}", "--calibrate=none", "--print-pipeline")
    expect(not note, note)
    for options in ([], ["--calibrate=none"], [given, "--budget=sqnr:5"]):
        _, remarks = run("aac", "compile", f"stsb={made['stsb']}", *options, "--explain", "--emit=compressed",
                         "-o", folder / "why.mlir")
        expect("calibration: minmax; a search takes samples of a task's own" in remarks, remarks)

    # What goes wrong in every candidate is told once.
    _, errors = compiled("refused", ["stsb"], given, "--machine=edgebert-published", code=1)
    expect(errors.count("error:") == 1 and "accumulator" in errors, errors)
    _, errors = compiled("refused", ["stsb"], f"--calibrate=stsb={folder / 'none.npz'}", code=1)
    expect(errors.count("error:") == 1 and "none.npz" in errors, errors)
    expect(not (folder / "refused").exists(), "a refused compilation leaves a directory")


if __name__ == "__main__":
    main(sys.argv[1])
