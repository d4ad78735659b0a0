"""A task added to a compiled suite: nothing that was there changes, and the new task works.

usage: add_task.py FOLDER [MACHINE]
"""

import dataclasses
import json
import os
import re
import shutil
import sys

import numpy as np
import onnx

from aac import albert, models, weights
from aac.config import Config
from aac.reference import evaluate, sqnr_db
from aac.sentences import sentence
from support import MACHINE, SMALL, expect, expect_error, fresh, read_stream, run

LABELS = {"sst2": 2, "mnli": 3, "qqp": 2, "stsb": 1, "plain": 2, "partial": 2, "untyped": 2}
MADE = ("sst2", "mnli", "qqp", "stsb", "plain")
SENTENCES = 4


def main(folder, machine=MACHINE):
    folder, config = fresh(folder), Config(**SMALL)
    made = models.make_suite(config, {task: LABELS[task] for task in MADE}, folder / "models", SENTENCES)
    out = folder / "out"
    sources = [f"{task}={made[task]}" for task in ("sst2", "mnli")]
    run("aac", "compile", *sources, f"--machine={machine}", "-o", out)
    before = logits(folder, out, machine, config, ("sst2", "mnli"))
    old = shutil.copytree(out, folder / "old")

    text, _ = run("aac", "compile", "--add", f"qqp={made['qqp']}", out)
    check_kept(old, out, 2)
    expect("added qqp:" in text and "unchanged:" in text, text)
    after = logits(folder, out, machine, config, ("sst2", "mnli", "qqp"))
    for task, values in before.items():
        expect(np.array_equal(values, after[task]), f"logits of {task} changed")
    check_accuracy(config, made, after)
    check_reproducible(folder, old, out, made["qqp"])

    # Again, another length and no adapters at all; both are read from the directory as it is now.
    short = dataclasses.replace(config, seq=12)
    write(short, "stsb", made["stsb"])
    plain = dataclasses.replace(config, adapter=0)
    write(plain, "plain", made["plain"])
    third = shutil.copytree(out, folder / "third")
    run("aac", "compile", "--add", f"stsb={made['stsb']}", "--add", f"plain={made['plain']}", out)
    check_kept(third, out, 3)
    again = logits(folder, out, machine, config, ("sst2", "mnli", "qqp"))
    for task, values in after.items():
        expect(np.array_equal(values, again[task]), f"logits of {task} changed")
    again.update(logits(folder, out, machine, short, ("stsb",)))
    again.update(logits(folder, out, machine, plain, ("plain",)))
    check_accuracy(config, made, again)
    check_originals(folder, out, made, {"stsb": short})

    check_lacking(folder, config, out, made, machine, again)
    check_together(folder, config, machine)
    check_single(folder, config, made, machine)
    if machine == MACHINE:
        check_errors(folder, config, made, old)


def check_lacking(folder, config, out, made, machine, before):
    """Tasks that lack what others have: an adapter in some layers, a table of the backbone."""
    def partial(tensors):
        gone = [name for name in tensors if name.startswith("albert.encoder.attention_adapters.1.")]
        expect(gone, "no adapter in layer 1")
        for name in gone:
            del tensors[name]

    def untyped(tensors):
        del tensors["albert.embeddings.token_type_embeddings.weight"]

    for count, (task, change) in enumerate((("partial", partial), ("untyped", untyped))):
        lacking = write(config, task, folder / "models" / f"{task}.onnx", change)
        kept = shutil.copytree(out, folder / f"before.{task}")
        run("aac", "compile", "--add", f"{task}={lacking}", out)
        check_kept(kept, out, 5 + count)
        results = logits(folder, out, machine, config, (task, "sst2", "mnli", "qqp"))
        check_accuracy(config, {task: lacking}, {task: results[task]})
        for known in ("sst2", "mnli", "qqp"):
            expect(np.array_equal(results[known], before[known]), f"logits of {known} changed")
        check_originals(folder, out, {task: lacking}, {})
    shared = json.loads(run("aac", "share", *(f"{path.stem}={path}" for path in (
        made["sst2"], folder / "models" / "partial.onnx", folder / "models" / "untyped.onnx")), "--json")[0])
    classes = {p["name"]: p["class"] for p in shared["parameters"]}
    expect(classes["albert.embeddings.token_type_embeddings.weight"] == "subset" and
           classes[f"{weights.LAYER}.ffn.weight"] == "shared", f"{classes}")


