"""The ways of exporter.py to write an attention mask."""

import numpy as np
from onnx import TensorProto, helper

I64 = np.int64


class Masks:
    """A part of Exporter: o are its options."""

    # -- mask --------------------------------------------------------------

    def mask(self):
        """What is added to the scores; for the fill forms, the condition; None without a mask."""
        o, c = self.o, self.const(self.o.mask_value)
        if o.mask == "none":
            return None
        if o.mask == "ones":  # made by the model itself
            shape = self.op("Concat", self.size("input_ids", 0), self.size("input_ids", 1), axis=0)
            m = self.op("ConstantOfShape", shape, value=helper.make_tensor(
                "v", TensorProto.FLOAT, [1], [1.0]))
            m = self.unsqueeze(self.unsqueeze(m, 1), 2)
            return self.op("Mul", self.op("Sub", self.const(1.0), m), c)
        kind = getattr(TensorProto, o.mask_type.upper())
        floats = lambda x: self.cast(x, TensorProto.FLOAT)
        bools = lambda x: self.cast(x, TensorProto.BOOL)
        name = "attention_mask"
        if o.mask == "input4":  # the caller adds it
            return self.input(name, TensorProto.FLOAT, [self.B, 1, 1, self.S],
                              ["batch", 1, 1, "sequence"])
        if o.mask == "per_query":
            m = self.input(name, kind, [self.B, self.S, self.S], ["batch", "sequence", "sequence"])
            return self.op("Mul", self.op("Sub", self.const(1.0), floats(self.unsqueeze(m, 1))), c)
        m = self.input(name, kind)
        wide = self.unsqueeze(self.unsqueeze(m, 1), 2)
        if o.mask == "times":
            return self.op("Mul", self.op("Sub", self.const(1.0), floats(wide)), c)
        if o.mask == "times_both":  # one Unsqueeze of two axes
            return self.op("Mul", self.op("Sub", self.const(1.0), floats(self.unsqueeze(m, 1, 2))), c)
        if o.mask == "ones_times":  # the first BERT: a column of ones times the row of the mask
            ones = self.const(np.ones((self.B, self.S, 1)))
            row = floats(self.op("Reshape", m, self.ints(self.B, 1, self.S)))
            m = self.unsqueeze(self.op("Mul", ones, row), 1)
            return self.op("Mul", self.op("Sub", self.const(1.0), m), c)
        if o.mask == "times_early":  # arithmetic first, then the axes
            m = self.op("Mul", self.op("Sub", self.const(1.0), floats(m)), c)
            return self.unsqueeze(m, 1, 2)
        if o.mask == "reshape":
            m = self.op("Reshape", m, self.ints(-1, 1, 1, self.S))
            return self.op("Mul", self.op("Sub", self.const(1.0), floats(m)), c)
        if o.mask == "minus_one":
            return self.op("Mul", self.op("Sub", floats(wide), self.const(1.0)),
                           self.const(-o.mask_value))
        if o.mask == "integers":  # 1 - m before the cast
            return self.op("Mul", floats(self.op("Sub", self.const(1, getattr(np, o.mask_type)),
                                                 wide)), c)
        if o.mask == "times_padding":  # an input that marks padding
            return self.op("Mul", floats(wide), c)
        if o.mask == "added":  # a float input, added as it is
            return wide
        if o.mask == "where_fill":  # 1 - m, filled where not zero
            inverted = self.op("Sub", self.const(1.0), floats(wide))
            return self.op("Where", bools(inverted), c, inverted)
        if o.mask == "where_zero":
            return self.op("Where", self.op("Equal", wide, self.const(0, getattr(np, o.mask_type))),
                           c, self.const(0.0))
        if o.mask == "where_bool":
            return self.op("Where", bools(wide) if kind != TensorProto.BOOL else wide,
                           self.const(0.0), c)
        if o.mask == "where_not":
            return self.op("Where", self.op("Not", bools(wide)), c, self.const(0.0))
        if o.mask == "where_greater":
            return self.op("Where", self.op("Greater", wide, self.const(0, getattr(np, o.mask_type))),
                           self.const(0.0), c)
        if o.mask == "where_less":
            return self.op("Where", self.op("Less", wide, self.const(1, getattr(np, o.mask_type))),
                           c, self.const(0.0))
        if o.mask == "where_padding":
            return self.op("Where", bools(wide), c, self.const(0.0))
        if o.mask == "sdpa":  # expanded to all queries, then filled
            shape = self.op("Concat", self.size(m, 0), self.ints(1), self.size(m, 1),
                            self.size(m, 1), axis=0)
            ones = self.op("ConstantOfShape", self.ints(4), value=helper.make_tensor(
                "v", TensorProto.INT64, [1], [1]))
            less = self.op("Equal", shape, self.op("Mul", ones, self.ints(-1)))
            wide = floats(self.op("Expand", wide, self.op("Where", less, ones, shape)))
            inverted = self.op("Sub", self.const(1.0), wide)
            return self.op("Where", bools(inverted), c, inverted)
        if o.mask == "sdpa_bool":  # a boolean mask and the operator's own -inf
            shape = self.op("Concat", self.size(m, 0), self.ints(1), self.size(m, 1),
                            self.size(m, 1), axis=0)
            return self.op("Where", self.op("Expand", bools(wide), shape), self.const(0.0), c)
        if o.mask in ("fill", "fill_equal"):
            return self.op("Not", bools(wide)) if o.mask == "fill" else \
                self.op("Equal", wide, self.const(0, getattr(np, o.mask_type)))
        if o.mask == "keep":
            return bools(wide)
        raise KeyError(o.mask)

    def masked(self, scores, mask):
        if mask is None:
            return scores
        c = self.const(self.o.mask_value)
        if self.o.mask in ("fill", "fill_equal"):
            return self.op("Where", mask, c, scores)
        if self.o.mask == "keep":
            return self.op("Where", mask, scores, c)
        return self.add(scores, mask)
