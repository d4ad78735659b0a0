"""The firmware header's decoder on the programs of a compiled suite: what it reads is what `aac-sim dis` prints, byte
for byte; what it carries out is what `aac-sim registers` notes; damaged programs are refused with the right words.

usage: firmware.py FOLDER PRINTER     PRINTER: build/test/unit/ISAPrintProgram
"""

import random
import re
import sys

from aac.config import Config
from support import SMALL, Suite, expect, read_stream, run


def texts_of_programs(stream):
    """[(name, lines)] as aac-sim dis prints them, without the numbers of locations."""
    programs, text = [], run("aac-sim", "dis", stream)[0]
    for line in text.splitlines():
        if line.startswith("program "):
            programs.append((re.search(r'name="([^"]*)"', line)[1], []))
        elif not line.startswith(" "):
            inside = False
            continue
        elif inside and not line.startswith("  value "):
            programs[-1][1].append(re.sub(r" @\d+$", "", line[2:]))
        inside = line.startswith("program ") or inside
    return programs


def main(folder, printer):
    suite = Suite(folder, Config(**SMALL), {"sst2": 2, "mnli": 3}, sentences=1)
    stream = suite.compile() / "suite.aacs"
    sections, _ = read_stream(stream)
    binaries = [section.data for section in sections if section.kind == "program"]
    programs = texts_of_programs(stream)
    expect(len(binaries) == len(programs) > 3, f"{len(binaries)} programs, {len(programs)} in dis")
    file, loops, steps = suite.folder / "program.bin", 0, 0
    for binary, (name, lines) in zip(binaries, programs):
        file.write_bytes(binary)
        text, _ = run(printer, "read", file)
        expect(text == "".join(line + "\n" for line in lines), f"{name}: read differs from dis")
        loops += lines.count("end")
        notes = run("aac-sim", "registers", stream, f"--program={name}", "--notes")[0].splitlines()
        notes = [line[2:] + "\n" for line in notes if line.startswith("# ")][1:]
        expect(run(printer, "next", file)[0] == "".join(notes), f"{name}: what is carried out")
        steps += len(notes)
    print(f"{len(programs)} programs, {sum(len(lines) for _, lines in programs)} instructions, "
          f"{loops} loops, {steps} carried out")
    expect(loops > 0, "the suite has no loop")
    damage(file, printer, binaries, programs)


def damage(file, printer, binaries, programs):
    """A run's program, broken in every way."""
    binary, lines = next((b, l) for b, (_, l) in zip(binaries, programs)
                         if "end" in l and l[0].startswith("task_begin"))
    offsets, at = [], 0
    while at < len(binary):  # walked by asking how long a prefix the printer takes
        offsets.append(at)
        at += size_of(lines[len(offsets) - 1])
    expect(at == len(binary) and len(offsets) == len(lines), "offsets of the instructions")
    loop = next(i for i, line in enumerate(lines) if line.startswith("loop "))
    end = lines.index("end")
    wait = next(i for i, line in enumerate(lines) if line.startswith("wait ") and loop < i < end)
    load = next(i for i, line in enumerate(lines) if line.startswith("load_data "))

    def refused(what, at, content):
        file.write_bytes(content)
        text, _ = run(printer, "next", file, code=1)
        expect(text == f"byte {at}: {what}\n", f"expected '{what}' at {at}, got {text!r}")

    def patched(index, *new):
        at = offsets[index]
        return binary[:at] + bytes(new) + binary[at + len(new):]

    def opcode(name):
        return binary[offsets[next(i for i, line in enumerate(lines) if line.split()[0] == name)]]

    last = offsets[-1]
    refused("the instruction is truncated", last, binary[:-1])
    refused("unknown opcode", offsets[wait], patched(wait, 200))
    refused("a field is outside its limits", offsets[loop], patched(loop, opcode("loop"), 0, 0))
    rows = offsets[load] + 2  # 13 bits from bit 21 on
    zero = bytearray(binary)
    zero[rows] &= 0x1f
    zero[rows + 1] = 0
    zero[rows + 2] &= 0xfc
    refused("a field is outside its limits", offsets[load], bytes(zero))
    refused("padding that is not zero", offsets[end], patched(end, opcode("end"), 0, 0, 1))
    refused("a loop in a loop", offsets[wait], patched(wait, opcode("loop"), 2, 0, 0))
    refused("a loop without an end after it", offsets[loop], binary[:offsets[end]])
    refused("an end without a loop before it", offsets[loop], patched(loop, opcode("end"), 0, 0, 0))
    begin = binary[:4]
    refused("a task begins in a task", last, binary[:last] + begin)
    refused("a task begins or ends in a loop", offsets[wait], patched(wait, *begin))
    refused("a task without an end", 0, binary[:last])
    refused("a task ends that did not begin", last - 4, binary[4:])
    refused("another task ends than the one that began", last,
            binary[:last] + bytes([binary[last], binary[last + 1] ^ 1]) + binary[last + 2:])
    # Cut anywhere: refused where the instruction begins, or for what is open there.
    for cut in random.Random(1).sample(range(1, len(binary)), 60):
        inside = [at for at in offsets if at < cut < at + size_of(lines[offsets.index(at)])]
        file.write_bytes(binary[:cut])
        text, _ = run(printer, "read", file, code=1)
        want = f"byte {inside[0]}: the instruction is truncated\n" if inside else "without an end"
        expect(text == want if inside else want in text, f"cut at {cut}: {text!r}")


SIZES = {}


def size_of(line):
    """Bytes of an instruction, by the reference page's rule: an opcode, the fields, padding to 4."""
    if not SIZES:
        page = run("aac-isa-gen", "--markdown")[0]
        for match in re.finditer(r"^\| \d+ \| \[`(\w+)`\][^|]*\| \w+ \| (\d+) \|", page, re.M):
            SIZES[match[1]] = int(match[2])
    return SIZES[line.split()[0]]


if __name__ == "__main__":
    main(*sys.argv[1:])
