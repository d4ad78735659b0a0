"""Whole suites at the level of registers, and as text.

CORRECTED: every program of a compiled suite expands; played on the register-level model it leaves the same bytes as
the simulator does instruction by instruction, in tiers and in the engine's memories. PUBLISHED: a compiled suite is
refused by name; a program of several operations that the source can do is expanded, played on the model of the source
and must leave what an independent model of its arithmetic says.

usage: registers.py FOLDER REPLAYER     REPLAYER: build/test/unit/ReplayStream
"""

import json
import os
import re
import sys

from aac import models
from aac.config import Config
from support import ODD, SMALL, Suite, expect, expect_error, read_stream, run

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "Sim"))
import published

# Register addresses of the published map that an expansion may write.
WRITTEN = {0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40, 0x44,
           0x48, 0x4c, 0x50, 0x54, 0x58}


def corrected(suite, stream, replayer):
    text, _ = run("aac-sim", "registers", stream)
    lines = text.splitlines()
    for line in lines:
        match = re.fullmatch(r"irq|w 0x([0-9a-f]{2}) 0x[0-9a-f]{8}", line)
        expect(match and (line == "irq" or int(match[1], 16) in WRITTEN), f"a line '{line}'")
    starts = sum(line.startswith("w 0x04 ") for line in lines)
    expect(starts == lines.count("irq") > 100, f"{starts} starts, {lines.count('irq')} irq")
    expect("w 0x00" not in text, "CORRECTED needs no soft reset")

    dis = suite.folder / "suite.s"
    run("aac-sim", "dis", stream, "-o", dis)
    names = re.findall(r'^program name="([^"]*)"', dis.read_text(), re.M)
    parts = [run("aac-sim", "registers", stream, f"--program={name}")[0] for name in names]
    expect("".join(parts) == text, "the programs alone are the whole")
    for task in suite.tasks:
        part = run("aac-sim", "registers", stream, f"--task={task}")[0]
        expect(part in parts and "w 0x04 0x00000007" in part, f"the program that runs {task}")
    again = suite.folder / "again.aacs"
    run("aac-sim", "as", dis, "-o", again)
    expect(again.read_bytes() == stream.read_bytes(), "dis and as give other bytes")
    expect(run("aac-sim", "dis", again)[0] == dis.read_text(), "another text of the same bytes")

    inputs = [f"{task}={models.sentence_path(suite.folder / 'models', task, index)}"
              for index in range(2) for task in suite.tasks]
    print(run(replayer, stream, *inputs)[0].strip(), f"on {read_machine(stream)}")


def read_machine(stream):
    """The machine's name in the stream."""
    return re.search(r'^machine name="([^"]*)"', run("aac-sim", "dis", stream)[0], re.M)[1]


def transfer(name, memory, row, count, address):
    unit = "words" if name.endswith("mask") else "rows"
    return (f"{name} memory={memory} row={row} {unit}={count} address={address} chunks=1 address_stride=0 row_stride=0 "
            "loop_stride=0")


