"""Suites written in every way exporters have: `aac share --json` must tell exactly what was shared.

usage: sharing.py FOLDER

Each suite has two to five tasks over one backbone. The weights are known before they are written, so the
truth is computed from them alone; then each file is disturbed on its own: names, order, opset, folding of
transposes, copies per layer, merged equal tensors, constants as nodes, operand order, sequence length.
"""

import collections
import dataclasses
import json
import sys

import numpy as np
from onnx import helper, numpy_helper

from aac import albert, weights
from aac.config import Config
from support import SMALL, expect, fresh, run

TASK_ROLES = ("adapter", "layer_norm", "pooler", "classifier")


def role_of(name):
    if "adapters." in name:
        return "adapter"
    if "LayerNorm" in name or "layer_norm" in name:
        return "layer_norm"
    if "embedding" in name:
        return "embedding"
    for role in ("attention", "ffn", "pooler", "classifier"):
        if role in name:
            return role
    raise ValueError(name)


def truth(tasks):
    """What `aac share --json` must say of {task: {name: array}}, but for the parameters' names."""
    users = collections.defaultdict(set)
    for task, tensors in tasks.items():
        for name, values in tensors.items():
            role = role_of(name.split("#")[0])
            # A constant of a task role says nothing about where it came from: one a task.
            alone = len(tasks) > 1 and role in TASK_ROLES and values.min() == values.max()
            key = (role, values.shape, values.tobytes(), task if alone else None)
            users[key].add(task)
    rows = []
    totals = {"shared_bytes": 0, "subset_bytes": 0, "task_bytes": dict.fromkeys(tasks, 0),
              "input_bytes": 0}
    for (role, shape, data, _), names in users.items():
        kind = "shared" if len(names) == len(tasks) else "subset" if len(names) > 1 else "task"
        if len(tasks) == 1:
            kind = "shared" if role in ("embedding", "attention", "ffn") else "task"
        rows.append((role, list(shape), len(data), kind, sorted(names)))
        totals["input_bytes"] += len(data) * len(names)
        if kind == "task":
            totals["task_bytes"][min(names)] += len(data)
        else:
            totals[f"{kind}_bytes"] += len(data)
    return sorted(rows), totals


# What exporters do to a file. Each takes a model and a generator and changes the model in place.


def _initializers(model):
    return {tensor.name: tensor for tensor in model.graph.initializer}


def _replace_inputs(model, names):
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = names.get(name, name)


def rename(model, rng):
    """Names that mean nothing, and other ones in each file."""
    names = {tensor.name: f"onnx::Weight_{number}" for tensor, number in
             zip(model.graph.initializer, rng.permutation(9000))}
    for tensor in model.graph.initializer:
        tensor.name = names[tensor.name]
    _replace_inputs(model, names)


def shuffle(model, rng):
    order = rng.permutation(len(model.graph.initializer))
    tensors = [model.graph.initializer[i] for i in order]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)


def copies(model, _):
    """An exporter without deduplication: every use has a copy of its own."""
    tensors, nodes = _initializers(model), []
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in tensors:
            tensor = model.graph.initializer.add()
            tensor.CopyFrom(tensors[node.input[0]])
            tensor.name = node.output[0]
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def unfold(model, _):
    """Folding off: weights as the state dictionary has them, and a Transpose for each use."""
    numbered = {name for name in _initializers(model) if name.startswith("onnx::MatMul")}
    sources = {name: name for name in numbered}
    nodes, extra = [], []
    for node in model.graph.node:
        if node.op_type == "Identity" and node.input[0] in numbered:
            sources[node.output[0]] = node.input[0]
        else:
            nodes.append(node)
    for name, source in sources.items():
        extra.append(helper.make_node("Transpose", [f"{source}.state"], [name], perm=[1, 0]))
    for tensor in model.graph.initializer:
        if tensor.name in numbered:
            values = np.ascontiguousarray(numpy_helper.to_array(tensor).T)
            tensor.CopyFrom(numpy_helper.from_array(values, f"{tensor.name}.state"))
    del model.graph.node[:]
    model.graph.node.extend(extra + nodes)


def merge(model, _):
    """An exporter's deduplication: equal tensors are one, the others an Identity of it."""
    first, kept, nodes = {}, [], []
    for tensor in model.graph.initializer:
        key = (tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes())
        if key in first:
            nodes.append(helper.make_node("Identity", [first[key]], [tensor.name]))
        else:
            first[key] = tensor.name
            kept.append(tensor)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes.extend(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def as_nodes(model, rng):
    """Some parameters as Constant nodes."""
    kept, nodes = [], []
    for tensor in model.graph.initializer:
        if rng.random() < 0.3:
            nodes.append(helper.make_node("Constant", [], [tensor.name], value=tensor))
        else:
            kept.append(tensor)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes.extend(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def swap(model, rng):
    for node in model.graph.node:
        if node.op_type == "Add" and rng.random() < 0.5:
            node.input[0], node.input[1] = node.input[1], node.input[0]


def as_inputs(model, _):
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))


