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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from msgspec import Meta, Struct
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Comment

from netsize.checks.places import line_of
from netsize.errors import BadCase, BadOption, UnreadableFile, did_you_mean, shortened
from netsize.files.reading import fit, parse_toml, read_text
from netsize.sources import is_pattern, matching
from netsize.sources.settings import Settings, read_image

QUANTITIES = ("units", "connections", "weights", "biases", "parameters", "active_parameters", "other_parameters")
SHARES = ("units_share", "connections_share", "weights_share")
PLACES: tuple[tuple[str, ...], ...] = ((), ("tool", "netsize"))  # of cases in a file
Amount = int | str
Keys = tuple[Any, ...]  # that lead to a table: ("tool", "netsize", "case", 0)
SUFFIXES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12, "%": 0.01}
MOST = 2**63  # no count is larger
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
    line: int | None = None  # of the file

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
    keys: Keys  # that lead to it in its file; the last one is its number
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
    line: int | None = None  # of the file, where it begins


class _Layer(Struct):
    """[case.layers.NAME], as TOML has it."""

    units: Amount | None = None
    connections: Amount | None = None
    weights: Amount | None = None
    biases: Amount | None = None
    units_share: str | None = None
    connections_share: str | None = None
    weights_share: str | None = None


class _Table(Struct):
    """[[case]], as TOML has it: every key is an option or a quantity."""

    model: str | list[str]
    name: str | None = None
    input: str | list[str] = []
    batch: bool = True
    set: dict[str, Any] = {}
    task: str | None = None
    tokens: Annotated[int, Meta(ge=1, lt=2**60)] | None = None
    image: Annotated[int, Meta(ge=1)] | str | None = None
    bias: bool = False
    pooling: bool = False
    padding: bool = True
    verify: bool = True
    frozen: str | None = None
    published: Literal["torchvision"] | None = None
    layers: dict[str, dict[str, Any]] = {}
    units: Amount | None = None
    connections: Amount | None = None
    weights: Amount | None = None
    biases: Amount | None = None
    parameters: Amount | None = None
    active_parameters: Amount | None = None
    other_parameters: Amount | None = None


SAME = ("batch", "bias", "pooling", "padding", "verify", "frozen", "published")  # in a table and in its cases
KEYS = _Table.__struct_fields__
OF_LAYERS = _Layer.__struct_fields__


def read_file(file: Path) -> list[Case]:
    """The cases of a TOML file: its [[case]] tables, and [[tool.netsize.case]], as a pyproject.toml has them.
    Raises UnreadableFile or BadCase, with the file and the line or key."""
    text = read_text(file)
    data, document = parse_toml(text, file), parse_document(text, file)
    cases: list[Case] = []
    for prefix in PLACES:
        tables, commented = data, document
        for key in prefix:
            tables, commented = fit(tables, str(file), dict[str, Any]).get(key, {}), commented.get(key, {})
        tables = fit(tables, str(file), dict[str, Any], ".".join(prefix))
        if prefix or file.name != "pyproject.toml":
            _check_keys(str(file), tables, ("case", *(() if prefix else ("tool",))))
        for index, table in enumerate(fit(tables.get("case", []), f"{file}, case", list[dict[str, Any]])):
            keys = (*prefix, "case", index)
            found = list(_read_case(file, keys, table, commented["case"][index]))
            cases += [_placed(case, text) for case in found]
    return cases


def _placed(case: Case, text: str) -> Case:
    expected = [replace(e, line=line_of(text, case.keys, e.where, e.quantity)) for e in case.expected]
    return replace(case, expected=tuple(expected), line=line_of(text, case.keys))


def parse_document(text: str, file: Path) -> Any:
    """With its comments, which the data have not. Raises UnreadableFile."""
    try:
        return tomlkit.parse(text)
    except (TOMLKitError, RecursionError, ValueError) as error:
        raise UnreadableFile(f"{file} cannot be read with its comments: {shortened(str(error))}") from error


def _read_case(file: Path, keys: Keys, data: dict[str, Any], table: Any) -> Iterator[Case]:
    place = f"{file}, case {keys[-1] + 1}"
    if "model" not in data:
        raise BadCase(f"{place}: it names no model")
    _check_keys(place, data, KEYS)
    read = fit(data, place, _Table)
    expected = list(_expected(place, "", data, table, QUANTITIES))
    for where, layer in read.layers.items():
        at = f"{place}, layer {shortened(where)}"
        _check_keys(at, layer, OF_LAYERS)
        fit(layer, at, _Layer)
        expected += _expected(at, where, layer, table["layers"][where], OF_LAYERS)
    for model in _models(place, [read.model] if isinstance(read.model, str) else read.model):
        yield Case(
            file,
            keys,
            read.name or model,
            model,
            input=(read.input,) if isinstance(read.input, str) else tuple(read.input),
            settings=_settings(place, read),
            expected=tuple(expected),
            **{key: getattr(read, key) for key in SAME},
        )


def _settings(place: str, table: _Table) -> Settings:
    try:
        sides = None if table.image is None else read_image(str(table.image))
    except BadOption as error:
        raise BadCase(f"{place}: {error}") from error
    return Settings(tuple(table.set.items()), table.task, table.tokens, sides)


def _models(place: str, names: list[str]) -> list[str]:
    """One model, or all that match one of several patterns."""
    found: list[str] = []
    for name in names:
        hits = matching(name) if is_pattern(name) else [name]
        if not hits:
            raise BadCase(f"{place}: no model matches {name!r}")
        found += hits
    return list(dict.fromkeys(found))


def _check_keys(place: str, table: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key in SHARES and key not in known:
            raise BadCase(f"{place}: {key} belongs to a layer: [case.layers.NAME]; of the whole network it is 100 %")
        if key not in known:
            raise BadCase(f"{place}: there is no key {shortened(repr(key))}.{did_you_mean(key, list(known))}")


def _expected(place: str, where: str, data: dict[str, Any], table: Any, known: tuple[str, ...]) -> Iterator[Expected]:
    """Numbers in the order in which they are written, with the comment behind each or, if there is none, above."""
    above = ""
    for key, item in table.value.body:
        if isinstance(item, Comment):
            above = item.trivia.comment.lstrip("# ")
        if key is not None and key.key in known:
            comment = item.trivia.comment.lstrip("# ") or above
            yield read_amount(f"{place}: {key.key}", where, key.key, data[key.key], comment)


def _shown(value: Any) -> str:
    """Python refuses to write integers of thousands of digits in decimal."""
    return f"a number of {value.bit_length()} bits" if isinstance(value, int) and abs(value) >= MOST else repr(value)


def read_amount(place: str, where: str, quantity: str, value: Any, source: str = "") -> Expected:
    """494184, "61.1M", "<= 5M" or "<= 60%". Raises BadCase."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < MOST:
        return Expected(where, quantity, f"{value:,}", "==", value, source=source)
    match = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) and len(value) < 60 else None
    if match is None or (match[4] == "%") != quantity.endswith("_share"):
        example = '"<= 60%"' if quantity.endswith("_share") else '61100840, "61.1M" or "<= 62M"'
        raise BadCase(f"{place} = {shortened(_shown(value))} is no number and no comparison; expected {example}")
    comparison, whole, fraction, suffix = match.groups()
    unit = SUFFIXES[suffix] / 10 ** len(fraction or "")
    digits = int(re.sub(r"[,_]", "", whole) + (fraction or ""))
    amount = round(digits * unit) if suffix != "%" else digits * unit
    return Expected(where, quantity, str(value), comparison or "~", amount, unit, source)
