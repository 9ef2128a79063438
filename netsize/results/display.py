"""Results that show themselves, and know nothing of tables: how each of them is shown, `netsize.render` registers
here."""

from collections.abc import Callable
from typing import Any

_WAYS: dict[str, Callable[..., Any]] = {}


def register(**ways: Callable[..., Any]) -> None:
    """Say how results are shown: as a `table` and as `json`, which all of them can be, or in a way of one's own. A way
    takes the result first. Raises TypeError for a result that it does not know."""
    _WAYS.update(ways)


def shown(result: "Shown", way: str, *arguments: Any) -> Any:
    """A result in one of the ways that are registered. Raises TypeError if it is not."""
    if way not in _WAYS:
        raise TypeError(f"nobody has registered how to show a {type(result).__name__} as {way}: netsize.render does it")
    return _WAYS[way](result, *arguments)


class Shown:
    """A result: print it, or take it as JSON."""

    def __str__(self) -> str:
        return str(shown(self, "table"))

    def to_json(self) -> str:
        """The result as JSON, with the number of its schema."""
        return str(shown(self, "json"))
