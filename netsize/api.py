"""The Python API: netsize.analyze(model, input=...) -> Report, and what the other commands show."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netsize import startup
from netsize.count import count
from netsize.errors import BadInput, BadModel, BadOption, NetsizeError
from netsize.network import Network, Source
from netsize.report import Convention, Options, Report
from netsize.sources.settings import InputSpec, read_input

if TYPE_CHECKING:
    import torch
    from torch import nn

    from netsize.comparison import Comparison
    from netsize.cost import Plan, Training
    from netsize.explanation import Explanation
    from netsize.growth import Sweep
    from netsize.sources.built import Built

Shapes = str | Sequence[str] | tuple[int, ...]


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
    receptive_field: bool = False,
    freeze: Sequence[str] = (),
    classes: int | None = None,
    until: str | None = None,
    examples: int | None = None,
    everything: bool = False,
) -> Report:
    """Count the units, connections and weights of a network, and verify every count by running it.

    model: an nn.Module, or what the command line takes: "alexnet", "net.py:Net", "package.module:factory".
        A module is copied, and left exactly as it was; forward hooks that it has run on the copy.
    input: shapes without the batch axis ("3x224x224", (3, 224, 224), or a list of such texts, one per
        argument of forward), or the arguments themselves, with a batch axis of which the first example is
        taken. None: torchvision's default input, or the model's `example_input_array`.
    device: cpu, cuda, mps, or auto: a GPU if there is one.
    verify: really run the network. Without, it is counted on fake tensors that take no memory.
    batch: False for a network that takes no batch axis: shapes are then the whole shapes.
    bias, pooling, padding: the convention, see `netsize.Convention`.
    settings: arguments for the constructor of a model that is given by name.
    receptive_field: verify receptive fields, too, by gradients: `row.field`, `report.field`.
    freeze: patterns of parameters or modules that are not trained: `row.trainable`, `report.totals.trainable`.
    classes: put a classifier with so many classes in the place of the last one.
    until: stop behind this layer: `report.features` is the shape of what comes out there.
    examples: size of the data set, for weights per training example.
    everything: rows for all operations, also those that own nothing.

    Counts are per example. Raises netsize.NetsizeError with a message for the user.
    """
    network = examine(
        model,
        input,
        device=device,
        verify=verify,
        batch=batch,
        settings=settings,
        fields="all" if receptive_field else "",
        classes=classes,
        until=until,
    )
    options = Options(receptive_field, _patterns(freeze), everything, examples)
    return count(network, Convention(bias, pooling, padding), options)


def examine(
    model: "str | nn.Module",
    input: Any = None,
    *,
    device: "str | torch.device" = "auto",
    verify: bool = True,
    batch: bool = True,
    settings: Mapping[str, Any] | None = None,
    fields: str = "",
    classes: int | None = None,
    until: str | None = None,
    limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Network:
    """What one forward pass writes down, before any convention: see `analyze` and `analysis.analyze_built`."""
    from netsize.analysis import analyze_built
    from netsize.sources.environment import choose_device

    where = choose_device(str(device))
    named = model if isinstance(model, str) else type(model).__name__
    say(f"building {named}")
    built = built_model(model, verify, settings or {})
    specs = _read(input, built)

    def on_layer(layers: int) -> None:
        startup.check()
        say(f"{'running' if verify else 'counting'} {named}: layer {layers}")

    return analyze_built(
        built,
        specs,
        device=where,
        verify=verify,
        batch=batch,
        fields=fields,
        classes=classes,
        until=until,
        limit=limit,
        on_layer=on_layer,
        say=say,
    )


def explain(
    model: "str | nn.Module",
    layer: str | None = None,
    input: Any = None,
    *,
    device: "str | torch.device" = "auto",
    verify: bool = True,
    settings: Mapping[str, Any] | None = None,
    examples: int | None = None,
) -> "Explanation":
    """A layer's numbers derived step by step, or, without `layer`, the network's story. Print it, or read its
    `sections`. Arguments are those of `analyze`. Raises netsize.NetsizeError."""
    from netsize.explanation import explain_layer, explain_network

    fields = (layer or "last").partition(" #")[0]
    network = examine(model, input, device=device, verify=verify, settings=settings, fields=fields)
    return explain_network(network, examples) if layer is None else explain_layer(network, layer)


def compare(
    models: "Sequence[str | nn.Module]",
    input: Any = None,
    *,
    device: "str | torch.device" = "auto",
    verify: bool = True,
) -> "Comparison":
    """Networks side by side: modules, names, patterns ("resnet*"), saved reports ("sizes.json"). Print it, or read
    its `entries`; one that could not be counted says why in `error`. Raises netsize.NetsizeError for a name that
    is nothing."""
    from netsize.comparison import Comparison, Entry, compare_models, expand, of_report

    def counted(model: "str | nn.Module") -> Report:
        return count(examine(model, input, device=device, verify=verify, fields="last"))

    entries: list[Entry] = []
    for model in [models] if isinstance(models, str) else models:
        if isinstance(model, str):
            entries += compare_models(expand([model]), counted).entries
        else:
            name = type(model).__name__
            try:
                entries.append(of_report(name, counted(model)))
            except NetsizeError as error:
                entries.append(Entry(name, error=str(error)))
    return Comparison(tuple(entries))


def sweep(
    model: "str | nn.Module",
    sizes: Sequence[int],
    *,
    varies: str = "input",
    shape: str | None = None,
    settings: Mapping[str, Any] | None = None,
    device: "str | torch.device" = "auto",
) -> "Sweep":
    """How a network's counts grow with the sides of its input (`varies`: "input", "width" or "height"; `shape`: the
    input whose last two sides vary, without the batch axis) or with an argument of its constructor (`varies`: its
    name). Print it, or read its `points`, `exponents()`, `smallest` and `why`. Raises netsize.NetsizeError."""
    from netsize.growth import AXES
    from netsize.sizes import over_settings, over_sizes

    over = over_sizes if varies in AXES else over_settings
    return over(model, varies, list(sizes), shape, settings or {}, str(device), lambda _: None)


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
) -> "Training":
    """What it costs to train a network: memory by part and by layer in bytes, add-multiplies per example, data.

    model, input, settings: as for `analyze`. The network is trained on the sum of all that it puts out.
    batch: examples in a step; None: 64, or, with `memory` (bytes, or "16GiB"), the largest batch that fits it.
    optimizer: sgd, momentum, adam or adamw, as torch.optim has them.
    dtype, amp: float32, bfloat16 or float16 for all (None: as the network is); with `amp` for what torch.autocast
        runs in it.
    freeze: patterns of parameters or modules that are not trained, besides those that need no gradient anyway.
    checkpoint: patterns of modules whose activations are computed again in backward.
    examples, epochs: for the operations of an epoch and of all, and for weights per example.
    measure: train a few real steps on random data, on the device, and compare.

    Print it, or read it. Raises netsize.NetsizeError."""
    from netsize.cost import Plan
    from netsize.limits import read_size

    memory = read_size(memory) if isinstance(memory, str) else memory
    plan = Plan(
        batch, optimizer, dtype, amp, _patterns(freeze), _patterns(checkpoint), examples, epochs, memory
    )  # fmt: skip
    plan.check()
    return train_model(model, input, plan, settings or {}, str(device), measure=measure)


def train_model(
    model: "str | nn.Module",
    input: Any,
    plan: "Plan",
    settings: Mapping[str, Any],
    device: str,
    *,
    free: bool = False,
    measure: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> "Training":
    """See `training`. `free`: find the largest batch for the memory that the device has left."""
    from netsize.memory import available
    from netsize.sources.environment import choose_device
    from netsize.trained import train_built

    where = choose_device(device)
    if free:
        left = available(where)
        if left is None:
            raise BadOption(f"--memory free: {where.type} does not tell how much it has left; say it, as 16GiB")
        plan = replace(plan, memory=left)
    say(f"building {model if isinstance(model, str) else type(model).__name__}")
    built = built_model(model, measure, settings)
    return train_built(built, _read(input, built), plan, where, measure, say)


def _patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)


def built_model(model: "str | nn.Module", verify: bool, settings: Mapping[str, Any]) -> "Built":
    """A network that may be run and changed. Raises NetsizeError."""
    import torch

    from netsize.sources import source_of
    from netsize.sources.built import Built, plain
    from netsize.sources.python import as_arguments

    if isinstance(model, str):
        with torch.random.fork_rng(devices=[]):
            built: Built = source_of(model).load(model, settings)
            return built
    model = plain(model)
    name = type(model).__name__
    if settings and isinstance(model, torch.nn.Module):
        raise BadModel(f"{name} is a network already: settings have nothing to set")
    if not isinstance(model, torch.nn.Module):
        raise BadModel(f"{name} is neither a torch.nn.Module nor the name of a model")
    example = as_arguments(getattr(model, "example_input_array", None))
    copied = _private_copy(model, with_values=verify)
    return Built(copied, Source("python", name, name), example=example)


def _private_copy(model: "nn.Module", with_values: bool) -> "nn.Module":
    """A copy that may be run and changed. Without values its parameters share the memory of the original's,
    which nothing that runs on fake tensors ever writes to."""
    import torch

    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in (*module.__dict__.values(), *module._parameters.values()):
            if isinstance(value, torch.nn.Parameter) and not torch.nn.parameter.is_lazy(value):
                data = value.detach().clone() if with_values else value.detach()
                memo[id(value)] = torch.nn.Parameter(data, requires_grad=value.requires_grad)
            elif isinstance(value, torch.Tensor) and not value.is_leaf:  # torch.nn.utils.weight_norm keeps one
                memo[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        raise BadModel(f"{type(model).__name__} cannot be copied, which keeps yours as it is: {error}") from error


def _read(input: Any, built: "Built") -> tuple[InputSpec, ...]:
    """Shapes; or none, with the user's own arguments put in the place of the example."""
    if input is None:
        return ()
    if isinstance(input, str):
        return (read_input(input),)
    if isinstance(input, Sequence) and input and all(isinstance(item, str) for item in input):
        return tuple(read_input(item) for item in input)
    if isinstance(input, (tuple, list)) and input and all(isinstance(size, int) for size in input):
        if min(input) < 1:
            raise BadInput(f"input {tuple(input)}: every size must be at least 1")
        return (InputSpec(tuple(input)),)
    built.example, built.inputs = input if isinstance(input, tuple) else (input,), ()
    return ()
