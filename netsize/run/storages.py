"""Which memory is alive: storages, each once, whatever tensors share it."""

import weakref
from typing import Any

import torch


class Storages:
    """A part of a dispatch mode that is shown every tensor which is made: remembers the storages that are alive, and
    what is written down of each."""

    def __init__(self) -> None:
        self._alive: dict[int, Any] = {}

    def born(self, tensor: torch.Tensor, record: Any) -> None:
        """Write down a storage that is `unknown`."""
        memory = tensor.untyped_storage()
        self._alive[id(memory)] = record
        weakref.finalize(memory, _freed, weakref.ref(self), id(memory)).atexit = False

    def unknown(self, tensor: torch.Tensor) -> bool:
        return id(tensor.untyped_storage()) not in self._alive

    def of(self, tensor: torch.Tensor) -> Any:
        """What is written down of a tensor's storage, or None."""
        return self._alive.get(id(tensor.untyped_storage()))

    def died(self, record: Any) -> None:
        """The storage of this record was freed. To be overridden."""

    def _forget(self, key: int) -> None:
        self.died(self._alive.pop(key))


def _freed(storages: "weakref.ref[Storages]", key: int) -> None:
    """Python keeps what it calls when memory is freed: with the mode itself, it would keep the network for ever."""
    found = storages()
    if found is not None:
        found._forget(key)
