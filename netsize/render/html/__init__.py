"""HTML: one file that opens anywhere, with pictures that can be asked. What is said in words and the table's data stand
in the file; `page.js` draws them. Nothing is loaded, and nothing else can run: see `document`."""

from html import escape
from typing import Any

from netsize.lecture.steps import Step
from netsize.render.extras import extras
from netsize.render.figures import Windows, exact
from netsize.render.figures.report import figures, texts
from netsize.render.html.document import document
from netsize.render.page import Page
from netsize.render.printable import printable
from netsize.render.style import Style
from netsize.results import words
from netsize.results.explanation import Explanation, measured, steps_of
from netsize.results.report import QUANTITIES, Report, Row


def report(report: Report, style: Style) -> str:
    """The answer in words, the modules as treemap and icicle, three charts, and every layer with its derivation."""
    status = report.verification.status
    body = [
        *_heading(words.header(report)),
        f'<p class="mark {status}">{_marked(words.verification(report), status)}</p>',
        *_list("answer", [f"{title}: {name}, {share}; {holds}" for title, name, share, holds in words.bulk(report)]),
        *_list("problems", report.verification.problems),
        *_list("warnings", words.notes(report)),
        *_list("notes", [words.parameters(report), words.work(report), *words.asked(report)]),
    ]
    shown = [figure.as_dict() for figure in figures(report)]
    return document(" · ".join(words.header(report)[:2]), body, {"figures": shown, "layers": _layers(report)})


def _layers(report: Report) -> dict[str, Any]:
    """Every row, with the steps of its derivation; layers that are alike share theirs."""
    derivations: dict[tuple[str, ...], int] = {}
    rows = []
    for row in report.layers:
        steps = tuple(map(_told, steps_of(row.fact))) if row.fact is not None else ()
        how = _measured(report, row)
        rows.append(
            [
                *texts(row).values(),
                *(exact(getattr(row, quantity)) for quantity in QUANTITIES),
                *(extra.text(row) for extra in extras(report)),
                derivations.setdefault(steps, len(derivations)),
                derivations.setdefault(how, len(derivations)),
                row.verified,
            ]
        )
    titles = {"name": "layer", "label": "name", "operation": "operation", "output": "output"}
    columns: list[dict[str, Any]] = [{"key": key, "title": title, "kind": "text"} for key, title in titles.items()]
    columns += [
        {"key": quantity, "title": quantity, "kind": "number", "total": exact(getattr(report.totals, quantity))}
        for quantity in QUANTITIES
    ]
    columns += [
        {"key": extra.key, "title": extra.title, "kind": "text", "total": extra.foot} for extra in extras(report)
    ]
    return {"columns": columns, "rows": rows, "steps": list(derivations)}


def _measured(report: Report, row: Row) -> tuple[str, ...]:
    """What running it showed."""
    device = report.verification.device if report.verification.status != "skipped" else ""
    return tuple(map(_told, measured(row.fact, device))) if row.fact is not None else ()


def _told(step: Step) -> str:
    return f"{step.what} = {step}" if step.what and step.formula else f"{step.what}: {step}".lstrip(": ")


def explanation(explanation: Explanation, style: Style) -> str:
    body = _heading([explanation.title])
    for section in explanation.sections:
        body += [f"<h2>{_text(section.title)}</h2>", *_list("steps", [_told(step) for step in section.steps])]
    shown = [Windows(explanation.grid).as_dict()] if explanation.grid is not None else []
    return document(explanation.title, body, {"figures": shown})


def page(page: Page, style: Style) -> str:
    body = _heading([page.sheets[0].title or "netsize"])
    tables: list[dict[str, Any]] = []
    for sheet in page.sheets:
        body += _list("notes", sheet.notes)
        tables.append(
            {
                "title": sheet.title if tables else "In numbers",
                "columns": [
                    {"title": column.title, "kind": "text" if column.left or not index else "amount"}
                    for index, column in enumerate(sheet.columns)
                ],
                "rows": sheet.texts(),
                "numbers": [[_number(record.get(column.key)) for column in sheet.columns] for record in sheet.records],
            }
        )
    return document(
        page.sheets[0].title or "netsize",
        body,
        {"figures": [figure.as_dict() for figure in page.figures()], "tables": tables},
    )


def _number(value: Any) -> int | float | None:
    """What a table is sorted by."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _heading(pieces: list[str]) -> list[str]:
    more = " · ".join(map(_text, pieces[1:]))
    return [f"<h1>{_text(pieces[0])}</h1>", *([f'<p class="about">{more}</p>'] if more else [])]


def _marked(text: str, status: str) -> str:
    mark = {"passed": "✓ ", "failed": "✗ "}.get(status, "")
    return f"{mark}{_text(text)}"


def _list(kind: str, lines: Any) -> list[str]:
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return [f'<ul class="{kind}">{items}</ul>'] if items else []


def _text(text: str) -> str:
    return escape(printable(text))
