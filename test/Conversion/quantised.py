"""Models with quantised (QuantizeLinear, DequantizeLinear), float16 and bfloat16 weights.

usage: quantised.py FOLDER

Checked as exports.py does: numpy, `aac eval` on onnx and on aac IR within 1e-5, and the accelerator. Activations are
quantised by `quantise_activations` in the ways that onnxruntime's static quantisation has: their rounding is exact on
onnx and on aac IR, in a loop too, and gives way to the accelerator's formats. What is no pair with one scale is
refused by name.
"""

import copy
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import adapter_forms
import exports
from aac.reference import evaluate
from exporter import F32
from exports import Failure

SQNR_DB = 12.0


class Quantised(adapter_forms.Forms):
    """Weights in int8 on their rows or columns, tables in uint8."""
    rows = False

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


class ByRows(Quantised):
    rows = True


def constants(model):
    """Tensors that do not depend on an input of the model."""
    known = {tensor.name for tensor in model.graph.initializer} | {""}
    for node in model.graph.node:
        if all(name in known for name in node.input):
            known.update(node.output)
    return known


# Operators of onnxruntime's static quantisation that are in these models, and products' inputs alone.
EVERYWHERE = ("MatMul", "Gemm", "Softmax", "Transpose", "Reshape", "LayerNormalization")
PRODUCTS = ("MatMul", "Gemm")
# A value of these many steps from the middle of two codes is the same code whatever adds it up.
MARGIN = 2e-5


class Rounding:
    """QuantizeLinear, DequantizeLinear behind each activation that an operator of `ops` reads (and, unless only
    inputs are, makes), with a scale that its values on `inputs` ask for."""

    def __init__(self, model, inputs, ops=EVERYWHERE, kind="int8", only_inputs=False, shared=False,
                 softmax_inputs=False):
        self.model, self.inputs = copy.deepcopy(model), inputs
        self.kind, self.shared = kind, shared
        nodes, known = list(self.model.graph.node), constants(model)
        chosen = [node for node in nodes if node.op_type in ops]
        # Scores with -3e38 for padding have no scale.
        read = {name for node in chosen for name in node.input if node.op_type != "Softmax" or softmax_inputs}
        self.wanted = read | {name for node in chosen for name in node.output if not only_inputs}
        self.wanted -= known | {value.name for value in self.model.graph.output}
        for array in self.observed(self.model).values():
            self.wanted -= {name for name, values in array.items() if values.dtype != F32}
        self.wanted -= {value.name for value in self.model.graph.input}

    def observed(self, model):
        """Values of each sentence by name."""
        seen = {}
        for index, arrays in enumerate(self.inputs):
            values = seen[index] = {}
            evaluate(model, arrays, observe=lambda node, value, values=values: values.setdefault(
                (node.output[0]), value))
        return seen

    def scale(self, low, high, factor):
        """Scale and zero point for values from low to high."""
        if self.kind == "int8":
            return F32(max(-low, high) / 127 * factor), np.int8(0)
        if self.kind == "uint8_symmetric":
            return F32(max(-low, high) / 127 * factor), np.uint8(128)
        low, high = min(low, 0), max(high, 0)
        scale, dtype = F32((high - low) / 255 * factor), np.uint8 if self.kind == "uint8" else np.int8
        return scale, dtype(np.clip(np.rint(np.iinfo(dtype).min - low / scale), np.iinfo(dtype).min,
                                    np.iinfo(dtype).max))

    def add(self, names, scale, zero):
        model = copy.deepcopy(self.model)
        step, point = f"scale{len(model.graph.initializer)}", f"zero{len(model.graph.initializer)}"
        model.graph.initializer.extend([numpy_helper.from_array(np.array(scale), step),
                                        numpy_helper.from_array(np.array(zero), point)])
        del model.graph.node[:]
        renamed = {}
        for node in self.model.graph.node:
            copied = copy.deepcopy(node)
            copied.input[:] = [renamed.get(name, name) for name in node.input]
            model.graph.node.append(copied)
            for name in node.output:
                if name in names:
                    renamed[name] = f"{name}_rounded"
                    model.graph.node.extend([
                        helper.make_node("QuantizeLinear", [name, step, point], [f"{name}_codes"], name=f"{name}/Q"),
                        helper.make_node("DequantizeLinear", [f"{name}_codes", step, point], [renamed[name]],
                                         name=f"{name}/DQ")])
        return model

    def apart(self, model, names, scale):
        """No value is so near the middle of two codes that another order of additions decides."""
        for values in self.observed(model).values():
            for name in names:
                steps = values[name].astype(np.float64) / scale
                if np.abs(np.abs(steps - np.floor(steps)) - 0.5).min() < MARGIN:
                    return False
        return True

    def run(self):
        order = [name for node in self.model.graph.node for name in node.output if name in self.wanted]
        if not order:
            raise Failure("nothing to round")
        for names in [order] if self.shared else [[name] for name in order]:
            seen = self.observed(self.model)
            low = min(values[name].min() for values in seen.values() for name in names)
            high = max(values[name].max() for values in seen.values() for name in names)
            for attempt in range(60):
                scale, zero = self.scale(float(low), float(high), 1 + 0.01 * attempt)
                model = self.add(names, scale, zero)
                if self.apart(model, names, scale):
                    break
            else:
                raise Failure(f"no scale keeps {names[0]} apart from the middle of codes")
            self.model = model
        return self.model


