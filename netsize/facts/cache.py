"""Remembered results: the facts of a forward pass, in the user's cache folder, so that the same question is answered
without torch.
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netsize.facts.question import Question
from netsize.files import entries

if TYPE_CHECKING:
    from netsize.facts.network import Network

PACKAGE = Path(__file__).parent.parent
_METADATA = (".dist-info", ".egg-info")
_GPU_VARIABLES = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def recall(question: Question) -> "Network | None":
    """The facts, if they were remembered; with the time when they were found."""
    from dataclasses import replace

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


def remember(question: Question, network: "Network", summary: Mapping[str, Any]) -> None:
    """Write the facts: whole, or not at all, and without a word. Those of a network that failed are not to be."""
    from datetime import UTC, datetime

    from netsize.facts.serialisation import to_data

    key = key_of(question)
    if key is None:
        return
    header = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": _imported_files() if question.own_files else {},
        "summary": dict(summary),
    }
    entries.write(key, header, json.dumps(to_data(network)))


def _read(question: Question) -> entries.Entry | None:
    """Its entry, if the user's own files are as they were."""
    key = key_of(question)
    entry = entries.read(key) if key is not None else None
    with suppress(KeyError, AttributeError):
        if entry and all(file_digest(Path(file)) == expected for file, expected in entry.header["files"].items()):
            return entry
    return None


def key_of(question: Question) -> str | None:
    """Everything that the facts depend on. None where it cannot be told what is installed."""
    installed = {name: release(name) for name in ("torch", "torchvision", *question.packages)}
    if None in installed.values():
        return None
    asked = {name: getattr(question, name) for name in question.__dataclass_fields__}
    if question.own_files:
        asked["model"] = str(Path.cwd()) + "|" + question.model
    here = {"netsize": _sources(), "python": sys.version, **installed, "machine": _machine(question.device)}
    return json.dumps({**asked, "settings": repr(question.settings), **here}, sort_keys=True, default=str)


def release(package: str) -> str | None:
    """Which one is installed, as its folder of metadata is called: torch-2.14.1.dist-info. importlib.metadata takes as
    long to import as all the rest of a remembered answer: it is asked where a folder tells no version."""
    for names in _installed():
        if found := [name for name in names if name.lower().startswith(f"{package}-")]:
            return " ".join(found)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _installed() -> list[list[str]]:
    found = []
    for folder in dict.fromkeys(sys.path):
        with suppress(OSError):
            found.append(sorted(entry.name for entry in os.scandir(folder or ".") if entry.name.endswith(_METADATA)))
    return found


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
