"""How files are spoilt: as bytes, and as data in which something else stands in any place."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

ODD: list[Any] = [
    None, True, -1, 0, 1.5, 2**63, 10**400, -(10**30), float("nan"), float("inf"), "", "x", "\x1b[31m",
    "\n::error::x", "=cmd()", "é\ud800\u202e", "a" * 3000,
    [], {}, [1], ["x"], [[]], {"x": 1}, "3x8x8", "<= 1K", "99999999999999999999T", "[/x]", "*", "../x",
    "net.py:Net", "\\input{x}", "<script>",
]  # fmt: skip


@st.composite
def data(draw: st.DrawFn, whole: Any) -> Any:
    """With one to three places in which something else stands, or nothing, or the same twice."""
    spoilt = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        place, key = spoilt, None
        for _ in range(draw(st.integers(1, 6))):
            keys = (
                list(place) if isinstance(place, dict) else list(range(len(place))) if isinstance(place, list) else []
            )
            if not keys:
                break
            parent, key = place, draw(st.sampled_from(keys))
            place = parent[key]
        if key is None:
            continue
        how = draw(st.sampled_from(["replace", "replace", "replace", "delete", "name", "double"]))
        odd = copy.deepcopy(draw(st.sampled_from(ODD)))
        if how == "delete":
            del parent[key]
        elif how == "name" and isinstance(parent, dict):
            parent[str(odd)] = parent.pop(key)
        elif how == "double" and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(place))
        else:
            parent[key] = odd
    return spoilt


@st.composite
def content(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes changed, lost, doubled or put in front."""
    text = whole
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        odd = draw(st.sampled_from([
            b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\r", b"[" * 3000, b"{", b"}", b"]", b'"', b",",
            b"9" * 5000, b"NaN", b"1e999", b"-", b"\\ud800", b"#",
            b"=", b".", b"[[case]]\n", b"'''",
        ]))  # fmt: skip
        how = draw(st.sampled_from(["insert", "replace", "cut", "double", "front", "utf-16"]))
        if how == "insert":
            text = text[:place] + odd + text[place:]
        elif how == "replace":
            text = text[:place] + odd + text[place + 1 :]
        elif how == "cut":
            text = text[:place] + text[place + draw(st.sampled_from([1, 10, 10**6])) :]
        elif how == "double":
            text = text[:place] + text[max(0, place - 40) :]
        elif how == "front":
            text = odd + text
        else:
            text = text.decode("latin-1").encode("utf-16")
    return text


def as_json(spoilt: Any) -> bytes:
    return json.dumps(spoilt).encode()


def as_safetensors(spoilt: Any) -> bytes:
    """With the length of the header in front and 32 bytes of tensors behind it."""
    header = as_json(spoilt)
    return len(header).to_bytes(8, "little") + header + bytes(32)


def as_toml(spoilt: Any) -> bytes:
    """Inline tables: what tomlkit refuses to write (None, numbers without an end) is written as it may be met."""
    if not isinstance(spoilt, dict):
        return f"case = {_toml(spoilt)}\n".encode("utf-8", "surrogatepass")
    return "".join(f"{_key(key)} = {_toml(value)}\n" for key, value in spoilt.items()).encode("utf-8", "surrogatepass")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    return "nan" if value is None else repr(value)


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
