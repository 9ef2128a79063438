"""How much memory a forward pass takes, found on fake tensors that take none, and how much there is."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from netsize.machine import free_memory, held_memory
from netsize.run.fake_tensors import without_values
from netsize.run.inputs import MakeInputs
from netsize.run.storages import Storages
from netsize.sources.factory import quiet
from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.operations import tensors

SPARE = 512 * 2**20  # stacks of threads (8 MiB each), libraries that are loaded late, what allocators keep


class LiveBytes(Storages, DispatchMode):
    """Bytes of the storages that are alive at once, those of `own` not counted."""

    def __init__(self, own: Iterable[torch.Tensor]) -> None:
        Storages.__init__(self)
        DispatchMode.__init__(self)
        self.now = self.peak = 0
        self._alive |= {id(tensor.untyped_storage()): 0 for tensor in own}  # they outlive this mode

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for tensor in tensors(output):
            if self.unknown(tensor):  # and no view of one that is known
                size = tensor.untyped_storage().nbytes()
                self.born(tensor, size)
                self.now += size
                self.peak = max(self.peak, self.now)
        return output

    def died(self, record: int) -> None:
        self.now -= record


@dataclass(frozen=True)
class Need:
    """Bytes of a forward pass: parameters and buffers; activations at their highest moment, and as much again for
    the largest of them once more as ones; the largest parameter, with as much for its ones."""

    parameters: int
    activations: int
    largest: int

    @property
    def at_once(self) -> int:
        return self.parameters + self.activations

    @property
    def piecewise(self) -> int:
        """With only one layer's parameters in memory at a time."""
        return self.activations + 2 * self.largest


def needed(model: nn.Module, make_inputs: MakeInputs) -> Need | None:
    """None if it cannot be told without values."""
    own = [t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers())]
    try:
        with quiet(), torch.no_grad(), without_values(model):
            arguments = make_inputs(torch.device("cpu"))
            with LiveBytes((*model.parameters(), *model.buffers())) as live:
                arguments.given_to(model)
    except Exception:
        return None
    inputs = sum(t.numel() * t.element_size() for t in tensors(arguments.values))
    return Need(sum(own), inputs + 2 * live.peak, max(own, default=0))


def available(device: torch.device) -> int | None:
    """Bytes that can still be allocated there; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_memory()


def is_exhausted(error: BaseException) -> bool:
    """Whether an error says that memory ran out (the CPU's allocator has no class of error of its own)."""
    said = str(error)
    return (
        isinstance(error, (MemoryError, torch.OutOfMemoryError))
        or "DefaultCPUAllocator: " in said
        or "std::bad_alloc" in said
    )


@contextmanager
def limited(limit: int | None, device: torch.device) -> Iterator[None]:
    """No more than `limit` bytes for what runs inside, where the system (Linux) can refuse them: a network that
    allocates without end meets an error, and not the end of the process. SPARE for all that is not a tensor."""
    held = held_memory()
    if limit is None or held is None or device.type != "cpu":
        yield
        return
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = held + limit + SPARE
    resource.setrlimit(resource.RLIMIT_DATA, (allowed if before < 0 else min(allowed, before), most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))


def gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
