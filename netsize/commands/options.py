"""Options that several commands have, and how what is written after them is read.

A command takes an option by name, as `device: options.Device = "auto"`; or a block of them, as
`network: options.Network`, which `spread` turns into its options.
"""

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from netsize import errors
from netsize.commands.output import Output
from netsize.commands.terminal import check_open, check_writable
from netsize.errors import BadOption, NetsizeError
from netsize.facts.network import Network as Facts
from netsize.facts.question import Question
from netsize.machine import read_size
from netsize.render import FORMATS
from netsize.run import startup
from netsize.run.answer import Say, ask, question
from netsize.sources import complete_model
from netsize.sources.recognition import parts_of
from netsize.sources.settings import Settings, read_image, read_input, read_setting

DATA_SETS = {"imagenet": 1_200_000, "mnist": 60_000}  # training images, as the lecture has them


def spread(command: Callable[..., int]) -> Callable[..., int]:
    """A command as typer reads it: each parameter that is a block of options is replaced by those options, in its
    place. One that runs networks (on a device) can be told to give up after a time."""
    hints = get_type_hints(command, include_extras=True)
    blocks: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in blocks:
            own = get_type_hints(blocks[name], include_extras=True)
            parameters += [_option(f.name, f.default, own[f.name]) for f in fields(blocks[name])]
        else:
            parameters.append(_option(name, parameter.default, hints[name]))
    if any(parameter.name == "device" for parameter in parameters):
        parameters.append(_option("timeout", None, Timeout))

    @wraps(command)
    def run(**values: Any) -> int:
        if seconds := values.pop("timeout", None):
            startup.give_up_after(seconds)
        for name, block in blocks.items():
            values[name] = block(**{f.name: values.pop(f.name) for f in fields(block)})
        return command(**values)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer asks for
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _option(name: str, default: Any, hint: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def one_of(*choices: str) -> Callable[[], list[str]]:
    return lambda: list(choices)


def complete_layer(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell's completion: layers of the model that stands before, if it was counted and is remembered."""
    from netsize.facts.cache import recall

    with suppress(NetsizeError, OSError):
        model = context.params.get("model") or next(iter(context.args), None)  # behind an option that has no value yet
        network = recall(question(str(model), context.params.get("input"))) if model else None
        paths = dict.fromkeys(call.path for call in network.calls) if network else {}
        return [path for path in paths if path.startswith(incomplete)]
    return []


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A name (alexnet, timm:resnet50d, transformers:llama), a config.json, or Python: path/to/net.py:Net.",
        autocompletion=complete_model,
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SIZES", help="As 3x224x224, ids=5:int64<30522 or mask=5:int64=1, without the batch axis; repeatable."
    ),
]
NoBatch = Annotated[bool, typer.Option("--no-batch", help="The sizes are whole: put no batch axis in front.")]
Task = Annotated[str | None, typer.Option(metavar="TASK", help="Of transformers: its head, as causal-lm, or base.")]
Tokens = Annotated[int | None, typer.Option(metavar="N", min=1, help="Length of the text that it takes.")]
Image = Annotated[str | None, typer.Option(metavar="SIZE", help="Of the image that it takes: 336, or 480x640.")]
Set = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="For the constructor: num_classes=10.")]
Bias = Annotated[
    bool, typer.Option("--bias", help="Count biases, too: each is a connection of its units, and a weight.")
]
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
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, in the format of its ending.")
]
Color = Annotated[
    str,
    typer.Option(
        metavar="WHEN", help="always, never, or auto: on a terminal.", autocompletion=one_of("auto", "always", "never")
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Show it in the browser, as html if nothing else is said.")]
Memory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="That running it may take, as 4GiB; more goes layer by layer.")
]
Timeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=0.001, max=1e6, help="Give up after so long, with status 2. Default: never."),
]
Until = Annotated[
    str | None,
    typer.Option(metavar="LAYER", help="Stop behind it: its output is features.", autocompletion=complete_layer),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Run it again, though its result is remembered.")]
Cache = Annotated[
    bool, typer.Option("--cache", help="Remember a network from a Python file, too, until one of its files changes.")
]
Examples = Annotated[
    str | None,
    typer.Option(metavar="N", help="Weights per training example of so many: 50000, 1.2M, imagenet, mnist."),
]


@dataclass(frozen=True)
class Network:
    """How a network is given, besides its name: the same for all commands."""

    input: Input = None
    no_batch: NoBatch = False
    set: Set = None
    task: Task = None
    tokens: Tokens = None
    image: Image = None

    @property
    def settings(self) -> Settings:
        """Raises BadInput, BadOption."""
        image = None if self.image is None else read_image(self.image)
        return Settings(tuple(map(read_setting, self.set or [])), self.task, self.tokens, image)

    def question(self, model: str, **how: Any) -> Question:
        """What is asked of a model that is given so; it may bring its own input: net.py:Net@3x32x32. Raises
        NetsizeError."""
        if self.input and (self.tokens or self.image):
            raise BadOption("--tokens and --image change the network's own input: leave --input away")
        place = parts_of(model)[0]
        name, *own = [model] if "@" in place and Path(place).exists() else model.split("@")  # a folder may have one
        return question(name, own or self.input, self.settings, batch=not self.no_batch, **how)


@dataclass(frozen=True)
class Remembering:
    """Whether a result is remembered."""

    fresh: Fresh = False
    cache: Cache = False

    def ask(self, question: Question, say: Say) -> Facts:
        return ask(question, say, fresh=self.fresh, keep_python=self.cache)


@dataclass(frozen=True)
class Delivery:
    """Where the answer goes, and in which format."""

    format: Format = None
    json: Json = False
    output: OutputFile = None
    open: Open = False
    color: Color = "auto"

    def checked(self) -> Output:
        """Before the work is done, not after it. Raises BadOption."""
        if self.color not in ("auto", "always", "never"):
            raise BadOption(f"--color {self.color}: there are auto, always, never")
        if self.open and not (self.format or self.json or self.output):
            return Output("html", None, self.open, self.color)
        chosen = _format(self.format, self.json, self.output)
        if self.output is None:
            check_open()
        else:
            check_writable(self.output)
        return Output(chosen, self.output, self.open, self.color)


def _format(format: str | None, json: bool, output: Path | None) -> str:
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


def check_inputs(input: list[str] | None) -> None:
    """Before torch is imported. Raises BadInput."""
    for text in input or []:
        read_input(text)
