"""A file around what is shown: its style, its script and its data are in it, and a policy lets a browser run this
script only, and load nothing."""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from netsize.render.printable import printable
from netsize.version import __version__

SCRIPTS = (
    "core.js", "details.js", "tree.js", "bars.js", "rows.js", "charts.js", "windows.js", "fields.js",
    "scene.js", "table.js", "page.js",
)  # one behind the other  # fmt: skip
FOLDER = Path(__file__).parent


def document(title: str, body: list[str], data: dict[str, Any]) -> str:
    style, script = _asset("page.css"), _script()
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(printable(title))}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            '<div id="pictures"><noscript>The pictures and the table need a script, which this browser runs for no '
            "file. <code>netsize</code> prints the same numbers in a terminal.</noscript></div>",
            "</main>",
            f"<footer>netsize {__version__}</footer>",
            f'<script type="application/json" id="data">{_embedded(data)}</script>',
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _embedded(data: dict[str, Any]) -> str:
    """JSON inside of a script element ends where that does, and nowhere else."""
    return json.dumps(_printable(data), separators=(",", ":")).replace("<", "\\u003c")


def _printable(value: Any) -> Any:
    """All texts in it."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, (list, tuple)) else value


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _script() -> str:
    return '\n"use strict";\n{\n' + "\n".join(_asset(name) for name in SCRIPTS) + "}\n"


@cache
def _asset(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
