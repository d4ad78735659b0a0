"""The report's encoding section, against what the stream holds: every figure is computed anew from the images.

usage: encoding.py FOLDER
"""

import json
import math
import sys

import numpy as np

from aac import models
from aac.config import Config
from support import ODD, SMALL, Suite, expect, read_stream, run

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
    check_skipped(suite, out, tensors)
    check_skipped_odd(folder)
    check_spread(suite)
    check_all_pruned(suite)
    text = (out / "report.txt").read_text()
    expect("Encoding (bytes" in text and "cells of rram" in text, "the text report says nothing")


def check_skipped(suite, out, tensors):
    """The simulator comes across as many vectors, and as many of zeros, as the report says there are."""
    for task in suite.tasks:
        statistics = out / f"{task}.json"
        text, _ = run("aac-sim", "run", out / "suite.aacs", f"--task={task}", f"--report={statistics}", "-o",
                      out / "y.npz", f"--input={models.sentence_path(suite.folder / 'models', task, 0)}")
        simulation = json.loads(statistics.read_text())["simulation"]
        read = null = 0
        for tensor in tensors:
            # A sentence is one block of tokens: each repetition of a layer reads each of its weights once.
            shared = tensor["class"] == "shared" and tensor["role"] in ("attention", "ffn")
            if task in tensor["tasks"]:
                read += tensor["engine_vectors"] * (suite.config.layers if shared else 1)
                null += tensor["engine_null_vectors"] * (suite.config.layers if shared else 1)
        found = simulation["parameter_vectors"], simulation["null_parameter_vectors"]
        expect(found == (read, null) and null > 0, f"{task}: {found} vectors, the report makes {read, null}")
        gated, products = simulation["gated_products"], simulation["macs"] // LANES
        expect(f"null vectors: {null} of {read} of parameters; they and those of activations gate {gated} of "
               f"{products} products" in text, text)
        for location in simulation["locations"]:
            # Each meets 16 tokens; rows of zeros among those gate further products.
            expect(location["null_parameter_vectors"] * LANES <= location["gated_products"] <=
                   location["macs"] // LANES, f"{location}")
        for field in ("parameter_vectors", "null_parameter_vectors", "gated_products"):
            expect(simulation[field] == sum(l[field] for l in simulation["locations"]), field)
        print(f"{task}: {null} of {read} vectors of weights are zeros, as the report says; "
              f"{gated} of {products} products gated")
    weights = [t for t in tensors if t["kind"] == "weights"]
    expect(all(t["engine_vectors"] >= t["vectors"] and t["engine_null_vectors"] >= t["null_vectors"]
               for t in weights), "padding takes vectors away")
    expect(not any(t["engine_vectors"] for t in tensors if t["kind"] != "weights"), "not the engine's")
    total = [sum(t[field] for t in weights) for field in ("engine_vectors", "engine_null_vectors")]
    expect(f"the engine reads weights as {total[0]} vectors, biases and padding among them; {total[1]} are zeros" in
           (out / "report.txt").read_text(), "the text report does not tell")


def check_skipped_odd(folder):
    """Sizes that need padding in every dimension: lanes, rows and heads, in both forms."""
    for form, sizes, sparsity in (("bit-mask", ODD, 0.3), ("dense", {**ODD, "hidden": 160, "heads": 4, "ffn": 320}, 0.02)):
        suite = Suite(f"{folder}/{form}", Config(**sizes), {"sst2": 2, "mnli": 3}, sentences=1)
        out = suite.compile("out", f"--sparsity=ffn:vector:{sparsity}")
        tensors = json.loads((out / "report.json").read_text())["encoding"]["tensors"]
        for tensor in (t for t in tensors if t["kind"] == "weights" and t["role"] == "ffn"):
            expect(tensor["form"] == form and tensor["engine_null_vectors"] > 0, f"{tensor}")
        check_skipped(suite, out, tensors)


class Tiles:
    """The tiles of a bit-masked weight with the masks that a memory gives back."""

    def __init__(self, data, tensor):
        self.data, self.words = data, tensor["mask_bytes"] // 2
        masks = self.masks = np.frombuffer(data, "<u2", self.words)
        columns = -(-tensor["columns"] // LANES) + (tensor["vectors"] * LANES < 8 * tensor["mask_bytes"])
        self.tile, self.offsets, at = tensor["tile_rows"] * columns, [], 2 * self.words
        for first in range(0, self.words, self.tile):
            self.offsets.append(at)
            bits = np.unpackbits(masks[first:first + self.tile].view(np.uint8), bitorder="little")
            at += LANES * int(bits.reshape(-1, LANES).sum(0).max())
        expect(at == tensor["stored_bytes"], f"{tensor['name']} ends at {at} of {tensor['stored_bytes']}")

    def decode(self, masks):
        """Codes as the engine reads them: [vectors, 16]."""
        codes = np.zeros((self.words, LANES), np.uint8)
        for first, offset in zip(range(0, self.words, self.tile), self.offsets):
            next_row = [0] * LANES
            for vector in range(first, min(first + self.tile, self.words)):
                for lane in range(LANES):
                    if masks[vector] >> lane & 1:
                        at = offset + LANES * next_row[lane] + lane
                        codes[vector, lane] = self.data[at] if at < len(self.data) else 0
                        next_row[lane] += 1
        return codes


def check_spread(suite):
    """A wrong mask bit damages its lane to the end of its tile, and nothing else; what tiles cost is told."""
    padding, stored = {}, {}
    for rows in (16, 64):
        out = suite.compile(f"resync{rows}", "--sparsity=encoder:0.5", f"--resync={rows}")
        tensors = json.loads((out / "report.json").read_text())["encoding"]["tensors"]
        masked = [t for t in tensors if t["kind"] == "weights" and t["form"] == "bit-mask"
                  and t["class"] == "shared"]
        padding[rows] = sum(t["padding_bytes"] for t in masked)
        stored[rows] = sum(t["stored_bytes"] for t in masked)
        tensor = next(t for t in masked if "query.weight" in t["name"])
        tensor["columns"] = suite.config.hidden
        expect(tensor["tile_rows"] == rows, f"tiles of {tensor['tile_rows']} rows")
        images = [s.data for s in read_stream(out / "suite.aacs")[0] if s.kind == "image"
                  and len(s.data) == tensor["stored_bytes"]]
        tiles = Tiles(images[0], tensor)
        right = tiles.decode(tiles.masks)
        for vector, lane in ((0, 3), (tiles.tile + 5 if rows == 16 else 70, 9)):
            masks = tiles.masks.copy()
            masks[vector] ^= 1 << lane
            wrong = np.argwhere(tiles.decode(masks) != right)
            end = (vector // tiles.tile + 1) * tiles.tile
            expect(len(wrong) and set(wrong[:, 1]) == {lane} and vector <= wrong[:, 0].min() and
                   wrong[:, 0].max() < end, f"bit {lane} of vector {vector}: damage {wrong}")
            print(f"tiles of {rows}: a wrong bit in vector {vector} of {tiles.words} changes {len(wrong)} codes")
        expect(f"are padding of lanes: masks and data start anew every {rows} output" in
               (out / "report.txt").read_text(), "the text report does not tell what tiles cost")
    expect(stored[16] - stored[64] == padding[16] - padding[64] > 0, f"{stored}, padding {padding}")


def check_all_pruned(suite):
    """Weights of which nothing is left."""
    out = suite.compile("nothing", "--sparsity=encoder:1.0")
    tensors = json.loads((out / "report.json").read_text())["encoding"]["tensors"]
    none = [t for t in tensors if t["role"] in ("attention", "ffn") and t["kind"] == "weights"]
    expect(none and all(t["zeros"] == t["weights"] and t["entropy_bits_per_weight"] == 0 and
                        t["null_vectors"] == t["vectors"] and t["ratio"] == 0 for t in none), f"{none}")
    run("aac-sim", "check", out / "suite.aacs")


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
