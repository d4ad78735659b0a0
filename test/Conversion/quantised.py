"""Models with quantised (QuantizeLinear, DequantizeLinear) and float16 weights.

usage: quantised.py FOLDER

Checked as exports.py does: numpy, `aac eval` on onnx and on aac IR within 1e-5, and the accelerator. Models whose
activations are quantised too are evaluated as onnx and refused by name when they are raised.
"""

import pathlib
import sys

import numpy as np
from onnx import TensorProto, numpy_helper

import adapter_forms
import exports
from exporter import F32
from exports import Failure

SQNR_DB = 12.0


class Quantised(adapter_forms.Forms):
    """Weights in int8 on their rows or columns, tables in uint8."""
    rows = activations = False

    def initializer(self, array, name=None):
        array = np.array(array)
        if array.ndim != 2 or array.dtype != F32:
            return super().initializer(array, name)
        tables = name is not None and "embeddings" in name
        axis = 0 if self.rows else 1
        if tables:
            low, high = min(0, array.min()), max(0, array.max())
            scale = F32((high - low) / 255)
            zero = np.uint8(np.rint(-low / scale))
        else:
            scale = (np.abs(array).max(1 - axis) / 127).astype(F32)
            zero = np.zeros(scale.shape, np.int8)
        along = np.expand_dims(scale, 1 - axis) if scale.ndim else scale
        limits = np.iinfo(zero.dtype)
        shift = zero if tables else 0
        codes = np.clip(np.rint(array / along) + shift, limits.min, limits.max).astype(zero.dtype)
        stored = super().initializer(codes, name)
        return self.op("DequantizeLinear", stored, super().initializer(scale),
                       super().initializer(zero), axis=axis)

    def linear(self, x, name, *rest, **options):
        # One only: a code that rounds the other way on another BLAS is far more than 1e-5.
        if self.activations and name.endswith("embedding_hidden_mapping_in"):
            scale, zero = super().initializer(F32(0.05)), super().initializer(np.int8(3))
            x = self.op("DequantizeLinear", self.op("QuantizeLinear", x, scale, zero), scale, zero)
        return super().linear(x, name, *rest, **options)


class ByRows(Quantised):
    rows = True


class Activations(Quantised):
    """The first linear's input per tensor, too."""
    activations = True


class Half(adapter_forms.Forms):
    """Every float of the file is float16."""

    def build(self):
        model = super().build()
        narrow = lambda t: numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float16), t.name)
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT:
                tensor.CopyFrom(narrow(tensor))
        for node in model.graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.t.data_type == TensorProto.FLOAT:
                    attribute.t.CopyFrom(narrow(attribute.t))
                if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                    attribute.i = TensorProto.FLOAT16
        for info in [*model.graph.input, *model.graph.output]:
            if info.type.tensor_type.elem_type == TensorProto.FLOAT:
                info.type.tensor_type.elem_type = TensorProto.FLOAT16
        return model


FORMS = {
    "columns": (Quantised, {}), "rows": (ByRows, dict(linear="transpose")),
    "gemm_rows": (ByRows, dict(linear="gemm")),
    "activations": (Activations, dict(refused="an activation that the file quantises")),
    "half": (Half, dict(opset=20, ln="native", gelu="op_tanh", mask_value=-65504.0)),
}


def main(folder):
    bad = 0
    for label, (exporter, options) in FORMS.items():
        try:
            exports.Exporter = exporter
            form = exports.Form({"ln": "eps_left", "gelu": "late", "adapters": "none", **options},
                                pathlib.Path(folder) / label, True)
            verdict = exports.check(form, None)
            if not form.refused:
                ratio = form.simulate(None)
                verdict += f", SQNR {ratio:.1f} dB"
                if not ratio >= SQNR_DB:
                    raise Failure(f"SQNR {ratio:.1f} dB on the accelerator, expected {SQNR_DB}")
            print(f"ok {label}: {verdict}", flush=True)
        except Exception as problem:
            print(f"FAILED {label}: {type(problem).__name__} {problem}", flush=True)
            bad += 1
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
