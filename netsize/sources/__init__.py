"""A MODEL as the user writes it, or a network that they have -> a `Built` one, which may be run and changed. A file
for each source: `torchvision`, `classics` (networks of papers), `python` (anybody's file), `module` (an object),
`layer` (a formula). What they share stands in `built`, `settings`, `names`, `environment`, `factory` (building without
initialisers) and `initialisers`. They may import `facts` and `lecture`; only a source itself imports torch, and only
when it is asked.

A new source is a file with `load(model, settings) -> Built`, chosen in `source_of`.
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import filter as filtered
from types import ModuleType
from typing import TYPE_CHECKING, Any

from netsize.errors import BadOption, UnknownModel, did_you_mean
from netsize.sources.classics import NETWORKS
from netsize.sources.names import torchvision_models

if TYPE_CHECKING:
    from netsize.sources.built import Built

OTHER_TASKS = ("detection", "segmentation", "video", "optical_flow", "quantization")
COMMANDS = ("show", "list", "explain", "compare", "sweep", "train", "check", "freeze", "diff", "cache")


@contextmanager
def loaded(model: Any, settings: Mapping[str, Any], with_values: bool) -> Iterator["Built"]:
    """The network that a MODEL names, or one that is given, which is put back afterwards as it was; `with_values` if it
    is to be run. Torch's random state is left as it was. Raises NetsizeError."""
    if isinstance(model, str):
        import torch

        with torch.random.fork_rng(devices=[]):
            built: Built = source_of(model).load(model, settings)
        yield built
        return
    from netsize.sources import module

    with module.loaded(model, settings, with_values) as built:
        yield built


def source_of(model: str) -> ModuleType:
    """The module here that loads it with `load(model, settings) -> Built`. Imports torch, and torchvision if
    it is needed. Raises NetsizeError."""
    check_name(model)
    kind = "python" if is_python(model) else "classics" if model in NETWORKS else "torchvision"
    return importlib.import_module(f"netsize.sources.{kind}")


def is_python(model: str) -> bool:
    """path/to/net.py:Net or package.module:factory."""
    return ":" in model or model.endswith(".py") or "/" in model


def is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


def matching(pattern: str) -> list[str]:
    """Names of the models that a pattern (resnet*) means."""
    return filtered(known_models(), pattern)


def expand(names: Iterable[str]) -> list[str]:
    """Models by name, and files; patterns become all names that they match. Raises BadOption for one that matches
    none."""
    found: list[str] = []
    for name in names:
        hits = [name]
        if is_pattern(name) and not name.endswith(".json") and not is_python(name):
            hits = matching(name)
            if not hits:
                raise BadOption(f"no model matches {name!r}.{did_you_mean(name.strip('*'), known_models())}")
        found += hits
    return list(dict.fromkeys(found))


def families() -> dict[str, str]:
    """Every model that is known by name, with its family: netsize's own of papers, then torchvision's."""
    return {name: family for name, (family, *_) in NETWORKS.items()} | torchvision_models()


def families_of(family: str) -> list[str]:
    """Names of the models of a family (resnet, detection); `classification` are all that have no other task."""
    if family == "classification":
        return [name for name, own in families().items() if own not in (*OTHER_TASKS, "historical", "papers")]
    return [name for name, own in families().items() if own == family]


def known_models() -> list[str]:
    return sorted(families())


def complete_model(incomplete: str) -> list[str]:
    """For the shell's completion."""
    return [name for name in known_models() if name.startswith(incomplete)]


def check_name(model: str) -> None:
    """Raise UnknownModel for a name that is nothing that netsize knows; it needs no torch for it."""
    if is_python(model) or model in families():
        return
    from netsize.sources.environment import require_torchvision

    require_torchvision()
    hint = did_you_mean(model, [*COMMANDS, *known_models()]) or " See `netsize list`, or name Python: net.py:Net"
    raise UnknownModel(f"torchvision has no model {model!r}.{hint}")
