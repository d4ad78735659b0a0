"""Every way of writing adapters, LoRA, linears, layer norms and functions: what exports.py checks of each form,
and that the parameters of what is added to the backbone have the role `adapter`, in two tasks as in one.

usage: adapter_forms.py FOLDER GROUP [FORM...]
"""

import json
import math
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper

import exporter
import exports
from aac import weights
from exporter import F32, Exporter
from exports import Failure, check, must

ROOT2, K, C = math.sqrt(2), math.sqrt(2 / math.pi), 0.044715
exporter.DEFAULTS.update(function="gelu", gelu="new", ln="new", adapter="plain", act="relu", width=5,
                         shared=False, lora=None, line="new", seed=1)


class Forms(Exporter):
    """The model of exporter.py with other spellings of its parts."""
    epsilon = 1e-5  # of layer norms

    def random(self, *shape):
        return (self.rng.standard_normal(shape) * 0.3).astype(F32)

    # -- functions ---------------------------------------------------------

    def mul(self, *factors):
        result = factors[0]
        for factor in factors[1:]:
            result = self.op("Mul", result, factor)
        return result

    def cube(self, x, how):
        return {"pow": lambda: self.op("Pow", x, self.const(3.0)),
                "xx_x": lambda: self.mul(self.mul(x, x), x), "x_xx": lambda: self.mul(x, self.mul(x, x)),
                "square": lambda: self.mul(self.op("Pow", x, self.const(2.0)), x)}[how]()

    def gelu(self, x):
        return self.function(x, self.o.gelu) if self.o.gelu != "new" else super().gelu(x)

    def bent(self, x, c3=C, k=K, cube="pow", swap=False):
        """tanh(k (x + c3 x^3))"""
        pair = (lambda a, b: (b, a)) if swap else (lambda a, b: (a, b))
        small = self.op("Mul", *pair(self.cube(x, cube), self.const(c3)))
        inner = self.op("Mul", *pair(self.op("Add", *pair(x, small)), self.const(k)))
        return self.op("Tanh", inner)

    def function(self, x, kind):
        const, mul, add = self.const, self.mul, self.add
        if kind in ("Relu", "Tanh", "Sigmoid"):
            return self.op(kind, x)
        if kind.startswith("cube_"):
            return mul(mul(x, const(0.5)), add(self.bent(x, cube=kind[5:]), const(1.0)))
        if kind == "swapped":
            return mul(add(const(1.0), self.bent(x, swap=True)), mul(const(0.5), x))
        if kind == "late":
            return mul(mul(x, add(const(1.0), self.bent(x))), const(0.5))
        if kind == "halved":
            return self.op("Div", mul(x, add(self.bent(x), const(1.0))), const(2.0))
        if kind == "half_inside":
            return mul(x, add(mul(self.bent(x), const(0.5)), const(0.5)))
        if kind == "summed":
            half = mul(x, const(0.5))
            return add(half, mul(half, self.bent(x)))
        if kind == "factored":
            return mul(x, add(const(1.0), self.op("Tanh", mul(
                x, add(const(1.0), mul(const(C), mul(x, x))), const(K)))), const(0.5))
        if kind == "one_constant":  # as onnxruntime's FastGelu computes it
            inner = mul(x, add(mul(const(K * C), mul(x, x)), const(K)))
            return mul(x, add(const(0.5), mul(const(0.5), self.op("Tanh", inner))))
        if kind == "neighbours":
            near = lambda v: float(np.nextafter(F32(v), F32(9)))
            return mul(mul(x, const(0.5)), add(self.bent(x, near(C), near(K)), const(1.0)))
        if kind == "narrow":  # constants that f16 holds, whatever holds them
            near = lambda v: float(np.float16(v))
            return mul(mul(x, const(0.5)), add(self.bent(x, near(C), near(K)), const(1.0)))
        if kind == "sigmoid":
            inner = mul(add(x, mul(const(C), self.cube(x, "pow"))), const(2 * K))
            return mul(x, self.op("Sigmoid", inner))
        if kind == "erf_div":
            return mul(x, add(self.op("Erf", self.op("Div", x, const(ROOT2))), const(1.0)), const(0.5))
        if kind == "erf_mul":
            return mul(mul(const(0.5), x), add(const(1.0), self.op("Erf", mul(x, const(1 / ROOT2)))))
        if kind == "erf_neighbour":
            root = float(np.nextafter(F32(ROOT2), F32(0)))
            return mul(x, mul(const(0.5), add(self.op("Erf", self.op("Div", x, const(root))), const(1.0))))
        if kind == "op":
            return self.op("Gelu", x)
        if kind == "op_tanh":
            return self.op("Gelu", x, approximate="tanh")
        if kind == "silu":
            return mul(x, self.op("Sigmoid", x))
        if kind == "silu_left":
            return mul(self.op("Sigmoid", x), x)
        if kind == "clip":
            return self.op("Clip", x, const(0.0))
        if kind == "max":
            return self.op("Max", const(0.0), x)
        if kind == "relu6":
            return self.op("Clip", x, const(0.0), const(6.0))
        if kind == "quick":
            return mul(x, self.op("Sigmoid", mul(x, const(1.702))))
        if kind == "swish2":
            return mul(x, self.op("Sigmoid", mul(x, const(2.0))))
        if kind == "softplus":
            return self.op("Softplus", x)
        wrong = {"cubic": dict(c3=0.0456), "factor": dict(k=0.8), "ulps": dict(k=0.797885)}
        if kind in wrong:
            return mul(mul(x, const(0.5)), add(self.bent(x, **wrong[kind]), const(1.0)))
        if kind == "outer":
            return mul(mul(x, const(0.6)), add(self.bent(x), const(1.0)))
        if kind == "added":
            return mul(mul(x, const(0.5)), add(self.bent(x), const(2.0)))
        if kind == "erf_wrong":
            return mul(x, add(self.op("Erf", self.op("Div", x, const(1.4))), const(1.0)), const(0.5))
        raise KeyError(kind)

    # -- layer norms -------------------------------------------------------

    def layer_norm(self, x, name):
        return self.normalised(x, self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias"))

    def normalised(self, x, gamma, beta):
        kind, mul, add, const = self.o.ln, self.mul, self.add, self.const
        epsilon = self.epsilon
        if kind == "native":
            return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=epsilon)
        if kind == "native_default":
            return self.op("LayerNormalization", x, gamma, beta, axis=2)
        if kind == "native_no_bias":
            return self.op("LayerNormalization", x, gamma)
        mean = self.reduce("ReduceMean", x, 2 if kind == "axis2" else -1)
        if kind == "unsqueezed":
            mean = self.unsqueeze(self.reduce("ReduceMean", x, -1, keepdims=0), -1)
        if kind == "sum_mul":
            width = self.initializers[gamma].dims[0]
            mean = mul(self.reduce("ReduceSum", x, -1), const(1.0 / width))
        if kind == "sum":
            mean = self.op("Div", self.reduce("ReduceSum", x, -1), const(float(self.initializers[gamma].dims[0])))
        centred = self.op("Sub", x, mean)
        other = self.op("Sub", x, mean) if kind in ("two_subs", "reciprocal") else centred
        if kind == "turned":
            other = self.op("Sub", mean, x)
        square = mul(other, other) if kind in ("mul", "turned", "keras", "eps_outside") else \
            self.op("Pow", other, const(3.0 if kind == "cubed" else 2.0))
        variance = self.reduce("ReduceMean", square, 1 if kind == "axis1" else -1)
        if kind == "eps_outside":
            deviation = add(self.op("Sqrt", variance), const(epsilon))
            return add(mul(self.op("Div", centred, deviation), gamma), beta)
        guarded = add(const(epsilon), variance) if kind == "eps_left" else add(variance, const(epsilon))
        if kind == "no_eps":
            guarded = variance
        if kind == "power":
            return add(mul(centred, self.op("Pow", guarded, const(-0.5)), gamma), beta)
        if kind == "power_div":
            return add(mul(gamma, self.op("Div", centred, self.op("Pow", guarded, const(0.5)))), beta)
        deviation = self.op("Sqrt", guarded)
        if kind == "reciprocal":
            return add(beta, mul(gamma, mul(self.op("Reciprocal", deviation), centred)))
        if kind == "one_over":
            return add(mul(centred, self.op("Div", const(1.0), deviation), gamma), beta)
        if kind == "gamma_first":
            return add(self.op("Div", mul(centred, gamma), deviation), beta)
        if kind in ("keras", "keras_no_beta"):
            r = mul(self.op("Reciprocal", deviation), gamma)
            if kind == "keras_no_beta":
                return self.op("Sub", mul(x, r), mul(mean, r))
            return add(mul(x, r), self.op("Sub", beta, mul(mean, r)))
        normal = self.op("Div", centred, deviation)
        if kind == "plain":
            return normal
        if kind == "no_beta":
            return mul(normal, gamma)
        if kind == "no_gamma":
            return add(normal, beta)
        return add(mul(normal, gamma), beta)

    # -- linears -----------------------------------------------------------

    def linear(self, x, name, form=None, weight=None, bias=None):
        lora = self.o.lora and any(name.endswith(part) for part in (
            ("query", "value") if self.o.lora != "everywhere" else
            ("query", "key", "value", "dense", ".ffn", "ffn_output")))
        if lora:
            return self.adapted_linear(x, name, self.w[f"{name}.weight"], self.w[f"{name}.bias"])
        kind = self.o.line
        if kind == "new" or name == "classifier" or (kind == "scaled" and name.endswith("value")):
            return super().linear(x, name, form, weight, bias)
        weight, bias = self.w[f"{name}.weight"], self.w[f"{name}.bias"]
        out, width = weight.shape
        if kind == "no_bias":
            return self.op("MatMul", x, self.weight(name, weight, ""))
        if kind == "bias3":
            return self.add(self.op("MatMul", x, self.weight(name, weight, "")),
                            self.initializer(bias[None, None]))
        if kind == "weight3":
            return self.add(self.op("MatMul", x, self.initializer(weight.T[None])),
                            self.initializer(bias))
        if kind == "scaled":
            y = self.op("MatMul", x, self.weight(name, weight / F32(0.5), ""))
            return self.mul(self.add(y, self.initializer(bias / F32(0.5))), self.const(0.5))
        flat = self.op("Reshape", x, self.ints(-1, width))
        alpha, beta = {"gemm_alpha": (0.5, 0.5), "gemm_no_c": (2.0, 1.0), "gemm_beta0": (0.25, 0.0),
                       "gemm_beta": (1.0, 2.0)}[kind]
        operands = [flat, self.initializer(weight / F32(alpha), f"{name}.weight")]
        if kind != "gemm_no_c":
            operands.append(self.initializer(bias / F32(beta or 1)))
        y = self.op("Gemm", *operands, alpha=alpha, beta=beta, transB=1)
        return self.op("Reshape", y, self.ints(self.B, self.S, out))

    def adapted_linear(self, x, name, weight, bias):
        """W x + b + scale B (A x), the sum in the order that the option says."""
        if f"{name}.A" not in self.w:
            self.w[f"{name}.A"] = self.random(3, weight.shape[1])
            self.w[f"{name}.B"] = self.random(weight.shape[0], 3)
        a, b = (self.initializer(self.w[f"{name}.{n}"].T) for n in "AB")
        product = self.op("MatMul", x, self.weight(name, weight, ""))
        vector = self.initializer(bias, f"{name}.bias")
        order = self.o.lora
        if order == "scaled_x":
            low = self.op("MatMul", self.op("MatMul", self.mul(x, self.const(1.5)), a), b)
        elif order == "scaled_a":
            low = self.op("MatMul", self.mul(self.op("MatMul", x, a), self.const(1.5)), b)
        elif order == "unscaled":
            low = self.op("MatMul", self.op("MatMul", x, a), b)
        else:
            low = self.mul(self.op("MatMul", self.op("MatMul", x, a), b), self.const(1.5))
        if order == "bias_last":
            return self.add(self.add(product, low), vector)
        if order == "bias_low":
            return self.add(product, self.add(low, vector))
        if order == "bias_first":
            return self.add(vector, self.add(low, product))
        return self.add(self.add(vector, product), low)

    # -- adapters ----------------------------------------------------------

    def adapter_parts(self, place, index, wide=None):
        key = f"adapter.{self.o.task}.{place}.{0 if self.o.shared else index}"
        if f"{key}.down" not in self.w:
            h, r = self.config.hidden, wide or self.o.width
            self.w.update({f"{key}.down": self.random(r, h), f"{key}.down_bias": self.random(r),
                           f"{key}.up": self.random(h, r), f"{key}.up_bias": self.random(h),
                           f"{key}.gamma": 1 + self.random(h), f"{key}.beta": self.random(h),
                           f"{key}.gate": np.array([0.7], F32)})
        return key

    def bottleneck(self, x, key):
        bias = "no_bias" not in self.o.adapter
        y = self.op("MatMul", x, self.initializer(self.w[f"{key}.down"].T, f"{key}.down"))
        if bias:
            y = self.add(self.initializer(self.w[f"{key}.down_bias"], f"{key}.down_bias"), y)
        y = self.function(y, {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "late",
                              "gelu_erf": "erf_div", "silu": "silu"}[self.o.act])
        y = self.op("MatMul", y, self.initializer(self.w[f"{key}.up"].T, f"{key}.up"))
        if bias:
            y = self.add(y, self.initializer(self.w[f"{key}.up_bias"], f"{key}.up_bias"))
        if "scaled" in self.o.adapter:
            y = self.mul(y, self.const(0.5))
        if "one" in self.o.adapter:
            y = self.mul(y, self.const(1.0))
        if "gate" in self.o.adapter:
            y = self.mul(self.initializer(self.w[f"{key}.gate"], f"{key}.gate"), y)
        return y

    def own_norm(self, x, key):
        return self.normalised(x, self.initializer(self.w[f"{key}.gamma"], f"{key}.gamma"),
                               self.initializer(self.w[f"{key}.beta"], f"{key}.beta"))

    def noise(self, x):
        """What AdapterHub's parallel composition leaves: Expand and Tile by ones."""
        if "hub" not in self.o.adapter:
            return x
        one = helper.make_tensor("o", TensorProto.INT64, [1], [1])
        ones = self.op("ConstantOfShape", self.ints(3), value=one)
        return self.op("Tile", self.op("Expand", x, ones), ones)

    def layer(self, x, mask, index):
        kind, layer, add = self.o.adapter, weights.LAYER, self.add
        if kind == "plain":
            return super().layer(x, mask, index)

        def norm(y, name):
            return self.layer_norm(y, f"{layer}.{name}")

        def adapted(y, place):
            """An adapter with its residual."""
            if place not in self.config.adapter_places() or "parallel" in kind:
                return y
            key = self.adapter_parts(place, index)
            y = self.noise(y)
            if "norm_before" in kind:
                return add(self.bottleneck(self.own_norm(y, key), key), y)
            if "norm_after" in kind:
                return self.own_norm(add(y, self.bottleneck(y, key)), key)
            if "norm_branch" in kind:
                return add(self.own_norm(self.bottleneck(y, key), key), y)
            return add(self.bottleneck(y, key), y)

        def beside(y, x, place):
            if place not in self.config.adapter_places() or "parallel" not in kind:
                return y
            key = self.adapter_parts(place, index)
            inner = self.own_norm(x, key) if "norm_before" in kind else x
            return add(y, self.bottleneck(inner, key))

        def pfeiffer(y, x, name):
            """AdapterHub's: the norm before and after, the residual what came before it."""
            key = self.adapter_parts("ffn", index)
            y = self.noise(y)
            up = self.bottleneck(norm(add(y, x), name), key)
            return norm(add(add(up, y), x), name)

        y = adapted(beside(self.attend(x, mask, layer), x, "attention"), "attention")
        x = norm(add(y, x), "attention.LayerNorm")
        y = self.linear(self.gelu(self.linear(x, f"{layer}.ffn")), f"{layer}.ffn_output")
        if "pfeiffer" in kind:
            return pfeiffer(y, x, "full_layer_layer_norm")
        y = adapted(beside(y, x, "ffn"), "ffn")
        x = norm(add(y, x), "full_layer_layer_norm")
        if "after_norm" in kind:
            key = self.adapter_parts("last", index)
            x = add(x, self.bottleneck(x, key))
        return x

    def build(self):
        self.rng = np.random.default_rng(
            [7, sum(self.o.task.encode()), self.o.seed])
        return super().build()


