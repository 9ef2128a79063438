"""Cases of `netsize check`: a model, and what is expected of it, read from TOML.

[[case]]
model = "alexnet"
units = 494184                 # exact; this comment is its source
parameters = "61.1M"           # published, rounded: compared at its precision
weights = "<= 62M"             # a budget
[case.layers."features.0"]     # a layer, or a module with all its layers
weights_share = "<= 1%"
weights = 23232                # K^2 M N = 11 * 11 * 3 * 64
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError
from tomlkit.items import Comment, Table

from netsize.errors import BadCase, BadOption, did_you_mean
from netsize.sources import is_pattern, matching
from netsize.sources.settings import Settings, read_image

QUANTITIES = ("units", "connections", "weights", "biases", "parameters", "active_parameters", "other_parameters")
SHARES = ("units_share", "connections_share", "weights_share")
OPTIONS = (
    "name", "model", "input", "batch", "set", "task", "tokens", "image", "bias", "pooling", "padding", "verify",
    "frozen", "published", "layers",
)  # fmt: skip
SWITCHES = ("batch", "bias", "pooling", "padding", "verify")
OF_LAYERS = ("units", "connections", "weights", "biases", *SHARES)
SUFFIXES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12, "%": 0.01}
_AMOUNT = re.compile(r"(<=|>=|<|>|==)?\s*(\d[\d,_]*)(?:\.(\d+))?\s*([KMGBT%]?)$")


@dataclass(frozen=True)
class Expected:
    """One number that a case expects: of the network, or of a layer or module (`where`)."""

    where: str
    quantity: str
    text: str  # as it is written
    comparison: str  # "==", or that of a budget; "~" for a rounded number
    value: float
    unit: float = 1  # of a rounded number: half of it is its precision
    source: str = ""

    def holds(self, counted: float) -> bool:
        """Exactly; a rounded number holds if the counted one rounds to it."""
        if self.comparison == "~":
            return abs(counted - self.value) <= self.unit / 2
        return {
            "==": counted == self.value,
            "<=": counted <= self.value,
            ">=": counted >= self.value,
            "<": counted < self.value,
            ">": counted > self.value,
        }[self.comparison]


@dataclass(frozen=True)
class Case:
    """A model to count under a convention, and what is expected of it."""

    file: Path
    index: int  # of the case in its file
    name: str
    model: str
    input: tuple[str, ...] = ()
    batch: bool = True
    settings: Settings = Settings()
    bias: bool = False
    pooling: bool = False
    padding: bool = True
    verify: bool = True
    frozen: str | None = None  # a saved report that the network must equal
    published: str | None = None  # "torchvision": the numbers of its own metadata
    expected: tuple[Expected, ...] = ()


def read_file(file: Path) -> list[Case]:
    """The cases of a TOML file: its [[case]] tables, or [[tool.netsize.case]] of a pyproject.toml.
    Raises BadCase, with the file and the line or key."""
    document = parse(file)
    if file.name == "pyproject.toml":
        document = document.get("tool", {}).get("netsize", {})
    unknown = [key for key in document if key != "case"]
    if unknown:
        raise BadCase(f"{file}: there is no key {unknown[0]!r}.{did_you_mean(unknown[0], ['case'])}")
    tables = document.get("case", [])
    if not isinstance(tables, list):
        raise BadCase(f"{file}: cases are tables of their own, [[case]]")
    return [case for index, table in enumerate(tables) for case in _read_case(file, index, table)]


def parse(file: Path) -> Any:
    """The document, with its comments. Raises BadCase."""
    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except ParseError as error:
        raise BadCase(f"{file}, line {error.line}: {str(error).partition(' at line')[0]}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadCase(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _read_case(file: Path, index: int, table: Table) -> Iterator[Case]:
    place = f"{file}, case {index + 1}"
    _check_keys(place, table, (*OPTIONS, *QUANTITIES))
    models = table.get("model")
    if models is None:
        raise BadCase(f"{place}: it names no model")
    expected = list(_expected(place, "", table, QUANTITIES))
    for where, layer in table.get("layers", {}).items():
        _check_keys(f"{place}, layer {where}", layer, OF_LAYERS)
        expected += _expected(f"{place}, layer {where}", where, layer, OF_LAYERS)
    inputs = table.get("input", ())
    common: dict[str, Any] = {key: _read_switch(place, key, table[key]) for key in SWITCHES if key in table}
    common |= {key: str(table[key]) for key in ("frozen", "published") if key in table}
    settings = _read_settings(place, table)
    for model in _models(place, models):
        yield Case(
            file,
            index,
            str(table.get("name", model)),
            model,
            input=(str(inputs),) if isinstance(inputs, str) else tuple(map(str, inputs)),
            settings=settings,
            expected=tuple(expected),
            **common,
        )


def _read_settings(place: str, table: Table) -> Settings:
    tokens, image = table.get("tokens"), table.get("image")
    if tokens is not None and (not isinstance(tokens, int) or tokens < 1):
        raise BadCase(f"{place}: tokens = {tokens!r}: expected a whole number, at least 1")
    task = None if table.get("task") is None else str(table["task"])
    try:
        sides = None if image is None else read_image(str(image))
    except BadOption as error:
        raise BadCase(f"{place}: {error}") from error
    return Settings(tuple(dict(table.get("set", {})).items()), task, None if tokens is None else int(tokens), sides)


def _read_switch(place: str, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadCase(f"{place}: {key} = {value!r}: expected true or false, without quotes")
    return bool(value)


def _models(place: str, names: Any) -> list[str]:
    """One model, or all that match one of several patterns."""
    found: list[str] = []
    for name in [names] if isinstance(names, str) else names:
        hits = matching(str(name)) if is_pattern(name) else [str(name)]
        if not hits:
            raise BadCase(f"{place}: no model matches {str(name)!r}")
        found += hits
    return list(dict.fromkeys(found))


def _check_keys(place: str, table: Any, known: tuple[str, ...]) -> None:
    for key in table:
        if key in SHARES and key not in known:
            raise BadCase(f"{place}: {key} belongs to a layer: [case.layers.NAME]; of the whole network it is 100 %")
        if key not in known:
            raise BadCase(f"{place}: there is no key {key!r}.{did_you_mean(key, list(known))}")


def _expected(place: str, where: str, table: Any, known: tuple[str, ...]) -> Iterator[Expected]:
    above = ""
    for key, item in table.value.body:
        if isinstance(item, Comment):
            above = item.trivia.comment.lstrip("# ")
        if key is not None and key.key in known:
            comment = item.trivia.comment.lstrip("# ") or above
            yield read_amount(f"{place}: {key.key}", where, key.key, table[key.key], comment)


def read_amount(place: str, where: str, quantity: str, value: Any, source: str = "") -> Expected:
    """494184, "61.1M", "<= 5M" or "<= 60%". Raises BadCase."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Expected(where, quantity, f"{value:,}", "==", value, source=source)
    match = _AMOUNT.fullmatch(str(value).strip()) if isinstance(value, str) else None
    if match is None or (match[4] == "%") != quantity.endswith("_share"):
        example = '"<= 60%"' if quantity.endswith("_share") else '61100840, "61.1M" or "<= 62M"'
        raise BadCase(f"{place} = {value!r} is no number and no comparison; expected {example}")
    comparison, whole, fraction, suffix = match.groups()
    unit = SUFFIXES[suffix] / 10 ** len(fraction or "")
    digits = int(re.sub(r"[,_]", "", whole) + (fraction or ""))
    amount = round(digits * unit) if suffix != "%" else digits * unit
    return Expected(where, quantity, str(value), comparison or "~", amount, unit, source)
