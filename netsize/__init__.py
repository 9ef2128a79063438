"""netsize counts a neural network's units, connections and weights, and verifies every count by running it."""

from typing import TYPE_CHECKING, Any

from netsize.results import display as _display
from netsize.version import __version__ as __version__

if TYPE_CHECKING:
    from netsize.api import analyze, compare, draw, explain, formula, sweep, training
    from netsize.errors import NetsizeError
    from netsize.results.report import Convention, Report

_display.shown_by("netsize.render")  # whoever has a result can print it; who has none need not wait for it

__all__ = [
    "Convention",
    "NetsizeError",
    "Report",
    "analyze",
    "compare",
    "draw",
    "explain",
    "formula",
    "sweep",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in __all__:  # only now: a remembered answer needs none of them
        from netsize import api

        return getattr(api, name)
    raise AttributeError(f"module 'netsize' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
