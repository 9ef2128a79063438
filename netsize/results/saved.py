"""A report that was saved as JSON (schema 1), read again: what others build on, and no more, is declared here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, to_builtins

from netsize.errors import UnreadableFile, shortened
from netsize.files.reading import fit, read_json
from netsize.results.display import Shown
from netsize.results.schema import SCHEMA

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Sizes = list[Count]


class Layer(Struct, omit_defaults=True):
    """A row. What makes two rows the same layer is optional: not every kind has a kernel."""

    path: str
    call: Count
    type: str
    kind: str
    units: Count
    connections: Count
    weights: Count
    input: Sizes | None = None
    output: Sizes | None = None
    kernel: Sizes | None = None
    stride: Sizes | None = None
    padding: Sizes | None = None
    dilation: Sizes | None = None
    groups: Count | None = None


class Totals(Struct, omit_defaults=True):
    """Those that every report has, and those that were asked for."""

    units: Count
    connections: Count
    weights: Count
    parameters: Count
    biases: Count | None = None
    other_parameters: Count | None = None
    macs: Count | None = None
    active_parameters: Count | None = None
    trainable_weights: Count | None = None
    frozen_weights: Count | None = None
    trainable_parameters: Count | None = None
    frozen_parameters: Count | None = None


class Convention(Struct):
    bias: bool
    pooling: bool
    padding: bool


class Region(Struct):
    """A receptive field."""

    size: Sizes


class Bulk(Struct, frozen=True):
    parts: dict[str, dict[str, Share]] = {}


class Verification(Struct, frozen=True):
    status: Literal["passed", "failed", "skipped"] = "skipped"


class Saved(Struct):
    model: str
    convention: Convention
    layers: list[Layer]
    totals: Totals
    input: list[Sizes] = []
    depth: Count | None = None
    bulk: Bulk = Bulk()
    receptive_field: Region | str | None = None
    verification: Verification = Verification()


@dataclass(frozen=True)
class SavedReport(Shown):
    """One that is shown as it was saved. `content`: all of its JSON; `report`: the keys that are declared here."""

    file: Path
    content: dict[str, Any]
    report: dict[str, Any]


def read_saved(file: Path) -> SavedReport:
    """Raises UnreadableFile."""
    return SavedReport(file, read_json(file, dict[str, Any]), load(file))


def load(file: Path) -> dict[str, Any]:
    """A report that was saved as JSON: the keys that are declared here, without rows that own nothing. Raises
    UnreadableFile."""
    report = read_json(file, dict[str, Any], "saved report")
    if "schema" not in report:
        raise UnreadableFile(f"{file} is no saved report: it has no schema")
    if report["schema"] != SCHEMA:
        told = shortened(str(report["schema"]), 40)
        raise UnreadableFile(f"{file} has schema {told}, this netsize reads {SCHEMA}: freeze it again")
    found: dict[str, Any] = to_builtins(fit(report, str(file), Saved))
    layers = [layer for layer in found["layers"] if layer["kind"] != "operation"]  # those of --all own nothing
    return {**found, "layers": layers}
