"""The ONNX graph of one task, node for node as PyTorch 1.13 exports HuggingFace's ALBERT.

The habits of that exporter that an importer has to see through are all here: layers are unrolled; the
weight of a linear layer is stored once, transposed, under the meaningless name onnx::MatMul_<n>, and later
uses of it go through an Identity; a bias is the first operand of its Add; scalars are Constant nodes; layer
norm and gelu are spelled out; flattening the heads computes its shape at run time.
"""

import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from aac.weights import LAYER, adapter_name, layer_norm_name

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_IR_VERSIONS = {11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8}


class _Graph:
    """Collects nodes and initialisers; names follow the exporter's `scope/Op_output_0`."""

    def __init__(self, config, weights):
        self.config, self.weights = config, weights
        self.identities, self.nodes, self.initializers = [], [], {}
        self.names, self.uses, self.number = {}, {}, 1000

    def node(self, op, scope, inputs, output=None, **attributes):
        count = self.names.get((scope, op), 0)
        self.names[scope, op] = count + 1
        name = f"{scope}/{op}" + (f"_{count}" if count else "")
        output = output or f"{name}_output_0"
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def constant(self, scope, value, dtype=np.float32):
        tensor = numpy_helper.from_array(np.array(value, dtype))
        return self.node("Constant", scope, [], value=tensor)

    def parameter(self, name):
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(self.weights[name], name)
        return name

    def matmul_weight(self, name):
        """The transposed weight under its number; an Identity of it from the second use on."""
        self.number += 1
        numbered = f"onnx::MatMul_{self.number}"
        if name not in self.uses:
            self.uses[name] = numbered
            transposed = np.ascontiguousarray(self.weights[name].T)
            self.initializers[numbered] = numpy_helper.from_array(transposed, numbered)
        else:
            self.identities.append(helper.make_node(
                "Identity", [self.uses[name]], [numbered], name=f"Identity_{len(self.identities)}"))
        return numbered

    def linear(self, scope, x, name):
        product = self.node("MatMul", scope, [x, self.matmul_weight(f"{name}.weight")])
        return self.node("Add", scope, [self.parameter(f"{name}.bias"), product])

    def gemm(self, scope, x, name, output=None):
        return self.node("Gemm", scope,
                         [x, self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias")],
                         output, alpha=1.0, beta=1.0, transB=1)

    def unsqueeze(self, scope, x, axis):
        if self.config.opset < 13:
            return self.node("Unsqueeze", scope, [x], axes=[axis])
        return self.node("Unsqueeze", scope, [x, self.constant(scope, [axis], np.int64)])

    def layer_norm(self, scope, x, name):
        gamma, beta = self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias")
        epsilon = self.config.epsilon
        if self.config.opset >= 17:
            return self.node("LayerNormalization", scope, [x, gamma, beta], axis=-1,
                             epsilon=epsilon)
        mean = self.node("ReduceMean", scope, [x], axes=[-1])
        centred = self.node("Sub", scope, [x, mean])
        square = self.node("Pow", scope, [centred, self.constant(scope, 2.0)])
        variance = self.node("ReduceMean", scope, [square], axes=[-1])
        guarded = self.node("Add", scope, [variance, self.constant(scope, epsilon)])
        deviation = self.node("Sqrt", scope, [guarded])
        normal = self.node("Div", scope, [centred, deviation])
        scaled = self.node("Mul", scope, [normal, gamma])
        return self.node("Add", scope, [scaled, beta])

    def activation(self, scope, x, kind):
        if kind in ("relu", "tanh", "sigmoid"):
            return self.node(kind.capitalize(), scope, [x])
        if kind == "silu":
            return self.node("Mul", scope, [x, self.node("Sigmoid", scope, [x])])
        if kind == "gelu":
            scaled = self.node("Div", scope, [x, self.constant(scope, math.sqrt(2.0))])
            error = self.node("Erf", scope, [scaled])
            raised = self.node("Add", scope, [error, self.constant(scope, 1.0)])
            product = self.node("Mul", scope, [x, raised])
            return self.node("Mul", scope, [product, self.constant(scope, 0.5)])
        half = self.node("Mul", scope, [x, self.constant(scope, 0.5)])
        cube = self.node("Pow", scope, [x, self.constant(scope, 3.0)])
        small = self.node("Mul", scope, [cube, self.constant(scope, 0.044715)])
        inner = self.node("Add", scope, [x, small])
        scaled = self.node("Mul", scope, [inner, self.constant(scope, math.sqrt(2.0 / math.pi))])
        bend = self.node("Tanh", scope, [scaled])
        raised = self.node("Add", scope, [bend, self.constant(scope, 1.0)])
        return self.node("Mul", scope, [half, raised])


def build(config, task, weights):
    """The ONNX model of `task`; `weights` holds the backbone's and the task's tensors by name. Without the tensors of
    an adapter, or of token types, the model has none there."""
    graph = _Graph(config, weights)
    mask = _mask(graph)
    x, first = _embeddings(graph)
    for layer in range(config.layers):
        x = _layer(graph, task, layer, x, mask)
    x = graph.node("Gather", "/albert", [x, first], axis=1)
    x = graph.gemm("/albert/pooler", x, "albert.pooler")
    x = graph.node("Tanh", "/albert", [x])
    graph.gemm("/classifier", x, "classifier", "logits")

    labels = weights["classifier.weight"].shape[0]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, config.seq])
              for name in INPUTS]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, labels])
    # Parameters with names first, then the numbered ones, as the exporter orders them.
    initializers = sorted(graph.initializers.values(), key=lambda t: t.name.startswith("onnx::"))
    proto = helper.make_graph(graph.identities + graph.nodes, "torch_jit", inputs, [output],
                              initializers)
    model = helper.make_model(proto, producer_name="aac.models",
                              opset_imports=[helper.make_opsetid("", config.opset)])
    model.ir_version = _IR_VERSIONS[config.opset]
    return model


