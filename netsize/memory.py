"""How much memory a forward pass takes, found on fake tensors that take none, and how much there is."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from netsize import limits
from netsize.fake import without_values
from netsize.sources.build import quiet
from netsize.tracer import tensors


class LiveBytes(TorchDispatchMode):
    """Bytes of the tensors that are alive at once, each storage counted once, those of `own` not at all."""

    def __init__(self, own: Iterable[torch.Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._users: Counter[int] = Counter()
        self._own = {tensor.untyped_storage()._cdata for tensor in own}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """See `netsize.tracer.Tracer`."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for tensor in tensors(output):
            storage = tensor.untyped_storage()
            key, size = storage._cdata, storage.nbytes()
            if key in self._own:  # a view of a parameter
                continue
            if not self._users[key]:
                self.now += size
                self.peak = max(self.peak, self.now)
            self._users[key] += 1
            weakref.finalize(tensor, self._release, key, size)
        return output

    def _release(self, key: int, size: int) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            self.now -= size


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


def needed(model: nn.Module, make_inputs: Callable[[torch.device], Any]) -> Need | None:
    """None if it cannot be told without values."""
    own = [t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers())]
    try:
        with quiet(), torch.no_grad(), without_values(model):
            arguments = make_inputs(torch.device("cpu"))
            with LiveBytes((*model.parameters(), *model.buffers())) as live:
                model(*arguments)
    except Exception:
        return None
    inputs = sum(t.numel() * t.element_size() for t in tensors(list(arguments)))
    return Need(sum(own), inputs + 2 * live.peak, max(own, default=0))


def available(device: torch.device) -> int | None:
    """Bytes that can still be allocated there; None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return limits.free_memory()


def is_exhausted(error: BaseException) -> bool:
    """Whether an error says that memory ran out (the CPU's allocator has no class of error of its own)."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "not enough memory" in str(error)


def gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
