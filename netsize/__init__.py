"""netsize counts a neural network's units, connections and weights, and verifies every count by running it."""

from typing import Any

from netsize.errors import NetsizeError
from netsize.report import Convention, Report

__version__ = "0.1.0"
_FUNCTIONS = ("analyze", "compare", "explain", "sweep", "training")
__all__ = ["Convention", "NetsizeError", "Report", *_FUNCTIONS]


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:  # only now: torch takes seconds to import
        from netsize import api

        return getattr(api, name)
    raise AttributeError(f"module 'netsize' has no attribute {name!r}")
