"""One training step on tensors without values: what memory is alive at each of its operations, and why."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from netsize.costs import kernels
from netsize.costs.phases import Watch
from netsize.costs.recipe import Recipe, checkpointed, forward
from netsize.costs.timeline import Event, Storage, Timeline
from netsize.run.storages import Storages
from netsize.sources.built import Arguments
from netsize.trace.operations import tensors

Owned = tuple[str, str, torch.Tensor]  # part of the memory, path of the layer


class Ledger(Storages, Watch):
    """Writes down which storages are alive, each once; `own` are those that are there before."""

    def __init__(self, model: nn.Module, device: torch.device, own: list[Owned]) -> None:
        Storages.__init__(self)
        Watch.__init__(self, model)
        self.storages: list[Storage] = []
        self.events: list[Event] = []
        self._device = device.type
        for part, path, tensor in own:
            self.add(tensor, part, path)

    def execute(self, func: Any, args: Any, kwargs: Any, path: str) -> Any:
        if self.phase == "backward":
            func = kernels.added_in_place(func, args)
        output = kernels.execute(func, args, kwargs)
        part = {"recomputation": "recomputed activations", "backward": "gradients of activations"}
        for tensor in tensors(output):
            self.add(tensor, part.get(self.phase, "temporaries"), path)
        self.events.append(self.event(func, args, kwargs, output, path))
        return output

    def add(self, tensor: torch.Tensor, part: str, path: str) -> None:
        if tensor.device.type != self._device or not self.unknown(tensor):  # elsewhere: a counter of the optimizer
            return
        size = rounded(tensor.untyped_storage().nbytes(), self._device)
        storage = Storage(size, part, path, born=len(self.events))
        self.storages.append(storage)
        self.born(tensor, storage)

    def died(self, record: Storage) -> None:
        record.died = len(self.events)

    def saving(self) -> Any:
        """Around forward: notes what autograd saves."""

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = self.of(tensor)
            if storage is not None and storage.part == "temporaries":
                storage.part, storage.path = "activations", self.stack[-1]
            return tensor

        return torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)


def rounded(size: int, device: str) -> int:
    """What an allocator takes: the CPU's what it is asked for, that of CUDA whole blocks of 512 bytes
    (c10/cuda/CUDACachingAllocator.cpp, kMinBlockSize)."""
    return -(-size // 512) * 512 if device == "cuda" else size


def simulate(model: nn.Module, arguments: Arguments, recipe: Recipe, device: torch.device, batch: int) -> Timeline:
    """A step of a network in training mode whose parameters have no values (see `netsize.run.fake_tensors`), once the
    optimizer has its state: forward, the sum of all outputs, backward, and the optimizer's step."""
    layers = [(name.rpartition(".")[0], parameter) for name, parameter in model.named_parameters()]
    own: list[Owned] = [("parameters", path, parameter) for path, parameter in layers]
    # Buffers of whole numbers have values: what fake tensors make of them, and whoever views them, shares one storage.
    buffers = [(name.rpartition(".")[0], buffer.detach()) for name, buffer in model.named_buffers()]
    own += [("buffers", path, buffer) for path, buffer in buffers]
    own += [("input", "", tensor) for tensor in tensors(arguments.values)]
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
