"""A graph that differs in one place from one that is known keeps its exact meaning or is refused.

usage: mutations.py FOLDER [COUNT [SEED]]

Models of exporter.py are changed in one place each: a constant, an axis or permutation, the order of operands, an
operation, or where an operand comes from. numpy says what the changed model means; aac IR must mean the same, with
attention masks of other values than 0 and 1 too, or raising must have refused it.
"""

import collections
import copy
import pathlib
import sys

import numpy as np
from onnx import helper, numpy_helper

from aac.reference import evaluate
from exporter import Exporter
from exports import must, run

BOUND = 1e-5
ONE = dict(sizes=dict(layers=1))
BASES = [
    ONE, dict(ONE, scale="sdpa", mask="sdpa", pos="where"), dict(ONE, attention="einsum", mask="fill"),
    dict(ONE, attention="einsum_tokens", mask="where_greater", norm="native", opset=17),
    dict(ONE, attention="einsum_heads", mask="where_less", embed_order="word_last"),
    dict(ONE, qkv="heads", mask="where_zero", head="span_split", labels=2),
    dict(ONE, qkv="unbound", mask="keep", head="span_transpose", labels=2, linear="gemm"),
    dict(ONE, qkv="split", key="stack", mask="ones_times", head="squeezed", labels=1),
    dict(ONE, batch=2, mask="integers", mask_type="int32", pos="rows", head="tokens_probability"),
    dict(ONE, arch="bert", mask="where_padding", scale="both", head="cls_slice", merge="einsum"),
    dict(ONE, mask="times_padding", head="probability", pos="slice", types="buffer"),
    dict(ONE, mask="minus_one", head="hidden_states", linear="transpose", dropout=True),
    dict(ONE, qkv="neox", scale="after_mask", mask="where_zero", alpha="context", types="one_hot"),
    dict(ONE, qkv="bloom", scale="div_after_mask", mask="fill", alpha="value_heads", types="one_hot_flat"),
    dict(ONE, attention="einsum_ellipsis", linear="einsum_rows", alpha="probabilities"),
]
SWAPS = {"Add": ["Sub", "Mul"], "Mul": ["Add", "Div"], "Sub": ["Add"], "Div": ["Mul"],
         "Tanh": ["Sigmoid", "Erf", "Relu"], "Relu": ["Tanh", "Sigmoid"], "Sqrt": ["Relu"],
         "Greater": ["Less", "Equal"], "Less": ["Greater"], "Equal": ["Greater"], "Pow": ["Mul"],
         "Not": ["Identity"], "And": ["Or"]}


def other_constant(array, rng):
    """A neighbour of a small constant."""
    array = array.copy()
    flat = array.reshape(-1)
    index = rng.integers(flat.size)
    if array.dtype.kind == "f":
        flat[index] = rng.choice([flat[index] * np.float32(1.01), -flat[index],
                                  flat[index] + np.float32(1), 0, 1, 2, -np.inf])
    elif array.dtype.kind == "b":
        flat[index] = not flat[index]
    else:
        flat[index] += rng.choice([-2, -1, 1, 2])
    return array


def mutate(model, rng):
    """Changes `model` in one place; says what was done, None if nothing could be."""
    nodes = model.graph.node
    node = nodes[int(rng.integers(len(nodes)))]
    kind = rng.integers(6)
    if node.op_type == "Constant":
        attribute = node.attribute[0]
        array = numpy_helper.to_array(attribute.t)
        attribute.t.CopyFrom(numpy_helper.from_array(other_constant(array, rng)))
        return f"constant {node.name}: {array.reshape(-1)[:4]}"
    if kind == 0 and len(node.input) > 1:
        a, b = rng.choice(len(node.input), 2, replace=False).tolist()
        node.input[a], node.input[b] = node.input[b], node.input[a]
        return f"operands of {node.name} ({node.op_type})"
    if kind == 1 and node.op_type in SWAPS:
        was, node.op_type = node.op_type, str(rng.choice(SWAPS[node.op_type]))
        return f"{node.name}: {was} becomes {node.op_type}"
    if kind == 2 and node.attribute:
        attribute = node.attribute[int(rng.integers(len(node.attribute)))]
        if attribute.ints:
            a, b = rng.integers(len(attribute.ints), size=2).tolist()
            attribute.ints[a], attribute.ints[b] = attribute.ints[b], attribute.ints[a]
        elif attribute.name in ("axis", "keepdims", "transB", "transA"):
            attribute.i += int(rng.choice([-1, 1]))
        elif attribute.name in ("epsilon", "alpha", "beta"):
            attribute.f *= 1.5
        elif attribute.name == "equation":
            text = attribute.s.decode()
            letters = sorted(set(text) - set(",->"))
            a, b = rng.choice(letters, 2, replace=False)
            terms = text.split("->")
            swapped = terms[1].translate(str.maketrans({a: b, b: a}))
            attribute.s = f"{terms[0]}->{swapped}".encode()
        else:
            return None
        return f"{attribute.name} of {node.name} ({node.op_type})"
    if kind == 3:  # an operand from somewhere earlier
        known = [name for other in nodes for name in other.output]
        position = list(nodes).index(node)
        earlier = [name for other in list(nodes)[:position] for name in other.output]
        slot = int(rng.integers(max(1, len(node.input))))
        if not earlier or not node.input or known == earlier:
            return None
        node.input[slot] = str(rng.choice(earlier[-12:]))
        return f"operand {slot} of {node.name} ({node.op_type}) is {node.input[slot]}"
    if kind == 4 and len(node.output) == 1:  # a node that is left out
        same = [name for name in node.input if name]
        if not same:
            return None
        source, gone = same[0], node.output[0]
        if gone in [o.name for o in model.graph.output]:
            return None
        for other in nodes:
            other.input[:] = [source if name == gone else name for name in other.input]
        nodes.remove(node)
        return f"without {node.name} ({node.op_type})"
    if kind == 5 and model.graph.initializer:
        tensor = model.graph.initializer[int(rng.integers(len(model.graph.initializer)))]
        array = numpy_helper.to_array(tensor)
        if array.dtype.kind == "f" and array.ndim == 2 and array.shape[0] == array.shape[1]:
            tensor.CopyFrom(numpy_helper.from_array(np.array(array.T, order="C"), tensor.name))
            return f"transposed {tensor.name}"
        if array.dtype.kind != "f":
            tensor.CopyFrom(numpy_helper.from_array(other_constant(array, rng), tensor.name))
            return f"initializer {tensor.name}"
    return None


