"""How a network's counts grow with one thing: the size of its input, or an argument of its constructor."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from netsize.errors import BadOption, NetsizeError, TooLarge, one_line
from netsize.facts.network import Network
from netsize.lecture.formulas import Shape
from netsize.results.count import count
from netsize.results.display import Shown
from netsize.results.report import QUANTITIES, Report
from netsize.version import __version__

SCHEMA = 1
MOST_VALUES = 1000
AXES = {"input": (-2, -1), "height": (-2,), "width": (-1,)}  # of the input that are set to the value


@dataclass(frozen=True)
class Point:
    """The counts at one value, or why there are none."""

    value: Any
    input: tuple[Shape, ...] = ()
    units: int = 0
    connections: int = 0
    weights: int = 0
    verified: str = "skipped"
    error: str | None = None


@dataclass(frozen=True)
class Smallest:
    """The smallest square input that works, and what is wrong with the next smaller one."""

    size: int
    failure: str | None


@dataclass(frozen=True)
class Sweep(Shown):
    """Print it, or read its points. `takes`: "any" size from the smallest on, "one", "some", "multiples of 16", or ""
    where the size is not what varies; `why`: the layers that decide it."""

    title: str
    model: str
    varies: str
    points: tuple[Point, ...]
    smallest: Smallest | None
    takes: str
    why: tuple[str, ...]

    @property
    def counted(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.error is None)

    @property
    def failed(self) -> bool:
        """Whether a verification failed."""
        return any(point.verified == "failed" for point in self.points)

    def exponents(self) -> dict[str, float | None]:
        """Of value^exponent, fitted by least squares to the logarithms; None where there are too few points."""
        found: dict[str, float | None] = {}
        for quantity in QUANTITIES:
            pairs = [(point.value, getattr(point, quantity)) for point in self.counted]
            numbers = [(math.log(v), math.log(n)) for v, n in pairs if isinstance(v, (int, float)) and v > 0 and n > 0]
            found[quantity] = _slope(numbers)
        return found


def _slope(points: list[tuple[float, float]]) -> float | None:
    if len({x for x, _ in points}) < 2:
        return None
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points))
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    slope: float = over / sum((x - mean_x) ** 2 for x, _ in points)
    return slope


def read_range(option: str, text: str) -> list[int]:
    """64:512:32 (both ends are included), 64:512 (steps of 1), or a list 64,128,224. Raises BadOption."""
    if re.fullmatch(r"\d+(,\d+)*", text):
        values = [int(part) for part in text.split(",")]
    else:
        match = re.fullmatch(r"(\d+):(\d+)(?::(\d+))?", text)
        if match is None:
            raise BadOption(
                f"{option} {text}: expected a range like 64:512:32, or a list like 64,128,224"
                + (f"; what does not vary is --shape {text}" if re.fullmatch(r"\d+(x\d+)+", text) else "")
            )
        first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        if step == 0:
            raise BadOption(f"{option} {text}: a step of 0 never ends")
        if last < first:
            raise BadOption(f"{option} {text}: it runs backwards; {last}:{first}:{step} would not")
        if (last - first) // step >= MOST_VALUES:
            raise BadOption(f"{option} {text}: these are more than {MOST_VALUES:,} values")
        values = list(range(first, last + 1, step))
    if option != "--set" and min(values) < 1:
        raise BadOption(f"{option} {text}: every size must be at least 1")
    return list(dict.fromkeys(values))


def is_range(text: str) -> bool:
    """Whether a value of --set is a range or a list of numbers."""
    return re.fullmatch(r"\d+:\d+(:\d+)?|\d+(,\d+)+", text) is not None


def shape_at(shape: Shape, varies: str, value: int) -> Shape:
    """The input's shape (without a batch axis) with this size; of a vector, its length. Raises BadOption."""
    axes = AXES[varies]
    if len(shape) < len(axes):
        axes = axes[-len(shape) :]
    sizes = list(shape)
    for axis in axes:
        if -axis > len(sizes):
            raise BadOption(f"--{varies}: the input {'x'.join(map(str, shape))} has no {varies}")
        sizes[axis] = value
    return tuple(sizes)


def sweep_values(values: Iterable[Any], examine: Callable[[Any, bool], Network]) -> list[Point]:
    """A point for each value. `examine(value, verify)`; the smallest and the largest that work are verified, and one
    that fails when it is really run does not work."""
    points: list[Point] = []
    for value in values:
        try:
            points.append(_point(value, count(examine(value, False))))
        except NetsizeError as error:
            points.append(_failed(value, error))
    for order in (range(len(points)), reversed(range(len(points)))):
        for index in order:
            if points[index].error is None and points[index].verified == "skipped":
                points[index] = _verified(points[index], examine)
            if points[index].error is None:
                break
    return points


def _failed(value: Any, error: NetsizeError) -> Point:
    return Point(value, error=one_line(error).partition("; the smallest")[0])


def _point(value: Any, report: Report) -> Point:
    totals = report.totals
    return Point(
        value, report.input, totals.units, totals.connections, totals.weights, verified=report.verification.status
    )


def _verified(point: Point, examine: Callable[[Any, bool], Network]) -> Point:
    """Really run; what is too large for that stays counted, and not verified."""
    try:
        run = _point(point.value, count(examine(point.value, True)))
    except TooLarge:
        return point
    except NetsizeError as error:
        return _failed(point.value, error)
    same = all(getattr(run, quantity) == getattr(point, quantity) for quantity in QUANTITIES)
    return run if same else replace(run, verified="failed")


def reasons(network: Network, takes: str) -> list[str]:
    """Which layers decide what sizes the network takes, as `netsize.trace.places` has seen them."""
    if takes == "any":
        if network.settled:
            path, what = network.settled[-1]
            after = _first_linear(network)
            behind = f": what comes behind it, {after} first, always has as many inputs" if after else ""
            return [
                f"{path or network.source.title} ({what}) makes the same number of places of a map of any size{behind}"
            ]
        return ["no layer is connected to all places: the same weights are used at each of them"]
    found = []
    for name, why in network.fixed[:3]:
        if why == "positions":
            found.append(f"{name} holds a value for each place: position embeddings are as many as there are places")
        else:
            call = next(call for call in network.calls if call.path == name)
            found.append(f"{name} ({call.formula.label}) is connected to all places of a flattened map, one by one")
    return found


def _first_linear(network: Network) -> str:
    """The first layer behind the last map that has weights."""
    after = [call for call in network.calls[network.last_map + 1 :] if call.weights]
    return after[0].path if after else ""


def as_dict(sweep: Sweep) -> dict[str, Any]:
    """Schema 1. Counts are null at values that do not work."""
    return {
        "schema": SCHEMA,
        "netsize": __version__,
        "model": sweep.model,
        "varies": sweep.varies,
        "points": [
            {
                "value": point.value,
                "input": [list(shape) for shape in point.input],
                **{quantity: getattr(point, quantity) if point.error is None else None for quantity in QUANTITIES},
                "verified": point.verified,
                "error": point.error,
            }
            for point in sweep.points
        ],
        "exponents": sweep.exponents(),
        "smallest": {"size": sweep.smallest.size, "failure": sweep.smallest.failure} if sweep.smallest else None,
        "takes": sweep.takes,
        "why": list(sweep.why),
    }
