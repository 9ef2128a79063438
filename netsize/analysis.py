"""From a built network to what one forward pass of it wrote down, or to an error that says what to do."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from netsize import inputs, memory
from netsize.errors import BadInput, BadOption
from netsize.gradient import Wanted, measure
from netsize.network import Network
from netsize.sources.build import describe, quiet
from netsize.sources.built import Built
from netsize.sources.settings import InputSpec
from netsize.trace import ForwardFailed, first_that_runs, trace
from netsize.transfer import Until, replace_classifier
from netsize.weights import fill, forget, give_memory

NEEDS_VALUES = (DataDependentOutputException, DynamicOutputShapeException)
PATIENCE = 5.0  # seconds to look for the smallest input that works


def analyze_built(
    built: Built,
    specs: Sequence[InputSpec] = (),
    *,
    device: torch.device,
    verify: bool = True,
    batch: bool = True,
    fields: str = "",
    classes: int | None = None,
    until: str | None = None,
    on_layer: Callable[[int], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
    hint: bool = True,
    limit: int | None = None,
) -> Network:
    """Trace a network at the inputs given, or at its own. `batch`: it takes a batch axis. `fields`: which receptive
    fields to verify: "all", "last" (at the last feature map), or those of one layer. `classes`: of a new classifier.
    `until`: the layer to stop after. `on_layer` is told how many layers have been executed, `say` what is being
    done. `hint`: look for the smallest input, if this one fails. `limit`: bytes that running it may take; a
    network that is larger is run with one layer's parameters in memory at a time. Raises NetsizeError."""
    specs = known_inputs(built, specs)
    make = arguments_of(built, specs, batch)
    model = built.model.eval()
    replaced = _replaced(built, make, classes, until)
    stop = Until(model, until) if until else None
    piecewise = 0
    try:
        if verify:
            piecewise = _prepare(built, specs, make, device, limit)
        with quiet():
            stopping = stop.stopping() if stop else None
            network = trace(model, make, built.source, device, verify, on_layer, stopping)
            network = replace(
                network,
                replaced=replaced,
                until=until or "",
                features=stop.features if stop else network.features,
                piecewise=piecewise,
            )
            measures = verify and fields and not piecewise
            return measure_fields(network, model, fields, say) if measures else network
    except ForwardFailed as failure:
        if memory.is_exhausted(failure.error):
            raise _too_large(built, specs, make, device) from failure
        raise cannot_take(built, specs, failure, batch, verify, hint) from failure
    except (RuntimeError, MemoryError) as error:
        if memory.is_exhausted(error):
            raise _too_large(built, specs, make, device) from error
        raise


def known_inputs(built: Built, specs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
    """Those given, or the network's own; none, if it has an example, or takes nothing. Raises BadInput."""
    found = tuple(specs) or built.inputs
    if not found and built.example is None and _takes_nothing(built.model):
        built.example = ()
    if not found and built.example is None:
        raise BadInput(
            f"{built.source.model}: say what it takes, as --input 3x224x224 (no batch axis; once per argument)"
        )
    return found


def _takes_nothing(model: nn.Module) -> bool:
    """Whether forward has no argument that must be given: a generator that draws its own noise."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return False
    return not any(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters)


def _replaced(built: Built, make: Any, classes: int | None, until: str | None) -> str:
    if classes is None:
        return ""
    if until:
        raise BadOption("--classes replaces the last layer, which --until leaves out: say one of them")
    if classes < 1:
        raise BadOption(f"--classes {classes}: at least 1")
    return replace_classifier(built, make, classes)


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


def arguments_of(
    built: Built, specs: Sequence[InputSpec], batch: bool, examples: int = 1
) -> Callable[[torch.device], tuple[Any, ...]]:
    if specs:
        make = inputs.make(specs, built.model, batch, examples)
        return lambda device: built.arrange(make(device))
    assert built.example is not None
    return inputs.given(built.example, batch, examples)


def _prepare(built: Built, specs: Sequence[InputSpec], make: Any, device: torch.device, limit: int | None) -> int:
    """Give the network memory and values on its device; or, if they do not fit, none to its large parameters: then
    how many bytes they would take. Raises BadInput if not even one layer at a time fits."""
    if _may_be_large(built, specs, device, limit):
        built.blank = forget(built.model, built.blank)
        need, free = memory.needed(built.model, make), _free(device, limit)
        if need is not None and free is not None and need.at_once > free:
            if need.piecewise > free:
                raise _too_large(built, specs, make, device, limit)
            fill(built.blank)
            _move(built.model, device)
            return need.parameters
    fill([*built.blank, *give_memory(built.model)])
    built.blank = []
    built.model.to(device)
    return 0


def _may_be_large(built: Built, specs: Sequence[InputSpec], device: torch.device, limit: int | None) -> bool:
    """Do not let the system kill a pass that is far too large. A small one is not looked at: activations and
    their ones take between 5 (alexnet) and 204 times (regnet_y_128gf) what the input takes in torchvision."""
    own = [p for p in built.model.parameters() if not nn.parameter.is_lazy(p)]
    if any(parameter.is_meta for parameter in own):  # memory was refused
        return True
    free = _free(device, limit)
    likely = 300 * sum(torch.Size(spec.shape).numel() * 4 for spec in specs)
    return free is not None and likely + 2 * sum(p.numel() * p.element_size() for p in own) >= free


def _free(device: torch.device, limit: int | None) -> int | None:
    free = memory.available(device)
    return free if limit is None else min(limit, free or limit)


def _move(model: nn.Module, device: torch.device) -> None:
    """What has memory, to the device."""
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and not parameter.is_meta:
                module._parameters[name] = nn.Parameter(parameter.detach().to(device), parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None and not buffer.is_meta:
                module._buffers[name] = buffer.to(device)


def _too_large(
    built: Built, specs: Sequence[InputSpec], make: Any, device: torch.device, limit: int | None = None
) -> BadInput:
    need, free = memory.needed(built.model, make), memory.available(device)
    takes = f"takes about {memory.gibibytes(need.at_once)}" if need else "takes more"
    if need and need.piecewise < need.at_once:
        takes += f", or {memory.gibibytes(need.piecewise)} layer by layer"
    there = f", and {memory.gibibytes(free)} are free on {device.type}" if free else f" than {device.type} has"
    there = f", and --memory allows {memory.gibibytes(limit)}" if limit is not None else there
    return BadInput(
        f"{built.source.model} at {_shown(specs)} is too large to be run: it {takes}{there}.\n"
        "--no-verify counts it without running it"
    )


def cannot_take(
    built: Built, specs: Sequence[InputSpec], failure: ForwardFailed, batch: bool, verify: bool, hint: bool
) -> BadInput:
    place = f"{failure.path} ({failure.type})" if failure.path else failure.type
    if not verify and (failure.decided or isinstance(failure.error, NEEDS_VALUES)):
        why = f"which decide in {place}: {describe(failure.error)}"
        return BadInput(f"{built.source.model} cannot be counted without values, {why}.\nLeave --no-verify away")
    smallest = _smallest(built, specs, batch) if hint else None
    told = f"; the smallest square input is {smallest}x{smallest}" if smallest else ""
    return BadInput(
        f"{built.source.model} cannot take {_shown(specs)}: it fails in {place}: {describe(failure.error)}{told}"
    )


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