class Static(Quantised):
    """Weights, and activations: `rounding` says which."""
    rounding = {}

    def build(self):
        model = super().build()
        return Rounding(model, [self.example(seed) for seed in (0, 1)], **self.rounding).run()


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
    # Activations, as onnxruntime's static quantisation has them.
    "inputs": (Static, dict(rounding=dict(ops=PRODUCTS, only_inputs=True))),
    "products": (Static, dict(rounding=dict(ops=PRODUCTS))),
    "everywhere": (Static, dict(rounding={})),
    "everywhere_gemm": (Static, dict(linear="gemm", rounding={})),
    "uint8": (Static, dict(rounding=dict(kind="uint8"))),
    "uint8_symmetric": (Static, dict(rounding=dict(kind="uint8_symmetric"))),
    "asymmetric": (Static, dict(rounding=dict(kind="int8_asymmetric"))),
    "one_scale": (Static, dict(adapters="none", loops=1, rounding=dict(shared=True, ops=PRODUCTS, only_inputs=True))),
    "own_scales": (Static, dict(adapters="none", loops=0, rounding=dict(ops=PRODUCTS, only_inputs=True))),
    "softmax_input": (Static, dict(mask_value=-10000.0, refused="addition that broadcasts",
                                   rounding=dict(ops=("Softmax",), softmax_inputs=True))),
}


def looped(form, loops):
    """Rolled with its roundings in it the suite means the same; layers that round with other scales stay apart."""
    exports.must("aac-opt", "--pass-pipeline=builtin.module(any(aac-share,aac-roll))", form.folder / "aac.mlir", "-o",
                 form.folder / "rolled.mlir")
    text = (form.folder / "rolled.mlir").read_text()
    if text.count("aac.loop") != loops:
        raise Failure(f"{text.count('aac.loop')} loops, expected {loops}")
    return f", rolled {form.compare(form.folder / 'rolled.mlir'):.0e}"


def main(folder, *only):
    bad = 0
    for label, (exporter, options) in FORMS.items():
        if only and label not in only:
            continue
        try:
            options = dict(options)
            expected = {"loops": options.pop("loops")} if "loops" in options else {}
            exports.Exporter = exporter
            exporter.rounding = options.pop("rounding", {})
            form = exports.Form({"gelu": "late", "adapters": "none", **options},
                                pathlib.Path(folder) / label, True)
            verdict = exports.check(form, None)
            if "loops" in expected:
                verdict += looped(form, expected["loops"])
            if not form.refused:
                cases = form.folder / "cases.npz"
                np.savez(cases, **{f"in.{i}.{name}": array for i, arrays in enumerate(form.inputs)
                                   for name, array in arrays.items()})
                form.bind.append(f"--calibrate=task={cases}")
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
