"""netsize explain: a layer's numbers derived step by step, or a network's story; and the calculator."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.errors import BadOption
from netsize.facts.network import Network as Facts
from netsize.lecture.calculator import KINDS, Hyperparameters, kind_of, layer
from netsize.lecture.formulas import Formula
from netsize.run import startup
from netsize.run.answer import Say
from netsize.sources import complete_model

if TYPE_CHECKING:
    from netsize.lecture.grid import Matrix
    from netsize.results.explanation import Explanation


def explain(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="As for show; or conv, linear, pool, conv_transpose: a calculator, without a network.",
            autocompletion=lambda incomplete: [*KINDS, *complete_model(incomplete)],
        ),
    ],
    layer: Annotated[
        str | None,
        typer.Argument(
            metavar="[LAYER]", help="features.0; without it, the story.", autocompletion=options.complete_layer
        ),
    ] = None,
    *,
    network: options.Network,
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
    draw: Annotated[bool, typer.Option("--draw", help="The windows of a convolution or a pool on their grid.")] = False,
    values: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Calculator: compute with an input and a kernel, an empty line between."),
    ] = None,
    examples: options.Examples = None,
    remembering: options.Remembering,
    device: options.Device = "auto",
    verify: Annotated[
        bool | None, typer.Option("--verify/--no-verify", help="Run it. Default: a network, but no calculator.")
    ] = None,
    delivery: options.Delivery,
) -> int:
    """Derive a layer's numbers step by step, or tell a network's story: where the bulk is, and why."""
    from netsize.results.explanation import explain_layer, explain_network

    output = delivery.checked()
    given = Hyperparameters(
        inputs, outputs, kernel, stride, padding, dilation, groups, output_padding, size, ceil
    )  # fmt: skip
    model = kind_of(model)
    if model in KINDS:
        if layer is not None:
            raise BadOption(f"explain {model} is a calculator and takes no layer: --in, --out, --kernel ...")
        if network != options.Network() or examples:
            raise BadOption(f"explain {model} is a calculator: --input, --set and --examples belong to networks")
        explanation = _calculated(model, given, values, draw, device, bool(verify))
    else:
        if given != Hyperparameters():
            raise BadOption(f"--in, --out, --kernel ... belong to the calculators: {', '.join(KINDS)}")
        if values or (draw and layer is None):
            raise BadOption("--values belongs to the calculator, and --draw to one layer: explain conv, or MODEL LAYER")
        fields = (layer or "last").partition(" #")[0]
        asked = network.question(model, device=device, verify=verify is not False, fields=fields)
        told = options.read_examples(examples)
        with terminal.progress() as say:
            facts = remembering.ask(asked, say)
        explanation = explain_network(facts, told) if layer is None else explain_layer(facts, layer, draw)
    output.deliver(explanation)
    return errors.DIFFERS if explanation.status == "failed" else errors.COUNTED


def _calculated(
    kind: str, given: Hyperparameters, values: Path | None, draw: bool, device: str, verify: bool
) -> "Explanation":
    """Without torch, unless it is to be run."""
    from netsize.lecture.grid import grid_of, read_values, with_values
    from netsize.results.explanation import explain_formula

    matrices = read_values(values) if values is not None else None
    if matrices is not None:
        given = _sized(kind, given, *matrices)
    formula = layer(kind, given)
    facts = None
    if verify:
        with terminal.progress() as say:
            facts = _run(formula, device, say)
    explanation = explain_formula(formula, facts)
    if not draw and matrices is None:
        return explanation
    grid = grid_of(formula)
    return replace(explanation, grid=with_values(grid, *matrices) if matrices is not None else grid)


def _sized(kind: str, given: Hyperparameters, input: "Matrix", weights: "Matrix") -> Hyperparameters:
    """Sizes and channels are those of the values."""
    if kind != "conv":
        raise BadOption(f"--values are an input and a kernel: they belong to explain conv, not to explain {kind}")
    told = [f"--{name}" for name, value in (("kernel", given.kernel), ("size", given.size)) if value is not None]
    if told or (given.inputs, given.outputs) not in ((None, None), (1, 1)):
        raise BadOption(f"--values says it already: leave {told[0] if told else '--in and --out'} away")
    kernel, size = (f"{len(matrix)}x{len(matrix[0])}" for matrix in (weights, input))
    return replace(given, inputs=1, outputs=1, kernel=kernel, size=size)


def _run(formula: Formula, device: str, say: Say) -> Facts:
    say("importing torch")
    with startup.imports():
        from netsize.run.examination import examine_built
        from netsize.sources.environment import choose_device
        from netsize.sources.layer import build

        where = choose_device(device)
    return examine_built(build(formula), device=where)
