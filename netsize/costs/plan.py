"""How a network is to be trained, as the user says it. No torch in here."""

from dataclasses import dataclass

from netsize.errors import BadOption, did_you_mean

DTYPES = ("float32", "bfloat16", "float16")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")


@dataclass(frozen=True)
class Plan:
    """How a network is to be trained.

    dtype: of all; None for that which it has (`own`). amp: parameters stay as they are, and operations that gain from
        it run in `dtype` (bfloat16, if that is no half precision).
    freeze: patterns of parameters that are not trained.
    checkpoint: patterns of modules whose activations are computed again in backward.
    batched: False for a network without a batch axis, whose step is one example.
    memory: bytes that a step may take; without a `batch`, the largest one that fits them is taken.
    """

    batch: int | None = None
    optimizer: str = "sgd"
    dtype: str | None = None
    amp: bool = False
    freeze: tuple[str, ...] = ()
    checkpoint: tuple[str, ...] = ()
    examples: int | None = None
    epochs: int | None = None
    memory: int | None = None
    own: str = "float32"
    batched: bool = True

    def check(self) -> None:
        """Raise BadOption for what needs no network to be found wrong."""
        for option, value in (("batch", self.batch), ("examples", self.examples), ("epochs", self.epochs)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise BadOption(f"--{option} {value}: a whole number, at least 1")
        for option, name, known in (("optimizer", self.optimizer, OPTIMIZERS), ("dtype", self.dtype, DTYPES)):
            if name is not None and name not in known:
                raise BadOption(f"--{option} {name}: there are {', '.join(known)}.{did_you_mean(name, list(known))}")
        if not self.batched and (self.batch not in (None, 1) or self.memory):
            raise BadOption("--no-batch: without a batch axis a step is one example; leave --batch and --memory away")
        if self.epochs and not self.examples:
            raise BadOption(f"--epochs {self.epochs}: say how many examples there are in one, as --examples 1.2M")

    @property
    def precision(self) -> str:
        """float32, or float32 with bfloat16 autocast"""
        return f"{self.stored} with {self.autocast} autocast" if self.amp else self.stored

    @property
    def stored(self) -> str:
        """The type of the parameters."""
        return self.own if self.amp or self.dtype is None else self.dtype

    @property
    def autocast(self) -> str:
        return "bfloat16" if self.dtype in (None, "float32") else str(self.dtype)
