"""Every way of exporting a model ends in the same few operations and means what the file says.

usage: exports.py GROUP FOLDER [FORM...]

Each form of FORMS is exported (exporter.py), evaluated by numpy (aac.reference) and compared with
  - `aac eval` on onnx and on aac IR: 1e-5;
  - the operations of the base form of its group;
  - what `aac share` says of roles;
  - with group `run`: compiled for the accelerator and simulated: its outputs are those of the base form, code
    for code.
What cannot be raised must be refused with the reason given.
"""

import collections
import pathlib
import re
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto

from aac.reference import evaluate, sqnr_db
from exporter import Exporter

BOUND = 1e-5
# Of each group: the base form's options, then what each form changes.
GROUPS = {}


def group(name, base, **forms):
    GROUPS[name] = {"base": base, **{form: {**base, **options} for form, options in forms.items()}}


group("file", {},
      **{f"opset{n}": dict(opset=n) for n in (11, 12, 14, 15, 16)},
      **{f"opset{n}": dict(opset=n, norm="native") for n in range(17, 22)},
      opset18_nodes=dict(opset=18), opset21_nodes=dict(opset=21, constants="initializer"),
      constants_as_initializers=dict(constants="initializer"),
      initializers_as_inputs=dict(init_inputs=True),
      initializers_as_inputs_11=dict(init_inputs=True, constants="initializer", opset=11),
      dynamic_by_symbol=dict(dynamic=True), dynamic_by_input=dict(dynamic="inputs"),
      dynamic_unfolded=dict(dynamic=True, linear="transpose", split="computed", pos="slice",
                            merge="sizes"),
      dynamic_range=dict(dynamic=True, pos="range", split="computed"),
      unfolded=dict(linear="transpose", split="computed", merge="sizes", pos="slice"),
      casts=dict(linear="cast"), transposed_twice=dict(linear="twice"),
      copies=dict(reuse="copies"), reused=dict(reuse="once"), numbers=dict(names="numeric"),
      modules=dict(modules=True), modules_copies=dict(modules=True, reuse="copies", opset=15),
      modules_constants=dict(modules=True, constants="initializer", opset=17, norm="native"),
      modules_sdpa=dict(modules=True, scale="sdpa", mask="sdpa", split="computed"),
      dead=dict(dead=True), value_info=dict(value_info=True), dropout=dict(dropout=True),
      dropout11=dict(dropout=True, opset=11),
      bias_right=dict(bias="right"), gemm=dict(linear="gemm"), gemm_plain=dict(linear="gemm_plain"),
      flat=dict(linear="gemm", tokens="flat"),
      flat_matmul=dict(tokens="flat"), flat_matmul_zeros=dict(tokens="flat", split="zeros",
                                                             linear="transpose"),
      repeated=dict(repeated=True), repeated_dynamic=dict(repeated=True, dynamic=True),
      repeated_sdpa=dict(repeated=True, scale="sdpa", mask="sdpa", key="two_step"),
      flat_zeros=dict(linear="gemm_plain", tokens="flat", split="zeros"),
      einsum_linear=dict(linear="einsum"), einsum_out_in=dict(linear="einsum_out_in"),
      einsum_ellipsis=dict(linear="einsum_ellipsis"), einsum_rows=dict(linear="einsum_rows"),
      flat_ellipsis=dict(linear="einsum_ellipsis", tokens="flat"),
      **{f"shuffled{n}": dict(shuffle=n) for n in range(3)},
      **{f"commuted{n}": dict(commute=n) for n in range(3)},
      reversed=dict(order="reversed"), shuffled_commuted=dict(shuffle=5, commute=5, scale="sdpa", mask="sdpa", split="computed"))

