"""Where a result goes, and in which format."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netsize.commands.terminal import colours, columns, speaks_unicode, write
from netsize.errors import BadOption
from netsize.render import FORMATS, render
from netsize.render.style import Style


@dataclass(frozen=True)
class Output:
    """Where a result goes: to stdout, or into a file, which may be opened in a browser."""

    format: str
    file: Path | None = None
    open: bool = False
    color: str = "auto"

    def deliver(
        self, result: Any, *, depth: int | None = None, top: int | None = None, sort: str | None = None
    ) -> str | None:
        """Show a result, or those of its rows that are chosen. A terminal has a width and colours; a pipe has the
        width of COLUMNS, or none; a file neither. Returns what was printed, if it was."""
        file = self.file
        text = self.text(result, depth=depth, top=top, sort=sort)
        if self.open and file is None:  # it stays there: a browser reads it later
            file = Path(tempfile.mkdtemp(prefix="netsize-")) / f"netsize{FORMATS[self.format]}"
        write(text, file)
        if self.open and file is not None:
            import webbrowser

            if not webbrowser.open(file.resolve().as_uri()):
                raise BadOption(f"--open: there is no browser to show {file}")
        return text if file is None else None

    def text(self, result: Any, *, depth: int | None = None, top: int | None = None, sort: str | None = None) -> str:
        """What is shown of it."""
        into_file = self.open or self.file is not None
        width = None if into_file else columns()
        coloured = colours(self.color) and not into_file
        return render(result, self.format, Style(width, coloured, into_file or speaks_unicode(), depth, top, sort))
