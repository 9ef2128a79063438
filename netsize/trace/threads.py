"""Threads that a network starts, or hands its layers to. What is switched on for a forward pass (operations that are
seen, shapes in the place of values) holds for one thread in torch: the others follow it here.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import overrides
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack, _pop_mode, _push_mode

from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.layers import Frame


class Threads:
    """The modules that are being called, thread by thread. `turn`: one operation is written down at a time."""

    def __init__(self, root: Frame) -> None:
        self.turn = threading.RLock()
        self._root = root
        self._frames: dict[int, list[Frame]] = {threading.get_ident(): [root]}
        self._modes: list[Any] = []
        self._function_modes: list[Any] = []
        self._visits: dict[int, ExitStack] = {}  # of threads that were there before: until their module is left

    @property
    def frames(self) -> list[Frame]:
        """Those of this thread, the innermost last."""
        return self._frames.get(threading.get_ident()) or [self._root]

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Inside, threads that this one starts follow it with all its modes, and so do those that they start. One that
        goes on afterwards is let go."""
        self._modes = _get_current_dispatch_mode_stack()
        self._function_modes = overrides._get_current_function_mode_stack()
        start = threading.Thread.start

        def start_following(thread: threading.Thread) -> None:
            if threading.get_ident() in self._frames:
                run, frame = thread.run, self.frames[-1]

                def run_following() -> None:
                    with self._following(frame):
                        run()

                thread.run = run_following  # type: ignore[method-assign]  # as a subclass would
            start(thread)

        # Every thread, of a pool, too, begins with it, and nothing else tells that one begins.
        threading.Thread.start = start_following  # type: ignore[assignment,method-assign]  # of all
        try:
            yield
        finally:
            threading.Thread.start = start  # type: ignore[method-assign]  # put back
            self._modes, self._function_modes = [], []

    def enter(self, frame: Frame) -> None:
        """A module is called. A thread that was there before the pass, and is given a layer, follows it so long."""
        here = threading.get_ident()
        if here not in self._frames:
            self._visits[here] = ExitStack()
            self._visits[here].enter_context(self._following(self._root))
        self._frames[here].append(frame)

    def leave(self, path: str) -> Frame:
        """The module at `path` is left. (Those inside of it that were left in another way, by a generator that nobody
        ends, are left with it.)"""
        here, frames = threading.get_ident(), self.frames
        frame = frames.pop()
        while len(frames) > 1 and frame.path != path:
            frame = frames.pop()
        if len(frames) == 1 and here in self._visits:
            self._visits.pop(here).close()
        return frame

    @contextmanager
    def _following(self, frame: Frame) -> Iterator[None]:
        self._frames[threading.get_ident()] = [frame]
        try:
            with _Operations(self), _Functions(self):
                yield
        finally:
            self._frames.pop(threading.get_ident())

    def execute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """An operation in another thread, as if it were executed in the first one."""
        with ExitStack() as stack:
            for mode in self._modes:
                _push_mode(mode)
                stack.callback(_pop_mode)
            return func(*args, **kwargs)

    def call(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The same of a function that torch takes apart."""
        with ExitStack() as stack:
            for mode in self._function_modes:
                overrides._push_mode(mode)
                stack.callback(overrides._pop_mode)
            return func(*args, **kwargs)


class _Operations(DispatchMode):
    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._threads.execute(func, args, kwargs or {})


class _Functions(overrides.TorchFunctionMode):
    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._threads.call(func, args, kwargs or {})