group("attention", {},
      mul=dict(scale="mul"), on_q=dict(scale="q"), on_k=dict(scale="k"), on_both=dict(scale="both"),
      sdpa=dict(scale="sdpa"), early=dict(scale="q_early"), prescaled=dict(scale="prescaled"),
      computed=dict(scale="computed"), two_step=dict(key="two_step"),
      stack=dict(key="stack"), stack_sdpa=dict(key="stack", scale="sdpa", opset=18, norm="native"),
      k_between=dict(key="two_step", scale="k_heads"),
      two_step_sdpa=dict(key="two_step", scale="sdpa"),
      zeros=dict(split="zeros", merge="zeros"), minus=dict(split="minus", merge="constant"),
      sizes=dict(split="computed", merge="sizes"), einsum_merge=dict(merge="einsum"),
      einsum=dict(attention="einsum"), einsum_ellipsis=dict(attention="einsum_ellipsis"),
      einsum_tokens=dict(attention="einsum_tokens"),
      einsum_heads=dict(attention="einsum_heads"), einsum_heads_op12=dict(
          attention="einsum_heads", opset=12),
      after_mask=dict(scale="after_mask"), div_after_mask=dict(scale="div_after_mask"),
      after_fill=dict(scale="after_mask", mask="fill"), after_ten_thousand=dict(
          scale="after_mask", mask_value=-10000.0), after_infinite=dict(
          scale="after_mask", mask="where_bool", mask_value=-np.inf),
      after_input=dict(scale="after_mask", mask="input4", mask_type="float",
                       refused="scaled by 0.5 after it is added: an input is added as it is"),
      after_minus=dict(scale="minus_after_mask", refused="scaled by -1 after it is added: exact only"),
      **{f"alpha_{place}": dict(alpha=place) for place in (
          "value", "value_heads", "probabilities", "context_heads", "context")},
      alpha_merged=dict(alpha="context", merge="einsum"), alpha_packed=dict(alpha="value_heads", qkv="bloom"),
      neox=dict(qkv="neox"), neox_split=dict(qkv="neox_split"), bloom=dict(qkv="bloom"),
      bloom_gemm=dict(qkv="bloom", linear="gemm"), neox_op11=dict(qkv="neox", opset=11),
      bloom_flat=dict(qkv="bloom", tokens="flat", linear="gemm_plain"),
      packed_split=dict(qkv="split"), packed_slice=dict(qkv="slice"), packed_chunk=dict(qkv="chunk"),
      packed_axis=dict(qkv="axis"), packed_heads=dict(qkv="heads"), packed_unbound=dict(qkv="unbound"),
      packed_gemm=dict(qkv="split", linear="gemm"), packed_op11=dict(qkv="split", opset=11),
      packed_transposed=dict(qkv="split", linear="transpose"))

group("two_heads", dict(sizes=dict(heads=2)), after_lowest=dict(scale="after_mask"),
      after_fill=dict(scale="after_mask", mask="fill", mask_value=-10000.0), neox=dict(qkv="neox"),
      after_ten_thousand=dict(scale="after_mask", mask_value=-10000.0,
                              refused="scaled by 0.4082483 after it is added: exact only for a power"))
group("one_head", dict(sizes=dict(heads=1)), zeros=dict(split="zeros"), sdpa=dict(scale="sdpa"),
      einsum=dict(attention="einsum"), flat=dict(linear="gemm", tokens="flat"))
group("one_token", dict(sizes=dict(seq=1)), zeros=dict(split="zeros"), flat=dict(
    linear="gemm", tokens="flat"), sdpa=dict(scale="sdpa", mask="sdpa"),
      slice=dict(head="cls_slice"), squeeze=dict(head="cls_squeeze"), reshape=dict(head="cls_reshape"))
group("one_wide", dict(sizes=dict(hidden=5, heads=5, adapter=1, embedding=3, seq=5)),
      sdpa=dict(scale="sdpa", mask="sdpa"), flat=dict(linear="gemm", tokens="flat"),
      packed=dict(qkv="split"), einsum=dict(attention="einsum", merge="einsum"))
group("batch", dict(batch=2), flat=dict(linear="gemm", tokens="flat", pos="range", types="input"),
      zeros=dict(split="zeros", merge="zeros"), computed=dict(split="computed", merge="sizes"),
      sdpa=dict(scale="sdpa", mask="sdpa"), einsum=dict(attention="einsum"),
      packed=dict(qkv="split"), packed_heads=dict(qkv="heads"), fill=dict(mask="fill"), dynamic=dict(dynamic=True, pos="range"))

