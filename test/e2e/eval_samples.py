"""Every sample model, imported and evaluated, gives its reference outputs within 1e-5.

usage: eval_samples.py FOLDER MODELS [LEVEL]

MODELS is the folder of sample models. LEVEL is the IR that is evaluated: `onnx` (default) or
`aac`, at which near-misses may be refused. A dynamic model is imported once for the sizes of
each of its cases.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np


def run(*command):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                            timeout=300)
    if result.returncode != 0:
        raise AssertionError(f"{command[0]}: exit code {result.returncode}: {result.stderr}")


def import_model(path, arrays, case, folder, level):
    """The module for the sizes of one case; sizes that are static are given again."""
    module = folder / f"{path.stem}.{case}.mlirbc"
    prefix = f"in.{case}."
    binds = [f"{key[len(prefix):]}={'x'.join(map(str, arrays[key].shape))}"
             for key in arrays.files if key.startswith(prefix)]
    run("aac-translate", "--import-onnx", f"task={path}", f"--bind={','.join(binds)}", "-o",
        module)
    if level == "aac":
        raised = folder / f"{path.stem}.{case}.aac.mlirbc"
        run("aac-opt", "--aac-import-pipeline", "--emit-bytecode", module, "-o", raised)
        return raised
    return module


def check(entry, models, folder, level):
    """The largest absolute error over all cases and outputs."""
    path = models / f"{entry['name']}.onnx"
    arrays = np.load(models / f"{entry['name']}.npz")
    cases = sorted({int(key.split(".")[1]) for key in arrays.files if key.startswith("in.")})
    worst, module = 0.0, None
    for case in cases:
        if module is None or entry["dynamic"]:
            module = import_model(path, arrays, case, folder, level)
        output = folder / "y.npz"
        run("aac", "eval", module, "--task=task", f"--input={models / path.stem}.npz",
            f"--case={case}", "-o", output)
        with np.load(output) as found:
            wanted = {k.split(".", 2)[2] for k in arrays.files if k.startswith(f"ref.{case}.")}
            if set(found.files) != wanted:
                raise AssertionError(f"outputs {found.files}, wanted {sorted(wanted)}")
            for name in found.files:
                error = np.abs(found[name] - arrays[f"ref.{case}.{name}"]).max()
                worst = max(worst, float(error))
    return worst


def main(folder, models, level="onnx"):
    folder, models = pathlib.Path(folder), pathlib.Path(models)
    folder.mkdir(parents=True, exist_ok=True)
    bad = 0
    for entry in json.loads((models / "manifest.json").read_text()):
        try:
            worst = check(entry, models, folder, level)
            verdict = "ok" if worst <= 1e-5 else "WRONG"
            print(f"{verdict} {entry['name']}: {worst:.1e}")
        except AssertionError as problem:
            # A near-miss may be refused at the aac level, but not by a crash.
            refused = level == "aac" and entry["cls"] == "near-miss" and "exit code 1:" in str(problem)
            verdict = "refused" if refused else "FAILED"
            print(f"{verdict} {entry['name']}: {str(problem)[:400]}")
        bad += verdict in ("WRONG", "FAILED")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
