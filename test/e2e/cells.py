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
# NVMExplorer's rates of each level (mlc_rram_args.p): down, up. And the orders that are best where all steps are alike.
LEVELS = {2: ([0, 0, 1.42e-8, 0], [0, 1.74e-8, 0, 0]),
          3: ([0, 2.4e-4, 2.8e-3, 2.5e-3, 2.9e-3, 3.1e-4, 6.3e-3, 2.3e-4],
              [1.5e-4, 1.1e-3, 2.2e-3, 4.0e-3, 2.8e-4, 4.5e-3, 3.1e-3, 0])}
ORDERS_OF_EQUAL_STEPS = {2: "s e2 e1 m3 e0 m2 m1 m0", 3: "e1 e0 m3 m2 m1 m0 s e2"}
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
    check_levels(suite)
    check_errors(suite, machine)


def check_levels(suite):
    """Rates of each level: the order that is best for them, and faults that follow them."""
    for bits, (down, up) in LEVELS.items():
        rate = (sum(down) + sum(up)) / 2 ** bits
        levels = f'cell_levels {{ down: {down} up: {up} source: "NVMExplorer" }}'
        machine = suite.folder / f"levels{bits}.textproto"
        machine.write_text(TIER.format(bits=bits, rate=rate, more=levels))
        out = suite.compile(f"levels{bits}", "--sparsity=embedding:0.6,encoder:0.5", "--calibrate=none",
                            machine=machine)
        cells = json.loads((out / "report.json").read_text())["encoding"]["cells"][0]
        expect(cells["by_level"] and ", by level)" in (out / "report.txt").read_text(), f"{cells}")
        results = {order: faults(suite, out, machine, f"seed:1,rate:{RATE},order:{order}")
                   for order in ("best", "natural", ORDERS_OF_EQUAL_STEPS[bits])}
        for order, (wrong, number, _, _, measured, expected) in results.items():
            expect(wrong > 100 and abs(measured - expected) < 3, f"{bits} bits, {order}: {results}")
            print(f"{bits} bits by level, {order:<29} {wrong:5} of {number} cells, {measured:5.1f} dB, "
                  f"expected {expected:5.1f} dB")
        best, *others = (result[5] for result in results.values())
        # Of three bits the same order is best as with equal steps, of two it is not.
        expect(best == max(others) if bits == 3 else best > max(others),
               f"{bits} bits: another order is better: {results}")
        # Wrong are cells at levels that fail, as often as each is there: not as many as if all levels were.
        equal = faults(suite, suite.folder / f"out{bits}.1", suite.folder / f"cells{bits}.1.textproto",
                       f"seed:1,rate:{RATE},order:natural")
        expect(abs(equal[0] - results["natural"][0]) > 3 * equal[0] ** 0.5, f"{equal} is {results['natural']}")


def faults(suite, out, machine, text):
    """(wrong cells, cells, bits, order, measured dB, expected dB) of a run."""
    output, _ = run("aac-sim", "run", out / "suite.aacs", f"--machine={machine}", "--task=mnli",
                    f"--input={models.sentence_path(suite.folder / 'models', 'mnli', 0)}",
                    f"--faults={text}", "-o", out / "y.npz")
    found = FAULTS.search(output)
    expect(found, output)
    return int(found[1]), int(found[2]), int(found[3]), found[4], float(found[5]), float(found[6])


def check(suite, out, machine, bits, options):
    """(order, measured dB, expected dB) of a run."""
    wrong, cells, width, order, measured, expected = faults(suite, out, machine, options)
    expect(width == bits and cells % -(-8 // bits) == 0, f"{width} bits, {cells} cells")
    failing = cells * 2 / 3 if bits == 3 else cells
    expect(abs(wrong - RATE * failing) < 6 * (RATE * failing) ** 0.5, f"{wrong} of {cells} cells are wrong")
    expect(abs(measured - expected) < 3, f"{measured} dB, expected {expected}")
    return order, measured, expected


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
