"""Receptive fields, measured: the gradient of one unit, with positive weights, is not zero exactly where the
unit sees the input.

Units see through the layers before them, which were measured themselves: the gradient of each is followed to those
only, and on to the input where their fields say. That of the deepest layer is followed all the way.

The network is run on strips: long enough along one axis that a unit's whole field lies inside, and small along
the others. Always on the CPU, whose convolutions add products and nothing else: what is not seen has a gradient of
exactly 0. On its way back through the layers every gradient that is not 0 becomes a number between 1 and 2, so that
none vanishes: nor in a normalisation, which lets nothing pass that is the same for all features.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from netsize.facts.network import Network
from netsize.lecture.formulas import Shape
from netsize.lecture.receptive_fields import Field
from netsize.run.switches import contexts
from netsize.run.units import along, central, evenly, index, needs, uncut
from netsize.sources.initialisers import BLOCK
from netsize.trace.composites import Composites
from netsize.trace.dispatch import Tracer
from netsize.trace.layers import hooks, named_parameters
from netsize.trace.operations import each
from netsize.trace.places import Seen

SMALL = (8, 16, 32, 48, 64, 80, 96, 128, 192, 256)  # lengths of the other axes that are tried, the smallest first
NO_GRADIENT = "none"  # reaches the input: nothing can be measured


@dataclass(frozen=True)
class Wanted:
    """A field to be measured: of the output of the call at this index, or (`last`) of the last feature map, which
    is made after that call."""

    index: int
    field: Field
    last: bool = False


class Way(NamedTuple):
    """From a tensor to the input: the unit at index i of its `axis` sees `size` places from `start` + i `step` on."""

    tensor: torch.Tensor
    axis: int
    start: int = 0
    size: int = 1
    step: int = 1


class Enough(BaseException):
    """All that is wanted was executed. No Exception: a network's own `except` must not catch it."""


class Differentiable(TorchFunctionMode):
    """Puts operations in the place of those whose gradient does not tell what a unit sees: a maximum passes it to one
    element of its window only, a mean to all of them. Behind the calls at the indices `cuts` gradients end: in
    `leaves`."""

    def __init__(self, tracer: Tracer, cuts: Set[int]) -> None:
        super().__init__()
        self.leaves: dict[int, torch.Tensor] = {}
        self._tracer, self._cuts = tracer, cuts

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output, drafts = self._executed(func, args, kwargs or {}), self._tracer.drafts
        latest = len(drafts) - 1
        if latest not in self._cuts or latest in self.leaves or not isinstance(output, torch.Tensor):
            return output
        if drafts[latest].made is not output:
            return output
        leaf = self.leaves[latest] = output.detach().requires_grad_()
        return leaf.clone()  # the network may write into it

    def _executed(self, func: Any, args: Any, kwargs: Any) -> Any:
        name = getattr(func, "__name__", "")
        if name.startswith("max_pool") and name[len("max_pool")].isdigit():
            return _mean_pool(name, *args, **kwargs)
        if name.startswith("adaptive_max_pool"):
            return getattr(F, name.partition("_with")[0].replace("max", "avg"))(*args[:2])
        if name == "batch_norm":
            return _with_right_gradient(func(*args, **kwargs))
        return func(*args, **kwargs)


def _with_right_gradient(normalised: torch.Tensor) -> torch.Tensor:
    """On a CPU, batch_norm_backward of one example takes a gradient that is transposed for one that is not, and gives
    zeros (torch 2.11 to 2.15, in evaluation): a copy in order gives it no chance to."""
    if normalised.requires_grad:
        normalised.register_hook(lambda gradient: gradient.clone(memory_format=torch.contiguous_format))
    return normalised


