"""Networks of diffusers, untrained, by their class (`diffusers:UNet2DConditionModel`) with its default configuration,
or by a config.json: a U-Net, a transformer, an autoencoder; a pipeline's folder holds several. Nothing is downloaded.
"""

import inspect
from collections.abc import Callable
from typing import Any

from netsize.errors import BadInput, BadModel, BadOption, did_you_mean
from netsize.facts.network import Source, release
from netsize.sources.built import Built
from netsize.sources.description import config_file, read_config
from netsize.sources.factory import build, library, quiet
from netsize.sources.settings import InputSpec, Settings, checked

with library():
    import diffusers

TOKENS = 77  # of a prompt: CLIP's; in these T5's, as their pipelines have it
PROMPTS = {"FluxTransformer2DModel": 512, "SD3Transformer2DModel": 333}
TEXT_WIDTHS = (
    "caption_channels", "text_embed_dim", "text_dim", "cap_feat_dim", "encoder_hid_dim", "joint_attention_dim",
    "cross_attention_input_dim", "encoder_hidden_size", "cross_attention_dim",
)  # fmt: skip
SIDE = 64  # of the latents of an image of 512 x 512, where a configuration says none
Config = Any


def load(model: str, settings: Settings) -> Built:
    """Build a network of a class. Raises BadModel, BadInput, BadOption."""
    if settings.task is not None:
        raise BadOption(f"--task {settings.task}: {model} has one head; --task is for networks of transformers")
    file = config_file(model)
    described = {} if file is None else read_config(file)
    name = described.get("_class_name") if file else model.partition(":")[2]
    with quiet():
        cls = getattr(diffusers, str(name), None)
    if not isinstance(cls, type) or not issubclass(cls, diffusers.ModelMixin):
        raise BadModel(f"{file}: diffusers {diffusers.__version__} has no network {name!r}")
    known = [key for key in inspect.signature(cls).parameters if key != "self"]
    arguments = {key.removeprefix("config."): value for key, value in settings.arguments.items()}
    for key in arguments:
        if key not in known:
            raise BadModel(f"--set {key}: {name} takes none such.{did_you_mean(key, known)}")
    kept = {key: value for key, value in described.items() if key in known} | arguments
    network, blank = build(model, lambda **_: cls(**kept), {})
    source = Source("diffusers", model, str(name), release(diffusers.__version__))
    constants: dict[str, Any] = (
        {"return_dict": False} if "return_dict" in inspect.signature(network.forward).parameters else {}
    )
    inputs = checked(model, given(model, network, settings))
    if _is_unconditioned(network):
        constants["added_cond_kwargs"] = {"resolution": None, "aspect_ratio": None}
    return Built(network, source, inputs, constants=constants, blank=blank)


def _is_unconditioned(network: Any) -> bool:
    """PixArt takes the size of the image as a condition, or not, but has to be told."""
    return type(network).__name__.startswith("PixArt") and not network.use_additional_conditions


def given(model: str, network: Any, settings: Settings) -> tuple[InputSpec, ...]:
    """What forward requires, and what it does not do without though it has a default. Raises BadInput, BadOption."""
    parameters = inspect.signature(network.forward).parameters.values()
    found: list[InputSpec] = []
    for parameter in parameters:
        rule = RULES.get(parameter.name)
        if rule is not None:
            found += rule(parameter.name, network, settings)
        elif parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            raise BadInput(
                f"{model}: say what its {parameter.name!r} is, as --input {parameter.name}=3x224x224 (no batch axis)"
            )
    names = {spec.name for spec in found}
    if settings.tokens and not names & {"encoder_hidden_states", "input_ids"}:
        raise BadOption(f"--tokens: {model} takes no text, but {', '.join(sorted(names))}")
    return tuple(found)


