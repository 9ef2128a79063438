"""`--set config.n_layer=4`: objects that a constructor takes, made by the annotation of its argument."""

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

from netsize.errors import BadModel, did_you_mean


def arguments_for(model: str, factory: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the factory: plain ones as they are, those with dots put into objects. Raises BadModel."""
    plain = {key: value for key, value in settings.items() if "." not in key}
    inside: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        if "." in key:
            first, _, rest = key.partition(".")
            inside.setdefault(first, {})[rest] = value
    parameters, hints = _signature(factory)
    for name, values in inside.items():
        plain[name] = _made(model, name, parameters.get(name), hints.get(name), values, settings)
    return plain


def _signature(factory: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], dict[str, Any]]:
    try:
        parameters = dict(inspect.signature(factory).parameters)
        hints = get_type_hints(vars(factory).get("__init__", factory) if isinstance(factory, type) else factory)
    except Exception:  # of anybody's class: names in its annotations may not be there
        return {}, {}
    return parameters, hints


def _made(
    model: str,
    name: str,
    parameter: inspect.Parameter | None,
    hint: Any,
    values: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Any:
    """An object of the class that the annotation names, or a copy of the default with other attributes."""
    cls = next((part for part in (hint, *get_args(hint)) if isinstance(part, type) and part is not type(None)), None)
    default = parameter.default if parameter is not None else inspect.Parameter.empty
    if isinstance(default, cls or object) and default not in (inspect.Parameter.empty, None):
        return _changed(model, name, default, values)
    if cls is None:
        raise _unknown_class(model, name, settings)
    try:
        return cls(**arguments_for(model, cls, values))
    except BadModel:
        raise
    except Exception as error:
        known = list(_signature(cls)[0])
        near = next((hint for key in values if key not in known and (hint := did_you_mean(key, known))), "")
        said = str(error).partition(". Did you mean")[0]  # which Python asks, too, since 3.13
        raise BadModel(f"{model}: {cls.__name__} of its {name!r} cannot be made: {said}.{near}") from error


def _changed(model: str, name: str, default: Any, values: Mapping[str, Any]) -> Any:
    changed = copy.deepcopy(default)
    for key, value in values.items():
        *way, last = key.split(".")
        place = changed
        for part in way:
            place = getattr(place, part, None)
        if not hasattr(place, last):
            known = [attribute for attribute in dir(place) if not attribute.startswith("_")]
            raise BadModel(f"{model}: its {name!r} has no {key!r}.{did_you_mean(last, known)}")
        object.__setattr__(place, last, value)  # of a frozen dataclass, too: it is a copy
    return changed


def _unknown_class(model: str, name: str, settings: Mapping[str, Any]) -> BadModel:
    """With a factory to copy."""
    inner = ", ".join(
        f"{key.partition('.')[2]}={value!r}" for key, value in settings.items() if key.startswith(f"{name}.")
    )
    cls = model.rpartition(":")[2]
    return BadModel(
        f"{model}: the class of its argument {name!r} is not known: it has no annotation. Annotate it "
        f"({name}: Config), or add a factory and count that:\n"
        f"  def my_{cls.lower()}():\n"
        f"      return {cls}(Config({inner}))"
    )
