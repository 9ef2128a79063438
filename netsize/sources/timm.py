"""timm's models, untrained, at their own input: `timm:resnet50d`, also with the name of weights
(`timm:vit_base_patch16_224.mae`), which decide how large an image and how many classes are."""

from typing import Any

from netsize.errors import BadModel
from netsize.facts.network import Source, release
from netsize.sources.built import Built
from netsize.sources.factory import build, library
from netsize.sources.settings import InputSpec, Settings

with library():
    import timm
    from timm.models import get_pretrained_cfg


def load(model: str, settings: Settings) -> Built:
    """Build one of timm's models as `timm.create_model` does; nothing is downloaded. Raises BadModel."""
    name = model.removeprefix("timm:")
    pretrained = [key for key in settings.arguments if key.startswith("pretrained") and key != "pretrained_cfg"]
    if pretrained:
        raise BadModel(f"--set {pretrained[0]}: networks are counted untrained; their sizes are the same")
    own: dict[str, Any] = {"pretrained": False}
    config = get_pretrained_cfg(name)
    if settings.image and config is not None and config.fixed_input_size:  # else it takes images of any size
        own["img_size"] = settings.image
    network, blank = build(model, lambda **arguments: timm.create_model(name, **arguments), settings.arguments, own)
    shape = network.pretrained_cfg.get("input_size", (3, 224, 224))
    inputs = settings.sized(model, [InputSpec(tuple(shape))])
    return Built(network, Source("timm", model, name, release(timm.__version__)), inputs, blank=blank)
