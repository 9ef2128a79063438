"""The modules of a network: what they are called, which of them is being called, and whose a parameter is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from netsize.trace.drafts import Draft
from netsize.trace.origins import Origin


@dataclass
class Frame:
    """A module that is being called, and what it has executed itself."""

    path: str
    type: str
    drafts: list[Draft] = field(default_factory=list)


def class_of(module: nn.Module) -> str:
    """What its author called its class; of a scripted or an exported module that from which it was made."""
    made_of = getattr(module, "type_name", None) if type(module).__name__ == "InterpreterModule" else None
    exported = made_of() if made_of else None
    if exported:
        return str(exported).rpartition(".")[2]
    return str(module.original_name) if isinstance(module, torch.jit.ScriptModule) else type(module).__name__


Named = tuple[dict[str, nn.Parameter], dict[str, str]]


def named_parameters(model: nn.Module) -> Named:
    """Each parameter by its first name; and the other names (of those that stand in several places), each with the
    first one."""
    first: dict[int, str] = {}
    parameters: dict[str, nn.Parameter] = {}
    aliases: dict[str, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in first:
            aliases[name] = first[id(parameter)]
        else:
            first[id(parameter)] = name
            parameters[name] = parameter
    return parameters, aliases


class Layers:
    """Names of the modules, and which of them a parameter belongs to."""

    def __init__(self, model: nn.Module, parameters: Iterable[str], aliases: Mapping[str, str]) -> None:
        self.paths = {module: path for path, module in model.named_modules()}
        self.types = {path: class_of(module) for module, path in self.paths.items()}
        self._owners: dict[str, list[str]] = {}
        for name, first in {**{name: name for name in parameters}, **aliases}.items():
            owner = name.rpartition(".")[0]
            if self.types.get(owner) in ("ParameterList", "ParameterDict"):  # a container, not a layer
                owner = name
            self._owners.setdefault(first, []).append(owner)

    def of(self, path: str, origin: Origin | None) -> str:
        """The layer of an operation that the module at `path` executed with a parameter. A layer whose
        parameters are used without calling it (MultiheadAttention's out_proj) lies inside of that module."""
        if origin is None or not origin.direct:
            return path
        owners = self._owners[origin.parameters[0]]
        inside = [owner for owner in owners if owner.startswith(f"{path}." if path else "")]
        return path if path in owners or not inside else inside[0]

    def adopt(self, path: str, part: str) -> str:
        """The name of a part of the module at `path` that torch does not know as a parameter."""
        name = f"{path}.{part}" if path else part
        self._owners[name] = [path]
        return name

    def owns(self, path: str, origin: Origin) -> bool:
        """Whether the module at `path`, or one inside of it, has the parameter that the tensor is a view of."""
        inside = f"{path}." if path else ""
        names = origin.parameters if origin.direct else ()
        owners = [owner for name in names for owner in self._owners[name]]
        return any(owner == path or owner.startswith(inside) for owner in owners)


@contextmanager
def hooks(modules: Iterable[nn.Module], enter: Callable[..., None], leave: Callable[..., None]) -> Iterator[None]:
    """Inside, `enter(module, inputs)` is called before each of them, `leave(module, inputs, output)` behind it, also
    where it raises."""
    handles = []
    for module in modules:
        if isinstance(module, torch.jit.ScriptModule):  # takes no hooks; its operations are seen all the same
            continue
        handles.append(module.register_forward_pre_hook(enter))
        handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
