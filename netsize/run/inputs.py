"""Arguments of forward: uniformly random numbers of a given shape, or the user's own tensors, at batch size 1, or
as many examples as are asked for."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from netsize.errors import BadInput
from netsize.sources.built import Arguments, Built, as_arguments
from netsize.sources.settings import InputSpec, read_input
from netsize.trace.operations import tensors

MakeInputs = Callable[[torch.device], Arguments]


def read_given(input: Any, built: Built) -> tuple[InputSpec, ...]:
    """Shapes, from texts or numbers; or none, with the user's own arguments put in the place of the example. Raises
    BadInput."""
    shapes = read_shapes(input)
    if shapes is None:
        built.example, built.inputs = as_arguments(input, built.model.forward), ()
    return shapes or ()


def read_shapes(input: Any) -> tuple[InputSpec, ...] | None:
    """None for what are no shapes, but arguments. Raises BadInput."""
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
    return None


def known_inputs(built: Built, specs: Sequence[InputSpec], values: bool) -> tuple[InputSpec, ...]:
    """Those given, or the network's own; none, if it has an example, or takes nothing. `values`: whether it will be
    run with them. Raises BadInput."""
    found = tuple(specs) or built.inputs
    if not found and built.example is None and _takes_nothing(built.model):
        built.example = Arguments()
    if not found and built.example is None:
        raise BadInput(
            f"{built.source.model}: say what it takes, as --input 3x224x224 (no batch axis; once per argument)"
        )
    if not (found or values) and built.example and any(tensor.is_nested for tensor in tensors(built.example.values)):
        raise BadInput(f"{built.source.model} takes nested tensors, which have no shapes without their values")
    return found


def _takes_nothing(model: nn.Module) -> bool:
    """Whether forward has no argument that must be given: a generator that draws its own noise."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return False
    return not any(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters)


def arguments_of(built: Built, specs: Sequence[InputSpec], batch: bool, examples: int = 1) -> MakeInputs:
    """What forward is called with, on a device. `batch` puts a batch axis of so many `examples` in front."""
    if specs:
        return _of_shapes(specs, built, batch, examples)
    example = built.example
    assert example is not None
    whole = batch_of(example.values) if batch else None

    def given(device: torch.device) -> Arguments:
        """The user's own tensors; of a batch, the first example, as often as it is asked for."""

        def moved(value: Any) -> Any:
            return _moved(value, device, whole, examples)

        return Arguments(tuple(map(moved, example.positional)), {k: moved(v) for k, v in example.named.items()})

    return given


def _of_shapes(specs: Sequence[InputSpec], built: Built, batch: bool, examples: int) -> MakeInputs:
    """Numbers in 0..1 of the network's own type; whole numbers and truth values are 0, which is an index
    into any table, if nothing else is said."""
    own = next((p.dtype for p in built.model.parameters() if p.is_floating_point()), torch.float32)

    def arguments(device: torch.device) -> Arguments:
        def tensor(spec: InputSpec) -> torch.Tensor:
            return _tensor(spec, own, (examples,) * (batch and spec.batched), device)

        positional = tuple(tensor(spec) for spec in specs if not spec.name)
        named = _nested({spec.name: tensor(spec) for spec in specs if spec.name})
        return Arguments(built.arrange(positional), named | built.constants)

    return arguments


def _nested(named: dict[str, Any]) -> dict[str, Any]:
    """Names with dots lead into dictionaries: {"a.b": x} -> {"a": {"b": x}}."""
    found: dict[str, Any] = {}
    for name, value in named.items():
        *way, last = name.split(".")
        inner = found
        for part in way:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found


def _tensor(spec: InputSpec, own: torch.dtype, batch: tuple[int, ...], device: torch.device) -> torch.Tensor:
    dtype = getattr(torch, spec.type) if spec.type else own
    shape = (*batch, *spec.shape)
    if spec.value is not None:
        return torch.full(shape, spec.value, dtype=dtype, device=device)
    if spec.below is not None:
        return torch.randint(0, spec.below, shape, dtype=dtype, device=device)
    if dtype.is_floating_point or dtype.is_complex:
        return torch.rand(shape, dtype=dtype, device=device)
    return torch.zeros(shape, dtype=dtype, device=device)


def batch_of(values: Sequence[Any]) -> int | None:
    """Length of the batch axis: the first one of the first tensor that has any. A tensor of another length holds
    something else than examples."""
    for value in values:
        if isinstance(value, PackedSequence):
            return int(value.batch_sizes[0])
        if isinstance(value, torch.Tensor) and value.dim():
            return int(value.size(0))
        inner = list(value.values()) if isinstance(value, dict) else value
        found = batch_of(inner) if isinstance(inner, (list, tuple)) else None
        if found is not None:
            return found
    return None


def _first_packed(packed: PackedSequence, examples: int, device: torch.device) -> PackedSequence:
    """The longest of its sequences, so many times; with 0 all of them. At each step it stands first."""
    if not examples:
        return packed.to(device)  # type: ignore[arg-type]  # torch's stubs know types only
    first = packed.batch_sizes.cumsum(0) - packed.batch_sizes
    data = packed.data.detach()[first.to(packed.data.device)].repeat_interleave(examples, 0)
    return PackedSequence(data.to(device), torch.full_like(packed.batch_sizes, examples))


def _moved(value: Any, device: torch.device, batch: int | None, examples: int) -> Any:
    if isinstance(value, PackedSequence):
        return _first_packed(value, examples if batch is not None else 0, device)
    if isinstance(value, torch.Tensor):
        value = value.detach()
        if batch is None or not value.dim() or value.size(0) != batch:
            return value.to(device)
        if value.is_nested:
            return torch.nested.nested_tensor(list(value.unbind())[:1] * examples, layout=value.layout, device=device)
        first = value[:1] if value.layout is torch.strided else value.index_select(0, torch.tensor([0]))
        return first.to(device).repeat(examples, *[1] * (value.dim() - 1)) if examples > 1 else first.to(device)
    if isinstance(value, dict):
        return {key: _moved(item, device, batch, examples) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_moved(item, device, batch, examples) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value
