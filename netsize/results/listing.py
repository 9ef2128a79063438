"""Many networks, each in one line; and that line, which the cache keeps to answer a list without reading all facts."""

from dataclasses import dataclass
from typing import Any

from netsize.facts.network import Network
from netsize.results.count import count
from netsize.results.display import Shown
from netsize.results.report import Options
from netsize.version import __version__

SCHEMA = 1
NUMBERS = ("units", "connections", "weights", "parameters", "depth")


@dataclass(frozen=True)
class Counted:
    """A network's totals (see `summarize`), or why there are none."""

    model: str
    family: str
    totals: dict[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True)
class Listing(Shown):
    """Many networks, and what is to be said about them."""

    networks: tuple[Counted, ...]
    notes: tuple[str, ...] = ()


def summarize(network: Network, fields: bool = False) -> dict[str, Any] | None:
    """The totals by the homework's convention; None if a verification failed, that of receptive `fields` among them."""
    report = count(network, options=Options(fields=fields))
    if report.verification.status == "failed":
        return None
    totals = report.totals
    return {
        "units": totals.units,
        "connections": totals.connections,
        "weights": totals.weights,
        "parameters": totals.parameters,
        "depth": report.depth,
        "input": [list(shape) for shape in report.input],
        "verified": report.verification.status,
        "device": report.verification.device,
        "complete": report.complete,
    }


def as_dict(listing: Listing) -> dict[str, Any]:
    """Schema 1."""
    networks = [_as_dict(counted) for counted in listing.networks]
    return {"schema": SCHEMA, "netsize": __version__, "networks": networks}


def _as_dict(counted: Counted) -> dict[str, Any]:
    totals = counted.totals or {}
    return {
        "model": counted.model,
        "family": counted.family,
        "input": totals.get("input"),
        **{name: totals.get(name) for name in NUMBERS},
        "verified": totals.get("verified"),
        "complete": totals.get("complete"),
        "error": counted.error,
    }
