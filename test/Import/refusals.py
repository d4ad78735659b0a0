"""Every file that must be refused, with what the one error must say.

usage: refusals.py FOLDER

For each case (refusals_*.py): exit code 1, exactly one line of error, which names the file and
matches the pattern, and no output file.
"""

import pathlib
import re
import shutil
import sys

import refusals_external
import refusals_files
import refusals_functions
import refusals_graphs
import refusals_quantised
from onnx_files import translate
from refusal_cases import CASES, linear

# Whose cases are in CASES now.
GROUPS = (refusals_external, refusals_files, refusals_functions, refusals_graphs, refusals_quantised)

BINDINGS = {
    "x=2x4": r'input "x" is \[2, 3\], bound to 2x4: dimension 1 is 3 already',
    "x=2": r'input "x" is \[2, 3\], bound to 2: 2 and 1 dimensions',
    "z=2": '"z" is neither an input nor a named dimension of any model',
    "x": 'cannot read the binding "x"',
    "x=0x3": "sizes from 1",
    "x=2x": "cannot read the binding",
}


def check(name, result, pattern, path, output):
    """One refusal; returns whether it was as wanted."""
    errors = result.stderr.strip().splitlines()
    problems = []
    if result.returncode != 1:
        problems.append(f"exit code {result.returncode}, not 1")
    if len(errors) != 1 or not errors[0].startswith("aac-translate: error: "):
        problems.append(f"{len(errors)} lines, not one error")
    if not re.search(pattern, result.stderr):
        problems.append(f"does not say {pattern!r}")
    if path and str(path) not in result.stderr:
        problems.append("does not name the file")
    if output.exists() or result.stdout:
        problems.append("has an output")
    for problem in problems:
        print(f"{name}: {problem}: {result.stderr[:400]}")
    return not problems


def main(folder):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    good, output = 0, folder / "out.mlir"
    for name, (make, pattern) in CASES.items():
        path = folder / name / "m.onnx"
        path.parent.mkdir(parents=True)
        proto = make(path)
        if proto is not None:
            path.write_bytes(proto.SerializeToString())
        good += check(name, translate(path, "-o", output), pattern, path, output)
    path = folder / "m.onnx"
    path.write_bytes(linear().SerializeToString())
    for binding, pattern in BINDINGS.items():
        result = translate(path, f"--bind={binding}", "-o", output)
        good += check(f"--bind={binding}", result, pattern, None, output)
    total = len(CASES) + len(BINDINGS)
    print(f"{good} of {total} refused as they should be")
    return 0 if good == total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