def examples(exporter):
    """Padding, and masks of other values where they are numbers."""
    arrays = [exporter.example(1)]
    mask = arrays[0].get("attention_mask")
    if mask is not None and mask.dtype.kind == "i":
        odd = dict(arrays[0])
        odd["attention_mask"] = np.where(mask != 0, [[1, 1, 1, 2, 1, -1, 1]], mask).astype(mask.dtype)
        arrays.append(odd)
    return arrays


def meaning(model, arrays):
    """What numpy computes; None where that is no number or no valid graph."""
    try:
        with np.errstate(all="ignore"):
            outputs = evaluate(model, arrays)
    except Exception:  # whatever numpy says of an invalid graph
        return None
    declared = {o.name: [d.dim_value for d in o.type.tensor_type.shape.dim]
                for o in model.graph.output}
    if any(list(outputs[name].shape) != shape or not np.isfinite(outputs[name]).all()
           or np.abs(outputs[name]).max(initial=0) > 1e3 for name, shape in declared.items()):
        return None
    return outputs


def trial(number, options, rng, folder):
    exporter = Exporter(options)
    model = exporter.build()
    for _ in range(20):
        changed = copy.deepcopy(model)
        what = mutate(changed, rng)
        inputs = examples(exporter)
        wanted = what and [meaning(changed, arrays) for arrays in inputs]
        if wanted and wanted[0]:
            break
    else:
        return "unchanged", ""
    path = folder / "changed.onnx"
    path.write_bytes(changed.SerializeToString())
    what = f"model {number}, {what}"
    code, _, err = run("aac-translate", "--import-onnx", f"task={path}", "-o", folder / "onnx.mlirbc")
    if code == 1:
        return "not imported", what
    if code == 0:
        code, _, err = run("aac-opt", "--aac-import-pipeline", folder / "onnx.mlirbc",
                           "--emit-bytecode", "-o", folder / "aac.mlirbc")
    if code == 1 and "cannot raise" in err and "does not verify" not in err:
        return "refused", what
    if code != 0:
        return "FAILED", f"{what}: exit code {code}: {err[:600]}"
    worst = 0.0
    for seed, reference in enumerate(wanted):
        if reference is None:
            continue
        np.savez(folder / "in.npz", **inputs[seed])
        code, _, err = run("aac", "eval", folder / "aac.mlirbc", "--task=task",
                           f"--input={folder}/in.npz", "-o", folder / "out.npz")
        if code != 0:
            return "FAILED", f"{what}: aac eval: exit code {code}: {err[:600]}"
        with np.load(folder / "out.npz") as found:
            for name, array in reference.items():
                bound = BOUND * max(1.0, float(np.abs(array).max()))
                off = float(np.abs(found[name] - array).max())
                worst = max(worst, off)
                if not off <= bound:
                    return "FAILED", f"{what}: {name} is off by {off:.1e} with input {seed}"
    return "exact", f"{what}: {worst:.0e}"


def main(folder, count="150", seed="1"):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng, verdicts = np.random.default_rng(int(seed)), collections.Counter()
    for trial_number in range(int(count)):
        number = trial_number % len(BASES)
        verdict, text = trial(number, BASES[number], rng, folder)
        verdicts[verdict] += 1
        if verdict == "FAILED":
            (folder / "changed.onnx").rename(folder / f"failed{trial_number}.onnx")
        if text:
            print(f"{verdict} {trial_number}: {text}", flush=True)
    print(dict(verdicts))
    # Most of the time something must have been compared.
    return verdicts["FAILED"] != 0 or verdicts["exact"] < int(count) // 10 or \
        verdicts["refused"] < int(count) // 10


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
