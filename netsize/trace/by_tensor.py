"""What is known of each tensor that is alive."""

from collections import deque
from typing import Any, Generic, TypeVar
from weakref import ref

import torch

Known = TypeVar("Known")


class _Alive(ref[torch.Tensor]):
    __slots__ = ("key",)
    key: int


class Tensors:
    """Those of which anything is known, held weakly. `dead`: what has died meanwhile, to be forgotten before anything
    is looked up: another tensor may have its address by then. (A function of Python's that was called where a tensor
    dies would swallow the signal that ends a command.)"""

    def __init__(self) -> None:
        self._alive: dict[int, _Alive] = {}
        self.dictionaries: list[dict[int, Any]] = [self._alive]
        self.dead: deque[Any] = deque()

    def key(self, tensor: torch.Tensor) -> int:
        """By which it is known from now on."""
        if self.dead:
            self.forget_dead()
        key = id(tensor)
        if key not in self._alive:
            alive = _Alive(tensor, self.dead.append)
            alive.key = key
            self._alive[key] = alive
        return key

    def stands_for(self, other: torch.Tensor, tensor: torch.Tensor) -> None:
        """All that is known of the tensor is known of the other one from now on."""
        key = self.key(other)
        for dictionary in self.dictionaries[1:]:
            if id(tensor) in dictionary:
                dictionary[key] = dictionary[id(tensor)]

    def forget_dead(self) -> None:
        while self.dead:
            key = self.dead.popleft().key
            for dictionary in self.dictionaries:
                dictionary.pop(key, None)


class ByTensor(Generic[Known]):
    """A dictionary whose keys are tensors, held weakly, by identity. It is asked several times for each executed
    operation: torch's own, which compares wrappers in Python, takes ten times as long."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors, self._dead = tensors, tensors.dead
        self._known: dict[int, Known] = {}
        tensors.dictionaries.append(self._known)

    def get(self, tensor: torch.Tensor) -> Known | None:
        if self._dead:
            self._tensors.forget_dead()
        return self._known.get(id(tensor))

    def __contains__(self, tensor: torch.Tensor) -> bool:
        if self._dead:
            self._tensors.forget_dead()
        return id(tensor) in self._known

    def __getitem__(self, tensor: torch.Tensor) -> Known:
        if self._dead:
            self._tensors.forget_dead()
        return self._known[id(tensor)]

    def __setitem__(self, tensor: torch.Tensor, value: Known) -> None:
        self._known[self._tensors.key(tensor)] = value

    def pop(self, tensor: torch.Tensor) -> None:
        if self._dead:
            self._tensors.forget_dead()
        self._known.pop(id(tensor), None)
