"""What a user writes after --set, --input and --image, read; and all that is told of a network besides its name."""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from netsize.errors import BadInput, BadModel, BadOption, shortened
from netsize.lecture.formulas import Shape

TYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64")
LONGEST = 10_000  # characters of a value
_NAMED = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=(.*)", re.DOTALL)
_VALUED = re.compile(r"([^<=]*)(?:([<=])(.*))?", re.DOTALL)


@dataclass(frozen=True)
class InputSpec:
    """One argument of forward: its shape without the batch axis, its type if it is not the network's own, and its name
    if it is given by name (a dot in it leads into a dictionary). Its elements are random numbers in 0..1, or, of
    a type without fractions, 0; or all are `value`, or whole numbers `below` a limit."""

    shape: Shape
    type: str | None = None
    name: str = ""
    value: float | None = None
    below: int | None = None
    batched: bool = True  # a source may know of one that has no batch axis

    def __str__(self) -> str:
        named, kind = f"{self.name}=" if self.name else "", f":{self.type}" if self.type else ""
        value = "" if self.value is None else f"={self.value:g}"
        return f"{named}{self.sizes}{kind}{value}{'' if self.below is None else f'<{self.below}'}"

    @property
    def sizes(self) -> str:
        return "x".join(map(str, self.shape)) or "()"

    @property
    def is_whole(self) -> bool:
        """Whether its type has no fractions."""
        return self.type is not None and not self.type.startswith(("float", "bfloat", "complex"))


def read_input(text: str) -> InputSpec:
    """3x224x224, 5:int64, 5:int64<30522 (below that), mask=5:int64=1 (by name; all 1); (3, 224, 224) is forgiven.
    Raises BadInput."""
    named = _NAMED.fullmatch(text)
    name, rest = (named[1], named[2]) if named else ("", text)
    match = _VALUED.fullmatch(rest)
    assert match is not None  # it takes any text
    sizes, _, kind = (part.strip() for part in match[1].partition(":"))
    if kind and kind not in TYPES:
        raise BadInput(f"--input {text}: there is no type {kind!r}; there are {', '.join(TYPES)}")
    spec = InputSpec(_read_sizes(text, sizes), kind or None, name)
    if match[2] == "=":
        return replace(spec, value=_read_value(text, match[3].strip()))
    if match[2] == "<":
        return replace(spec, below=_read_limit(text, spec, match[3].strip()))
    return spec


def _read_sizes(text: str, sizes: str) -> Shape:
    bare = re.sub(r"[()\[\]\s]", "", sizes).removesuffix(",")
    if not bare and "(" in sizes:
        return ()
    try:
        shape = tuple(int(size) for size in re.split("[xX×,*]", bare))  # also refuses thousands of digits
    except ValueError:
        raise BadInput(
            f"--input {text}: expected sizes like 3x224x224, with a type like 5:int64, or by name: ids=5:int64"
        ) from None
    if any(size < 1 for size in shape):
        raise BadInput(f"--input {text}: every size must be at least 1")
    if prod(shape) >= 2**60:
        raise BadInput(f"--input {text}: no tensor has so many elements")
    return shape


def _read_value(text: str, value: str) -> float:
    words = {"true": 1.0, "false": 0.0}
    try:
        return words[value.lower()] if value.lower() in words else float(value)
    except ValueError:
        raise BadInput(f"--input {text}: {value!r} is no number; expected like 5:int64=1") from None


def _read_limit(text: str, spec: InputSpec, limit: str) -> int:
    if not spec.is_whole:
        raise BadInput(f"--input {text}: a limit is for whole numbers, as 5:int64<30522")
    if not limit.isdecimal() or not 1 <= int(limit[:20]) < 2**63:
        raise BadInput(f"--input {text}: {limit!r} is no limit; expected like 5:int64<30522")
    return int(limit)


def read_setting(text: str) -> tuple[str, Any]:
    """num_classes=10, aux_logits=false, name=text, config.n_layer=4. Raises BadInput."""
    key, equals, value = text.partition("=")
    if not equals or not all(part.isidentifier() for part in key.split(".")):
        raise BadInput(f"--set {text}: expected key=value, such as num_classes=10")
    words = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return key, words[value.lower()]
    if len(value) > LONGEST:
        raise BadInput(f"--set {shortened(text)}: a value of {len(value):,} characters; at most {LONGEST:,} are read")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value
    except (RecursionError, MemoryError):
        raise BadInput(f"--set {shortened(text)}: this is nested too deep") from None


def read_image(text: str) -> Shape:
    """336 (a square), or 480x640: height and width. Raises BadOption."""
    sides = re.split("[xX×,]", text)
    if not all(side.isdecimal() and 1 <= int(side[:10]) < 2**20 for side in sides) or len(sides) > 2:
        raise BadOption(f"--image {text}: expected the side of a square, or height and width, as 336 or 480x640")
    height, *width = map(int, sides)
    return (height, *(width or [height]))


@dataclass(frozen=True)
class Settings:
    """What is told of a network besides its name: arguments for its constructor, which head it has (`task`), and how
    large its own input is: length of a text (`tokens`), height and width of an image."""

    pairs: tuple[tuple[str, Any], ...] = ()
    task: str | None = None
    tokens: int | None = None
    image: Shape | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.pairs)

    def sized(self, model: str, inputs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
        """Inputs of a network that takes them at many sizes, at those that are asked for. Raises BadOption."""
        if self.task is not None:
            raise BadOption(f"--task {self.task}: {model} has one head; --task is for networks of transformers")
        found = list(inputs)
        if self.image is not None:
            found = _resized("--image", model, found, self.image, lambda spec: len(spec.shape) > 2)
        if self.tokens is not None:
            found = _resized("--tokens", model, found, (self.tokens,), _is_text)
        return tuple(found)


def checked(model: str, specs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
    """Inputs that were worked out from a configuration. Raises BadModel if it holds what is no size."""
    for spec in specs:
        sizes = (*spec.shape, *(() if spec.below is None else (spec.below,)))
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise BadModel(
                f"{model}: its configuration gives {spec.name} no size that can be: {spec.shape}, {spec.below}"
            )
    return tuple(specs)


def _is_text(spec: InputSpec) -> bool:
    return len(spec.shape) == 1 and spec.is_whole and spec.shape != (1,)


def _resized(
    option: str, model: str, specs: list[InputSpec], sides: Shape, fits: Callable[[InputSpec], bool]
) -> list[InputSpec]:
    if not any(map(fits, specs)):
        raise BadOption(f"{option}: {model} has no such input of its own; say --input")
    return [replace(spec, shape=(*spec.shape[: -len(sides)], *sides)) if fits(spec) else spec for spec in specs]
