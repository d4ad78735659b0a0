"""What the end-to-end tests share: running tools, reading streams, comparing logits.

Streams are read here by the definition in lib/Stream/Container.h, not through the project's own library, so that
a test does not believe the code it tests.
"""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import zlib

import numpy as np
import onnx

from aac import models
from aac.reference import evaluate, sqnr_db
from aac.sentences import sentence

SMALL = dict(vocab=100, embedding=32, hidden=64, layers=2, heads=4, ffn=128, positions=32, seq=16,
             adapter=16)
# Sizes that fit nothing: no multiple of the vector size anywhere.
ODD = dict(vocab=97, embedding=20, hidden=36, layers=3, heads=3, ffn=52, positions=16, seq=13,
           adapter=5, seed=3)
MACHINE = "edgebert-rram"


def fail(message):
    sys.exit(f"FAILED: {message}")


def expect(condition, message):
    if not condition:
        fail(message)


def run(*command, code=0, cores=None):
    """Runs a tool and returns its (stdout, stderr); `cores` limits the CPUs, and so the threads, it sees."""
    limit = (lambda: os.sched_setaffinity(0, cores)) if cores else None
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                            preexec_fn=limit)
    if result.returncode != code:
        fail(f"exit code {result.returncode}, expected {code}: {' '.join(map(str, command))}\n"
             f"{result.stdout}{result.stderr}")
    return result.stdout, result.stderr


def fresh(folder):
    """An empty folder in place of whatever was there."""
    shutil.rmtree(folder, ignore_errors=True)
    path = pathlib.Path(folder)
    path.mkdir(parents=True)
    return path


class Suite:
    """Models of some tasks, compiled together."""

    def __init__(self, folder, config, tasks, sentences=4):
        self.folder, self.config, self.tasks = fresh(folder), config, tasks
        self.sentences = sentences
        self.models = models.make_suite(config, tasks, self.folder / "models", sentences)

    def compile(self, name="out", *options, machine=MACHINE, cores=None):
        """Compiles into folder/name and returns that path."""
        out = self.folder / name
        inputs = [f"{task}={path}" for task, path in self.models.items()]
        run("aac", "compile", *inputs, f"--machine={machine}", *options, "-o", out, cores=cores)
        return out

    def compare(self, stream, bound_db=15.0, machine=MACHINE):
        """Runs all sentences; prints SQNR and top-1 agreement a task, fails below the bound."""
        worst = []
        for task, labels in self.tasks.items():
            model, wanted, got = onnx.load(str(self.models[task])), [], []
            for index in range(self.sentences):
                inputs = sentence(self.config, task, index)
                wanted.append(evaluate(model, inputs)["logits"])
                output = self.folder / f"{task}.{index}.out.npz"
                run("aac-sim", "run", stream, f"--machine={machine}", f"--task={task}",
                    f"--input={models.sentence_path(self.folder / 'models', task, index)}",
                    "-o", output)
                with np.load(output) as arrays:
                    expect(arrays.files == ["logits"], f"{output} holds {arrays.files}")
                    got.append(arrays["logits"])
                expect(got[-1].shape == (1, labels) and got[-1].dtype == np.float32,
                       f"logits of {task} are {got[-1].dtype} {got[-1].shape}")
            ratio = sqnr_db(wanted, got)
            agree = sum(int(np.argmax(w) == np.argmax(g)) for w, g in zip(wanted, got))
            print(f"{task}: SQNR {ratio:.1f} dB, top-1 agreement {agree}/{self.sentences}")
            if not ratio >= bound_db:
                worst.append(f"{task} has {ratio:.1f} dB, expected at least {bound_db}")
        expect(not worst, "; ".join(worst))


class Section:
    KINDS = {1: "machine", 2: "task", 3: "image", 4: "program", 5: "symbols", 6: "locations"}

    def __init__(self, kind, owners, metadata, data, size):
        self.kind, self.owners = self.KINDS[kind], owners
        self.metadata, self.data, self.size = metadata, data, size


def read_stream(path):
    """The sections of a stream, every length and checksum verified, and its bytes."""
    file = pathlib.Path(path).read_bytes()
    magic, version, size, count, crc = struct.unpack_from("<4sIQII", file)
    expect(magic == b"AACS" and version == 2, f"{path}: magic {magic}, version {version}")
    expect(size == len(file), f"{path}: {len(file)} bytes, its header says {size}")
    expect(crc == zlib.crc32(file[:20]), f"{path}: header checksum")
    sections, at = [], 24
    for _ in range(count):
        kind, metadata, owners, length, body_crc, head_crc = struct.unpack_from("<IIQQII", file, at)
        expect(head_crc == zlib.crc32(file[at:at + 28]), f"{path}: section header checksum at {at}")
        body = file[at + 32:at + 32 + length]
        expect(len(body) == length and body_crc == zlib.crc32(body), f"{path}: checksum at {at}")
        data = body[(metadata + 7) // 8 * 8:]
        whole = 32 + (length + 7) // 8 * 8
        sections.append(Section(kind, owners, body[:metadata], data, whole))
        at += whole
    expect(at == size, f"{path}: sections end at {at} of {size}")
    return sections, file


def size_by_owner(sections):
    """(bytes of all tasks, bytes of several, [bytes of each]) as the sections' owners say."""
    count = sum(section.kind == "task" for section in sections)
    shared, subset, alone = 24, 0, [0] * count
    for section in sections:
        owners = [t for t in range(count) if section.owners >> t & 1]
        expect(owners and section.owners >> count == 0, f"{section.kind} is owned by {owners}")
        if len(owners) == count:
            shared += section.size
        elif len(owners) > 1:
            subset += section.size
        else:
            alone[owners[0]] += section.size
    return shared, subset, alone


def expect_error(pattern, *command, output=None):
    """The command must fail with code 1 and one error that matches, and leave no output."""
    _, stderr = run(*command, code=1)
    errors = [line for line in stderr.splitlines() if "error:" in line]
    expect(len(errors) == 1, f"expected one error of {command}, got {len(errors)}:\n{stderr}")
    expect(re.search(pattern, errors[0]), f"error does not match '{pattern}':\n{stderr}")
    expect(len(stderr) < 2000, f"the error is {len(stderr)} characters long")
    if output is not None:
        left = sorted(path.name for path in pathlib.Path(output).rglob("*")) \
            if pathlib.Path(output).is_dir() else []
        expect(not left and not pathlib.Path(output).is_file(), f"output was left: {left}")
    print(f"refused: {errors[0]}")
