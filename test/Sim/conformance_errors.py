"""Provokes each message of `aac-sim conformance` about a record: one field of a good record changed at a time."""

import json
import pathlib
import subprocess
import sys

ONE, NONE = "ffff", "0000"
ZEROS = "00" * 16

SFU = {"num_vector": 1, "num_timestep": 1, "adpbias_act1": 0, "memory": 1, "base_input": [0, 0],
       "base_input_offset": [0, 0]}
MATMUL = {"op": "matmul", "N0": 16, "N1": 16, "M": 16, "is_relu": 0, "is_bias": 0, "weight_bias": 0,
          "adf_accum_bias": 2, "accum_right_shift": 2, "base_input": [0, 0], "base_input_offset": [0, 0],
          "base_output": 64, "output_memory": 1, "A_data_hex": "", "A_mask_hex": NONE * 16, "B_data_hex": "",
          "B_mask_hex": NONE * 16}
CORRECTED = {"semantics": "CORRECTED"}

GOOD = {
    "to_fixed": {"t": "af8_to_fx10", "bias": 7, "code": "7f", "value": 31744},
    "to_code": {"t": "acc12_to_af8", "bias": 0, "code": "7f", "value": -32768},
    "matmul": {"id": "product", "semantics": "PUBLISHED", **MATMUL, "C_hex": ZEROS * 16, "C_data_hex": "",
               "C_mask_hex": NONE * 16},
    "elemadd": {**SFU, "op": "elemadd", "adpbias_act2": 0, "adpbias_act3": 0, "base_output": 512, "base_input": [0, 1],
                "in_data_hex": "", "in_mask_hex": NONE * 2, "C_hex": ZEROS, "C_data_hex": "", "C_mask_hex": NONE,
                "cycles_start_to_irq": 41, "cycles_loads_stores": {"store_mask": 17}},
    "layernorm": {**SFU, "op": "layernorm", "base_gamma": 0, "adpbias_gamma": 0, "adpbias_beta": 0, "base_output": 512,
                  "X_data_hex": "", "X_mask_hex": NONE, "aux_hex": "", "Y_hex": ZEROS, "Y_data_hex": "",
                  "Y_mask_hex": NONE},
    "registers": {"dram_before": [{"addr": "0x100", "hex": "00" * 16}], "commands": ["w 0x40 0"],
                  "dram_after": [{"addr": "0x100", "hex": "0000"}]},
    "c_matmul": {**CORRECTED, **MATMUL, "base_output": 512, "C_data_hex": "00" * 256, "C_mask_hex": ONE * 16,
                 "saturations": 0, "overflows": 0},
    "c_softmax": {**CORRECTED, **SFU, "op": "softmax", "pad_lanes": 0, "adpbias_act3": 7, "base_output": 512,
                  "base_attn_span": 0, "adpbias_attn_span": 3, "aux_hex": "70" + "00" * 15, "X_data_hex": ZEROS,
                  "X_mask_hex": ONE, "Y_data_hex": "30" + "00" * 15, "Y_mask_hex": ONE, "saturations": 0},
    "c_entropy": {**CORRECTED, **SFU, "op": "entropy", "pad_lanes": 14, "X_data_hex": ZEROS, "X_mask_hex": ONE,
                  "entropy": 710},
    "c_words": {**CORRECTED, "t": "af8_to_q14", "bias": 0,
                "values": [(-1) ** (c >> 7) * (16 + c % 16 << (c >> 4) % 8) if c % 128 else 0 for c in range(256)]},
    "c_codes": {**CORRECTED, "t": "q14_to_af8", "bias": 0, "values": [17, 8, 4000], "codes_hex": "01007f",
                "saturations": 1},
    "c_exp": {**CORRECTED, "t": "exp", "arguments": [0], "values": [1 << 20]},
    "c_dvfs": {**CORRECTED, "t": "dvfs", "scale": 1, "arguments": [256], "ldo": [1], "dco": [1]},
    "c_ln": {**CORRECTED, "t": "ln", "arguments": [1 << 20], "values": [0]},
}

ABSENT = object()

