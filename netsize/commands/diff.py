"""netsize diff: two networks row by row."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadCase
from netsize.facts.cache import recall
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
    beside = next(iter(saved.values()), None)
    reports = [saved.get(word) or _counted(word, network, beside, device, fresh) for word in (before, after)]
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


def _counted(
    word: str, network: options.Network, saved: dict[str, Any] | None, device: str, fresh: bool
) -> dict[str, Any]:
    """By the convention of the saved report beside it, and at its input, if no other one is said."""
    convention = Convention(**saved["convention"]) if saved else Convention()
    asked = network.question(word, device=device)
    if saved and asked == replace(asked, input=(), tokens=None, image=None, batch=True):
        own = recall(asked)  # what it takes by default is known of one that is remembered
        if own is None or [list(shape) for shape in own.input] != saved["input"]:
            asked = replace(network, input=_sizes(saved)).question(word, device=device)
    with terminal.progress() as say:
        report = count(ask(asked, say, fresh=fresh), convention)
    if report.verification.status == "failed":
        raise BadCase(f"{word} is not compared: {report.verification.problems[0]}")
    return as_dict(report)


def _sizes(saved: dict[str, Any]) -> list[str] | None:
    """Of its inputs, without the batch axis; None where one has none."""
    sizes = ["x".join(map(str, shape[1:])) for shape in saved["input"] if shape[:1] == [1] and len(shape) > 1]
    return sizes if sizes and len(sizes) == len(saved["input"]) else None
