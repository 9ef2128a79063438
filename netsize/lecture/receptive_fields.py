"""Receptive fields: which region of the input one unit sees, followed through every operation.

Along each axis of the input, unit i sees `size` elements from `offset + i * step` on (Araujo, Norris and Sim
2019, "Computing receptive fields of convolutional neural networks"). Elements below 0 or beyond the input lie
in the padding. Branches and residual sums have the field that covers those of all their parts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import NamedTuple

from netsize.lecture.formulas import Shape


@dataclass(frozen=True)
class Field:
    """A receptive field, for each axis of the input that has places. `whole`: it is the whole input, by way
    of a fully connected layer, global pooling or attention. `step` is None where neighbours are not evenly
    spaced, or where there is no neighbour."""

    axes: Shape = ()  # of the input, its batch axis being 0
    size: Shape = ()
    step: tuple[int | None, ...] = ()
    offset: Shape = ()
    whole: bool = False

    def __str__(self) -> str:
        """195, 7x195, or all."""
        if self.whole:
            return "all"
        return str(self.size[0]) if len(set(self.size)) == 1 else "x".join(map(str, self.size))


class Span(NamedTuple):
    """What one unit sees along one axis of the input: from `start` on, for the unit at index 0."""

    start: int
    size: int


ALL = Span(0, -1)
UNKNOWN = Span(0, 0)  # not one region, or not one that is the same for every unit


class Digit(NamedTuple):
    """A tensor's axis, or a factor of it: going one further along it moves `step` elements along the input's
    axis `along`. Features go along none; what is not evenly spaced has no step, and may mix several axes."""

    length: int
    along: tuple[int, ...] = ()
    step: int | None = None


Axis = tuple[Digit, ...]


@dataclass(frozen=True)
class View:
    """How the elements of a tensor lie on the input: the digits of each of its axes, outer ones first, and
    the span of each axis of the input. `settled`: axes whose number of places an adaptive pool has fixed."""

    axes: tuple[Axis, ...]
    spans: tuple[Span, ...]
    settled: frozenset[int] = frozenset()

    def carried(self, axes: Iterable[int] | None = None) -> frozenset[int]:
        """Axes of the input that lie along these axes of the tensor (or along any)."""
        if axes is None:
            return self._carried
        return frozenset(along for axis in axes for digit in self.axes[axis] for along in digit.along)

    @cached_property
    def _carried(self) -> frozenset[int]:
        return frozenset(along for axis in self.axes for digit in axis for along in digit.along)

    def span(self, axis: int, span: Span) -> "View":
        return View(self.axes, (*self.spans[:axis], span, *self.spans[axis + 1 :]), self.settled)


def of_input(shape: Shape) -> View:
    """The input itself: every axis but those of length 1 (the batch) lies along itself."""
    axes = tuple((Digit(n, (i,), 1),) if n > 1 else features(n) for i, n in enumerate(shape))
    return View(axes, tuple(Span(0, 1) for _ in shape))


def _with(view: View, axis: int, digits: Axis) -> View:
    """Another axis in the place of this one."""
    return View((*view.axes[:axis], digits, *view.axes[axis + 1 :]), view.spans, view.settled)


def regroup(view: View, shape: Shape) -> View:
    """The same elements in the same order, under another shape."""
    if 0 in shape:  # no elements at all
        return replace(lost(view, view.carried()), axes=tuple(map(features, shape)))
    left = [digit for axis in view.axes for digit in axis]
    axes: list[list[Digit]] = []
    for n in shape:
        axis: list[Digit] = []
        if n == 1 and left and left[0].length == 1:  # a place, on a map of only one
            axis.append(left.pop(0))
        while n > 1 and left:
            digit = left.pop(0)
            if n % digit.length == 0:
                axis.append(digit)
                n //= digit.length
            elif digit.length % n == 0:
                inner = digit.length // n
                axis.append(Digit(n, digit.along, digit.step and digit.step * inner))
                left.insert(0, digit._replace(length=inner))
                n = 1
            else:  # cut across: from here on nothing is evenly spaced
                along = {a for d in (digit, *left) for a in d.along}
                return replace(lost(view, along), axes=tuple(features(n) for n in shape))
        axes.append(axis)
    if axes:
        axes[-1] += left
    return View(tuple(_merged(axis) for axis in axes), view.spans, view.settled)


def lost(view: View, along: Iterable[int]) -> View:
    """What is seen along these axes of the input is not known any more, unless it is all of it."""
    for axis in along:
        if view.spans[axis] != ALL:
            view = view.span(axis, UNKNOWN)
    return view


def _merged(digits: list[Digit]) -> Axis:
    """Neighbouring digits that go on evenly are one."""
    axis: list[Digit] = []
    for digit in digits:
        if digit.length == 1 and not digit.along:
            continue
        last = axis[-1] if axis else None
        if last and last.along == digit.along:
            even = last.step == (digit.step and digit.step * digit.length)
            if not digit.along or (even and digit.step is not None):
                axis[-1] = Digit(last.length * digit.length, digit.along, digit.step)
                continue
        axis.append(digit)
    return tuple(axis)


def _length(axis: Axis) -> int:
    return prod([digit.length for digit in axis])


def features(n: int) -> Axis:
    return (Digit(n),) if n > 1 else ()


def permute(view: View, order: Sequence[int]) -> View:
    return View(tuple(view.axes[axis] for axis in order), view.spans, view.settled)


def blur(view: View, axis: int, length: int) -> View:
    """An axis along which elements were reordered, chosen or joined: what is seen is known, where is not."""
    along = tuple(sorted(view.carried([axis])))
    return _with(view, axis, (Digit(length, along),) if along else features(length))


def cut(view: View, axis: int, start: int, length: int, step: int = 1) -> View:
    """Every step-th of the elements from `start` on."""
    digits = view.axes[axis]
    if sum(1 for digit in digits if digit.along) == 0:
        return _with(view, axis, features(length))
    if len(digits) > 1 or digits[0].step is None:
        return view if step == 1 and length == prod(d.length for d in digits) else blur(view, axis, length)
    (digit,) = digits
    assert digit.step is not None
    (along,) = digit.along
    span = view.spans[along]
    if span.size > 0:
        view = view.span(along, Span(span.start + start * digit.step, span.size))
    return _with(view, axis, (Digit(length, digit.along, digit.step * step),))


def slide(view: View, axis: int, kernel: int, stride: int, padding: int, dilation: int, outputs: int) -> View:
    """A window along an axis: Araujo et al., equations 1 to 3."""
    if kernel == stride == dilation == 1 and not padding:
        return view
    digits = view.axes[axis]
    if len(digits) != 1 or digits[0].step is None:
        return blur(lost(view, view.carried([axis])), axis, outputs)
    (digit,) = digits
    assert digit.step is not None
    (along,) = digit.along
    span = view.spans[along]
    if span.size > 0:
        seen = Span(span.start - padding * digit.step, span.size + (kernel - 1) * dilation * digit.step)
        view = view.span(along, seen)
    return _with(view, axis, (Digit(outputs, digit.along, digit.step * stride),))


def contract(view: View, axes: Sequence[int], extent: Shape, length: int = 1) -> View:
    """Units that are connected to everything along these axes, of which `length` elements each come out."""
    gone = [digit for axis in axes for digit in view.axes[axis]]
    kept = view.carried(axis for axis in range(len(view.axes)) if axis not in axes)
    for along in sorted({a for digit in gone for a in digit.along}):
        view = view.span(along, _covered(view.spans[along], gone, along, along not in kept, extent[along]))
    new = tuple(features(length) if i in axes else axis for i, axis in enumerate(view.axes))
    return View(new, view.spans, view.settled)


def normalise(view: View, axes: Sequence[int], extent: Shape) -> View:
    """By statistics along these axes: every element goes into every other, and stays at its place."""
    spans = contract(view, axes, extent).spans
    mixed = view.carried(axes)
    spans = tuple(span if a not in mixed or span == ALL else UNKNOWN for a, span in enumerate(spans))
    return View(view.axes, spans, view.settled)


def _covered(span: Span, gone: list[Digit], along: int, everything: bool, extent: int) -> Span:
    digits = [digit for digit in gone if along in digit.along]
    if span == ALL or (everything and (span == UNKNOWN or any(digit.step is None for digit in digits))):
        return ALL
    if span == UNKNOWN or any(digit.step is None for digit in digits):
        return UNKNOWN
    steps = [(digit.length - 1, digit.step or 0) for digit in digits]
    size = span.size + sum(more * step for more, step in steps)
    # what a last stride leaves over is not seen, and no reason not to say "all"
    reaches = span.start <= 0 and span.start + size - 1 + max(step for _, step in steps) >= extent
    return ALL if everything and reaches else Span(span.start, size)


def union(views: Sequence[View], shape: Shape) -> View:
    """Tensors that are combined element by element, broadcast to `shape`."""
    first = views[0]
    if all(view is first or view == first for view in views) and tuple(map(_length, first.axes)) == shape:
        return first
    axes: list[Axis] = []
    uneven: set[int] = set()
    for at in range(1, len(shape) + 1):
        digits = [view.axes[-at] for view in views if at <= len(view.axes)]
        placed = [axis for axis in dict.fromkeys(digits) if any(digit.along for digit in axis)]
        if len(placed) > 1:
            mixed = tuple(sorted({a for axis in placed for digit in axis for a in digit.along}))
            uneven |= set(mixed)
            placed = [(Digit(shape[-at], mixed),)]
        axes.insert(0, placed[0] if placed else features(shape[-at]))
    carried = {a for axis in axes for digit in axis for a in digit.along}
    spans = []
    for along in range(len(views[0].spans)):
        spans.append(_hull([view.spans[along] for view in views]))
        lost = carried & {along} and any(along not in view.carried() for view in views)
        if along in uneven or lost:  # one place for all, beside a place for each
            spans[along] = ALL if spans[along] == ALL else UNKNOWN
    return View(tuple(axes), tuple(spans), frozenset.union(*(view.settled for view in views)))


def join(views: Sequence[View], axis: int, shape: Shape) -> View:
    """Tensors behind each other along an axis: channels of branches, or a token among places."""
    if not any(view.carried([axis]) for view in views):
        return union([_with(view, axis, features(shape[axis])) for view in views], shape)
    parts = [blur(view, axis, shape[axis]) for view in views]
    along = tuple(sorted({a for part in parts for a in part.carried([axis])}))
    placed = (Digit(shape[axis], along),)
    return union([_with(part, axis, placed) for part in parts], shape)


def _hull(spans: list[Span]) -> Span:
    if ALL in spans:
        return ALL
    if UNKNOWN in spans:
        return UNKNOWN
    start = min(span.start for span in spans)
    return Span(start, max(span.start + span.size for span in spans) - start)


def field_of(view: View, channels: set[int], extent: Shape) -> Field | None:
    """The receptive field along the axes of the input that have places: those longer than 1 that are not
    `channels`. None if it is not known."""
    places = [a for a, n in enumerate(extent) if n > 1 and a not in channels]
    spans = [view.spans[a] for a in places or range(len(extent)) if extent[a] > 1]
    if all(span == ALL for span in spans):
        return Field(whole=True)
    if any(span in (ALL, UNKNOWN) for span in spans):
        return None
    sizes, offsets = tuple(span.size for span in spans), tuple(span.start for span in spans)
    return Field(tuple(places), sizes, tuple(_step(view, axis) for axis in places), offsets)


def _step(view: View, along: int) -> int | None:
    digits = [digit for axis in view.axes for digit in axis if along in digit.along]
    return digits[0].step if len(digits) == 1 else None
