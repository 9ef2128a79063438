"""The steps of a derivation, as on a blackboard."""

from collections.abc import Sequence
from dataclasses import dataclass

from netsize.lecture.formulas import Formula


@dataclass(frozen=True)
class Step:
    """`what` = `formula` = `numbers` = `value`; or, without a formula, a remark on the step before."""

    what: str
    formula: str
    numbers: str
    value: int | str

    def __str__(self) -> str:
        shown = f"{self.value:,}" if isinstance(self.value, int) else self.value
        parts = [part for part in (self.formula, self.numbers, shown) if part]
        return " = ".join(dict.fromkeys(parts))


def remark(text: str) -> Step:
    return Step("", "", "", text)


def times(*factors: int | str) -> str:
    """11*11 * 3: factors that are not 1, at least one of them."""
    texts = [f"{f:,}" if isinstance(f, int) else f for f in factors if f != 1]
    return " * ".join(texts or ["1"])


def multiplied(sizes: Sequence[int]) -> str:
    return "*".join(f"{n:,}" for n in sizes)


def connections(formula: Formula) -> Step:
    assert formula.fan_in is not None
    return Step("connections", "units * fan_in", times(formula.units, formula.fan_in), formula.connections)
