"""netsize sweep: one network at many sizes."""

from typing import Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadOption
from netsize.run import startup
from netsize.sources import recognise, source_of
from netsize.sources.settings import Settings, read_setting


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
        list[str] | None,
        typer.Option(metavar="SIZES", help="Of each input; the last two sides of the first image vary: 3x32x32."),
    ] = None,
    tokens: Annotated[
        str | None, typer.Option(metavar="RANGE", help="Length of a text: 128:1024:128; or one value.")
    ] = None,
    no_batch: options.NoBatch = False,
    task: options.Task = None,
    device: options.Device = "auto",
    delivery: options.Delivery,
) -> int:
    """How the counts grow with the input or an argument: a table, a plot, exponents, and which sizes work and why."""
    recognise(model)
    output = delivery.checked()
    varies, values, settings = _range({"input": input, "width": width, "height": height}, set, tokens, task)
    options.check_inputs(shape)
    with terminal.progress() as say:
        say("importing torch")
        with startup.imports():
            from netsize.run.sweep import sweep as run_sweep

            source_of(model)
        found = run_sweep(model, varies, values, shape, settings, device, say, not no_batch)
    output.deliver(found)
    if not found.counted:
        terminal.complain(f"{model} can be counted at none of these")
        return errors.FAILED
    return errors.DIFFERS if found.failed else errors.COUNTED


def _range(
    sides: dict[str, str | None], set: list[str] | None, tokens: str | None, task: str | None
) -> tuple[str, list[int], Settings]:
    """The one thing that varies, its values, and what does not."""
    from netsize.results.sweep import is_range, read_range

    ranges = {name: read_range(f"--{name}", text) for name, text in sides.items() if text is not None}
    length = read_range("--tokens", tokens) if tokens is not None else []
    if len(length) > 1:
        ranges["tokens"] = length
    fixed = []
    for text in set or []:
        key, _, value = text.partition("=")
        if is_range(value):
            ranges[f"set:{key}"] = read_range("--set", value)
        else:
            fixed.append(text)
    if len(ranges) != 1:
        raise BadOption(
            "say one thing that varies: --input 64:512:32, --width, --height, --tokens, or --set num_classes=10,100"
        )
    ((varies, values),) = ranges.items()
    return varies, values, Settings(tuple(map(read_setting, fixed)), task, length[0] if len(length) == 1 else None)
