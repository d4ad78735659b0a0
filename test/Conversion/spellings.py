"""What a graph means does not depend on how it is spelled.

usage: spellings.py FOLDER [COUNT [SEED]]

Models of exporter.py are rewritten in one or two places into something that computes the same: a difference as a
sum with a negation, a square as a product, two permutations for one, axes added and removed, nodes that do nothing.
Each must raise, and mean on onnx and on aac IR what numpy says, within 1e-5.
"""

import collections
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from aac.reference import evaluate
from exporter import Exporter
from exports import BOUND, run
from mutations import BASES

# Results of these are floats in the models here, unless an operand is a constant of integers.
FLOATS = ["Add", "Mul", "Sub", "Div", "MatMul", "Gemm", "Softmax", "Tanh", "Sqrt", "Pow", "Relu",
          "LayerNormalization", "Einsum"]


class Place:
    """A node to rewrite: what comes before it, itself, what comes after it."""

    def __init__(self, model, index, rng):
        self.graph, self.index, self.rng = model.graph, index, rng
        self.opset = model.opset_import[0].version
        self.node = model.graph.node[index]
        self.before, self.after, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"spelled_{self.index}_{len(self.graph.node)}_{self.count}"

    def constant(self, value, dtype=np.float32):
        tensor = numpy_helper.from_array(np.array(value, dtype))
        return self.add(self.before, "Constant", [], value=tensor)

    def add(self, nodes, kind, inputs, output=None, **attributes):
        output = output or self.name()
        nodes.append(helper.make_node(kind, inputs, [output], name=self.name(), **attributes))
        return output

    def value(self, name):
        """The constant of that name, None if there is none."""
        for node in self.graph.node:
            if name in node.output and node.op_type == "Constant":
                return numpy_helper.to_array(node.attribute[0].t)
        return next((numpy_helper.to_array(t) for t in self.graph.initializer if t.name == name), None)

    def behind(self):
        """Names of the node's result for nodes between it and its users, and for those."""
        wanted, self.node.output[0] = self.node.output[0], self.name()
        return self.node.output[0], wanted

    def done(self):
        nodes = list(self.graph.node)
        nodes[self.index:self.index + 1] = [*self.before, nodes[self.index], *self.after]
        del self.graph.node[:]
        self.graph.node.extend(nodes)


def negated_twice(p):
    result, wanted = p.behind()
    p.add(p.after, "Neg", [p.add(p.after, "Neg", [result])], wanted)


def nothing(kind, number=None, **attributes):
    def rewrite(p):
        result, wanted = p.behind()
        p.add(p.after, kind, [result] + ([p.constant(number)] if number is not None else []), wanted,
              **attributes)
    return rewrite


def axis_and_back(p):
    if p.opset < 13:
        return False
    result, wanted = p.behind()
    axes = p.constant([0], np.int64)
    p.add(p.after, "Squeeze", [p.add(p.after, "Unsqueeze", [result, axes]), axes], wanted)


def same_shape(p):
    result, wanted = p.behind()
    p.add(p.after, "Reshape", [result, p.add(p.after, "Shape", [result])], wanted)


def other_sign(kind):
    def rewrite(p):
        p.node.op_type, p.node.input[1] = kind, p.add(p.before, "Neg", [p.node.input[1]])
    return rewrite


def as_sum(p):
    p.node.op_type = "Sum"


def as_products(p):
    exponent, x = p.value(p.node.input[1]), p.node.input[0]
    if exponent is None or exponent not in (2, 3):
        return False
    p.node.op_type = "Mul"
    p.node.input[:] = [x if exponent == 2 else p.add(p.before, "Mul", [x, x]), x]


def by_reciprocal(p):
    p.node.op_type, p.node.input[1] = "Mul", p.add(p.before, "Reciprocal", [p.node.input[1]])


def root_as_power(p):
    p.node.op_type = "Pow"
    p.node.input.append(p.constant(0.5))


def as_maximum(p):
    p.node.op_type = "Max"
    p.node.input.append(p.constant(0))


