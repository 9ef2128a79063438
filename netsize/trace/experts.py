"""Mixtures of experts: which parameters one row (a token) goes through in part only.

A router chooses `k` of so many scores for each row; what is then executed with a parameter that holds as many parts (a
product of groups, a selection of matrices or biases by what the router chose) uses k of them for each row.
"""

from collections.abc import Iterable
from typing import Any

import torch

from netsize.facts.network import Choice
from netsize.lecture.formulas import Formula
from netsize.lecture.products import GroupedProduct
from netsize.trace.origins import Origin

_OF_ONE = ("aten.argmax", "aten.max")


class Experts:
    def __init__(self) -> None:
        self._picked: dict[int, int] = {}  # of so many scores: how many the latest router chose
        self._used: dict[str, tuple[int, int]] = {}

    def routed(self, name: str, given: dict[str, Any]) -> None:
        """A router, perhaps: the k largest of an axis."""
        if name == "aten.topk" or (name in _OF_ONE and given.get("dim") is not None):
            scores: torch.Tensor = given["self"]
            if scores.dim():  # a single number is no choice
                self._picked[scores.shape[given["dim"]]] = int(given.get("k", 1))

    def counted(self, formula: Formula, operands: Iterable[Origin | None]) -> None:
        """A product of groups."""
        if isinstance(formula, GroupedProduct) and formula.weighted and formula.split != "inner":
            self._use(formula.groups, operands)

    def selected(self, parameter: torch.Tensor, origin: Origin | None) -> None:
        """Parts of a parameter were chosen by values."""
        if origin is not None and origin.chosen and parameter.dim():
            self._use(parameter.shape[0], [origin])

    def _use(self, parts: int, origins: Iterable[Origin | None]) -> None:
        if parts not in self._picked:
            return
        for origin in origins:
            for name in origin.parameters if origin is not None else ():
                before = self._used.get(name, (0, parts))[0]
                self._used[name] = (max(before, self._picked[parts]), parts)

    def choices(self) -> tuple[Choice, ...]:
        return tuple(Choice(name, *used) for name, used in self._used.items() if used[0] < used[1])
