"""netsize diff: two networks row by row."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadCase
from netsize.results.count import count
from netsize.results.report import Convention
from netsize.results.schema import as_dict
from netsize.run.answer import ask
from netsize.sources import complete_model


def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="A", help="A model (net.py:Net@3x32x32), or a saved report.", autocompletion=complete_model
        ),
    ],
    after: Annotated[
        str, typer.Argument(metavar="B", help="A model, or a saved report.", autocompletion=complete_model)
    ],
    *,
    network: options.Network,
    fail_if: Annotated[
        list[str] | None, typer.Option(metavar="CONDITION", help="Status 1 if it holds: 'weights > +1%'.")
    ] = None,
    device: options.Device = "auto",
    fresh: options.Fresh = False,
    delivery: options.Delivery,
) -> int:
    """Compare two networks row by row: what is new, gone, larger, smaller."""

    from netsize.results.difference import compare_reports, exceeded, is_report

    output = delivery.checked()
    saved = {word: _saved(word) for word in (before, after) if is_report(word)}
    network, convention = _as_saved(network, next(iter(saved.values()), None))
    reports = [saved.get(word) or _counted(word, network, convention, device, fresh) for word in (before, after)]
    difference = compare_reports(*reports)
    failing = [condition for condition in fail_if or [] if exceeded(difference, condition)]
    output.deliver(difference)
    for condition in failing:
        terminal.complain(BadCase(f"{condition} holds"))
    return errors.DIFFERS if failing else errors.COUNTED


def _saved(word: str) -> dict[str, Any]:
    """A report, under the name of its file."""
    from netsize.results.saved import load

    report = load(Path(word))
    return report | {"model": f"{word} ({report['model']})"}


def _as_saved(network: options.Network, saved: dict[str, Any] | None) -> tuple[options.Network, Convention]:
    """A saved report is compared with what is counted at its input, if no other one is said, and by its convention."""
    if saved is None:
        return network, Convention()
    if network == replace(network, input=None, tokens=None, image=None):
        sizes = ["x".join(map(str, shape[1:])) for shape in saved["input"] if shape[:1] == [1] and len(shape) > 1]
        whole = len(sizes) == len(saved["input"]) and not network.no_batch
        network = replace(network, input=sizes or None) if whole else network
    return network, Convention(**saved["convention"])


def _counted(word: str, network: options.Network, convention: Convention, device: str, fresh: bool) -> dict[str, Any]:
    asked = network.question(word, device=device)
    with terminal.progress() as say:
        report = count(ask(asked, say, fresh=fresh), convention)
    if report.verification.status == "failed":
        raise BadCase(f"{word} is not compared: {report.verification.problems[0]}")
    return as_dict(report)
