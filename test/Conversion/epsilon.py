"""A layer norm's epsilon on the accelerator, which has none of its own: one that may be left out costs no accuracy, one
that matters is refused; rows of padding have no say in which.

usage: epsilon.py FOLDER
"""

import pathlib
import re
import sys

import numpy as np

import adapter_forms
import exports
from exports import Failure, evaluate, must, run, sqnr_db

# What leaving an epsilon out may cost next to the same model with one of 1e-12.
COST_DB = 0.5
# Seeds of sentences: 2 tokens of padding for each.
SENTENCES = range(6)
SHARE = 1 / 64  # of the smallest variance


class Forms(adapter_forms.Forms):
    """Tokens of padding have the id 0, whose row in the table is 0, as PyTorch's padding_idx leaves it."""

    def embeddings(self):
        table = next(name for name in self.w if "word_embeddings.weight" in name)
        self.w[table][0] = 0
        return super().embeddings()

    def example(self, seed=0):
        arrays = super().example(seed)
        arrays["input_ids"] = np.where(arrays["attention_mask"] == 1, arrays["input_ids"], 0)
        return arrays


class Model:
    def __init__(self, folder, epsilon, attended=False):
        """A model with this epsilon in its layer norms, its sentences in samples.npz; with `attended` the tokens of
        padding are attended, too."""
        exports.Exporter = type("Kind", (Forms,), {"epsilon": epsilon})
        form = exports.Form(dict(adapters="none", ln="eps_left"), folder, True)
        self.path, self.folder = form.path, folder
        self.inputs = [form.exporter.example(seed) for seed in SENTENCES]
        for arrays in self.inputs:
            if attended:
                arrays["attention_mask"] = np.ones_like(arrays["attention_mask"])
        self.wanted = [evaluate(form.model, arrays)["logits"] for arrays in self.inputs]
        np.savez(folder / "samples.npz", **{f"in.{i}.{name}": array for i, arrays in enumerate(self.inputs)
                                            for name, array in arrays.items()})

    def compile(self, *options):
        return ("aac", "compile", f"task={self.path}", f"--calibrate=task={self.folder}/samples.npz",
                "--machine=edgebert-rram", *options)

    def smallest_variance(self):
        must(*self.compile("--emit=compressed", "-o", self.folder / "compressed.mlirbc"))
        text = must("aac-opt", self.folder / "compressed.mlirbc")
        return min(float(v) for v in re.findall(r"min_variance = (\S+) :", text))

    def sqnr(self):
        must(*self.compile("-o", self.folder / "out"))
        found = []
        for arrays in self.inputs:
            np.savez(self.folder / "in.npz", **arrays)
            must("aac-sim", "run", self.folder / "out" / "suite.aacs", "--machine=edgebert-rram", "--task=task",
                 f"--input={self.folder}/in.npz", "-o", self.folder / "out.npz")
            with np.load(self.folder / "out.npz") as outputs:
                found.append(outputs["logits"])
        return sqnr_db(np.concatenate(self.wanted), np.concatenate(found))

    def must_refuse(self):
        code, _, err = run(*self.compile("-o", self.folder / "out"))
        if code != 1 or not re.search("its epsilon of .* matters at the layer's scale", err):
            raise Failure(f"expected to be refused for its epsilon: exit code {code}: {err}")


def main(folder):
    folder = pathlib.Path(folder)
    exact = Model(folder / "exact", 1e-12)
    least, padding = exact.smallest_variance(), Model(folder / "attended", 1e-12, True).smallest_variance()
    print(f"smallest variance {least:.2e}, {padding:.2e} with rows of padding")
    if not padding < least / 1.2:
        raise Failure("the generator is wrong: rows of padding vary as much as others")
    small = Model(folder / "small", 0.99 * SHARE * least)
    wanted, found = exact.sqnr(), small.sqnr()
    print(f"SQNR {wanted:.2f} dB with epsilon 1e-12, {found:.2f} dB with {0.99 * SHARE * least:.2e} left out")
    if not found >= wanted - COST_DB:
        raise Failure("an epsilon that was left out costs accuracy")
    Model(folder / "large", 1.01 * SHARE * least).must_refuse()
    Model(folder / "padding", 0.99 * SHARE * least, True).must_refuse()
    print("larger ones and those that matter for attended rows are refused")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Failure as failure:
        sys.exit(f"epsilon.py: {failure}")
