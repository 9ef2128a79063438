"""What a network of transformers is given, from its configuration: a text of TOKENS, an image or a video of its size, a
second of sound, mel bins, a series."""

import inspect
from collections.abc import Callable
from typing import Any

from netsize.errors import BadInput, BadOption
from netsize.sources.settings import InputSpec, Settings

TOKENS = 128
IMAGE = 224  # pixels, of a network that takes any size and names none
SAMPLES = 16_000  # a second of sound, as nearly all of them are trained
PATCHES = 2048  # that Pix2Struct cuts an image into, whatever its sides
FRAMES = 100  # of features, a second of sound with one every 10 ms
Config = Any


def given(model: str, network: Any, settings: Settings) -> tuple[InputSpec, ...]:
    """Its main input, what its forward requires besides, and what it cannot do without. Raises BadInput, BadOption."""
    parameters = inspect.signature(network.forward).parameters.values()
    accepted = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    main = network.main_input_name if network.main_input_name in accepted else next(iter(accepted), "")
    wanted = dict.fromkeys([main, *required, *_besides(network, accepted, main)])
    config = network.config
    found = []
    for name in accepted:
        if name in wanted and name != "kwargs":
            if name not in RULES:
                raise BadInput(f"{model}: say what its {name!r} is, as --input {name}=3x224x224 (no batch axis)")
            found.append(RULES[name](name, config, settings))
    names = {spec.name for spec in found}
    if settings.tokens and not names & {"input_ids", "decoder_input_ids"}:
        raise BadOption(f"--tokens: {model} takes no text, but {', '.join(sorted(names))}")
    if settings.image and not names & {"pixel_values", "pixel_values_videos"}:
        raise BadOption(f"--image: {model} takes no image, but {', '.join(sorted(names))}")
    return tuple(found)


def _besides(network: Any, accepted: list[str], main: str) -> list[str]:
    """What is optional by its signature, but not to be left out."""
    config, found = network.config, []
    if "decoder_input_ids" in accepted and getattr(config, "is_encoder_decoder", False):
        found.append("decoder_input_ids")
    if main == "input_ids":
        found += [
            name for name in ("pixel_values", "input_features", "bbox") if name in accepted and _sees(config, name)
        ]
    if "input_ids" in accepted and main.startswith("pixel_values") and find(config, "text_config") is not None:
        found.append("input_ids")
    if main == "input_features" and "input_features_mask" in accepted or _sees(config, "input_features"):
        found += [name for name in ("input_features_mask", "feature_attention_mask") if name in accepted]
    if main == "past_values":
        found += [
            name for name in ("past_time_features", "past_observed_mask", "future_time_features") if name in accepted
        ]
    return found


def _sees(config: Config, name: str) -> bool:
    """Whether an optional input belongs to what it is for: a multimodal network is given all."""
    if name == "pixel_values":
        return find(config, "vision_config", "image_token_id", "image_size", "visual_embed") is not None
    if name == "input_features":
        return find(config, "audio_config") is not None
    return True


def find(config: Config, *names: str, otherwise: Any = None) -> Any:
    """The first of these settings that is there, in the configuration itself before those inside of it."""
    inside = [config]
    while inside:
        for part in inside:
            for name in names:
                value = getattr(part, name, None)
                if value is not None:
                    return value
        inside = [value for part in inside for value in vars(part).values() if hasattr(value, "model_type")]
    return otherwise


def _text_config(config: Config) -> Config:
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _length(config: Config, settings: Settings, decoder: bool = False) -> int:
    """TOKENS, or as many as there are positions for. Raises BadOption."""
    if settings.tokens:
        return settings.tokens
    text = _text_config(config)
    names = ("max_target_positions",) if decoder else ()
    most = find(text, *names, "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", otherwise=TOKENS)
    return min(TOKENS, most) if isinstance(most, int) and most > 0 else TOKENS


