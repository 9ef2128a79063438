"""Remembered results: the facts of a forward pass, in the user's cache folder, so that the same question is answered
without torch. Whatever is wrong with the cache, the answer is right: an entry carries its key and a digest, and one
that does not fit is not there.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from netsize.facts.network import Network
from netsize.facts.question import Question
from netsize.files.writing import DRAFT, write_whole

FORMAT = 1
ENDING = ".netsize"
_OWN = re.compile(rf"[0-9a-f]{{40}}{ENDING}|\.[0-9a-f]{{40}}{ENDING}\.[0-9a-f]+{DRAFT}")  # names of its files
PACKAGE = Path(__file__).parent.parent
_GPU_VARIABLES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def recall(question: Question) -> Network | None:
    """The facts, if they were remembered; with the time when they were found."""
    from netsize.facts.serialisation import network_from

    entry = _read(question)
    if entry is None:
        return None
    with suppress(KeyError, TypeError, ValueError, RecursionError):
        return replace(network_from(json.loads(entry.body)), remembered=entry.header["when"])
    return None


def recall_summary(question: Question) -> dict[str, Any] | None:
    """What `remember` was given as summary, without the work of reading the facts."""
    entry = _read(question)
    return dict(entry.header["summary"]) if entry is not None else None


def remember(question: Question, network: Network, summary: Mapping[str, Any]) -> None:
    """Write the facts: whole, or not at all, and without a word. Those of a network that failed are not to be."""
    from netsize.facts.serialisation import to_data

    key = _key(question)
    if key is None:
        return
    header = {
        "format": FORMAT,
        "key": key,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": _imported_files() if question.own_files else {},
        "summary": dict(summary),
    }
    payload = json.dumps(header) + "\n" + json.dumps(to_data(network))
    with suppress(OSError, UnicodeEncodeError):
        write_whole(_private(place()) / _name(key), f"{_digest(payload)}\n{payload}".encode(), private=True)


@dataclass(frozen=True)
class _Entry:
    header: dict[str, Any]
    body: str


def _read(question: Question) -> _Entry | None:
    """The entry of this question, if it is whole and its own."""
    key = _key(question)
    if key is None:
        return None
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        digest, _, payload = _own_text(place() / _name(key)).partition("\n")
        if digest != _digest(payload):
            return None
        first, _, body = payload.partition("\n")
        header = json.loads(first)
        unchanged = all(file_digest(Path(file)) == expected for file, expected in header["files"].items())
        if header["format"] == FORMAT and header["key"] == key and unchanged:
            return _Entry(header, body)
    return None


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


def _own_text(file: Path) -> str:
    """Of an entry that nobody but this user can have written. Raises OSError."""
    with file.open("rb") as stream:
        there = os.fstat(stream.fileno())
        if hasattr(os, "getuid") and (there.st_uid != os.getuid() or there.st_mode & 0o022):
            raise PermissionError(f"{file} is another user's")
        return stream.read().decode()


def entries() -> Iterator[tuple[Path, int]]:
    """All files of the cache, with their sizes; what else lies there is not its own."""
    with suppress(OSError):
        for file in sorted(place().iterdir()):
            if _OWN.fullmatch(file.name):
                with suppress(OSError):
                    yield file, file.stat().st_size


def clear() -> int:
    """Remove them; how many. Raises OSError."""
    removed = 0
    for file, _ in list(entries()):
        file.unlink(missing_ok=True)
        removed += 1
    return removed


def _name(key: str) -> str:
    return _digest(key)[:40] + ENDING


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(question: Question) -> str | None:
    """None where it cannot be told what is installed."""
    try:
        installed = {name: version(name) for name in ("torch", "torchvision", *question.packages)}
    except PackageNotFoundError:
        return None
    asked = {name: getattr(question, name) for name in question.__dataclass_fields__}
    if question.own_files:
        asked["model"] = str(Path.cwd()) + "|" + question.model
    here = {"netsize": _sources(), "python": sys.version, **installed, "machine": _machine(question.device)}
    return json.dumps({**asked, "settings": repr(question.settings), **here}, sort_keys=True, default=str)


@cache
def _sources() -> str:
    """A digest of netsize's own files: another formula must not meet an old result."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(str(file.relative_to(PACKAGE)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _machine(device: str) -> list[str]:
    """Kind and names of what there is to run on, found without torch."""
    found = [sys.platform, os.uname().machine if hasattr(os, "uname") else "", _processor()]
    if not device.startswith("cpu"):
        found += [f"{name}={os.environ.get(name)}" for name in _GPU_VARIABLES]
        found += sorted(str(file) for file in Path("/dev").glob("nvidia[0-9]*"))
        found += [_text(file) for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    return found


def _processor() -> str:
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.environ.get("PROCESSOR_IDENTIFIER", "")  # Windows


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def file_digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _imported_files() -> dict[str, str]:
    """Python files of the user's own that are loaded now: those that are in no library folder."""
    libraries = tuple({str(Path(os.__file__).parent), *(path for path in sys.path if "site-packages" in path)})
    libraries = (*libraries, str(PACKAGE))
    files = {str(getattr(module, "__file__", None) or "") for module in list(sys.modules.values())}
    return {
        str(Path(file).resolve()): file_digest(Path(file).resolve())
        for file in sorted(files)
        if file.endswith(".py") and not file.startswith(libraries)
    }
