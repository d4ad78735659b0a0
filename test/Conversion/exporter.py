"""One small model in every way that people export it.

`export(**options)` builds an ONNX model of the same ALBERT (or BERT) each time; an option names one habit of
an exporter, and its default is what PyTorch 1.13 writes of HuggingFace's code. What the options may be is said
where they are read. Nothing here is needed to be what an exporter would write best: it is what they write.
"""

import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from aac import weights
from aac.config import Config
from exporter_attention import Attention
from exporter_functions import keep_modules
from exporter_masks import Masks

I64, F32 = np.int64, np.float32
LOWEST = float(np.finfo(F32).min)
SIZES = dict(vocab=31, embedding=8, hidden=12, layers=2, heads=3, ffn=20, positions=11, seq=7,
             adapter=5)

DEFAULTS = dict(
    opset=13, arch="albert", task="sst2", labels=3, batch=1, head="cls", adapters="both",
    # The file.
    constants="node", init_inputs=False, dynamic=False, dead=False, value_info=False, dropout=False,
    modules=False, names="scoped", shuffle=None, commute=None, repeated=False,
    # The parts.
    linear="matmul", reuse="identity", bias="left", norm="nodes", tokens="3d",
    scale="div", split="constant", key="fused", merge="computed", attention="matmul", qkv="separate",
    alpha=None, mask="times", mask_value=LOWEST, mask_type="int64", pos="constant", types="input", ids="int64",
    embed_order="types_first", sizes={})


