"""Records of the published engine, for `aac-sim conformance`, made by a model of its own.

The arithmetic is written from the description of the source, in plain integers, element by element, and shares nothing
with the simulator. Records have the fields of observed ones; what the description does not say (cycles of an
operation where many blocks have one tile) is left out.

usage: published.py SEED COUNT FOLDER     writes matmul, elemadd, layernorm, registers, convert .jsonl
"""

import json
import pathlib
import random
import sys

LANES = 16
INVSQRT_SLOPE = (-331, -279, -240, -210, -185, -165, -148, -134)
INVSQRT_START = (5789, 5458, 5178, 4938, 4728, 4543, 4378, 4229)


# ----------------------------------------------------------------------------
# Numbers
# ----------------------------------------------------------------------------

def wrap(value, bits=16):
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


def toward_zero(a, b):
    return abs(a) // b * (1 if a >= 0 else -1)


def significand(code):
    """(signed significand, exponent field); 0 for the two zero codes."""
    if code & 0x7f == 0:
        return 0, 0
    value = 16 + code % 16
    return (-value if code & 0x80 else value), code >> 4 & 7


def product(a, b):
    (sa, ea), (sb, eb) = significand(a), significand(b)
    return wrap(sa * sb * 2 ** (ea + eb))


def to_fixed(code, bias):
    s, e = significand(code)
    magnitude = abs(s) * 2 ** (e + bias) // 16  # below one step it is cut off
    return -magnitude if s < 0 else magnitude


def to_code(value, fraction, bias):
    """`value` / 2^fraction as a code: halves to +infinity, too large is 0x7f whatever the sign."""
    if value == 0:
        return 0
    # value = m / 16 * 2^e with m in 16..31, or -32..-17 where it is negative; power is 2^(e+1).
    e, power = -1, 1
    while not (power <= 2 * value < 2 * power or -2 * power <= 2 * value < -power):
        e, power = e + 1, 2 * power
    m = (64 * value + power) // (2 * power)  # floor of 16 * value / 2^e + 1/2
    if m == 32:
        m, e = 16, e + 1
    if m == -16:
        m, e = -32, e - 1
    field = e - fraction - bias + 10
    if m == -32:
        m, field = -16, field + 1
    if field < 0:
        return 0
    if field > 7:
        return 0x7f
    return (0x80 if m < 0 else 0) + 16 * field + abs(m) - 16


