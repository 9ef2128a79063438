"""What a forward pass wrote down, as plain data and back: for the cache. Exact: integers, names and shapes."""

from dataclasses import fields, is_dataclass
from typing import Any

from netsize.facts import network
from netsize.facts.network import Network
from netsize.lecture.derivation import FORMULAS
from netsize.lecture.receptive_fields import Field

_CLASSES: dict[str, type] = {
    found.__name__: found
    for found in (
        *FORMULAS, Field, network.Backward, network.Beside, network.Call, network.Choice, network.Execution,
        network.FlowNode, network.Step, network.Source, network.Unknown, network.Network,
    )
}  # fmt: skip
_KIND = "kind of object"  # no dataclass has a field of this name


def to_data(value: Any) -> Any:
    """Dictionaries, lists, numbers and texts, as JSON has them. A dataclass keeps its name; a tuple becomes a list."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_KIND: type(value).__name__} | {f.name: to_data(getattr(value, f.name)) for f in fields(value)}
    return [to_data(item) for item in value] if isinstance(value, tuple) else value


def from_data(data: Any) -> Any:
    """The objects again. Raises KeyError or TypeError for what `to_data` has not made."""
    if isinstance(data, dict):
        named = dict(data)
        return _CLASSES[named.pop(_KIND)](**{name: from_data(item) for name, item in named.items()})
    return tuple(from_data(item) for item in data) if isinstance(data, list) else data


def network_from(data: Any) -> Network:
    """Raises KeyError or TypeError."""
    found = from_data(data)
    if not isinstance(found, Network):
        raise TypeError(f"a {type(found).__name__} is no Network")
    return found
