"""Networks of the papers that torchvision does not have, as their papers have them: one file for each paper."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from netsize.facts.network import Source
from netsize.sources.built import Built
from netsize.sources.settings import InputSpec
from netsize.version import __version__

# name -> file, class or function in it, input
NETWORKS: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "lenet5": ("lenet5", "LeNet5", (1, 32, 32)),
    "alexnet_2012": ("alexnet_2012", "grouped", (3, 227, 227)),
    "alexnet_2012_ungrouped": ("alexnet_2012", "ungrouped", (3, 227, 227)),
    "vgg16_c": ("vgg16_c", "VGG16C", (3, 224, 224)),
}


def load(model: str, settings: Mapping[str, Any]) -> Built:
    """Build one of NETWORKS, with these arguments for its constructor. Raises BadModel."""
    from netsize.sources.factory import build

    file, name, shape = NETWORKS[model]
    network, blank = build(model, getattr(import_module(f"{__name__}.{file}"), name), settings)
    return Built(network, Source("netsize", model, model, __version__), (InputSpec(shape),), blank=blank)
