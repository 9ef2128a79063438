"""Global switches while a network runs, which are put back afterwards: so that what it executes can be seen, is
repeatable, and keeps nothing for gradients that nobody asks for."""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import _disable_current_modes

from netsize.run import startup

Given = ParamSpec("Given")
Result = TypeVar("Result")


_alone = threading.RLock()
_frozen = False  # by `_little_garbage`
_passes, _looked = 0, 0.0  # since all was looked through for garbage, and when that was


def _renewed() -> None:
    """In a child of a fork: whoever held it is not there."""
    global _alone
    _alone = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renewed)


def alone(run: Callable[Given, Result]) -> Callable[Given, Result]:
    """One thread at a time: switches belong to the process, and two that put them back in turns would leave them as
    the other one had set them. Modes of torch that are around the call (fake tensors, counters of operations) and its
    default device are not for what runs inside."""

    @wraps(run)
    def waiting(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with _alone, _disable_current_modes(), _on_cpu(), _environment(), _little_garbage():
            return run(*args, **kwargs)

    return waiting


def _on_cpu() -> AbstractContextManager[Any]:
    """A default device is asked about every tensor: only where there is another one."""
    return nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")


FROZEN_BY_PYTHON = 1_000  # objects at most: 3.12 starts with some hundreds, and whoever freezes has thousands
YOUNG = 10_000  # objects that are made before garbage is looked for among them: 700 are made by ten layers
PASSES, SECONDS = 200, 10  # after which all is looked through for garbage, which takes a quarter of a second


@contextmanager
def _little_garbage() -> Iterator[None]:
    """What is alive already is not looked through for garbage meanwhile, again and again: what a pass makes is little
    beside all of torch's modules. Freezing takes young objects for old ones, and has Python wait for the next look at
    those: it must not wait for ever, or networks that were garbage before would stay."""
    global _frozen, _passes, _looked
    if _frozen or startup.is_frozen() or gc.get_freeze_count() > FROZEN_BY_PYTHON:  # further out, or by others
        yield
        return
    _frozen = True
    _passes += 1
    all_of_it = _passes >= PASSES and time.monotonic() - _looked >= SECONDS
    if gc.isenabled():
        gc.collect(2 if all_of_it else 1)
    if all_of_it:
        _passes, _looked = 0, time.monotonic()
    gc.freeze()
    thresholds = gc.get_threshold()
    gc.set_threshold(max(YOUNG, thresholds[0]) if thresholds[0] else 0, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        _frozen = False


@contextmanager
def _environment() -> Iterator[None]:
    """torch's compiler writes its folder into it when it is imported, which happens where an error is told."""
    before = dict(os.environ)
    try:
        yield
    finally:
        if os.environ != before:
            os.environ.clear()
            os.environ.update(before)


def contexts(device: torch.device) -> list[Any]:
    """Repeatable, with attention and compiled parts in operations that can be seen. Gradients are there for networks
    that compute with them; where nothing asks for one (`untrained`), nothing is kept for them."""
    cuda = [device] if device.type == "cuda" else []
    repeatable = [torch.random.fork_rng(devices=cuda), _seeded(device)]
    return [
        *repeatable,
        torch.inference_mode(False),
        torch.enable_grad(),
        _no_fused_encoder(),
        uncompiled(),
        _deeper(),
        sdpa_kernel(SDPBackend.MATH),
    ]


@contextmanager
def _seeded(device: torch.device) -> Iterator[None]:
    """torch.manual_seed would seed every device, those that are not put back, too."""
    torch.default_generator.manual_seed(0)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(0)
    yield


@contextmanager
def _deeper() -> Iterator[None]:
    """Modules within modules that just do without netsize: its hooks take a frame of Python's for each."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(4 * before)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextmanager
def _no_fused_encoder() -> Iterator[None]:
    """MultiheadAttention and TransformerEncoderLayer have a fused path that shows no products."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextmanager
def uncompiled() -> Iterator[None]:
    """What torch.compile has wrapped, or wraps meanwhile (torch.cond does), is executed as it was written. Nothing is
    compiled where its compiler is not there."""
    stance = torch.compiler.set_stance("force_eager") if "torch._dynamo.eval_frame" in sys.modules else nullcontext()
    before = torch.compile
    torch.compile = _as_written
    try:
        with stance:
            yield
    finally:
        torch.compile = before


def _as_written(model: Any = None, **_: Any) -> Any:
    """In the place of torch.compile, as a function or a decorator."""
    return model if model is not None else lambda function: function


@contextmanager
def untrained(parameters: Iterable[torch.Tensor]) -> Iterator[None]:
    """Inside, none of them asks for a gradient; those that were made in inference mode cannot be told not to."""
    asking = [parameter for parameter in parameters if parameter.requires_grad]
    if any(parameter.is_inference() for parameter in asking):
        with torch.no_grad():
            yield
        return
    for parameter in asking:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in asking:
            parameter.requires_grad_(True)
