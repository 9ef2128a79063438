"""A cold start as short as it can be, and one that can be interrupted."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from netsize.errors import INTERRUPTED


@contextmanager
def imports() -> Iterator[None]:
    """Around the imports of torch and torchvision in a command.

    They create a million objects that live as long as the process: looking for garbage among them, again and
    again and once more at exit, takes a third of the time of `python -c "import torch, torchvision"`. And
    torch's C++ aborts if an interrupt is raised inside of it as an exception: here it ends the process itself.
    """
    enabled = gc.isenabled()
    gc.disable()
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, _leave) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
        gc.freeze()
        if enabled:
            gc.enable()


def _leave(*_: Any) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h\n")  # the cursor, which the spinner hides
        sys.stderr.flush()
    os._exit(INTERRUPTED)
