"""Damages records of every kind, one field at a time, and runs them: `aac-sim conformance` must count each as failed
with one line that names file, line and field, and never end in any other way than with exit code 1.

usage: malformed.py FOLDER
"""

import copy
import json
import pathlib
import re
import subprocess
import sys

import published

SHOWN = 20  # lines of failures that the tool prints
NOTHING = object()


def damages(value):
    """Values that a field like `value` must not have."""
    wrong = [NOTHING, None, {}, [[]], True, 1.5, [1, 2, 3]]
    if isinstance(value, int):
        return wrong + ["1", 1 << 63, (1 << 64) - 1, -(1 << 63), 1 << 40, -129]
    if isinstance(value, str):
        return wrong + [7, value + "0", value + "0g", "zz"]
    if isinstance(value, list) and value and isinstance(value[0], int):
        return wrong + [[0], [0, "1"], [0, -1], [0, 4096], [0, 0, 0], "00"]
    return wrong + [7, "00"]


def cases(record, needed):
    """(field, what it is now, damaged record)"""
    for key in needed:
        for wrong in damages(record[key]):
            changed = copy.deepcopy(record)
            if wrong is NOTHING:
                del changed[key]
            else:
                changed[key] = wrong
            yield key, wrong, changed


def run(folder, records, kinds):
    """Runs records in files of as many as are shown; returns [(number, line of its failure)]."""
    lines = []
    for start in range(0, len(records), SHOWN):
        part = records[start:start + SHOWN]
        file = folder / "damaged.jsonl"
        file.write_text("".join(record if isinstance(record, str) else json.dumps(record) + "\n"
                                for record in part))
        result = subprocess.run(["aac-sim", "conformance", file], capture_output=True, text=True)
        said = result.stderr.splitlines()
        assert result.returncode == 1, f"exit code {result.returncode}: {kinds[start]}\n{result.stderr}"
        assert result.stdout == f"0 passed, {len(part)} failed\n", \
            f"{result.stdout}{result.stderr}{kinds[start:start + SHOWN]}"
        assert len(said) == len(part), f"{len(said)} lines of {len(part)}:\n{result.stderr}"
        for i, line in enumerate(said):
            match = re.fullmatch(rf"{re.escape(str(file))}:{i + 1}: (.*)", line)
            assert match, f"no file and line: {line}"
            assert len(line) < 400, f"a line of {len(line)} characters"
            lines.append(match[1])
    return lines


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = published.make(5, 1)
    stream = made["registers"][0]
    tables = published.tables()[1]
    records, kinds, fields = [], [], []

    def add(record, kind, field):
        records.append(record)
        kinds.append(kind)
        fields.append(field)

    for name, needed in (
            ("matmul", ["op", "N0", "N1", "M", "is_relu", "is_bias", "weight_bias", "adf_accum_bias",
                        "accum_right_shift", "base_input", "base_input_offset", "base_output",
                        "output_memory", "A_mask_hex", "A_data_hex", "B_mask_hex", "B_data_hex", "C_hex",
                        "C_mask_hex", "C_data_hex"]),
            ("elemadd", ["op", "num_vector", "num_timestep", "adpbias_act1", "adpbias_act2", "adpbias_act3",
                         "memory", "base_input", "base_input_offset", "base_output", "in_mask_hex",
                         "in_data_hex", "C_hex", "C_mask_hex", "C_data_hex"]),
            ("layernorm", ["op", "num_vector", "num_timestep", "adpbias_act1", "adpbias_gamma",
                           "adpbias_beta", "base_gamma", "memory", "base_input", "base_input_offset",
                           "base_output", "X_mask_hex", "X_data_hex", "aux_hex", "Y_hex", "Y_mask_hex",
                           "Y_data_hex"])):
        record = made[name][0]
        for key, wrong, changed in cases(record, needed):
            add(changed, f"{name}.{key} = {wrong}", key)
        # Optional ones: their absence is no fault.
        for key in [k for k in record if k.endswith(("_hex", "_words", "_rows", "_shape"))
                    or k in ("shape", "registers", "cycles_start_to_irq", "cycles_loads_stores", "use_axi",
                             "use_gb", "reset_mode", "gb_mode_config")]:
            if key in needed:
                continue
            for wrong in damages(record[key]):
                if wrong is not NOTHING and not (wrong == {} and isinstance(record[key], dict)):
                    add({**record, key: wrong}, f"{name}.{key} = {wrong}", key)
        for key in ("load_dataX", "store_aux"):
            add({**record, "cycles_loads_stores": {key: 30}}, f"{name}.cycles_loads_stores.{key}",
                "cycles_loads_stores")
        registers = dict(record["registers"])
        for word in ("0x1", 5, None, "129", "w", "0x100000000"):
            add({**record, "registers": {**registers, "0x48": word}}, f"{name}.registers.0x48 = {word}",
                "registers")
        add({**record, "registers": {**registers, "0x99": "0x00000000"}}, f"{name}.registers.0x99",
            "registers")
    for key, wrong, changed in cases(stream, ["commands", "dram_before", "dram_after"]):
        if key == "commands" and wrong is NOTHING:
            changed.pop("op")
        field = {"commands": "op" if wrong is NOTHING else "command"}.get(key, key)
        add(changed, f"stream.{key} = {wrong}", field)
    for key in ("dram_before", "dram_after"):
        for where in ("addr", "hex"):
            for wrong in damages("00"):
                if where == "addr" and wrong in ("000",):
                    continue
                changed = copy.deepcopy(stream)
                entry = changed[key][1]
                entry.pop(where)
                if wrong is not NOTHING:
                    entry[where] = wrong
                add(changed, f"stream.{key}.{where} = {wrong}", key)
        for wrong in ("0x1000000000", "-4", "0x", "", "0xg"):
            changed = copy.deepcopy(stream)
            changed[key][0]["addr"] = wrong
            add(changed, f"stream.{key}.addr = {wrong}", key)
        changed = copy.deepcopy(stream)
        changed[key][0] = "0x100"
        add(changed, f"stream.{key}[0]", key)
    for wrong in (7, None, {}, "", "w", "w 0x48", "r 0x48 0", "w 0x48 0x100000000", "w 0x49 0", "irqs"):
        changed = copy.deepcopy(stream)
        changed["commands"][0] = wrong
        add(changed, f"stream.commands[0] = {wrong}", "command 0")
    for record in made["convert"][:20]:
        for key, wrong, changed in cases(record, ["bias", "value", "code"]):
            if (key, wrong) != ("value", -129):
                add(changed, f"convert.{key} = {wrong}", key)
    for key, wrong, changed in cases(made["convert"][0], ["t"]):
        add(changed, f"convert.t = {wrong}", "op" if wrong is NOTHING else "'t'")
    add({**tables, "hex": tables["hex"][:-2]}, "table cut", "table")
    add({**tables, "hex": tables["hex"] + "0"}, "table odd", "hex")
    for text in ("[1]\n", "{\n", "7\n", '"x"\n', '{"op":"matmul"\n', "nul\n", '{"op":"\\ud800"}\n',
                 "[" * 100000 + "\n", '{"op":' + "[" * 100000 + "]" * 100000 + "}\n",
                 '{"op":"' + "x" * 100000 + '"}\n', '{"id":"a\\nb\\u001b[31m","op":"x"}\n',
                 '{"t":"' + "x" * 5000 + '","bias":0,"value":0,"code":"00"}\n'):
        add(text, text[:60], "")

    wrong = 0
    for kind, field, line in zip(kinds, fields, run(folder, records, kinds)):
        if field not in line or not line.isprintable():
            print(f"{kind}: {line}")
            wrong += 1
    print(f"{len(records)} damaged records, {wrong} wrong messages")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
