"""torch's compiler, left out where nothing is compiled: importing it, and sympy with it, takes a second, a third of
what importing torch and torchvision takes.

Only in a process of netsize's own: in somebody else's, others may be importing it at the same time, and need it.
"""

import gc
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from operator import and_, or_
from types import ModuleType
from typing import Any

_owned = False


@contextmanager
def imported_later() -> Iterator[None]:
    """Around the imports of torch and torchvision, in a process of netsize's own."""
    global _owned
    utilities = _Utilities()
    try:
        yield
    finally:
        utilities.leave()
        _owned = True


def load() -> None:
    """Import it now. What it creates lives as long as the process: looking for garbage among that would take half as
    long again."""
    if not _owned or "torch._dynamo" in sys.modules:
        return
    gc.disable()
    try:
        importlib.import_module("torch._dynamo")
    finally:
        gc.freeze()
        gc.enable()


class _Utilities(ModuleType):
    """Stands for `torch._dynamo.utils` until anything of it is used. torchvision takes one function from there, for a
    RoI Align that it may compile."""

    def __init__(self) -> None:
        super().__init__("torch._dynamo.utils")
        sys.modules.setdefault(self.__name__, self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # as the import system asks for
        if name == "is_compile_supported":
            return lambda device: self.load().is_compile_supported(device)
        return getattr(self.load(), name)

    def load(self) -> ModuleType:
        self.leave()
        return importlib.import_module(self.__name__)

    def leave(self) -> None:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


@contextmanager
def left_out() -> Iterator[None]:
    """Around torch's meta kernels. They ask the compiler to keep out of their functions, and whether numbers are its
    symbols, which here they are not: what stands for it answers so. To ask for anything else is an ImportError."""
    absent = {name: module for name, module in _STAND_INS.items() if _owned and name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        while _kept_out:
            vars(_kept_out.pop()).pop("__dynamo_disable", None)  # where torch remembers the answer


_kept_out: list[Callable[..., Any]] = []


def _disable(function: Callable[..., Any], *_: Any, **unused: Any) -> Callable[..., Any]:
    _kept_out.append(function)
    return function


def _same(value: Any) -> Any:
    return value


def _equal(one: Any, other: Any) -> bool:
    return bool(list(one) == list(other) if isinstance(one, (list, tuple)) else one == other)


def _stand_in(name: str, **has: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(has)
    return module


_MODULES = (
    _stand_in("torch._dynamo", disable=_disable),
    _stand_in("sympy", Basic=type("Basic", (), {})),
    _stand_in(
        "torch.fx.experimental.symbolic_shapes",
        expect_true=_same,
        free_unbacked_symbols=lambda value: set(),
        guard_or_false=_same,
        guard_or_true=_same,
        guard_size_oblivious=_same,
        guarding_hint_or_throw=_same,
        has_guarding_hint=lambda number: True,
        is_nested_int=lambda number: False,
        statically_known_true=_same,
        sym_and=lambda *values: reduce(and_, values),
        sym_eq=_equal,
        sym_or=lambda *values: reduce(or_, values),
    ),
)
_STAND_INS = {module.__name__: module for module in _MODULES}
