"""What `netsize explain` shows: equations on a blackboard, or in the other formats."""

import csv
import io
import json as json_
import textwrap
from typing import Any

from netsize.derive import Step
from netsize.explanation import Explanation
from netsize.render.latex import escaped
from netsize.render.style import Style, to_ascii

SCHEMA = 1
COLUMNS = ("section", "what", "formula", "numbers", "value")


def render(explanation: Explanation, format: str, style: Style) -> str:
    """The explanation in one of the formats of reports, ending in a newline."""
    if format == "table":
        shown = text(explanation, style.width)
        return shown if style.unicode else to_ascii(shown)
    return {"json": json, "csv": as_csv, "markdown": markdown, "latex": latex}[format](explanation)


def text(explanation: Explanation, width: int | None = None) -> str:
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


def wrapped(text: str, width: int | None, first: str, margin: str) -> list[str]:
    if width is None:
        return [first + text]
    return textwrap.wrap(text, max(width, len(margin) + 20), initial_indent=first, subsequent_indent=margin,
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip


def json(explanation: Explanation) -> str:
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "title": explanation.title,
        "sections": [
            {
                "title": section.title,
                "steps": [
                    {"what": step.what, "formula": step.formula, "numbers": step.numbers, "value": step.value}
                    for step in section.steps
                ],
            }
            for section in explanation.sections
        ],
        "verification": {"status": explanation.status},
    }
    return json_.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_csv(explanation: Explanation) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for section in explanation.sections:
        for step in section.steps:
            writer.writerow([section.title, step.what, step.formula, step.numbers, step.value])
    return text.getvalue()


def markdown(explanation: Explanation) -> str:
    lines = [f"**{explanation.title}**"]
    for section in explanation.sections:
        lines += ["", f"**{section.title}**", ""]
        for step in section.steps:
            code = f"`{step}`" if step.formula or step.numbers else str(step)
            lines.append(f"- {step.what}: {code}" if step.what else f"- {code}")
    return "\n".join(lines) + "\n"


def latex(explanation: Explanation) -> str:
    lines = [f"\\paragraph{{{escaped(explanation.title)}}}"]
    for section in explanation.sections:
        lines += [f"\\paragraph{{{escaped(section.title)}}}", "\\begin{itemize}"]
        lines += [
            f"  \\item {escaped(f'{step.what}: ' if step.what else '')}{escaped(str(step))}" for step in section.steps
        ]
        lines.append("\\end{itemize}")
    return "\n".join(lines) + "\n"
