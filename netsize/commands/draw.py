"""netsize draw: the network as a figure."""

from typing import Annotated

import typer

from netsize import errors
from netsize.commands import options, terminal
from netsize.results.diagram import diagram


def draw(
    model: options.Model,
    *,
    network: options.Network,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Levels of modules that are drawn; what lies deeper is one box.")
    ] = None,
    device: options.Device = "auto",
    verify: options.Verify = True,
    until: options.Until = None,
    remembering: options.Remembering,
    delivery: options.Delivery,
) -> int:
    """Draw a network as papers do: feature maps as boxes whose sides follow the logarithm of their sizes.

    netsize draw alexnet -o alexnet.svg; or .tex (TikZ, standalone), .html; without -o a table of the boxes.
    """
    output = delivery.checked()
    asked = network.question(model, device=device, verify=verify, until=until)
    with terminal.progress() as say:
        facts = remembering.ask(asked, say)
    drawn = diagram(facts, depth)
    output.deliver(drawn)
    return errors.DIFFERS if drawn.report.verification.status == "failed" else errors.COUNTED
