"""The commands: wiring only, and the only place that prints. Imports no torch and no rich."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from netsize import __version__, ci, errors, lecture, many, options, startup, terminal, train
from netsize.ask import ask, question
from netsize.count import count
from netsize.errors import BadOption, NetsizeError
from netsize.report import QUANTITIES, Convention, Options, Report
from netsize.sources import check_name


class Commands(typer.core.TyperGroup):
    """`netsize MODEL` is `netsize show MODEL`, for running as for completing."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if args and args[0] not in self.commands and args[0].partition("=")[0] not in own:
            if not args[0].startswith("-") and not ctx.resilient_parsing:  # not while completing
                check_name(args[0])  # before what follows is found wrong: the command may be mistyped
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        model = next(p for p in self.commands["show"].params if p.name == "model")
        return [*super().shell_complete(ctx, incomplete), *model.shell_complete(ctx, incomplete)]


app = typer.Typer(
    cls=Commands, subcommand_metavar="MODEL | COMMAND [OPTIONS]", pretty_exceptions_enable=False, rich_markup_mode=None
)


def show_version(asked: bool) -> None:
    if asked:
        print(f"netsize {__version__}")
        raise typer.Exit


@app.callback()
def netsize(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """How big is this neural network, and where?

    `netsize MODEL` counts units, connections and weights, layer by layer, and verifies every count by
    running the network.
    """


@app.command()
def show(
    model: options.Model,
    input: options.Input = None,
    batch: options.Batch = True,
    set: options.Set = None,
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
        list[str] | None, typer.Option(metavar="PATTERN", help="Layers that are not trained: features, layer[123].")
    ] = None,
    classes: Annotated[int | None, typer.Option(metavar="N", help="Replace the last classifier layer.")] = None,
    until: Annotated[str | None, typer.Option(metavar="LAYER", help="Stop behind it: its output is features.")] = None,
    examples: options.Examples = None,
    memory: options.Memory = None,
    fresh: options.Fresh = False,
    cache: options.Cache = False,
    strict: Annotated[bool, typer.Option("--strict", help="Status 1 if an operation is not known.")] = False,
    depth: Annotated[int | None, typer.Option(min=1, help="Roll rows up by module, so many levels deep.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only the largest rows, and the others in one.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="QUANTITY", help=f"{', '.join(QUANTITIES)}.", autocompletion=options.one_of(*QUANTITIES)),
    ] = None,
    format: options.Format = None,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json: every layer, schema 1.")] = False,
    output: options.Output = None,
) -> int:
    """Count a network's units, connections and weights, layer by layer, and verify the counts by running it."""
    check_name(model)
    chosen = options.choose_format(format, json, output)
    if sort is not None and sort not in QUANTITIES:
        raise BadOption(
            f"--sort {sort}: there are {', '.join(QUANTITIES)}.{errors.did_you_mean(sort, list(QUANTITIES))}"
        )
    told = Options(receptive_field, tuple(freeze or ()), all, options.read_examples(examples))
    asked = question(
        model, input, options.read_settings(set), batch=batch, device=device, verify=verify,
        fields="all" if receptive_field else "", classes=classes, until=until,
        memory=options.read_memory(memory),
    )  # fmt: skip
    if output:
        terminal.check_writable(output)
    with terminal.progress() as say:
        network = ask(asked, say, fresh=fresh, keep_python=cache)
    report = count(network, Convention(bias, pooling, not no_padding), told)
    style = terminal.style(to_file=output is not None, depth=depth, top=top, sort=sort)
    return deliver(report, chosen, style, output, strict)


def deliver(report: Report, format: str, style: Any, output: Path | None, strict: bool) -> int:
    """Print or write the report; 0 if everything agrees."""
    from netsize.render import render

    terminal.write(render(report, format, style), output)
    differs = report.verification.status == "failed" or (strict and not report.complete)
    return errors.DIFFERS if differs else errors.COUNTED


for command in (lecture.explain, lecture.compare, lecture.sweep, train.train, ci.check, ci.freeze, ci.diff, many.cache):
    app.command()(command)
app.command("list")(many.list_models)


def main(argv: list[str] | None = None) -> int:
    """Run a command line; its exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        with startup.interrupts():
            return app(arguments or ["--help"], prog_name="netsize", standalone_mode=False) or errors.COUNTED
    except NetsizeError as error:
        terminal.complain(error)
        return error.status
    except KeyboardInterrupt:
        return errors.INTERRUPTED
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's errors of usage have it; the class is not public
            raise
        print(f"netsize: {error.format_message()}", file=sys.stderr)
        return errors.FAILED
