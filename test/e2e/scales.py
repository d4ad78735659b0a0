"""Values beyond the bias registers' reach, above 31 and below 2^-10, get scales that what follows absorbs.

usage: scales.py FOLDER

A factor of 2^k on the value weights that the attention output takes back changes no bit of the logits, whatever k.
A channel of the embeddings' projection 50 times as large as the others makes scores that the softmax unit does not
hold: they saturate, which is reported and counted, and cost no more than rounding node by node.
An outlier channel of 60 in the residual stream, made by a bias that takes octaves from weights and input, leaves
30 dB and saturates nowhere. Percentiles report what they clip; an unknown method is refused.
"""

import pathlib
import re
import sys

import numpy as np
import onnx

from aac import albert, models, weights
from aac.config import Config
from aac.reference import evaluate, ideal, sqnr_db
from support import SMALL, expect, fresh, run

SENTENCES = 4
WORSE_DB = 1.0  # than rounding node by node, at most
OUTLIER_DB = 30.0  # at least, with the outlier channel
ATTENTION = f"{weights.LAYER}.attention"


def logits_of(folder, config, name, change, *options):
    """Reference and simulated logits of a model whose weights `change` has changed, and what --explain says."""
    task, own = "sst2", folder / name
    values = {**weights.backbone(config), **weights.task(config, "sst2", 2)}
    change(values)
    own.mkdir()
    path = own / "sst2.onnx"
    albert.save(albert.build(config, task, values), path)
    model, cases, wanted, rounded, got = onnx.load(str(path)), {}, [], [], []
    for index in range(SENTENCES):
        inputs = models.sentence(config, task, index)
        cases.update({f"in.{index}.{key}": value for key, value in inputs.items()})
        wanted.append(evaluate(model, inputs)["logits"])
        rounded.append(ideal(model, inputs)["logits"])
    np.savez(own / "cases.npz", **cases)
    _, explained = run("aac", "compile", f"sst2={path}", f"--calibrate=sst2={own / 'cases.npz'}",
                       "--explain", *options, "-o", own / "out")
    for index in range(SENTENCES):
        run("aac-sim", "run", own / "out" / "suite.aacs", "--task=sst2",
            f"--input={own / 'cases.npz'}", f"--case={index}", "-o", own / "logits.npz")
        with np.load(own / "logits.npz") as arrays:
            got.append(arrays["logits"])
    ratio, due = sqnr_db(wanted, got), min(sqnr_db(wanted, rounded) - WORSE_DB, OUTLIER_DB)
    print(f"{name}: {ratio:.1f} dB, at least {due:.1f} are due")
    expect(ratio >= due, f"{name} has {ratio:.1f} dB, {due:.1f} are due")
    return np.array(got), explained


def scaled_values(exponent):
    def change(values):
        for name, by in (("value.weight", exponent), ("value.bias", exponent),
                         ("dense.weight", -exponent)):
            values[f"{ATTENTION}.{name}"] = np.ldexp(values[f"{ATTENTION}.{name}"], by)
    return change


def outlier_channel(values):
    values[f"{ATTENTION}.dense.bias"][7] = 60


def outlier_projection(values):
    for name in ("weight", "bias"):
        values[f"albert.encoder.embedding_hidden_mapping_in.{name}"][7] *= 50


def main(folder):
    folder = fresh(folder)
    config = Config(**SMALL)
    plain, _ = logits_of(folder, config, "plain", lambda values: None)
    _, explained = logits_of(folder, config, "percentile", lambda values: None,
                             "--calibration=percentile:99.99")
    expect("values measured are as large or larger" in explained,
           f"a percentile clips nothing: {explained}")
    _, refusal = run("aac", "compile", f"sst2={folder / 'plain' / 'sst2.onnx'}", "--calibration=kl",
                     "-o", folder / "refused", code=1)
    expect("there is no calibration 'kl'" in refusal and not (folder / "refused").exists(), refusal)
    for exponent in (7, -14):
        scaled, _ = logits_of(folder, config, f"values_{exponent}", scaled_values(exponent))
        expect(np.array_equal(plain, scaled), f"2^{exponent} on the values changes the logits")
    _, explained = logits_of(folder, config, "outlier_projection", outlier_projection)
    expect("attention/Div" in explained and "it saturates" in explained,
           f"scores beyond 31 are not reported: {explained}")
    output, _ = run("aac-sim", "run", folder / "outlier_projection" / "out" / "suite.aacs",
                    f"--input={folder / 'outlier_projection' / 'cases.npz'}", "--case=0")
    expect(re.search(r"saturated results: \d+\n +\d+ at layer scores", output), output)
    _, explained = logits_of(folder, config, "outlier_channel", outlier_channel)
    expect("a bias of" in explained, f"the outlier's bias is not reported: {explained}")
    expect("saturates" not in explained, f"the outlier channel saturates: {explained}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
