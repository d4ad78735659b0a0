#!/usr/bin/python3
"""Prints how close quantised models come to f32: signal over noise of the logits, in dB.

usage: benchmarks/accuracy.py [--build=DIR] [--work=DIR] [--options=PIPELINE_OPTIONS]... [--seeds=N]
                              [--sentences=N] [--labels=N] [--base] [--kinds=KIND,...] [--engine] [--no-ideal]
                              [--made=N] [MODEL.onnx...]

Without models it makes small ones (seeds 1 to N, calibrated on other sentences than they are measured on);
--base adds ALBERT-base's size, the demo's tasks and one of --labels. A MODEL brings its cases in MODEL.npz
(in.<i>.<input>), which also calibrate it; as they are few, --made adds a row with N made-up sentences.
Kinds of made models: `plain`; `pruned`, as the demo is; and `ffn` and `embedding`, where one channel of the FFN's
output or of the embeddings' projection is 50 times as large as the others.

Columns: `ideal` rounds weights and every result of the f32 graph to AdaptivFloat<8,3> by its own maximum; a dash: it
rounds the variance of a row to zero, and divides by it. Then, for each --options (of aac-compress-pipeline, or passes and
pipelines in place of it; SAMPLES stands for the samples; the default is one without and one with them), `rounded`
(aac eval --rounded: formats alone) and, with --engine, `engine` (aac-sim). For `search`, what aac compile does with
samples, there is `engine` alone. All sentences count in one ratio a model: with few logits it is largely luck, so made
tasks have 64 labels.
"""

import argparse
import os
import pathlib
import subprocess
import sys

import numpy as np
import onnx

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
from aac import albert, models, reference, weights  # noqa: E402
from aac.config import DEMO_TASKS, Config  # noqa: E402
from aac.sentences import sentence  # noqa: E402

SMALL = dict(vocab=100, embedding=32, hidden=64, layers=4, heads=4, ffn=128, positions=32, seq=32, adapter=16)

PRUNED = {"embedding": 0.6, "albert_layer_groups": 0.5}  # by what their names contain, as ./run demo does
OUTLIER = 50
MAPPING = "albert.encoder.embedding_hidden_mapping_in"


def prune(values):
    """Zeroes the least of each matrix, as aac-prune does."""
    for name, array in values.items():
        fraction = next((f for part, f in PRUNED.items() if part in name), 0)
        if array.ndim == 2 and fraction:
            least = np.argsort(np.abs(array), axis=None, kind="stable")[:int(fraction * array.size)]
            values[name] = array.copy()
            values[name].flat[least] = 0


def enlarge(linear):
    """A change that makes one channel of a linear's result an outlier."""
    def change(values):
        for name in (f"{linear}.weight", f"{linear}.bias"):
            values[name] = values[name].copy()
            values[name][7] *= OUTLIER
    return change


KINDS = {"plain": lambda values: None, "pruned": prune, "ffn": enlarge(f"{weights.LAYER}.ffn_output"),
         "embedding": enlarge(MAPPING)}


def make_suite(config, tasks, kind, folder, count):
    """Models of `tasks` with changed weights, and `count` sentences of each; the models' paths."""
    folder.mkdir(parents=True, exist_ok=True)
    shared, paths = weights.backbone(config), {}
    for task, labels in tasks.items():
        values = {**shared, **weights.task(config, task, labels)}
        KINDS[kind](values)
        paths[task] = folder / f"{task}.onnx"
        albert.save(albert.build(config, task, values), paths[task])
        for index in range(count):
            np.savez(models.sentence_path(folder, task, index), **sentence(config, task, index))
    return paths


class Tools:
    def __init__(self, build, work):
        self.bin, self.work = build / "bin", work

    def run(self, tool, *arguments):
        command = [str(self.bin / tool), *map(str, arguments)]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{process.stderr}")

    def logits(self, tool, *arguments):
        output = self.work / "logits.npz"
        self.run(tool, *arguments, "-o", output)
        with np.load(output) as arrays:
            return [arrays[name] for name in sorted(arrays.files)]


def ideal_logits(model, inputs):
    results = reference.ideal(model, inputs)
    return [results[name] for name in sorted(results)]


def cases_of(path, tools):
    """The cases of a model's .npz, each as a file with plain names."""
    with np.load(path) as arrays:
        arrays = dict(arrays)
    names = sorted({name.split(".", 2)[2] for name in arrays if name.startswith("in.")})
    if not names:
        return [path]
    files, index = [], 0
    while f"in.{index}.{names[0]}" in arrays:
        files.append(tools.work / f"{path.stem}.case{index}.npz")
        np.savez(files[-1], **{name: arrays[f"in.{index}.{name}"] for name in names})
        index += 1
    return files


