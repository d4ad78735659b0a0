"""Makes adapter-ALBERT models as ONNX files, one a task, and sample sentences for them.

  python3 -m aac.models --suite=demo -o out/models
  python3 -m aac.models --task sst2=2 --task mnli=3 --hidden 64 --heads 4 --ffn 128 --layers 2 ... -o DIR

writes DIR/<task>.onnx, DIR/<task>.npz (sentence 0) and DIR/<task>.<i>.npz (sentence i, with --sentences).
The backbone is bit-identical in all files of a suite; the same arguments give the same bytes.
"""

import argparse
import dataclasses
import pathlib
import sys

import numpy as np

from aac import albert, weights
from aac.config import ACTIVATIONS, DEMO_TASKS, PLACES, Config
from aac.sentences import sentence


def make_suite(config, tasks, folder, sentences=1):
    """Writes models and sentences of `tasks` ({name: labels}) to `folder`; returns the models' paths."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shared, paths = weights.backbone(config), {}
    for task, labels in tasks.items():
        paths[task] = folder / f"{task}.onnx"
        albert.save(albert.build(config, task, {**shared, **weights.task(config, task, labels)}),
                    paths[task])
        for index in range(sentences):
            np.savez(sentence_path(folder, task, index), **sentence(config, task, index))
    return paths


def sentence_path(folder, task, index):
    return pathlib.Path(folder) / (f"{task}.{index}.npz" if index else f"{task}.npz")


def _task(text):
    name, separator, labels = text.partition("=")
    if not (separator and name.isidentifier() and labels.isdigit() and int(labels) > 0):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=LABELS, as in sst2=2")
    return name, int(labels)


def _arguments(arguments):
    parser = argparse.ArgumentParser(prog="python3 -m aac.models", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=["demo"],
                        help="demo: the five tasks of the demo, ALBERT-base with adapters of size 64")
    parser.add_argument("--task", action="append", type=_task, default=[], metavar="NAME=LABELS",
                        help="a task and its number of labels; may repeat")
    parser.add_argument("-o", "--output", required=True, metavar="DIR")
    parser.add_argument("--sentences", type=int, default=1, help="sample sentences a task (1)")
    choices = {"adapter_place": list(PLACES), "activation": ACTIVATIONS,
               "adapter_activation": ACTIVATIONS}
    for field in dataclasses.fields(Config):
        flag = "--" + field.name.replace("_", "-")
        if field.type in ("bool", bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            parser.add_argument(flag, type=type(field.default), default=field.default,
                                choices=choices.get(field.name),
                                help=f"(default {field.default})")
    result = parser.parse_args(arguments)
    if result.suite and result.task:
        parser.error("give --suite or --task, not both")
    if not result.suite and not result.task:
        parser.error("give --suite=demo or at least one --task NAME=LABELS")
    names = [field.name for field in dataclasses.fields(Config)]
    try:
        config = Config(**{name: getattr(result, name) for name in names})
    except ValueError as error:
        parser.error(str(error))
    return config, DEMO_TASKS if result.suite else dict(result.task), result


def main(arguments=None):
    config, tasks, options = _arguments(arguments)
    paths = make_suite(config, tasks, options.output, options.sentences)
    for task, path in paths.items():
        print(f"{path}: {tasks[task]} label{'s' if tasks[task] > 1 else ''}, "
              f"{path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
