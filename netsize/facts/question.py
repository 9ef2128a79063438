"""What is asked of a network: all that its facts depend on, besides the machine and what is installed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """`model` as it is written on the command line; `own_files`: it is made from Python files of the user's own, which
    may change between two questions; `packages`: libraries besides torch that it comes from; `content`: a digest of
    the file that describes it."""

    model: str
    input: tuple[str, ...] = ()
    batch: bool = True
    settings: tuple[tuple[str, Any], ...] = ()
    device: str = "auto"
    verify: bool = True
    fields: str = ""
    classes: int | None = None
    until: str | None = None
    memory: int | None = None
    task: str | None = None
    tokens: int | None = None
    image: tuple[int, ...] | None = None
    own_files: bool = False
    packages: tuple[str, ...] = ()
    content: str = ""
