"""JSON. What it holds stands beside the results themselves; here it becomes text, every row of it whatever the
style."""

import json
from typing import Any

from netsize.render.page import Page
from netsize.render.printable import printable_lines
from netsize.render.style import Style
from netsize.results import explanation as explanations
from netsize.results import schema
from netsize.results.explanation import Explanation
from netsize.results.report import Report


def report(report: Report, style: Style) -> str:
    return _text(schema.as_dict(report))


def explanation(explanation: Explanation, style: Style) -> str:
    return _text(explanations.as_dict(explanation))


def page(page: Page, style: Style) -> str:
    return _text(page.data())


def _text(data: dict[str, Any]) -> str:
    return printable_lines(json.dumps(data, indent=2, ensure_ascii=False)) + "\n"
