"""int8 formats, from the option to what they cost.

usage: int8.py FOLDER

Weights rounded by numpy, straight from the definition, give the logits that the compressed suite gives. Results are
rounded too with --rounded: the ledger says what that costs and what scales take. No engine here has int8: a stream is
refused by name.
"""

import json
import sys

import numpy as np
import onnx
from aac import models
from aac.config import Config
from aac.reference import evaluate, sqnr_db
from onnx import numpy_helper
from support import SMALL, expect, fresh, run

SENTENCES = 3
EXACT = 1e-5
NAMES = ["int8", "int8:asymmetric", "int8:channel", "int8:asymmetric:channel"]
LEAST_DB = 20.0  # signal over noise of the logits


def rounded(values, asymmetric, channel):
    """What the codes of a parameter stand for; channels are rows of [out, in]."""
    values = values.astype(np.float32)
    axes = tuple(range(1, values.ndim)) if channel and values.ndim == 2 else None
    least, most = (f(values, axis=axes, keepdims=True).astype(np.float64) for f in (np.min, np.max))
    if asymmetric:
        least, most = np.minimum(least, 0), np.maximum(most, 0)
        scale = ((most - least) / 255).astype(np.float32)
    else:
        scale = (np.maximum(-least, most) / 127).astype(np.float32)
    scale[scale == 0] = 1
    zero = np.rint(-128 - least / scale) if asymmetric else np.zeros_like(scale)
    codes = np.clip(np.rint(values / scale) + zero, -128, 127)
    return ((codes - zero).astype(np.float32) * scale).astype(np.float32)


def with_rounded_weights(model, asymmetric, channel):
    """The model with every parameter but biases of linears rounded."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    transposed = {name for node in model.graph.node if node.op_type == "MatMul" for name in node.input}
    transposed |= {node.input[0] for node in model.graph.node
                   if node.op_type == "Identity" and node.output[0] in transposed}
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        is_bias = tensor.name.endswith(".bias") and "LayerNorm" not in tensor.name \
            and "layer_norm" not in tensor.name
        if values.dtype != np.float32 or values.ndim == 0 or is_bias:
            continue
        result = rounded(values.T, asymmetric, channel).T if tensor.name in transposed \
            else rounded(values, asymmetric, channel)
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(result), tensor.name))
    return model


def refused(pattern, *command):
    _, errors = run(*command, code=1)
    expect(pattern in errors and errors.count("error:") == 1, f"'{pattern}' is not the error: {errors}")


def check_sizes(folder, ledger):
    """The report of a suite in int8: its sizes are the ledger's, and codes are counted as they are in the file."""
    text, _ = run("aac-translate", "--export-report=text", folder / "y.mlir")
    tensors = json.loads(run("aac-translate", "--export-report=json", folder / "y.mlir")[0])["encoding"]["tensors"]
    stored, scales = (sum(t[f"{what}_bytes"] for t in tensors) for what in ("stored", "scale"))
    expect(ledger == f"Parameters as codes: {stored} bytes, {scales} of them scales", f"{stored}, {scales}: {ledger}")
    for form, one in (("int8:channel", next(t for t in tensors if "query.weight" in t["name"])),
                      ("int8", next(t for t in tensors if "LayerNorm.weight" in t["name"]))):
        expect(one["format"] == form and one["form"] == "codes" and one["stored_bytes"] ==
               one["weights"] + 4 * (SMALL["hidden"] if "channel" in form else 1), f"{one}")
        expect(0 < one["entropy_bits_per_weight"] < 8 and one["ratio"] > 1, f"{one}")
    expect(f"not stored: {len(tensors)} tensors, for analysis; sizes are those of dense codes and of {scales} bytes "
           "of scales" in text and "query.weight codes    int8:channel " in text, text)


