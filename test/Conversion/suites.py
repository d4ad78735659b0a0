"""Tasks exported in different ways, of different lengths, labels and adapters, make one suite.

usage: suites.py FOLDER

What is the same for all tasks is shared however each file says it; a BERT in the suite shares nothing; all of them
compile together and run.
"""

import json
import pathlib
import sys

import numpy as np
import onnx

from aac import weights
from aac.reference import evaluate, sqnr_db
from exporter import Exporter
from exports import must

SQNR_DB = 10.0
# Every habit in some task. All have the same backbone.
TASKS = {
    "sst2": dict(labels=2),
    "mnli": dict(labels=3, sizes=dict(seq=9, adapter=3), scale="sdpa", mask="sdpa", opset=17,
                 norm="native", linear="transpose", dynamic=True),
    "plain": dict(labels=2, adapters="none", reuse="copies", names="numeric", pos="slice",
                  mask="fill", mask_type="bool"),
    "stsb": dict(labels=1, adapters="ffn", sizes=dict(seq=4, adapter=1), qkv="split",
                 attention="einsum", linear="twice", opset=12, head="squeezed"),
    "squad": dict(labels=2, adapters="attention", sizes=dict(seq=11), head="span_split",
                  linear="gemm", tokens="flat", mask="where_less", types="buffer"),
    "cola": dict(labels=2, sizes=dict(adapter=16), attention="einsum_heads", head="probability",
                 mask="none", constants="initializer", shuffle=3, commute=3),
}
BERT = {"bert": dict(arch="bert", labels=3, sizes=dict(seq=5), qkv="heads")}


def export(folder, tasks):
    """Arguments for the tools, and the exporters by task."""
    arguments, exporters = [], {}
    for task, options in tasks.items():
        exporter = exporters[task] = Exporter({"task": task, **options})
        model = exporter.build()
        onnx.save(model, str(folder / f"{task}.onnx"))
        arguments.append(f"{task}={folder}/{task}.onnx")
        exporter.model = model
        if exporter.bindings():
            arguments += [f"--bind={task}:{i.name}={exporter.B}x{exporter.S}" for i in exporter.inputs]
    return arguments, exporters


def share(arguments):
    return json.loads(must("aac", "share", "--json", *arguments))


def expect(condition, message):
    if not condition:
        raise SystemExit(f"FAILED: {message}")


def check_sharing(folder):
    arguments, exporters = export(folder, TASKS)
    totals = share(arguments)["totals"]
    config = exporters["sst2"].config
    backbone = sum(array.nbytes for array in weights.backbone(config).values())
    expect(totals["shared_bytes"] == backbone,
           f"{totals['shared_bytes']} bytes are shared, the backbone has {backbone}")
    expect(totals["subset_bytes"] == 0, f"{totals['subset_bytes']} bytes are shared by some tasks")
    for task, exporter in exporters.items():
        own = sum(array.nbytes for array in weights.task(exporter.config, task,
                                                         exporter.o.labels).values())
        if task == "squad":  # no pooler
            own -= sum(exporter.w[f"albert.pooler.{kind}"].nbytes for kind in ("weight", "bias"))
        expect(totals["task_bytes"][task] == own,
               f"task {task} has {totals['task_bytes'][task]} bytes of its own, expected {own}")
    print(f"shared {backbone} bytes, tasks {totals['task_bytes']}")

    arguments, _ = export(folder, {**TASKS, **BERT})
    totals = share(arguments)["totals"]
    expect(totals["shared_bytes"] == 0 and totals["subset_bytes"] == backbone,
           f"with BERT: {totals['shared_bytes']} shared, {totals['subset_bytes']} by some")


def check_running(folder):
    arguments, exporters = export(folder, {**TASKS, **BERT})
    must("aac", "compile", *arguments, "--machine=edgebert-rram", "-o", folder / "out")
    for task, exporter in exporters.items():
        arrays = exporter.example(1)
        np.savez(folder / "in.npz", **arrays)
        must("aac-sim", "run", folder / "out" / "suite.aacs", "--machine=edgebert-rram",
             f"--task={task}", f"--input={folder}/in.npz", "-o", folder / "out.npz")
        wanted = evaluate(exporter.model, arrays)
        with np.load(folder / "out.npz") as found:
            expect(sorted(found.files) == sorted(wanted), f"{task} gives {found.files}")
            ratio = sqnr_db(np.concatenate([a.ravel() for a in wanted.values()]),
                            np.concatenate([found[name].ravel() for name in wanted]))
        print(f"{task}: SQNR {ratio:.1f} dB")
        expect(ratio >= SQNR_DB, f"{task} has {ratio:.1f} dB, expected {SQNR_DB}")


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    check_sharing(folder)
    check_running(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
