"""Files that somebody else wrote: what does not fit is told with its place."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from netsize.errors import UnreadableFile
from netsize.files import reading
from netsize.files.reading import parse_toml, read_json, read_text


class Inner(Struct):
    size: int
    names: list[str] = []


class Outer(Struct):
    model: str
    inner: list[Inner] = []


WRONG = [
    # what is in the file, and what is said of it
    (b'{"model": 3}', "model: expected text, got a whole number"),
    (b'{"model": "x", "inner": [{"size": 1}, {"size": 1.5}]}', "inner[1].size: expected a whole number, got a number"),
    (b'{"model": "x", "inner": [{"size": 1, "names": "a"}]}', "inner[0].names: expected a list, got text"),
    (b'{"inner": []}', "there is no key model"),
    (b"[1]", "expected a table, got a list"),
    (b'{"model": "x",\n "model": "y"}', "the key 'model' is there twice"),
    (b'{"model": "x", "n": NaN}', "NaN is no number"),
    (b'{"model": "x", "n": -Infinity}', "-Infinity is no number"),
    (b'{"model": "x", "n": 1e999}', "1e999 is beyond all numbers"),
    (b'{"model": "x",\n "n": }', "line 2, column 7: this is no JSON, or not all of it"),
    (b'{"model": "x"', "line 1, column 14: this is no JSON, or not all of it"),
    (b"", "line 1, column 1"),
    (b"[" * 100_000, "it is nested too deep"),
    (b'{"model": "x", "n": ' + b"9" * 5000 + b"}", "is no JSON: Exceeds the limit"),
    (b'{"model": "x", "\\ud800": 1}', "holds half of a character"),
    (b'{"model":\n"\xff"}', "line 2: expected text in UTF-8, but a byte is not"),
    ('{"model": "x"}'.encode("utf-16"), "line 1: expected text in UTF-8, but it may be UTF-16 or UTF-32"),
]


@pytest.mark.parametrize("content, said", WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_said_in_a_line_with_its_place(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile) as raised:
        read_json(file, Outer)
    message = str(raised.value)
    assert said in message
    assert message.startswith(str(file))
    assert "\n" not in message and len(message) < 300


@pytest.mark.parametrize(
    "content", [b'\xef\xbb\xbf{"model": "x"}', b'{\r\n"model": "x"\r\n}\r\n', b'{"model": "x", "new": {}}']
)
def test_what_is_right(content: bytes, tmp_path: Path) -> None:
    """A byte order mark, ends of lines as Windows has them, and keys of a newer netsize."""
    (tmp_path / "x.json").write_bytes(content)
    assert read_json(tmp_path / "x.json", Outer) == Outer("x")


def places(folder: Path) -> dict[str, Path]:
    (folder / "loop").symlink_to("loop")
    return {"a folder": folder, "nothing": folder / "x", "a loop": folder / "loop", "a long name": folder / ("x" * 300)}


@pytest.mark.parametrize("what", ["a folder", "nothing", "a loop", "a long name"])
def test_what_is_no_file(what: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is no file|cannot be read"):
        read_text(places(tmp_path)[what])


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    with file.open("wb") as stream:
        stream.truncate(reading.MOST_BYTES + 1)
    with pytest.raises(UnreadableFile, match="is larger than 64 MiB"):
        read_text(file)


TOML: list[tuple[str, str]] = [
    ("a = 1\nb = [\n", "x.toml, end of document: Invalid value"),
    ("a = 1\nb = x\n", "x.toml, line 2: Invalid value"),
    ("a = 1\na = 2\n", "Cannot overwrite a value"),
    ("a = " + "[" * 100_000, "cannot be read"),
    ("a = " + "9" * 5000, "cannot be read"),
    ("a = 'x", "x.toml, end of document"),
]


@pytest.mark.parametrize("text, said", TOML, ids=[said for _, said in TOML])
def test_toml(text: str, said: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        parse_toml(text, Path("x.toml"))
    assert said in str(raised.value)
    assert len(str(raised.value)) < 300


def test_numbers_are_numbers_and_no_truth_values() -> None:
    wrong: Any = {"size": True}
    with pytest.raises(UnreadableFile, match="size: expected a whole number, got true or false"):
        reading.fit(wrong, "x.json", Inner)
