"""netsize cache: where remembered results are."""

from typing import Annotated

import typer

from netsize import errors
from netsize.commands import terminal
from netsize.errors import BadOption
from netsize.files import entries


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Forget all that is remembered.")] = False,
) -> int:
    """Show where remembered results are and how much they take, or forget them."""
    folder, files = entries.place(), list(entries.files())
    results = sum(file.suffix == entries.ENDING for file, _ in files)
    if clear:
        try:
            entries.clear()
        except OSError as error:
            raise BadOption(f"{folder} cannot be cleared: {error.strerror or error}") from error
        terminal.write(f"{results:,} remembered results of {folder} are forgotten\n", None)
        return errors.COUNTED
    size = sum(size for _, size in files) / 2**20
    terminal.write(f"{results:,} remembered results, {size:.1f} MiB, in {folder}\n", None)
    return errors.COUNTED