group("mask", {},
      ten_thousand=dict(mask_value=-10000.0), billion=dict(mask_value=-1e9),
      both=dict(mask="times_both"), early=dict(mask="times_early"), reshape=dict(mask="reshape"),
      ones_times=dict(mask="ones_times"), minus_one=dict(mask="minus_one"), integers=dict(mask="integers"),
      integers32=dict(mask="integers", mask_type="int32"), int32=dict(mask_type="int32"),
      bool=dict(mask_type="bool"), float=dict(mask_type="float"),
      where_fill=dict(mask="where_fill"), where_zero=dict(mask="where_zero"),
      where_bool=dict(mask="where_bool"), where_bool_input=dict(mask="where_bool", mask_type="bool"),
      where_infinite=dict(mask="where_bool", mask_value=-np.inf), where_not=dict(mask="where_not"),
      where_greater=dict(mask="where_greater"), where_less=dict(mask="where_less"),
      where_padding=dict(mask="where_padding"), where_padding_bool=dict(
          mask="where_padding", mask_type="bool"),
      sdpa=dict(mask="sdpa"), sdpa_dynamic=dict(mask="sdpa", dynamic=True),
      sdpa_bool=dict(mask="sdpa_bool", mask_value=-np.inf),
      fill=dict(mask="fill"), fill_equal=dict(mask="fill_equal", mask_value=-10000.0),
      keep=dict(mask="keep", mask_value=-np.inf), keep_bool=dict(mask="keep", mask_type="bool"),
      times_padding=dict(mask="times_padding"), infinite=dict(
          mask_value=-np.inf, refused=r"\(1 - m\) \* -inf, .* NaN"),
      per_query=dict(mask="per_query", refused=r"mask of shape \[1, 1, 7, 7\].*\[batch, 1, 1, "))
group("float_mask", dict(mask="input4", mask_type="float"))
group("added_mask", dict(mask="added", mask_type="float"))
group("no_mask", dict(mask="none"), ones=dict(mask="ones"), flat=dict(linear="gemm", tokens="flat"))

group("embedding", {},
      vector=dict(pos="vector"), slice=dict(pos="slice"), range=dict(pos="range"),
      where=dict(pos="where"), rows=dict(pos="rows"), rows_folded=dict(pos="rows_folded", tables=2),
      positions_first=dict(embed_order="positions_first"), word_last=dict(embed_order="word_last"),
      int32=dict(ids="int32"), int32_op12=dict(ids="int32", opset=12))
group("position_input", dict(pos="input"), expanded=dict(pos="input_expanded"))
group("one_hot_types", {}, one_hot=dict(types="one_hot"), flat=dict(types="one_hot_flat"),
      cast=dict(types="one_hot_cast"), last=dict(types="one_hot", embed_order="word_last"),
      equal=dict(types="one_hot_equal", refused="one-hot rows by Equal, which are zero for every id"),
      two=dict(types="one_hot_two", refused="its values must be 0 and 1, along the last axis"))
group("constant_types", dict(types="constant"), zeros=dict(types="zeros"),
      buffer=dict(types="buffer"), unfolded=dict(types="buffer", pos="slice", dynamic=True))
group("few_embeddings", dict(types="none", pos="none"), flat=dict(linear="gemm", tokens="flat"))
group("bert", dict(arch="bert"), sdpa=dict(arch="bert", scale="sdpa", mask="sdpa"),
      opset17=dict(opset=17, norm="native"), flat=dict(linear="gemm", tokens="flat"),
      packed=dict(qkv="split"), unfolded=dict(linear="transpose", pos="slice", dynamic=True))
group("plain", dict(adapters="none"), sdpa=dict(scale="sdpa", mask="sdpa"))

group("pooler", {}, slice=dict(head="cls_slice"), vector=dict(head="cls_vector"),
      slices=dict(head="cls_slices"), slice_op11=dict(head="cls_slice", opset=11),
      mean=dict(head="mean", refused="pooling over tokens"))
group("span", dict(head="span_split", labels=2), slice=dict(head="span_slice"),
      gather=dict(head="span_gather"), op11=dict(opset=11), gemm=dict(linear="gemm"),
      unfolded=dict(linear="transpose"), transpose=dict(head="span_transpose"))
group("span_log", dict(head="span_log", labels=2, refused="log-probabilities are not computed here"))
group("log_probability", dict(head="log_probability", refused="log-probabilities are not computed here"))
group("argmax", dict(head="argmax", refused="an index is no activation"))
group("logits_argmax", dict(head="logits_argmax", refused=r"(?s)cannot raise 1 node.*\(ArgMax\): an index is"))
group("tokens", dict(head="tokens"), flat=dict(linear="gemm"))
group("tokens_probability", dict(head="tokens_probability"))
group("probability", dict(head="probability"), op11=dict(opset=11))
group("sigmoid", dict(head="sigmoid"))
group("regression", dict(labels=1))
group("squeezed", dict(labels=1, head="squeezed"), op11=dict(opset=11))
group("mlp", dict(head="mlp"))
group("hidden_states", dict(head="hidden_states"))
group("attentions", dict(head="attentions"))
group("encoder", dict(head="encoder"))
group("base_model", dict(head="base_model"))
group("pooled", dict(head="pooled"))
group("no_pooler", dict(head="no_pooler"))