# (record, field, value instead, message)
WRONG = [
    ("to_fixed", "bias", ABSENT, "no field 'bias'"),
    ("to_fixed", "bias", 8, "field 'bias' is not an integer from 0 to 7"),
    ("to_fixed", "bias", 1.5, "field 'bias' is not an integer from 0 to 7"),
    ("to_fixed", "value", 2**64 - 1, "field 'value' is not an integer from -32768 to 32767"),
    ("to_fixed", "value", 5, "value is 31744, expected 5"),
    ("to_fixed", "code", "7", "field 'code' is not hex"),
    ("to_fixed", "code", "7g", "field 'code' is not hex"),
    ("to_fixed", "code", "7f7f", "field 'code' is not one byte"),
    ("to_fixed", "t", "af8_to_fx11", "unknown conversion 'af8_to_fx11'"),
    ("to_fixed", "t", 1, "field 't' is not a string"),
    ("to_code", "code", "ff", "code: byte 0 is 0x7f, expected 0xff"),
    ("matmul", "op", "divide", "product: unknown operation \"divide\""),
    ("matmul", "semantics", "FIXED", "unknown semantics \"FIXED\""),
    ("matmul", "N1", 24, "N0, N1 and M must be multiples of 16"),
    ("matmul", "M", 4096, "field 'M' is not an integer from 16 to 4080"),
    ("matmul", "base_input", [0], "field 'base_input' is not a pair"),
    ("matmul", "base_input", [0, 4096], "field 'base_input' is not an integer from 0 to 4095"),
    ("matmul", "A_data_hex", "00" * 65552, "the image of A does not fit the memory"),
    ("matmul", "B_mask_hex", NONE * 4097, "the image of B does not fit the memory"),
    ("matmul", "C_hex", ZEROS, "result: 16 bytes expected, 256 computed"),
    ("matmul", "C_hex", ZEROS * 15 + "00" * 15 + "01", "result: byte 255 is 0x00, expected 0x01"),
    ("matmul", "C_mask_hex", NONE * 15 + "0100", "mask memory: byte 30 is 0x00, expected 0x01"),
    ("matmul", "C_data_hex", ZEROS, "data memory: 16 bytes expected, 0 computed"),
    ("elemadd", "cycles_start_to_irq", 60, "cycles_start_to_irq: the timing model says 41 cycles, 60 observed; that is "
     "more than 3 % and 3 cycles"),
    ("elemadd", "cycles_start_to_irq", 2**32 + 41, "the timing model says 41 cycles, 4294967337 observed"),
    ("elemadd", "cycles_loads_stores", [], "field 'cycles_loads_stores' is not an object"),
    ("elemadd", "cycles_loads_stores", {"load_data0": 17},
     "field 'cycles_loads_stores' has a transfer 'load_data0' that the operation does not have"),
    ("layernorm", "aux_hex", "00" * 4097, "the auxiliary image does not fit"),
    ("registers", "commands", "irq", "field 'commands' is not a list"),
    ("registers", "dram_after", {}, "field 'dram_after' is not a list"),
    ("registers", "commands", [5], "command 0 is not a string"),
    ("registers", "commands", ["irq"], "command 0 (irq): the interrupt never comes"),
    ("registers", "commands", ["w 1"], "command 0 (w 1): 'w 1' is"),
    ("registers", "dram_before", [{"hex": "00"}], "dram_before[0]: no field 'addr'"),
    ("registers", "dram_before", [{"addr": "here", "hex": "00"}], "dram_before[0]: field 'addr' is not an address of 32 bits"),
    ("registers", "dram_before", [5], "dram_before[0]: not an object with 'addr' and 'hex'"),
    ("registers", "dram_before", [{"addr": "0x100"}], "dram_before[0]: no field 'hex'"),
    ("registers", "dram_after", [{"addr": "0x100", "hex": "0001"}],
     "external memory at 0x100: byte 1 is 0x00, expected 0x01"),
    ("c_matmul", "op", "divide", "unknown operation \"divide\""),
    ("c_matmul", "op", 5, "field 'op' is not a string"),
    ("c_matmul", "M", 24, "out_base=512): m is 24; must be a multiple of 16 from 16 to 4080"),
    ("c_matmul", "C_data_hex", "00" * 255 + "01", "data memory 1: byte 8447 is 0x00, expected 0x01"),
    ("c_matmul", "C_mask_hex", ONE * 15 + "feff", "mask memory 1: byte 1054 is 0xff, expected 0xfe"),
    ("c_matmul", "base_output", 4090, "the image of C does not fit the memory"),
    ("c_matmul", "saturations", 1, "with 1 thread: 0 saturations, expected 1"),
    ("c_matmul", "overflows", 2, "with 1 thread: 0 overflows, expected 2"),
    ("c_softmax", "Y_data_hex", "31" + "00" * 15, "data memory 1: byte 8192 is 0x30, expected 0x31"),
    ("c_softmax", "X_mask_hex", NONE, "dense tensors only"),
    ("c_softmax", "aux_hex", "00" * 4097, "the auxiliary image does not fit"),
    ("c_softmax", "pad_lanes", 16, "field 'pad_lanes' is not an integer from 0 to 15"),
    ("c_entropy", "entropy", 709, "with 1 thread: status 2 with threshold 709, expected 3"),
    ("c_entropy", "entropy", 711, "with 1 thread: status 3 with threshold 710, expected 2"),
    ("c_words", "t", "af8_to_q15", "unknown conversion \"af8_to_q15\""),
    ("c_words", "values", 0, "field 'values' is not a list"),
    ("c_words", "values", [0], "field 'values' does not have a value for each of 256 codes"),
    ("c_words", "values", [5] * 256, "the word of 0 is 0, expected 5"),
    ("c_codes", "codes_hex", "01017f", "codes: byte 1 is 0x00, expected 0x01"),
    ("c_codes", "codes_hex", "01", "codes: 1 bytes expected, 3 computed"),
    ("c_codes", "saturations", 0, "1 saturations, expected 0"),
    ("c_codes", "values", [17, 8, 1 << 19], "field 'values' is not an integer from -524288 to 524287"),
    ("c_exp", "values", [1], "exp of 0 is 1048576, expected 1"),
    ("c_exp", "values", [], "'arguments' and 'values' are not of one length"),
    ("c_exp", "arguments", [1], "field 'arguments' is not an integer from -1048576 to 0"),
    ("c_dvfs", "ldo", [2], "the LDO code of 256 is 1, expected 2"),
    ("c_dvfs", "dco", [2], "the DCO code of 256 is 1, expected 2"),
    ("c_dvfs", "dco", [], "'arguments', 'ldo' and 'dco' are not of one length"),
    ("c_dvfs", "scale", 0, "field 'scale' is not an integer from 1 to 255"),
    ("c_ln", "arguments", [0], "field 'arguments' is not an integer from 1 to 4294967295"),
]


