"""Which phase of a training step an operation belongs to, and which layer."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn

from netsize.costs.timeline import Event
from netsize.trace.connections import connections
from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.layers import hooks
from netsize.trace.silent_operations import name_of


class Watch(DispatchMode):
    """Knows of each operation the phase and the layer: that of the module which is being called, or, in backward,
    the one whose operation the autograd node belongs to."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.paths = {module: path for path, module in model.named_modules()}
        self.phase = "forward"
        self.stack = [""]
        self._layers: dict[int, str] = {}  # sequence number of an autograd node -> path

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.prim.device.default:  # a question, which fake tensors ask often
            return func(*args, **kwargs)
        path = self._path()
        return self.execute(func, args, kwargs, path)

    def execute(self, func: Any, args: Any, kwargs: Any, path: str) -> Any:
        """To be overridden."""
        return func(*args, **kwargs)

    def _path(self) -> str:
        node = torch._C._current_autograd_node()
        if self.phase == "forward":
            self._layers.setdefault(torch._C._autograd._get_sequence_nr() - 1, self.stack[-1])
        elif node is not None and self.phase == "backward":
            return self._layers.get(node._sequence_nr(), "")
        return self.stack[-1]

    def event(self, func: Any, args: Any, kwargs: Any, output: Any, path: str) -> Event:
        counted = connections(func, args, kwargs, output) if self.phase != "optimizer" else 0
        return Event(self.phase, path, name_of(func), counted)

    def calls(self) -> AbstractContextManager[None]:
        """Around the step: follows which module is being called."""
        return hooks(self.paths, self._enter, self._leave)

    def _enter(self, module: nn.Module, *_: Any) -> None:
        self.stack.append(self.paths[module])

    def _leave(self, module: nn.Module, *_: Any) -> None:
        while len(self.stack) > 1 and self.stack.pop() != self.paths[module]:
            pass  # modules inside whose forward raised, and whose caller went on

    @contextmanager
    def recomputing(self, path: str) -> Iterator[None]:
        """Around the forward pass of a checkpointed module; in backward, torch ends it early by an exception."""
        before, depth = self.phase, len(self.stack)
        if torch._C._current_autograd_node() is not None:
            self.phase = "recomputation"
        self.stack.append(path)
        try:
            yield
        finally:
            self.phase = before
            del self.stack[depth:]
