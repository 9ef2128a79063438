"""netsize diff: two networks row by row."""

from pathlib import Path
from typing import Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadCase
from netsize.results.count import count
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

    from netsize.results.difference import compare_reports, exceeded

    output = delivery.checked()
    reports = [_report(word, network, device, fresh) for word in (before, after)]
    difference = compare_reports(*reports)
    failing = [condition for condition in fail_if or [] if exceeded(difference, condition)]
    output.deliver(difference)
    for condition in failing:
        terminal.complain(BadCase(f"{condition} holds"))
    return errors.DIFFERS if failing else errors.COUNTED


def _report(word: str, network: options.Network, device: str, fresh: bool) -> dict[str, object]:
    from netsize.results.difference import is_report

    if is_report(word):
        from netsize.results.saved import load

        return load(Path(word))
    asked = network.question(word, device=device)
    with terminal.progress() as say:
        report = count(ask(asked, say, fresh=fresh))
    if report.verification.status == "failed":
        raise BadCase(f"{word} is not compared: {report.verification.problems[0]}")
    return as_dict(report)
