"""What is known of each tensor that is alive."""

from typing import Any, Generic, TypeVar
from weakref import ref

import torch

Known = TypeVar("Known")


class _Alive(ref[torch.Tensor]):
    __slots__ = ("key",)
    key: int


class Tensors:
    """Those of which anything is known, held weakly; dictionaries forget what has died before another tensor can have
    its address."""

    def __init__(self) -> None:
        self._alive: dict[int, _Alive] = {}
        self.dictionaries: list[dict[int, Any]] = [self._alive]
        own = ref(self)  # which it dies with, and all that is known

        def forget(dead: Any) -> None:
            tensors = own()
            for dictionary in tensors.dictionaries if tensors is not None else ():
                dictionary.pop(dead.key, None)

        self._forget = forget

    def key(self, tensor: torch.Tensor) -> int:
        key = id(tensor)
        if key not in self._alive:
            alive = _Alive(tensor, self._forget)
            alive.key = key
            self._alive[key] = alive
        return key


class ByTensor(Generic[Known]):
    """A dictionary whose keys are tensors, held weakly, by identity. It is asked several times for each executed
    operation: torch's own, which compares wrappers in Python, takes ten times as long."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._known: dict[int, Known] = {}
        tensors.dictionaries.append(self._known)

    def get(self, tensor: torch.Tensor) -> Known | None:
        return self._known.get(id(tensor))

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._known

    def __getitem__(self, tensor: torch.Tensor) -> Known:
        return self._known[id(tensor)]

    def __setitem__(self, tensor: torch.Tensor, value: Known) -> None:
        self._known[self._tensors.key(tensor)] = value

    def pop(self, tensor: torch.Tensor) -> None:
        self._known.pop(id(tensor), None)