def check_together(folder, config, machine):
    """Added, and compiled together with the others: the same task where the backbone has the same formats."""
    source = folder / "models"
    paths = {task: f"{task}={source / task}.onnx" for task in ("sst2", "mnli", "qqp")}
    # Of weights alone the backbone's formats follow, whatever tasks there are.
    run("aac", "compile", *paths.values(), f"--machine={machine}", "--calibrate=none", "-o", folder / "together")
    run("aac", "compile", paths["sst2"], paths["mnli"], f"--machine={machine}", "--calibrate=none", "-o",
        folder / "apart")
    run("aac", "compile", "--add", paths["qqp"], "--calibrate=none", folder / "apart")
    results = [logits(folder, folder / name, machine, config, ("sst2", "mnli", "qqp")) for name in ("together", "apart")]
    for task, values in results[0].items():
        expect(np.array_equal(values, results[1][task]), f"{task}: logits of the added suite differ")
    read = []
    for name in ("together", "apart"):
        sections, _ = read_stream(folder / name / "suite.aacs")
        # What some tasks share cannot go to RRAM any more: the added task has a copy of its own.
        read.append({s.data for s in sections if s.kind == "image" and s.owners & 4})
    expect(len(read[0]) > 20 and read[0] == read[1], "the added task's bytes differ")


def write(config, task, path, change=lambda tensors: None):
    tensors = {**weights.backbone(config), **weights.task(config, task, LABELS[task])}
    change(tensors)
    albert.save(albert.build(config, task, tensors), path)
    for index in range(SENTENCES):
        np.savez(models.sentence_path(path.parent, task, index), **sentence(config, task, index))
    return path


def logits(folder, out, machine, config, tasks):
    results = {}
    for task in tasks:
        results[task] = []
        for index in range(SENTENCES):
            values = folder / "in.npz"
            np.savez(values, **sentence(config, task, index))
            run("aac-sim", "run", out / "suite.aacs", f"--machine={machine}", f"--task={task}",
                f"--input={values}", "-o", folder / "y.npz")
            with np.load(folder / "y.npz") as arrays:
                results[task].append(arrays["logits"])
    return results


def check_accuracy(config, made, results):
    for task, values in results.items():
        seq = {"stsb": 12}.get(task, config.seq)
        model = onnx.load(str(made[task]))
        wanted = [evaluate(model, sentence(dataclasses.replace(config, seq=seq), task, index))["logits"]
                  for index in range(SENTENCES)]
        ratio = sqnr_db(wanted, values)
        print(f"{task}: {ratio:.1f} dB")
        expect(ratio >= 15, f"{task} has {ratio:.1f} dB")


def images(stream):
    sections, _ = read_stream(stream)
    return {section.metadata: section.data for section in sections if section.kind == "image"}


def check_kept(old, new, tasks):
    """Every old image is there, at its address; what is new belongs to the new tasks alone."""
    before, after = images(old / "suite.aacs"), images(new / "suite.aacs")
    for where, data in before.items():
        expect(after.get(where) == data, f"image {where} changed")
    sections, _ = read_stream(new / "suite.aacs")
    for section in sections:
        if section.kind == "image" and section.metadata not in before:
            expect(section.owners >> tasks and not section.owners & ((1 << tasks) - 1),
                   f"a new image is owned by {section.owners:#x}")
            expect(b"rram" not in section.metadata, "RRAM would have to be programmed again")
    grown = sum(map(len, after.values())) - sum(map(len, before.values()))
    expect(0 < grown < sum(map(len, before.values())) / 2, f"{grown} bytes of images are new")
    programs = [{section.metadata: section.data for section in read_stream(path / "suite.aacs")[0]
                 if section.kind == "program" and b"power_on" not in section.metadata} for path in (old, new)]
    code = list(programs[1].values())
    expect(all(data in code for data in programs[0].values()), "a program changed")
    run("aac-sim", "check", new / "suite.aacs")


