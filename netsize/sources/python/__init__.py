"""Anybody's network: path/to/net.py:Net, package.module:factory, or a file, a module or a package that has one."""

from typing import Any

from torch import nn

from netsize.errors import BadModel, did_you_mean
from netsize.facts.network import Source
from netsize.sources.built import Built, as_arguments, plain
from netsize.sources.configuration import arguments_for
from netsize.sources.factory import build
from netsize.sources.python.importing import import_place, own_arguments
from netsize.sources.python.networks import only_network
from netsize.sources.recognition import parts_of
from netsize.sources.settings import Settings


def load(model: str, settings: Settings) -> Built:
    """Import the file or module, and build what it names: an nn.Module, or a class or function that gives
    one. Its `example_input_array`, if it has one, is its default input. Raises BadModel."""
    place, colon, name = parts_of(model.replace("::", ":"))
    if colon and not (place and name):
        raise BadModel(f"{model}: say what in it is the network, as {(place or model).rstrip(':')}:Net")
    with own_arguments(place):
        module = import_place(place)
        name = name or only_network(place, module)
        model = f"{place}:{name}"
        found: Any = module
        for part in name.split("."):
            if not hasattr(found, part):
                raise BadModel(f"{place} has no {name!r}.{did_you_mean(part, _candidates(found))}")
            found = getattr(found, part)
        network, blank = _network(model, found, settings)
    network = plain(network)
    settings.sized(model, ())
    example = getattr(network, "example_input_array", None)
    source = Source("python", model, type(network).__name__)
    return Built(network, source, example=as_arguments(example, network.forward), blank=blank)


def _network(model: str, found: Any, settings: Settings) -> tuple[Any, list[Any]]:
    """The network, and its parameters that have no values yet. Raises BadModel."""
    if isinstance(found, nn.Module):
        if settings.pairs:
            raise BadModel(f"{model} is a network already: --set has nothing to set")
        return found, []
    if not callable(found):
        raise BadModel(
            f"{model} is a {type(found).__name__}, and neither a torch.nn.Module nor something that gives one"
        )
    network, blank = build(model, found, arguments_for(model, found, settings.arguments))
    if not isinstance(network, nn.Module):
        raise BadModel(f"{model} gives a {type(network).__name__}, and no torch.nn.Module")
    return network, blank


def _candidates(found: Any) -> list[str]:
    return [name for name in dir(found) if not name.startswith("_")]
