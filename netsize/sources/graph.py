"""A graph in a file (.onnx), which `netsize.graphs` counts: there is no network of torch in it."""

from netsize.errors import BadOption
from netsize.sources.settings import Settings


def load(model: str, settings: Settings) -> None:
    """What every other source does. Raises BadOption: nothing can be built."""
    raise BadOption(f"{model} is a graph: this needs a network of torch. `netsize {model}` counts it")
