"""The models that aac.models makes: reproducible, one backbone, and written as the exporter writes."""

import collections
import dataclasses
import pathlib
import tempfile
import unittest

import numpy as np
import onnx
from onnx import numpy_helper

from aac import albert, models, weights
from aac.config import ACTIVATIONS, Config
from aac.reference import evaluate
from aac.sentences import sentence

ODD = Config(vocab=97, embedding=20, hidden=36, layers=3, heads=3, ffn=52, positions=16, seq=13,
             adapter=5)


def build(config, task="sst2", labels=2):
    return albert.build(config, task,
                        {**weights.backbone(config), **weights.task(config, task, labels)})


def change(**fields):
    return dataclasses.replace(ODD, **fields)


class ModelsTest(unittest.TestCase):

    def test_same_arguments_give_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            for folder in (first, second):
                models.make_suite(ODD, {"sst2": 2, "stsb": 1}, folder, sentences=2)
            names = sorted(path.name for path in pathlib.Path(first).iterdir())
            self.assertEqual(names, ["sst2.1.npz", "sst2.npz", "sst2.onnx",
                                     "stsb.1.npz", "stsb.npz", "stsb.onnx"])
            for name in names:
                self.assertEqual(pathlib.Path(first, name).read_bytes(),
                                 pathlib.Path(second, name).read_bytes(), name)

    def test_tasks_share_the_backbone_and_nothing_else(self):
        tensors = []
        for task, labels in (("sst2", 2), ("mnli", 3)):
            model = build(ODD, task, labels)
            tensors.append({t.raw_data for t in model.graph.initializer})
        backbone = {np.ascontiguousarray(array.T if array.ndim == 2 and "embeddings" not in name
                                         else array).tobytes()
                    for name, array in weights.backbone(ODD).items()}
        positions = np.arange(ODD.seq, dtype=np.int64)[None].tobytes()
        self.assertEqual(tensors[0] & tensors[1], backbone | {positions})

    def test_another_seed_changes_every_tensor(self):
        for name, array in weights.backbone(change(seed=2)).items():
            self.assertFalse(np.array_equal(array, weights.backbone(ODD)[name]), name)

    def test_every_choice_passes_the_onnx_checker_and_runs(self):
        choices = [{"opset": opset} for opset in range(11, 18)]
        choices += [{"activation": a, "adapter_activation": a} for a in ACTIVATIONS]
        choices += [{"adapter": 0}, {"shared_adapters": True}, {"shared_layer_norms": False},
                    {"adapter_place": "ffn"}, {"adapter_place": "attention"}, {"types": 1},
                    {"mask_value": -10000.0}, {"layers": 1}, {"seq": 1}]
        for fields in choices:
            with self.subTest(**fields):
                config = change(**fields)
                model = build(config, labels=3)
                onnx.checker.check_model(model)
                logits = evaluate(model, sentence(config, "sst2", 0))["logits"]
                self.assertEqual(logits.shape, (1, 3))
                self.assertTrue(np.isfinite(logits).all())

    def test_it_is_written_as_the_exporter_writes(self):
        model = build(ODD)
        ops = collections.Counter(node.op_type for node in model.graph.node)
        layers, matrices = ODD.layers, 6  # query, key, value, dense, ffn, ffn_output
        self.assertEqual(ops["Identity"], (layers - 1) * matrices)
        self.assertEqual(ops["MatMul"], 1 + layers * (matrices + 2 + 4))
        self.assertEqual(ops["Gemm"], 2)
        self.assertEqual(ops["ReduceMean"], 2 * (1 + 2 * layers))
        self.assertEqual(ops["Shape"], layers)
        self.assertNotIn("LayerNormalization", ops)
        self.assertEqual(sum(t.name.startswith("onnx::MatMul_") for t in model.graph.initializer),
                         1 + matrices + 4 * layers)
        names = {t.name for t in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Add" and any(n.endswith(".bias") for n in node.input):
                if "Norm" not in node.name and "layer_norm" not in node.name:
                    self.assertIn(node.input[0], names, node.name)

    def test_opset_17_has_native_layer_norms(self):
        ops = collections.Counter(node.op_type for node in build(change(opset=17)).graph.node)
        self.assertEqual(ops["LayerNormalization"], 1 + 2 * ODD.layers)
        self.assertNotIn("ReduceMean", ops)

    def test_every_tensor_moves_the_logits(self):
        model = build(ODD)
        inputs = sentence(ODD, "qnli", 1)
        before = evaluate(model, inputs)["logits"]
        for tensor in model.graph.initializer:
            if tensor.data_type != onnx.TensorProto.FLOAT:
                continue
            if tensor.name.endswith("key.bias"):
                continue  # adds the same to all scores of a query, which softmax takes out
            with self.subTest(tensor.name):
                saved = tensor.raw_data
                scaled = numpy_helper.to_array(tensor) * np.float32(1.5)
                tensor.raw_data = scaled.tobytes()
                self.assertGreater(np.abs(evaluate(model, inputs)["logits"] - before).max(), 1e-4)
                tensor.raw_data = saved

    def test_padding_does_not_matter(self):
        model, inputs = build(ODD), sentence(ODD, "sst2", 0)
        before = evaluate(model, inputs)["logits"]
        inputs["input_ids"][inputs["attention_mask"] == 0] = 17
        np.testing.assert_array_equal(evaluate(model, inputs)["logits"], before)

    def test_wrong_sizes_are_refused(self):
        for fields, words in (({"heads": 5}, "multiple of heads"), ({"seq": 99}, "longer"),
                              ({"adapter": -1}, "adapter"), ({"opset": 18}, "opset 18"),
                              ({"activation": "elu"}, "elu"), ({"vocab": 4}, "vocab")):
            with self.assertRaisesRegex(ValueError, words):
                change(**fields)


if __name__ == "__main__":
    unittest.main()
