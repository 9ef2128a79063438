"""The console script, and `python -m netsize`."""

import gc
import os
import sys

INTERRUPTED = 130  # as in errors.py: 128 + SIGINT


def run() -> None:
    """Imports nothing but what it needs to end quietly when it is interrupted while it starts.

    After an interrupt Python would end by the signal instead of the status that it is given, if the interrupt
    came while a string was being executed (as dataclasses do): so it is not asked.
    """
    gc.disable()  # until torch is imported, if it is: a remembered answer is too short for any garbage
    try:
        from netsize.cli import main

        status = main()
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