class Exporter(Attention, Masks):
    """Collects nodes, initialisers and inputs of one model."""

    def __init__(self, options):
        unknown = set(options) - set(DEFAULTS)
        if unknown:
            raise KeyError(f"unknown options {sorted(unknown)}")
        self.o = o = type("Options", (), {**DEFAULTS, **options})
        self.config = c = Config(**{**SIZES, "adapter_place": o.adapters if o.adapters != "none"
                                    else "both", **o.sizes,
                                    **({"adapter": 0} if o.adapters == "none" else {})})
        self.nodes, self.initializers, self.inputs, self.outputs = [], {}, [], []
        self.seen, self.count = {}, 0
        self.w = dict(weights.backbone(c))
        self.w.update(weights.task(c, o.task, o.labels))
        self.B, self.S = o.batch, c.seq
        self.attentions, self.layers, self.gelus = [], [], []

    # -- nodes -------------------------------------------------------------

    def name(self):
        self.count += 1
        return str(self.count + 100) if self.o.names == "numeric" else f"/m/{self.count}_output_0"

    def op(self, kind, *inputs, n=1, output=None, **attributes):
        results = [output] if output else [self.name() for _ in range(n)]
        self.nodes.append(helper.make_node(kind, list(inputs), results, name=f"/m/{kind}_{self.count}",
                                           **attributes))
        return results[0] if n == 1 else results

    def initializer(self, array, name=None):
        name = name or f"onnx::{self.name()}"
        self.initializers[name] = numpy_helper.from_array(np.array(array, order="C"), name)
        return name

    def const(self, value, dtype=F32):
        array = np.array(value, dtype)
        if self.o.constants == "initializer":
            return self.initializer(array)
        return self.op("Constant", value=numpy_helper.from_array(array))

    def ints(self, *values):
        return self.const(list(values), I64)

    def cast(self, x, to):
        return self.op("Cast", x, to=to)

    def unsqueeze(self, x, *axes):
        if self.o.opset < 13:
            return self.op("Unsqueeze", x, axes=list(axes))
        return self.op("Unsqueeze", x, self.ints(*axes))

    def squeeze(self, x, *axes, output=None):
        if self.o.opset < 13:
            return self.op("Squeeze", x, axes=list(axes), output=output)
        return self.op("Squeeze", x, self.ints(*axes), output=output)

    def reduce(self, kind, x, axis, keepdims=1):
        if self.o.opset >= (13 if kind == "ReduceSum" else 18):
            return self.op(kind, x, self.ints(axis), keepdims=keepdims)
        return self.op(kind, x, axes=[axis], keepdims=keepdims)

    def split(self, x, parts, axis, sizes):
        if self.o.opset < 13:
            return self.op("Split", x, n=parts, axis=axis, split=sizes)
        return self.op("Split", x, self.ints(*sizes), n=parts, axis=axis)

    def slice(self, x, start, end, axis, step=None):
        more = [self.ints(step)] if step else []
        return self.op("Slice", x, self.ints(start), self.ints(end), self.ints(axis), *more)

    def dropped(self, x):
        if not self.o.dropout:
            return x
        if self.o.opset < 12:
            return self.op("Dropout", x, n=2, ratio=0.1)[0]
        return self.op("Dropout", x, self.const(0.1), self.const(False, np.bool_), n=2)[0]

    def size(self, x, axis):
        """One size of x, computed at run time, as an element of a shape."""
        whole = self.op("Shape", x)
        if axis < 0:
            return self.slice(whole, axis, 2**63 - 1, 0)
        return self.unsqueeze(self.op("Gather", whole, self.const(axis, I64), axis=0), 0)

    def add(self, a, b):
        return self.op("Add", a, b)

    def repeat(self, x, like, rank):
        """AdapterHub: repeated along the batch as often as `like` has more sentences, which is once."""
        if not self.o.repeated:
            return x
        ones = self.op("ConstantOfShape", self.ints(rank),
                       value=helper.make_tensor("v", TensorProto.INT64, [1], [1]))
        times = self.ints(1)
        if self.o.dynamic:
            sizes = [self.op("Gather", self.op("Shape", y), self.const(0, I64), axis=0)
                     for y in (like, x)]
            times = self.op("Div", *sizes)
            for _ in range(2):
                times = self.cast(times, TensorProto.INT64)
            times = self.unsqueeze(times, 0)
        repeats = self.op("Concat", times, *[self.ints(1)] * (rank - 1), axis=0)
        return self.op("Tile", self.op("Expand", x, ones), repeats)

    # -- parameters --------------------------------------------------------

    def parameter(self, name):
        return self.initializer(self.w[name], name)

    def weight(self, name, array, form):
        """The [in, out] operand of a MatMul for the state dictionary's [out, in]."""
        if form == "transpose":
            return self.op("Transpose", self.initializer(array, name), perm=[1, 0])
        if form == "cast":
            stored = self.op("Cast", self.initializer(array, name), to=TensorProto.FLOAT)
            return self.op("Transpose", self.op("Identity", stored), perm=[1, 0])
        if form == "twice":
            once = self.op("Transpose", self.initializer(array.T), perm=[1, 0])
            return self.op("Transpose", once, perm=[1, 0])
        if name in self.seen and self.o.reuse != "copies":
            return self.seen[name] if self.o.reuse == "once" else self.op("Identity", self.seen[name])
        self.seen[name] = self.initializer(array.T)
        return self.seen[name]

    def linear(self, x, name, form=None, weight=None, bias=None):
        form = form or self.o.linear
        weight = self.w[f"{name}.weight"] if weight is None else weight
        out, width = weight.shape
        bias = self.initializer(self.w[f"{name}.bias"] if bias is None else bias, f"{name}.bias")
        if form == "gemm" or form == "gemm_plain":
            flat = self.op("Reshape", x, self.ints(-1, width))
            y = (self.op("Gemm", flat, self.initializer(weight, f"{name}.weight"), bias, transB=1)
                 if form == "gemm" else self.op("Gemm", flat, self.weight(name, weight, ""), bias))
            return y if self.o.tokens == "flat" else \
                self.op("Reshape", y, self.ints(self.B, self.S, out))
        if form == "einsum":
            y = self.op("Einsum", x, self.weight(name, weight, ""), equation="bsi,io->bso")
        elif form == "einsum_ellipsis":
            y = self.op("Einsum", x, self.weight(name, weight, ""), equation="...i, io -> ...o")
        elif form == "einsum_rows":
            y = self.op("Einsum", x, self.weight(name, weight, ""), equation="...ij,jk->...ik")
        elif form == "einsum_out_in":
            y = self.op("Einsum", x, self.initializer(weight, f"{name}.weight"),
                        equation="bsi,oi->bso")
        else:
            y = self.op("MatMul", x, self.weight(name, weight, form))
        return self.add(bias, y) if self.o.bias == "left" else self.add(y, bias)

    def layer_norm(self, x, name):
        gamma, beta, epsilon = self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias"), 1e-12
        if self.o.norm == "native":
            return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=epsilon)
        centred = self.op("Sub", x, self.reduce("ReduceMean", x, -1))
        variance = self.reduce("ReduceMean", self.op("Pow", centred, self.const(2.0)), -1)
        deviation = self.op("Sqrt", self.add(variance, self.const(epsilon)))
        return self.add(self.op("Mul", self.op("Div", centred, deviation), gamma), beta)

    def gelu(self, x):
        half = self.op("Mul", x, self.const(0.5))
        small = self.op("Mul", self.op("Pow", x, self.const(3.0)), self.const(0.044715))
        inner = self.op("Mul", self.add(x, small), self.const(math.sqrt(2 / math.pi)))
        return self.op("Mul", half, self.add(self.op("Tanh", inner), self.const(1.0)))

    # -- inputs ------------------------------------------------------------

    def input(self, name, kind, shape=None, dims=None):
        shape = shape or [self.B, self.S]
        if self.o.dynamic:
            shape = dims or ["batch", "sequence"]
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    # -- embeddings --------------------------------------------------------

    def embeddings(self):
        o, c, prefix = self.o, self.config, f"{self.o.arch}.embeddings"
        if o.arch == "bert":
            make = np.random.default_rng(5)
            for table, rows in (("word", c.vocab), ("position", c.positions), ("token_type", 2)):
                self.w[f"{prefix}.{table}_embeddings.weight"] = \
                    make.normal(0, 0.05, (rows, c.hidden)).astype(F32)
            for kind in ("weight", "bias"):
                self.w[f"{prefix}.LayerNorm.{kind}"] = make.normal(kind == "weight", 0.1,
                                                                   c.hidden).astype(F32)
        ids = self.input("input_ids", getattr(TensorProto, o.ids.upper()))
        self.ids = ids
        mask = self.mask()

        def gather(table, index):
            return self.op("Gather", self.parameter(f"{prefix}.{table}_embeddings.weight"), index)

        if o.tokens == "flat" and o.pos == "none":
            ids = self.op("Reshape", ids, self.ints(-1))
        if o.ids == "int32" and o.opset < 13:
            ids = self.cast(ids, TensorProto.INT64)
        word = gather("word", ids)
        position = None if o.pos == "none" else self.positions(gather)
        types = None if o.types == "none" else self.token_types(gather)
        parts = {"types_first": [word, types, position], "positions_first": [word, position, types],
                 "word_last": [position, types, word]}[o.embed_order]
        parts = [p for p in parts if p]
        x = parts[0]
        for part in parts[1:]:
            x = self.add(x, part)
        x = self.dropped(self.layer_norm(x, f"{prefix}.LayerNorm"))
        if o.tokens == "flat":
            x = self.op("Reshape", x, self.ints(-1, c.embedding if o.arch == "albert" else c.hidden))
        if o.arch == "albert":
            x = self.linear(x, "albert.encoder.embedding_hidden_mapping_in")
        return x, mask

    def positions(self, gather):
        o, c = self.o, self.config
        table = f"{o.arch}.embeddings.position_embeddings.weight"
        row = np.arange(c.positions, dtype=I64)[None]
        if o.pos == "input":
            return gather("position", self.input("position_ids", TensorProto.INT64, [1, self.S],
                                                 [1, "sequence"]))
        if o.pos == "input_expanded":
            ids = self.input("position_ids", TensorProto.INT64, [1, self.S], [1, "sequence"])
            return gather("position", self.op("Expand", ids, self.ints(self.B, self.S)))
        if o.pos == "slice":  # of the buffer, up to the sequence length
            end = self.op("Add", self.const([0], I64), self.size("input_ids", 1))
            return gather("position", self.op("Slice", self.initializer(row, f"{o.arch}.position_ids"),
                                              self.ints(0), end, self.ints(1), self.ints(1)))
        if o.pos == "range":
            length = self.op("Gather", self.op("Shape", "input_ids"), self.const(1, I64), axis=0)
            ids = self.op("Range", self.const(0, I64), length, self.const(1, I64))
            return gather("position", self.op("Expand", self.unsqueeze(ids, 0),
                                              self.op("Shape", "input_ids")))
        if o.pos == "where":  # HuggingFace 2.x
            shape = self.op("Concat", self.size("input_ids", 0), self.size("input_ids", 1), axis=0)
            ones = self.op("ConstantOfShape", self.ints(2),
                           value=helper.make_tensor("v", TensorProto.INT64, [1], [1]))
            less = self.op("Equal", self.ints(-1, -1), self.op("Mul", ones, self.ints(-1, -1)))
            return gather("position", self.op("Expand", self.ints(*range(self.S)),
                                              self.op("Where", less, shape, shape)))
        if o.pos == "vector":
            return gather("position", self.ints(*range(self.S)))
        if o.pos == "rows":  # the table's rows themselves
            return self.op("Slice", self.parameter(table), self.ints(0), self.ints(self.S),
                           self.ints(0))
        if o.pos == "rows_folded":
            return self.initializer(self.w[table][:self.S])
        return gather("position", self.initializer(row[:, :self.S]))

    def token_types(self, gather):
        o = self.o
        if o.types == "input":
            return gather("token_type", self.input("token_type_ids", TensorProto.INT64))
        if o.types.startswith("one_hot"):  # TensorFlow: rows of a unit matrix times the table
            ids, table = self.input("token_type_ids", TensorProto.INT64), self.parameter(
                f"{o.arch}.embeddings.token_type_embeddings.weight")
            if o.types == "one_hot_equal":
                hot = self.op("Equal", self.unsqueeze(ids, 2), self.ints(0, 1))
                return self.op("MatMul", self.cast(hot, TensorProto.FLOAT), table)
            depth, axis = self.const(2, I64), 1 if o.types == "one_hot_axis" else -1
            if o.types == "one_hot_cast":
                hot = self.cast(self.op("OneHot", ids, depth, self.ints(0, 1)), TensorProto.FLOAT)
                return self.op("MatMul", hot, table)
            flat = o.types == "one_hot_flat"
            values = self.const([0.0, 2.0 if o.types == "one_hot_two" else 1.0])
            if flat:
                ids = self.op("Reshape", ids, self.ints(-1))
            y = self.op("OneHot", ids, depth, values, axis=axis)
            if axis == 1:
                y = self.op("Transpose", y, perm=[0, 2, 1])
            y = self.op("MatMul", y, table)
            return self.op("Reshape", y, self.ints(self.B, self.S, -1)) if flat else y
        if o.types == "zeros":
            shape = self.op("Concat", self.size("input_ids", 0), self.size("input_ids", 1), axis=0)
            return gather("token_type", self.op("ConstantOfShape", shape, value=helper.make_tensor(
                "v", TensorProto.INT64, [1], [0])))
        if o.types == "buffer":
            buffer = self.initializer(np.zeros((1, self.config.positions), I64), "token_type_ids")
            part = self.op("Slice", buffer, self.ints(0), self.size("input_ids", 1), self.ints(1))
            shape = self.op("Concat", self.size("input_ids", 0), self.size("input_ids", 1), axis=0)
            return gather("token_type", self.op("Expand", part, shape))
        return gather("token_type", self.const(np.zeros((1, self.S)), I64))

    # -- layers ------------------------------------------------------------

    def layer(self, x, mask, index):
        o, c = self.o, self.config
        layer = weights.LAYER
        if o.arch == "bert":
            layer = f"bert.encoder.layer.{index}"
            own = weights.backbone(Config(**{**SIZES, **o.sizes, "seed": 20 + index}))
            own.update(weights.task(Config(**{**SIZES, **o.sizes, "seed": 20 + index}), "t", 2))
            self.w.update({k.replace(weights.LAYER, layer): v for k, v in own.items()
                           if k.startswith(weights.LAYER)})

        def adapted(place, y):
            if o.arch == "bert" or place not in c.adapter_places():
                return y
            name = weights.adapter_name(place, index, o.task)
            down = self.linear(y, f"{name}.adapter_down.0")
            up = self.linear(self.op("Relu", down), f"{name}.adapter_up")
            return self.add(up, self.repeat(y, up, 3))

        y = adapted("attention", self.dropped(self.attend(x, mask, layer)))
        x = self.repeat(x, y, 3)
        x = self.layer_norm(self.add(y, x), f"{layer}.attention.LayerNorm")
        y = self.linear(x, f"{layer}.ffn")
        first = len(self.nodes)
        y = self.gelu(y)
        self.gelus.append((first, len(self.nodes)))
        y = self.linear(y, f"{layer}.ffn_output")
        y = adapted("ffn", self.dropped(y))
        return self.layer_norm(self.add(y, x), f"{layer}.full_layer_layer_norm")

    # -- heads -------------------------------------------------------------

    def output(self, name, x, shape, dims=None, kind=TensorProto.FLOAT):
        self.nodes[-1].output[list(self.nodes[-1].output).index(x)] = name
        shape = shape if not self.o.dynamic else (dims or [None] * len(shape))
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def dense(self, x, name, out=None):
        """A linear on one token's features."""
        bias = self.initializer(self.w[f"{name}.bias"], f"{name}.bias")
        return self.op("Gemm", x, self.initializer(self.w[f"{name}.weight"], f"{name}.weight"), bias,
                       transB=1)

    def first(self, x, how="gather"):
        if how == "slice":
            return self.squeeze(self.slice(x, 0, 1, 1), 1)
        if how == "reshape":  # of sentences of one token
            return self.op("Reshape", x, self.ints(self.B, -1))
        if how == "squeeze":
            return self.squeeze(x, 1)
        if how == "vector":
            return self.squeeze(self.op("Gather", x, self.ints(0), axis=1), 1)
        if how == "slices":  # x[:, 0] of an older exporter
            x = self.slice(x, 0, 2**63 - 1, 0)
            return self.op("Gather", x, self.const(0, I64), axis=1)
        return self.op("Gather", x, self.const(0, I64), axis=1)

    def head(self, x, hidden):
        o, c, B, S = self.o, self.config, self.B, self.S
        if o.tokens == "flat":
            x = self.op("Reshape", x, self.ints(B, S, c.hidden))
            o.tokens = "3d"
        if o.head == "encoder":
            return self.output("last_hidden_state", x, [B, S, c.hidden])
        if o.head in ("tokens", "tokens_probability"):
            y = self.linear(self.dropped(x), "classifier")
            if o.head == "tokens_probability":
                y = self.op("Softmax", y, axis=2)
            return self.output("logits", y, [B, S, o.labels])
        if o.head.startswith("span"):
            y = self.linear(x, "classifier")
            if o.head in ("span_split", "span_log"):
                a, b = self.split(y, 2, -1, [1, 1])
            elif o.head == "span_slice":
                a, b = self.slice(y, 0, 1, 2), self.slice(y, 1, 2, -1)
            elif o.head == "span_transpose":  # unstacked, as TensorFlow does
                y = self.op("Transpose", y, perm=[2, 0, 1])
                a, b = self.split(y, 2, 0, [1, 1])
            if o.head == "span_gather":
                a = self.op("Gather", y, self.const(0, I64), axis=2)
                self.output("start_logits", a, [B, S])
                b = self.op("Gather", y, self.const(-1, I64), axis=-1)
            else:
                axis = 0 if o.head == "span_transpose" else -1
                a = self.squeeze(a, axis)
                self.output("start_logits", self.nodes[-1].output[0], [B, S])
                b = self.squeeze(b, axis)
            if o.head == "span_log":
                b = self.op("LogSoftmax", b, axis=-1)
            return self.output("end_logits", b, [B, S])
        whole = x
        if o.head == "mean":
            x = self.reduce("ReduceMean", x, 1, keepdims=0)
        else:
            x = self.first(x, o.head[4:] if o.head.startswith("cls_") else "gather")
        if o.head == "no_pooler":
            return self.output("logits", self.dense(x, "classifier"), [B, o.labels])
        pooled = self.op("Tanh", self.dense(x, "albert.pooler"))
        if o.head == "base_model":
            self.output("pooler_output", pooled, [B, c.hidden])
            return self.output_of(whole, "last_hidden_state", [B, S, c.hidden])
        if o.head == "pooled":
            self.output("pooler_output", pooled, [B, c.hidden])
            return None
        y = self.dense(self.dropped(pooled), "classifier")
        if o.head == "sigmoid":
            return self.output("probabilities", self.op("Sigmoid", y), [B, o.labels])
        if o.head == "probability":
            return self.output("probabilities", self.op("Softmax", y, axis=1), [B, o.labels])
        if o.head == "log_probability":
            return self.output("log_probabilities", self.op("LogSoftmax", y, axis=1), [B, o.labels])
        if o.head == "argmax":
            self.op("ArgMax", y, axis=-1, keepdims=0)
            return self.output("label", self.nodes[-1].output[0], [B], kind=TensorProto.INT64)
        if o.head == "squeezed":
            return self.output("score", self.squeeze(y, -1), [B])
        if o.head == "mlp":
            y = self.op("Relu", y)
            self.w["out.weight"] = np.linspace(-1, 1, 2 * o.labels, dtype=F32).reshape(2, o.labels)
            self.w["out.bias"] = np.array([0.1, -0.2], F32)
            return self.output("logits", self.dense(y, "out"), [B, 2])
        self.output("logits", y, [B, o.labels])
        if o.head == "logits_argmax":
            self.op("ArgMax", "logits", axis=1)
            self.output("label", self.nodes[-1].output[0], [B, 1], kind=TensorProto.INT64)
        if o.head == "hidden_states":
            for i, value in enumerate(hidden):
                self.output_of(value, f"hidden_{i}", [B, S, c.hidden])
        if o.head == "attentions":
            for i, value in enumerate(self.attentions):
                self.output_of(value, f"attention_{i}", [B, c.heads, S, S])
        return None

    def output_of(self, value, name, shape):
        """An output that is used inside, too: through an Identity."""
        self.op("Identity", value, output=name)
        self.outputs.append(helper.make_tensor_value_info(
            name, TensorProto.FLOAT, shape if not self.o.dynamic else [None] * len(shape)))

    # -- the model ---------------------------------------------------------

    def build(self):
        o = self.o
        x, mask = self.embeddings()
        hidden = [x]
        for index in range(self.config.layers):
            first = len(self.nodes)
            x = self.layer(x, mask, index)
            self.layers.append((first, len(self.nodes)))
            hidden.append(x)
        self.head(x, hidden)
        if o.dead:
            self.op("Softmax", self.op("Shape", "input_ids") and hidden[0], axis=-1)
            self.initializer(np.ones(3, F32), "unused")
        if o.commute is not None:
            generator = np.random.default_rng(o.commute)
            for node in self.nodes:
                if node.op_type in ("Add", "Mul", "Equal") and generator.random() < 0.5:
                    node.input[:] = list(node.input)[::-1]
        if o.shuffle is not None:
            self.nodes = shuffled(self.nodes, np.random.default_rng(o.shuffle))
        inputs = list(self.inputs)
        if o.init_inputs:
            inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims))
                       for t in self.initializers.values()]
        proto = helper.make_graph(self.nodes, "g", inputs, self.outputs,
                                  list(self.initializers.values()))
        if o.value_info:
            name = next(n.output[0] for n in self.nodes if n.op_type in ("MatMul", "Gemm"))
            proto.value_info.append(helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [None, None, None] if o.tokens == "3d" else None))
        model = helper.make_model(proto, producer_name="test",
                                  opset_imports=[helper.make_opsetid("", o.opset)])
        model.ir_version = 6 if o.opset < 12 else 7 if o.opset < 15 else 8
        if o.modules:
            self.meaning = model
            return keep_modules(model, self.layers, self.gelus)
        return model

    def example(self, seed=0):
        """Inputs: a sentence of full length but for `seed` tokens of padding at its end."""
        generator, c = np.random.default_rng(100 + seed), self.config
        arrays = {}
        for info in self.inputs:
            shape = [self.B, self.S]
            length = [max(1, self.S - 2 * seed - b) for b in range(self.B)]
            attended = np.array([[s < n for s in range(self.S)] for n in length])
            if info.name == "input_ids":
                array = generator.integers(1, c.vocab, shape)
            elif info.name == "token_type_ids":
                array = np.array([[s > self.S // 2 for s in range(self.S)]] * self.B)
            elif info.name == "position_ids":
                array = np.arange(self.S)[None][:, ::-1]
            else:
                padding = self.o.mask in ("times_padding", "where_padding")
                array = attended != padding
                if self.o.mask in ("input4", "added"):
                    array = np.where(attended, 0, LOWEST if self.o.mask == "input4" else -1.5)
                if self.o.mask == "input4":
                    array = array[:, None, None]
                if self.o.mask == "per_query":
                    array = np.tril(np.ones((self.S, self.S), bool))[None] & attended[:, None]
            arrays[info.name] = np.ascontiguousarray(array).astype(
                helper.mapping.TENSOR_TYPE_TO_NP_TYPE[info.type.tensor_type.elem_type])
        return arrays

    def bindings(self):
        """--bind for a dynamic model, by input or by symbol."""
        if self.o.dynamic == "inputs":
            return ",".join(f"{i.name}={1 if i.name == 'position_ids' else self.B}x{self.S}"
                            for i in self.inputs)
        return f"batch={self.B},sequence={self.S}" if self.o.dynamic else None


def shuffled(nodes, generator):
    """Another topological order of the same nodes."""
    made = {name for node in nodes for name in node.output}
    waiting, known, order = list(nodes), set(), []
    while waiting:
        ready = [i for i, node in enumerate(waiting)
                 if all(name in known or name not in made for name in node.input)]
        node = waiting.pop(ready[generator.integers(len(ready))])
        known.update(node.output)
        order.append(node)
    return order
