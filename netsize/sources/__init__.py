"""A MODEL as the user writes it -> a network to run. One file for each kind of source."""

import importlib
from types import ModuleType

from netsize.errors import UnknownModel, did_you_mean
from netsize.sources.classics import NETWORKS
from netsize.sources.names import torchvision_models

COMMANDS = ("show", "list", "explain", "compare", "sweep", "train", "check", "freeze", "diff", "cache")


def source_of(model: str) -> ModuleType:
    """The module here that loads it with `load(model, settings) -> Built`. Imports torch, and torchvision if
    it is needed. Raises NetsizeError."""
    check_name(model)
    kind = "python" if is_python(model) else "classics" if model in NETWORKS else "torchvision"
    return importlib.import_module(f"netsize.sources.{kind}")


def is_python(model: str) -> bool:
    """path/to/net.py:Net or package.module:factory."""
    return ":" in model or model.endswith(".py") or "/" in model


def families() -> dict[str, str]:
    """Every model that is known by name, with its family: netsize's historical networks, then torchvision's."""
    return dict.fromkeys(NETWORKS, "historical") | torchvision_models()


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