# What the accelerator does not run, refused when it is lowered: group or form, and why.
MASK = r'error: .*"/m/.*: .*f32.*host makes the engine\'s span of a mask of integers or booleans'
NOT_RUN = {
    "batch": "has a batch of 2", "float_mask": MASK, "added_mask": MASK, "mask.float": MASK,
    "attentions": "that nothing else reads"}
# Forms that are run, beside the base form of each group: they differ in what reaches the accelerator.
RUN = ("mask", "position_input", "span", "attention")
SQNR_DB = 10.0


class Failure(Exception):
    pass


def run(*command):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)
    return result.returncode, result.stdout, result.stderr


def must(*command):
    code, out, err = run(*command)
    if code != 0:
        raise Failure(f"{command[0]}: exit code {code}: {err.strip()[:1500]}")
    return out


def histogram(text):
    """Operations of the task, without what only reads parameters."""
    ops = re.findall(r"^ *(?:%[\w:, ]+ = )?aac\.(\w+)", text, re.M)
    return collections.Counter(op for op in ops if op not in ("use", "param", "suite", "task"))


class Form:
    def __init__(self, options, folder, is_base):
        options = dict(options)
        order = options.pop("order", None)
        self.refused, self.tables = options.pop("refused", None), options.pop("tables", 3)
        self.remark = options.pop("remark", None)  # the one that raising makes
        self.exporter = Exporter(options)
        self.model = self.exporter.build()
        self.path = folder / "model.onnx"
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.save(order)
        bindings = self.exporter.bindings()
        self.bind = [f"--bind={bindings}"] if bindings else []
        # A whole sentence and one with padding; of the forms only the latter.
        self.inputs = [self.exporter.example(seed) for seed in ((0, 1) if is_base else (1,))]
        with np.errstate(invalid="ignore"):
            meaning = getattr(self.exporter, "meaning", self.model)
            self.wanted = [evaluate(meaning, arrays) for arrays in self.inputs]
            # On aac IR, where that is another: constants are exact there.
            exact = getattr(self.exporter, "exact", None)
            self.raised_wanted = [evaluate(exact, a) for a in self.inputs] if exact else self.wanted
        for seed, arrays in enumerate(self.inputs):
            np.savez(folder / f"in{seed}.npz", **arrays)

    def save(self, order):
        """Writes the model; in reverse `order`, operands stand behind what reads them."""
        written = onnx.ModelProto()
        written.CopyFrom(self.model)
        if order == "reversed":
            del written.graph.node[:]
            written.graph.node.extend(list(self.model.graph.node)[::-1])
        onnx.save(written, str(self.path))

    def raised(self):
        """aac IR as text, or the error."""
        must("aac-translate", "--import-onnx", f"task={self.path}", *self.bind, "-o",
             self.folder / "onnx.mlirbc")
        code, out, err = run("aac-opt", "--aac-import-pipeline", self.folder / "onnx.mlirbc", "-o",
                             self.folder / "aac.mlir")
        if code == 1 and self.refused:
            if not re.search(self.refused, err):
                raise Failure(f"refused with another reason than '{self.refused}': {err[:800]}")
            return None
        if code != 0:
            raise Failure(f"aac-opt: exit code {code}: {err.strip()[:1500]}")
        remarks = re.findall(r"remark: (.*)", err)
        if self.remark and not (len(remarks) == 1 and re.search(self.remark, remarks[0])):
            raise Failure(f"expected the remark '{self.remark}': {err[:800]}")
        if remarks and not self.remark:
            raise Failure(f"a fusion was not made: {err[:800]}")
        if self.refused:
            raise Failure(f"was raised, but should be refused: {self.refused}")
        return (self.folder / "aac.mlir").read_text()

    def compare(self, module, references=None):
        worst, model = 0.0, self.model.graph
        kinds = {o.name: o.type.tensor_type.elem_type for o in model.output}
        for seed, wanted in enumerate(references or self.wanted):
            must("aac", "eval", module, "--task=task", f"--input={self.folder}/in{seed}.npz", "-o",
                 self.folder / "out.npz")
            with np.load(self.folder / "out.npz") as found:
                if sorted(found.files) != sorted(wanted):
                    raise Failure(f"outputs {found.files}, wanted {sorted(wanted)}")
                for name, array in wanted.items():
                    if found[name].shape != array.shape:
                        raise Failure(f"{name} is {found[name].shape}, wanted {array.shape}")
                    # In the type that the file declares: its own rounding is no error.
                    if (found[name].dtype == np.float16) != (kinds[name] == TensorProto.FLOAT16):
                        raise Failure(f"{name} is {found[name].dtype}, declared is {kinds[name]}")
                    bits = {TensorProto.FLOAT16: 10, TensorProto.BFLOAT16: 7}.get(kinds[name])
                    if bits:
                        array = np.where(np.abs(found[name] - array) <= np.abs(array) * 2.0**-bits,
                                         found[name], array)
                    same = np.isnan(found[name]) & np.isnan(array) & bool(self.refused)
                    worst = max(worst, float(np.where(same, 0, np.abs(found[name] - array)).max()))
        if not worst <= BOUND:  # nor NaN
            raise Failure(f"{module.name}: off by {worst:.1e}")
        return worst

    def sharing(self):
        """Roles of parameters -> number of values."""
        text = (self.folder / "aac.mlir").read_text()
        roles = collections.Counter()
        for shape, role in re.findall(
                r"aac\.param @\S+ : tensor<([\dx]+)xf32> = .*?role = #aac\.role<(\w+)>", text):
            roles[role] += int(np.prod([int(d) for d in shape.split("x")]))
        return roles

    def simulate(self, reason):
        """Compiles and runs; the signal-to-noise ratio of all outputs. None if refused with `reason`."""
        code, _, err = run("aac", "compile", f"task={self.path}", *self.bind,
                           "--machine=edgebert-rram", "-o", self.folder / "out")
        if reason is not None:
            if code != 1 or not re.search(reason, err):
                raise Failure(f"aac compile: exit code {code}, expected to be refused with "
                              f"'{reason}': {err.strip()[:1500]}")
            return None
        if code != 0:
            raise Failure(f"aac compile: exit code {code}: {err.strip()[:1500]}")
        wanted, found = [], []
        for seed, reference in enumerate(self.wanted):
            must("aac-sim", "run", self.folder / "out" / "suite.aacs", "--machine=edgebert-rram",
                 "--task=task", f"--input={self.folder}/in{seed}.npz", "-o", self.folder / "sim.npz")
            with np.load(self.folder / "sim.npz") as arrays:
                for name, array in reference.items():
                    if arrays[name].shape != array.shape:
                        raise Failure(f"{name} is {arrays[name].shape} on the accelerator, wanted "
                                      f"{array.shape}")
                    wanted.append(array.ravel())
                    found.append(arrays[name].ravel())
        return sqnr_db(np.concatenate(wanted), np.concatenate(found))


