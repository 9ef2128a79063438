"""netsize compare: networks side by side."""

from typing import Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.results.count import count
from netsize.results.report import Report
from netsize.sources import complete_model, expand


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Models, each with its input (net.py:Net@3x32x32) if need be; 'resnet*'; saved reports.",
            autocompletion=complete_model,
        ),
    ],
    *,
    network: options.Network,
    device: options.Device = "auto",
    verify: options.Verify = True,
    remembering: options.Remembering,
    delivery: options.Delivery,
) -> int:
    """Compare networks: a line for each, ratios to the first, and who is larger by every measure."""
    from netsize.results.comparison import compare_models

    output = delivery.checked()
    options.check_inputs(network.input)
    names = expand(models)

    def counted(name: str) -> Report:
        asked = network.question(name, device=device, verify=verify, fields="last")
        return count(remembering.ask(asked, say))

    with terminal.progress() as say:
        found = compare_models(names, counted)
    output.deliver(found)
    missing = [entry for entry in found.entries if entry.totals is None]
    if output.file is None and output.format == "table" and missing:  # which shows on its rows why
        terminal.complain(f"{len(missing)} of {len(found.entries)} could not be counted: {missing[0].name}")
    elif missing:
        for entry in missing:
            terminal.complain(f"{entry.name}: {entry.error}")
    if missing:
        return errors.FAILED
    return errors.DIFFERS if any(entry.verified == "failed" for entry in found.entries) else errors.COUNTED
