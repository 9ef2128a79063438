"""The console script, and `python -m netsize`."""

import gc
import os
import sys
from contextlib import suppress

FAILED, INTERRUPTED = 2, 130  # as in errors.py


def run() -> None:
    """Imports nothing but what it needs to end quietly when it is interrupted while it starts.

    After an interrupt Python would end by the signal instead of the status that it is given, if the interrupt
    came while a string was being executed (as dataclasses do): so it is not asked.
    """
    _keep_stdout()
    gc.disable()  # until torch is imported, if it is: a remembered answer is too short for any garbage
    try:
        from netsize.commands import repeated

        status = repeated.again(sys.argv[1:])
        if status is None:
            from netsize.commands.cli import main

            status = main()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception:  # a bug of netsize: never 1, which says that something differs
        from traceback import print_exc

        print_exc()
        status = FAILED
    with suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # taking everything apart, torch above all, would take a tenth of the time, for nothing


def _keep_stdout() -> None:
    """For what netsize writes alone: what a network's libraries write to file 1 goes to stderr."""
    with suppress(OSError, ValueError, AttributeError):
        own = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
        os.dup2(2, 1)
        sys.stdout = own
        sys.__stdout__ = own  # type: ignore[misc]  # which tells how wide a terminal is


if __name__ == "__main__":
    run()
