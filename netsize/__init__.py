"""netsize counts a neural network's units, connections and weights, and verifies every count by running it."""

from typing import Any

from netsize.errors import NetsizeError
from netsize.report import Convention, Report

__version__ = "0.1.0"
__all__ = ["Convention", "NetsizeError", "Report", "analyze"]


def __getattr__(name: str) -> Any:
    if name == "analyze":  # only now: torch takes seconds to import
        from netsize.api import analyze

        return analyze
    raise AttributeError(f"module 'netsize' has no attribute {name!r}")