def run(path, lines):
    path.write_text("".join(line + "\n" for line in lines))
    done = subprocess.run(["aac-sim", "conformance", str(path)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def main():
    path = pathlib.Path(sys.argv[1]).with_suffix(".jsonl")
    code, out, err = run(path, [json.dumps(record) for record in GOOD.values()])
    if code or err or out[-1] != f"{len(GOOD)} passed, 0 failed":
        sys.exit(f"the good records do not pass: {out} {err}")

    lines = []
    for name, key, value, _ in WRONG:
        record = dict(GOOD[name])
        if value is ABSENT:
            del record[key]
        else:
            record[key] = value
        lines.append(json.dumps(record))
    messages = [message for *_, message in WRONG] + ["not a JSON object"] * 3
    lines += ["[1]", "{", "5"]
    shown = 20  # of one run; the rest is counted
    for first in range(0, len(lines), shown):
        some = lines[first:first + shown]
        code, out, err = run(path, some)
        if code != 1 or out[-1] != f"0 passed, {len(some)} failed" or len(err) != len(some):
            sys.exit(f"FAILED: {first}: exit code {code}, {out}, {err}")
        for i, (message, got) in enumerate(zip(messages[first:], err)):
            if not got.startswith(f"{path}:{i + 1}: ") or message not in got:
                sys.exit(f"FAILED: {WRONG[first + i][:2]}: expected '{message}', got '{got}'")

    code, out, err = run(path, ["5"] * (shown + 3))
    if code != 1 or len(err) != shown or out != [f"0 passed, {shown + 3} failed"]:
        sys.exit(f"FAILED: many: exit code {code}, {out}, {err}")
    print(len(lines), "messages")


main()
