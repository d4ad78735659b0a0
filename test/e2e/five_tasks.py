"""Five tasks compiled together: what a stream must be, whatever its numbers are.

usage: five_tasks.py FOLDER
"""

import json
import pathlib
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
    import os
    return os.sched_getaffinity(0)


def check_files(out):
    names = sorted(path.name for path in out.iterdir())
    expect(names == ["report.html", "report.json", "report.txt", "suite.aacs", "suite.mlirbc"],
           f"files written: {names}")


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
            if len(set(window)) > WINDOW // 4:  # not a run of zeros or full mask words
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
    report = json.loads(pathlib.Path(path).read_text())
    size = report["stream"]
    total = size["shared_bytes"] + size["subset_bytes"] + sum(size["task_bytes"].values())
    expect(total == size["total_bytes"] == stream.stat().st_size,
           f"stream sizes of the report give {total}, the file has {stream.stat().st_size}")


if __name__ == "__main__":
    main(*sys.argv[1:])
