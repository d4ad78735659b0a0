"""What an adapter-ALBERT suite looks like: one backbone, and what each task adds to it."""

from dataclasses import dataclass

ACTIVATIONS = ("gelu_new", "gelu", "relu", "silu", "tanh", "sigmoid")
PLACES = {"both": ("attention", "ffn"), "attention": ("attention",), "ffn": ("ffn",)}


@dataclass(frozen=True)
class Config:
    """Sizes and choices common to all tasks of a suite. The defaults are ALBERT-base's."""

    vocab: int = 30000
    embedding: int = 128
    hidden: int = 768
    layers: int = 12  # uses of the one shared layer
    heads: int = 12
    ffn: int = 3072
    positions: int = 512
    types: int = 2
    seq: int = 128
    adapter: int = 64  # bottleneck size; 0: a plain ALBERT
    adapter_place: str = "both"  # a key of PLACES
    adapter_activation: str = "gelu_new"
    shared_adapters: bool = False  # one adapter pair for all layers instead of one each
    shared_layer_norms: bool = True  # one pair of layer norms for all layers, as ALBERT has
    activation: str = "gelu_new"
    mask_value: float = -3.4028234663852886e38  # what a padded position's score gets added
    epsilon: float = 1e-12
    opset: int = 13
    seed: int = 1

    def __post_init__(self):
        for name in ("vocab", "embedding", "hidden", "layers", "heads", "ffn", "positions",
                     "types", "seq"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        if self.vocab < 5:
            raise ValueError(f"vocab is {self.vocab}, but sentences need at least 5 tokens")
        if self.hidden % self.heads:
            raise ValueError(f"hidden {self.hidden} is no multiple of heads {self.heads}")
        if self.seq > self.positions:
            raise ValueError(f"seq {self.seq} is longer than positions {self.positions}")
        if self.adapter < 0:
            raise ValueError(f"adapter is {self.adapter}, but must be 0 (none) or a size")
        if self.adapter_place not in PLACES:
            raise ValueError(f"adapter_place '{self.adapter_place}' is none of {list(PLACES)}")
        for name in ("activation", "adapter_activation"):
            if getattr(self, name) not in ACTIVATIONS:
                raise ValueError(f"{name} '{getattr(self, name)}' is none of {ACTIVATIONS}")
        if not 11 <= self.opset <= 17:
            raise ValueError(f"opset {self.opset} is not between 11 and 17")

    @property
    def head_size(self):
        return self.hidden // self.heads

    def adapter_layers(self):
        """The numbers in the names of a task's adapters, at each place."""
        if not self.adapter:
            return range(0)
        return range(1 if self.shared_adapters else self.layers)

    def adapter_places(self):
        return PLACES[self.adapter_place] if self.adapter else ()


# The demo: name and number of labels (one label is a regression).
DEMO_TASKS = {"sst2": 2, "mnli": 3, "qqp": 2, "qnli": 2, "stsb": 1}
PAIR_TASKS = ("mnli", "qqp", "qnli", "stsb", "mrpc", "rte")  # tasks over two sentences
