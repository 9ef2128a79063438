"""The lecture as commands: explain, compare and sweep."""

from typing import Annotated, Any

import typer

from netsize import errors, options, startup, terminal
from netsize.ask import ask, question
from netsize.cache import Question
from netsize.calculator import KINDS, Hyperparameters, layer
from netsize.count import count
from netsize.errors import BadOption
from netsize.formulas import Formula
from netsize.report import Report
from netsize.sources import check_name, complete_model, source_of
from netsize.sources.settings import read_input


def explain(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="As for show; or conv, linear, pool, conv_transpose: a calculator, without a network.",
            autocompletion=lambda incomplete: [*KINDS, *complete_model(incomplete)],
        ),
    ],
    layer: Annotated[str | None, typer.Argument(metavar="[LAYER]", help="features.0; without it, the story.")] = None,
    input: options.Input = None,
    batch: options.Batch = True,
    set: options.Set = None,
    inputs: Annotated[int | None, typer.Option("--in", metavar="M", help="Calculator: input channels.")] = None,
    outputs: Annotated[int | None, typer.Option("--out", metavar="N", help="Calculator: output channels.")] = None,
    kernel: Annotated[str | None, typer.Option(metavar="K", help="Calculator: 11, or 3x5.")] = None,
    stride: Annotated[str | None, typer.Option(metavar="S", help="Calculator: of a pool, its kernel.")] = None,
    padding: Annotated[str | None, typer.Option(metavar="P", help="Calculator: 2, or same.")] = None,
    dilation: Annotated[str | None, typer.Option(metavar="D", help="Calculator.")] = None,
    groups: Annotated[int | None, typer.Option(metavar="G", help="Calculator.")] = None,
    output_padding: Annotated[str | None, typer.Option(metavar="P", help="Calculator: of conv_transpose.")] = None,
    size: Annotated[str | None, typer.Option(metavar="SIZE", help="Calculator: of the input, 224 or 5x6.")] = None,
    ceil: Annotated[bool, typer.Option("--ceil", help="Calculator: a pool that rounds up.")] = False,
    examples: options.Examples = None,
    fresh: options.Fresh = False,
    cache: options.Cache = False,
    device: options.Device = "auto",
    verify: Annotated[
        bool | None, typer.Option("--verify/--no-verify", help="Run it. Default: a network, but no calculator.")
    ] = None,
    format: options.Format = None,
    json: options.Json = False,
    output: options.Output = None,
) -> int:
    """Derive a layer's numbers step by step, or tell a network's story: where the bulk is, and why."""
    chosen = options.choose_format(format, json, output)
    if output:
        terminal.check_writable(output)
    given = Hyperparameters(
        inputs, outputs, kernel, stride, padding, dilation, groups, output_padding, size, ceil
    )  # fmt: skip
    if model in KINDS:
        if layer is not None:
            raise BadOption(f"explain {model} is a calculator and takes no layer: --in, --out, --kernel ...")
        if input or set or examples:
            raise BadOption(f"explain {model} is a calculator: --input, --set and --examples belong to networks")
        explanation = _calculated(model, given, device, bool(verify))
    else:
        if given != Hyperparameters():
            raise BadOption(f"--in, --out, --kernel ... belong to the calculators: {', '.join(KINDS)}")
        asked = question(
            model, input, options.read_settings(set), batch=batch, device=device, verify=verify is not False,
            fields=(layer or "last").partition(" #")[0],
        )  # fmt: skip
        told = options.read_examples(examples)
        explanation = _explained(model, layer, told, asked, fresh=fresh, keep_python=cache)
    from netsize.render import derivation

    style = terminal.style(to_file=output is not None, depth=None, top=None, sort=None)
    terminal.write(derivation.render(explanation, chosen, style), output)
    return errors.DIFFERS if explanation.status == "failed" else errors.COUNTED


def _calculated(kind: str, given: Hyperparameters, device: str, verify: bool) -> Any:
    """Without torch, unless it is to be run."""
    from netsize.explanation import explain_formula

    formula = layer(kind, given)
    if not verify:
        return explain_formula(formula)
    with terminal.progress() as say:
        network = _run(formula, device, say)
    return explain_formula(formula, network)


