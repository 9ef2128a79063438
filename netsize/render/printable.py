"""Texts that come from anybody's network or file: with what cannot be seen, or controls what shows it, written out."""

import re
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import is_
from pathlib import PurePath
from typing import Any

# what controls a terminal, changes the direction of the text around it, or is no character (a lone surrogate)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_UNSEEN_IN_LINES = re.compile(f"(?!\n){_UNSEEN.pattern}")


def printable(text: str) -> str:
    """With what cannot be seen, or turns the text around it, written out."""
    return _UNSEEN.sub(_written_out, text)


def printable_lines(text: str) -> str:
    """The same of a text that has lines. What JSON holds in its texts is written as JSON writes it."""
    return _UNSEEN_IN_LINES.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


_ATOMS = {int, float, bool, complex, type(None)}


@cache
def _fields(kind: Any) -> tuple[str, ...] | None:
    """What a dataclass is made from; None of another class."""
    return tuple(f.name for f in fields(kind) if f.init) if is_dataclass(kind) else None


def shown(value: Any) -> Any:
    """A result, every text in it printable; itself where all are. Results are frozen: what is changed is made anew."""
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    if isinstance(value, str):
        return value if value.isprintable() else printable(value)
    if isinstance(value, dict):
        new = {shown(key): shown(item) for key, item in value.items()}
        same = all(a is b and value[a] is new[b] for a, b in zip(value, new)) and len(new) == len(value)
        return value if same else new
    if isinstance(value, (tuple, list)):
        if _ATOMS.issuperset(map(type, value)):
            return value
        items = [shown(item) for item in value]
        if all(map(is_, value, items)):
            return value
        return value._make(items) if hasattr(value, "_make") else kind(items)
    if (names := _fields(kind)) is not None:
        parts = [(name, getattr(value, name)) for name in names]
        changed = {name: new for name, part in parts if (new := shown(part)) is not part}
        return replace(value, **changed) if changed else value
    if isinstance(value, PurePath):
        return value if str(value).isprintable() else kind(printable(str(value)))
    return value
