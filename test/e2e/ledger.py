"""The error ledger against the tools it sums up; budgets, formats by name, options in files.

usage: ledger.py FOLDER
"""

import json
import re
import sys

import numpy as np
from aac import albert, models, weights
from aac.config import Config
from aac.reference import sqnr_db
from support import SMALL, expect, fresh, run

SENTENCES = 3


def samples(folder, task, path):
    """The sentences of a task as the cases of one file."""
    cases = {}
    for i in range(SENTENCES):
        with np.load(models.sentence_path(folder, task, i)) as arrays:
            cases.update({f"in.{i}.{name}": arrays[name] for name in arrays.files})
    np.savez(path, **cases)
    return path


def logits(folder, suite, cases, *options):
    values = []
    for i in range(SENTENCES):
        run("aac", "eval", suite, f"--input={cases}", f"--case={i}", "-o", folder / "y.npz", *options)
        with np.load(folder / "y.npz") as arrays:
            values.append(np.concatenate([arrays[name].ravel() for name in sorted(arrays.files)]))
    return np.concatenate(values)


def refused(pattern, *command):
    _, errors = run(*command, code=1)
    expect(pattern in errors and errors.count("error:") == 1, f"'{pattern}' is not the error: {errors}")


def check_round_trip(folder):
    """What --save-config wrote gives the same bytes, the first layer written out included."""
    config, labels = Config(**{**SMALL, "layers": 4}), {"sst2": 2, "mnli": 3}
    suite = models.make_suite(config, labels, folder / "deep", SENTENCES)
    tasks = [f"{task}={path}" for task, path in suite.items()]
    for task, path in suite.items():  # the first layer reads far smaller values than the others
        tensors = {**weights.backbone(config), **weights.task(config, task, labels[task])}
        for part in ("weight", "bias"):
            name = f"albert.encoder.embedding_hidden_mapping_in.{part}"
            tensors[name] = tensors[name] / np.float32(16)
        albert.save(albert.build(config, task, tensors), path)
    cases = samples(folder / "deep", "sst2", folder / "deep-cases.npz")

    def compiled(name, *options):
        out, saved = folder / f"{name}.mlir", folder / f"{name}.json"
        run("aac", "compile", *tasks, *options, "--emit=compressed", f"--save-config={saved}", "-o", out)
        return out.read_text(), saved

    # By name and by a budget: of results of the first layer, which is a copy by itself, and of parameters.
    formats = "*attention/query*=af10e3,*.ffn.weight=int8:channel,/albert/pooler/*=int8:asymmetric"
    first, saved = compiled("first", f"--formats={formats}", "--budget=sqnr:26", f"--calibrate=sst2={cases}",
                            "--calibration=percentile:99.9", "--sparsity=encoder:0.3", "--prune=global")
    expect("aac.loop 3 " in first and "aac.loop 4 " not in first, "the first layer is not written out")
    wide = [line for line in first.splitlines() if "aac.linear" in line and "#aac.af<10, 3" in line or
            re.search(r"#aac.af<1\d, 3", line) and "= aac." in line]
    expect(len(wide) >= 4, f"{len(wide)} results are wider")
    fields = json.loads(saved.read_text())
    expect(fields["prune"] == ["global"] and fields["calibrate"] == [f"sst2={cases}"] and
           len(fields["formats"]) > 3, f"{fields}")
    again, resaved = compiled("again", f"--config={saved}")
    expect(again == first and resaved.read_text() == saved.read_text(), "the saved options give something else")
    del fields["budget"]  # its formats are there
    (folder / "formats.json").write_text(json.dumps(fields))
    expect(compiled("formats", f"--config={folder / 'formats.json'}")[0] == first, "formats alone give something else")
    expect(compiled("other", f"--config={saved}", "--calibration=minmax")[0] != first, "the command line does not win")

    # All the way to the stream.
    saved = folder / "stream.json"
    run("aac", "compile", *tasks, "--calibrate=none", "--sparsity=ffn:vector:0.5", "--resync=32", "--codec=entropy",
        "--merge=quantised", f"--save-config={saved}", "-o", folder / "one")
    run("aac", "compile", *tasks, f"--config={saved}", "-o", folder / "two")
    for path in (folder / "one").iterdir():
        expect(path.read_bytes() == (folder / "two" / path.name).read_bytes(), f"{path.name} differs")


