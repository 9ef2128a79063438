"""Anybody's network: path/to/net.py:Net, or package.module:factory."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from netsize.errors import BadModel, did_you_mean
from netsize.facts.network import Source
from netsize.sources.built import Built, as_arguments, plain
from netsize.sources.factory import build, describe, quiet


def load(model: str, settings: Mapping[str, Any]) -> Built:
    """Import the file or module, and build what it names: an nn.Module, or a class or function that gives
    one. Its `example_input_array`, if it has one, is its default input. Raises BadModel."""
    place, colon, name = model.rpartition(":")
    if not colon or not name:
        raise BadModel(f"{model}: say what in it is the network, as {(place or model).rstrip(':')}:Net")
    module = _import_file(Path(place)) if place.endswith(".py") or "/" in place else _import_module(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise BadModel(f"{place} has no {name!r}.{did_you_mean(part, _candidates(found))}")
        found = getattr(found, part)
    network, blank = (found, []) if isinstance(found, nn.Module) else build(model, _callable(model, found), settings)
    if isinstance(found, nn.Module) and settings:
        raise BadModel(f"{model} is a network already: --set has nothing to set")
    if not isinstance(network, nn.Module):
        raise BadModel(f"{model} gives a {type(network).__name__}, and no torch.nn.Module")
    network = plain(network)
    example = getattr(network, "example_input_array", None)
    source = Source("python", model, type(network).__name__)
    return Built(network, source, example=as_arguments(example, network.forward), blank=blank)


def _callable(model: str, found: Any) -> Any:
    if not callable(found):
        raise BadModel(
            f"{model} is a {type(found).__name__}, and neither a torch.nn.Module nor something that gives one"
        )
    return found


def _candidates(found: Any) -> list[str]:
    return [name for name in dir(found) if not name.startswith("_")]


def _import_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise BadModel(f"there is no file {file}")
    _look_first_in(str(file.resolve().parent))  # as `python file` has it
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise BadModel(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    taken = spec.name in sys.modules or spec.name in sys.stdlib_module_names
    sys.modules[f"__{spec.name}__" if taken else spec.name] = module  # dataclasses and pickle look it up
    _execute(str(file), lambda: spec.loader.exec_module(module) if spec.loader else None)
    return module


def _import_module(name: str) -> ModuleType:
    _look_first_in("")  # the current folder, as `python -m` has it
    _execute(name, lambda: importlib.import_module(name))
    return sys.modules[name]


def _look_first_in(folder: str) -> None:
    if sys.path[0] != folder:
        sys.path[:] = [folder, *(place for place in sys.path if place != folder)]


def _execute(place: str, run: Any) -> None:
    try:
        with quiet():
            run()
    except (Exception, SystemExit) as error:
        raise BadModel(f"{place} does not import: {describe(error)}{_line(error)}") from error


def _line(error: BaseException) -> str:
    """Where in the user's own code it went wrong: the last line that is not Python's own."""
    if isinstance(error, SyntaxError):
        return ""  # its message says where
    ours = ("<", __file__, importlib.__file__)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
