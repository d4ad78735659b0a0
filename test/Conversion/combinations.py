"""Habits of exporters at random, many at once: all that are known one by one go together.

usage: combinations.py FOLDER [COUNT [SEED]]
"""

import collections
import pathlib
import sys

import numpy as np

from exports import Failure, Form, histogram

CHOICES = dict(
    opset=[11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21], arch=["albert", "albert", "bert"],
    labels=[2, 3], batch=[1, 1, 2], adapters=["both", "attention", "ffn", "none"],
    head=["cls", "cls_slice", "cls_vector", "cls_slices", "span_split", "span_slice", "span_gather",
          "span_transpose", "tokens", "probability", "sigmoid", "mlp", "hidden_states", "base_model",
          "no_pooler"],
    constants=["node", "initializer"], init_inputs=[False, True], dynamic=[False, True, "inputs"],
    dead=[False, True], dropout=[False, True], names=["scoped", "numeric"],
    shuffle=[None, 1, 2, 3], commute=[None, 1, 2, 3], repeated=[False, True],
    linear=["matmul", "transpose", "cast", "twice", "gemm", "gemm_plain", "einsum", "einsum_out_in",
            "einsum_ellipsis", "einsum_rows"],
    reuse=["identity", "once", "copies"], bias=["left", "right"], norm=["nodes", "native"],
    tokens=["3d", "3d", "flat"], scale=["div", "mul", "q", "k", "both", "sdpa", "q_early", "computed",
           "after_mask", "div_after_mask"],
    alpha=[None, None, "value", "value_heads", "probabilities", "context_heads", "context"],
    modules=[False, False, True],
    split=["constant", "zeros", "minus", "computed"], key=["fused", "two_step", "stack"],
    merge=["computed", "constant", "zeros", "sizes", "einsum"],
    attention=["matmul", "matmul", "einsum", "einsum_tokens", "einsum_heads"],
    qkv=["separate", "separate", "split", "slice", "axis", "heads", "unbound", "neox", "neox_split", "bloom"],
    mask=["times", "times_both", "times_early", "reshape", "minus_one", "integers", "ones_times",
          "where_fill", "where_zero", "where_bool", "where_not", "where_greater", "where_less", "sdpa",
          "sdpa_bool", "fill", "fill_equal", "keep", "none", "ones"],
    mask_type=["int64", "int32"], ids=["int64", "int32"],
    pos=["constant", "slice", "range", "where", "vector", "rows", "input", "none"],
    types=["input", "constant", "zeros", "buffer", "none", "one_hot", "one_hot_flat", "one_hot_cast"],
    embed_order=["types_first", "positions_first", "word_last"])
SIZES = dict(hidden=[4, 6, 12], heads=[1, 2], seq=[1, 3, 7, 11], adapter=[1, 5], layers=[1, 3],
             embedding=[3, 8], ffn=[9, 20])


def fits(o):
    """Whether an exporter could write this at all."""
    heads_only = o["qkv"] in ("heads", "unbound", "neox", "neox_split", "bloom")
    flat_only = o["linear"] in ("gemm", "gemm_plain", "matmul", "transpose", "cast", "twice")
    return all([
        o["opset"] >= 12 or not (o["linear"].startswith("einsum") or o["merge"] == "einsum"
                                 or o["attention"] != "matmul"),
        o["opset"] >= 17 or o["norm"] == "nodes",
        o["tokens"] == "3d" or (flat_only and o["batch"] == 1 and o["attention"] != "einsum_heads"
                                and o["qkv"] == "separate" and o["merge"] != "zeros"
                                and not o["repeated"] and o["head"] != "hidden_states"),
        o["attention"] in ("matmul", "einsum") or (o["qkv"] == "separate" and not o["repeated"]
                                                   and o["scale"] == "div"),
        o["attention"] == "matmul" or (o["key"] == "fused" and not heads_only
                                       and o["scale"] in ("div", "mul", "computed", "q_early")),
        not heads_only or o["key"] == "fused",
        # Functions are made of nodes in a row, all gelus alike.
        not o["modules"] or (o["shuffle"] is None and o["commute"] is None),
        # Constants of one batch or length do not fit models that know neither.
        not o["dynamic"] or (o["pos"] != "rows" and o["types"] != "constant"),
        not o["head"].startswith("span") or o["labels"] == 2,
    ])


def pick(rng):
    while True:
        o = {name: values[rng.integers(len(values))] for name, values in CHOICES.items()}
        o["mask_value"] = -10000.0 if rng.random() < 0.3 else float(np.finfo(np.float32).min)
        o["sizes"] = {name: values[rng.integers(len(values))] for name, values in SIZES.items()}
        if o["scale"].endswith("after_mask"):  # what moves exactly
            o["mask_value"] = float(np.finfo(np.float32).min)
        if fits(o):
            return o


def main(folder, count="60", seed="1"):
    folder, rng, bad = pathlib.Path(folder), np.random.default_rng(int(seed)), 0
    for number in range(int(count)):
        options = pick(rng)
        try:
            form = Form(options, folder / "form", False)
            text = form.raised()
            error = form.compare(folder / "form" / "aac.mlir")
            layers, ops = options["sizes"]["layers"], histogram(text)
            expected = collections.Counter(scores=layers, softmax=layers + (
                options["head"] == "probability"), context=layers, layer_norm=1 + 2 * layers)
            if any(ops[op] != times for op, times in expected.items()):
                raise Failure(f"operations {dict(ops)}")
            print(f"ok {number}: {error:.0e}", flush=True)
        except Exception as problem:
            print(f"FAILED {number}: {type(problem).__name__} {problem}\n  {options}", flush=True)
            bad += 1
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