def main(folder):
    folder = fresh(folder)
    path = models.make_suite(Config(**SMALL), {"sst2": 2}, folder, SENTENCES)["sst2"]
    model, sentences = onnx.load(str(path)), []
    for index in range(SENTENCES):
        with np.load(models.sentence_path(folder, "sst2", index)) as arrays:
            sentences.append(dict(arrays))
    cases = folder / "cases.npz"
    np.savez(cases, **{f"in.{i}.{key}": value for i, s in enumerate(sentences) for key, value in s.items()})
    wanted = np.concatenate([evaluate(model, inputs)["logits"] for inputs in sentences])
    compile_ = ["aac", "compile", f"sst2={path}", f"--calibrate=sst2={cases}"]
    uncorrected = ["aac", "compile", f"sst2={path}", "--calibrate=none"]  # samples correct biases

    def logits(suite, *options):
        values = []
        for index in range(SENTENCES):
            run("aac", "eval", suite, f"--input={cases}", f"--case={index}", "-o", folder / "y.npz", *options)
            with np.load(folder / "y.npz") as arrays:
                values.append(arrays["logits"])
        return np.concatenate(values)

    found, ledger = {}, {}
    for name in NAMES:
        suite = folder / "suite.mlirbc"
        run(*uncorrected, f"--format={name}", "--emit=compressed", "-o", suite)
        meant = with_rounded_weights(model, "asymmetric" in name, "channel" in name)
        expected = np.concatenate([evaluate(meant, inputs)["logits"] for inputs in sentences])
        error = np.abs(logits(suite) - expected).max()
        expect(error <= EXACT, f"{name}: weights are off by {error}")
        run(*compile_, f"--format={name}", "--emit=compressed", "-o", suite)
        db = sqnr_db(wanted, logits(suite, "--rounded"))
        _, text = run(*compile_, f"--format={name}", "--emit=compressed", "--ledger", "-o", folder / "x.mlirbc")
        found[name] = float(next(line.split()[2] for line in text.splitlines() if line.startswith("  sst2 ")))
        ledger[name] = {line.split()[-1]: line.split() for line in text.splitlines() if " parameter " in line}
        print(f"{name}: {db:.1f} dB, {text.splitlines()[-1]}")
        expect(abs(db - found[name]) < 0.06, f"{name}: the ledger says {found[name]}, aac eval {db}")
        expect(db >= LEAST_DB, f"{name}: {db} dB, at least {LEAST_DB}")
    for name in NAMES:
        rows = {row[4] for tensor, row in ledger[name].items() if "word_embeddings" in tensor}
        expect(rows == {name.replace("int8:asymmetric:channel", "int8:channel:asymmetric")}, f"{name}: {rows}")
    table, = [tensor for tensor in ledger["int8"] if "word_embeddings" in tensor]
    expect(float(ledger["int8:channel"][table][0]) > float(ledger["int8"][table][0]), "channels gain nothing")

    # Scales take 4 bytes each; options in a file say the same.
    run(*compile_, "--format=int8:channel", "--emit=compressed", "-o", folder / "x.mlir",
        f"--save-config={folder / 'config.json'}")
    expect(json.loads((folder / "config.json").read_text())["format"] == "int8:channel", "not saved")
    _, text = run("aac", "compile", f"sst2={path}", f"--config={folder / 'config.json'}", "--emit=compressed",
                  "--ledger", "-o", folder / "y.mlir")
    codes = scales = 0
    for line in (folder / "y.mlir").read_text().splitlines():
        if "aac.param" in line and "#aac.int8<" in line:
            shape = [int(d) for d in line.split("tensor<")[1].split("xf32>")[0].split("x")]
            codes += int(np.prod(shape))
            scales += shape[0] if len(shape) == 2 else 1
    expect(text.splitlines()[-1] == f"Parameters as codes: {codes + 4 * scales} bytes, {4 * scales} of them scales",
           f"{codes} codes and {scales} scales, the ledger has {text.splitlines()[-1]}")

    check_sizes(folder, text.splitlines()[-1])

    # By name, beside AdaptivFloat; the rest stays as it is without.
    some = ["--formats=*word_embeddings*=int8:channel,*.query.weight=int8:asymmetric", "--emit=compressed", "--ledger"]
    run(*uncorrected, *some, "-o", folder / "some.mlir")
    run(*uncorrected, "--emit=compressed", "--formats=none=af8e3", "-o", folder / "none.mlir")
    some, none = ([line.split() for line in (folder / name).read_text().splitlines() if "aac.param" in line]
                  for name in ("some.mlir", "none.mlir"))
    changed = [a[1] for a, b in zip(some, none) if a != b]
    expect(len(changed) == 2 and "word_embeddings" in changed[0] + changed[1] and
           "query.weight" in changed[0] + changed[1], f"changed: {changed}")

    # A budget that int8 misses is met by wider formats; a stream is refused.
    refused("has no int8, the format (int8) of ", *compile_, "--format=int8", "-o", folder / "out")
    refused("has no int8, the format (int8:channel) of ", *compile_, "--formats=*word_embeddings*=int8:channel",
            "-o", folder / "out")
    expect(not (folder / "out").exists(), "results although int8 was refused")
    refused("calibration 'mse' needs an AdaptivFloat format, not 'int8'", *compile_, "--format=int8",
            "--calibration=mse", "-o", folder / "out")
    target = found["int8"] + 3
    _, text = run(*compile_, "--format=int8", f"--budget=sqnr:{target}", "--emit=compressed", "-o", folder / "w.mlir")
    expect("af10e3" in (text + (folder / "w.mlir").read_text()) or "#aac.af<10, 3" in (folder / "w.mlir").read_text(),
           "nothing is wider")
    expect(sqnr_db(wanted, logits(folder / "w.mlir", "--rounded")) >= target - 0.06, "the budget is missed")
    print("int8 formats as they should be")


if __name__ == "__main__":
    main(sys.argv[1])
