"""Which class of transformers a configuration means: the one that it names, the head of a task, or the type's usual."""

import importlib
from typing import Any

from netsize.errors import BadModel, BadOption, did_you_mean
from netsize.sources.factory import library

with library():
    import transformers
    from transformers.models.auto import modeling_auto

# Tasks as transformers' pipelines name them, where its Auto classes have another word.
ALIASES = {
    "base": "base", "feature-extraction": "base", "text-generation": "causal-lm", "fill-mask": "masked-lm",
    "text-classification": "sequence-classification", "ner": "token-classification",
    "summarization": "seq-to-seq-causal-lm", "translation": "seq-to-seq-causal-lm",
    "seq2seq-lm": "seq-to-seq-causal-lm", "automatic-speech-recognition": "speech-seq-2-seq",
}  # fmt: skip

# The head that a type is known for, the first one that it has: a type of several modalities before its parts, and a
# masked language model before the decoder that can be made of it.
USUAL = (
    "image-text-to-text", "zero-shot-image-classification", "speech-seq-2-seq", "seq-to-seq-causal-lm", "masked-lm",
    "causal-lm", "object-detection", "universal-segmentation", "video-classification", "image-classification",
    "semantic-segmentation", "depth-estimation", "ctc", "time-series-prediction",
)  # fmt: skip


def class_of(model: str, kind: str, config: Any, task: str | None, architectures: Any) -> Any:
    """Raises BadModel if transformers has no network of this type, BadOption for a task that it has not."""
    heads = heads_of(kind)
    if not getattr(config, "vocab_size", True):  # a recogniser of speech that is told of no letters yet
        heads.pop("ctc", None)
    if task is not None:
        return _asked(model, task, heads)
    named = str(architectures[0]) if isinstance(architectures, list) and architectures else None
    cls = getattr(transformers, named, None) if named else None
    if cls is not None:
        return cls
    usual = next((heads[head] for head in (*USUAL, "base") if head in heads), next(iter(heads.values()), None))
    if usual is not None:
        return _found(model, usual)
    part = _part(config)
    if part is None:
        raise BadModel(f"{model}: transformers has no network of type {kind!r} by itself")
    return part


def _part(config: Any) -> Any:
    """The network of a part that no Auto class knows (the text of CLIP): the one that takes this configuration."""
    module = importlib.import_module(type(config).__module__.replace(".configuration_", ".modeling_"))
    taking = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type) and getattr(value, "config_class", None) is type(config) and "PreTrained" not in name
    ]
    return min(taking, key=lambda cls: (not cls.__name__.endswith("Model"), len(cls.__name__)), default=None)


def heads_of(kind: str) -> dict[str, str]:
    """Tasks of a type, each with its class: {"base": "LlamaModel", "causal-lm": "LlamaForCausalLM", ...}."""
    heads = {}
    for name in dir(modeling_auto):
        if not (name.startswith("MODEL_") and name.endswith("MAPPING_NAMES")):
            continue
        cls = getattr(modeling_auto, name).get(kind)
        task = name.removeprefix("MODEL_").removesuffix("MAPPING_NAMES").removeprefix("FOR_").strip("_")
        if cls is not None:
            heads[task.lower().replace("_", "-") or "base"] = cls if isinstance(cls, str) else cls[0]
    return heads


def _asked(model: str, task: str, heads: dict[str, str]) -> Any:
    if hasattr(transformers, task) and task[0].isupper():
        return getattr(transformers, task)
    word = ALIASES.get(task.lower(), task.lower().replace("_", "-"))
    if word not in heads:
        raise BadOption(f"--task {task}: {model} has {', '.join(sorted(heads))}.{did_you_mean(word, sorted(heads))}")
    return _found(model, heads[word])


def _found(model: str, name: str) -> Any:
    cls = getattr(transformers, name, None)
    if cls is None or not hasattr(cls, "_from_config"):
        raise BadModel(f"{model}: this transformers has no {name}, or not with what is installed here")
    return cls
