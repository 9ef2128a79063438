"""Options that several commands have, and how what is written after them is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from netsize import errors
from netsize.errors import BadOption
from netsize.limits import read_size
from netsize.render import FORMATS
from netsize.sources import complete_model

DATA_SETS = {"imagenet": 1_200_000, "mnist": 60_000}  # training images, as the lecture has them


def one_of(*choices: str) -> Callable[[], list[str]]:
    return lambda: list(choices)


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A torchvision name (alexnet), or Python: path/to/net.py:Net, package.module:factory.",
        autocompletion=complete_model,
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(metavar="SIZES", help="As 3x224x224 or 5:int64, without the batch axis; once per argument."),
]
Batch = Annotated[bool, typer.Option("--batch/--no-batch", help="Put a batch axis of 1 in front.")]
Set = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="For the constructor: num_classes=10.")]
Bias = Annotated[bool, typer.Option("--bias", help="A bias is a connection of each unit, and a weight.")]
Pooling = Annotated[bool, typer.Option("--pooling", help="Count pools, too.")]
NoPadding = Annotated[bool, typer.Option("--no-padding", help="Leave out connections to padding.")]
Device = Annotated[
    str,
    typer.Option(help="auto (a GPU if there is one), cpu, cuda, mps.", autocompletion=one_of("auto", "cpu", "cuda")),
]
Verify = Annotated[
    bool, typer.Option("--verify/--no-verify", help="Run the network; or count without, and without its memory.")
]
Format = Annotated[
    str | None,
    typer.Option(metavar="FORMAT", help=f"{', '.join(FORMATS)}.", autocompletion=one_of(*FORMATS)),
]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, in the format of its ending.")
]
Memory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="That running it may take, as 4GiB; more goes layer by layer.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Run it again, though its result is remembered.")]
Cache = Annotated[
    bool, typer.Option("--cache", help="Remember a network from a Python file, too, until one of its files changes.")
]
Examples = Annotated[
    str | None,
    typer.Option(metavar="N", help="Weights per training example of so many: 50000, 1.2M, imagenet, mnist."),
]


def choose_format(format: str | None, json: bool, output: Path | None) -> str:
    """What was asked for, or what the file's ending says, or the table. Raises BadOption."""
    if json and format not in (None, "json"):
        raise BadOption(f"--json and --format {format}: say one of them")
    if format is not None and format not in FORMATS:
        raise BadOption(
            f"--format {format}: there are {', '.join(FORMATS)}.{errors.did_you_mean(format, list(FORMATS))}"
        )
    if json or format or output is None:
        return "json" if json else format or "table"
    endings = {ending: name for name, ending in FORMATS.items()}
    if output.suffix not in endings:
        raise BadOption(f"-o {output}: its ending tells no format ({', '.join(endings)}); or say --format")
    return endings[output.suffix]


def check_device(device: str) -> None:
    """Whether there is a kind of device of this name; torch alone can tell whether this machine has one. Raises
    BadOption."""
    if device.partition(":")[0] not in ("auto", "cpu", "cuda", "mps"):
        raise BadOption(f"--device {device}: there are auto, cpu, cuda, mps")


def read_examples(text: str | None) -> int | None:
    """50000, 1.2M, or the name of a data set. Raises BadOption."""
    if text is None:
        return None
    if text.lower() in DATA_SETS:
        return DATA_SETS[text.lower()]
    return read_amount("--examples", text, f", or one of {', '.join(DATA_SETS)}")


def read_amount(option: str, text: str, otherwise: str = "") -> int:
    """50000, 60K or 1.2M. Raises BadOption."""
    factor = {"K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}.get(text[-1:].upper(), 1)
    try:
        amount = round(float(text[:-1] if factor > 1 else text) * factor)
    except (ValueError, OverflowError):
        amount = 0
    if amount < 1:
        raise BadOption(f"{option} {text}: expected a number like 50000 or 1.2M{otherwise}")
    return amount


def read_memory(text: str | None) -> int | None:
    """4GiB, 512MiB or 8GB, in bytes. Raises BadOption."""
    return None if text is None else read_size(text)


def read_settings(set: list[str] | None) -> dict[str, Any]:
    """Raises BadInput."""
    from netsize.sources.settings import read_setting

    return dict(read_setting(text) for text in set or [])