exports.Exporter = Forms
GROUPS = {}


def group(name, base, *same, **forms):
    """Forms in which the base form's options differ; `same` are values of its last option."""
    key = list(base)[-1] if base else None
    GROUPS[name] = {"base": base, **{value: {**base, key: value} for value in same},
                    **{form: {**base, **options} for form, options in forms.items()}}


NONE = dict(adapters="none", gelu="late")
group("gelu", dict(adapters="none", gelu="late"), "cube_xx_x", "cube_x_xx", "cube_square", "swapped",
      "halved", "half_inside", "summed", "factored", "one_constant", "neighbours", "sigmoid",
      op_tanh=dict(gelu="op_tanh", opset=20, norm="native"),
      cubic=dict(gelu="cubic", refused=r"cubic coefficient 0\.0456, gelu_tanh has 0\.044715"),
      factor=dict(gelu="factor", refused=r"factor 0\.8, expected 0\.7978846"),
      ulps=dict(gelu="ulps", refused=r"factor 0\.797885, expected 0\.7978846"),
      outer=dict(gelu="outer", refused=r"adds 1\.2, expected 1|outer factor 0\.6"),
      added=dict(gelu="added", refused=r"adds 2, expected 1"))
group("erf", dict(adapters="none", gelu="erf_div"), "erf_mul", "erf_neighbour",
      op=dict(gelu="op", opset=20, norm="native"),
      wrong=dict(gelu="erf_wrong", refused=r"erf is of x times 0\.7142857"))
