"""A cold start as short as it can be, and one that can be interrupted."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from netsize.errors import FAILED, INTERRUPTED, BadOption
from netsize.run import compiler

_imported = _importing = False


@contextmanager
def imports() -> Iterator[None]:
    """Around the imports of torch and torchvision in a command.

    They create a million objects that live as long as the process: looking for garbage among them, again and
    again and once more at exit, takes a third of the time of `python -c "import torch, torchvision"`. And
    torch's C++ aborts if an interrupt is raised inside of it as an exception: here it ends the process itself.
    Where the collector is at work the process is somebody else's, and none of this is done to it: the console script
    starts without.
    """
    global _imported, _importing
    if _imported or gc.isenabled():  # what is garbage by now must not be kept for ever
        yield
        return
    gc.disable()
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, _leave) if main else None
    _importing = True
    try:
        with compiler.imported_later():
            yield
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
        _importing = False
        gc.freeze()
        _imported = True
        gc.enable()


def is_frozen() -> bool:
    """Whether all of torch's objects are out of the collector's sight. Python would count them, which takes 20 ms."""
    return _imported


_interrupted = False


@contextmanager
def interrupts() -> Iterator[None]:
    """Around a command. An interrupt that comes while torch calls back into Python (when it frees a tensor,
    say) is raised where nobody can catch it, and lost: it is remembered, and raised again by `check`."""
    global _interrupted
    _interrupted = False
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_seconds = 0.0
_late = False


def give_up_after(seconds: float) -> None:
    """Let the command be interrupted then, and again each second, in case that somebody catches it. Raises BadOption
    where the system has no such timer."""
    global _seconds
    if not hasattr(signal, "setitimer"):
        raise BadOption("--timeout: this system has no timer that could interrupt")
    _seconds = seconds
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)


def late() -> str:
    """What to say if the interrupt was for the time."""
    return f"--timeout {_seconds:g}: this takes longer, and was given up" if _late else ""


def _give_up(number: int, frame: Any) -> None:
    global _late
    _late = True
    if _importing:
        sys.stderr.write(f"netsize: {late()}\n")
        sys.stderr.flush()
        os._exit(FAILED)
    _remember(number, frame)


def check() -> None:
    """Raise KeyboardInterrupt if there was one."""
    if _interrupted:
        raise KeyboardInterrupt


def _remember(number: int, frame: Any) -> None:
    global _interrupted
    _interrupted = True
    signal.default_int_handler(number, frame)


def _leave(*_: Any) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h\n")  # the cursor, which the spinner hides
        sys.stderr.flush()
    os._exit(INTERRUPTED)
