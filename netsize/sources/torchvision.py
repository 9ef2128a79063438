"""torchvision's models: every name of `list_models()`, untrained, at the input of its default weights."""

import inspect
from typing import Any

from netsize.errors import BadModel
from netsize.facts.network import Source, release
from netsize.sources.built import Built
from netsize.sources.environment import import_torchvision
from netsize.sources.factory import build
from netsize.sources.names import torchvision_models
from netsize.sources.settings import InputSpec, Settings

import_torchvision()

import torchvision  # noqa: E402 - only after it is known to import
from torchvision.models import get_model_builder, get_model_weights  # noqa: E402 - the same

FRAMES = 16  # of a video: torchvision's own operation counts are made with 16
SEGMENTATION_SIZE = 520
FLOW_SIZE = 512  # torchvision's own operation counts of optical flow are made at 512x512


def load(model: str, settings: Settings) -> Built:
    """Build one of torchvision's models as its default weights have it. Nothing is downloaded: it has no
    weights, nor has its backbone."""
    builder = get_model_builder(model)
    accepted = inspect.signature(builder).parameters
    pretrained = [key for key in settings.arguments if key.startswith(("weights", "pretrained"))]
    if pretrained:
        raise BadModel(f"--set {pretrained[0]}: networks are counted untrained; their sizes are the same")
    untrained: dict[str, Any] = {key: None for key in ("weights", "weights_backbone") if key in accepted}
    family = torchvision_models()[model]
    if "aux_loss" in accepted:  # trained with a second head, which is run and counted in torchvision's tables
        untrained["aux_loss"] = True
    if family == "vision_transformer":  # takes one size only: without it 224, whatever the weights were made for
        untrained["image_size"] = (settings.image or get_model_weights(model).DEFAULT.transforms().crop_size)[0]
    quantized = bool(settings.arguments.get("quantize"))  # by the values of the weights
    network, blank = build(model, builder, settings.arguments, own=untrained, initialised=quantized)
    title = type(network).__name__
    meta = get_model_weights(model).DEFAULT.meta
    published = tuple((name, meta[name]) for name in ("num_params", "_ops") if name in meta)
    named = title if title.lower() == model else model
    source = Source("torchvision", model, named, release(torchvision.__version__), published)
    inputs = settings.sized(model, _inputs(model, family, network))
    return Built(network, source, inputs, arrange=_arrange(family), blank=blank)


def _inputs(model: str, family: str, network: Any) -> tuple[InputSpec, ...]:
    if family == "detection":  # such a network scales images itself; this is the size that it leaves as it is
        scale = network.transform
        height, width = scale.fixed_size or (scale.min_size[-1], scale.min_size[-1])
        return (InputSpec((3, height, width)),)
    if family == "optical_flow":
        return (InputSpec((3, FLOW_SIZE, FLOW_SIZE)),) * 2
    transforms = get_model_weights(model).DEFAULT.transforms()
    crop = getattr(transforms, "crop_size", None)
    if crop is None:
        return (InputSpec((3, SEGMENTATION_SIZE, SEGMENTATION_SIZE)),)
    height, width = crop * 2 if len(crop) == 1 else crop
    return (InputSpec((3, FRAMES, height, width) if family == "video" else (3, height, width)),)


def _arrange(family: str) -> Any:
    if family == "detection":
        return lambda images: ([image[0] for image in images],)
    return lambda tensors: tensors
