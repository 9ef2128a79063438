"""An explanation as equations on a blackboard."""

from netsize.lecture.steps import Step
from netsize.render.table.wrap import wrapped
from netsize.results.explanation import Explanation


def text(explanation: Explanation, width: int | None) -> str:
    """One equation a line, broken before its equals signs where the line ends."""
    indent = 2 + max((len(step.what) for section in explanation.sections for step in section.steps), default=0) + 2
    lines = ["", *wrapped(explanation.title, width, "  ", "  ")]
    for section in explanation.sections:
        lines += ["", *wrapped(section.title, width, "  ", "  "), ""]
        for step in section.steps:
            lines += _equation(step, width, indent)
    return "\n".join([*lines, "", ""])


def _equation(step: Step, width: int | None, indent: int) -> list[str]:
    start, margin = f"  {step.what}".ljust(indent), " " * indent
    whole = str(step)
    if width is None or indent + len(whole) <= width:
        return [start + whole]
    parts = whole.split(" = ")
    if not step.formula and not step.numbers:
        return wrapped(whole, width, start, margin)
    lines = [f"{start}{parts[0]}"]
    for part in parts[1:]:
        if len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += f" = {part}"
        else:
            lines.append(f"{margin}= {part}")
    return [piece for line in lines for piece in wrapped(line.strip(), width, _lead(line), margin + "  ")]


def _lead(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
