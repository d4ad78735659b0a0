"""Five tasks compiled together: what a stream must be, whatever its numbers are.

usage: five_tasks.py FOLDER
"""

import json
import math
import os
import re
import sys

from aac.config import DEMO_TASKS, Config
from support import SMALL, Suite, expect, read_stream, run, size_by_owner

WINDOW = 64  # bytes of the backbone that must not occur twice in a stream


def main(folder):
    suite = Suite(folder, Config(**SMALL), DEMO_TASKS, sentences=1)
    out = suite.compile("one", cores={min(available_cores())})
    stream = out / "suite.aacs"
    check_files(out)
    check_sharing(stream)
    check_text_round_trip(stream, suite.folder)
    check_reproducible(suite, out)
    check_report(out / "report.json", stream)
    run("aac-sim", "check", stream)


def available_cores():
    return os.sched_getaffinity(0)


def check_files(out):
    names = {path.name for path in out.iterdir()}
    expect({"suite.aacs", "suite.mlirbc", "report.txt", "report.json"} <= names,
           f"files written: {sorted(names)}")


def check_sharing(stream):
    sections, file = read_stream(stream)
    shared, subset, alone = size_by_owner(sections)
    print(f"stream {len(file)} bytes = shared {shared} + some {subset} + tasks {alone}")
    expect(shared + subset + sum(alone) == len(file), "the parts do not add up to the file")
    expect(all(size > 0 for size in alone), "a task has no part of its own")

    every = (1 << len(DEMO_TASKS)) - 1
    images = [section.data for section in sections
              if section.kind == "image" and section.owners == every]
    backbone = b"".join(images)
    expect(len(backbone) > 20000, f"only {len(backbone)} bytes of images are shared")
    for image in images:
        for at in range(0, len(image) - WINDOW, WINDOW):
            window = image[at:at + WINDOW]
            # No run of zeros or full mask words, and no part of a function table (they rise alike).
            if len(set(window)) > WINDOW // 4 and list(window) != sorted(window):
                expect(file.count(window) == 1, f"bytes at {at} of a shared image occur twice")

    text, _ = run("aac-sim", "dis", stream)
    owners = {}
    for symbol in re.finditer(r'^\s*symbol name="([^"]*)" role="([^"]*)" placement="([^"]*)" '
                              r'owners=(0x[0-9a-f]+)', text, re.MULTILINE):
        name, role, placement, bits = symbol.groups()
        owners.setdefault(role, []).append((name, placement, int(bits, 16)))
    print("roles:", {role: len(entries) for role, entries in owners.items()})
    for role in ("embedding", "attention", "ffn"):
        for name, placement, bits in owners.get(role, []) or [("none", "", 0)]:
            expect(placement == "shared" and bits == every,
                   f"{role} parameter {name} is {placement} of {bits:#x}")
    for name, placement, bits in owners.get("adapter", []) or [("none", "", 0)]:
        expect(placement == "task" and bin(bits).count("1") == 1,
               f"adapter {name} is {placement} of {bits:#x}")


def check_text_round_trip(stream, folder):
    text, again = folder / "suite.s", folder / "again.aacs"
    run("aac-sim", "dis", stream, "-o", text)
    run("aac-sim", "as", text, "-o", again)
    expect(again.read_bytes() == stream.read_bytes(), "assembling the disassembly gives other bytes")


def check_reproducible(suite, first):
    second = suite.compile("two", cores=available_cores())
    for path in sorted(first.iterdir()):
        expect(path.read_bytes() == (second / path.name).read_bytes(),
               f"{path.name} differs between one thread and {len(available_cores())}")


def check_report(path, stream):
    report = json.loads(path.read_text())
    sections, file = read_stream(stream)

    size = report["stream_bytes"]
    expect((size["shared"], size["subset"], list(size["task"].values())) == size_by_owner(sections),
           f"stream sizes of the report: {size}")
    images = sum(len(section.data) for section in sections if section.kind == "image")
    stated = sum(tier["image_bytes"] for tier in report["tiers"])
    expect(stated == images, f"tiers hold {stated} bytes of images, the stream {images}")
    for tier in report["tiers"]:
        held = tier["image_bytes"], tier["capacity_bytes"]
        expect(held[0] <= held[1], f"{tier['name']} holds {held[0]} of {held[1]} bytes")

    expect([task["name"] for task in report["tasks"]] == list(DEMO_TASKS), "tasks of the report")
    pairs = {(switch["from"], switch["to"]) for switch in report["switches"]}
    wanted = {(a, b) for a in (None, *DEMO_TASKS) for b in DEMO_TASKS if a != b}
    expect(pairs == wanted, f"task switches of the report: {pairs ^ wanted} differ")
    for program in [task["run"] for task in report["tasks"]] + [report["power_on"]]:
        check_sums(program)
    for constant in report["constants"]:
        expect(constant["source"], f"{constant['name']} has no source")


def check_sums(program):
    """Every view of a program's cost adds up to the same total."""
    for view in (key for key in program if key.startswith("by_")):
        for field in ("instructions", "macs", "bytes"):
            total = sum(group[field] for group in program[view])
            expect(total == program[field], f"{view} has {total} {field}, not {program[field]}")
        for bound in ("low", "typical", "high"):
            total = sum(group["energy_pj"][bound] for group in program[view])
            expect(math.isclose(total, program["energy_pj"][bound], rel_tol=1e-9),
                   f"{view} has {total} pJ, not {program['energy_pj'][bound]}")
    expect(sum(key.startswith("by_") for key in program) >= 5, "views of a program")
    for figure in (program["latency_ns"], program["energy_pj"]):
        expect(figure["low"] <= figure["typical"] <= figure["high"], f"range of {figure}")


if __name__ == "__main__":
    main(*sys.argv[1:])
