"""Codes in cells of two and three bits: what each order of their bits costs when cells fail.

usage: cells.py FOLDER
"""

import json
import re
import sys

from aac import models
from aac.config import Config
from support import SMALL, Suite, expect, expect_error, run

# NVMExplorer packs sign, mantissa and exponent, each from its first bit down.
ORDERS = {"best": "best", "natural": "natural", "sign, mantissa, exponent": "s m3 m2 m1 m0 e2 e1 e0"}
RATE = 3.8e-3  # of a cell of three bits, by NVMExplorer's levels
TIER = """name: "cells{bits}"
base: "edgebert-rram"
tiers {{
  name: "rram"
  bits_per_cell: {bits}
  source: "as edgebert-rram"
  cell_error_rate {{ low: {rate} typical: {rate} high: {rate} unit: "1" source: "NVMExplorer, cells of three bits" }}
  {more}
}}
"""
FAULTS = re.compile(r"faults: (\d+) of (\d+) cells of rram are wrong \((\d) bits a cell, [^ ]+ a cell, order "
                    r"([^)]+)\); codes at ([-\d.]+) dB, expected ([-\d.]+) dB")


def main(folder):
    config = Config(**{**SMALL, "vocab": 3000, "hidden": 128, "ffn": 512})
    suite = Suite(folder, config, {"sst2": 2, "mnli": 3}, sentences=1)
    for bits in (1, 2, 3):
        levels = {}
        for name, order in ORDERS.items():
            # An order of the machine's own, and one for this run alone, are the same order.
            machine = suite.folder / f"cells{bits}.{len(levels)}.textproto"
            machine.write_text(TIER.format(bits=bits, rate=RATE, more=f'cell_order: "{order}"'))
            out = suite.compile(f"out{bits}.{len(levels)}", "--sparsity=embedding:0.6,encoder:0.5",
                                "--calibrate=none", machine=machine)
            levels[name] = check(suite, out, machine, bits, "seed:1")
            other = check(suite, out, machine, bits, "seed:1,order:" + ORDERS["natural"])
            if name == "natural":
                expect(other == levels[name], f"order of the machine {levels[name]}, of the run {other}")
            cells = json.loads((out / "report.json").read_text())["encoding"]["cells"][0]
            # The simulator counts padding and biases, too, which may make another order the best.
            expect(name == "best" or cells["order"] == levels[name][0],
                   f"report {cells}, simulator {levels[name]}")
            expect(abs(cells["sqnr_db"] - levels[name][2]) < 1, f"report {cells}, simulator {levels[name]}")
            print(f"{bits} bits, {name:<24} {levels[name][0]:<29} {levels[name][1]:5.1f} dB, "
                  f"expected {levels[name][2]:5.1f} dB")
        best, natural, published = (level[2] for level in levels.values())
        expect(best >= natural and best >= published, f"{bits} bits: {levels}")
        if bits == 3:
            expect(best > published + 10, f"the best order is no better: {levels}")
    check_errors(suite, machine)


def check(suite, out, machine, bits, faults):
    """(order, measured dB, expected dB) of a run."""
    text, _ = run("aac-sim", "run", out / "suite.aacs", f"--machine={machine}", "--task=mnli",
                  f"--input={models.sentence_path(suite.folder / 'models', 'mnli', 0)}",
                  f"--faults={faults}", "-o", out / "y.npz")
    found = FAULTS.search(text)
    expect(found, text)
    wrong, cells, width = (int(found[i]) for i in (1, 2, 3))
    expect(width == bits and cells % -(-8 // bits) == 0, text)
    failing = cells * 2 / 3 if bits == 3 else cells
    expect(abs(wrong - RATE * failing) < 6 * (RATE * failing) ** 0.5, text)
    measured, expected = float(found[5]), float(found[6])
    expect(abs(measured - expected) < 3, text)
    return found[4], measured, expected


def check_errors(suite, machine):
    stream = suite.folder / "out3.0" / "suite.aacs"
    for order, message in (("s e2 e1", "has 3 of the 8 bits"), ("s s e1 e0 m3 m2 m1 m0", "'s' in .* is there twice"),
                           ("worst", "'worst' in .* is none of best, natural")):
        machine.write_text(TIER.format(bits=3, rate=RATE, more=f'cell_order: "{order}"'))
        expect_error(f"cell_order: .*{message}", "aac", "machines", "check", machine)
        expect_error(f"faults: .*{message}", "aac-sim", "run", stream, "--task=mnli",
                     f"--machine={suite.folder / 'cells3.0.textproto'}",
                     f"--input={models.sentence_path(suite.folder / 'models', 'mnli', 0)}",
                     f"--faults=seed:1,order:{order}")
    machine.write_text(TIER.format(bits=3, rate=RATE, more="") +
                       'tiers { name: "sram" cell_order: "best" }\n')
    expect_error("cell_order: is set, only RRAM has cells to order", "aac", "machines", "check", machine)


if __name__ == "__main__":
    main(*sys.argv[1:])
