"""The report's encoding section, against what the stream holds: every figure is computed anew from the images.

usage: encoding.py FOLDER
"""

import json
import math
import sys

import numpy as np

from aac.config import Config
from support import SMALL, Suite, expect, read_stream

LANES = 16


def main(folder):
    config = Config(**{**SMALL, "layers": 3})
    suite = Suite(folder, config, {"sst2": 2, "mnli": 3}, sentences=1)
    out = suite.compile("out", "--sparsity=embedding:0.6,attention:vector:0.5,ffn:2:4")
    report = json.loads((out / "report.json").read_text())["encoding"]
    tensors = report["tensors"]
    sections, _ = read_stream(out / "suite.aacs")
    images = [section.data for section in sections if section.kind == "image"]
    for tensor in tensors:
        expect(tensor["mask_bytes"] + tensor["data_bytes"] == tensor["stored_bytes"], tensor["name"])
        expect(tensor["stored_bytes"] <= tensor["dense_bytes"] + 4 * LANES or
               tensor["form"] == "bit-mask", f"{tensor['name']} is dense, but larger")
        expect(any(len(data) == tensor["stored_bytes"] for data in images),
               f"no image has the {tensor['stored_bytes']} bytes of {tensor['name']}")
        bits = 8 * tensor["stored_bytes"] / tensor["weights"]
        expect(math.isclose(tensor["stored_bits_per_weight"], bits), f"bits of {tensor['name']}")
        expect(0 <= tensor["entropy_bits_per_weight"] <= 8, tensor["name"])

    word = next(t for t in tensors if "word_embeddings" in t["name"])
    check_table(word, [d for d in images if len(d) == word["stored_bytes"]],
                config.vocab, config.embedding)
    by_role = {}
    for tensor in tensors:
        if tensor["kind"] == "weights":
            by_role.setdefault(tensor["role"], []).append(tensor)
    for tensor in by_role["attention"]:
        expect(tensor["null_vectors"] * 2 >= tensor["vectors"], f"{tensor['name']}: null vectors")
        check_weights(tensor, [d for d in images if len(d) == tensor["stored_bytes"]])
    for tensor in by_role["ffn"]:
        expect(tensor["zeros"] * 2 >= tensor["weights"], f"{tensor['name']}: zeros")
        expect(tensor["null_vectors"] == 0, f"{tensor['name']}: 2 of each 4 stay")
    expect(sum(t["class"] == "shared" for t in tensors) >= 10, "shared tensors")

    rram = next(cells for cells in report["cells"] if cells["tier"] == "rram")
    inside = [t for t in tensors if t["tier"] == "rram"]
    expect(rram["bits_per_cell"] == 2 and
           rram["data_cells"] == 4 * sum(t["data_bytes"] for t in inside) and
           rram["mask_cells"] == 8 * sum(t["mask_bytes"] for t in inside), f"cells {rram}")
    expect(math.isclose(rram["wrong_cells"], rram["data_cells"] * rram["cell_error_rate"]), "faults")
    expect(rram["sqnr_db"] >= rram["natural_sqnr_db"] > 50, f"noise {rram}")
    expect(sorted(rram["order"].replace("|", "").split()) ==
           ["e0", "e1", "e2", "m0", "m1", "m2", "m3", "s"], rram["order"])
    text = (out / "report.txt").read_text()
    expect("Encoding (bytes" in text and "cells of rram" in text, "the text report says nothing")


def entropy(codes):
    counts = np.bincount(codes, minlength=256)
    p = counts[counts > 0] / len(codes)
    return float(-(p * np.log2(p)).sum())


def check_table(tensor, candidates, rows, columns):
    """Decodes the rows of the table and counts."""
    words = -(-columns // LANES)
    for data in candidates:
        offsets = np.frombuffer(data, "<u4", rows + 1)
        start = -(-4 * (rows + 1) // LANES) * LANES
        codes = np.zeros((rows, columns), np.uint8)
        for row in range(rows):
            at = start + offsets[row]
            mask = np.unpackbits(np.frombuffer(data, np.uint8, 2 * words, at), bitorder="little")
            ones = np.flatnonzero(mask[:columns])
            codes[row, ones] = np.frombuffer(data, np.uint8, len(ones), at + 2 * words)
    expect(tensor["zeros"] == int((codes == 0).sum()), f"zeros of the table: {tensor}")
    expect(math.isclose(tensor["entropy_bits_per_weight"], entropy(codes.ravel()), rel_tol=1e-9),
           f"entropy of the table: {tensor}")
    groups = codes.reshape(rows, words, LANES)
    expect(tensor["null_vectors"] == int((groups == 0).all(-1).sum()) and
           tensor["vectors"] == rows * words, f"vectors of the table: {tensor}")
    expect(tensor["mask_bytes"] == start + 2 * words * rows, f"masks of the table: {tensor}")


def check_weights(tensor, candidates):
    """Null mask words of the weight are its null vectors, but for a bias's lanes."""
    expect(tensor["form"] == "bit-mask", f"{tensor['name']} is dense")
    counts = []
    for data in candidates:
        masks = np.frombuffer(data, "<u2", tensor["mask_bytes"] // 2)
        counts.append((len(masks) - tensor["vectors"], int((masks == 0).sum())))
    expect(any(0 <= null - tensor["null_vectors"] <= extra for extra, null in counts),
           f"{tensor['name']}: masks say {counts}, the report {tensor['null_vectors']}")
    expect(tensor["dense_bytes"] == 8 * tensor["mask_bytes"], tensor["name"])


if __name__ == "__main__":
    main(*sys.argv[1:])
