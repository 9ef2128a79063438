"""From a MODEL, or a network that is built, to what one forward pass of it wrote down; or to an error that says what to
do. Whoever asks (the command line, Python, a sweep) comes through here."""

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch

from netsize import sources
from netsize.errors import BadInput, BadModel, BadOption
from netsize.facts.network import Network
from netsize.run import memory, startup
from netsize.run.failures import cannot_take, exhausted, needs_values
from netsize.run.forward_pass import ForwardFailed, trace
from netsize.run.gradients import measure_fields
from netsize.run.inputs import MakeInputs, arguments_of, known_inputs, read_given, read_shapes
from netsize.run.mending import mended
from netsize.run.piecewise import may_be_large, prepare
from netsize.run.switches import alone
from netsize.run.transfer import Until, replace_classifier
from netsize.sources.built import Built
from netsize.sources.environment import choose_device
from netsize.sources.factory import quiet
from netsize.sources.settings import InputSpec, Settings

Say = Callable[[str], None]


@alone
def examine(
    model: Any,
    input: Any = None,
    *,
    device: str | torch.device = "auto",
    verify: bool = True,
    batch: bool = True,
    settings: Settings | None = None,
    fields: str = "",
    classes: int | None = None,
    until: str | None = None,
    limit: int | None = None,
    say: Say = lambda _: None,
) -> Network:
    """What one forward pass writes down, before any convention. `model`: a MODEL of the command line, or an nn.Module;
    `input`: as for `netsize.analyze`; the rest as for `examine_built`. Raises NetsizeError."""
    if isinstance(model, str) and sources.recognise(model).source == "graph":
        from netsize.graphs.examination import examine as examine_graph

        specs, changes = read_shapes(input), bool(classes or until)
        if specs is None:
            raise BadInput(f"{model} is a graph: say shapes, as 3x224x224")
        return examine_graph(
            model, specs, settings or Settings(), device=str(device), verify=verify, batch=batch, fields=fields,
            changes=changes, say=say,
        )  # fmt: skip
    where = choose_device(str(device))
    named = model if isinstance(model, str) else type(model).__name__
    say(f"building {named}")

    def on_layer(layers: int) -> None:
        startup.check()
        say(f"{'running' if verify else 'counting'} {named}: layer {layers}")

    with sources.loaded(model, settings or Settings(), with_values=verify, written=bool(fields)) as built:
        return examine_built(
            built,
            read_given(input, built),
            device=where,
            verify=verify,
            batch=batch,
            fields=fields,
            classes=classes,
            until=until,
            limit=limit,
            on_layer=on_layer,
            say=say,
        )


@alone
def examine_built(
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
    try:
        with suppress(NotImplementedError):  # an exported program has one mode only
            built.model.eval()
    except RecursionError as error:
        raise BadModel(
            f"{built.source.model} cannot be run: its modules lie in modules deeper than Python follows, which is "
            f"{sys.getrecursionlimit()} calls"
        ) from error
    specs = known_inputs(built, specs, verify)

    def once(specs: Sequence[InputSpec]) -> Network:
        return _once(built, specs, device, verify, batch, fields, classes, until, on_layer, say, limit)

    try:
        return once(specs)
    except ForwardFailed as failure:
        for inputs, said in mended(specs, failure, batch):
            with suppress(ForwardFailed):
                network = once(inputs)
                return replace(network, notes=(*network.notes, *said))
        raise cannot_take(built, specs, failure, batch, verify, hint) from failure


def _once(
    built: Built,
    specs: Sequence[InputSpec],
    device: torch.device,
    verify: bool,
    batch: bool,
    fields: str,
    classes: int | None,
    until: str | None,
    on_layer: Callable[[int], None] | None,
    say: Callable[[str], None],
    limit: int | None,
) -> Network:
    """At these inputs. Raises ForwardFailed, if the network cannot take them."""
    make = arguments_of(built, specs, batch)
    model = built.model
    replaced = _replaced(built, make, classes, until)
    stop = Until(model, until) if until else None
    piecewise = 0
    try:
        if verify:
            large = may_be_large(built, specs, device, limit)
            if large:
                _refused(built, make)
            piecewise = prepare(built, specs, make, device, limit, large)
        with quiet(), memory.limited(limit if verify else None, device):
            stopping = stop.stopping() if stop else None
            network = trace(built, make, device, verify, on_layer, stopping)
            network = replace(
                network,
                replaced=replaced,
                until=until or "",
                features=stop.features if stop else network.features,
                piecewise=piecewise,
                notes=built.notes,
            )
            measures = verify and fields and not piecewise
            return measure_fields(network, model, fields, say) if measures else network
    except ForwardFailed as failure:
        if memory.is_exhausted(failure.error):
            raise exhausted(built, specs, failure, device, limit) from failure
        raise
    except (RuntimeError, MemoryError) as error:
        if memory.is_exhausted(error):
            raise exhausted(built, specs, error, device, limit) from error
        raise


def _refused(built: Built, make: MakeInputs) -> None:
    """Before a large input is filled with numbers: what the network says to its shape, on tensors that take no memory.
    What only they cannot do is no refusal. Raises ForwardFailed."""
    try:
        with quiet():
            trace(built, make, torch.device("cpu"), False)
    except ForwardFailed as failure:
        only_fake = re.search("fake|meta", str(failure.error), re.IGNORECASE) or needs_values(failure)
        if type(failure.error) in (RuntimeError, ValueError, IndexError) and not only_fake:
            raise


def _replaced(built: Built, make: MakeInputs, classes: int | None, until: str | None) -> str:
    if classes is None:
        return ""
    if until:
        raise BadOption("--classes replaces the last layer, which --until leaves out: say one of them")
    if classes < 1:
        raise BadOption(f"--classes {classes}: at least 1")
    return replace_classifier(built, make, classes)
