"""A cold start as short as it can be."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def imports() -> Iterator[None]:
    """Around the imports of torch and torchvision in a command: they create a million objects that live as
    long as the process. Looking for garbage among them, again and again and once more at exit, takes a third
    of the time of `python -c "import torch, torchvision"`."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
