"""Traces of compiled tasks, against the models, the reports and the register writes.

usage: trace.py FOLDER
"""

import json
import math
import re
import sys
from collections import Counter, defaultdict

import onnx

from aac import models
from aac.config import Config
from support import ODD, SMALL, Suite, expect, run

UNITS, TIERS = 1, 2  # the trace's processes


def main(folder):
    for name, config in (("blocks", {**SMALL, "positions": 64, "seq": 48}), ("odd", ODD)):
        suite = Suite(f"{folder}/{name}", Config(**config), {"sst2": 2, "mnli": 3}, sentences=1)
        stream = suite.compile("out", "--sparsity=encoder:0.5") / "suite.aacs"
        for task in suite.tasks:
            check(suite, stream, task)


def check(suite, stream, task):
    trace, report = suite.folder / f"{task}.trace.json", suite.folder / f"{task}.report.json"
    printed, _ = run("aac-sim", "run", stream, f"--task={task}", f"--trace={trace}",
                     f"--report={report}",
                     f"--input={models.sentence_path(suite.folder / 'models', task, 0)}")
    cycles = int(re.search(r"(\d+) cycles", printed)[1])
    busy = dict(zip(("engine", "transfer", "host"), map(int, re.search(
        r"busy: engine (\d+), transfer (\d+), host (\d+)", printed).groups())))
    report = json.loads(report.read_text())
    program = next(t["run"] for t in report["tasks"] if t["name"] == task)
    ns = program["latency_ns"]["typical"] / cycles
    tracks, slices = read(trace)

    tiers = [tier["name"] for tier in report["tiers"]]
    expect(sorted(name for (process, _), name in tracks.items() if process == UNITS) ==
           ["engine", "host", "transfer"], f"tracks of units: {tracks}")
    expect(sorted(name for (process, _), name in tracks.items() if process == TIERS) ==
           sorted(f"{tier} ({by})" for tier in tiers for by in ("transfer", "host")),
           f"tracks of tiers: {tracks}")

    # No two slices of a track overlap, and each is named by a node of the model.
    nodes = {node.name for node in onnx.load(str(suite.models[task]), False).graph.node}
    units, moved = defaultdict(list), Counter()
    for (process, thread), events in slices.items():
        expect((process, thread) in tracks, f"slice on an unnamed track {process}, {thread}")
        until = 0
        for event in sorted(events, key=lambda event: event["ts"]):
            begin, args = event["ts"], event["args"]
            expect(begin >= until - 1e-6, f"slices overlap on {tracks[process, thread]}: {event}")
            until = begin + event["dur"]
            name, opcode = event["name"].rsplit(": ", 1)
            expect(name in nodes, f"'{name}' is no node of the model")
            if process == TIERS:
                tier = tracks[process, thread].split(" (")[0]
                moved[tier] += args["bytes_read"] + args["bytes_written"]
                continue
            expect(args["node"].split(";")[0] == name and args["text"].split()[0] == opcode,
                   f"{event}")
            expect(args["op"] and args["layer"], f"no place in the model: {event}")
            expect(math.isclose(event["dur"] * 1e3, args["cycles"] * ns, rel_tol=1e-6,
                                abs_tol=1e-3), f"duration of {event}")
            units[tracks[process, thread]].append(event)
        expect(until * 1e3 <= program["latency_ns"]["typical"] * (1 + 1e-9), "after the end")

    # Sums: exactly the simulator's, and the report's own formulas within a cycle a start.
    view = {entry["key"]: entry for entry in program["by_unit"]}
    for unit, events in units.items():
        total = sum(event["args"]["cycles"] for event in events)
        expect(total == busy[unit], f"{unit}: {total} cycles in the trace, printed {busy[unit]}")
        expect(len(events) == view[unit]["instructions"], f"{unit}: {len(events)} slices, the "
               f"report has {view[unit]['instructions']} instructions")
        reported = view[unit]["busy_ns"]["typical"]
        starts = sum(int(found[1]) if (found := re.search(r"chunks=(\d+)", event["args"]["text"]))
                     else 1 for event in events)
        expect(abs(total * ns - reported) <= ns * starts,
               f"{unit}: {total * ns} ns in the trace, {reported} in the report")
    for entry in program["by_op"]:
        count = sum(event["args"]["text"].split()[0] == entry["key"]
                    for events in units.values() for event in events)
        expect(entry["instructions"] == count or entry["busy_ns"]["typical"] == 0,
               f"{entry['key']}: {count} slices, the report has {entry['instructions']}")
    reported = {entry["key"]: entry["bytes"] for entry in program["by_tier"] if entry["bytes"]}
    expect(dict(moved) == reported, f"bytes {dict(moved)}, the report has {reported}")
    expect(program["cycles"] == cycles, f"{program['cycles']} cycles in the report")
    expect(max(event["ts"] + event["dur"] for events in units.values() for event in events) * 1e3
           <= cycles * ns * (1 + 1e-9), "a slice ends after the program")

    check_writes(stream, task, units)
    print(f"{task}: {cycles} cycles; " + ", ".join(f"{unit} {len(units[unit])}" for unit in units))


def read(trace):
    tracks, slices = {}, defaultdict(list)
    for event in json.loads(trace.read_text())["traceEvents"]:
        track = (event["pid"], event["tid"])
        if event["ph"] == "M" and event["name"] == "thread_name":
            expect(track not in tracks, f"two names of {track}")
            tracks[track] = event["args"]["name"]
        elif event["ph"] != "M":
            expect(event["ph"] == "X" and event["dur"] > 0, f"{event}")
            slices[track].append(event)
    return tracks, slices


def check_writes(stream, task, units):
    """What the timing charges a command with is what `aac-sim registers` writes for it."""
    commands = []  # [opcode, writes], loops unrolled
    for line in run("aac-sim", "registers", stream, f"--task={task}", "--notes")[0].splitlines():
        if line.startswith("# ") and not line.startswith("# program"):
            commands.append([line.split()[1], 0])
        elif line.startswith("w "):
            commands[-1][1] += 1
    for unit in ("engine", "transfer"):
        timed = [[event["args"]["text"].split()[0], event["args"]["register_writes"]]
                 for event in units[unit]]
        opcodes = {opcode for opcode, _ in timed}
        printed = [command for command in commands if command[0] in opcodes]
        expect(printed == timed, f"{unit}: writes differ, first at " + str(next(
            (pair for pair in zip(printed, timed) if pair[0] != pair[1]),
            (len(printed), len(timed)))))
    hosts = {event["args"]["text"].split()[0] for event in units["host"]}
    expect(all(writes == 0 for opcode, writes in commands if opcode in hosts), "the host writes")


if __name__ == "__main__":
    main(sys.argv[1])
