"""The line of a case, or of one of its numbers, in its TOML file: for annotations. Reading TOML tells none."""

import re
from collections.abc import Sequence
from typing import Any


def line_of(text: str, keys: Sequence[Any], where: str = "", quantity: str = "") -> int | None:
    """From 1; None where it is written in another way than as [[case]], [case.layers.NAME] and KEY = NUMBER. `keys`
    lead to the case, the last one is its number; `where` is its layer."""
    *names, number = keys
    path = r"\s*\.\s*".join(map(re.escape, names))
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{path}\s*\]\]", line)]
    if number >= len(starts):
        return None
    start, end = [*starts, len(lines)][number : number + 2]
    if not quantity:
        return start + 1
    inside = ""
    for n, line in enumerate(lines[start:end], start=start + 1):
        if header := re.match(rf"\s*\[\s*{path}\s*\.\s*layers\s*\.\s*(.+?)\s*\]\s*(#.*)?$", line):
            inside = header[1].strip("\"'")
        elif n > start + 1 and re.match(r"\s*\[", line):
            return start + 1  # a table of somebody else's
        if inside == where and re.match(rf"\s*[\"']?{re.escape(quantity)}[\"']?\s*=", line):
            return n
    return start + 1