def inverse_sqrt(value):
    u = value % 65536
    if u == 0:
        return -1
    zeros = 16 - u.bit_length()
    e, v = 6 - zeros, u * 2 ** zeros - 32768
    y = INVSQRT_SLOPE[v // 4096] * (v % 4096) + INVSQRT_START[v // 4096] * 4096
    if e % 2:
        y = y * 2896 // 4096
    k = e // 2
    y = y // 2 ** k if k >= 0 else y * 2 ** -k
    return wrap(y // 16384)


# ----------------------------------------------------------------------------
# Memory
# ----------------------------------------------------------------------------

def block_order(matrix):
    """Vectors of a matrix as matmul has them: blocks of 16 rows, in them blocks of 16 columns."""
    rows, columns = len(matrix), len(matrix[0])
    return [matrix[r][c:c + LANES] for block in range(0, rows, LANES)
            for c in range(0, columns, LANES) for r in range(block, block + LANES)]


def row_order(matrix):
    return [row[c:c + LANES] for row in matrix for c in range(0, len(row), LANES)]


def pack(vectors, mode):
    """(mask words, rows of bytes): each lane is compacted on its own."""
    masks, lanes = [], [[] for _ in range(LANES)]
    for vector in vectors:
        stored = [mode == "all_ones" or code != 0 for code in vector]
        masks.append(sum(1 << lane for lane in range(LANES) if stored[lane]))
        for lane in range(LANES):
            if stored[lane]:
                lanes[lane].append(vector[lane])
    height = max(len(lane) for lane in lanes)
    return masks, [[lane[r] if r < len(lane) else 0 for lane in lanes] for r in range(height)]


def movable(rows):
    """Rows of zeros behind, up to a number that the data port can move."""
    count = max(1, len(rows))
    count = count if count <= 128 else (count + 127) // 128 * 128
    return rows + [[0] * LANES] * (count - len(rows))


def mask_hex(masks):
    return b"".join(word.to_bytes(2, "little") for word in masks).hex()


def rows_hex(rows):
    return b"".join(bytes(row) for row in rows).hex()


def matrix_hex(matrix):
    return b"".join(bytes(row) for row in matrix).hex()


def register(*fields):
    """A 32-bit word of (value, lowest bit, width)."""
    word = 0
    for value, low, width in fields:
        word |= (value & ((1 << width) - 1)) << low
    return f"0x{word:08x}"


def bursts(beats):
    return (beats + 255) // 256


# ----------------------------------------------------------------------------
# Operands
# ----------------------------------------------------------------------------

KINDS = {
    "any": lambda r: r.randrange(256),
    "small": lambda r: r.choice((0, 128)) | r.randrange(64),
    "tiny": lambda r: r.choice((0, 128)) | r.randrange(32),
    "extreme": lambda r: r.choice((0x01, 0x7f, 0x81, 0xff, 0x70, 0xf0, 0x0f, 0x8f)),
    "zeros": lambda r: r.choice((0x80, 0x80, 0, r.randrange(256))),
    "positive": lambda r: r.randrange(1, 48),
}


def matrix_of(r, rows, columns):
    """A matrix and how it is stored."""
    density, draw = r.choice((0, 0.1, 0.5, 0.5, 1, 1, 1)), KINDS[r.choice(list(KINDS))]
    matrix = [[draw(r) if r.random() < density else 0 for _ in range(columns)] for _ in range(rows)]
    if r.random() < 0.2:
        matrix[r.randrange(rows)] = [0] * columns
    return matrix, r.choice(("compact", "compact", "all_ones"))


def output_base(r, words, rows):
    """A base above what lies below it: it counts mask words and data bytes alike."""
    low = max(words, LANES * rows)
    return r.randrange((low + 15) // 16, 256) * 16 if low <= 4080 else None


# ----------------------------------------------------------------------------
# Operations
# ----------------------------------------------------------------------------

def matmul(r, name):
    while True:
        n0, n1 = r.choice((16, 16, 32, 48, 80, 1008)), r.choice((16, 16, 32, 48, 64, 512))
        m = r.choice((16, 32, 48, 64, 96, 160, 256, 640, 1024))
        if max(n0, n1) * m <= 16384 and n0 * n1 * m <= 131072 + 131072 * (r.random() < 0.1):
            break
    (a, a_mode), (b, b_mode) = matrix_of(r, n0, m), matrix_of(r, n1, m)
    images = [pack(block_order(a), a_mode), pack(block_order(b), b_mode)]
    # The operand may begin behind other content, its data wherever the offset says.
    base, offset, filled = [0, 0], [0, 0], []
    for i, (masks, rows) in enumerate(images):
        if r.random() < 0.3 and len(masks) <= 960 and len(rows) <= 96:
            base[i] = 4 * r.randrange(1, 16)
            skipped = r.randrange(0, 4)
            offset[i] = base[i] - LANES * skipped
            if offset[i] < 0:
                offset[i], skipped = base[i], 0
            masks = [r.randrange(65536) for _ in range(base[i])] + masks
            rows = [[r.randrange(256) for _ in range(LANES)] for _ in range(skipped)] + rows
        masks = masks + [0] * (-len(masks) % 4)
        filled.append((masks, movable(rows)))
    memory = r.randrange(2)
    target = filled[memory]
    out = output_base(r, len(target[0]), len(target[1]))
    if out is None:
        memory = 1 - memory
        target = filled[memory]
        out = output_base(r, len(target[0]), len(target[1]))
    if out is None:
        return matmul(r, name)
    shift, relu, biased = r.choice((0, 0, 1, 2, 3, 4, 5, 8, 16, 31)), r.randrange(2), r.randrange(2)
    weight_bias = r.choice((-128, 127, 0, r.randrange(-128, 128)))
    bias = r.randrange(8)
    c = []
    for row in b:
        c.append([])
        for column in a:
            acc = 0
            for x, y in zip(row, column):
                acc = wrap(acc + product(x, y))
            acc >>= shift
            if biased:
                acc = wrap(acc + weight_bias)
            if relu:
                acc = max(acc, 0)
            c[-1].append(to_code(max(-32767, min(32767, acc)), 12, bias))
    masks, rows = pack(block_order(c), "compact")
    # What the result leaves of the operand below it shows in rows that no mask bit refers to.
    registers = {"0x08": register((memory, 0, 1)),
                 "0x0c": register((relu, 0, 1), (biased, 4, 1), (weight_bias, 8, 8), (bias, 16, 3),
                                  (shift, 20, 5)),
                 "0x10": register((n0, 0, 10), (n1, 10, 10), (m, 20, 12)),
                 "0x14": register((base[0], 0, 12), (base[1], 16, 12)),
                 "0x18": register((offset[0], 0, 12), (offset[1], 16, 12)),
                 "0x48": register((out, 0, 12)), "0x4c": register(), "0x50": register(),
                 "0x58": register((0x81, 0, 12))}
    record = {"id": name, "op": "matmul", "tags": ["made"], "N0": n0, "N1": n1, "M": m,
              "is_relu": relu, "is_bias": biased, "weight_bias": weight_bias,
              "adf_accum_bias": bias, "accum_right_shift": shift, "base_input": base,
              "base_input_offset": offset, "base_output": out, "output_memory": memory,
              "use_axi": 0, "use_gb": 0, "reset_mode": "0x081", "registers": registers}
    cycles = {}
    for i, (prefix, matrix, mode) in enumerate((("A", a, a_mode), ("B", b, b_mode))):
        image_masks, image_rows = filled[i]
        record.update({f"{prefix}_shape": [len(matrix), m], f"{prefix}_hex": matrix_hex(matrix),
                       f"{prefix}_mask_mode": mode, f"{prefix}_mask_words": len(image_masks),
                       f"{prefix}_mask_hex": mask_hex(image_masks),
                       f"{prefix}_data_rows": len(image_rows),
                       f"{prefix}_data_hex": rows_hex(image_rows)})
        cycles[f"load_data{i}"] = load_cycles(2 * len(image_rows), len(image_rows) * 2)
        cycles[f"load_mask{i}"] = load_cycles(len(image_masks), len(image_masks) // 4)
    record.update({"C_shape": [n1, n0], "C_hex": matrix_hex(c), "C_mask_words": len(masks),
                   "C_mask_hex": mask_hex(masks), "C_data_rows": len(rows),
                   "C_data_hex": rows_hex(rows), "C_residual": "zero"})
    blocks, tiles = n0 * n1 // 256, n0 * n1 * m // 4096
    if m >= 32 or blocks == 1:
        record["cycles_start_to_irq"] = 33 * tiles + 8 * (blocks - 1) + 35
    record["cycles_loads_stores"] = {**cycles, **store_cycles(len(masks))}
    return record


def load_cycles(each, beats):
    return each + 5 * bursts(beats) + 4


def store_cycles(vectors):
    moved = vectors if vectors <= 128 else (vectors + 127) // 128 * 128
    cycles = {"store_data": 2 * moved + 12 * bursts(2 * moved) + 4}
    if vectors % 4 == 0:  # of a broken beat nothing is known
        cycles["store_mask"] = vectors + 12 * bursts(vectors // 4) + 4
    return cycles


def sfu_record(r, name, op, shape, registers, memory, out, masks, rows, **more):
    width, rest = shape[1] // LANES, dict(more)
    number = str(memory)
    cycles = {f"load_data{number}": load_cycles(2 * len(rows), 2 * len(rows)),
              f"load_mask{number}": load_cycles(len(masks), len(masks) // 4)}
    record = {"id": name, "op": op, "tags": ["made"], "num_vector": width,
              "num_timestep": shape[0], "memory": memory, "base_output": out, "use_axi": 0,
              "use_gb": 1, "shape": shape, "registers": registers, **rest}
    return record, cycles


def elemadd(r, name):
    while True:
        width, steps = r.randrange(1, 9), r.randrange(1, 9)
        (a, mode), (b, _) = matrix_of(r, steps, LANES * width), matrix_of(r, steps, LANES * width)
        (a_masks, a_rows), (b_masks, b_rows) = pack(row_order(a), mode), pack(row_order(b), mode)
        second = 16 * ((max(len(a_masks), 16 * len(a_rows)) + 15) // 16 + r.randrange(3))
        # Both masks and data of the second operand begin at `second`, as words and as bytes.
        masks = a_masks + [0] * (second - len(a_masks)) + b_masks
        rows = a_rows + [[0] * LANES] * (second // 16 - len(a_rows)) + b_rows
        masks, rows = masks + [0] * (-len(masks) % 4), movable(rows)
        out = output_base(r, len(masks), len(rows))
        if len(masks) <= 1024 and out is not None:
            break
    biases, memory = [r.randrange(8) for _ in range(3)], r.randrange(2)
    c = [[to_code(wrap(to_fixed(x, biases[0]) + to_fixed(y, biases[1])), 10, biases[2])
          for x, y in zip(*pair)] for pair in zip(a, b)]
    c_masks, c_rows = pack(row_order(c), "compact")
    registers = {"0x08": register((memory, 0, 1)), "0x48": register((out, 0, 12)),
                 "0x4c": register(), "0x50": register((1, 0, 1)), "0x54": register((4, 0, 4)),
                 "0x58": register((0x20, 6 * memory, 6)),
                 "0x20": register((width, 0, 8), (steps, 8, 8), (biases[0], 16, 3),
                                  (biases[1], 20, 3), (biases[2], 24, 3)),
                 "0x14": register((second, 16, 12)), "0x18": register()}
    record, cycles = sfu_record(
        r, name, "elemadd", [steps, LANES * width], registers, memory, out, masks, rows,
        **{f"adpbias_act{i + 1}": bias for i, bias in enumerate(biases)},
        base_input=[0, second], base_input_offset=[0, 0], gb_mode_config=4,
        reset_mode="0x800" if memory else "0x020", A_hex=matrix_hex(a), B_hex=matrix_hex(b),
        mask_mode=mode, in_mask_words=len(masks), in_mask_hex=mask_hex(masks),
        in_data_rows=len(rows), in_data_hex=rows_hex(rows))
    record.update({"C_hex": matrix_hex(c), "C_mask_words": len(c_masks),
                   "C_mask_hex": mask_hex(c_masks), "C_data_rows": len(c_rows),
                   "C_data_hex": rows_hex(c_rows),
                   "cycles_start_to_irq": 36 * width * steps + 2 * steps + 3,
                   "cycles_loads_stores": {**cycles, **store_cycles(len(c_masks))}})
    return record


def layernorm(r, name):
    while True:
        width, steps = r.randrange(1, 9), r.randrange(1, 7)
        x, mode = matrix_of(r, steps, LANES * width)
        if r.random() < 0.3:
            x[r.randrange(steps)] = [r.randrange(256)] * (LANES * width)  # variance 0
        masks, rows = pack(row_order(x), mode)
        masks, rows = masks + [0] * (-len(masks) % 4), movable(rows)
        out = output_base(r, len(masks), len(rows))
        if out is not None:
            break
    memory, base_gamma, base_beta = r.randrange(2), 16 * r.randrange(16), 16 * r.randrange(16)
    aux_rows = (max(base_gamma, base_beta) + LANES * width + 15) // 16
    aux = [r.randrange(256) for _ in range(16 * aux_rows)]
    bias, gamma_bias, beta_bias = r.randrange(8), r.randrange(8), r.randrange(8)
    y = []
    for row in x:
        words = [to_fixed(code, bias) for code in row]
        total = squares = 0
        for v in range(0, len(words), LANES):
            vector = words[v:v + LANES]
            total = wrap(total + wrap(sum(vector)), 20)
            squares = wrap(squares + wrap(sum(wrap(w * w >> 10) for w in vector)), 20)
        mean, mean_square = toward_zero(total, len(words)), toward_zero(squares, len(words))
        inverse = inverse_sqrt(wrap(mean_square - (wrap(mean * mean, 17) >> 10)))
        y.append([])
        for i, word in enumerate(words):
            parameter = aux[base_gamma + i]
            z = wrap(wrap(word - mean) * inverse >> 10)
            z = wrap(z * to_fixed(parameter, gamma_bias) >> 10)
            y[-1].append(to_code(wrap(z + to_fixed(parameter, beta_bias)), 10, bias))
    y_masks, y_rows = pack(row_order(y), "compact")
    registers = {"0x08": register((memory, 0, 1)), "0x48": register((out, 0, 12)),
                 "0x4c": register(), "0x50": register((1, 0, 1)), "0x54": register((1, 0, 4)),
                 "0x58": register((4, 6 * memory, 6)),
                 "0x1c": register((base_gamma, 7, 8), (base_beta, 15, 8), (gamma_bias, 26, 3),
                                  (beta_bias, 29, 3)),
                 "0x20": register((width, 0, 8), (steps, 8, 8), (bias, 16, 3)),
                 "0x14": register(), "0x18": register()}
    record, cycles = sfu_record(
        r, name, "layernorm", [steps, LANES * width], registers, memory, out, masks, rows,
        adpbias_act1=bias, adpbias_gamma=gamma_bias, adpbias_beta=beta_bias,
        base_gamma=base_gamma, base_beta=base_beta, base_input=[0, 0], base_input_offset=[0, 0],
        gb_mode_config=1, reset_mode="0x100" if memory else "0x004", X_hex=matrix_hex(x),
        mask_mode=mode, X_mask_words=len(masks), X_mask_hex=mask_hex(masks),
        X_data_rows=len(rows), X_data_hex=rows_hex(rows), aux_rows=aux_rows,
        aux_hex=bytes(aux).hex())
    record.update({"Y_hex": matrix_hex(y), "Y_mask_words": len(y_masks),
                   "Y_mask_hex": mask_hex(y_masks), "Y_data_rows": len(y_rows),
                   "Y_data_hex": rows_hex(y_rows),
                   "cycles_start_to_irq": 47 * width * steps + 2 * steps + 4,
                   "cycles_loads_stores": {**cycles, "load_aux": load_cycles(2 * aux_rows, 2 * aux_rows),
                                           **store_cycles(len(y_masks))}})
    return record


# ----------------------------------------------------------------------------
# Register streams
# ----------------------------------------------------------------------------

def stream(r, record):
    """The commands that carry `record` out, in one of the orders that the source takes."""
    registers = record["registers"]

    def write(address, data=None):
        return f"w {address} {registers[address] if data is None else data}"

    places = [8 * (0x20000 + 0x1000 * i + r.randrange(512)) for i in range(8)]
    r.shuffle(places)
    before, transfers = [], []

    def load(memory, prefix):
        for start, field, unit, address in ((3, "data", 16, "0x30"), (1, "mask", 2, "0x28")):
            image, place = record[f"{prefix}_{field}_hex"], places.pop()
            before.append({"addr": f"0x{place:x}", "hex": image})
            transfers.append([write("0x08", register((memory, 0, 1))),
                              write("0x40", register((len(image) // 2 // unit - 1, 0, 12))),
                              write(address, f"0x{place:08x}"), write("0x04", f"0x{start:08x}"),
                              "irq"])

    matrix = record["op"] == "matmul"
    memory = record["output_memory" if matrix else "memory"]
    if matrix:
        load(0, "A")
        load(1, "B")
    else:
        load(memory, "in" if record["op"] == "elemadd" else "X")
    if "aux_hex" in record:
        place = places.pop()
        before.append({"addr": f"0x{place:x}", "hex": record["aux_hex"]})
        transfers.append([write("0x44", register((record["aux_rows"] - 1, 0, 8))),
                          write("0x38", f"0x{place:08x}"), write("0x04", "0x00000005"), "irq"])
    r.shuffle(transfers)
    modes = [write("0x50"), write("0x58")] + ([] if matrix else [write("0x54")])
    r.shuffle(modes)
    once = [write(a) for a in registers if a in ("0x14", "0x18", "0x1c", "0x20", "0x0c", "0x10")]
    r.shuffle(once)
    configuration = [write("0x48"), write("0x4c")] + modes + once
    loads = [command for transfer in transfers for command in transfer]
    commands = configuration + loads if r.random() < 0.5 else loads + configuration
    start = {"matmul": 7, "layernorm": 8, "elemadd": 10}[record["op"]]
    commands += [write("0x08"), write("0x04", f"0x{start:08x}"), "irq", write("0x4c", register((1, 0, 1)))]
    result = "Y" if record["op"] == "layernorm" else "C"
    vectors = record[f"{result}_mask_words"]
    moved = vectors if vectors <= 128 else (vectors + 127) // 128 * 128
    after = []
    stores = [(2, "0x2c", "0x40", vectors, record[f"{result}_mask_hex"]),
              (4, "0x34", "0x40", moved, record[f"{result}_data_hex"])]
    r.shuffle(stores)
    for code, address, count, number, content in stores:
        place = places.pop()
        if code == 2:
            number, content = (number + 3) // 4 * 4, content  # whole beats
        commands += [write(count, register((number - 1, 0, 12))), write(address, f"0x{place:08x}"),
                     write("0x04", f"0x{code:08x}"), "irq"]
        after.append({"addr": f"0x{place:x}", "hex": content})
    return {"id": record["id"] + "-regs", "ref": record["id"], "op": record["op"],
            "dram_before": before, "commands": commands, "dram_after": after}


# ----------------------------------------------------------------------------
# Conversions
# ----------------------------------------------------------------------------

def convert(r):
    kind, bias = r.choice(("af8_to_fx10", "fx10_to_af8", "acc12_to_af8")), r.randrange(8)
    if kind == "af8_to_fx10":
        code = r.randrange(256)
        return {"t": kind, "bias": bias, "code": f"{code:02x}", "value": to_fixed(code, bias)}
    value = r.choice((-32768, 32767, -1, 1, 0, r.randrange(-32768, 32768),
                      r.choice((-1, 1)) * 2 ** r.randrange(15) + r.randrange(-2, 3)))
    code = to_code(value, 10 if kind == "fx10_to_af8" else 12, bias)
    return {"t": kind, "bias": bias, "value": value, "code": f"{code:02x}", "group": "random"}


def tables():
    def words(values):
        return b"".join((value % 65536).to_bytes(2, "little") for value in values).hex()
    return [{"t": "adpfloat_mul_table", "format": "int16 little-endian, entry index 256*a+b",
             "hex": words(product(i >> 8, i & 255) for i in range(65536))},
            {"t": "invsqrt_table", "format": "int16 little-endian, entry index = input",
             "hex": words(inverse_sqrt(i) for i in range(65536))}]


def make(seed, count):
    """{file: records}"""
    r = random.Random(seed)
    result = {op.__name__: [op(r, f"{op.__name__}-{seed}-{i}") for i in range(count)]
              for op in (matmul, elemadd, layernorm)}
    result["registers"] = [stream(r, record) for records in list(result.values()) for record in records]
    result["convert"] = [convert(r) for _ in range(20 * count)]
    return result


def main(seed, count, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = make(int(seed), int(count))
    made["convert"] += tables()
    for name, records in made.items():
        lines = (json.dumps(record, separators=(",", ":")) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text("".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
