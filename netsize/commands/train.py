"""netsize train: what a network costs when it is trained."""

from typing import TYPE_CHECKING, Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.costs.plan import DTYPES, OPTIMIZERS, Plan
from netsize.errors import BadInput
from netsize.run import startup
from netsize.sources import recognise, source_of

if TYPE_CHECKING:
    from netsize.costs.training import Training

Patterns = list[str] | None


def train(
    model: options.Model,
    *,
    network: options.Network,
    batch: Annotated[
        int | None, typer.Option(metavar="N", help="Examples in a step. Default: 64, or what fits.")
    ] = None,
    optimizer: Annotated[
        str, typer.Option(help=f"{', '.join(OPTIMIZERS)}.", autocompletion=options.one_of(*OPTIMIZERS))
    ] = "sgd",
    dtype: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(DTYPES)}. Default: the network's own.", autocompletion=options.one_of(*DTYPES)),
    ] = None,
    amp: Annotated[
        bool, typer.Option("--amp", help="Parameters as they are, and autocast to the type (default: bfloat16).")
    ] = False,
    freeze: Annotated[
        Patterns,
        typer.Option(metavar="PATTERN", help="Layers that are not trained: features, layer[123]*. May be repeated."),
    ] = None,
    checkpoint: Annotated[
        Patterns,
        typer.Option(
            metavar="PATTERN",
            help="Modules whose activations are computed again in backward: layer?.*; of nested ones the outer.",
        ),
    ] = None,
    examples: options.Examples = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="How often all examples are seen.")] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Find the largest batch for 16GiB, or free (what is left); status 1 if --batch does not fit.",
        ),
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Train a few steps on random data, and compare.")] = False,
    device: options.Device = "auto",
    depth: Annotated[int | None, typer.Option(min=1, help="Roll rows up by module, so many levels deep.")] = None,
    delivery: options.Delivery,
) -> int:
    """What a network costs when it is trained: memory, add-multiplies and data, layer by layer, and by real steps."""
    recognise(model)
    output = delivery.checked()
    options.check_inputs(network.input)
    settings = network.settings
    options.check_device(device)
    limit = None if memory in (None, "free") else options.read_memory(memory)
    plan = Plan(
        batch, optimizer, dtype, amp, tuple(freeze or ()), tuple(checkpoint or ()),
        options.read_examples(examples), epochs, limit, batched=not network.no_batch,
    )  # fmt: skip
    plan.check()
    with terminal.progress() as say:
        say("importing torch")
        with startup.imports():
            from netsize.costs.prediction import train_model

            source_of(model)
        training = train_model(
            model, network.input, plan, settings, device,
            free=memory == "free", measure=measure, say=say,
        )  # fmt: skip
    output.deliver(training, depth=depth)
    return _status(training)


def _status(training: "Training") -> int:
    if training.failure and not training.out_of_memory:
        terminal.complain(BadInput(f"{training.source.model} could not be measured: {training.failure}"))
        return errors.FAILED
    return errors.DIFFERS if training.differs else errors.COUNTED
