"""Writes two tasks whose backbones differ by one bit of the query's weight and a transposed key.

usage: share_near.py FOLDER
"""

import sys

import numpy as np

from aac import albert, weights
from aac.config import Config

config = Config(vocab=20, embedding=8, hidden=16, layers=2, heads=2, ffn=32, positions=8, seq=4, adapter=4)
for task in ("a", "b"):
    tensors = {**weights.backbone(config), **weights.task(config, task, 2)}
    if task == "b":
        query, key = (f"{weights.LAYER}.attention.{name}.weight" for name in ("query", "key"))
        values = tensors[query].copy()
        # The largest element keeps the exponent; the next float up rounds to the same code.
        index = np.unravel_index(np.argsort(np.abs(values), axis=None)[-2], values.shape)
        values[index] = np.nextafter(values[index], np.float32(10))
        tensors[query], tensors[key] = values, np.ascontiguousarray(tensors[key].T)
    albert.save(albert.build(config, task, tensors), f"{sys.argv[1]}/{task}.onnx")
