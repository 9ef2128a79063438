"""Reading what somebody else may have written: nothing in it is trusted before it fits its schema."""

import codecs
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from netsize.errors import UnreadableFile, shortened

Schema = TypeVar("Schema")
MOST_BYTES = 64 * 2**20  # a report of 100,000 layers takes 60 MB
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def read_text(file: Path) -> str:
    """UTF-8, with its own ends of lines, without a byte order mark. Raises UnreadableFile."""
    try:
        if file.exists() and not file.is_file():
            raise UnreadableFile(f"{file} is no file")
        if file.stat().st_size > MOST_BYTES:
            raise UnreadableFile(f"{file} is larger than {MOST_BYTES >> 20} MiB, which nothing is that netsize reads")
        content = file.read_bytes()
    except (OSError, ValueError) as error:  # a name with a zero in it is a ValueError
        raise UnreadableFile(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        why = "it may be UTF-16 or UTF-32" if content.startswith(_OTHER_ENCODINGS) else "a byte is not"
        raise UnreadableFile(f"{file}, line {line}: expected text in UTF-8, but {why}") from error


def read_json(file: Path, schema: type[Schema], what: str = "JSON", infinite: bool = False) -> Schema:
    """What is in a JSON file, as the schema declares it. `what` it should be, for complaints; `infinite`: Infinity and
    NaN are numbers, as Python writes them (the config.json of Mamba has one). Raises UnreadableFile."""
    return parse_json(read_text(file), str(file), schema, what, infinite)


def parse_json(
    text: str | bytes, place: str, schema: type[Schema], what: str = "JSON", infinite: bool = False
) -> Schema:
    """Strictly: a key that is there twice, NaN and numbers beyond floats are no JSON. Raises UnreadableFile."""
    constant = float if infinite else _no_number
    try:
        data = json.loads(text, object_pairs_hook=_once_each, parse_constant=constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        place = f"{place}, line {error.lineno}, column {error.colno}"
        raise UnreadableFile(f"{place}: this is no {what}, or not all of it: {error.msg}") from error
    except RecursionError as error:
        raise UnreadableFile(f"{place} is no {what}: it is nested too deep") from error
    except ValueError as error:
        raise UnreadableFile(f"{place} is no {what}: {shortened(str(error))}") from error
    return fit(data, place, schema)


def parse_toml(text: str, file: Path) -> dict[str, Any]:
    """Raises UnreadableFile, with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said, _, where = str(error).partition(" (at ")
        line = where.rstrip(")").partition(",")[0]  # "line 3, column 1", or "end of document"
        raise UnreadableFile(f"{file}, {line}: {shortened(said)}") from error
    except (RecursionError, ValueError) as error:  # thousands of brackets, or of digits
        raise UnreadableFile(f"{file} cannot be read: {shortened(str(error))}") from error


def fit(data: Any, place: str, schema: type[Schema], prefix: str = "") -> Schema:
    """Data as the schema declares it. `prefix`: of the path to what does not fit. Raises UnreadableFile."""
    try:
        return msgspec.convert(data, schema)
    except msgspec.ValidationError as error:
        said, _, path = str(error).rpartition(" - at `$")
        said, path = (said, path.rstrip("`").lstrip(".")) if said else (str(error), "")
        where = ", ".join(part for part in (place, prefix + path) if part)
        raise UnreadableFile(f"{where}: {shortened(_worded(said))}") from error
    except (RecursionError, UnicodeError) as error:
        why = "is nested too deep" if isinstance(error, RecursionError) else "holds half of a character"
        raise UnreadableFile(f"{place} {why}") from error


_TYPES = {
    "bool": "true or false", "int": "a whole number", "float": "a number", "str": "text", "array": "a list",
    "object": "a table", "null": "nothing",
}  # fmt: skip


def _worded(said: str) -> str:
    """What msgspec says of types, without the names that they have in Python."""

    def words(found: re.Match[str]) -> str:
        return " or ".join(_TYPES.get(name, name) for name in found[1].removesuffix(" | null").split(" | "))

    told = re.sub("`([^`]*)`", words, said.replace("Object missing required field", "there is no key"))
    return told[:1].lower() + told[1:]


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is there twice")
        found[key] = value
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is beyond all numbers")
    return number
