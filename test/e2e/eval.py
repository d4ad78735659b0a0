"""`aac eval` on the imported models agrees with the numpy reference, before and after raising.

usage: eval.py FOLDER
"""

import sys

import numpy as np
import onnx

from aac import models
from aac.config import ACTIVATIONS, Config
from aac.reference import evaluate
from aac.sentences import sentence
from support import ODD, Suite, expect, run

BOUND = 1e-5  # absolute, on logits
SENTENCES = 2
VARIANTS = [{"opset": opset} for opset in (11, 13, 17)]
VARIANTS += [{"activation": kind, "adapter_activation": kind} for kind in ACTIVATIONS]
VARIANTS += [{"adapter": 0}, {"shared_adapters": True}, {"shared_layer_norms": False},
             {"adapter_place": "attention"}, {"mask_value": -10000.0}, {"layers": 1}]
TASKS = {"mnli": 3, "stsb": 1}


def main(folder):
    for number, fields in enumerate(VARIANTS):
        suite = Suite(f"{folder}/{number}", Config(**{**ODD, **fields}), TASKS, SENTENCES)
        imported, raised = suite.folder / "onnx.mlir", suite.folder / "aac.mlir"
        run("aac-translate", "--import-onnx",
            *(f"{task}={path}" for task, path in suite.models.items()), "-o", imported)
        run("aac-opt", imported, "--aac-import-pipeline", "-o", raised)
        worst = max(difference(suite, module) for module in (imported, raised))
        print(f"{fields}: at most {worst:.1e} off")
        expect(worst < BOUND, f"{fields} is {worst} off")


def difference(suite, module):
    """The largest difference of any logit of any sentence."""
    worst = 0.0
    for task in suite.tasks:
        model = onnx.load(str(suite.models[task]))
        for index in range(SENTENCES):
            output = suite.folder / "y.npz"
            run("aac", "eval", module, f"--task={task}",
                f"--input={models.sentence_path(suite.folder / 'models', task, index)}",
                "-o", output)
            wanted = evaluate(model, sentence(suite.config, task, index))["logits"]
            with np.load(output) as arrays:
                worst = max(worst, float(np.abs(arrays["logits"] - wanted).max()))
    return worst


if __name__ == "__main__":
    main(*sys.argv[1:])
