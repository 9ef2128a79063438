"""How torch trains a network: the optimizer, precision, loss and checkpoints of every step, simulated or real."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import nn

from netsize.costs.phases import Watch
from netsize.sources.built import Arguments

OPTIMIZERS: dict[str, tuple[Callable[..., torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. `checkpoint`: paths of modules whose activations are computed again in backward."""

    optimizer: str = "sgd"
    dtype: torch.dtype | None = None  # None: that of the network
    amp: torch.dtype | None = None
    checkpoint: tuple[str, ...] = ()

    def optimizer_of(self, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
        """Its learning rate is 0, so that a step on random data leaves the network as it was; it does all the work.
        `foreach` is what torch chooses on the device by itself; fake tensors would be treated otherwise."""
        kind, settings = OPTIMIZERS[self.optimizer]
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return kind(trained, lr=0.0, foreach=device.type == "cuda", **settings)

    def autocast(self, device: torch.device) -> Any:
        return torch.autocast(device.type, self.amp) if self.amp else nullcontext()


def forward(model: nn.Module, arguments: Arguments, recipe: Recipe, device: torch.device) -> torch.Tensor:
    """The forward pass and its loss: the sum of all that it puts out. Raises NoLoss."""
    with recipe.autocast(device):
        return loss(arguments.given_to(model))


class NoLoss(Exception):
    """Nothing in the output depends on a parameter that is trained."""


def loss(output: Any) -> torch.Tensor:
    trained = [tensor for tensor in outputs(output) if tensor.requires_grad]
    if not trained:
        raise NoLoss
    sums = [tensor.sum() for tensor in trained]
    total = sums[0]
    for other in sums[1:]:
        total = total + other
    return total.real if total.is_complex() else total


def outputs(value: Any) -> list[torch.Tensor]:
    """The tensors in dictionaries, lists and dataclasses."""
    if is_dataclass(value) and not isinstance(value, type):
        return [tensor for field in fields(value) for tensor in outputs(getattr(value, field.name))]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in outputs(item)]
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in outputs(item)]
    return [value] if isinstance(value, torch.Tensor) else []


@contextmanager
def checkpointed(model: nn.Module, paths: tuple[str, ...], watch: Watch | None = None) -> Iterator[None]:
    """Inside, these modules keep their inputs only, and run forward once more in backward (Chen et al. 2016)."""
    from torch.utils.checkpoint import checkpoint

    modules = [model.get_submodule(path) for path in paths]
    own = [vars(module).get("forward") for module in modules]
    for path, module in zip(paths, modules):
        module.forward = _twice(module.forward, path, watch, checkpoint)
    try:
        yield
    finally:
        for module, before in zip(modules, own):
            del module.forward
            if before is not None:
                module.forward = before


def _twice(original: Callable[..., Any], path: str, watch: Watch | None, checkpoint: Any) -> Callable[..., Any]:
    def once(*args: Any, **kwargs: Any) -> Any:
        with watch.recomputing(path) if watch else nullcontext():
            return original(*args, **kwargs)

    return lambda *args, **kwargs: checkpoint(once, *args, use_reentrant=False, **kwargs)
