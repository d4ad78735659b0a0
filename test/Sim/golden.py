"""Vectors of the CORRECTED engine, computed from its specification alone.

    python3 test/Sim/golden.py > test/Sim/Inputs/corrected.jsonl

Written from the text of docs/engine-arithmetic.md and docs/formats/numbers.md, not from the engine's code, in
integers and fractions, each step on its own. `aac-sim conformance` runs the result. docs/testing.md has the format.
"""

import functools
import json
import math
import sys
from fractions import Fraction

LANES = 16


class Random:
    """SplitMix64: the same numbers with every version of Python."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, n):
        """0 to n - 1."""
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return (z ^ z >> 31) % n

    def code(self, fields=range(8), zeros=0):
        """A code with an exponent field of `fields`; a zero code in `zeros` of 16 cases."""
        if self(16) < zeros:
            return 0
        return self(2) << 7 | fields[self(len(fields))] << 4 | self(16)

    def codes(self, count, fields=range(8), zeros=0):
        return [self.code(fields, zeros) for _ in range(count)]


# ---- Formats ----

def significand(code):
    field, mantissa = code >> 4 & 7, code & 15
    if field == 0 and mantissa == 0:
        return 0
    return (-1 if code & 0x80 else 1) * ((16 + mantissa) << field)


def value(code, bias):
    """What a code stands for: (-1)^s (1 + m/16) 2^(e + b - 10)."""
    field, mantissa = code >> 4 & 7, code & 15
    if field == 0 and mantissa == 0:
        return Fraction(0)
    magnitude = (1 + Fraction(mantissa, 16)) * Fraction(2)**(field + bias - 10)
    return -magnitude if code & 0x80 else magnitude


@functools.lru_cache(maxsize=None)
def magnitudes(bias):
    return [value(code, bias) for code in range(1, 128)]


@functools.lru_cache(maxsize=None)
def encode(number, unit_bits, bias):
    """The code of number * 2^-unit_bits under `bias`, and whether it saturated."""
    v = abs(Fraction(number, 2**unit_bits))
    sign = 0x80 if number < 0 else 0
    known = magnitudes(bias)
    if v < known[0] / 2:
        return 0x00, False
    if v < known[0]:
        return sign | 1, False
    if v > known[-1]:
        return sign | 0x7f, True
    above = next(i for i, m in enumerate(known) if m >= v)
    if known[above] == v:
        return sign | above + 1, False
    up, down = known[above] - v, v - known[above - 1]
    # The magnitude's code is the index and one; its last bit is the mantissa's.
    nearest = above if up < down or (up == down and (above + 1) % 2 == 0) else above - 1
    return sign | nearest + 1, False


def word(code, bias):
    """A code as a word of the special function unit, 14 fraction bits."""
    exact = value(code, bias) * 2**14
    assert exact.denominator == 1 and -2**19 <= exact < 2**19
    return int(exact)


def sat(number):
    return max(-2**19, min(2**19 - 1, number))


def wrap32(number):
    return (number + 2**31) % 2**32 - 2**31


def truncated(a, b):
    """a / b toward zero."""
    return abs(a) // b if a >= 0 else -(abs(a) // b)


# ---- Functions ----

def inverse_sqrt(variance):
    r = math.isqrt(2**44 // variance)
    n = r + 1 >> 1
    # Half up of 2^21 / sqrt(variance): n - 1/2 <= it < n + 1/2.
    assert (2 * n - 1)**2 * variance <= 2**44 < (2 * n + 1)**2 * variance
    return min(n, 524287)


@functools.lru_cache(maxsize=None)
def power_of_two(k):
    """round(2^30 * 2^(k/64)): the largest n with n - 1/2 <= 2^(30 + k/64)."""
    low, high = 2**30, 2**31
    while low < high:
        n = (low + high + 1) // 2
        if (2 * n - 1)**64 <= 2**(64 * 31 + k):
            low = n
        else:
            high = n - 1
    return low


LN2 = sum(Fraction(1, k * 2**k) for k in range(1, 120))
LOG2E_30, LN2_28 = math.floor(2**30 / LN2 + Fraction(1, 2)), math.floor(2**28 * LN2 + Fraction(1, 2))
assert (LOG2E_30, LN2_28) == (1549082005, 186065279)  # as docs/engine-arithmetic.md says


def exponential_parts(d):
    """p and w of exp(d * 2^-14)."""
    z = -(-d * LOG2E_30 + 2**19 >> 20)
    w, f = z >> 24, z % 2**24
    k, r = f >> 18, f % 2**18
    return power_of_two(k) + ((power_of_two(k + 1) - power_of_two(k)) * r + 2**17 >> 18), w


def exponential(d):
    """exp(d * 2^-14) for d <= 0 in units of 2^-20."""
    p, w = exponential_parts(d)
    return 0 if 10 - w > 32 else p + 2**(9 - w) >> 10 - w


def logarithm(s):
    """ln(s * 2^-20) in units of 2^-14."""
    n = s.bit_length() - 1
    m, l = s * 2**(31 - n), n - 20
    for _ in range(24):
        m, l = m * m >> 31, 2 * l
        if m >= 2**32:
            m, l = m >> 1, l + 1
    return l * LN2_28 + 2**37 >> 38


def layer_norm_row(x, gamma, beta):
    width = len(x)
    mean = truncated(sum(x), width)
    mean_square = truncated(min(sum(v * v >> 14 for v in x), 2**32 - 1), width)
    inverse = inverse_sqrt(max(1, mean_square - (mean * mean >> 14)))
    y = [sat((v - mean) * inverse + 2**13 >> 14) for v in x]
    y = [sat(v * g + 2**13 >> 14) for v, g in zip(y, gamma)]
    return [sat(v + b) for v, b in zip(y, beta)]


def softmax_row(x, span):
    counting = [i for i, s in enumerate(span) if s > 0]
    p = [0] * len(x)
    if not counting:
        return p
    most = max(x[i] for i in counting)
    e = {i: exponential(x[i] - most) * span[i] >> 14 for i in counting}
    total = min(sum(e.values()), 2**32 - 1)
    for i in counting:
        p[i] = sat((e[i] * 2**15 + total) // (2 * total))
    return p


def entropy_sixteenths(x):
    """The entropy in units of 2^-14 and 8 of them."""
    most = max(x)
    e = [exponential(v - most) for v in x]
    total, moment = sum(e), sum(a * (most - v) for a, v in zip(e, x))
    return logarithm(total) + (moment + total // 2) // total + 8


def entropy_row(x):
    return entropy_sixteenths(x) >> 4


# ---- Memories ----

def vector_index(row, j, vectors):
    """Where the j-th vector of a row lies, in block order."""
    return ((row // LANES) * vectors + j) * LANES + row % LANES


class Memory:
    """Data rows and mask words as far as they are used; zero elsewhere."""

    def __init__(self):
        self.data, self.mask = {}, {}

    def put_vector(self, at, codes):
        self.data[at], self.mask[at] = codes, 0xffff

    def put_rows(self, base, rows):
        """Dense, in block order; each row a multiple of 16 codes."""
        vectors = len(rows[0]) // LANES
        for t, row in enumerate(rows):
            for j in range(vectors):
                self.put_vector(base + vector_index(t, j, vectors), row[LANES * j:LANES * (j + 1)])

    def put_compact(self, base, offset, rows):
        """Non-zero codes alone, each lane by itself; data begin at row base - offset."""
        vectors = len(rows[0]) // LANES
        order = {vector_index(t, j, vectors): row[LANES * j:LANES * (j + 1)]
                 for t, row in enumerate(rows) for j in range(vectors)}
        counts = [0] * LANES
        for v in range(len(order)):
            self.mask[base + v] = 0
            for lane, code in enumerate(order[v]):
                if code & 0x7f:
                    self.mask[base + v] |= 1 << lane
                    self.data.setdefault(base - offset + counts[lane], [0] * LANES)[lane] = code
                    counts[lane] += 1

    def image(self, prefix, first=0, count=None):
        """The fields of a record: rows and words from `first` on."""
        rows = count or max(self.data, default=first - 1) + 1 - first
        words = count or max(self.mask, default=first - 1) + 1 - first
        data = b"".join(bytes(self.data.get(first + i, [0] * LANES)) for i in range(rows))
        mask = b"".join(self.mask.get(first + i, 0).to_bytes(2, "little") for i in range(words))
        return {prefix + "_data_hex": data.hex(), prefix + "_mask_hex": mask.hex()}


def emit(record):
    print(json.dumps({"semantics": "CORRECTED", **record}, separators=(",", ":")))


# ---- Records: operations ----

def mat_mul(name, a, b, shift=0, bias=None, relu=0, out_bias=3, base=(0, 0), offset=(0, 0), out=1, out_base=512,
            compact=(True, True)):
    """a: rows in memory 0, b: rows in memory 1; C[n1][n0] = sum of b[n1][k] * a[n0][k]."""
    memories = Memory(), Memory()
    for memory, rows, first, off, sparse in zip(memories, (a, b), base, offset, compact):
        if sparse:
            memory.put_compact(first, off, rows)
        else:
            memory.put_rows(first, rows)
    record = {"id": name, "op": "matmul", "N0": len(a), "N1": len(b), "M": len(a[0]), "is_relu": relu,
              "is_bias": int(bias is not None), "weight_bias": bias or 0, "adf_accum_bias": out_bias,
              "accum_right_shift": shift, "base_input": base, "base_input_offset": offset, "base_output": out_base,
              "output_memory": out, **memories[0].image("A"), **memories[1].image("B")}
    overflows = saturations = 0
    c = []
    left, right = [[[significand(code) for code in row] for row in rows] for rows in (a, b)]
    for row in right:
        c.append([])
        for column in left:
            total = sum(p * q for p, q in zip(row, column))
            overflows += not -2**31 <= total < 2**31
            x = wrap32(total) >> shift
            x = wrap32(x + (bias or 0))
            code, saturated = encode(max(x, 0) if relu else x, 12, out_bias)
            saturations += saturated
            c[-1].append(code)
    memories[out].put_rows(out_base, c)
    emit({**record, **memories[out].image("C", out_base, len(a) * len(b) // LANES), "saturations": saturations,
          "overflows": overflows})


def sfu(name, op, operands, biases, compute, pad=0, timesteps=None, memory=0, base=(0, 0), out_base=512,
        out_bias=None, extra=None, images=("X",), result="Y"):
    """Rows of words in, rows of words out. `operands`: rows of codes, padding lanes included."""
    stored = Memory()
    for rows, first in zip(operands, base):
        stored.put_rows(first, rows)
    timesteps = timesteps or len(operands[0])
    lanes = len(operands[0][0])
    width, vectors = lanes - pad, lanes // LANES
    record = {"id": name, "op": op, "num_vector": vectors, "num_timestep": timesteps, "pad_lanes": pad,
              **{f"adpbias_act{i + 1}": b for i, b in enumerate(biases)}, "memory": memory,
              "base_input": base, "base_input_offset": (0, 0), **(extra or {}), **stored.image(images[0])}
    words = [[[word(code, b) for code in row[:width]] for row in rows[:timesteps]]
             for rows, b in zip(operands, biases)]
    if op == "entropy":
        emit({**record, "entropy": compute(words[0][0])})
        return
    record = {**record, "adpbias_act3": out_bias, "base_output": out_base}
    saturations = 0
    for t in range(timesteps):
        coded = [encode(y, 14, out_bias) for y in compute(*[rows[t] for rows in words])]
        saturations += sum(s for _, s in coded)
        row = [code for code, _ in coded] + [0] * pad
        for j in range(vectors):
            stored.put_vector(out_base + vector_index(t, j, vectors), row[LANES * j:LANES * (j + 1)])
    count = -(-timesteps // LANES) * LANES * vectors
    emit({**record, **stored.image(result, out_base, count), "saturations": saturations})


def element_add(name, a, b, biases, out_bias, **more):
    vectors = len(a[0]) // LANES
    apart = -(-len(a) // LANES) * LANES * vectors
    more.setdefault("base", (0, apart))
    sfu(name, "elemadd", (a, b), biases, lambda x, y: [sat(p + q) for p, q in zip(x, y)], out_bias=out_bias,
        images=("in",), result="C", **more)


def auxiliary(*rows):
    """Rows of codes for the auxiliary memory: the hex, and where each begins."""
    bases, data = [], b""
    for row in rows:
        bases.append(len(data) // LANES)
        data += bytes(row)
    return data.hex(), bases


def layer_norm(name, x, gamma, beta, bias, gamma_bias, beta_bias, out_bias, pad=0, gap=0, **more):
    """`gap`: rows of the auxiliary memory before gamma."""
    aux, bases = auxiliary([0x7f] * LANES * gap, gamma, beta)
    width = len(gamma) - pad
    g, b = [[word(code, r) for code in row[:width]] for row, r in ((gamma, gamma_bias), (beta, beta_bias))]
    sfu(name, "layernorm", (x,), (bias,), lambda row: layer_norm_row(row, g, b), pad=pad, out_bias=out_bias,
        extra={"base_gamma": bases[1], "base_beta": bases[2], "adpbias_gamma": gamma_bias, "adpbias_beta": beta_bias,
               "aux_hex": aux}, **more)


def softmax(name, x, span, bias, span_bias, out_bias, pad=0, gap=0, **more):
    aux, bases = auxiliary([0x7f] * LANES * gap, span)
    s = [word(code, span_bias) for code in span[:len(span) - pad]]
    sfu(name, "softmax", (x,), (bias,), lambda row: softmax_row(row, s), pad=pad, out_bias=out_bias,
        extra={"base_attn_span": bases[1], "adpbias_attn_span": span_bias, "aux_hex": aux}, **more)


def entropy(name, row, bias, pad=0, **more):
    sfu(name, "entropy", ([row],), (bias,), entropy_row, pad=pad, **more)


# ---- Cases ----

def mat_mul_cases(random):
    def matrix(rows, columns, fields=range(8), zeros=0):
        return [random.codes(columns, fields, zeros) for _ in range(rows)]

    for out_bias in range(8):
        mat_mul(f"mm-bias{out_bias}", matrix(16, 16), matrix(16, 16), shift=13 - out_bias, out_bias=out_bias,
                bias=random(256) - 128 if out_bias % 2 else None, relu=out_bias // 2 % 2)
    mat_mul("mm-blocks", matrix(32, 48, zeros=5), matrix(48, 48, zeros=9), shift=11, base=(40, 7), offset=(13, 0),
            out=0, out_base=1000)
    mat_mul("mm-dense-masks", matrix(16, 32, zeros=8), matrix(16, 32, zeros=8), shift=9, base=(0, 3),
            compact=(False, False))
    dense_zeros = [[0x80 if random(4) == 0 else code for code in row] for row in matrix(16, 16, zeros=4)]
    mat_mul("mm-zero-codes", dense_zeros, matrix(16, 16), shift=8, compact=(False, True))

    # Rows, columns and whole operands of nothing.
    holes = matrix(32, 48, zeros=4)
    holes = [[0 if t in (3, 17) or k // LANES == 1 else code for k, code in enumerate(row)]
             for t, row in enumerate(holes)]
    mat_mul("mm-null-vectors", holes, matrix(16, 48, zeros=12), shift=10)
    nothing = [[0] * 16 for _ in range(16)]
    mat_mul("mm-null-operand", nothing, matrix(16, 16), shift=3)
    # What follows the accumulator alone: the sum is 0. 17 is half the smallest code of bias 3, in units of 2^-12.
    for bias in (-128, -35, -33, -17, -16, 0, 16, 17, 33, 34, 127):
        mat_mul(f"mm-scalar{bias:+d}", nothing, nothing, bias=bias, out_bias=3)
    mat_mul("mm-scalar-relu", nothing, nothing, bias=-128, relu=1, out_bias=0)

    # Ties of every mantissa, what lies one beside them, and shifts that cut negative sums.
    def of_sums(sums):
        """Operands of which C[0][n0] = 32 * sums[n0], each sum the significands of up to 16 codes."""
        by_size = sorted(((significand(c), c) for c in range(128)), reverse=True)
        rows = []
        for total in sums:
            row, rest = [], abs(total)
            for size, code in by_size:
                while 0 < size <= rest and rest - size not in range(1, 17):
                    row.append(code | (0x80 if total < 0 else 0))
                    rest -= size
            assert rest == 0 and len(row) <= 16, total
            rows.append(row + [0] * (16 - len(row)))
        one = [[0x10] * 16] + [[0] * 16 for _ in range(15)]  # significand 32
        return rows, one

    ties = [(2 * n + 1) * 2**e for n, e in zip(range(16, 32), (2, 3, 4, 5) * 4)]
    for sign in (1, -1):
        mat_mul(f"mm-ties{sign:+d}", *of_sums([sign * t for t in ties]), shift=5, out_bias=3)
        near = [sign * (t + (1 if i % 2 else -1)) for i, t in enumerate(t * 2 for t in ties)]
        mat_mul(f"mm-near-ties{sign:+d}", *of_sums(near), shift=5, out_bias=3)
    mat_mul("mm-floor", *of_sums([17, -17, 18, -18, 51, -51, 34, -34, 35, -35, 66, -66, 68, -68, 3968, -3968]),
            shift=8, out_bias=0, bias=0)

    # Saturation of both signs, and sums at the accumulator's ends: 136 squares of 3968 fit, 137 do not.
    large = matrix(16, 16, (6, 7))
    mat_mul("mm-saturation", large, matrix(16, 16, (6, 7)), shift=2, out_bias=0)
    mat_mul("mm-saturation-relu", large, matrix(16, 16, (6, 7)), shift=2, out_bias=7, relu=1)
    for count in (136, 137):
        ends = [[0x7f] * 144, [0xff] * 144, [0x7f, 0xff] * 72] + [[0] * 144 for _ in range(13)]
        some = [[0x7f] * count + [0] * (144 - count), [0xff] * count + [0] * (144 - count)]
        mat_mul(f"mm-overflow{count}", ends, some + [[0] * 144 for _ in range(14)], shift=16, bias=1, out_bias=7)
    mat_mul("mm-shift31", ends, some + [[0] * 144 for _ in range(14)], shift=31, bias=-2, out_bias=0)
    # -2^31 itself: 128 * (-4096 * 4096), 4096 as 2 * 2048.
    least = [[0x70] * 512] + [[0] * 512 for _ in range(15)]
    mat_mul("mm-least", least, [[0xf0] * 512] + [[0] * 512 for _ in range(15)], out_bias=7)
    mat_mul("mm-least-bias", least, [[0xf0] * 512] + [[0] * 512 for _ in range(15)], bias=-1, out_bias=7)

    # Large enough to be shared among threads (2^20 products).
    mat_mul("mm-shared", matrix(96, 112, zeros=14), matrix(112, 112, zeros=14), shift=10, out_base=1000)


def element_add_cases(random):
    def rows(count, vectors, fields=range(8)):
        return [random.codes(LANES * vectors, fields, 1) for _ in range(count)]

    for b in range(8):
        element_add(f"ea-bias{b}", rows(3, 2), rows(3, 2), (b, (b + 3) % 8), (b + 5) % 8, memory=b % 2,
                    pad=(0, 3, 15)[b % 3])
    element_add("ea-17-rows", rows(17, 1), rows(17, 1), (4, 4), 5, memory=1)
    element_add("ea-padding-is-not-read", rows(32, 1), rows(32, 1), (5, 4), 5, timesteps=18, pad=7)
    same = rows(2, 3)
    element_add("ea-twice-in-place", same, same, (4, 4), 5, base=(64, 64), out_base=64)
    # 507904 + 507904 leaves the word; +-524288 are 32, beyond the largest code.
    most = [[0x7f, 0xff] * 8, [0x7f, 0xff, 0x7e, 0xfe] * 4]
    element_add("ea-saturation", most, most, (7, 7), 7)
    element_add("ea-cancels", most, [[code ^ 0x80 for code in row] for row in most], (7, 7), 0)
    # Around half the smallest code of bias 7 (1088 in units of 2^-14), and ties.
    small = [[0x01, 0x81, 0x02, 0x82, 0x0f, 0x8f, 0x10, 0x90] * 2]
    element_add("ea-half-minimum", small, [[0x00, 0x80] * 8], (6, 0), 7)
    element_add("ea-half-minimum-less", small, [[0x81, 0x01] * 8], (6, 0), 7)
    element_add("ea-ties", [[0x40 | m for m in range(16)]], [[0x10, 0x90] * 8], (4, 2), 4)


def layer_norm_cases(random):
    def rows(count, vectors, fields=range(8)):
        return [random.codes(LANES * vectors, fields, 1) for _ in range(count)]

    def near_one(vectors):
        return [0x30 | random(32) for _ in range(LANES * vectors)]  # 1 to 4 at bias 7

    for b in range(8):
        layer_norm(f"ln-bias{b}", rows(3, 2), near_one(2), rows(1, 2, range(4))[0], b, (b + 2) % 8, (b + 1) % 8,
                   (b + 4) % 8, pad=(0, 5, 12)[b % 3], memory=b % 2, gap=b // 3)
    layer_norm("ln-width1", rows(4, 1), near_one(1), rows(1, 1)[0], 5, 7, 5, 6, pad=15)
    layer_norm("ln-width2", rows(4, 1), near_one(1), rows(1, 1)[0], 5, 7, 5, 6, pad=14)
    constant = [[code] * 48 for code in (0x7f, 0xff, 0x01, 0x81, 0x00, 0x80, 0x35)]
    layer_norm("ln-constant-rows", constant, near_one(3), rows(1, 3)[0], 7, 7, 5, 6, pad=1)
    layer_norm("ln-17-rows", rows(32, 1), near_one(1), rows(1, 1)[0], 3, 7, 4, 6, timesteps=17, pad=3)
    # One code apart: variances of few least significant bits, 1/sqrt near and at its largest.
    for bias in (0, 1):
        few = [[0x01] * 16, [0x01] * 15 + [0x81], [0x01, 0x81] * 8, [0x10, 0x90] * 8, [0x20, 0xa0] * 8,
               [0x30, 0xb0] * 8, [0x00] * 15 + [0x30], [0x40] * 8 + [0x41] * 8]
        layer_norm(f"ln-small-variance{bias}", few, [0x30] * 16, [0x00] * 16, bias, 7, 0, 7)
    # Gamma and beta at their ends: results leave the word and the largest code.
    ends = [0x7f, 0xff, 0x7f, 0xff] * 4
    layer_norm("ln-saturation", rows(2, 1), ends, [0x7f, 0x7f, 0xff, 0xff] * 4, 4, 7, 7, 7)
    layer_norm("ln-saturated-factor", [[0x00] * 15 + [0x7f]], ends, [0xff] * 16, 7, 7, 7, 7)
    # Mean squares saturate: 288 squares of 31 exceed 32 bits.
    # Among them rows whose quotient leaves the word: few lanes far from the mean, of too small a variance.
    wide = [[0x7f] * 288, [0x7f, 0xff] * 144] + [[0xff] * n + [0x7f] * (288 - n) for n in (3, 4, 200)]
    wide += [[code ^ 0x80 for code in row] for row in wide[2:4]]
    layer_norm("ln-sum-of-squares", wide, [0x10] * 288, [0x90] * 288, 7, 7, 4, 6)
    same = rows(5, 1)
    layer_norm("ln-in-place", same, near_one(1), rows(1, 1)[0], 4, 7, 4, 6, base=(32, 0), out_base=32)


def softmax_cases(random):
    one = {bias: 0x30 + 0x10 * (7 - bias) for bias in range(3, 8)}  # the code of 1

    def rows(count, vectors, fields=range(8)):
        return [random.codes(LANES * vectors, fields, 1) for _ in range(count)]

    for b in range(8):
        span_bias = 3 + b % 5
        softmax(f"sm-bias{b}", rows(3, 2), [one[span_bias]] * 32, b, span_bias, b, pad=(0, 3, 15)[b % 3],
                memory=b % 2, gap=b // 3)
        softmax(f"sm-flat{b}", [[0x35] * 48], [one[3]] * 48, 5, 3, b, pad=9)
    softmax("sm-width1", rows(3, 1), [one[3]] * 16, 5, 3, 3, pad=15)
    softmax("sm-masked", rows(3, 2), [one[4] if i % 3 else 0 for i in range(32)], 6, 4, 2, pad=2)
    # A negative span is none, either zero is none; the largest score has none.
    scores = [[0x7f] * 4 + [0x30, 0x20, 0xff, 0x00] * 3, [0xff] * 16]
    softmax("sm-negative-span", scores, [0x00, 0x80, 0xb0, 0x81] + [0x70] * 12, 6, 3, 2)
    softmax("sm-all-masked", rows(3, 2), [0x00, 0x80, 0x81, 0xff] * 8, 5, 3, 2)
    softmax("sm-weights", rows(3, 2), random.codes(32, range(8), 2), 5, 5, 2, pad=5)
    softmax("sm-smallest-weight", [[0x7f] * 2 + [0x00] * 14], [0x01, 0x01] + [0x7f] * 14, 7, 0, 2)
    softmax("sm-only-smallest-weight", [[0x7f] + [0x7e] * 15], [0x01] + [0x00] * 15, 7, 0, 3)
    softmax("sm-span-31", [[0x7f] * 144 + [0x7e] * 16], [0x7f] * 160, 7, 7, 0)  # the sum saturates
    # Scores far apart: exp at the end of its range, where a lane's share vanishes.
    steps = [[0x7f, 0xff] + [0x80 | c for c in range(0x20, 0x7c, 7)] + [0x00], [0x00] + [0xc0 | c for c in range(15)]]
    softmax("sm-far-apart", steps, [one[3]] * 16, 7, 3, 0)
    softmax("sm-17-rows", rows(32, 1), [one[3]] * 16, 4, 3, 2, timesteps=17, pad=3)
    softmax("sm-wide", [random.codes(256, range(6)) for _ in range(2)], [one[3]] * 256, 6, 3, 1, pad=1)
    same = rows(5, 2)
    softmax("sm-in-place", same, [one[3]] * 32, 5, 3, 2, base=(32, 0), out_base=32)


def entropy_cases(random):
    for b in range(8):
        entropy(f"en-bias{b}", random.codes(32, range(8), 1), b, pad=(0, 3, 13)[b % 3], memory=b % 2)
    for width in (1, 2, 3, 5, 16):
        entropy(f"en-width{width}", random.codes(16), 5, pad=16 - width)
        entropy(f"en-flat{width}", [0xd5] * width + [0x7f] * (16 - width), 5, pad=16 - width)
    edges = {0: [], 15: []}  # where a least significant bit decides
    while min(len(rows) for rows in edges.values()) < 6:
        row, bias = random.codes(16, range(8)), 4 + random(4)
        edge = edges.get(entropy_sixteenths([word(code, bias) for code in row]) % 16)
        if edge is not None:
            edge.append((row, bias))
    for last, rows in edges.items():
        for i, (row, bias) in enumerate(rows[:6]):
            entropy(f"en-edge{last}-{i}", row, bias)
    entropy("en-one-large", [0x7f] + [0xff] * 15, 7)
    entropy("en-one-small", [0xff] + [0x7f] * 15, 7)
    entropy("en-far-apart", [0x00] + [0x80 | c for c in range(0x20, 0x7a, 6)], 7)
    entropy("en-zeros", [0x00, 0x80] * 8, 3, base=(5, 0))
    entropy("en-wide", random.codes(256, range(7)), 7, pad=15)


# ---- Records: conversions and functions ----

def conversion_cases(random):
    for bias in range(8):
        emit({"t": "af8_to_q14", "bias": bias, "values": [word(code, bias) for code in range(256)]})
    for unit, bits in ("q14", 14), ("q12", 12):
        for bias in range(8):
            # Both sides of changes of the code, and what lies on them: ties, half the smallest code, the largest.
            known = [m * 2**bits for m in magnitudes(bias)]
            edges = [known[0] / 2, known[0], known[-1]] + [(p + q) / 2 for p, q in zip(known, known[1:])]
            if unit == "q12":
                edges = edges[:3] + [edges[3 + random(len(edges) - 3)] for _ in range(12)]
            numbers = sorted({n for edge in edges for n in range(math.ceil(edge) - 1, math.floor(edge) + 2)})
            numbers += [2**19 - 1, random(2**19)] if unit == "q14" else [2**31 - 1, random(2**31), random(2**20)]
            numbers += [-n for n in numbers] + [0, -2**19 if unit == "q14" else -2**31]
            coded = [encode(n, bits, bias) for n in numbers]
            emit({"t": unit + "_to_af8", "bias": bias, "values": numbers, "codes_hex": bytes(c for c, _ in coded).hex(),
                  "saturations": sum(s for _, s in coded)})


def function_cases(random):
    d = list(range(8)) + [2**e + i for e in range(3, 20) for i in (-1, 0, 1)] + [2**20 - 1]
    # Where the result vanishes: exp(d) under 2^-21, ln 2^21 = 14.56.
    d += [math.floor(21 * LN2 * 2**14) + i for i in range(-3, 4)] + [random(2**18) for _ in range(100)]
    # Where the last bit of p decides.
    d += [n for n in range(9, 2**16) for p, w in [exponential_parts(-n)]
          if (p + 2**(9 - w)) % 2**(10 - w) in (0, 2**(10 - w) - 1)]
    d = [-n for n in d]
    emit({"t": "exp", "arguments": d, "values": [exponential(n) for n in d]})
    v = list(range(1, 40)) + [2**e + i for e in range(6, 24) for i in (-1, 0, 1)] + [507904**2 >> 14]
    v += [random(2**e) + 1 for e in range(8, 24) for _ in range(8)]
    emit({"t": "inverse_sqrt", "arguments": v, "values": [inverse_sqrt(n) for n in v]})
    bins = (256, 512, 1024, 2048, 3072, 4096, 5120, 6144, 8192, 10240, 12288, 16384, 20480, 24576, 28672)
    for scale in (1, 3, 255):
        h = [n for low in bins for n in (low * scale - 1, low * scale) if n < 2**15]
        h += [-2**15, -scale, -1, 0, 2**15 - 1]
        ldo = [sum(low <= truncated(n, scale) for low in bins) for n in h]
        emit({"t": "dvfs", "scale": scale, "arguments": h, "ldo": ldo, "dco": [min(n, 14) for n in ldo]})
    s = list(range(1, 20)) + [2**e + i for e in range(5, 32) for i in (-1, 0, 1)] + [2**32 - 1]
    s += [2**20 * n for n in (3, 5, 16, 100, 1000, 4080)] + [random(2**e) + 1 for e in range(16, 33) for _ in range(8)]
    emit({"t": "ln", "arguments": s, "values": [logarithm(n) for n in s]})


def main():
    if len(sys.argv) > 1:
        sys.exit("usage: golden.py > corrected.jsonl")
    for seed, cases in enumerate((conversion_cases, function_cases, mat_mul_cases, element_add_cases,
                                  layer_norm_cases, softmax_cases, entropy_cases)):
        cases(Random(seed))


if __name__ == "__main__":
    main()
