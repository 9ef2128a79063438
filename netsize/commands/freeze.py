"""netsize freeze: a report that is saved, to be compared with later."""

from pathlib import Path
from typing import Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.commands.output import Output
from netsize.errors import BadCase, BadOption
from netsize.results.count import count
from netsize.run.answer import ask
from netsize.sources import complete_model


def freeze(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As for show.", autocompletion=complete_model)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The report, as JSON.")],
    *,
    network: options.Network,
    device: options.Device = "auto",
    fresh: options.Fresh = False,
) -> int:
    """Save a network's report, to be compared with later: by diff --fail-if, or by a case of check with `frozen`."""
    asked = network.question(model, device=device)
    if output.suffix != ".json":
        raise BadOption(
            f"-o {output}: a frozen report is JSON, which diff and check read: -o {output.stem or 'sizes'}.json"
        )
    terminal.check_writable(output)
    with terminal.progress() as say:
        report = count(ask(asked, say, fresh=fresh))
    if report.verification.status == "failed":
        raise BadCase(f"{model} is not frozen: {report.verification.problems[0]}")
    Output("json", output).deliver(report)
    return errors.COUNTED