def _ids(name: str, config: Config, settings: Settings) -> InputSpec:
    """Below the vocabulary, and below the numbers that stand for images and sounds."""
    text = config.decoder if name.startswith("decoder") and hasattr(config, "decoder") else _text_config(config)
    vocabulary = find(text, "vocab_size", "src_vocab_size", "n_vocab") or find(config, "vocab_size", otherwise=1)
    special = [getattr(config, key, None) for key in vars(config) if key.endswith(("_token_id", "_token_index"))]
    media = [number for number in special if isinstance(number, int) and 1 < number < vocabulary]
    limit = min([vocabulary, *(number for number in media if number > vocabulary // 2)])
    return InputSpec((_length(config, settings, name.startswith("decoder")),), "int64", name, below=limit)


def _image(name: str, config: Config, settings: Settings) -> InputSpec:
    """Channels x height x width; of a video, frames in front."""
    size = find(
        config, "image_size", "img_size", "force_image_size", "input_size", "anchor_image_size", otherwise=IMAGE
    )
    if isinstance(size, dict):
        size = (size.get("height", IMAGE), size.get("width", IMAGE))
    if isinstance(size, (list, tuple)) and len(size) == 3:
        size = size[-2:]
    height, width = (
        settings.image or (tuple(size) * 2)[:2] if isinstance(size, (list, tuple)) else settings.image or (size, size)
    )
    channels = find(config, "num_channels", "in_channels", "in_chans", "input_channels", otherwise=3)
    frames = getattr(config, "num_frames", None) or (getattr(config, "frames_per_clip", None))
    shape = (int(channels) if isinstance(channels, int) else 3, int(height), int(width))
    return InputSpec((frames, *shape) if frames else shape, name=name)


def _features(name: str, config: Config, settings: Settings) -> InputSpec:
    """Mel bins x frames as Whisper has them, as many as it has places; frames x features of all others."""
    bins = find(
        config, "num_mel_bins", "feature_projection_input_dim", "input_feat_per_channel", "input_feat_size", "n_mels",
        "input_dim", otherwise=80,
    )  # fmt: skip
    places = find(config, "max_source_positions")
    if find(config, "num_mel_bins") and places and find(config, "input_feat_per_channel") is None:
        return InputSpec((bins, 2 * places), name=name)  # a convolution halves them
    return InputSpec((FRAMES, bins), name=name)


def _sound(name: str, config: Config, settings: Settings) -> InputSpec:
    if find(config, "max_length") and find(config, "num_mel_bins"):  # an image of sound: AST
        return InputSpec((find(config, "max_length"), find(config, "num_mel_bins")), name=name)
    channels = getattr(config, "audio_channels", None)
    samples = find(config, "sampling_rate", "sample_rate", otherwise=SAMPLES)
    return InputSpec((channels, samples) if channels else (samples,), name=name)


def _series(name: str, config: Config, settings: Settings) -> InputSpec:
    """So many steps of so many channels."""
    steps = find(config, "context_length", otherwise=TOKENS)
    channels = find(config, "num_input_channels", "input_size", otherwise=1)
    return InputSpec(
        (steps, channels) if channels > 1 or hasattr(config, "num_input_channels") else (steps,), name=name
    )


def _series_mask(name: str, config: Config, settings: Settings) -> InputSpec:
    """Everything was observed."""
    return InputSpec(_series(name, config, settings).shape, "bool", name, value=1)


def _patches(name: str, config: Config, settings: Settings) -> InputSpec:
    """Each with its row and column in front of its pixels: Pix2Struct."""
    vision = config if hasattr(config, "patch_embed_hidden_size") else config.vision_config
    return InputSpec((PATCHES, vision.patch_embed_hidden_size + 2), name=name)


def _boxes(name: str, config: Config, settings: Settings) -> InputSpec:
    return InputSpec((_length(config, settings), 4), "int64", name, value=0)


def _of_sound(name: str, config: Config, settings: Settings) -> InputSpec:
    """Nothing is left out."""
    sound = _features("input_features", config, settings)
    frames = sound.shape[1] if sound.shape[0] == find(config, "num_mel_bins") else sound.shape[0]
    return InputSpec((frames,), "bool", name, value=1)


RULES: dict[str, Callable[[str, Config, Settings], InputSpec]] = {
    "input_ids": _ids,
    "decoder_input_ids": _ids,
    "bbox": _boxes,
    "pixel_values": _image,
    "pixel_values_videos": _image,
    "input_features": _features,
    "input_features_mask": _of_sound,
    "feature_attention_mask": _of_sound,
    "input_values": _sound,
    "past_values": _series,
    "past_observed_mask": _series_mask,
    "flattened_patches": _patches,
}
