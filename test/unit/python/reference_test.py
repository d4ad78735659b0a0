"""The numpy reference: against the sample models' own results, and its number format by hand."""

import math
import os
import pathlib
import unittest

import numpy as np
import onnx

from aac.reference import adaptiv_float, evaluate, sqnr_db

SHARED = pathlib.Path(os.environ.get("AAC_SHARED")
                      or pathlib.Path(__file__).resolve().parents[4] / "shared")


class ReferenceTest(unittest.TestCase):

    @unittest.skipUnless((SHARED / "models").is_dir(), f"no sample models in {SHARED}")
    def test_sample_models(self):
        for path in sorted((SHARED / "models").glob("*.onnx")):
            model, cases = onnx.load(str(path)), np.load(path.with_suffix(".npz"))
            for case in range(int(cases["n"])):
                inputs = {name.split(".", 2)[2]: cases[name] for name in cases.files
                          if name.startswith(f"in.{case}.")}
                for kind, dtype, bound in (("out", np.float32, 1e-6), ("ref", np.float64, 1e-7)):
                    for name, value in evaluate(model, inputs, dtype).items():
                        with self.subTest(path.stem, case=case, kind=kind):
                            expected = cases[f"{kind}.{case}.{name}"]
                            self.assertLess(np.abs(value - expected).max(), bound)

    def test_unknown_operator_is_named(self):
        node = onnx.helper.make_node("Cosh", ["x"], ["y"], name="n1")
        value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
        model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [value], []))
        with self.assertRaisesRegex(KeyError, "'Cosh' of node 'n1'"):
            evaluate(model, {"x": np.zeros(1, np.float32)})

    def test_adaptiv_float(self):
        # The largest magnitude 1.5 gives exponents -7..0: smallest value 2^-7 * 17/16.
        smallest = 2.0**-7 * 17 / 16
        cases = [(1.5, 1.5), (-1.5, -1.5), (0.0, 0.0), (smallest, smallest),
                 (smallest / 2, smallest), (smallest * 0.49, 0.0), (-smallest * 0.75, -smallest),
                 (1 + 1 / 32, 1.0), (1 + 3 / 32, 1 + 2 / 16), (0.999, 1.0)]
        values = np.array([value for value, _ in cases])
        np.testing.assert_array_equal(adaptiv_float(values), [code for _, code in cases])
        self.assertEqual(adaptiv_float(np.array([1.99]))[0], 1.9375)
        np.testing.assert_array_equal(adaptiv_float(np.zeros(3)), np.zeros(3))

    def test_sqnr(self):
        self.assertEqual(sqnr_db([1.0, 2.0], [1.0, 2.0]), math.inf)
        self.assertAlmostEqual(sqnr_db([3.0, 4.0], [3.0, 4.5]), 20.0)


if __name__ == "__main__":
    unittest.main()
