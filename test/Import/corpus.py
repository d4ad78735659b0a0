"""Replays the fuzz targets' seeds through the tools.

usage: corpus.py FOLDER CORPUS
"""

import pathlib
import subprocess
import sys

RAISED = {"albert13", "albert17"}


def main(folder, corpus):
    folder, bad = pathlib.Path(folder), 0
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(pathlib.Path(corpus).glob("*.onnx"))
    for path in paths:
        module = folder / f"{path.stem}.mlirbc"
        bind = ["--bind=batch=2"] if path.stem == "dynamic" else []
        imported = subprocess.run(["aac-translate", "--import-onnx", f"t={path}", *bind, "-o", module],
                                  capture_output=True, text=True)
        raised = subprocess.run(["aac-opt", module, "--aac-import-pipeline", "-o", "/dev/null"],
                                capture_output=True, text=True)
        wanted = (0,) if path.stem in RAISED else (0, 1)
        if imported.returncode != 0 or raised.returncode not in wanted:
            print(f"{path.stem}: {imported.stderr}{raised.stderr[:500]}")
            bad += 1
    print(f"{len(paths)} seeds, {bad} wrong")
    return bad != 0 or not paths


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
