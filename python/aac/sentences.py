"""Seeded input sentences: [CLS] tokens [SEP] (tokens [SEP] for tasks over pairs), padded to the end."""

import zlib

import numpy as np

from aac.config import PAIR_TASKS

PAD, CLS, SEP, FIRST_WORD = 0, 2, 3, 4


def sentence(config, task, index):
    """The inputs of sentence `index` of a task: int64 arrays [1, seq] by input name.

    Sentence 0 fills three quarters of the sequence, sentence 1 all of it; later ones vary. Words are drawn
    by Zipf's law, as in text."""
    generator = np.random.Generator(
        np.random.PCG64([config.seed, zlib.crc32(f"sentence/{task}/{index}".encode())]))
    seq = config.seq
    length = {0: -(-3 * seq // 4), 1: seq}.get(index) or int(generator.integers(1, seq + 1))
    ids = np.full(seq, PAD, np.int64)
    words = config.vocab - FIRST_WORD
    ids[:length] = FIRST_WORD + (generator.zipf(1.1, length) - 1) % words
    ids[0] = CLS
    if length > 1:
        ids[length - 1] = SEP
    types = np.zeros(seq, np.int64)
    if task in PAIR_TASKS and length > 4 and config.types > 1:
        middle = length // 2
        ids[middle] = SEP
        types[middle + 1:length] = 1
    mask = (np.arange(seq) < length).astype(np.int64)
    return {"input_ids": ids[None], "attention_mask": mask[None], "token_type_ids": types[None]}
