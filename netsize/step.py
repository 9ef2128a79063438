"""One training step on tensors without values: what memory is alive at each of its operations, and why."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import nn

from netsize import kernels
from netsize.timeline import Event, Storage, Timeline
from netsize.tracer import tensors
from netsize.watch import Watch

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


Owned = tuple[str, str, torch.Tensor]  # part of the memory, path of the layer


class Ledger(Watch):
    """Writes down which storages are alive, each once; `own` are those that are there before."""

    def __init__(self, model: nn.Module, device: torch.device, own: list[Owned]) -> None:
        super().__init__(model)
        self.storages: list[Storage] = []
        self.events: list[Event] = []
        self._alive: dict[int, Storage] = {}
        self._device = device.type
        for part, path, tensor in own:
            self.add(tensor, part, path)

    def execute(self, func: Any, args: Any, kwargs: Any, path: str) -> Any:
        if self.phase == "backward":
            func = kernels.added_in_place(func, args)
        output = kernels.as_they_do(func, args, kwargs, func(*args, **kwargs))
        part = {"recomputation": "recomputed activations", "backward": "gradients of activations"}
        for tensor in tensors(output):
            self.add(tensor, part.get(self.phase, "temporaries"), path)
        self.events.append(self.event(func, args, kwargs, output, path))
        return output

    def add(self, tensor: torch.Tensor, part: str, path: str) -> None:
        if tensor.device.type != self._device:  # a counter of the optimizer
            return
        memory = tensor.untyped_storage()
        if id(memory) in self._alive:
            return
        size = rounded(memory.nbytes(), self._device)
        storage = self._alive[id(memory)] = Storage(size, part, path, born=len(self.events))
        self.storages.append(storage)
        weakref.finalize(memory, _died, weakref.ref(self), id(memory)).atexit = False

    def died(self, key: int) -> None:
        self._alive.pop(key).died = len(self.events)

    def of(self, tensor: torch.Tensor) -> Storage | None:
        return self._alive.get(id(tensor.untyped_storage()))

    def saving(self) -> Any:
        """Around forward: notes what autograd saves."""

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = self.of(tensor)
            if storage is not None and storage.part == "temporaries":
                storage.part, storage.path = "activations", self.stack[-1]
            return tensor

        return torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)


def _died(ledger: "weakref.ref[Ledger]", memory: int) -> None:
    """Python keeps what it calls when memory is freed: with the ledger itself, it would keep the network for ever."""
    found = ledger()
    if found is not None:
        found.died(memory)


def rounded(size: int, device: str) -> int:
    """What an allocator takes: the CPU's what it is asked for, that of CUDA whole blocks of 512 bytes
    (c10/cuda/CUDACachingAllocator.cpp, kMinBlockSize)."""
    return -(-size // 512) * 512 if device == "cuda" else size


def simulate(
    model: nn.Module, arguments: tuple[Any, ...], recipe: Recipe, device: torch.device, batch: int
) -> Timeline:
    """A step of a network in training mode whose parameters have no values (see `netsize.fake`), once the optimizer
    has its state: forward, the sum of all outputs, backward, and the optimizer's step."""
    layers = [(name.rpartition(".")[0], parameter) for name, parameter in model.named_parameters()]
    own: list[Owned] = [("parameters", path, parameter) for path, parameter in layers]
    # Buffers of whole numbers have values: what fake tensors make of them, and whoever views them, shares one storage.
    buffers = [(name.rpartition(".")[0], buffer.detach()) for name, buffer in model.named_buffers()]
    own += [("buffers", path, buffer) for path, buffer in buffers]
    own += [("input", "", tensor) for tensor in tensors(list(arguments))]
    ledger = Ledger(model, device, own)
    with ExitStack() as stack:
        for context in (ledger.calls(), checkpointed(model, recipe.checkpoint, ledger), ledger):
            stack.enter_context(context)
        with ledger.saving():
            loss = forward(model, arguments, recipe, device)
        ledger.phase = "backward"
        loss.backward()
        del loss
    for path, parameter in layers:
        storage = ledger.of(parameter.grad) if parameter.grad is not None else None
        if storage is not None:
            storage.part, storage.path = "gradients of weights", path
    update = _update(model, recipe.optimizer_of(model, device), device)
    untouched = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    return _joined(ledger, update, batch, tuple(untouched))


def _update(model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> Ledger:
    """The optimizer's step. It is the first one, which makes the optimizer's state; all else is temporary."""
    layers = [(name.rpartition(".")[0], parameter) for name, parameter in model.named_parameters()]
    gradients = [parameter.grad for _, parameter in layers if parameter.grad is not None]
    own: list[Owned] = [("", "", tensor) for tensor in (*model.parameters(), *gradients)]
    update = Ledger(model, device, own)
    update.phase = "optimizer"
    with update:
        optimizer.step()
    for path, parameter in layers:
        for tensor in tensors(optimizer.state.get(parameter, {})):
            update.add(tensor, "optimizer state", path)  # a counter that was made of a number
            storage = update.of(tensor)
            if storage is not None:
                storage.part, storage.path = "optimizer state", path
    return update


def _joined(ledger: Ledger, update: Ledger, batch: int, untouched: tuple[str, ...]) -> Timeline:
    """The optimizer's step behind the rest, with its temporaries; its state is there from the beginning. Copies: what
    is alive now will die, too."""
    start = len(ledger.events)
    storages = [replace(storage) for storage in ledger.storages]
    for storage in update.storages:
        if storage.part == "optimizer state":
            storages.append(replace(storage, born=0, died=None))
        elif storage.part == "temporaries":
            died = None if storage.died is None else start + storage.died
            storages.append(replace(storage, born=start + storage.born, died=died))
    return Timeline(batch, tuple(storages), (*ledger.events, *update.events), untouched)


def forward(model: nn.Module, arguments: tuple[Any, ...], recipe: Recipe, device: torch.device) -> torch.Tensor:
    """The forward pass and its loss: the sum of all that it puts out. Raises NoLoss."""
    with recipe.autocast(device):
        return loss(model(*arguments))


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