def weight_transposed(p):
    weight = p.value(p.node.input[1])
    if weight is None or weight.ndim != 2:
        return False
    stored = p.constant(np.ascontiguousarray(weight.T))
    p.node.input[1] = p.add(p.before, "Transpose", [stored], perm=[1, 0])


def permuted_twice(p):
    perm = list(p.node.attribute[0].ints)
    first = p.rng.permutation(len(perm)).tolist()
    result, wanted = p.behind()
    p.node.attribute[0].CopyFrom(helper.make_attribute("perm", first))
    p.add(p.after, "Transpose", [result], wanted, perm=[first.index(axis) for axis in perm])


def narrow_ids(p):
    if p.value(p.node.input[1]) is not None:
        return False
    p.node.input[1] = p.add(p.before, "Cast", [p.node.input[1]], to=TensorProto.INT32)


ANYWHERE = [negated_twice, nothing("Identity"), nothing("Cast", to=TensorProto.FLOAT),
            nothing("Mul", 1), nothing("Div", 1), nothing("Add", 0), nothing("Sub", 0),
            axis_and_back, same_shape]
SPELLINGS = {"Add": [other_sign("Sub"), as_sum], "Sub": [other_sign("Add")], "Pow": [as_products],
             "Div": [by_reciprocal], "Sqrt": [root_as_power], "Relu": [as_maximum],
             "MatMul": [weight_transposed], "Transpose": [permuted_twice], "Gather": [narrow_ids]}


def respell(model, rng):
    """Rewrites one place of `model`; says which."""
    while True:
        place = Place(model, int(rng.integers(len(model.graph.node))), rng)
        node = place.node
        integers = any(value is not None and value.dtype.kind == "i"
                       for value in map(place.value, node.input))
        own = SPELLINGS.get(node.op_type, [])
        if integers and node.op_type in FLOATS:
            continue
        choices = own * 3 + (ANYWHERE if node.op_type in FLOATS else [])
        if not choices:
            continue
        kind, spelling = node.op_type, choices[int(rng.integers(len(choices)))]
        if spelling(place) is not False:
            place.done()
            return f"{getattr(spelling, '__name__', spelling)} at {node.name} ({kind})"


def trial(options, rng, folder):
    exporter = Exporter(options)
    model = exporter.build()
    what = ", ".join(respell(model, rng) for _ in range(1 + int(rng.integers(2))))
    arrays = exporter.example(1)
    wanted = evaluate(model, arrays)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    np.savez(folder / "in.npz", **arrays)
    worst = 0.0
    steps = [("aac-translate", "--import-onnx", f"task={folder}/model.onnx", "-o", folder / "onnx.mlirbc"),
             ("aac-opt", "--aac-import-pipeline", folder / "onnx.mlirbc", "--emit-bytecode", "-o",
              folder / "aac.mlirbc")]
    for step, level in zip(steps, ("onnx", "aac")):
        for command in (step, ("aac", "eval", folder / f"{level}.mlirbc", "--task=task",
                               f"--input={folder}/in.npz", "-o", folder / "out.npz")):
            code, _, err = run(*command)
            if code != 0:
                return False, f"{what}: {command[0]}: exit code {code}: {err[:600]}"
        with np.load(folder / "out.npz") as found:
            for name, array in wanted.items():
                worst = max(worst, float(np.abs(found[name] - array).max()))
        if not worst <= BOUND:
            return False, f"{what}: off by {worst:.1e} on {level} IR"
    return True, f"{what}: {worst:.0e}"


def main(folder, count="80", seed="1"):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng, verdicts = np.random.default_rng(int(seed)), collections.Counter()
    for number in range(int(count)):
        good, text = trial(BASES[number % len(BASES)], rng, folder)
        verdicts[good] += 1
        if not good:
            (folder / "model.onnx").rename(folder / f"failed{number}.onnx")
        print(f"{'ok' if good else 'FAILED'} {number}: {text}", flush=True)
    return verdicts[False] != 0 or verdicts[True] != int(count)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
