"""Compiles small suites, runs them on the simulator, and compares with the f32 reference.

usage: compile_small.py CASE FOLDER
"""

import sys

from aac.config import Config
from support import ODD, SMALL, Suite

# What each suite is, and its tasks.
CASES = {
    "small": (SMALL, {"sst2": 2, "mnli": 3, "stsb": 1}),
    "odd": (ODD, {"sst2": 2, "mnli": 3}),
    "plain": ({**SMALL, "adapter": 0}, {"mnli": 3}),
    "shared_adapters": ({**SMALL, "shared_adapters": True}, {"mnli": 3, "qqp": 2}),
    "ffn_adapters": ({**SMALL, "adapter_place": "ffn", "adapter_activation": "relu"},
                     {"mnli": 3, "qqp": 2}),
    "own_layer_norms": ({**SMALL, "shared_layer_norms": False, "adapter_activation": "silu"},
                        {"mnli": 3, "stsb": 1}),
    "opset17": ({**SMALL, "opset": 17, "activation": "gelu", "mask_value": -10000.0},
                {"mnli": 3, "stsb": 1}),
    "opset11": ({**SMALL, "opset": 11, "adapter_activation": "tanh"}, {"mnli": 3}),
}


def main(case, folder):
    fields, tasks = CASES[case]
    suite = Suite(folder, Config(**fields), tasks)
    suite.compare(suite.compile() / "suite.aacs")


if __name__ == "__main__":
    main(*sys.argv[1:])
