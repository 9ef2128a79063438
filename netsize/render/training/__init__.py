"""What `netsize train` shows: `layers`, what a step takes and does in all (`step`), and what was `measured`."""

from netsize.costs.schema import as_dict
from netsize.costs.training import Training
from netsize.render.page import Page
from netsize.render.style import Style
from netsize.render.training import layers, measured, pictures, step


def page(training: Training, style: Style) -> Page:
    """A sheet of the layers, one of the memory, and those of the measurement; for programs every layer, in bytes."""
    sheets = [layers.sheet(training, style), step.sheet(training)]
    if training.measured:
        sheets += [measured.compared(training, training.measured), measured.slowest(training, training.measured)]
    return Page(tuple(sheets), layers.records(training), lambda: as_dict(training), lambda: pictures.figures(training))
