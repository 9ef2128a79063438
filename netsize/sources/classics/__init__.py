"""Networks of the papers that torchvision does not have, as their papers have them: one file for each paper."""

from importlib import import_module

from netsize.facts.network import Source
from netsize.sources.built import Built
from netsize.sources.settings import Settings, read_input
from netsize.version import __version__

# name -> family, file, class or function in it, inputs
NETWORKS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "lenet5": ("historical", "lenet5", "LeNet5", ("1x32x32",)),
    "alexnet_2012": ("historical", "alexnet_2012", "grouped", ("3x227x227",)),
    "alexnet_2012_ungrouped": ("historical", "alexnet_2012", "ungrouped", ("3x227x227",)),
    "vgg16_c": ("historical", "vgg16_c", "VGG16C", ("3x224x224",)),
    "mobilenet_v1": ("historical", "mobilenet_v1", "MobileNetV1", ("3x224x224",)),
    "deit_tiny": ("papers", "deit", "deit_tiny", ("3x224x224",)),
    "deit_small": ("papers", "deit", "deit_small", ("3x224x224",)),
    "mixer_b_16": ("papers", "mixer", "MixerB16", ("3x224x224",)),
    "dit_xl_2": ("papers", "dit", "DiT", ("4x32x32", "1", "1:int64")),
    "gpt2": ("papers", "gpt2", "GPT2", ("1024:int64",)),
    "gpt2_xl_gated": ("papers", "decoder", "gpt2_xl_gated", ("1024:int64",)),
    "mixtral_8x7b": ("papers", "decoder", "mixtral_8x7b", ("64:int64",)),
}


def load(model: str, settings: Settings) -> Built:
    """Build one of NETWORKS, with these arguments for its constructor. Raises BadModel."""
    from netsize.sources.factory import build

    _, file, name, inputs = NETWORKS[model]
    network, blank = build(model, getattr(import_module(f"{__name__}.{file}"), name), settings.arguments)
    sized = settings.sized(model, [read_input(text) for text in inputs])
    return Built(network, Source("netsize", model, model, __version__), sized, blank=blank)
