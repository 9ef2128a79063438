"""Which networks a Python file or module has, for a user who names none."""

import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from torch import nn

from netsize.errors import BadModel


def only_network(place: str, module: ModuleType) -> str:
    """The name of the only one. Raises BadModel: a list of those that are there, each with a command to copy."""
    found = networks(module)
    if len(found) == 1:
        return found[0]
    if not found and (modules := _modules(module)):
        listed = [f"  netsize {place}/{file}" for file in modules]
        raise BadModel("\n".join([f"{place} has no network itself. These of its modules have some:", *listed]))
    if not found:
        raise BadModel(
            f"{place} has no network: neither a torch.nn.Module, nor a class of one, nor a function that says "
            "(-> nn.Module) that it gives one"
        )
    commands = [(f"netsize {place}:{name}{_inputs(getattr(module, name))}", name) for name in found]
    width = max(len(command) for command, _ in commands)
    lines = [f"  {command.ljust(width)}  # {_forward(getattr(module, name))}" for command, name in commands]
    raise BadModel("\n".join([f"{place} has {len(found)} networks. Name one, with what its forward takes:", *lines]))


def _modules(module: ModuleType) -> list[str]:
    """Files of a package that speak of networks, told by their text: importing all would run them."""
    folders = [Path(folder) for folder in getattr(module, "__path__", [])]
    return sorted(
        str(file.relative_to(folder))
        for folder in folders
        for file in folder.rglob("*.py")
        if re.search(r"^class \w+\(.*Module\b", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    )


def wholes(module: ModuleType) -> list[str]:
    """Those that no other class there makes a part of its own."""
    found = networks(module)
    classes = [name for name in found if isinstance(getattr(module, name), type)]
    return [name for name in found if name not in classes or not _is_part(name, classes, vars(module))]


def networks(module: ModuleType) -> list[str]:
    """Names of what it makes itself: networks, classes of which there is none already, and factories. Those that
    another one is made of come last."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    made = [name for name, value in own.items() if isinstance(value, nn.Module)]
    kinds = {type(own[name]) for name in made}
    classes = [name for name, value in own.items() if _is_own_class(value, module) and value not in kinds]
    factories = [name for name, value in own.items() if _is_factory(value, module)]
    parts = {name for name in classes if _is_part(name, classes, own)}
    return [*made, *factories, *(name for name in classes if name not in parts), *(n for n in classes if n in parts)]


def _is_own_class(value: Any, module: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module) and _defined_in(value, module)


def _defined_in(value: Any, module: ModuleType) -> bool:
    """In the module itself, or, for a package, anywhere in it."""
    inside = str(getattr(value, "__module__", ""))
    return inside == module.__name__ or (hasattr(module, "__path__") and inside.startswith(f"{module.__name__}."))


def _is_factory(value: Any, module: ModuleType) -> bool:
    if not inspect.isfunction(value) or not _defined_in(value, module):
        return False
    try:
        given = get_type_hints(value).get("return")
    except Exception:  # names that are not there
        return False
    return isinstance(given, type) and issubclass(given, nn.Module)


def _is_part(name: str, classes: list[str], own: dict[str, Any]) -> bool:
    """Whether the code of another class calls it, or inherits from it."""
    for other in classes:
        if other == name:
            continue
        try:
            code = inspect.getsource(own[other])
        except (OSError, TypeError):
            continue
        if re.search(rf"\b{name}\b", code):
            return True
    return False


def _parameters(network: Any) -> list[inspect.Parameter]:
    try:
        if inspect.isfunction(network):
            network = get_type_hints(network)["return"]
        parameters = list(inspect.signature(network.forward).parameters.values())
    except (TypeError, ValueError, AttributeError):
        return []
    taken = parameters[1:] if isinstance(network, type) else parameters  # but for self
    return [p for p in taken if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def _inputs(network: Any) -> str:
    required = [p for p in _parameters(network) if p.default is p.empty]
    if len(required) == 1 and required[0].kind is not inspect.Parameter.KEYWORD_ONLY:
        return " --input 3x224x224"
    return "".join(f" --input {parameter.name}=3x224x224" for parameter in required)


def _forward(network: Any) -> str:
    return f"forward({', '.join(_shown(parameter) for parameter in _parameters(network))})"


def _shown(parameter: inspect.Parameter) -> str:
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"


def likely_inputs(network: nn.Module) -> list[str]:
    """What it may take, by its first layer that says it; the usual sizes first."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            return [f"{layer.in_channels}x{size}x{size}" for size in (224, 32, 28, 64, 128, 256, 512)]
        if isinstance(layer, nn.Conv1d):
            return [f"{layer.in_channels}x{size}" for size in (16000, 1024, 128)]
        if isinstance(layer, nn.Conv3d):
            return [f"{layer.in_channels}x16x{size}x{size}" for size in (112, 64, 32)]
        if isinstance(layer, nn.Embedding):
            return [f"{size}:int64<{layer.num_embeddings}" for size in (128, 16)]
        if isinstance(layer, nn.Linear):
            return [f"{layer.in_features}", f"16x{layer.in_features}"]
        if isinstance(layer, nn.RNNBase):
            return [f"16x{layer.input_size}"]
    return []