def main(folder):
    folder = fresh(folder)
    model = models.make_suite(Config(**SMALL), {"sst2": 2}, folder, SENTENCES)["sst2"]
    cases = samples(folder, "sst2", folder / "cases.npz")
    compile_ = ["aac", "compile", f"sst2={model}", f"--calibrate=sst2={cases}", "--calibration=minmax"]

    # The ledger says what eval --rounded computes.
    run(*compile_, "--ledger", "-o", folder / "out")
    ledger = json.loads((folder / "out/ledger.json").read_text())
    run(*compile_, "--emit=compressed", "--formats=none=af8e3", "-o", folder / "q.mlirbc")
    wanted = logits(folder, folder / "out/suite.mlirbc", cases)
    found = logits(folder, folder / "q.mlirbc", cases, "--rounded")
    task = ledger["tasks"][0]
    db = sqnr_db(wanted, found)
    expect(abs(task["sqnr_db"] - db) < 0.05, f"ledger: {task['sqnr_db']} dB, aac eval: {db} dB")
    rows = wanted.reshape(-1, 2).argmax(1) == found.reshape(-1, 2).argmax(1)
    expect((task["top1_agreeing"], task["top1_of"]) == (int(rows.sum()), SENTENCES), "top-1 differs")
    entries = ledger["entries"]
    rounding = [e["rounding_sqnr_db"] or np.inf for e in entries]
    expect(rounding == sorted(rounding), "not weakest first")
    kinds = {e["kind"] for e in entries}
    expect({"parameter", "linear", "softmax", "layer_norm", "embedding"} <= kinds, f"only {kinds}")
    expect(all(0.9 < e["cosine"] <= 1.000001 for e in entries), "a cosine is off")
    expect((folder / "out/ledger.txt").read_text().startswith("Outputs against f32\n"), "no text")

    # A budget that is met changes nothing; one that is not names what it would take.
    run(*compile_, "--budget=sqnr:5", "-o", folder / "met")
    expect((folder / "met/suite.aacs").read_bytes() == (folder / "out/suite.aacs").read_bytes(),
           "a budget that is met changes the stream")
    target = task["sqnr_db"] + 15
    _, errors = run(*compile_, f"--budget=sqnr:{target}", "-o", folder / "missed", code=1)
    for part in ("budget missed: sqnr of task 'sst2'", "runs one format, af8e3. It would be met with "):
        expect(part in errors, f"'{part}' is not in the error: {errors}")
    expect(not (folder / "missed").exists(), "results although the budget is missed")
    refused("formats of 16 bits do not meet it", *compile_, "--budget=sqnr:500", "-o", folder / "missed")
    refused("must be top1:FRACTION", *compile_, "--budget=top1:2", "-o", folder / "missed")

    # As an analysis it is met by wider formats, which the saved options repeat.
    config = folder / "config.json"
    run(*compile_, f"--budget=sqnr:{target}", "--emit=compressed", f"--save-config={config}",
        "-o", folder / "wide.mlirbc")
    db = sqnr_db(wanted, logits(folder, folder / "wide.mlirbc", cases, "--rounded"))
    expect(db >= target - 0.05, f"{db} dB of {target}")
    saved = json.loads(config.read_text())
    expect(saved["schema"] == "aac-config/1" and saved["formats"], f"saved {saved}")
    del saved["budget"]
    config.write_text(json.dumps(saved))
    run(*compile_, f"--config={config}", "--emit=compressed", "-o", folder / "again.mlirbc")
    again = logits(folder, folder / "again.mlirbc", cases, "--rounded")
    expect(sqnr_db(wanted, again) >= target - 0.05, "the saved options give something else")
    refused("cannot run af", *compile_, f"--config={config}", "-o", folder / "missed")
    refused("computes with af8e3, it cannot run af6e3", *compile_, "--format=af6e3", "-o", folder / "missed")

    # Agreement of the largest output: told where it is missed, met by wider formats for an analysis.
    model = models.make_suite(Config(**SMALL, seed=6), {"many": 64}, folder, SENTENCES)["many"]
    cases = samples(folder, "many", folder / "many-cases.npz")
    many = ["aac", "compile", f"many={model}", "--format=af6e3", "--budget=top1:0.99",
            f"--calibrate=many={cases}"]
    refused("budget missed: top1 of task 'many'", *many, "-o", folder / "missed")
    run(*many, "--emit=compressed", f"--save-config={config}", "-o", folder / "wide.mlirbc")
    run("aac", "compile", f"many={model}", "--emit=aac", "-o", folder / "many.mlirbc")
    largest = [logits(folder, folder / f"{name}.mlirbc", cases, *options).reshape(-1, 64).argmax(1)
               for name, options in (("many", []), ("wide", ["--rounded"]))]
    expect((largest[0] == largest[1]).all(), f"the largest logits are {largest}")
    raised = json.loads(config.read_text())["formats"]
    expect(raised and all(re.fullmatch(r"af\d+e3", choice["format"]) for choice in raised), f"{raised}")

    check_round_trip(folder)

    # Wrong files name the field.
    for text, message in [
            ("[]", "is not a JSON object"), ("{}", "field 'schema' must be"),
            ('{"schema": "aac-config/1", "prune": "global"}', "field 'prune' must be a list of strings"),
            ('{"schema": "aac-config/1", "calibrate": [1]}', "field 'calibrate' must be a list of strings"),
            ('{"schema": "aac-config/1", "colour": 1}', "there is no field 'colour'"),
            ('{"schema": "aac-config/1", "format": 8}', "field 'format' must be a string"),
            ('{"schema": "aac-config/1", "resync": "x"}', "field 'resync' must be a number"),
            ('{"schema": "aac-config/1", "formats": 1}', "field 'formats' must be a list"),
            ('{"schema": "aac-config/1", "formats": [{"match": "a"}]}', "field 'formats[0]' must hold"),
            ('{"schema": "aac-config/1", "formats": [{"match": "a,b", "format": "af8e3"}]}',
             "field 'formats[0].match' is 'a,b': write ? for a comma, blank, brace or equals sign")]:
        config.write_text(text)
        refused(f"config.json: {message}", *compile_, f"--config={config}", "-o", folder / "missed")
    refused("must be PATTERN=FORMAT", *compile_, "--formats=x", "-o", folder / "missed")
    refused("same exponent bits, 3 here", *compile_, "--formats=x=af8e4", "-o", folder / "missed")
    print("ledger, budgets, formats and options as they should be")


if __name__ == "__main__":
    main(sys.argv[1])
