"""The commands: wiring only, and the only place that prints. Imports no torch and no rich."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from netsize import __version__, ci, errors, startup, terminal
from netsize.count import count
from netsize.errors import BadOption, NetsizeError
from netsize.render import FORMATS
from netsize.report import QUANTITIES, Convention, Report
from netsize.sources import check_name, complete_model, known_models, source_of
from netsize.sources import families as all_families
from netsize.sources.settings import read_input, read_setting


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


def one_of(*choices: str) -> Callable[[], list[str]]:
    return lambda: list(choices)


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
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A torchvision name (alexnet), or Python: path/to/net.py:Net, package.module:factory.",
            autocompletion=complete_model,
        ),
    ],
    input: Annotated[
        list[str] | None,
        typer.Option(metavar="SIZES", help="As 3x224x224 or 5:int64, without the batch axis; once per argument."),
    ] = None,
    batch: Annotated[bool, typer.Option("--batch/--no-batch", help="Put a batch axis of 1 in front.")] = True,
    set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="For the constructor: num_classes=10.")
    ] = None,
    bias: Annotated[bool, typer.Option("--bias", help="A bias is a connection of each unit, and a weight.")] = False,
    pooling: Annotated[bool, typer.Option("--pooling", help="Count pools, too.")] = False,
    no_padding: Annotated[bool, typer.Option("--no-padding", help="Leave out connections to padding.")] = False,
    device: Annotated[
        str,
        typer.Option(
            help="auto (a GPU if there is one), cpu, cuda, mps.", autocompletion=one_of("auto", "cpu", "cuda")
        ),
    ] = "auto",
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Run the network; or count without, and without its memory.")
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Status 1 if an operation is not known.")] = False,
    depth: Annotated[int | None, typer.Option(min=1, help="Roll rows up by module, so many levels deep.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only the largest rows, and the others in one.")] = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="QUANTITY", help=f"{', '.join(QUANTITIES)}.", autocompletion=one_of(*QUANTITIES)),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help=f"{', '.join(FORMATS)}.", autocompletion=one_of(*FORMATS)),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json: every layer, schema 1.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, in the format of its ending.")
    ] = None,
) -> int:
    """Count a network's units, connections and weights, layer by layer, and verify the counts by running it."""
    check_name(model)
    if json and format not in (None, "json"):
        raise BadOption(f"--json and --format {format}: say one of them")
    chosen = choose_format("json" if json else format, output)
    if sort is not None and sort not in QUANTITIES:
        raise BadOption(
            f"--sort {sort}: there are {', '.join(QUANTITIES)}.{errors.did_you_mean(sort, list(QUANTITIES))}"
        )
    specs = [read_input(text) for text in input or []]
    settings = dict(read_setting(text) for text in set or [])
    if output:
        terminal.check_writable(output)
    with terminal.progress() as say:
        say("importing torch")
        with startup.imports():
            from netsize.sources.environment import choose_device

            where = choose_device(device)
            source = source_of(model)
            from netsize.analysis import analyze_built
        say(f"building {model}")
        built = source.load(model, settings)

        def on_layer(layers: int) -> None:
            startup.check()
            say(f"{'running' if verify else 'counting'} {model}: layer {layers}")

        network = analyze_built(built, specs, device=where, verify=verify, batch=batch, on_layer=on_layer)
    report = count(network, Convention(bias, pooling, not no_padding))
    style = terminal.style(to_file=output is not None, depth=depth, top=top, sort=sort)
    return deliver(report, chosen, style, output, strict)


def choose_format(format: str | None, output: Path | None) -> str:
    """What was asked for, or what the file's ending says, or the table. Raises BadOption."""
    if format is not None and format not in FORMATS:
        raise BadOption(
            f"--format {format}: there are {', '.join(FORMATS)}.{errors.did_you_mean(format, list(FORMATS))}"
        )
    if format or output is None:
        return format or "table"
    endings = {ending: name for name, ending in FORMATS.items()}
    if output.suffix not in endings:
        raise BadOption(f"-o {output}: its ending tells no format ({', '.join(endings)}); or say --format")
    return endings[output.suffix]


def deliver(report: Report, format: str, style: Any, output: Path | None, strict: bool) -> int:
    """Print or write the report; 0 if everything agrees."""
    from netsize.render import render

    terminal.write(render(report, format, style), output)
    differs = report.verification.status == "failed" or (strict and not report.complete)
    return errors.DIFFERS if differs else errors.COUNTED


@app.command("list")
def list_models(
    pattern: Annotated[
        str, typer.Argument(help="Part of a name, or with * and ?.", autocompletion=complete_model)
    ] = "",
) -> int:
    """List the models that are known by name, by family."""
    from fnmatch import fnmatch

    from netsize.sources.environment import require_torchvision

    require_torchvision()
    glob = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
    families: dict[str, list[str]] = {}
    for name, family in all_families().items():
        if fnmatch(name, glob):
            families.setdefault(family, []).append(name)
    if not families:
        raise NetsizeError(f"no model matches {pattern!r}.{errors.did_you_mean(pattern, known_models())}")
    terminal.write(terminal.families(families), None)
    return errors.COUNTED


for command in (ci.check, ci.freeze, ci.diff):
    app.command()(command)


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
