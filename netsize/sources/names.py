"""Names of the networks that libraries have, read from their source files: importing one takes seconds, this does not.
All are empty where the library is not installed."""

import importlib.util
import re
from functools import cache
from pathlib import Path

_REGISTERED = re.compile(r'^@register_model\s*(?:\((?:name="(\w+)")?\))?\s*$.*?^def (\w+)', re.MULTILINE | re.DOTALL)
_CONFIGURED = re.compile(r'^        \("([\w.-]+)", "\w+Config"\),$', re.MULTILINE)
_CLASS = re.compile(r"^class (\w+)\((?:[^)]*\W)?ModelMixin\b", re.MULTILINE)


@cache
def torchvision_models() -> dict[str, str]:
    """Every model's name with its family (alexnet, detection, quantization ...), sorted by name."""
    return _registered("torchvision")


@cache
def timm_models() -> dict[str, str]:
    """Every architecture's name with its family (resnet, vision_transformer ...), sorted by name."""
    return _registered("timm")


@cache
def transformers_types() -> dict[str, str]:
    """Every type of model (llama, audio-spectrogram-transformer ...); the family is the type."""
    folder = _folder("transformers")
    file = folder / "models" / "auto" / "auto_mappings.py" if folder else None
    if file is None or not file.is_file():
        return {}
    table = file.read_text(encoding="utf-8").partition("CONFIG_MAPPING_NAMES")[2].partition("\n)")[0]
    return {name: name for name in sorted(_CONFIGURED.findall(table))}


@cache
def diffusers_classes() -> dict[str, str]:
    """Every class of a network (UNet2DConditionModel ...) with its family (unets, transformers ...), sorted by name."""
    folder = _folder("diffusers")
    found = {}
    for file in (folder / "models").rglob("*.py") if folder else ():
        for name in _CLASS.findall(file.read_text(encoding="utf-8")):
            if "Legacy" not in name:
                found[name] = file.parent.name
    return dict(sorted(found.items()))


def _registered(library: str) -> dict[str, str]:
    folder = _folder(library)
    models = folder / "models" if folder else Path()
    found = {}
    for file in models.rglob("*.py") if folder else ():
        family = file.parent.name if file.parent != models else file.stem
        for given, function in _REGISTERED.findall(file.read_text(encoding="utf-8")):
            found[given or function] = family
    return dict(sorted(found.items()))


def _folder(library: str) -> Path | None:
    spec = importlib.util.find_spec(library)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None
