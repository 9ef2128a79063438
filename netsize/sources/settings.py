"""What a user writes after --set and --input, read."""

import ast
from dataclasses import dataclass
from math import prod
from typing import Any

from netsize.errors import BadInput
from netsize.lecture.formulas import Shape

TYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64")


@dataclass(frozen=True)
class InputSpec:
    """Shape of one argument of forward, without the batch axis, and its type if it is not the network's own."""

    shape: Shape
    type: str | None = None

    def __str__(self) -> str:
        return "x".join(map(str, self.shape)) + (f":{self.type}" if self.type else "")


def read_input(text: str) -> InputSpec:
    """3x224x224 or 5:int64. Raises BadInput."""
    sizes, _, kind = text.partition(":")
    if kind and kind not in TYPES:
        raise BadInput(f"--input {text}: there is no type {kind!r}; there are {', '.join(TYPES)}")
    try:
        shape = tuple(int(size) for size in sizes.split("x"))  # also refuses thousands of digits
    except ValueError:
        raise BadInput(f"--input {text}: expected sizes like 3x224x224, or with a type like 5:int64") from None
    if any(size < 1 for size in shape):
        raise BadInput(f"--input {text}: every size must be at least 1")
    if prod(shape) >= 2**60:
        raise BadInput(f"--input {text}: no tensor has so many elements")
    return InputSpec(shape, kind or None)


def read_setting(text: str) -> tuple[str, Any]:
    """num_classes=10, aux_logits=false, name=text. Raises BadInput."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise BadInput(f"--set {text}: expected key=value, such as num_classes=10")
    words = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return key, words[value.lower()]
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value
