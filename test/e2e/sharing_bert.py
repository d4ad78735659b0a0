"""ALBERT and BERT of twelve layers in one suite: `aac share --json` must tell exactly what is shared.

usage: sharing_bert.py FOLDER

Two ALBERT tasks have one backbone (one layer, used twelve times), two BERT tasks another (twelve layers that
differ). Each suite writes them with one kind of noise: 12-fold copies, transposes, names and order, merged equal
tensors, each in another way for each file. What is true is computed from the weights alone (sharing.py).
"""

import os
import pathlib
import sys

import numpy as np
from onnx import numpy_helper

sys.path.append(str(pathlib.Path(__file__).parent.parent / "Conversion"))
from exporter import Exporter
from sharing import check, merge, rename, shuffle
from support import expect, fresh, run

LAYERS = 12
TASKS = {"sst2": ("albert", 2), "mnli": ("albert", 3), "cola": ("bert", 2), "qnli": ("bert", 2)}
SUITES = {
    # Old exporters write a matrix for each use; newer ones an Identity of one, or use it as it is.
    "twelve_fold_copies": {"sst2": dict(reuse="copies"), "mnli": dict(reuse="once"),
                           "cola": dict(reuse="copies"), "qnli": {}},
    # Folding off: as in the state dictionary, with a Transpose for each use, or two of them.
    "transposed_copies": {"sst2": dict(linear="transpose"), "mnli": dict(linear="twice"),
                          "cola": dict(linear="transpose"), "qnli": dict(linear="einsum_out_in")},
    "names_and_order": {"sst2": dict(names="numeric", shuffle=1, commute=2),
                        "mnli": dict(bias="right", opset=17, norm="native"),
                        "cola": dict(shuffle=3, opset=11, sizes=dict(seq=5)),
                        "qnli": dict(names="numeric", commute=4, constants="initializer")},
    # All biases are zero, all gammas one: an exporter stores each size once for whatever it is.
    "merged_equal_tensors": {"sst2": dict(reuse="copies"), "mnli": {}, "cola": {},
                             "qnli": dict(linear="transpose")},
}


def used(exporter):
    """{name: array} of what the model reads, in the roles' spelling of sharing.py."""
    if exporter.o.arch == "albert":
        return dict(exporter.w)
    parts = ("bert.", "albert.pooler", "classifier")
    tensors = {n: v for n, v in exporter.w.items()
               if n.startswith(parts) and "adapter" not in n}
    layers = {n.split(".")[3] for n in tensors if n.startswith("bert.encoder.layer.")}
    expect(len(layers) == LAYERS, f"layers {layers}")
    return tensors


def untrained(model, tensors):
    """Biases and layer norms as before any training, in the file and in what is true."""
    def value(name, array):
        if name.endswith(".bias"):
            return np.zeros_like(array)
        norm = "LayerNorm" in name or "layer_norm" in name
        return np.ones_like(array) if norm else array
    for stored in model.graph.initializer:
        array = numpy_helper.to_array(stored)
        stored.CopyFrom(numpy_helper.from_array(value(stored.name, array), stored.name))
    return {name: value(name, array) for name, array in tensors.items()}


def same_on_one_core(sources, folder):
    """Which file's tensors come first depends on the threads; nothing that is written does."""
    cores = os.sched_getaffinity(0)
    reports = [run("aac", "share", *sources, "--json", cores=some) for some in (cores, {min(cores)})]
    expect(reports[0] == reports[1], f"the report on one core differs from that on {len(cores)}")
    modules = []
    for some in (cores, {min(cores)}):
        run("aac-translate", "--import-onnx", *sources, "-o", folder / "suite.mlirbc", cores=some)
        modules.append((folder / "suite.mlirbc").read_bytes())
    expect(modules[0] == modules[1], f"the module on one core differs from that on {len(cores)}")


def main(folder):
    folder, rng = fresh(folder), np.random.default_rng(12)
    for suite, forms in SUITES.items():
        contents, sources = {}, []
        for task, (arch, labels) in TASKS.items():
            form = dict(forms[task])
            sizes = dict(layers=LAYERS, **form.pop("sizes", {}))
            exporter = Exporter(dict(task=task, arch=arch, labels=labels, sizes=sizes, **form))
            model = exporter.build()
            tensors = used(exporter)
            if suite == "merged_equal_tensors":
                tensors = untrained(model, tensors)
                merge(model, rng)
            if suite == "names_and_order":
                rename(model, rng)
                shuffle(model, rng)
            path = folder / f"{suite}.{task}.onnx"
            path.write_bytes(model.SerializeToString())
            contents[task] = tensors
            sources.append(f"{task}={path}")
        check(suite, sources, contents)
        same_on_one_core(sources, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
