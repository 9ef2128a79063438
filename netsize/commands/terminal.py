"""A terminal, a pipe or a file: how wide, with which colours and characters, and what is written there. What takes
time to import is imported when it is needed: an answer that is printed again needs little of this."""

import os
import re
import shutil
import stat
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from netsize.errors import BadOption, NetsizeError, shortened
from netsize.files.writing import write_whole
from netsize.run import startup

NEEDED = "✓✗·…◀█▏"  # what the table draws with


def on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def columns() -> int | None:
    """Columns of the terminal, or those that COLUMNS tells; behind a pipe (`| less -R`) those of the terminal at which
    somebody reads what comes out of it. None for a file, and where there is no terminal."""
    if on_terminal() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    with suppress(OSError, ValueError, AttributeError):
        if stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode):
            return os.get_terminal_size(sys.stderr.fileno()).columns
    return None


def colours(when: str = "auto") -> bool:
    """If nothing else is said, only on a terminal that has them, and not with NO_COLOR (no-color.org)."""
    if when != "auto":
        return when == "always"
    return on_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def speaks_unicode() -> bool:
    try:
        NEEDED.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def check_open() -> None:
    """Before the work is done, not after it. Raises BadOption."""
    if sys.stdout is None:
        raise BadOption("stdout is closed")


def check_writable(file: Path) -> None:
    """Before the work is done, not after it. Raises BadOption."""
    folder = file.parent
    if file.is_dir():
        raise BadOption(f"-o {file}: this is a folder")
    if not folder.is_dir():
        raise BadOption(f"-o {file}: there is no folder {folder}")
    if not os.access(folder, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise BadOption(f"-o {file}: no permission to write there")


def write(text: str, file: Path | None) -> None:
    """To stdout; or to a file, whole or not at all; nothing, if the command was interrupted."""
    startup.check()
    if file is None:
        _print(text)
        return
    try:
        write_whole(file, text.encode("utf-8", "backslashreplace"))  # a name may hold what is no character
    except OSError as error:
        raise BadOption(f"-o {file}: {error.strerror or error}") from error


def _print(text: str) -> None:
    """A reader who has seen enough (`| head`) is no error."""
    check_open()
    try:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            raise BadOption(f"stdout cannot be written: {error.strerror}") from error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


MOST_LINES, MOST_CHARACTERS = 8, 300


def complain(error: NetsizeError | str) -> None:
    """One or two lines on stderr, in which nothing controls a terminal, and that a long name does not fill."""
    from netsize.render.printable import printable

    lines = [shortened(printable(line), MOST_CHARACTERS - 10) for line in str(error).splitlines()]
    print("\n".join([f"netsize: {next(iter(lines), '')}", *lines[1:MOST_LINES]]), file=sys.stderr)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Says on stderr what is being done, if a person is looking."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    from netsize.render.printable import printable

    with Console(stderr=True).status("starting") as status:
        yield lambda said: status.update(Text(shortened(printable(said))))  # a name may look like rich's markup


def read_out(markdown: str) -> None:
    """In a terminal laid out, page by page; elsewhere as it is written. A link to a chapter is the command for it."""
    markdown = re.sub(r"\[[^]]*\]\((\w+)\.md\)", r"`netsize help \1`", markdown)
    markdown = re.sub(r"(?<!!)\[([^]]*)\]\(\.\./[^)]*\)", r"\1", markdown)
    if not on_terminal():
        write(markdown.rstrip() + "\n", None)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=min(columns() or 100, 100), no_color=not colours())
    os.environ.setdefault("LESS", "-RFX")  # colours; and no pager for what fits the screen
    with console.pager(styles=colours()):
        console.print(Markdown(markdown))


def families(names: dict[str, list[str]]) -> str:
    """A family on each line, its models behind it; in a terminal broken between names."""
    indent = max(map(len, names)) + 2
    lines = []
    for family, members in sorted(names.items()):
        text = f"{family.ljust(indent)}{' '.join(members)}"
        width = columns()
        lines += textwrap.wrap(text, width, subsequent_indent=" " * indent) if width else [text]
    return "\n".join(lines) + "\n"
