"""netsize sweep: one network at many sizes."""

from typing import Annotated, Any

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadOption
from netsize.run import startup
from netsize.sources import check_name, source_of


def sweep(
    model: options.Model,
    *,
    input: Annotated[
        str | None, typer.Option(metavar="RANGE", help="Sides of a square: 64:512:32, 64,128,224.")
    ] = None,
    width: Annotated[str | None, typer.Option(metavar="RANGE", help="The width alone.")] = None,
    height: Annotated[str | None, typer.Option(metavar="RANGE", help="The height alone.")] = None,
    set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=RANGE", help="An argument: num_classes=10:1000:90; or one value.")
    ] = None,
    shape: Annotated[
        str | None, typer.Option(metavar="SIZES", help="Of the input, whose last two sides vary: 3x32x32.")
    ] = None,
    device: options.Device = "auto",
    delivery: options.Delivery,
) -> int:
    """How the counts grow with the input or an argument: a table, a plot, exponents, and which sizes work and why."""
    check_name(model)
    output = delivery.checked()
    varies, values, settings = _range(input, width, height, set)
    options.check_inputs([shape] if shape else None)
    with terminal.progress() as say:
        say("importing torch")
        with startup.imports():
            from netsize.run.sweep import sweep as run_sweep

            source_of(model)
        found = run_sweep(model, varies, values, shape, settings, device, say)
    output.deliver(found)
    if not found.counted:
        return errors.FAILED
    return errors.DIFFERS if found.failed else errors.COUNTED


def _range(
    input: str | None, width: str | None, height: str | None, set: list[str] | None
) -> tuple[str, list[int], dict[str, Any]]:
    """The one thing that varies, its values, and the arguments that do not."""
    from netsize.results.sweep import is_range, read_range

    given = {"input": input, "width": width, "height": height}
    ranges = {name: read_range(f"--{name}", text) for name, text in given.items() if text is not None}
    fixed = []
    for text in set or []:
        key, _, value = text.partition("=")
        if is_range(value):
            ranges[f"set:{key}"] = read_range("--set", value)
        else:
            fixed.append(text)
    if len(ranges) != 1:
        raise BadOption("say one thing that varies: --input 64:512:32, --width, --height, or --set num_classes=10,100")
    ((varies, values),) = ranges.items()
    return varies, values, options.read_settings(fixed)