def made_sentences(cases, count, folder):
    """`count` files of pseudo-random sentences with the arrays, ids and length of a model's cases; all tokens, three
    quarters, a half and one are attended in turn."""
    arrays = [dict(np.load(case)) for case in cases]
    largest = {name: max(int(case[name].max()) for case in arrays) for name in arrays[0]}
    generator, files = np.random.default_rng(1), []
    for index in range(count):
        sentence = {}
        for name, example in arrays[0].items():
            length = example.shape[-1]
            attended = np.arange(length) < (length, length * 3 // 4, length // 2, 1)[index % 4]
            ids = generator.integers(0, largest[name] + 1, example.shape) if largest[name] > 1 else 0
            values = attended if "mask" in name else np.where(attended, ids, 0)
            sentence[name] = np.broadcast_to(values, example.shape).astype(example.dtype)
        files.append(folder / f"made.{index}.npz")
        np.savez(files[-1], **sentence)
    return files


def refusal(text):
    lines = text.splitlines()
    return next((line for line in lines if "error:" in line), lines[-1])[:160]


def write_cases(path, sentences):
    arrays = {}
    for index, sentence in enumerate(sentences):
        with np.load(sentence) as case:
            arrays.update({f"in.{index}.{name}": case[name] for name in case.files})
    np.savez(path, **arrays)


def measure(tools, model, sentences, samples, pipelines, engine, want_ideal):
    """[dB...] in the order of the table's columns."""
    stem = tools.work / "model"
    tools.run("aac-translate", "--import-onnx", f"t={model}", "--emit-bytecode", "-o", f"{stem}.onnx.mlirbc")
    tools.run("aac-opt", f"{stem}.onnx.mlirbc", "--pass-pipeline=builtin.module(aac-import-pipeline)",
              "--emit-bytecode", "-o", f"{stem}.aac.mlirbc")
    wanted = [tools.logits("aac", "eval", f"{stem}.aac.mlirbc", f"--input={s}") for s in sentences]

    def ratio(results):
        flat = [np.concatenate([a.ravel() for case in side for a in case]) for side in (wanted, results)]
        return reference.sqnr_db(*flat)

    row = []
    if want_ideal:
        proto = onnx.load(str(model))
        row.append(ratio([ideal_logits(proto, dict(np.load(s))) for s in sentences]))
    def simulated(stream):
        return ratio([tools.logits("aac-sim", "run", stream, "--task=t", f"--input={s}") for s in sentences])

    for options in pipelines:
        if options == "search":
            tools.run("aac", "compile", f"t={model}", f"--calibrate=t={samples}", "-o", f"{stem}.search")
            row += [simulated(f"{stem}.search/suite.aacs")] if engine else []
            continue
        options = options.replace("SAMPLES", f"t={samples}")
        pipeline = options if options.startswith("aac-") else f"aac-compress-pipeline{{{options}}}"
        tools.run("aac-opt", f"{stem}.aac.mlirbc", "--emit-bytecode", "-o", f"{stem}.q.mlirbc",
                  f"--pass-pipeline=builtin.module({pipeline})")
        row.append(ratio([tools.logits("aac", "eval", "--rounded", f"{stem}.q.mlirbc", f"--input={s}")
                          for s in sentences]))
        if engine:
            tools.run("aac-opt", f"{stem}.q.mlirbc", "--emit-bytecode", "-o", f"{stem}.cmd.mlirbc",
                      "--pass-pipeline=builtin.module(aac-place-pipeline,aac-lower-pipeline)")
            tools.run("aac-translate", "--export-stream", f"{stem}.cmd.mlirbc", "-o", f"{stem}.aacs")
            row.append(simulated(f"{stem}.aacs"))
    return row


def line(label, values):
    return f"{label:<24}" + "".join(f"{'-' if np.isnan(value) else f'{value:.1f}':>10}" for value in values)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "out" / "accuracy")
    parser.add_argument("--options", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--sentences", type=int, default=8)
    parser.add_argument("--base", action="store_true")
    parser.add_argument("--labels", type=int, default=64)
    parser.add_argument("--kinds", default="plain")
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--no-ideal", action="store_true")
    parser.add_argument("--made", type=int, default=0)
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    np.seterr(divide="ignore", invalid="ignore")
    arguments.work.mkdir(parents=True, exist_ok=True)
    tools = Tools(arguments.build, arguments.work)
    pipelines = arguments.options or ["", "calibrate=SAMPLES"]

    suites, many = [], {"task": arguments.labels}
    for kind in [] if arguments.models else arguments.kinds.split(","):
        label = "" if kind == "plain" else f"{kind} "
        for seed in range(1, arguments.seeds + 1):
            suites.append((f"{label}small {seed}", kind, Config(**SMALL, seed=seed), many))
        if arguments.base:
            suites.append((f"{label}base", kind, Config(), {**many, **DEMO_TASKS}))
    jobs = []
    for label, kind, config, tasks in suites:
        folder, count = arguments.work / label.replace(" ", "_"), arguments.sentences
        paths = make_suite(config, tasks, kind, folder, 2 * count)
        for task, path in paths.items():
            sentences = [models.sentence_path(folder, task, i) for i in range(2 * count)]
            jobs.append((label if task in many else f"{label} {task}", path, sentences[:count], sentences[count:]))
    for path in arguments.models:
        cases = cases_of(path.with_suffix(".npz"), tools)
        jobs.append((path.stem, path, cases, cases))
        if arguments.made:
            folder = arguments.work / path.stem
            folder.mkdir(exist_ok=True)
            jobs.append((f"  {arguments.made} made-up", path, made_sentences(cases, arguments.made, folder), cases))

    columns = [] if arguments.no_ideal else ["ideal"]
    for index, options in enumerate(pipelines):
        columns += ([] if options == "search" else [f"rounded{index}"]) + ([f"engine{index}"] if arguments.engine else [])
    for index, options in enumerate(pipelines):
        print(f"{index}: {options or '(default)'}")
    print(f"{'model':<24}" + "".join(f"{name:>10}" for name in columns), flush=True)
    rows = []
    for label, model, sentences, others in jobs:
        samples = arguments.work / "samples.npz"
        write_cases(samples, others)
        try:
            row = measure(tools, model, sentences, samples, pipelines, arguments.engine, not arguments.no_ideal)
        except RuntimeError as error:
            print(f"{label:<24} {refusal(str(error))}", flush=True)
            continue
        rows.append(row)
        print(line(label, rows[-1]), flush=True)
    if rows:
        print(line("mean", np.nanmean(rows, axis=0)))


if __name__ == "__main__":
    main()