class Program:
    """Instructions of records, one group after the other; external memory before and after."""

    def __init__(self):
        self.lines, self.before, self.after, self.free = [], [], [], 0x80000000

    def place(self, size):
        self.free += -self.free % 4096
        self.free += size
        return self.free - size

    def load(self, memory, record, prefix):
        for kind, unit in (("data", 16), ("mask", 2)):
            image = record[f"{prefix}_{kind}_hex"]
            address = self.place(len(image) // 2)
            self.before.append({"addr": hex(address), "hex": image})
            self.lines.append(transfer(f"load_{kind}", memory, 0, len(image) // 2 // unit, address))

    def add(self, record):
        memory = record["output_memory"] if record["op"] == "matmul" else record["memory"]
        result, base = "C", record["base_output"]
        if record["op"] == "matmul":
            self.load(0, record, "A")
            self.load(1, record, "B")
            self.lines.append(
                "matmul n0={N0} n1={N1} m={M} relu={is_relu} bias_enable={is_bias} weight_bias={weight_bias} "
                "shift={accum_right_shift} out_bias={adf_accum_bias} base0={base_input[0]} base1={base_input[1]} "
                "data_offset0={base_input_offset[0]} data_offset1={base_input_offset[1]} "
                "out_memory={output_memory} out_base={base_output}".format(**record))
        elif record["op"] == "elemadd":
            self.load(memory, record, "in")
            self.lines.append(
                "element_add memory={memory} in_base=0 in_base1={base_input[1]} out_base={base_output} "
                "vectors={num_vector} timesteps={num_timestep} in_bias={adpbias_act1} in_bias1={adpbias_act2} "
                "out_bias={adpbias_act3} pad_lanes=0".format(**record))
        else:
            result = "Y"
            self.load(memory, record, "X")
            address = self.place(len(record["aux_hex"]) // 2)
            self.before.append({"addr": hex(address), "hex": record["aux_hex"]})
            self.lines.append(f"load_aux row=0 rows={record['aux_rows']} address={address} loop_stride=0")
            self.lines.append(
                "layer_norm memory={memory} in_base=0 out_base={base_output} vectors={num_vector} "
                "timesteps={num_timestep} in_bias={adpbias_act1} out_bias={adpbias_act1} gamma_base={base_gamma} "
                "beta_base={base_beta} gamma_bias={adpbias_gamma} beta_bias={adpbias_beta} pad_lanes=0"
                .format(**record))
        vectors = record[f"{result}_mask_words"]
        moved = vectors if vectors <= 128 else (vectors + 127) // 128 * 128
        for kind, count, unit in (("mask", (vectors + 3) // 4 * 4, 2), ("data", moved, 16)):
            address = self.place(count * unit)
            self.lines.append(transfer(f"store_{kind}", memory, base, count, address))
            self.after.append({"addr": hex(address), "hex": record[f"{result}_{kind}_hex"]})

    def stream(self):
        return "\n".join(['stream version=2', 'machine name="edgebert-published"', '  line "none: \\"none\\"\\n"',
                          'task name="a" run=0', 'program name="run" role=run owners=0x1', "  task_begin task=0",
                          *("  " + line for line in self.lines), "  task_end task=0", ""])


def source(suite):
    made, program = published.make(21, 3), Program()
    for records in zip(made["matmul"], made["elemadd"], made["layernorm"]):
        for record in records:
            program.add(record)
    text, stream = suite.folder / "published.s", suite.folder / "published.aacs"
    text.write_text(program.stream())
    run("aac-sim", "as", text, "-o", stream)
    lines = run("aac-sim", "registers", stream, "--machine=edgebert-published")[0].splitlines()
    expect(lines.count("w 0x00 0x00000001") == 8, "a soft reset between two groups")

    def conformance(commands, code):
        file = suite.folder / "published.jsonl"
        file.write_text(json.dumps({"id": "program", "dram_before": program.before, "commands": commands,
                                    "dram_after": program.after}) + "\n")
        return run("aac-sim", "conformance", file, code=code)

    out, _ = conformance(lines, 0)
    expect(out == "1 passed, 0 failed\n", out)
    print(f"PUBLISHED: 9 operations in {len(lines)} lines")
    # Without the resets the source goes wrong.
    _, error = conformance([line for line in lines if line != "w 0x00 0x00000001"], 1)
    print("without resets:", error.strip())


def main(folder, replayer):
    for name, config, machine, tasks in (
            ("small", SMALL, "edgebert-rram", {"sst2": 2, "mnli": 3}), ("odd", ODD, "edgebert", {"mnli": 3})):
        suite = Suite(os.path.join(folder, name), Config(**config), tasks, sentences=2)
        stream = suite.compile(machine=machine) / "suite.aacs"
        corrected(suite, stream, replayer)
    expect_error(r"suite\.aacs: program '\w+': instruction \d+ \(load_\w+ .*\): (a load to row|a transfer of several)",
                 "aac-sim", "registers", stream, "--machine=edgebert-published")
    source(suite)


if __name__ == "__main__":
    main(*sys.argv[1:])
