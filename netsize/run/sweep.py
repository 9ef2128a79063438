"""A network at many sizes: built once, counted without values, run at the two ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import gcd
from typing import Any

import torch

from netsize import sources
from netsize.errors import BadInput, NetsizeError
from netsize.facts.network import Network
from netsize.results.sweep import AXES, Point, Smallest, Sweep, reasons, shape_at, sweep_values
from netsize.run.examination import examine, examine_built
from netsize.run.failures import smallest_square
from netsize.sources.built import Built
from netsize.sources.environment import choose_device
from netsize.sources.settings import InputSpec, Settings, read_input

Say = Callable[[str], None]


def sweep(
    model: Any,
    varies: str,
    values: list[int],
    base: str | Sequence[str] | None,
    settings: Settings,
    device: str,
    say: Say,
    batch: bool = True,
) -> Sweep:
    """At many sizes of its input (`varies` is input, height, width or tokens), or with many values of an argument of
    its constructor (its name; `set:width` where it is named like a size). Raises NetsizeError."""
    if varies not in AXES:
        return over_settings(model, varies, values, base, settings, device, say, batch)
    with sources.loaded(model, settings, with_values=True) as built:
        return over_sizes(built, varies, values, base, choose_device(device), say, batch)


def over_sizes(
    built: Built,
    varies: str,
    values: list[int],
    base: str | Sequence[str] | None,
    device: torch.device,
    say: Say,
    batch: bool = True,
) -> Sweep:
    """At inputs whose sides are set to each value; `base` is the shape whose other sides stay. Raises NetsizeError."""
    spec, before, behind = _base(built, base)

    def at(value: int, verify: bool) -> Network:
        say(f"{'running' if verify else 'counting'} {built.source.model} at {value}")
        sized = replace(spec, shape=shape_at(spec.shape, varies, value))
        return examine_built(built, [*before, sized, *behind], device=device, verify=verify, batch=batch, hint=False)

    points = sweep_values(values, at)
    smallest = _smallest(built, spec, at, say, batch) if varies == "input" else None
    takes = _takes([point for point in points if not smallest or point.value >= smallest.size])
    seen = _network_at(spec, at, [point.value for point in points if point.error is None])
    why = tuple(reasons(seen, takes)) if seen else ()
    title = f"{built.source.title} at {len(points)} sizes of its {varies}"
    return Sweep(title, built.source.model, varies, tuple(points), smallest, takes, why)


def over_settings(
    model: Any,
    varies: str,
    values: list[int],
    base: str | Sequence[str] | None,
    settings: Settings,
    device: str,
    say: Say,
    batch: bool = True,
) -> Sweep:
    """With an argument of the constructor, or the number of tokens, set to each value. Raises NetsizeError."""
    key = varies.removeprefix("set:")

    def at(value: int, verify: bool) -> Network:
        say(f"{'running' if verify else 'counting'} {model} with {key}={value}")
        pairs = (*settings.pairs, (key, value))
        chosen = replace(settings, tokens=value) if varies == "tokens" else replace(settings, pairs=pairs)
        return examine(model, base, device=device, verify=verify, batch=batch, settings=chosen)

    points = sweep_values(values, at)
    return Sweep(f"{model} with {len(points)} values of {key}", model, key, tuple(points), None, "", ())


def _base(built: Built, base: str | Sequence[str] | None) -> tuple[InputSpec, list[InputSpec], list[InputSpec]]:
    """The input that varies, the first one with two sides if there is any; those before it, and those behind."""
    example = built.example
    if base is not None:
        specs = [read_input(text) for text in ([base] if isinstance(base, str) else base)]
    elif not built.inputs and example and len(example.values) == 1 and isinstance(example.values[0], torch.Tensor):
        specs = [InputSpec(tuple(example.values[0].shape[1:]))]
    else:
        specs = list(built.inputs)
    images = [index for index, spec in enumerate(specs) if len(spec.shape) > 2]
    if not specs or (base is None and len(specs) > 1 and len(images) != 1):
        raise BadInput(f"{built.source.model}: say what it takes, as --shape 3x224x224: its last two sides are varied")
    index = (images or [0])[0]
    return specs[index], specs[:index], specs[index + 1 :]


def _smallest(
    built: Built, spec: InputSpec, at: Callable[[int, bool], Network], say: Say, batch: bool
) -> Smallest | None:
    say(f"{built.source.model}: looking for the smallest input")
    size = smallest_square(built, spec, batch)
    if size is None:
        return None
    if size == 1:
        return Smallest(1, None)
    try:
        at(size - 1, False)
    except NetsizeError as error:
        return Smallest(size, str(error).partition(": ")[2].partition("\n")[0])
    return Smallest(size, None)


def _takes(points: list[Point]) -> str:
    """Of the sizes from the smallest on that were tried."""
    works = [point.value for point in points if point.error is None]
    fails = [point.value for point in points if point.error is not None]
    if len(points) < 2 or not works:
        return ""
    if not fails or len(works) == 1:
        return "one" if fails else "any"
    step = gcd(*works)
    return f"multiples of {step}" if step > 1 and all(size % step for size in fails) else "some"


def _network_at(spec: InputSpec, at: Callable[[int, bool], Network], working: list[Any]) -> Network | None:
    """At its own size, or at one that works."""
    for value in (spec.shape[-1], *working[-1:]):
        try:
            return at(value, False)
        except NetsizeError:
            continue
    return None
