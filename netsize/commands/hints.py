"""What was meant by a command line that typer refuses: a command to copy."""

import re
import shlex
from collections.abc import Sequence

from netsize.errors import NetsizeError, UnknownModel
from netsize.sources import recognise

# options of other tools, or near in meaning: what to say instead
MEANT = {
    "csv": "--format csv",
    "latex": "--format latex",
    "tex": "--format latex",
    "md": "--format markdown",
    "markdown": "--format markdown",
    "html": "--format html",
    "svg": "--format svg",
    "cpu": "--device cpu",
    "cuda": "--device cuda",
    "gpu": "--device cuda",
    "macs": "--sort connections",
    "flops": "--sort connections",
    "params": "--sort weights",
    "parameters": "--sort weights",
    "verbose": "--all",
    "quiet": "--top 1",
    "skip-verify": "--no-verify",
    "dry-run": "--no-verify",
}
RENAMED = {  # the value behind it stays
    "input-size": "--input",
    "input-shape": "--input",
    "input_size": "--input",
    "size": "--input",
    "shape": "--input",
    "max-depth": "--depth",
    "levels": "--depth",
    "sort-by": "--sort",
    "out": "-o",
    "file": "-o",
}
_EXTRA = re.compile("unexpected extra argument")


def hint(arguments: Sequence[str], error: Exception) -> str:
    """A second line for typer's message: 'Try: netsize ...'; empty where nothing is near."""
    option = getattr(error, "option_name", None)
    if isinstance(option, str):
        words = _other_option(list(arguments), option)
    elif _EXTRA.search(str(getattr(error, "message", ""))) or (
        isinstance(error, UnknownModel) and arguments[0] == "explain"
    ):
        words = _other_command(arguments)
    else:
        words = None
    return f"\nTry: netsize {shlex.join(words)}" if words else ""


def _other_option(arguments: list[str], option: str) -> list[str] | None:
    place = next((i for i, word in enumerate(arguments) if word.partition("=")[0] == option), None)
    name = option.lstrip("-")
    if place is None:
        return None
    _, equals, value = arguments[place].partition("=")
    before, behind = arguments[:place], arguments[place + 1 :]
    if name in MEANT and not equals:
        return [*before, *MEANT[name].split(), *behind]
    if name in RENAMED:
        return [*before, RENAMED[name], *([value] if equals else []), *behind]
    if name == "batch" and before and not before[0].startswith("-"):  # counts are per example
        model = [word for word in before if word != "show"][:1]
        return ["train", *model, "--batch", *([value] if equals else behind[:1])]
    return None


def _other_command(arguments: Sequence[str]) -> list[str] | None:
    """`netsize alexnet vgg16` compares; `netsize alexnet features.0` and `explain features.0 alexnet` explain."""
    named = [word for word in arguments if word not in ("show", "explain")]
    models = [word for word in named if _is_model(word)]
    if any(word.startswith("-") for word in named) or len(named) < 2:
        return None
    if len(models) == len(named):
        return ["compare", *named]
    if len(named) == 2 and len(models) == 1:
        return ["explain", *models, *(word for word in named if word not in models)]
    return None


def _is_model(word: str) -> bool:
    try:
        recognise(word)
    except (NetsizeError, OSError):
        return False
    return True
