"""The Python API: netsize.analyze(model, input=...) -> Report, and what the other commands show."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from netsize import sources
from netsize.costs.plan import Plan
from netsize.errors import BadOption, NetsizeError, one_line
from netsize.machine import read_size
from netsize.results.comparison import Comparison, Entry, compare_models, of_report
from netsize.results.count import count
from netsize.results.diagram import Diagram, diagram
from netsize.results.explanation import Explanation, explain_layer, explain_network
from netsize.results.report import Convention, Options, Report
from netsize.results.sweep import Sweep
from netsize.sources.settings import Settings

if TYPE_CHECKING:
    import torch
    from torch import nn

    from netsize.costs.training import Training

Given = ParamSpec("Given")
Result = TypeVar("Result")


def in_python(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """What goes wrong is told with the arguments of Python, and not with options of the command line."""

    @wraps(function)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except NetsizeError as error:
            raise type(error)(_with_arguments(str(error))) from error

    return told


_OPTION = re.compile(r"--([a-z][a-z-]*)(?: (cuda|cpu|\d(?:[\w:<=]*\w)?|\S+(?=: )))?")


def _with_arguments(text: str) -> str:
    """`--input 3x32x32` is `input="3x32x32"`, `--no-verify` is `verify=False`, and `--receptive-field` its name."""

    def argument(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_")
        if name.startswith("no_"):
            return f"{name.removeprefix('no_')}=False"
        name = {"set": "settings", "all": "everything"}.get(name, name)
        value = found[2] if name != "input" and (found[2] or "").isdigit() else f'"{found[2]}"'
        return f"{name}={value}" if found[2] else name

    return _OPTION.sub(argument, text)


Shapes = str | Sequence[str] | tuple[int, ...]


@in_python
def analyze(
    model: "str | nn.Module",
    input: "Shapes | torch.Tensor | tuple[Any, ...] | None" = None,
    *,
    device: "str | torch.device" = "auto",
    verify: bool = True,
    batch: bool = True,
    bias: bool = False,
    pooling: bool = False,
    padding: bool = True,
    settings: Mapping[str, Any] | None = None,
    task: str | None = None,
    tokens: int | None = None,
    image: int | tuple[int, int] | None = None,
    receptive_field: bool = False,
    freeze: Sequence[str] = (),
    classes: int | None = None,
    until: str | None = None,
    examples: int | None = None,
    everything: bool = False,
) -> Report:
    """Count the units, connections and weights of a network, and verify every count by running it.

    model: an nn.Module, or what the command line takes: "alexnet", "net.py:Net", "package.module:factory".
        A module is run itself, with its hooks and whatever it reaches, and put back exactly as it was.
    input: shapes without the batch axis ("3x224x224", (3, 224, 224), or a list of such texts, one per
        argument of forward), or the arguments themselves (a dictionary: by name), with a batch axis of which the
        first example is taken. None: torchvision's default input, or the model's `example_input_array`.
    device: cpu, cuda, mps, or auto: a GPU if there is one.
    verify: really run the network. Without, it is counted on fake tensors that take no memory.
    batch: False for a network that takes no batch axis: shapes are then the whole shapes.
    bias, pooling, padding: the convention, see `netsize.Convention`.
    settings: arguments for the constructor of a model that is given by name.
    task, tokens, image: of a model that is given by name: its head ("causal-lm", "base"), and how long a text or how
        large an image (336, or height and width) its own input is.
    receptive_field: verify receptive fields, too, by gradients: `row.field`, `report.field`.
    freeze: patterns of parameters or modules that are not trained: `row.trainable`, `report.totals.trainable`.
    classes: put a classifier with so many classes in the place of the last one.
    until: stop behind this layer: `report.features` is the shape of what comes out there.
    examples: size of the data set, for weights per training example.
    everything: rows for all operations, also those that own nothing.

    Counts are per example. Raises netsize.NetsizeError with a message for the user.
    """
    from netsize.run.examination import examine

    network = examine(
        model,
        input,
        device=device,
        verify=verify,
        batch=batch,
        settings=_settings(settings, task, tokens, image),
        fields="all" if receptive_field else "",
        classes=classes,
        until=until,
    )
    options = Options(receptive_field, _patterns(freeze), everything, examples)
    return count(network, Convention(bias, pooling, padding), options)


@in_python
def explain(
    model: "str | nn.Module",
    layer: str | None = None,
    input: Any = None,
    *,
    device: "str | torch.device" = "auto",
    verify: bool = True,
    settings: Mapping[str, Any] | None = None,
    examples: int | None = None,
) -> Explanation:
    """A layer's numbers derived step by step, or, without `layer`, the network's story. Print it, or read its
    `sections`. Arguments are those of `analyze`. Raises netsize.NetsizeError."""
    from netsize.run.examination import examine

    fields = (layer or "last").partition(" #")[0]
    network = examine(model, input, device=device, verify=verify, settings=_settings(settings), fields=fields)
    return explain_network(network, examples) if layer is None else explain_layer(network, layer)


@in_python
def compare(
    models: "Sequence[str | nn.Module]",
    input: Any = None,
    *,
    device: "str | torch.device" = "auto",
    verify: bool = True,
) -> Comparison:
    """Networks side by side: modules, names, patterns ("resnet*"), saved reports ("sizes.json"). Print it, or read
    its `entries`; one that could not be counted says why in `error`. Raises netsize.NetsizeError for a name that
    is nothing."""
    from netsize.run.examination import examine

    def counted(model: "str | nn.Module") -> Report:
        return count(examine(model, input, device=device, verify=verify, fields="last"))

    entries: list[Entry] = []
    for model in [models] if isinstance(models, str) else models:
        if isinstance(model, str):
            entries += compare_models(sources.expand([model]), counted).entries
        else:
            name = type(model).__name__
            try:
                entries.append(of_report(name, counted(model)))
            except NetsizeError as error:
                entries.append(Entry(name, error=one_line(error)))
    return Comparison(tuple(entries))


@in_python
def draw(
    model: "str | nn.Module",
    input: Any = None,
    *,
    depth: int | None = None,
    device: "str | torch.device" = "auto",
    verify: bool = True,
    settings: Mapping[str, Any] | None = None,
    until: str | None = None,
) -> Diagram:
    """A network as papers draw it: its feature maps as boxes, in order of execution, with what each is made of; blocks
    that are repeated once. Take `to_svg()`, `to_latex()` (TikZ, a document of its own) or `to_html()`, or read `boxes`
    and `repeats`. `depth`: levels of modules that are drawn (None: as many as a figure holds). Raises
    netsize.NetsizeError."""
    from netsize.run.examination import examine

    if depth is not None and depth < 1:
        raise BadOption(f"depth {depth}: at least 1")
    network = examine(model, input, device=device, verify=verify, settings=_settings(settings), until=until)
    return diagram(network, depth)


@in_python
def sweep(
    model: "str | nn.Module",
    sizes: Sequence[int],
    *,
    varies: str = "input",
    shape: str | None = None,
    settings: Mapping[str, Any] | None = None,
    device: "str | torch.device" = "auto",
) -> Sweep:
    """How a network's counts grow with the sides of its input (`varies`: "input", "width" or "height"; `shape`: the
    input whose last two sides vary, without the batch axis) or with an argument of its constructor (`varies`: its
    name, or "set:width" for one that is named like a size). Print it, or read its `points`, `exponents()`, `smallest`
    and `why`. Raises netsize.NetsizeError."""
    from netsize.run.sweep import sweep

    return sweep(model, varies, list(sizes), shape, _settings(settings), str(device), lambda _: None)


@in_python
def training(
    model: "str | nn.Module",
    input: Any = None,
    *,
    batch: int | None = None,
    optimizer: str = "sgd",
    dtype: str | None = None,
    amp: bool = False,
    freeze: Sequence[str] = (),
    checkpoint: Sequence[str] = (),
    examples: int | None = None,
    epochs: int | None = None,
    memory: int | str | None = None,
    measure: bool = False,
    device: "str | torch.device" = "auto",
    settings: Mapping[str, Any] | None = None,
    task: str | None = None,
    tokens: int | None = None,
    image: int | tuple[int, int] | None = None,
) -> "Training":
    """What it costs to train a network: memory by part and by layer in bytes, add-multiplies per example, data.

    model, input, settings, task, tokens, image: as for `analyze`. The network is trained on the sum of all
        that it puts out.
    batch: examples in a step; None: 64, or, with `memory` (bytes, or "16GiB"), the largest batch that fits it.
    optimizer: sgd, momentum, adam or adamw, as torch.optim has them.
    dtype, amp: float32, bfloat16 or float16 for all (None: as the network is); with `amp` for what torch.autocast
        runs in it.
    freeze: patterns of parameters or modules that are not trained, besides those that need no gradient anyway.
    checkpoint: patterns of modules whose activations are computed again in backward.
    examples, epochs: for the operations of an epoch and of all, and for weights per example.
    measure: train a few real steps on random data, on the device, and compare.

    Print it, or read it. Raises netsize.NetsizeError."""
    from netsize.costs.prediction import train_model

    memory = read_size(memory) if isinstance(memory, str) else memory
    plan = Plan(
        batch, optimizer, dtype, amp, _patterns(freeze), _patterns(checkpoint), examples, epochs, memory
    )  # fmt: skip
    plan.check()
    return train_model(model, input, plan, _settings(settings, task, tokens, image), str(device), measure=measure)


def formula(
    operation: str, *, added: tuple[str, ...] = ("bias",)
) -> "Callable[[Callable[..., int]], Callable[..., int]]":
    """Say how many inputs each output of an operation of your own is connected to, and it is counted like all others:

        netsize.formula("mylib::linear")(lambda x, weight, bias=None: weight.shape[1])

    operation: the name under which torch.library knows it, with its namespace.
    added: names of arguments that are added to what is summed; they are 0 where it is run on ones.

    The function gets the arguments of the operation. Each element of what comes out first is a unit, and parameters
    among the arguments are its weights. The count is verified by running the operation itself on ones: what comes
    out must be the fan-in. Raises netsize.NetsizeError for a name without a namespace, and for one of torch's own
    that netsize counts already."""
    from netsize.trace.custom import register

    return register(operation, added)


def _settings(
    arguments: Mapping[str, Any] | None,
    task: str | None = None,
    tokens: int | None = None,
    image: int | tuple[int, int] | None = None,
) -> Settings:
    return Settings(tuple((arguments or {}).items()), task, tokens, (image, image) if isinstance(image, int) else image)


def _patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)
