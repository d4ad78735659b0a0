"""Seeded weights, by their names in PyTorch's state dictionary and in its layout ([out, in]).

Random weights make bad test models: with small ones attention is uniform, all tokens become one and the
input hardly matters; with large ones rounding noise doubles in each layer. The scales below keep what
trained encoders show (figures for the demo, last layer included):
  - embedding rows have a standard deviation of 0.05, and the layer norm after them brings them to 1;
  - scores of standard deviation 2: a token attends to a quarter of the others, mostly to a few;
  - attention takes part of what tokens have in common away from them (its output leans towards minus
    the transposed value weights), so that they stay apart through twelve uses of one layer;
  - attention and FFN add 0.2 to 0.3 of the residual's size to it, an adapter about a third of that: each
    tensor moves the logits, none drowns the others;
  - biases and betas scatter by 0.05 around 0, gammas by 0.1 around 1 in steps of 1/16: a gain's rounding
    error returns in all 24 uses, which trained weights bear and random ones do not;
  - logits are of size 1 and vary between sentences by a third of that; a regression is around 2.5.
Every tensor has its own generator, seeded by the suite's seed and its name: a size that is changed,
or a task that is added, changes no other tensor.
"""

import zlib

import numpy as np

LAYER = "albert.encoder.albert_layer_groups.0.albert_layers.0"
SCORE_DEVIATION = 2.0  # of attention scores, after the division by sqrt(head size)
COMMON_TAKEN = 0.2  # share of the value weights that the attention output takes back
MEAN_OF_ACTIVATION = 0.28  # of gelu over a standard normal; the FFN's bias takes it out
REGRESSION_MEAN = 2.5  # the middle of the scores 0 to 5 of the semantic similarity task


class _Maker:
    def __init__(self, seed):
        self.seed = seed

    def normal(self, key, shape, deviation, mean=0.0):
        generator = np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(key.encode())]))
        values = generator.standard_normal(shape, dtype=np.float32)
        values *= np.float32(deviation)
        if mean:
            values += np.float32(mean)
        return values

    def linear(self, weights, name, out_size, in_size, gain, key=""):
        """Adds a linear layer that turns unit variance into variance gain^2."""
        weights[f"{name}.weight"] = self.normal(f"{key}{name}.weight", (out_size, in_size),
                                                gain / in_size**0.5)
        weights[f"{name}.bias"] = self.normal(f"{key}{name}.bias", (out_size,), 0.05)

    def layer_norm(self, weights, name, size, key=""):
        gamma = self.normal(f"{key}{name}.weight", (size,), 0.1, mean=1.0)
        weights[f"{name}.weight"] = np.rint(gamma * 16) / np.float32(16)
        weights[f"{name}.bias"] = self.normal(f"{key}{name}.bias", (size,), 0.05)


def backbone(config):
    """The frozen part: embeddings, attention and FFN. The same bytes for every task."""
    make, weights = _Maker(config.seed), {}
    for table, rows in (("word", config.vocab), ("position", config.positions),
                        ("token_type", config.types)):
        name = f"albert.embeddings.{table}_embeddings.weight"
        weights[name] = make.normal(name, (rows, config.embedding), 0.05)
    make.layer_norm(weights, "albert.embeddings.LayerNorm", config.embedding)
    make.linear(weights, "albert.encoder.embedding_hidden_mapping_in", config.hidden,
                config.embedding, 1.0)
    attention = f"{LAYER}.attention"
    for name, gain in (("query", SCORE_DEVIATION**0.5), ("key", SCORE_DEVIATION**0.5),
                       ("value", 1.0), ("dense", 0.3)):
        make.linear(weights, f"{attention}.{name}", config.hidden, config.hidden, gain)
    dense, value = weights[f"{attention}.dense.weight"], weights[f"{attention}.value.weight"]
    dense -= np.float32(COMMON_TAKEN) * value.T
    make.linear(weights, f"{LAYER}.ffn", config.ffn, config.hidden, 1.0)
    make.linear(weights, f"{LAYER}.ffn_output", config.hidden, config.ffn, 0.5)
    mean = MEAN_OF_ACTIVATION * weights[f"{LAYER}.ffn_output.weight"].sum(1, dtype=np.float64)
    weights[f"{LAYER}.ffn_output.bias"] -= mean.astype(np.float32)
    return weights


def task(config, name, labels):
    """What the task `name` adds: adapters, layer norms, pooler and classifier."""
    make, weights, key = _Maker(config.seed), {}, f"{name}/"
    for place in config.adapter_places():
        for layer in config.adapter_layers():
            prefix = adapter_name(place, layer, name)
            make.linear(weights, f"{prefix}.adapter_down.0", config.adapter, config.hidden, 2.0, key)
            make.linear(weights, f"{prefix}.adapter_up", config.hidden, config.adapter, 0.3, key)
    for layer in range(1 if config.shared_layer_norms else config.layers):
        for norm in ("attention.LayerNorm", "full_layer_layer_norm"):
            make.layer_norm(weights, layer_norm_name(config, norm, layer), config.hidden, key)
    make.linear(weights, "albert.pooler", config.hidden, config.hidden, 1.0, key)
    make.linear(weights, "classifier", labels, config.hidden, 2.0, key)
    if labels == 1:
        weights["classifier.bias"] += np.float32(REGRESSION_MEAN)
    return weights


def adapter_name(place, layer, task_name):
    folder = {"attention": "attention_adapters", "ffn": "output_adapters"}[place]
    return f"albert.encoder.{folder}.{layer}.{task_name}"


def layer_norm_name(config, norm, layer):
    if config.shared_layer_norms:
        return f"{LAYER}.{norm}"
    return f"albert.encoder.layer_norms.{layer}.{norm}"