group("silu", dict(adapters="none", gelu="silu"), "silu_left",
      quick=dict(gelu="quick", refused="quick_gelu, x sigmoid"),
      swish2=dict(gelu="swish2", refused=r"x sigmoid\(2 x\), silu has the factor 1"))
group("relu", dict(adapters="none", gelu="Relu"), "clip", "max",
      relu6=dict(gelu="relu6", refused=r"Clip to \[0, 6\], relu has no upper limit"),
      softplus=dict(gelu="softplus", refused=r"\(Softplus\): no operation"))

group("norm", dict(adapters="none", ln="nodes"), "axis2", "unsqueezed", "sum", "two_subs", "mul", "turned",
      "eps_left", "power", "power_div", "reciprocal", "one_over", "gamma_first", "keras",
      native=dict(ln="native", opset=17),
      native_default=dict(ln="native_default", opset=17),
      opset18=dict(ln="two_subs", opset=18),
      axis1=dict(ln="axis1", refused="over other axes than the last"),
      cubed=dict(ln="cubed", refused="Pow exponent 3"),
      outside=dict(ln="eps_outside", refused="adds 1e-05 to the deviation"))
group("norm_no_eps", dict(adapters="none", ln="no_eps"))
group("norm_no_beta", dict(adapters="none", ln="no_beta"), "keras_no_beta",
      native=dict(ln="native_no_bias", opset=17))