def check_reproducible(folder, old, out, model):
    """From the same directory, on one core and into another directory: the same bytes."""
    other = folder / "other"
    run("aac", "compile", "--add", f"qqp={model}", f"{old}/", "-o", other,
        cores={min(os.sched_getaffinity(0))})
    expect({path.name for path in other.iterdir()} == {path.name for path in out.iterdir()}, "files")
    for path in other.iterdir():
        expect(path.read_bytes() == (out / path.name).read_bytes(), f"{path.name} differs")
    expect(images(old / "suite.aacs") != images(other / "suite.aacs"), "the old one was written")


def check_originals(folder, out, made, configs):
    """suite.mlirbc says what every task means, the added ones too."""
    for task, path in made.items():
        config = configs.get(task, Config(**SMALL))
        np.savez(folder / "in.npz", **sentence(config, task, 0))
        run("aac", "eval", out / "suite.mlirbc", f"--task={task}", f"--input={folder / 'in.npz'}",
            "-o", folder / "e.npz")
        with np.load(folder / "e.npz") as arrays:
            wanted = evaluate(onnx.load(str(path)), sentence(config, task, 0))["logits"]
            expect(np.allclose(arrays["logits"], wanted, rtol=0, atol=1e-5), f"eval of {task}")


def check_single(folder, config, made, machine):
    """From one task to two: pruned as the first was, and a frozen pooler is no matter."""
    out = folder / "single"
    run("aac", "compile", f"sst2={made['sst2']}", f"--machine={machine}", "-o", out,
        "--sparsity=embedding:0.6,encoder:2:4,adapter:0.1", "--resync=16")
    old = shutil.copytree(out, folder / "single.old")
    pooler = weights.task(config, "sst2", 2)
    path = write(config, "mnli", folder / "mnli.onnx",
                 lambda tensors: tensors.update({n: pooler[n] for n in pooler if "pooler" in n}))
    # What the suite was compiled with may be repeated, and nothing else asked for.
    saved = folder / "saved.json"
    options = ["--sparsity=embedding:0.6,encoder:2:4,adapter:0.1", "--resync=16"]
    run("aac", "compile", f"sst2={made['sst2']}", f"--machine={machine}", *options,
        "--emit=compressed", f"--save-config={saved}", "-o", folder / "ir.mlir")
    for option, theirs in (("--sparsity=embedding:0.5", "--sparsity=embedding:0.6,encoder:2:4,adapter:0.1"),
                           ("--resync=32", "--resync=16"), ("--codec=entropy", "--codec=none"),
                           ("--prune=global", "the default of --prune"),
                           ("--calibration=mse", "the default of --calibration"),
                           ("--merge=quantised", "the default of --merge"),
                           ("--formats=*query*=af6e3", "the default of --formats"),
                           ("--format=af6e3", "--format=af8e3")):
        expect_error(re.escape(f"{out} was compiled with {theirs}, not {option}: leave it out"),
                     "aac", "compile", "--add", path, out, option)
    config_file = folder / "other.json"
    config_file.write_text('{"schema": "aac-config/1", "resync": 64}')
    expect_error("was compiled with --resync=16, not another one: leave it out", "aac", "compile",
                 "--add", path, out, f"--config={config_file}")
    for option in ("--ledger", "--budget=top1:0.9", f"--save-config={saved}"):
        run("aac", "compile", "--add", path, out, option, code=2)
    expect(images(old / "suite.aacs") == images(out / "suite.aacs"), "a refusal changed the suite")
    run("aac", "compile", "--add", path, out, *options, f"--config={saved}")
    check_kept(old, out, 1)
    logits(folder, out, machine, config, ("sst2", "mnli"))


