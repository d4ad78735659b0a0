"""Every sample model, compiled and run on the simulator, keeps to its reference logits.

usage: compile_samples.py FOLDER MODELS

MODELS is the folder of sample models. Prints the SQNR and the top-1 agreement of each over its
cases; fails below 15 dB. A near-miss may be refused, naming a node, instead. A model with free
dimensions is compiled for the sizes of its cases of one sentence.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np

from aac.reference import sqnr_db
from support import expect, fail, fresh, run

BOUND_DB = 15.0


def compile_model(entry, path, arrays, case, folder):
    """The stream, or None where a near-miss is refused by name."""
    prefix = f"in.{case}."
    binds = [f"{key[len(prefix):]}={'x'.join(map(str, arrays[key].shape))}"
             for key in arrays.files if key.startswith(prefix)]
    command = ["aac", "compile", f"task={path}", f"--bind={','.join(binds)}", "-o", folder]
    if entry["cls"] != "near-miss":
        run(*command)
        return folder / "suite.aacs"
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if result.returncode == 0:
        return folder / "suite.aacs"
    expect(result.returncode == 1 and "/" in result.stderr and not folder.exists(),
           f"{path.name} is refused, but not by name: {result.stderr}")
    return None


def check(entry, models, folder):
    path = models / f"{entry['name']}.onnx"
    arrays = np.load(models / f"{entry['name']}.npz")
    wanted, found, stream = [], [], None
    for case in range(int(arrays["n"])):
        if entry["dynamic"] and arrays[f"in.{case}.input_ids"].shape[0] != 1:
            continue  # the engine runs one sentence at a time
        if stream is None or entry["dynamic"]:
            stream = compile_model(entry, path, arrays, case, folder / f"{path.stem}.{case}")
            if stream is None:
                print(f"{path.stem:<22} refused by name")
                return
        output = folder / "y.npz"
        run("aac-sim", "run", stream, "--task=task", f"--input={models / path.stem}.npz",
            f"--case={case}", "-o", output)
        with np.load(output) as outputs:
            found.append(outputs["logits"].ravel())
        wanted.append(arrays[f"ref.{case}.logits"].ravel())
    db = sqnr_db(wanted, found)
    agree = sum(w.argmax() == f.argmax() for w, f in zip(wanted, found))
    print(f"{path.stem:<22} {db:5.1f} dB, top-1 {agree}/{len(wanted)}")
    expect(db >= BOUND_DB, f"{path.stem} has {db:.1f} dB, {BOUND_DB:g} are due")


def main(folder, models):
    folder, models = pathlib.Path(folder), pathlib.Path(models)
    fresh(folder)
    entries = json.loads((models / "manifest.json").read_text())
    if not entries:
        fail("the manifest names no model")
    for entry in entries:
        check(entry, models, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
