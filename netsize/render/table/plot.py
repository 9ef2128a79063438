"""A plot of characters: several quantities over one, both axes logarithmic, so that powers are straight lines."""

import math
import textwrap
from collections.abc import Mapping, Sequence

HEIGHT = 10
MARKS = "ucw"  # one for each quantity
SEVERAL = "*"  # where they meet


def logarithmic(title: str, xs: Sequence[float], lines: Mapping[str, Sequence[float]], width: int) -> str:
    """`lines`: values for each x, all larger than 0. Labels of the axes are the ends."""
    columns = max(20, min(width - 16, 64))
    low_x, high_x = math.log(min(xs)), math.log(max(xs))
    every = [math.log(y) for ys in lines.values() for y in ys]
    low, high = min(every), max(every)
    grid = [[" "] * columns for _ in range(HEIGHT)]
    for mark, ys in zip(MARKS, lines.values()):
        for x, y in zip(xs, ys):
            column = round((math.log(x) - low_x) / ((high_x - low_x) or 1) * (columns - 1))
            row = round((math.log(y) - low) / ((high - low) or 1) * (HEIGHT - 1))
            cell = grid[HEIGHT - 1 - row]
            cell[column] = mark if cell[column] in (" ", mark) else SEVERAL
    labels = [""] * HEIGHT
    labels[0], labels[-1] = _label(math.exp(high)), _label(math.exp(low))
    edge = max(map(len, labels))
    drawn = [f"  {label.rjust(edge)} |{''.join(cells).rstrip()}" for label, cells in zip(labels, grid)]
    names = ", ".join(f"{mark} {name}" for mark, name in zip(MARKS, lines)) + f", {SEVERAL} several of them"
    ends = f"{min(xs):g}".ljust(columns - len(f"{max(xs):g}")) + f"{max(xs):g}"
    rule = f"  {' ' * edge} +{'-' * columns}"
    told = textwrap.wrap(f"{title}: {names}", max(width, 20), initial_indent="  ", subsequent_indent="    ")
    return "\n".join([*told, *drawn, rule, f"  {' ' * edge}  {ends}"])


def _label(value: float) -> str:
    return f"{value:,.0f}x" if value >= 10 else f"{value:.3g}x"
