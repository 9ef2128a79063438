"""How much memory there is, in bytes and in words. No torch in here."""

import os
import re
from pathlib import Path

from netsize.errors import BadOption

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def binary(size: int) -> str:
    """19.5 MiB; of bytes, all of them."""
    power = 0
    while power < len(UNITS) - 1 and (size >= 1024 if power == 0 else round(size / 1024**power, 1) >= 1024):
        power += 1
    return f"{size / 1024**power:,.1f} {UNITS[power]}" if power else f"{size} bytes" if size else "0"


def read_size(text: str) -> int:
    """4GiB, 512MiB or 8GB, in bytes. Raises BadOption."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?)b", text.lower())
    size = round(float(match[1][:40]) * (1024 if match[3] else 1000) ** ("kmgt".index(match[2]) + 1)) if match else 0
    if not 1 <= size < 2**63:
        raise BadOption(f"--memory {text}: expected a size like 4GiB or 512MiB")
    return size


def free_memory() -> int | None:
    """Bytes that can still be allocated and used; None where the system does not tell."""
    free: list[int] = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            free.append(int(line.split()[1]) * 1024)
    limit, used = _lines("/sys/fs/cgroup/memory.max"), _lines("/sys/fs/cgroup/memory.current")
    if limit and used and limit[0].isdigit():
        free.append(int(limit[0]) - int(used[0]))
    left = address_space()
    if left is not None:
        free.append(left)
    if not free and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        free.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(free) if free else None


def held_memory() -> int | None:
    """Bytes of this process that count for RLIMIT_DATA: private, and writable. None where the system is not Linux."""
    for line in _lines("/proc/self/status"):
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return None


def address_space() -> int | None:
    """What `ulimit -v` still leaves; None where there is no such limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    used = _lines("/proc/self/statm")
    if limit == resource.RLIM_INFINITY or not used:
        return None
    return max(0, limit - int(used[0].split()[0]) * resource.getpagesize())


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="ascii").splitlines()
    except OSError:
        return []