def _mean_pool(
    name: str, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    if set(each(dilation, 1)) != {1}:
        raise NotImplementedError("a dilated maximum has no mean of torch's that sees the same")
    pool = getattr(F, f"avg_pool{name[len('max_pool')]}d")
    output = pool(input, kernel_size, stride or kernel_size, padding, ceil_mode)
    return (output, output) if return_indices or name.endswith("with_indices") else output


def measure_fields(network: Network, model: nn.Module, which: str, say: Callable[[str], None]) -> Network:
    """The network with those of its receptive fields measured that can be: of one input of real numbers."""
    calls = list(network.calls)
    wanted = [
        Wanted(index, call.field)
        for index, call in enumerate(calls)
        if which in ("all", call.path) and call.field and not call.field.whole and call.kind != "pooling"
    ]
    if which in ("all", "last") and network.field and not network.field.whole:
        wanted.append(Wanted(network.last_map, network.field, last=True))
    if len(network.input) != 1 or not wanted:
        return network
    until = max(want.index for want in wanted)
    used = {name for call in calls[: until + 2] for name, _ in call.weights}
    last: str | None = None
    for want, problem in measure(model, network.input[0], wanted, used, say).items():
        if want.last:
            last = problem or ""
        else:
            calls[want.index] = replace(calls[want.index], field_measured=problem or "")
    return replace(network, calls=tuple(calls), field_measured=last)


def measure(
    model: nn.Module, shape: Shape, wanted: list[Wanted], used: set[str], say: Callable[[str], None] = lambda _: None
) -> dict[Wanted, str | None]:
    """For each wanted field that could be measured: None if it is right, or what is wrong. `shape` is that of
    the network's input, with its batch axis; `used` are the weights of the calls until the last that is wanted.
    The network is used up."""
    _make_positive(model.cpu().eval(), used)
    with _one_thread(), torch.random.fork_rng(devices=[]):
        return _measure(model, shape, wanted, say)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Strips are small: threads that wait for each other at every operation would take up to five times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _measure(
    model: nn.Module, shape: Shape, wanted: list[Wanted], say: Callable[[str], None]
) -> dict[Wanted, str | None]:
    problems: dict[Wanted, str | None] = {}
    skipped: set[Wanted] = set()
    for axis in sorted({axis for want in wanted for axis in want.field.axes}):
        small, known = 0, set[int]()
        groups = list(_groups(wanted, axis))
        for length, group in groups:
            say(f"receptive fields: an input {length} long")
            found, small = _measured(model, shape, axis, length, group, small, known)
            known |= {want.index for want, problem in found.items() if problem is None and not want.last}
            for want in group:
                if want not in found:
                    skipped.add(want)
                problems[want] = problems.get(want) or found.get(want)
    return {want: problem for want, problem in problems.items() if problem or want not in skipped}


def _groups(wanted: list[Wanted], axis: int) -> Iterator[tuple[int, list[Wanted]]]:
    """Fields with the length of a strip that holds them: those that need more than an eighth of the longest one, more
    than a 64th ..., the small ones first, on short strips."""
    longest = max(needs(want.field, axis) for want in wanted)
    groups: dict[int, list[Wanted]] = {}
    for want in wanted:
        groups.setdefault(((longest // needs(want.field, axis)).bit_length() - 1) // 3, []).append(want)
    multiple = max(along(want.field, axis)[1] or 1 for want in wanted)
    for _, group in sorted(groups.items(), reverse=True):
        length = max(needs(want.field, axis) for want in group)
        yield -(-length // multiple) * multiple, group


def _measured(
    model: nn.Module, shape: Shape, axis: int, length: int, group: list[Wanted], first: int, known: Set[int]
) -> tuple[dict[Wanted, str | None], int]:
    """On the narrowest strip (from the `first` of SMALL on) on which all of them are executed; else on the network's
    own input. And which strip that was: what lies deeper needs no narrower one. `known`: calls that were measured."""
    cuts = known | {want.index for want in group if not want.last}
    for width in range(first, len(SMALL)):
        strip = _strip(shape, group, axis, length, width)
        found = _on_strip(model, strip, axis, group, cuts)
        if len(found) == len(group):
            return found, width
    return _on_strip(model, shape, axis, group), first


def _strip(shape: Shape, group: list[Wanted], axis: int, length: int, width: int) -> Shape:
    strip = [min(SMALL[width], n) if i in group[0].field.axes else n for i, n in enumerate(shape)]
    strip[axis] = length
    return tuple(strip)


def _on_strip(
    model: nn.Module, shape: Shape, axis: int, group: list[Wanted], cuts: Set[int] = frozenset()
) -> dict[Wanted, str | None]:
    input = torch.rand(shape, dtype=torch.float32).add_(0.5).requires_grad_()
    tracer, leaves = _run(model, input, max(want.index for want in group), cuts)
    places = {cut: evenly(seen.view, axis) if (seen := tracer.drafts[cut].seen) else None for cut in leaves}
    if unknown := {cut for cut, place in places.items() if place is None}:  # from there on nobody knows the way
        return _on_strip(model, shape, axis, group, cuts - unknown)
    whole = Way(input, axis)
    ways = [whole, *(Way(leaves[cut], *place) for cut, place in places.items() if place is not None)]
    deepest = max(group, key=lambda want: want.index)
    for draft in tracer.drafts:
        if draft.made is not None and draft.made.grad_fn is not None:
            draft.made.register_hook(lambda gradient: (gradient != 0) * torch.empty_like(gradient).uniform_(1, 2))
    found: dict[Wanted, str | None] = {}
    for want in group:
        output, seen = _output(tracer, want)
        if output is None or seen is None or output.grad_fn is None:
            continue
        here = tracer.places.field(seen)
        if here is None or here.whole or along(here, axis) != along(want.field, axis):
            continue
        known = uncut(seen.view, axis, want.field, shape[axis])
        where, start = known if known is not None else ({}, None)
        if known is None and along(want.field, axis)[1] is not None:  # evenly spaced, and none of them is uncut
            continue
        for other in seen.view.carried() - {axis}:
            where |= central(seen.view, other, shape[other])
        unit = output[index(seen.view, where)].sum()
        gradients = torch.autograd.grad(unit, [way.tensor for way in ways], retain_graph=True, allow_unused=True)
        problem = _compare(_seen(gradients, ways, shape[axis]), along(want.field, axis)[0], start)
        if want is deepest and problem is None:
            reaching = _all_the_way(gradients, ways, [tracer.drafts[cut].made for cut in leaves])
            problem = _compare(_seen([reaching], [whole], shape[axis]), along(want.field, axis)[0], start)
        if problem != NO_GRADIENT:
            found[want] = problem
    return found


def _all_the_way(
    gradients: Sequence[torch.Tensor | None], ways: Sequence[Way], made: Sequence[torch.Tensor | None]
) -> torch.Tensor | None:
    """What arrives at the input, the first of the ways, if gradients that have reached the others, too, go on behind
    those: from what each layer made to the layers before it, the latest first."""
    reached, ends = list(gradients), [way.tensor for way in ways]
    for last, output in reversed(list(enumerate(made, 1))):
        gradient = reached.pop()
        if gradient is not None and output is not None and output.grad_fn is not None:
            onwards = torch.autograd.grad(output, ends[:last], gradient, retain_graph=True, allow_unused=True)
            reached = [a if b is None else b if a is None else a + b for a, b in zip(reached, onwards)]
    return reached[0]


def _output(tracer: Tracer, want: Wanted) -> tuple[torch.Tensor | None, Seen | None]:
    if want.last:
        return tracer.places.last_tensor, tracer.places.last
    if want.index >= len(tracer.drafts):
        return None, None
    return tracer.drafts[want.index].made, tracer.drafts[want.index].seen


def _run(
    model: nn.Module, input: torch.Tensor, last: int, cuts: Set[int] = frozenset()
) -> tuple[Tracer, dict[int, torch.Tensor]]:
    """Up to the call behind the one with this index, or to where the network fails; and where gradients end."""

    def on_layer(layers: int) -> None:
        if layers > last + 1:  # autograd has seen the output of the one before
            raise Enough

    tracer = Tracer(model, named_parameters(model), on_ones=False, on_layer=on_layer)
    tracer.keeps_outputs = input.requires_grad
    with ExitStack() as stack:
        for context in contexts(input.device):
            stack.enter_context(context)
        stack.enter_context(torch.set_grad_enabled(input.requires_grad))
        tracer.begin([input])
        stack.enter_context(hooks(tracer.layers.paths, tracer.enter, tracer.leave))
        stack.enter_context(suppress(Enough, Exception))  # a strip that the network does not take shows less
        stack.enter_context(ends := Differentiable(tracer, cuts))
        with tracer, Composites(tracer):
            model(input)
    tracer.raised = None  # holds all that there was, as in `netsize.run.forward_pass`
    if tracer.bug is not None:
        raise tracer.bug
    return tracer, ends.leaves


def _seen(gradients: Sequence[torch.Tensor | None], ways: Sequence[Way], length: int) -> list[int] | None:
    """Places of the input, of so many, that a unit sees, by its gradient for the end of each way. None if there is
    none."""
    if all(gradient is None for gradient in gradients):  # rounded, or looked up in a table
        return None
    seen = torch.zeros(length, dtype=torch.bool)
    for way, gradient in zip(ways, gradients):
        if gradient is not None:
            others = [i for i in range(gradient.dim()) if i != way.axis]
            for i in (gradient != 0).any(dim=others).nonzero().flatten().tolist():
                first = way.start + i * way.step
                seen[max(0, first) : max(0, first + way.size)] = True
    return seen.nonzero().flatten().tolist()


def _compare(places: list[int] | None, size: int, start: int | None) -> str | None:
    """None if what is seen reaches from the first to the last element of the field, and not beyond. Where units are not
    known to be (`start` is None) its length tells."""
    if places is None or (not places and start is None):  # a unit may lie in the padding of a window
        return NO_GRADIENT
    if not places:
        return f"receptive field: {size} by formula, nothing by the gradient"
    first, final = places[0], places[-1]
    if start is None:
        seen = final - first + 1
        return None if seen == size else f"receptive field: {size} by formula, {seen} by the gradient"
    if (first, final) == (start, start + size - 1):
        return None
    return f"receptive field: {start} to {start + size - 1} by formula, {first} to {final} by the gradient"


@torch.no_grad()
def _make_positive(model: nn.Module, used: set[str]) -> None:
    """Weights around 0.75 / fan-in, so that nothing that is seen cancels, and nothing grows to where relu6 or a
    sigmoid are flat; vectors of 0.5; batch norms without a mean. Matrices that are not `used` take no memory."""
    block = torch.rand(BLOCK, generator=torch.Generator().manual_seed(0), dtype=torch.float32).add_(1).div_(2)
    for name, parameter in model.named_parameters():
        if not parameter.is_floating_point():
            continue
        if parameter.dim() < 2 or name not in used:
            parameter.data = torch.tensor(0.5, dtype=torch.float32).expand(parameter.shape)
            continue
        repeats = -(-parameter.numel() // BLOCK)
        values = block.repeat(repeats)[: parameter.numel()] if repeats > 1 else block[: parameter.numel()]
        parameter.data = values.view(parameter.shape) / prod(parameter.shape[1:])
    for module in model.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_floating_point():
                setattr(module, name, buffer.float())
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