def _run(formula: Formula, device: str, say: Any) -> Any:
    say("importing torch")
    with startup.imports():
        from netsize.analysis import analyze_built
        from netsize.sources.environment import choose_device
        from netsize.sources.layer import build

        where = choose_device(device)
    return analyze_built(build(formula), device=where)


def _explained(model: str, layer: str | None, examples: int | None, asked: Question, **remembering: bool) -> Any:
    from netsize.explanation import explain_layer, explain_network

    check_name(model)
    with terminal.progress() as say:
        network = ask(asked, say, **remembering)
    return explain_network(network, examples) if layer is None else explain_layer(network, layer)


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Models, patterns ('resnet*'), saved reports (sizes.json).",
            autocompletion=complete_model,
        ),
    ],
    input: options.Input = None,
    set: options.Set = None,
    device: options.Device = "auto",
    verify: options.Verify = True,
    fresh: options.Fresh = False,
    cache: options.Cache = False,
    format: options.Format = None,
    json: options.Json = False,
    output: options.Output = None,
) -> int:
    """Compare networks: a line for each, ratios to the first, and who is larger by every measure."""
    from netsize.comparison import compare_models, expand
    from netsize.render import comparison, sheet

    chosen = options.choose_format(format, json, output)
    if output:
        terminal.check_writable(output)
    for text in input or []:
        read_input(text)
    names, settings = expand(models), options.read_settings(set)

    def counted(name: str, say: Any) -> Report:
        asked = question(name, input, settings, device=device, verify=verify, fields="last")
        return count(ask(asked, say, fresh=fresh, keep_python=cache))

    with terminal.progress() as say:
        found = compare_models(names, lambda name: counted(name, say))
    style = terminal.style(to_file=output is not None, depth=None, top=None, sort=None)
    terminal.write(sheet.render(comparison.sheet(found), chosen, style), output)
    for entry in found.entries:
        if entry.totals is None and (output is not None or chosen != "table"):  # a table shows it on its row
            terminal.complain(BadOption(f"{entry.name}: {entry.error}"))
    if any(entry.totals is None for entry in found.entries):
        return errors.FAILED
    return errors.DIFFERS if any(entry.verified == "failed" for entry in found.entries) else errors.COUNTED


def sweep(
    model: options.Model,
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
    format: options.Format = None,
    json: options.Json = False,
    output: options.Output = None,
) -> int:
    """How the counts grow with the input or an argument: a table, a plot, exponents, and which sizes work and why."""
    from netsize.render import sheet, sweeps

    check_name(model)
    chosen = options.choose_format(format, json, output)
    if output:
        terminal.check_writable(output)
    varies, values, settings = _range(input, width, height, set)
    if shape:
        read_input(shape)
    with terminal.progress() as say:
        say("importing torch")
        with startup.imports():
            from netsize import sizes

            source_of(model)
        if varies in ("input", "width", "height"):
            found = sizes.over_sizes(model, varies, values, shape, settings, device, say)
        else:
            found = sizes.over_settings(model, varies, values, shape, settings, device, say)
    style = terminal.style(to_file=output is not None, depth=None, top=None, sort=None)
    terminal.write(sheet.render(sweeps.sheet(found), chosen, style), output)
    if not found.counted:
        return errors.FAILED
    return errors.DIFFERS if found.failed else errors.COUNTED


def _range(
    input: str | None, width: str | None, height: str | None, set: list[str] | None
) -> tuple[str, list[int], dict[str, Any]]:
    """The one thing that varies, its values, and the arguments that do not."""
    from netsize.growth import is_range, read_range

    given = {"input": input, "width": width, "height": height}
    ranges = {name: read_range(f"--{name}", text) for name, text in given.items() if text is not None}
    fixed = []
    for text in set or []:
        key, _, value = text.partition("=")
        if is_range(value):
            ranges[key] = read_range("--set", value)
        else:
            fixed.append(text)
    if len(ranges) != 1:
        raise BadOption("say one thing that varies: --input 64:512:32, --width, --height, or --set num_classes=10,100")
    ((varies, values),) = ranges.items()
    return varies, values, options.read_settings(fixed)
