"""A network that somebody has already: a torch.nn.Module, which is copied and left as it was."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from netsize.errors import BadModel
from netsize.facts.network import Source
from netsize.sources.built import Built, as_arguments, plain


def load(model: Any, settings: Mapping[str, Any], with_values: bool) -> Built:
    """A copy of it. Its `example_input_array`, if it has one, is its default input. Raises BadModel."""
    model = plain(model)
    name = type(model).__name__
    if settings and isinstance(model, nn.Module):
        raise BadModel(f"{name} is a network already: settings have nothing to set")
    if not isinstance(model, nn.Module):
        raise BadModel(f"{name} is neither a torch.nn.Module nor the name of a model")
    example = as_arguments(getattr(model, "example_input_array", None))
    return Built(_private_copy(model, with_values), Source("python", name, name), example=example)


def _private_copy(model: nn.Module, with_values: bool) -> nn.Module:
    """A copy that may be run and changed. Without values its parameters share the memory of the original's,
    which nothing that runs on fake tensors ever writes to."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in (*module.__dict__.values(), *module._parameters.values()):
            if isinstance(value, nn.Parameter) and not nn.parameter.is_lazy(value):
                data = value.detach().clone() if with_values else value.detach()
                memo[id(value)] = nn.Parameter(data, requires_grad=value.requires_grad)
            elif isinstance(value, torch.Tensor) and not value.is_leaf:  # torch.nn.utils.weight_norm keeps one
                memo[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        raise BadModel(f"{type(model).__name__} cannot be copied, which keeps yours as it is: {error}") from error
