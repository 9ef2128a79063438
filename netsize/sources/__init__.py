"""A MODEL as the user writes it, or a network that they have -> a `Built` one, which may be run and changed. A file
for each source: `torchvision`, `classics` (networks of papers), `timm`, `transformers`, `diffusers`, `python`
(anybody's file), `program` (.pt2, TorchScript), `module` (an object), `layer` (a formula). Two give no network: `graph`
(ONNX, which `netsize.graphs` counts) and `stored` (weights alone). What they share stands in `recognition` (what a
MODEL is), `names`, `built`, `settings`, `configuration`, `environment`, `factory` (building without initialisers) and
`initialisers`. They may import `facts` and `lecture`; only a source itself imports torch and its library, and only when
it is asked.

A new source is a file with `load(model, settings) -> Built`, chosen in `recognition.recognise`.
"""

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import filter as filtered
from types import ModuleType
from typing import TYPE_CHECKING, Any

from netsize.errors import BadOption, did_you_mean
from netsize.sources.classics import NETWORKS
from netsize.sources.names import timm_models, torchvision_models
from netsize.sources.recognition import COMMANDS, LIBRARIES, Recognised, is_python, recognise
from netsize.sources.settings import Settings

if TYPE_CHECKING:
    from netsize.sources.built import Built

__all__ = ["COMMANDS", "Recognised", "is_python", "recognise"]
OTHER_TASKS = ("detection", "segmentation", "video", "optical_flow", "quantization")


@contextmanager
def loaded(model: Any, settings: Settings, with_values: bool, written: bool = False) -> Iterator["Built"]:
    """The network that a MODEL names, or one that is given, which is put back afterwards as it was. `with_values`: it
    is to be run; `written`: with other values than its own, or in passes that do not tell `Built.before_write`. Torch's
    random state is left as it was. Raises NetsizeError."""
    if isinstance(model, str):
        import torch

        with torch.random.fork_rng(devices=[]):
            built: Built = source_of(model).load(recognise(model).model, settings)
        yield built
        return
    from netsize.sources import module

    with module.loaded(model, settings, with_values, written) as built:
        yield built


def source_of(model: str) -> ModuleType:
    """The module here that loads it with `load(model, settings) -> Built`. Imports torch, and the library that is
    needed. Raises NetsizeError."""
    return importlib.import_module(f"netsize.sources.{recognise(model).source}")


def is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


def matching(pattern: str) -> list[str]:
    """Names of the models that a pattern (resnet*, timm:resnet*) means."""
    return filtered(known_models(pattern), pattern)


def expand(words: Iterable[str]) -> list[str]:
    """Models by name, and files; patterns become all names that they match. Raises BadOption for one that matches
    none."""
    found: list[str] = []
    for word in words:
        hits = [word]
        if is_pattern(word) and not word.endswith(".json") and (library_of(word) or not is_python(word)):
            hits = matching(word)
            if not hits:
                raise BadOption(f"no model matches {word!r}.{did_you_mean(word.strip('*'), known_models(word))}")
        found += hits
    return list(dict.fromkeys(found))


def library_of(word: str) -> str:
    """timm for timm:resnet50d; empty for a name that stands alone."""
    library, colon, _ = word.partition(":")
    return library if colon and library in LIBRARIES else ""


def families(word: str = "") -> dict[str, str]:
    """Every model that is known by name, with its family: netsize's own of papers and torchvision's, or those of the
    library that a word (timm:, timm:resnet*) begins with."""
    library = library_of(word)
    if library:
        return {f"{library}:{name}": family for name, family in LIBRARIES[library]().items()}
    return {name: family for name, (family, *_) in NETWORKS.items()} | torchvision_models()


def families_of(family: str, word: str = "") -> list[str]:
    """Names of the models of a family (resnet, detection); `classification` are all that have no other task."""
    if family == "classification":
        return [name for name, own in families(word).items() if own not in (*OTHER_TASKS, "historical", "papers")]
    return [name for name, own in families(word).items() if own == family]


def known_models(word: str = "") -> list[str]:
    return sorted(families(word))


def complete_model(incomplete: str) -> list[tuple[str, str]]:
    """For the shell's completion: names, each with its family, family by family (zsh and fish show them); those that
    timm alone has, where no other begins so."""
    known = [(name, family) for name, family in families(incomplete).items() if name.startswith(incomplete)]
    if not known:
        known = [(name, f"timm: {family}") for name, family in timm_models().items() if name.startswith(incomplete)]
    return sorted(known, key=lambda pair: pair[::-1])