def _mask(graph):
    """(1 - mask) * C, broadcast over heads and queries."""
    scope = "/albert"
    mask = graph.unsqueeze(scope, "attention_mask", 1)
    mask = graph.unsqueeze(scope, mask, 2)
    mask = graph.node("Cast", scope, [mask], to=TensorProto.FLOAT)
    mask = graph.node("Sub", scope, [graph.constant(scope, 1.0), mask])
    return graph.node("Mul", scope, [mask, graph.constant(scope, graph.config.mask_value)])


def _embeddings(graph):
    """The embedded tokens, and the constant 0 that the pooler uses again."""
    scope = "/albert/embeddings"
    first = graph.constant(scope, 0, np.int64)

    def gather(table, ids):
        weight = graph.parameter(f"albert.embeddings.{table}.weight")
        return graph.node("Gather", f"{scope}/{table}", [weight, ids])

    graph.number += 1
    positions = f"onnx::Gather_{graph.number}"
    graph.initializers[positions] = numpy_helper.from_array(
        np.arange(graph.config.seq, dtype=np.int64)[None], positions)
    x = gather("word_embeddings", "input_ids")
    if "albert.embeddings.token_type_embeddings.weight" in graph.weights:
        x = graph.node("Add", scope, [x, gather("token_type_embeddings", "token_type_ids")])
    x = graph.node("Add", scope, [x, gather("position_embeddings", positions)])
    x = graph.layer_norm(f"{scope}/LayerNorm", x, "albert.embeddings.LayerNorm")
    name = "embedding_hidden_mapping_in"
    return graph.linear(f"/albert/encoder/{name}", x, f"albert.encoder.{name}"), first


def _layer(graph, task, layer, x, mask):
    config, prefix = graph.config, "/albert/encoder/albert_layers.0"
    use = f"_{layer}" if layer else ""

    def norm(scope, value, name):
        return graph.layer_norm(f"{prefix}/{scope}{use}", value,
                                layer_norm_name(config, name, layer))

    def adapted(place, value):
        if place not in config.adapter_places():
            return value
        name = adapter_name(place, 0 if config.shared_adapters else layer, task)
        if f"{name}.adapter_up.weight" not in graph.weights:
            return value
        scope = f"{prefix}/{task}.{place}{use}"
        y = graph.linear(f"{scope}/adapter_down.0", value, f"{name}.adapter_down.0")
        y = graph.activation(f"{scope}/adapter_down.1", y, config.adapter_activation)
        y = graph.linear(f"{scope}/adapter_up", y, f"{name}.adapter_up")
        return graph.node("Add", scope, [y, value])

    attended = adapted("attention", _attention(graph, f"{prefix}/attention", use, x, mask))
    x = norm("LayerNorm", graph.node("Add", prefix + use, [attended, x]), "attention.LayerNorm")
    y = graph.linear(f"{prefix}/ffn{use}", x, f"{LAYER}.ffn")
    y = graph.activation(f"{prefix}/activation{use}", y, config.activation)
    y = adapted("ffn", graph.linear(f"{prefix}/ffn_output{use}", y, f"{LAYER}.ffn_output"))
    x = graph.node("Add", prefix + use, [y, x])
    return norm("full_layer_layer_norm", x, "full_layer_layer_norm")


def _attention(graph, prefix, use, x, mask):
    config, scope = graph.config, prefix + use
    shape = [1, config.seq, config.heads, config.head_size]

    def heads(name, perm):
        y = graph.linear(f"{prefix}/{name}{use}", x, f"{LAYER}.attention.{name}")
        y = graph.node("Reshape", scope, [y, graph.constant(scope, shape, np.int64)])
        return graph.node("Transpose", scope, [y], perm=perm)

    query, value = heads("query", [0, 2, 1, 3]), heads("value", [0, 2, 1, 3])
    scores = graph.node("MatMul", scope, [query, heads("key", [0, 2, 3, 1])])
    scale = graph.constant(scope, math.sqrt(config.head_size))
    scores = graph.node("Div", scope, [scores, scale])
    scores = graph.node("Add", scope, [scores, mask])
    axis = -1 if config.opset >= 13 else 3
    weights = graph.node("Softmax", scope, [scores], axis=axis)
    context = graph.node("MatMul", scope, [weights, value])
    context = graph.node("Transpose", scope, [context], perm=[0, 2, 1, 3])
    size = graph.node("Shape", scope, [context])
    bounds = [graph.constant(scope, [v], np.int64) for v in (0, 2, 0)]
    size = graph.node("Slice", scope, [size, *bounds])
    size = graph.node("Concat", scope, [size, graph.constant(scope, [-1], np.int64)], axis=0)
    context = graph.node("Reshape", scope, [context, size])
    return graph.linear(f"{prefix}/dense{use}", context, f"{LAYER}.attention.dense")


def save(model, path):
    """Writes the model; equal models give equal bytes."""
    with open(path, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))
