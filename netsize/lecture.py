"""The lecture as commands: explain, compare and sweep."""

from typing import Annotated, Any

import typer

from netsize import errors, options, startup, terminal
from netsize.calculator import KINDS, Hyperparameters, layer
from netsize.errors import BadOption
from netsize.formulas import Formula
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
        explanation = _calculated(model, given, device, bool(verify))
    else:
        if given != Hyperparameters():
            raise BadOption(f"--in, --out, --kernel ... belong to the calculators: {', '.join(KINDS)}")
        how = {"batch": batch, "settings": options.read_settings(set), "device": device, "verify": verify is not False}
        explanation = _explained(model, layer, input, options.read_examples(examples), **how)
    from netsize.render import derivation

    style = terminal.style(to_file=output is not None, depth=None, top=None, sort=None)
    terminal.write(derivation.render(explanation, chosen, style), output)
    return errors.DIFFERS if explanation.status == "failed" else errors.COUNTED


def _calculated(kind: str, given: Hyperparameters, device: str, verify: bool) -> Any:
    """Without torch, unless it is to be run."""
    from netsize.explain import explain_formula

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


def _explained(model: str, layer: str | None, input: list[str] | None, examples: int | None, **how: Any) -> Any:
    from netsize.explain import explain_layer, explain_network

    check_name(model)
    for text in input or []:
        read_input(text)
    with terminal.progress() as say:
        say("importing torch")
        with startup.imports():
            from netsize import analysis  # noqa: F401 - imported here, where an interrupt is safe
            from netsize.api import examine

            source_of(model)
        network = examine(model, input, fields=(layer or "last").partition(" #")[0], say=say, **how)
    return explain_network(network, examples) if layer is None else explain_layer(network, layer)
