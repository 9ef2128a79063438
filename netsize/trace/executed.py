"""An operation that torch has executed, as those see it who follow tensors through it."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from netsize.trace.operations import Given
from netsize.trace.silent_operations import is_elementwise, is_silent, name_of


@dataclass(frozen=True, slots=True)
class Kind:
    """What holds of an operation whatever it is given. `writes`: into its first argument, and is named so; `written`:
    the arguments that it writes into. `random`: it puts out other
    numbers each time. `of_values`: values decide how large its result is. `whole`: torch cannot take it apart, or
    need not."""

    name: str
    is_view: bool
    writes: bool
    written: tuple[str, ...]
    silent: bool
    elementwise: bool
    random: bool
    of_values: bool
    whole: bool


@cache
def kind_of(func: Any) -> Kind:
    silent = is_silent(func)
    name = name_of(func)
    return Kind(
        name=name,
        is_view=bool(func.is_view),
        writes=name.endswith("_"),
        written=tuple(a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write),
        silent=silent,
        elementwise=is_elementwise(func),
        random=torch.Tag.nondeterministic_seeded in func.tags,
        of_values=torch.Tag.dynamic_output_shape in func.tags,
        whole=silent or not func._can_decompose(),
    )


@dataclass(slots=True)
class Executed:
    """`given`: its arguments by the names in torch's schema; `arguments`, `results`: the tensors in what it was given
    and in what it put out, in order."""

    func: Any
    kind: Kind
    name: str
    args: Any
    kwargs: Any
    given: Given
    output: Any
    arguments: list[torch.Tensor]
    results: list[torch.Tensor]