# What is in the weights.


def library_defaults(tensors):
    """Biases of zero and gammas of one, as before any training."""
    for name, values in tensors.items():
        if name.endswith(".bias"):
            tensors[name] = np.zeros_like(values)
        elif role_of(name) == "layer_norm":
            tensors[name] = np.ones_like(values)


def distinct_layers(model, tensors, config):
    """BERT's layers: every use of a matrix of the shared layer becomes a matrix of its own."""
    shared = {}
    for tensor in model.graph.initializer:
        for name, values in tensors.items():
            if weights.LAYER in name and values.ndim == 2 and tensor.name.startswith("onnx::") and \
                    values.T.shape == tuple(tensor.dims) and \
                    np.array_equal(values.T, numpy_helper.to_array(tensor)):
                shared[tensor.name] = name
    uses = collections.Counter()
    identities = {node.output[0]: node.input[0] for node in model.graph.node
                  if node.op_type == "Identity"}
    copies(model, None)
    for tensor in model.graph.initializer:
        name = shared.get(identities.get(tensor.name, tensor.name))
        if name is None or tensor.name in shared:
            continue
        uses[name] += 1
        values = tensors[name] * np.float32(1 + uses[name] / 8)
        tensors[f"{name}#{uses[name]}"] = values
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values.T), tensor.name))
    expect(set(uses.values()) == {config.layers - 1}, f"layers made distinct: {uses}")


SUITES = {
    # name: ({task: labels}, suite options, {task: (task options, disturbances)})
    "plain_names": ({"sst2": 2, "mnli": 3}, {}, {}),
    "one_task": ({"sst2": 2}, {}, {"sst2": ({}, [rename, shuffle])}),
    "names_and_order": ({"sst2": 2, "mnli": 3, "stsb": 1}, {}, {
        "sst2": ({}, [rename, shuffle]), "mnli": ({"opset": 17}, [swap, shuffle]),
        "stsb": ({"opset": 11}, [rename, swap])}),
    "folding": ({"sst2": 2, "mnli": 3, "qqp": 2}, {}, {
        "sst2": ({}, [unfold, shuffle]), "mnli": ({}, [copies, rename]),
        "qqp": ({"seq": 12, "opset": 17}, [unfold, as_nodes])}),
    "merged_defaults": ({"sst2": 2, "mnli": 3, "qqp": 2}, {"defaults": True}, {
        "sst2": ({}, [merge]), "mnli": ({}, [merge, rename, shuffle]), "qqp": ({}, [copies])}),
    "one_default": ({"sst2": 2, "mnli": 3}, {"defaults": ["sst2"]}, {
        "sst2": ({}, [merge]), "mnli": ({}, [merge, shuffle])}),
    "frozen_pooler": ({"sst2": 2, "mnli": 3, "qqp": 2, "stsb": 1}, {"pooler": ["sst2", "qqp"]}, {
        "sst2": ({}, [rename]), "mnli": ({"opset": 17}, [unfold]), "qqp": ({"seq": 9}, [copies])}),
    "frozen_pooler_of_all": ({"sst2": 2, "mnli": 3}, {"pooler": ["sst2", "mnli"]}, {
        "sst2": ({}, [merge, shuffle]), "mnli": ({}, [unfold, rename])}),
    "plain_albert": ({"sst2": 2, "mnli": 3, "qnli": 2}, {}, {
        "mnli": ({"adapter": 0}, [rename]), "qnli": ({"shared_adapters": True}, [copies])}),
    "adapters": ({"sst2": 2, "mnli": 3, "qqp": 2, "qnli": 2, "stsb": 1}, {"pooler": ["qnli", "stsb"]}, {
        "sst2": ({"adapter": 5}, [as_inputs]), "mnli": ({"adapter_place": "ffn"}, [unfold]),
        "qqp": ({"shared_adapters": True, "adapter_activation": "relu"}, [merge]),
        "qnli": ({"adapter": 0, "seq": 7}, [as_nodes, shuffle])}),
    "own_backbone": ({"sst2": 2, "mnli": 3, "qqp": 2}, {"backbone": ["mnli"]}, {}),
    "distinct_layers": ({"sst2": 2, "mnli": 3}, {"distinct": True}, {
        "mnli": ({}, [rename, shuffle])}),
}


