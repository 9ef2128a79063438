"""netsize badge: a number for a README."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadCase, BadOption, did_you_mean
from netsize.results import words
from netsize.results.count import count
from netsize.run.answer import ask

if TYPE_CHECKING:
    from netsize.results.report import Report

QUANTITIES = ("units", "connections", "weights", "parameters", "macs")
COLOURS = {errors.COUNTED: "brightgreen", errors.DIFFERS: "red"}


def badge(
    model: options.Model,
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help=", ".join(QUANTITIES) + ".")] = "weights",
    *,
    network: options.Network,
    case: Annotated[
        bool, typer.Option("--case", help="MODEL is the name of a case in pyproject.toml; red if it does not hold.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: stdout.")] = None,
    device: options.Device = "auto",
    fresh: options.Fresh = False,
) -> int:
    """Write a number as the endpoint of a badge, which shields.io draws: https://shields.io/badges/endpoint-badge."""
    if quantity not in QUANTITIES:
        raise BadOption(f"there is no quantity {quantity}.{did_you_mean(quantity, list(QUANTITIES))}")
    if output:
        terminal.check_writable(output)
    if case:
        report, color = _of_case(model, network, device, fresh)
    else:
        with terminal.progress() as say:
            report, color = count(ask(network.question(model, device=device), say, fresh=fresh)), "blue"
    if report.verification.status == "failed":
        raise BadCase(f"{model} gets no badge: {report.verification.problems[0]}")
    endpoint = {
        "schemaVersion": 1,
        "label": quantity if quantity != "macs" else "MACs",
        "message": words.rough(getattr(report.totals, quantity)),
        "color": color,
    }
    terminal.write(json.dumps(endpoint, indent=2) + "\n", output)
    return errors.COUNTED


def _of_case(name: str, network: options.Network, device: str, fresh: bool) -> "tuple[Report, str]":
    """Its report, and whether it holds. Raises BadCase."""
    from netsize.commands.check import find_cases, run_cases

    if network != options.Network():
        raise BadOption("--case: what the network takes stands in the case")
    cases, broken = find_cases([])
    for error in broken:
        raise error
    chosen = [case for case in cases if case.name == name]
    if not chosen:
        raise BadCase(f"no case has the name {name!r}.{did_you_mean(name, [case.name for case in cases])}")
    result = run_cases(chosen[:1], device, fresh)[0]
    if result.report is None or result.status == errors.FAILED:
        raise BadCase(str(result.error))
    return result.report, COLOURS[result.status]
