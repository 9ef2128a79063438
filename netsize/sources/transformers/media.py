"""Images inside of a text: a vision-language model is given as many places for them as it makes of one image."""

import inspect
from typing import Any

import torch

from netsize.errors import BadInput
from netsize.sources.built import Arguments
from netsize.sources.settings import InputSpec
from netsize.sources.transformers.inputs import find

Config = Any


def placed(model: str, network: Any, specs: tuple[InputSpec, ...]) -> Arguments | None:
    """The arguments: the places of an image, and behind them the text. None for a network that keeps them apart. Raises
    BadInput if it does not tell how many places there are."""
    named = {spec.name: spec for spec in specs}
    config = network.config
    place = find(config, "image_token_id", "image_token_index")
    if not {"input_ids", "pixel_values"} <= set(named) or place is None or not hasattr(network, "get_image_features"):
        return None
    images = _images(network, named["pixel_values"])
    try:
        places = _places(network, images)
    except Exception as error:  # of any of a hundred networks
        raise BadInput(f"{model} does not say how many places of a text its image takes: {error}") from error
    text, limit = named["input_ids"].shape[0], named["input_ids"].below or 1
    ids = torch.cat([torch.full((1, places), place), torch.randint(0, min(limit, place), (1, text))], 1)
    found = {"input_ids": ids, **images}
    if _accepts(network, "mm_token_type_ids"):
        found["mm_token_type_ids"] = (ids == place).long()
    others = {n: spec for n, spec in named.items() if n not in found}
    return Arguments(named={**found, **{name: torch.rand(1, *spec.shape) for name, spec in others.items()}})


def _accepts(network: Any, name: str) -> bool:
    return name in inspect.signature(network.forward).parameters


def _images(network: Any, spec: InputSpec) -> dict[str, torch.Tensor]:
    """One image; where images of all sizes are cut into patches, those of one, with its height and width in patches."""
    dtype = next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)
    if not _accepts(network, "image_grid_thw"):
        found = {"pixel_values": torch.rand(1, *spec.shape, dtype=dtype)}
        grid = find(network.config, "image_grid_pinpoints")
        if grid:  # cut into as many pictures as fit, besides the whole one
            from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

            sides = find(network.config.vision_config, "image_size")
            pictures = image_size_to_num_patches(list(spec.shape[-2:]), grid, sides)
            found["pixel_values"] = torch.rand(1, pictures, *spec.shape, dtype=dtype)
            found["image_sizes"] = torch.tensor([spec.shape[-2:]])
        return found
    vision = network.config.vision_config
    patch, times = find(vision, "patch_size"), find(vision, "temporal_patch_size", otherwise=1)
    merge = find(vision, "spatial_merge_size", otherwise=1)
    channels, height, width = spec.shape
    rows, columns = (max(merge, side // patch // merge * merge) for side in (height, width))
    return {
        "pixel_values": torch.rand(rows * columns, channels * times * patch * patch, dtype=dtype),
        "image_grid_thw": torch.tensor([[1, rows, columns]]),
    }


def _places(network: Any, images: dict[str, torch.Tensor]) -> int:
    """By what it makes of an image: of its shape alone, by a twin without memory, or by running that part of it, if
    values decide (a grid of patches)."""
    with torch.no_grad():
        try:
            with torch.device("meta"):
                twin = type(network)._from_config(network.config).eval()
                made = twin.get_image_features(**{name: value.to("meta") for name, value in images.items()})
        except RuntimeError:
            made = network.eval().get_image_features(**images)
        except ValueError:  # it takes several images for each text
            if images["pixel_values"].dim() != 4:
                raise
            images["pixel_values"] = images["pixel_values"].unsqueeze(1)
            return _places(network, images)
    features = getattr(made, "pooler_output", made)
    features = [features] if isinstance(features, torch.Tensor) else list(features)
    return sum(part.numel() // part.shape[-1] for part in features)