def main(folder):
    folder, rng = fresh(folder), np.random.default_rng(5)
    for suite, (tasks, options, details) in SUITES.items():
        base = Config(**{**SMALL, "layers": 3})
        backbone, contents, sources = weights.backbone(base), {}, []
        other = weights.backbone(dataclasses.replace(base, seed=2))
        made = {}
        for task, labels in tasks.items():
            config = dataclasses.replace(base, **details.get(task, ({}, []))[0])
            tensors = dict(other if task in options.get("backbone", ()) else backbone)
            tensors.update(weights.task(config, task, labels))
            frozen = options.get("pooler", ())
            if task in frozen:
                source = weights.task(base, frozen[0], tasks[frozen[0]])
                tensors.update({name: source[name] for name in source if "pooler" in name})
            if options.get("defaults") is True or task in (options.get("defaults") or ()):
                library_defaults(tensors)
            made[task] = config, tensors
        for task, (config, tensors) in made.items():
            model = albert.build(config, task, tensors)
            if options.get("distinct"):
                distinct_layers(model, tensors, config)
            for disturb in details.get(task, ({}, []))[1]:
                disturb(model, rng)
            path = folder / f"{suite}.{task}.onnx"
            albert.save(model, path)
            contents[task] = tensors
            sources.append(f"{task}={path}")
        check(suite, sources, contents)
    check_hostile(folder)


def check_hostile(folder):
    """Names that a file may have: the table stays a table, and JSON has them as they are."""
    config = Config(**SMALL)
    tensors = {**weights.backbone(config), **weights.task(config, "sst2", 2)}
    model = albert.build(config, "sst2", tensors)
    hostile = ["\x1b[31mred\nalbert fake 1 2 shared\t\"quoted\\", "n" * 3000, "{curly} | $(touch x)"]
    names = {tensor.name: f"{hostile[i % 3]}{i}" for i, tensor in enumerate(model.graph.initializer)}
    for tensor in model.graph.initializer:
        tensor.name = names[tensor.name]
    _replace_inputs(model, names)
    albert.save(model, folder / "hostile.onnx")
    text, _ = run("aac", "share", folder / "hostile.onnx")
    expect(all(line.isprintable() and len(line) < 250 for line in text.splitlines()),
           f"the table has control characters or lines of {max(map(len, text.splitlines()))}")
    rows = json.loads(run("aac", "share", folder / "hostile.onnx", "--json")[0])["parameters"]
    check_keys({"parameters": rows})
    table = text.split("\n\n")[0].splitlines()[1:]
    expect(len(table) == len(rows), f"{len(table)} lines for {len(rows)} parameters")


def check_keys(report):
    """What docs/sharing.md says, neither more nor less."""
    for row in report["parameters"]:
        types = {"name": str, "role": str, "shape": list, "bytes": int, "class": str, "tasks": list,
                 "used_by": list, "saved_bytes": int}
        expect({key: type(value) for key, value in row.items()} == types, f"row {row}")
        expect(row["class"] in ("shared", "subset", "task"), f"row {row}")
    for pair in report.get("near_duplicates", []):
        expect(set(pair) == {"first", "second", "kind", "bytes", "largest_difference"}, f"pair {pair}")


def check(suite, sources, contents):
    report = json.loads(run("aac", "share", *sources, "--json")[0])
    check_keys(report)
    expect(set(report) == {"parameters", "near_duplicates", "totals"}, f"{suite}: keys {set(report)}")
    names = [row["name"] for row in report["parameters"]]
    expect(len(set(names)) == len(names), f"{suite}: a name occurs twice")
    rows = sorted((row["role"], row["shape"], row["bytes"], row["class"], row["tasks"])
                  for row in report["parameters"])
    wanted, totals = truth(contents)
    for row in wanted:
        expect(rows.count(row) == wanted.count(row),
               f"{suite}: {wanted.count(row)} parameters are {row}, told {rows.count(row)}")
    expect(rows == wanted, f"{suite}: told of {[row for row in rows if row not in wanted]}")
    expect(report["totals"] == totals, f"{suite}: totals {report['totals']}, expected {totals}")
    text, _ = run("aac", "share", *sources)
    expect(all(f"{value}" in text for value in
               (totals["shared_bytes"], *totals["task_bytes"].values())), f"{suite}: text {text}")
    print(f"{suite}: {len(rows)} parameters, {totals['shared_bytes']} bytes shared")


if __name__ == "__main__":
    main(*sys.argv[1:])
