"""The ways of exporter.py to write attention."""

import math

import numpy as np
from onnx import TensorProto

I64, F32 = np.int64, np.float32
ALPHA = 0.7  # a scale of attention's values


class Attention:
    """A part of Exporter: o are its options, B and S the batch and the tokens of a sentence."""

    # -- attention ---------------------------------------------------------

    def heads(self, y, perm, split=None):
        """[batch, tokens, features] -> heads, their axes permuted by perm; None: not at all."""
        o, c = self.o, self.config
        split = split or o.split
        shape = [self.B, self.S, c.heads, c.head_size]
        if split == "zeros":
            shape = self.ints(0, 0, c.heads, c.head_size) if o.tokens == "3d" else \
                self.ints(self.B, -1, c.heads, c.head_size)
        elif split == "minus":
            shape = self.ints(0, -1, c.heads, c.head_size) if o.tokens == "3d" else self.ints(*shape)
        elif split == "computed":
            source = y if o.tokens == "3d" else "input_ids"
            shape = self.op("Concat", self.size(source, 0), self.size(source, 1), self.ints(c.heads),
                            self.ints(c.head_size), axis=0)
        else:
            shape = self.ints(*shape)
        y = self.op("Reshape", y, shape)
        return self.op("Transpose", y, perm=perm) if perm else y

    def projections(self, x, layer):
        """Query, key, value as [batch, tokens, features], or as heads if they come so."""
        o, c = self.o, self.config
        names = [f"{layer}.attention.{n}" for n in ("query", "key", "value")]
        w = [self.w[f"{n}.weight"].copy() for n in names]
        b = [self.w[f"{n}.bias"].copy() for n in names]
        if o.scale == "prescaled":
            w[0] *= F32(0.5)
            b[0] *= F32(0.5)
        if o.alpha:
            w[2] *= F32(1 / ALPHA)
            b[2] *= F32(1 / ALPHA)
        if o.qkv in ("neox", "neox_split", "bloom"):  # heads in front of what is packed
            split = lambda y: y.reshape(3, c.heads, c.head_size, -1).swapaxes(0, 1).reshape(
                3 * c.hidden, *y.shape[2:])
            y = self.linear(x, f"{layer}.attention.qkv", weight=split(np.stack(w)),
                            bias=split(np.stack(b)[..., None])[:, 0])
            if o.qkv == "bloom":
                y = self.op("Reshape", y, self.ints(self.B, self.S, c.heads, 3, c.head_size))
                return [self.op("Gather", y, self.const(i, I64), axis=3) for i in range(3)]
            y = self.op("Reshape", y, self.ints(self.B, self.S, c.heads, 3 * c.head_size))
            if o.qkv == "neox_split":
                y = self.op("Transpose", y, perm=[0, 2, 1, 3])
                return self.split(y, 3, -1, [c.head_size] * 3)
            return [self.slice(y, i * c.head_size, (i + 1) * c.head_size if i < 2 else 2**63 - 1, 3)
                    for i in range(3)]
        if o.qkv == "separate":
            return [self.linear(x, n, weight=w[i], bias=b[i]) for i, n in enumerate(names)]
        if o.qkv in ("split", "slice", "chunk"):
            y = self.linear(x, f"{layer}.attention.qkv", weight=np.concatenate(w),
                            bias=np.concatenate(b))
            if o.qkv == "split":
                return self.split(y, 3, -1, [c.hidden] * 3)
            return [self.slice(y, i * c.hidden, (i + 1) * c.hidden, 2 if o.qkv == "slice" else -1)
                    for i in range(3)]
        y = self.linear(x, f"{layer}.attention.qkv", weight=np.concatenate(w), bias=np.concatenate(b))
        if o.qkv == "axis":  # an axis of its own, taken apart with the features still in one
            y = self.op("Reshape", y, self.ints(self.B, self.S, 3, c.hidden))
            return [self.op("Gather", y, self.const(i, I64), axis=2) for i in range(3)]
        y = self.op("Reshape", y, self.ints(self.B, self.S, 3, c.heads, c.head_size))
        if o.qkv == "heads":  # permuted once, taken apart after that
            y = self.op("Transpose", y, perm=[2, 0, 3, 1, 4])
            return [self.op("Gather", y, self.const(i, I64), axis=0) for i in range(3)]
        if o.qkv == "unbound":
            return [self.squeeze(part, 2) for part in self.split(y, 3, 2, [1] * 3)]
        raise KeyError(o.qkv)

    def attend(self, x, mask, layer):
        o, c = self.o, self.config
        root = math.sqrt(c.head_size)
        if o.attention == "einsum_heads":  # keras: the projection gives heads
            q, k, v = (self.head_projection(x, f"{layer}.attention.{n}")
                       for n in ("query", "key", "value"))
            q = self.op("Mul", q, self.const(1 / root))
            scores = self.op("Einsum", k, q, equation="aecd,abcd->acbe")
            p = self.op("Softmax", self.masked(scores, mask), axis=-1)
            context = self.op("Einsum", p, v, equation="acbe,aecd->abcd")
            return self.merged_einsum(context, layer, "abcd,cde->abe")
        q, k, v = self.projections(x, layer)
        scaled = lambda place, y: y if o.alpha != place else self.op("Mul", y, self.const(ALPHA))
        v = scaled("value", v)
        if o.scale == "q_early":
            q = self.op("Div", q, self.const(root))
        if o.attention == "einsum_tokens":  # heads never transposed
            q, k, v = (self.heads(y, None) for y in (q, k, v))
            scores = self.op("Einsum", q, k, equation="bind,bjnd->bnij")
            scores = self.op("Div", scores, self.const(root))
            p = self.dropped(self.op("Softmax", self.masked(scores, mask), axis=-1))
            context = self.op("Einsum", p, v, equation="bnij,bjnd->bind")
            return self.merge(context, layer)
        if o.qkv in ("heads", "neox_split"):
            k = self.op("Transpose", k, perm=[0, 1, 3, 2])
        elif o.qkv in ("unbound", "neox", "bloom"):
            q, v = (self.op("Transpose", y, perm=[0, 2, 1, 3]) for y in (q, v))
            k = self.op("Transpose", k, perm=[0, 2, 3, 1])
        else:
            q, v = (self.heads(y, [0, 2, 1, 3]) for y in (q, v))
        q = self.repeat(q, k, 4)
        mask = mask and self.repeat(mask, q, 4)
        if o.scale == "sdpa":
            size = self.cast(self.slice(self.op("Shape", q), -1, 2**63 - 1, 0), TensorProto.FLOAT)
            factor = self.op("Sqrt", self.op("Div", self.const([1.0]), self.op("Sqrt", size)))
            q = self.op("Mul", q, factor)
        v = scaled("value_heads", v)
        packed = o.qkv in ("heads", "unbound", "neox", "neox_split", "bloom")
        if o.attention in ("einsum", "einsum_ellipsis"):
            k = self.heads(k, [0, 2, 1, 3])
            scores = self.op("Einsum", q, k, equation="bhid,bhjd->bhij" if o.attention == "einsum"
                             else "...id,...jd->...ij")
        else:
            if packed:
                pass
            elif o.key == "fused":
                k = self.heads(k, [0, 2, 3, 1])
            else:
                k = self.heads(k, [0, 2, 1, 3])
                if o.scale == "k_heads":
                    k = self.op("Div", k, self.const([root]))
                if o.key == "stack":  # torch.export: rank known, matrices transposed as a stack
                    sizes = self.op("Shape", k)
                    first, rows, columns = (self.slice(sizes, a, b, 0)
                                            for a, b in ((0, -2), (-2, -1), (-1, 2**63 - 1)))
                    k = self.op("Reshape", k, self.op("Concat", self.ints(-1), rows, columns, axis=0))
                    k = self.op("Transpose", k, perm=[0, 2, 1])
                    k = self.op("Reshape", k, self.op("Concat", first, columns, rows, axis=0))
                else:
                    k = self.op("Transpose", k, perm=[0, 1, 3, 2])
            if o.scale == "sdpa":
                k = self.op("Mul", k, factor)
            if o.scale == "q":
                q = self.op("Mul", self.const(1 / root), q)
            if o.scale == "k":
                k = self.op("Div", k, self.const(root))
            if o.scale == "both":
                q = self.op("Div", q, self.const(root**0.5))
                k = self.op("Div", k, self.const(root**0.5))
            scores = self.op("MatMul", q, k)
        if o.scale == "div":
            scores = self.op("Div", scores, self.const(root))
        elif o.scale == "mul":
            scores = self.op("Mul", self.const(1 / root), scores)
        elif o.scale == "computed":
            size = self.cast(self.op("Gather", self.op("Shape", q), self.const(3, I64), axis=0),
                             TensorProto.FLOAT)
            scores = self.op("Div", scores, self.op("Sqrt", size))
        scores = self.masked(scores, mask)
        if o.scale == "after_mask":
            scores = self.op("Mul", scores, self.const(1 / root))
        elif o.scale == "div_after_mask":
            scores = self.op("Div", scores, self.const(root))
        elif o.scale == "minus_after_mask":
            scores = self.op("Mul", scores, self.const(-1.0))
        if o.opset < 13:
            p = self.op("Softmax", scores, axis=3)
        else:
            p = self.op("Softmax", scores, axis=-1)
        p = self.dropped(p)
        self.attentions.append(p)
        p = scaled("probabilities", p)
        if o.attention == "einsum":
            context = self.op("Einsum", p, v, equation="bhij,bhjd->bhid")
        elif o.attention == "einsum_ellipsis":
            context = self.op("Einsum", p, v, equation="...ij,...jd->...id")
        else:
            context = self.op("MatMul", p, v)
        context = scaled("context_heads", context)
        context = self.op("Transpose", context, perm=[0, 2, 1, 3])
        context = scaled("context", context)
        return self.merge(context, layer)

    def merge(self, context, layer):
        o, c = self.o, self.config
        name = f"{layer}.attention.dense"
        if o.merge == "einsum":  # HuggingFace 2.x
            return self.merged_einsum(context, layer, "bfnd,ndh->bfh")
        if o.tokens == "flat":
            return self.linear(self.op("Reshape", context, self.ints(-1, c.hidden)), name)
        if o.merge == "constant":
            shape = self.ints(self.B, self.S, c.hidden)
        elif o.merge == "zeros":
            shape = self.ints(0, 0, -1)
        elif o.merge == "sizes":
            shape = self.op("Concat", self.size(context, 0), self.size(context, 1),
                            self.ints(c.hidden), axis=0)
        else:
            shape = self.op("Concat", self.slice(self.op("Shape", context), 0, 2, 0), self.ints(-1),
                            axis=0)
        return self.linear(self.op("Reshape", context, shape), name)

    def merged_einsum(self, context, layer, equation):
        c, name = self.config, f"{layer}.attention.dense"
        weight = self.w[f"{name}.weight"].T.reshape(c.heads, c.head_size, c.hidden)
        y = self.op("Einsum", context, self.initializer(weight), equation=equation)
        return self.add(y, self.initializer(self.w[f"{name}.bias"], f"{name}.bias"))

    def head_projection(self, x, name):
        c = self.config
        weight = self.w[f"{name}.weight"].T.reshape(c.hidden, c.heads, c.head_size)
        bias = self.w[f"{name}.bias"].reshape(c.heads, c.head_size)
        y = self.op("Einsum", x, self.initializer(weight), equation="abc,cde->abde")
        return self.add(y, self.initializer(bias, f"{name}.bias"))
