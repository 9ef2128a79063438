"""netsize MODEL: count a network, and verify the counts by running it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from netsize import errors
from netsize.commands import options, repeated, terminal
from netsize.commands.output import Output
from netsize.errors import BadOption
from netsize.facts.cache import recall
from netsize.results.count import count
from netsize.results.report import QUANTITIES, Convention, Options
from netsize.sources import recognise

SYNONYMS = {"macs": "connections", "flops": "connections", "params": "weights", "parameters": "weights"}


@dataclass(frozen=True)
class Delivery(options.Delivery):
    """Of a report, whose JSON has every layer."""

    json: Annotated[bool, typer.Option("--json", help="Short for --format json: every layer, schema 1.")] = False


def show(
    model: options.Model,
    *,
    network: options.Network,
    bias: options.Bias = False,
    pooling: options.Pooling = False,
    no_padding: options.NoPadding = False,
    device: options.Device = "auto",
    verify: options.Verify = True,
    receptive_field: Annotated[
        bool, typer.Option("--receptive-field", help="Show which region of the input a unit sees; verified, too.")
    ] = False,
    all: Annotated[bool, typer.Option("--all", help="Show every operation, also those that own nothing.")] = False,
    freeze: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Layers that are not trained: features, layer[123]*. May be repeated."),
    ] = None,
    classes: Annotated[int | None, typer.Option(metavar="N", help="Replace the last classifier layer.")] = None,
    until: options.Until = None,
    examples: options.Examples = None,
    memory: options.Memory = None,
    remembering: options.Remembering,
    strict: Annotated[bool, typer.Option("--strict", help="Status 1 if an operation is not known.")] = False,
    depth: Annotated[int | None, typer.Option(min=1, help="Roll rows up by module, so many levels deep.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only the largest rows, and the others in one.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="QUANTITY",
            help="units, connections (MACs), weights (params).",
            autocompletion=options.one_of(*QUANTITIES),
        ),
    ] = None,
    delivery: Delivery,
) -> int:
    """Count a network's units, connections and weights, layer by layer, and verify the counts by running it."""
    source = recognise(model).source
    output = delivery.checked()
    if source == "saved":
        return _show_saved(model, network, output, (depth, top, sort))
    if source == "stored":
        return _show_weights(model, network, output, depth, top, sort)
    sort = SYNONYMS.get((sort or "").lower(), sort)
    if sort is not None and sort not in QUANTITIES:
        raise BadOption(
            f"--sort {sort}: there are {', '.join(QUANTITIES)}.{errors.did_you_mean(sort, list(QUANTITIES))}"
        )
    shown = Options(receptive_field, tuple(freeze or ()), all, options.read_examples(examples))
    asked = network.question(
        model,
        device=device,
        verify=verify,
        fields="all" if receptive_field else "",
        classes=classes,
        until=until,
        memory=options.read_memory(memory),
    )
    with terminal.progress() as say:
        facts = remembering.ask(asked, say)
    convention = Convention(bias, pooling, not no_padding)
    report = count(facts, convention, shown)
    told = output.deliver(report, depth=depth, top=top, sort=sort)
    differs = report.verification.status == "failed" or (strict and not report.complete)
    status = errors.DIFFERS if differs else errors.COUNTED
    if told is not None and not remembering.fresh and repeated.keeps(asked):
        if not facts.remembered and (known := recall(asked)):  # as it will be told the next time
            facts, told = known, output.text(count(known, convention, shown), depth=depth, top=top, sort=sort)
        if facts.remembered:
            repeated.keep(asked, told, status)
    return status


def _show_saved(model: str, network: options.Network, output: Output, rows: tuple[Any, ...]) -> int:
    """What was counted earlier: nothing is counted now."""
    from netsize.results.saved import read_saved

    if network != options.Network() or any(rows):
        raise BadOption(f"{model} is a saved report: it is shown whole, as it was counted")
    output.deliver(read_saved(Path(model)))
    return errors.COUNTED


def _show_weights(
    model: str, network: options.Network, output: Output, depth: int | None, top: int | None, sort: str | None
) -> int:
    """A file that holds weights, and no network."""
    from netsize.results.checkpoint import Checkpoint
    from netsize.sources.stored import read

    if network != options.Network():
        raise BadOption(f"{model} holds weights only: --input, --set and their like belong to networks")
    if sort not in (None, "weights"):
        raise BadOption(f"--sort {sort}: {model} holds weights only")
    output.deliver(Checkpoint(read(model)), depth=depth, top=top, sort=sort)
    return errors.COUNTED