def check_errors(folder, config, made, old):
    query = f"{weights.LAYER}.attention.query.weight"

    def one_value(tensors):
        tensors[query] = tensors[query].copy()
        tensors[query][3, 5] += np.float32(0.25)

    def norm(tensors):
        name = "albert.embeddings.LayerNorm.bias"
        tensors[name] = tensors[name].copy()
        tensors[name][7] = 2

    def refused(pattern, *options, directory=old):
        before = {path: path.read_bytes() for path in directory.iterdir()}
        expect_error(pattern, "aac", "compile", *options, directory)
        expect({path: path.read_bytes() for path in directory.iterdir()} == before,
               "the directory changed")

    forked = write(config, "qqp", folder / "forked.onnx", one_value)
    refused("task 'qqp' does not have the backbone that is stored; parameters that differ: 1\\.",
            "--add", f"qqp={forked}")
    _, notes = run("aac", "compile", "--add", f"qqp={forked}", old, code=1)
    expect(f"differs from '{query}' in 1 of 4096 elements, by at most 0.25" in notes, notes)
    refused("does not have the backbone that is stored; parameters that differ: 1\\.", "--add",
            f"qqp={write(config, 'qqp', folder / 'norm.onnx', norm)}")

    def turned(tensors):
        tensors[query] = np.ascontiguousarray(tensors[query].T)

    def near(tensors):
        tensors[query] = tensors[query] + np.float32(1e-3)

    for change, notes in ((turned, f"is '{query}' transposed"),
                          (near, f"differs from '{query}' in 4096 of 4096 elements, by at most 0.001")):
        path = write(config, "qqp", folder / "changed.onnx", change)
        refused("does not have the backbone that is stored; parameters that differ: 1\\.", "--add", f"qqp={path}")
        expect(notes in run("aac", "compile", "--add", f"qqp={path}", old, code=1)[1], f"no note '{notes}'")
    # Another number of layers is the same backbone; what the task lacks is not missed.
    deep = dataclasses.replace(config, layers=3)
    run("aac", "compile", "--add", f"qqp={write(deep, 'qqp', folder / 'deep.onnx')}", old, "-o", folder / "deep")
    check_kept(old, folder / "deep", 2)
    logits(folder, folder / "deep", MACHINE, deep, ("qqp",))
    other = dataclasses.replace(config, ffn=96)
    refused("does not have the backbone that is stored; parameters that differ: 4\\.", "--add",
            f"qqp={write(other, 'qqp', folder / 'ffn.onnx')}")
    run("aac", "compile", "--add", f"qqp={forked}", "--allow-fork", old, "-o", folder / "fork")
    check_kept(old, folder / "fork", 2)
    results = logits(folder, folder / "fork", MACHINE, config, ("qqp",))
    check_accuracy(config, {"qqp": forked}, results)

    refused("has a task 'mnli' already; give the new one another name", "--add",
            f"mnli={made['qqp']}")
    refused("was compiled for machine edgebert-rram, whose description is not that of edgebert-sram",
            "--add", f"qqp={made['qqp']}", "--machine=edgebert-sram")
    refused("no-such-machine", "--add", f"qqp={made['qqp']}", "--machine=no-such-machine")
    refused("absent.onnx", "--add", "qqp=absent.onnx")
    empty = fresh(folder / "empty")
    refused("suite.placed.mlirbc is missing: --add takes the directory that `aac compile -o` wrote",
            "--add", f"qqp={made['qqp']}", directory=empty)
    mixed, other = shutil.copytree(old, folder / "mixed"), dataclasses.replace(config, seed=2)
    run("aac", "compile", write(other, "sst2", folder / "other.onnx"), "--calibrate=none", "-o",
        folder / "elsewhere")
    shutil.copy(folder / "elsewhere" / "suite.mlirbc", mixed)
    refused("is not in the suite as imported: do suite.mlirbc and suite.placed.mlirbc come from one "
            "compilation", "--add", f"qqp={made['qqp']}", directory=mixed)
    damaged = shutil.copytree(old, folder / "damaged")
    (damaged / "suite.aacs").write_bytes((old / "suite.aacs").read_bytes()[:1000])
    refused("damaged/suite.aacs: ", "--add", f"qqp={made['qqp']}", directory=damaged)
    for name in ("suite.mlirbc", "suite.placed.mlirbc"):
        for size in (1000, 0):
            corrupt = shutil.copytree(old, folder / "corrupt", dirs_exist_ok=True)
            (corrupt / name).write_bytes((old / name).read_bytes()[:size])
            refused(f"corrupt/{name}", "--add", f"qqp={made['qqp']}", directory=corrupt)
    stale = shutil.copytree(old, folder / "stale")
    shutil.copy(stale / "suite.mlirbc", stale / "suite.placed.mlirbc")
    refused("does not say what it was compiled with", "--add", f"qqp={made['qqp']}", directory=stale)
    run("aac", "compile", "--add", f"qqp={made['qqp']}", old, folder, code=2)
    run("aac", "compile", "--add", f"qqp={made['qqp']}", old, "--emit=cmd", code=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