group("norm_no_gamma", dict(adapters="none", ln="no_gamma"))
group("norm_plain", dict(adapters="none", ln="plain"))

group("linear", dict(adapters="none", line="new"), "bias3", "weight3")
group("linear_scaled", dict(adapters="none", line="scaled"), "gemm_alpha",
      beta=dict(line="gemm_beta", refused="alpha = 1 and beta = 2, a linear scales"))
group("linear_no_bias", dict(adapters="none", line="no_bias"))
group("linear_no_c", dict(adapters="none", line="gemm_no_c"), beta0=dict(line="gemm_beta0"))

for places in ("both", "attention", "ffn"):
    group(f"adapters_{places}", dict(adapters=places, adapter="houlsby"), "one", "hub_one",
          **{f"commuted{n}": dict(commute=n) for n in range(3)},
          shuffled=dict(shuffle=3), ln_native=dict(opset=17, ln="native_default"))
for act in ("gelu", "gelu_erf", "silu", "tanh", "sigmoid"):
    group(f"adapter_{act}", dict(adapter="houlsby", act=act))
for width in (1, 12, 20, 24):
    group(f"adapter_width_{width}", dict(adapter="houlsby", width=width))
group("adapter_shared", dict(adapter="houlsby", shared=True), hub=dict(adapter="houlsby_hub_one"))
group("adapter_scaled", dict(adapter="houlsby_scaled"), commuted=dict(commute=2))
group("adapter_gate", dict(adapter="houlsby_gate"))
group("adapter_no_bias", dict(adapter="houlsby_no_bias"))
group("adapter_no_bias_wide", dict(adapter="houlsby_no_bias", width=20))
group("adapter_norm_before", dict(adapter="houlsby_norm_before"), commuted=dict(commute=4))
group("adapter_norm_after", dict(adapter="houlsby_norm_after"))
group("adapter_norm_branch", dict(adapter="houlsby_norm_branch"))
group("pfeiffer", dict(adapters="ffn", adapter="pfeiffer"), hub=dict(adapter="pfeiffer_hub_one"))
group("pfeiffer_shared", dict(adapters="ffn", adapter="pfeiffer", shared=True))
group("parallel", dict(adapter="parallel"), commuted=dict(commute=1))
group("parallel_ffn", dict(adapters="ffn", adapter="parallel"))
group("parallel_scaled", dict(adapter="parallel_scaled", width=20))
group("parallel_norm", dict(adapter="parallel_norm_before"))
group("after_norm", dict(adapters="none", adapter="after_norm"))

