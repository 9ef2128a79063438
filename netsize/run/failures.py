"""What to say when a network cannot be run: where it fails, how much it would take, and what it would take instead."""

import traceback
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedOperatorException,
)

from netsize.errors import BadInput, TooLarge, describe
from netsize.run import memory
from netsize.run.fake_tensors import NeverEnds
from netsize.run.forward_pass import BackwardFailed, ForwardFailed, MadeWithoutValues, first_that_runs
from netsize.run.inputs import MakeInputs, arguments_of
from netsize.sources.built import Built
from netsize.sources.factory import quiet
from netsize.sources.settings import InputSpec

NEEDS_VALUES = (
    DataDependentOutputException, DynamicOutputShapeException, UnsupportedOperatorException, NeverEnds,
    MadeWithoutValues,
)  # fmt: skip
PATIENCE = 5.0  # seconds to look for the smallest input that works


def too_large(
    built: Built, specs: Sequence[InputSpec], make: MakeInputs, device: torch.device, limit: int | None = None
) -> BadInput:
    need, free = memory.needed(built.model, make), memory.available(device)
    takes = f"takes about {memory.gibibytes(need.at_once)}" if need else "takes more"
    if need and need.piecewise < need.at_once:
        takes += f", or {memory.gibibytes(need.piecewise)} layer by layer"
    there = f", and {memory.gibibytes(free)} are free on {device.type}" if free else f" than {device.type} has"
    there = f", and --memory allows {memory.gibibytes(limit)}" if limit is not None else there
    return TooLarge(
        f"{built.source.model} at {_shown(specs)} is too large to be run: it {takes}{there}.\n"
        "--no-verify counts it without running it"
    )


def exhausted(
    built: Built, specs: Sequence[InputSpec], error: ForwardFailed | Exception, device: torch.device, limit: int | None
) -> BadInput:
    """Memory that ran out, though it was expected to suffice."""
    place = f" in {_place(error)}" if isinstance(error, ForwardFailed) else ""
    free = memory.available(device)
    there = f": {memory.gibibytes(free)} are free on {device.type}" if free else ""
    there = f": --memory allows {memory.gibibytes(limit)}" if limit is not None else there
    return TooLarge(
        f"{built.source.model} at {_shown(specs)} runs out of memory{place}{there}.\n"
        "--no-verify counts it without running it"
    )


def _place(failure: ForwardFailed) -> str:
    return f"{failure.path} ({failure.type})" if failure.path else failure.type


def cannot_take(
    built: Built, specs: Sequence[InputSpec], failure: ForwardFailed, batch: bool, verify: bool, hint: bool
) -> BadInput:
    place = _place(failure)
    if not verify and needs_values(failure):
        why = f"which decide in {place}: {describe(failure.error)}"
        return BadInput(f"{built.source.model} cannot be counted without values, {why}.\nLeave --no-verify away")
    smallest = _smallest(built, specs, batch) if hint else None
    told = f"; the smallest square input is {smallest}x{smallest}" if smallest else ""
    return BadInput(
        f"{built.source.model} cannot take {_shown(specs)}: it fails in {place}: {describe(failure.error)}{told}"
        f"{_advice(built, specs, failure) if batch else ''}"
    )


AXES = {"Conv1d": 2, "Conv2d": 3, "Conv3d": 4}  # of an input without its batch axis


def _advice(built: Built, specs: Sequence[InputSpec], failure: ForwardFailed) -> str:
    """A second line, for what is often the reason."""
    if "must be Tensor, not tuple" in str(failure.error):
        return "\nThe layer before gives a tuple (of an LSTM its output and its state): hand on its first element"
    axes = AXES.get(failure.type, 0)
    if len(specs) == 1 and axes and len(specs[0].shape) != axes:
        channels = getattr(dict(built.model.named_modules()).get(failure.path), "in_channels", "C")
        own = specs[0].shape
        sides = own[-axes + 1 :] if len(own) > axes else own[-1:] * (axes - 1)
        sizes = "x".join(map(str, (channels, *sides)))
        taken = " x ".join(("channels", *("depth", "height", "width")[4 - axes :]))
        return f"\nA {failure.type} takes {taken}: --input {sizes}"
    return ""


def needs_values(failure: ForwardFailed | BackwardFailed) -> bool:
    """Whether a network that was run without values may run with them."""
    nested = "nested" in str(failure.error) or _asserted_by(failure.error) == "torch._subclasses.fake_tensor"
    return bool(failure.decided) or nested or isinstance(failure.error, NEEDS_VALUES)


def _asserted_by(error: BaseException) -> str | None:
    """The module in which an assertion failed."""
    if not isinstance(error, AssertionError):
        return None
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return str(frames[-1].f_globals.get("__name__")) if frames else None


def _shown(specs: Sequence[InputSpec]) -> str:
    return f"a {' and a '.join(map(str, specs))} input" if specs else "its example input"


def _smallest(built: Built, specs: Sequence[InputSpec], batch: bool) -> int | None:
    """The smallest square image that the network takes, up to the size that it takes by default."""
    if len(specs) != 1 or len(specs[0].shape) < 3:
        return None
    return smallest_square(built, specs[0], batch)


def smallest_square(built: Built, spec: InputSpec, batch: bool = True) -> int | None:
    """Tried on fake tensors, one size after the other, since those that work need not be all from some size on.
    None if there is none up to the given and the default size, or none was found in PATIENCE seconds."""
    largest = max(spec.shape[-1], *(own.shape[-1] for own in built.inputs), 1)
    squares = [replace(spec, shape=(*spec.shape[:-2], size, size)) for size in range(1, largest + 1)]
    with quiet():
        index = first_that_runs(built.model, (arguments_of(built, [square], batch) for square in squares), PATIENCE)
    return None if index is None else squares[index].shape[-1]