def _latents(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    """Channels x height x width; frames in front, or behind the channels, of a video; a row of patches for FLUX."""
    config = network.config
    size = config.get("sample_size") or SIDE
    height, width = settings.image or (size if isinstance(size, (list, tuple)) else (size, size))
    channels = config.get("in_channels") or 4
    kind = type(network).__name__
    if "img_ids" in inspect.signature(network.forward).parameters:
        height, width = settings.image or (2 * SIDE, 2 * SIDE)
        return [InputSpec(((height // 2) * (width // 2), channels), name=name)]
    if "1D" in kind or kind.startswith("StableAudio"):
        return [InputSpec((channels, size), name=name)]
    if kind == "CogVideoXTransformer3DModel":
        sides = settings.image or (config["sample_height"], config["sample_width"])
        return [InputSpec(((config["sample_frames"] - 1) // 4 + 1, channels, *sides), name=name)]
    if kind == "UNetSpatioTemporalConditionModel":
        return [InputSpec((config["num_frames"], channels, height, width), name=name)]
    if "3D" in kind:
        return [InputSpec((channels, 5, height, width), name=name)]
    return [InputSpec((channels, height, width), name=name)]


def _time(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    return [InputSpec((), "int64", name, value=1)]


def _text(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    """Tokens x features of the text encoder; none where a network is told of no text."""
    config = network.config
    width = next((config[key] for key in TEXT_WIDTHS if config.get(key)), None)
    if width is None:
        return []
    length = settings.tokens or config.get("max_text_seq_length") or config.get("text_len")
    length = length or PROMPTS.get(type(network).__name__, TOKENS)
    width = width[0] if isinstance(width, (list, tuple)) else width
    frame = 1 if type(network).__name__ == "UNetSpatioTemporalConditionModel" else length  # an image, not a text
    return [InputSpec((frame, width), name=name)]


def _mask(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    """Of a text of which nothing is left out; only where it is required."""
    if inspect.signature(network.forward).parameters[name].default is not inspect.Parameter.empty:
        return []
    (text,) = _text("encoder_hidden_states", network, settings)
    return [InputSpec(text.shape[:1], "bool", name, value=1)]


def _pooled(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    return [InputSpec((network.config["pooled_projection_dim"],), name=name)]


def _places(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    """Three numbers for each patch or token: without a batch axis."""
    of = "hidden_states" if name == "img_ids" else "encoder_hidden_states"
    (spec,) = (_latents if name == "img_ids" else _text)(of, network, settings)
    return [InputSpec((spec.shape[0], 3), name=name, value=0, batched=False)]


def _guidance(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    return [InputSpec((), name=name, value=1)] if network.config.get("guidance_embeds") else []


def _classes(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    classes = network.config.get("num_class_embeds") or (
        network.config.get("num_embeds_ada_norm") if type(network).__name__.startswith("DiT") else None
    )
    return [InputSpec((), "int64", name, below=classes)] if classes else []


def _conditions(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    """SDXL: the pooled text and six numbers on size and crop; PixArt: size and ratio, if it was trained with them."""
    config = network.config
    if config.get("addition_embed_type") == "text_time":
        width = config["projection_class_embeddings_input_dim"] - 6 * config["addition_time_embed_dim"]
        return [InputSpec((width,), name=f"{name}.text_embeds"), InputSpec((6,), name=f"{name}.time_ids")]
    if type(network).__name__.startswith("PixArt"):
        told = {"resolution": 2, "aspect_ratio": 1} if network.use_additional_conditions else {}
        return [InputSpec((numbers,), name=f"{name}.{key}") for key, numbers in told.items()]
    return []


def _control(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    """The image that guides: eight times as large as the latents."""
    (latents,) = _latents("sample", network, settings)
    height, width = latents.shape[-2:]
    return [InputSpec((network.config["conditioning_channels"], 8 * height, 8 * width), name=name)]


def _numbers(name: str, network: Any, settings: Settings) -> list[InputSpec]:
    return [InputSpec((3 if name == "added_time_ids" else 2,), name=name)]


RULES: dict[str, Callable[[str, Any, Settings], list[InputSpec]]] = {
    "sample": _latents,
    "hidden_states": _latents,
    "timestep": _time,
    "encoder_hidden_states": _text,
    "encoder_attention_mask": _mask,
    "pooled_projections": _pooled,
    "img_ids": _places,
    "txt_ids": _places,
    "guidance": _guidance,
    "class_labels": _classes,
    "added_cond_kwargs": _conditions,
    "controlnet_cond": _control,
    "added_time_ids": _numbers,
    "original_size": _numbers,
    "target_size": _numbers,
    "crop_coords": _numbers,
}
