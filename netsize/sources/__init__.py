"""A MODEL as the user writes it -> a network to run. One file for each kind of source."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netsize.errors import UnknownModel, did_you_mean
from netsize.sources.names import torchvision_models

if TYPE_CHECKING:
    from netsize.sources.built import Built

COMMANDS = ("show", "list")


def load(model: str, settings: Mapping[str, Any]) -> "Built":
    """Build what MODEL names, with these arguments for its constructor. Raises NetsizeError."""
    check_name(model)
    if is_python(model):
        from netsize.sources import python

        return python.load(model, settings)
    from netsize.sources import torchvision

    return torchvision.load(model, settings)


def is_python(model: str) -> bool:
    """path/to/net.py:Net or package.module:factory."""
    return ":" in model or model.endswith(".py") or "/" in model


def known_models() -> list[str]:
    return list(torchvision_models())


def check_name(model: str) -> None:
    """Raise UnknownModel for a name that is nothing that netsize knows; it needs no torch for it."""
    if is_python(model) or model in torchvision_models():
        return
    from netsize.sources.environment import require_torchvision

    require_torchvision()
    hint = did_you_mean(model, [*COMMANDS, *known_models()]) or " See `netsize list`, or name Python: net.py:Net"
    raise UnknownModel(f"torchvision has no model {model!r}.{hint}")
