"""Models with quantised (QuantizeLinear, DequantizeLinear), float16 and bfloat16 weights.

usage: quantised.py FOLDER

Checked as exports.py does: numpy, `aac eval` on onnx and on aac IR within 1e-5, and the accelerator. Models whose
activations are quantised too are evaluated as onnx and refused by name when they are raised.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

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


def bfloat16(array):
    """The nearest bfloat16 as the upper half of an f32."""
    bits = np.atleast_1d(array).astype(F32).view(np.uint32)
    return ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


class Half(adapter_forms.Forms):
    """Every float of the file is float16."""
    kind, outputs_too = TensorProto.FLOAT16, True

    def narrow(self, tensor):
        array = numpy_helper.to_array(tensor).astype(np.float16)
        return numpy_helper.from_array(array, tensor.name)

    def build(self):
        model, numbers = super().build(), {}
        narrow = self.narrow
        for node in model.graph.node:
            if node.op_type == "Constant" and node.attribute[0].t.data_type == TensorProto.FLOAT:
                numbers[node.output[0]] = onnx.TensorProto.FromString(
                    node.attribute[0].t.SerializeToString())
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT:
                tensor.CopyFrom(narrow(tensor))
        for node in model.graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.t.data_type == TensorProto.FLOAT:
                    attribute.t.CopyFrom(narrow(attribute.t))
                if node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                    attribute.i = self.kind
        outputs = [*model.graph.output] if self.outputs_too else []
        for info in [*model.graph.input, *outputs]:
            if info.type.tensor_type.elem_type == TensorProto.FLOAT:
                info.type.tensor_type.elem_type = self.kind
        if not self.outputs_too:  # a file whose inputs and outputs were kept as they were
            last = next(n for n in model.graph.node if model.graph.output[0].name in n.output)
            last.output[0] = "narrow"
            model.graph.node.append(helper.make_node("Cast", ["narrow"], [model.graph.output[0].name],
                                                     to=TensorProto.FLOAT))
        # Raised functions have their exact constants.
        self.exact = onnx.ModelProto.FromString(model.SerializeToString())
        for node in self.exact.graph.node:
            number = numbers.get(node.output[0])
            if number and not numpy_helper.to_array(number) < 0.01:  # no epsilon, no mask
                node.attribute[0].t.CopyFrom(number)
        return model


class HalfWithin(Half):
    outputs_too = False


class Brain(Half):
    """Every float of the file is bfloat16."""
    kind = TensorProto.BFLOAT16

    def narrow(self, tensor):
        bits = bfloat16(numpy_helper.to_array(tensor))
        return onnx.TensorProto(name=tensor.name, data_type=self.kind, dims=tensor.dims,
                                raw_data=bits.tobytes())


class BrainWithin(Brain):
    outputs_too = False


F16 = ("task task: the file's weights are f16, computed in f32: nothing in between is rounded to that, and the "
       "constants of functions that are written out are taken as exact")
BF16_LOWEST = -float.fromhex("0x1.fep127")
FORMS = {
    "columns": (Quantised, {}), "rows": (ByRows, dict(linear="transpose")),
    "gemm_rows": (ByRows, dict(linear="gemm")),
    "activations": (Activations, dict(refused="an activation that the file quantises")),
    "half": (Half, dict(opset=20, ln="native", gelu="op_tanh", mask_value=-65504.0, remark=F16)),
    "half_nodes": (Half, dict(ln="eps_left", mask_value=-65504.0, remark=F16)),
    "half_outputs": (HalfWithin, dict(mask="where_bool", mask_value=-65504.0, remark=F16)),
    "half_sum": (HalfWithin, dict(ln="sum_mul", gelu="summed", mask_value=-65504.0, remark=F16)),
    "half_erf": (HalfWithin, dict(gelu="erf_div", mask="where_fill", mask_value=-65504.0, remark=F16)),
    "half_erf_mul": (HalfWithin, dict(gelu="erf_mul", mask_value=-65504.0, remark=F16)),
    "half_sigmoid": (HalfWithin, dict(gelu="sigmoid", mask_value=-65504.0, remark=F16)),
    "half_one_constant": (HalfWithin, dict(gelu="one_constant", mask_value=-65504.0, remark=F16)),
    "brain": (Brain, dict(mask_value=BF16_LOWEST, remark="file's weights are bf16, computed in f32")),
    "brain_erf": (BrainWithin, dict(gelu="erf_div", opset=17, ln="native", mask_value=BF16_LOWEST,
                                    remark="file's weights are bf16, computed in f32")),
    "half_cubic": (HalfWithin, dict(gelu="cubic", mask_value=-65504.0, refused="gelu with cubic coefficient 0.045")),
    "half_quick": (Half, dict(gelu="quick", mask_value=-65504.0, refused=r"quick_gelu, x sigmoid\(1.702 x\)")),
    "narrow_in_f32": (adapter_forms.Forms, dict(gelu="narrow", refused="gelu with factor 0.7978515")),
}


def main(folder, *only):
    bad = 0
    for label, (exporter, options) in FORMS.items():
        if only and label not in only:
            continue
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
    sys.exit(main(*sys.argv[1:]))
