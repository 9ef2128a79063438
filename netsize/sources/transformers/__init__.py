"""Networks of transformers, untrained, from a type's default configuration (`transformers:llama`) or a config.json:
`heads` says which class, `inputs` what it is given. Nothing is downloaded, and no code of a folder is run."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

from netsize.errors import BadModel, describe, did_you_mean
from netsize.facts.network import Source, release
from netsize.sources.built import Built
from netsize.sources.description import config_file, read_config
from netsize.sources.factory import build, library, quiet
from netsize.sources.settings import Settings, checked
from netsize.sources.transformers.heads import class_of
from netsize.sources.transformers.inputs import given
from netsize.sources.transformers.media import placed

with library():
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

Config = Any  # transformers' classes have no types


def load(model: str, settings: Settings) -> Built:
    """Build a network of a type, or that of a config.json. Raises BadModel, BadOption."""
    file = config_file(model)
    described = {} if file is None else read_config(file)
    kind = model.partition(":")[2] if file is None else _type_of(file, described)
    with quiet():
        config = _configured(model, kind, described, settings)
        cls = class_of(model, kind, config, settings.task, described.get("architectures"))
    constants = {}
    if settings.image and "interpolate_pos_encoding" in inspect.signature(cls.forward).parameters:
        constants["interpolate_pos_encoding"] = True
    network, blank = build(model, lambda **_: cls._from_config(config), {})
    with quiet():
        inputs = checked(model, given(model, network, settings))
        example = placed(model, network, inputs)
    source = Source("transformers", model, cls.__name__, release(transformers.__version__))
    notes = _notes(described)
    if example is not None:
        return Built(network, source, example=example, blank=blank, notes=notes)
    return Built(network, source, inputs, constants=constants, blank=blank, notes=notes)


def _type_of(file: Path, described: dict[str, Any]) -> str:
    kind = described.get("model_type")
    if isinstance(kind, str) and kind in CONFIG_MAPPING:
        return kind
    architecture = next(iter(described.get("architectures") or []), None)
    cls = getattr(transformers, str(architecture), None)
    if cls is not None and getattr(cls, "config_class", None) is not None:
        return str(cls.config_class.model_type)
    if "auto_map" in described:
        raise BadModel(
            f"{file} needs Python code that comes with its weights (auto_map), which netsize does not run.\n"
            "Name the class in that code yourself: path/to/modeling.py:Net"
        )
    near = did_you_mean(str(kind), list(CONFIG_MAPPING))
    raise BadModel(f"{file}: transformers {transformers.__version__} has no model type {kind!r}.{near}")


def _configured(model: str, kind: str, described: dict[str, Any], settings: Settings) -> Config:
    """The configuration, with what was set in it. Raises BadModel."""
    cls = CONFIG_MAPPING[kind]
    wanted: dict[str, Any] = json.loads(json.dumps({k: v for k, v in described.items() if k != "quantization_config"}))
    try:
        for key, value in settings.arguments.items():
            *way, last = key.removeprefix("config.").split(".")
            inner, default = wanted, cls() if way else None
            for part in way:
                default = getattr(default, part, None)
                own = default.to_diff_dict() if isinstance(default, transformers.PreTrainedConfig) else {}
                inner = inner.setdefault(part, own)
            inner[last] = value
            if last == "num_hidden_layers":  # a list with the kind of each layer follows
                _cut(inner, "layer_types", value, last not in described)
        config = cls.from_dict(wanted)
    except Exception as error:  # of any of 800 classes, on what a file holds
        raise BadModel(f"{model} describes no network that {cls.__name__} takes: {describe(error)}") from error
    for key in settings.arguments:
        _check_known(model, cls, config, key.removeprefix("config."))
    for part in (config, *parts_of(config)):
        if getattr(part, "use_cache", None):
            part.use_cache = False  # keys and values are kept for the next token, and are none of this one's work
    return config


def _cut(described: dict[str, Any], name: str, layers: Any, usual: bool) -> None:
    """A list that has an entry for each layer: its beginning; or none, if it is what the class would make itself."""
    entries = described.get(name)
    if isinstance(entries, list) and isinstance(layers, int):
        if usual or len(entries) < layers:
            del described[name]
        else:
            described[name] = entries[:layers]


def parts_of(config: Config) -> list[Config]:
    """Configurations inside of one: text_config, vision_config ..."""
    found = [value for value in vars(config).values() if isinstance(value, transformers.PreTrainedConfig)]
    return [part for value in found for part in (value, *parts_of(value))]


def _check_known(model: str, cls: Any, config: Config, key: str) -> None:
    *way, last = key.split(".")
    place, default = config, cls()
    for part in way:
        place, default = getattr(place, part, None), getattr(default, part, None)
    known = [name for name in dir(default if default is not None else place) if not name.startswith("_")]
    if last not in known and not _is_read(cls, last):
        raise BadModel(f"--set {key}: the configuration of {model} has no {key!r}.{did_you_mean(last, known)}")


def _is_read(cls: Any, key: str) -> bool:
    """Whether the code of a type reads a setting that its configuration has no default for (head_dim)."""
    folder = Path(inspect.getfile(cls)).parent
    return any(re.search(rf"\b{re.escape(key)}\b", file.read_text(encoding="utf-8")) for file in folder.glob("*.py"))


def _notes(described: dict[str, Any]) -> tuple[str, ...]:
    quantized = described.get("quantization_config")
    method = quantized.get("quant_method", "quantized") if isinstance(quantized, dict) else None
    return (f"its weights are stored quantized ({method}); counted is the network that they stand for",) * bool(method)