def check(form, base):
    """Raises Failure where `form` is not what `base`, checked before, is (None for the base)."""
    text = form.raised()
    onnx_error = form.compare(form.folder / "onnx.mlirbc")
    if text is None:
        return f"refused as it should be, onnx {onnx_error:.0e}"
    form.ops, form.roles = histogram(text), form.sharing()
    aac_error = form.compare(form.folder / "aac.mlir", form.raised_wanted)
    if base and form.ops != base.ops:
        more, less = form.ops - base.ops, base.ops - form.ops
        raise Failure(f"operations differ from the base form: {dict(more)} more, {dict(less)} less")
    if base and form.tables == base.tables and form.roles != base.roles:
        raise Failure(f"roles differ: {dict(form.roles)}, base has {dict(base.roles)}")
    if base and form.exporter.o.mask not in ("added", "per_query"):
        for mine, others in zip(form.wanted, base.wanted[1:]):
            for name in others:
                if not np.allclose(mine[name], others[name], atol=1e-4):
                    raise Failure(f"the generator is wrong: {name} is not the base form's")
    return f"onnx {onnx_error:.0e}, aac {aac_error:.0e}"


def check_run(form, name, label):
    reason = NOT_RUN.get(f"{name}.{label}", NOT_RUN.get(name))
    ratio = form.simulate(reason)
    if ratio is None:
        return "refused as it should be"
    if not ratio >= SQNR_DB:
        raise Failure(f"SQNR {ratio:.1f} dB on the accelerator, expected {SQNR_DB}")
    return f"SQNR {ratio:.1f} dB"


def main(groups, folder, *only):
    folder, bad = pathlib.Path(folder), 0
    runs = groups == "run"
    for name in GROUPS if groups in ("all", "run") else groups.split("+"):
        base = None
        for label, options in GROUPS[name].items():
            if only and label not in only and label != "base":
                continue
            if runs and (options.get("refused") or (label != "base" and name not in RUN)):
                continue
            try:
                form = Form(options, folder / name / label, label == "base")
                verdict = check_run(form, name, label) if runs else check(form, base)
                print(f"ok {name}.{label}: {verdict}")
                base = base or form
            except Exception as problem:
                print(f"FAILED {name}.{label}: {type(problem).__name__} {problem}", flush=True)
                bad += 1
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
