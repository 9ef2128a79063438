"""A network that a source has built, and what it takes to run it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from netsize.facts.network import Source
from netsize.sources.settings import InputSpec

if TYPE_CHECKING:
    import torch
    from torch import nn


def plain(network: Any) -> Any:
    """The network inside of a compiled one: its operations are executed one by one here, not compiled."""
    compiled = type(network).__module__.startswith("torch._dynamo")
    return getattr(network, "_orig_mod", network) if compiled else network


@dataclass(frozen=True)
class Arguments:
    """What forward is called with: by position, and by name."""

    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> list[Any]:
        return [*self.positional, *self.named.values()]

    def given_to(self, model: Callable[..., Any]) -> Any:
        """What comes out."""
        return model(*self.positional, **self.named)


def as_arguments(example: Any, forward: Callable[..., Any]) -> Arguments | None:
    """Of one value, or a tuple of them. A dictionary is arguments by name (as Lightning has it) if forward has
    arguments of these names, else one value; so is a named tuple."""
    if example is None:
        return None
    if isinstance(example, dict) and example and _takes(forward, example):
        return Arguments(named=dict(example))
    if isinstance(example, tuple) and not hasattr(example, "_fields"):
        return Arguments(example)
    return Arguments((example,))


def _takes(forward: Callable[..., Any], named: dict[Any, Any]) -> bool:
    try:
        inspect.signature(forward).bind(**named)
    except (TypeError, ValueError):  # other names, or a forward that cannot be looked at
        return False
    return True


@dataclass
class Built:
    """`model` may be run, filled and moved as one likes. `inputs` is used if the user gives none."""

    model: "nn.Module"
    source: Source
    inputs: tuple[InputSpec, ...] = ()
    example: Arguments | None = None  # arguments of forward, instead of shapes
    arrange: Callable[[tuple[Any, ...]], tuple[Any, ...]] = lambda tensors: tensors  # detection takes a list of images
    constants: dict[str, Any] = field(default_factory=dict)  # arguments by name besides the inputs: return_dict=False
    notes: tuple[str, ...] = ()  # what else is to be said of it
    blank: "list[torch.Tensor]" = field(default_factory=list)  # parameters whose initialiser was skipped
    before_write: "Callable[[torch.Tensor], None]" = lambda tensor: None  # to be told before a tensor is written to
