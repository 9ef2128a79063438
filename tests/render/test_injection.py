"""Names of modules, files and models are anybody's: whatever they hold, every format shows them and nothing else."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from markdown_it import MarkdownIt
from torch import nn

import netsize
from netsize.checks.cases import Case, Expected
from netsize.checks.outcomes import Outcome, Result
from netsize.commands.terminal import complain
from netsize.render import FORMATS, checks, render
from netsize.render.style import Style
from netsize.results.difference import compare_reports
from netsize.results.schema import as_dict

HOSTILE = [
    "=cmd|' /C calc'!A0", "+1+1", "-1", "@SUM(A1)", "a\nb", "a\rb", "\x1b[31mred", "\x1b]8;;http://x\x07",
    "\x9b31m", "\u202egnp_exe", "\ud800",
    "\n::error file=x::y", "%0A::error::x", "a,b:c", "]]>", "-->", "<b>bold</b>", "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>', "{x}$y$_z^",
    "\\input{x}", "\\end{table}", "|", "`code`", "[link](http://x)", "![i](x)", "**bold**", "_it_", "# head",
    "&lt;", "http://x", "www.x", "~~s~~", "日本語", "tab\there",
]  # fmt: skip
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # all but ends of lines


class Chain(nn.Module):
    def __init__(self, names: list[str]) -> None:
        super().__init__()
        for name in names:
            self.add_module(name.replace(".", ""), nn.Linear(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for module in self.children():
            x = module(x)
        return x


Hostile = type("<i>Hostile\n$", (Chain,), {})


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """Each kind of result, with the number of its rows in a table that has a row for each layer or model."""
    report = netsize.analyze(Hostile(HOSTILE), "4", device="cpu")
    plain = netsize.analyze(Chain(["a"]), "4", device="cpu")
    named = replace(report, source=replace(report.source, model=HOSTILE[0], title=HOSTILE[6]))
    return {
        "report": named,
        "explanation": netsize.explain(Hostile(HOSTILE), HOSTILE[25].replace(".", ""), "4", device="cpu"),
        "comparison": netsize.compare([*HOSTILE[:6], Hostile(HOSTILE)], "4", device="cpu"),
        "difference": compare_reports(as_dict(plain), as_dict(named)),
        "training": netsize.training(Hostile(HOSTILE), "4", batch=2, device="cpu"),
        "diagram": netsize.draw(Hostile(HOSTILE), "4", device="cpu"),
    }


KINDS = ["report", "explanation", "comparison", "difference", "training", "diagram"]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def as_table(text: str) -> None:
    assert "\n::error" not in text


def as_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == len(text.splitlines())
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "@", "\t", "\r"))
        assert not cell.startswith(("+", "-")) or re.fullmatch(r"[+-][\d.,]+%?", cell)


def as_markdown(text: str) -> None:
    """Nothing but what netsize writes itself: paragraphs, lists, a table, bold titles, code."""
    parser = MarkdownIt("gfm-like", {"linkify": False}).enable("table")
    tokens = [token for block in parser.parse(text) for token in (block, *(block.children or ()))]
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    own = {
        "paragraph",
        "inline",
        "text",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "bullet_list",
        "list_item",
    }
    assert kinds <= own | {"code_inline", "softbreak", "text_special"}
    assert "://" not in re.sub(r"\\:", "", text).replace("\\://", "")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def as_latex(text: str) -> None:
    assert "\\input" not in text
    assert text.count("\\end{table}") == text.count("\\begin{table}")
    assert "\\end\\{table\\}" in text or "textbackslash{}end" in text or "end\\{" not in text


def as_html(text: str) -> None:
    parser = Tags()
    parser.feed(text)
    for tag, attributes in parser.found:
        assert tag not in ("img", "b", "i", "a", "iframe")
        assert not any(name.startswith("on") for name in attributes)
    assert sum(tag == "script" for tag, _ in parser.found) == text.count("<script")


def as_xml(text: str) -> None:
    root = ElementTree.fromstring(text)
    assert not [
        element for element in root.iter() if element.tag.rpartition("}")[2] in ("script", "img", "a", "b", "i")
    ]


PARSERS: dict[str, Callable[[str], None]] = {
    "table": as_table, "json": json.loads, "csv": as_csv, "markdown": as_markdown,
    "latex": as_latex, "html": as_html, "svg": as_xml,
}  # fmt: skip


def test_every_format_is_parsed() -> None:
    assert set(PARSERS) == set(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_name_is_shown(kind: str, format: str, results: dict[str, Any]) -> None:
    for style in (Style(), Style(width=80, color=False)):
        try:
            text = render(results[kind], format, style)
        except netsize.NetsizeError as error:
            assert "no picture" in str(error) or "picture" in str(error)
            return
        assert not CONTROLS.search(text)
        PARSERS[format](text)


def test_json_keeps_every_name(results: dict[str, Any]) -> None:
    data = json.loads(render(results["report"], "json", Style()))
    assert [layer["path"] for layer in data["layers"]] == [name.replace(".", "") for name in HOSTILE]


def hostile_checks() -> list[Result]:
    """A case for each name, which is its own, its model's, its file's, its layer's and its source's."""
    failed = [
        Result(
            Case(
                Path(name.replace("\ud800", "x")),
                ("case", 0),
                name,
                name,
                expected=(Expected(name, "units", "1", "==", 1),),
            ),
            (Outcome(name, "units", "1", 2, 1, False, name),),
        )
        for name in HOSTILE
    ]
    return [*failed, replace(failed[0], outcomes=(), error="\n".join(HOSTILE))]


def test_annotations_are_one_line_each() -> None:
    lines = checks.render(hostile_checks(), "github").splitlines()
    assert len(lines) == len(HOSTILE) + 2
    for line in lines[:-1]:
        assert re.fullmatch(r"::error file=[^:,]*,title=[^:,]*::.*", line)
        assert not CONTROLS.search(line)


@pytest.mark.parametrize("format", ["table", "json", "junit"])
def test_checks_show_hostile_names(format: str) -> None:
    text = checks.render(hostile_checks(), format)
    assert not CONTROLS.search(text)
    assert "\n::error" not in text
    if format == "junit":
        assert len(ElementTree.fromstring(text).findall("testcase")) == len(HOSTILE) + 1
    if format == "json":
        assert [case["name"] for case in json.loads(text)["cases"]][: len(HOSTILE)] == HOSTILE


def test_complaints_are_short_and_control_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for name in [*HOSTILE, "x" * 5000, "\n".join("abc" * 9)]:
        complain(f"there is no {name}")
    text = capsys.readouterr().err
    assert not CONTROLS.search(text)
    assert max(map(len, text.splitlines())) <= 300