group("lora", dict(adapters="none", lora="bias_early"), "bias_last", "bias_low", "bias_first", "scaled_x",
      "scaled_a", commuted=dict(commute=3), native=dict(opset=17, ln="native_default"))
group("lora_unscaled", dict(adapters="none", lora="unscaled"))
group("lora_everywhere", dict(adapters="none", lora="everywhere"))
group("lora_and_adapters", dict(adapter="houlsby", lora="bias_last"))

BACKBONE = ("attention", "ffn", "embedding")
SQNR_DB = 12.0


def share(form, options, folder):
    """The parameters of two tasks with this form by (role, class): number of values."""
    second = exports.Form({**options, "task": "mnli"}, folder / "second", False)
    report = json.loads(must("aac", "share", f"task={form.path}", f"other={second.path}", "--json"))
    found = {}
    for p in report["parameters"]:
        key = p["role"], p["class"]
        found[key] = found.get(key, 0) + int(np.prod(p["shape"]))
    return found


def check_roles(form, options, folder, plain):
    """Backbone roles as in a model without adapters; all else of the added tensors is `adapter`."""
    for role in set(plain) | set(form.roles):
        if role != "adapter" and form.roles[role] != plain[role]:
            raise Failure(f"role {role} has {form.roles[role]} values, without adapters {plain[role]}")
    if form.roles["adapter"] == 0:
        raise Failure("nothing has the role adapter")
    for (role, kind), values in share(form, options, folder).items():
        if (role in BACKBONE) != (kind == "shared") and role in (*BACKBONE, "adapter"):
            raise Failure(f"{values} values of role {role} are {kind}")


def main(folder, groups, *only):
    folder, bad = pathlib.Path(folder), 0
    plain = None
    for name in GROUPS if groups == "all" else [g for g in GROUPS if any(
            g.startswith(prefix) for prefix in groups.split("+"))]:
        base = None
        for label, options in GROUPS[name].items():
            if only and label not in only and label != "base":
                continue
            try:
                options = {"ln": "eps_left", **options}
                form = exports.Form(options, folder / name / label, label == "base")
                verdict = check(form, base)
                adds = options.get("adapter") or options.get("lora")
                if adds and not form.refused:
                    if plain is None:
                        other = exports.Form(NONE, folder / "plain", True)
                        check(other, None)
                        plain = other.roles
                    check_roles(form, options, folder / name / label, plain)
                if label == "base":
                    ratio = form.simulate(None)
                    verdict += f", SQNR {ratio:.1f} dB"
                    if not ratio >= SQNR_DB:
                        raise Failure(f"SQNR {ratio:.1f} dB on the accelerator, expected {SQNR_DB}")
                print(f"ok {name}.{label}: {verdict}", flush=True)
                base = base or form
            except Exception as problem:
                print(f"FAILED {name}.{label}: {type(problem).__name__} {problem}", flush=True)
                bad += 1
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
