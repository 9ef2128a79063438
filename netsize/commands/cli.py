"""The command line as a whole: which commands there are, and how it ends."""

import importlib
import sys
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import typer
import typer.core

from netsize import errors
from netsize.commands.hints import hint
from netsize.commands.options import spread
from netsize.commands.terminal import complain
from netsize.errors import NetsizeError, shortened
from netsize.run import startup
from netsize.sources import COMMANDS, recognise
from netsize.version import __version__


@dataclass(frozen=True)
class Conversion:
    """Of what stands in a command line for a parameter of typer's. Texts stay as they are, and nothing is nothing:
    typer would ask pydantic even about those, and importing that takes as long as a remembered answer."""

    parameter: Any

    def coerce(self, value: Any, **where: Any) -> Any:
        kind = self.parameter.type_descriptor.annotation
        if value is None:
            return () if self.parameter.multiple or self.parameter.nargs == -1 else None
        if isinstance(value, str) and kind is str or isinstance(value, (list, tuple)) and kind == list[str]:
            return value
        return type(self.parameter).get_runtime_param(self.parameter).coerce(value, **where)


class Converting:
    """One of typer's commands, or its group of them: their parameters are converted so."""

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # it is mixed into what has them
        for parameter in parameters:
            parameter.get_runtime_param = partial(Conversion, parameter)
        return parameters


class Command(Converting, typer.core.TyperCommand):
    """`netsize show` and the others."""


class Commands(Converting, typer.core.TyperGroup):
    """`netsize MODEL` is `netsize show MODEL`, for running as for completing."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name in COMMANDS and name not in self.commands:
            self.commands[name] = built(name)
        return self.commands.get(name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args == ["version"]:
            args = ["--version"]
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if args and args[0] not in COMMANDS and args[0].partition("=")[0] not in own:
            if not args[0].startswith("-") and not ctx.resilient_parsing:  # not while completing
                recognise(args[0])  # before what follows is found wrong: the command may be mistyped
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        model = next(p for p in self.get_command(ctx, "show").params if p.name == "model")
        return [*super().shell_complete(ctx, incomplete), *model.shell_complete(ctx, incomplete)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Examples first, and sentences that are not cut."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        with formatter.section("Examples"):
            formatter.write_dl(EXAMPLES)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.get_command(ctx, name).get_short_help_str(1000)) for name in COMMANDS])
        with formatter.section("Options"):
            formatter.write_dl([record for p in self.get_params(ctx) if (record := p.get_help_record(ctx))])
        formatter.write_paragraph()
        formatter.write_text("`netsize show --help` has the options of `netsize MODEL`; `netsize help` is the manual.")


EXAMPLES = [
    ("netsize alexnet", "layer by layer, and where the bulk is"),
    ("netsize net.py:Net --input 3x32x32", "your own network: a class or a function in a file or a module"),
    ("netsize resnet50 --depth 1", "rolled up by module"),
    ("netsize compare alexnet vgg16", "a line for each, and ratios"),
    ("netsize train resnet50 --memory 16GiB", "the largest batch, and where its memory goes"),
    ("netsize check", "the budgets in pyproject.toml, for CI"),
]
app = typer.Typer(
    cls=Commands,
    subcommand_metavar="MODEL | COMMAND [OPTIONS]",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
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


def built(name: str) -> Any:
    """A command as typer runs it: the function of this name in the file of this name. Each is made when it is asked
    for, since making all takes a third of the time of an answer that is remembered."""
    module = importlib.import_module(f"netsize.commands.{name}")
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    words = {"ignore_unknown_options": True} if name == "help" else {}  # netsize help --bias
    function = getattr(module, "list_models" if name == "list" else name)
    alone.command(name, cls=Command, context_settings=words)(spread(function))
    return typer.main.get_command(alone)


def _interrupted() -> int:
    """By somebody, or by --timeout."""
    if not (said := startup.late()):
        return errors.INTERRUPTED
    complain(said)
    return errors.FAILED


def main(argv: list[str] | None = None) -> int:
    """Run a command line; its exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        with startup.interrupts():
            status = app(arguments or ["--help"], prog_name="netsize", standalone_mode=False) or errors.COUNTED
        return _interrupted() if status == errors.INTERRUPTED else int(status)
    except NetsizeError as error:
        complain(f"{error}{hint(arguments, error)}")
        return error.status
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:  # a name that is too long, a loop of links
            complain(f"{shortened(str(error.filename))}: {error.strerror}")
        elif hasattr(error, "format_message"):  # typer's errors of usage have it; the class is not public
            said, better = error.format_message(), hint(arguments, error)
            complain(shortened(said.partition(" (Possible options")[0] if better else said) + better)
        else:
            raise
        return errors.FAILED
