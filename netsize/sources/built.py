"""A network that a source has built, and what it takes to run it."""

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
    return getattr(network, "_orig_mod", network)


def as_arguments(example: Any) -> tuple[Any, ...] | None:
    """Arguments of forward from one value or a tuple of them."""
    if example is None:
        return None
    return example if isinstance(example, tuple) else (example,)


@dataclass
class Built:
    """`model` may be run, filled and moved as one likes. `inputs` is used if the user gives none."""

    model: "nn.Module"
    source: Source
    inputs: tuple[InputSpec, ...] = ()
    example: tuple[Any, ...] | None = None  # arguments of forward, instead of shapes
    arrange: Callable[[tuple[Any, ...]], tuple[Any, ...]] = lambda tensors: tensors  # detection takes a list of images
    blank: "list[torch.Tensor]" = field(default_factory=list)  # parameters whose initialiser was skipped
