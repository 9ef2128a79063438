"""Entries of the user's cache folder. Whatever happens to it, what is read is right: an entry is written whole, carries
its key and a digest, and one that does not fit, or that somebody else could have written, is not there.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netsize.files.writing import DRAFT, write_whole

FORMAT = 1
ENDING, PRINTED = ".netsize", ".printed"  # results, and answers as they were printed
_OWN = re.compile(  # names of its files
    rf"[0-9a-f]{{40}}({ENDING}|{PRINTED})|\.[0-9a-f]{{40}}({ENDING}|{PRINTED})\.[0-9a-f]+{DRAFT}"
)


@dataclass(frozen=True)
class Entry:
    """`digest`: of all that was written."""

    header: dict[str, Any]
    body: str
    digest: str


def read(key: str, ending: str = ENDING) -> Entry | None:
    """The entry of this key, if it is whole and its own."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        digest, _, payload = _own_text(place() / _name(key, ending)).partition("\n")
        if digest != _digest(payload):
            return None
        first, _, body = payload.partition("\n")
        header = json.loads(first)
        if header["format"] == FORMAT and header["key"] == key:
            return Entry(header, body, digest)
    return None


def digest(key: str, ending: str = ENDING) -> str | None:
    """What tells this key's entry from any other, without the work of reading it."""
    with suppress(OSError, ValueError):
        return _own_text(place() / _name(key, ending), len(_digest("")))
    return None


def write(key: str, header: dict[str, Any], body: str, ending: str = ENDING) -> None:
    """Whole, or not at all, and without a word."""
    payload = json.dumps({"format": FORMAT, "key": key, **header}) + "\n" + body
    with suppress(OSError, UnicodeEncodeError):
        write_whole(_private(place()) / _name(key, ending), f"{_digest(payload)}\n{payload}".encode(), private=True)


def place() -> Path:
    """The folder: NETSIZE_CACHE, or the user's cache folder as the system has it (XDG_CACHE_HOME on Linux)."""
    if own := os.environ.get("NETSIZE_CACHE"):
        return Path(own)
    from platformdirs import user_cache_path

    return Path(user_cache_path("netsize", appauthor=False))


def _private(folder: Path) -> Path:
    """Made, for this user alone. One that somebody has chosen and made is as they made it; entries are private there,
    too."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if "NETSIZE_CACHE" not in os.environ:
        folder.chmod(0o700)
    return folder


def _own_text(file: Path, length: int = -1) -> str:
    """Of an entry that nobody but this user can have written; so many bytes of it. Raises OSError."""
    with file.open("rb") as stream:
        there = os.fstat(stream.fileno())
        if hasattr(os, "getuid") and (there.st_uid != os.getuid() or there.st_mode & 0o022):
            raise PermissionError(f"{file} is another user's")
        return stream.read(length).decode()


def files() -> Iterator[tuple[Path, int]]:
    """All files of the cache, with their sizes; what else lies there is not its own."""
    with suppress(OSError):
        for file in sorted(place().iterdir()):
            if _OWN.fullmatch(file.name):
                with suppress(OSError):
                    yield file, file.stat().st_size


def clear() -> int:
    """Remove them; how many. Raises OSError."""
    removed = 0
    for file, _ in list(files()):
        file.unlink(missing_ok=True)
        removed += 1
    return removed


def _name(key: str, ending: str) -> str:
    return _digest(key)[:40] + ending


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
