"""Transfer learning: another classifier on a network's features, or its features alone."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from netsize.errors import BadOption, did_you_mean
from netsize.run.fake_tensors import without_values
from netsize.run.inputs import MakeInputs
from netsize.run.switches import contexts
from netsize.sources.built import Built
from netsize.sources.factory import quiet
from netsize.sources.initialisers import SkipInitialisers
from netsize.trace.higher_order import Bodies
from netsize.trace.operations import tensors
from netsize.trace.ragged import shape_of

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


class Reached(BaseException):
    """The layer of `until` was executed. No Exception: a network's own `except` must not catch it."""


class Until:
    """Stops a forward pass behind a layer: `layer4`, or `layer1.0.relu #3` for its third call."""

    def __init__(self, model: nn.Module, layer: str) -> None:
        self.layer = layer
        path, _, call = layer.partition(" #")
        modules = dict(model.named_modules())
        if not path or path not in modules or (call and (not call.isdecimal() or int(call) < 1)):
            near = did_you_mean(path, [name for name in modules if name])
            raise BadOption(f"--until {layer}: {type(model).__name__} has no such layer.{near}")
        self._module, self._calls = modules[path], int(call or 1)
        self.features: tuple[tuple[int, ...], ...] = ()

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Around the forward pass. Raises BadOption if the layer is not reached."""
        handle = self._module.register_forward_hook(self._called)
        try:
            yield
        except Reached:
            return
        finally:
            handle.remove()
        raise BadOption(f"--until {self.layer}: a forward pass never reaches it, or not so often")

    def _called(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._calls -= 1
        if self._calls == 0:
            self.features = tuple(map(shape_of, tensors(output)))
            raise Reached


def replace_classifier(built: Built, make_inputs: MakeInputs, classes: int) -> str:
    """Put a layer with so many classes in the place of the last one, and return its path. Raises BadOption."""
    found = _classifier(built.model, make_inputs)
    if found is None:
        raise BadOption(
            f"--classes: {built.source.model} has no classifier: what it puts out is not what a last fully "
            "connected layer or convolution gives for each class"
        )
    path, layer = found
    skip = SkipInitialisers()
    with skip:
        new = _alike(layer, classes)
    parent, _, name = path.rpartition(".")
    setattr(built.model.get_submodule(parent), name, new)
    built.blank += skip.blank
    return path


def _classifier(model: nn.Module, make_inputs: MakeInputs) -> tuple[str, nn.Module] | None:
    """The last fully connected layer or convolution that is executed, if it has an output for each of the network's."""
    executed: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_, path=path: executed.append(path))
        for path, module in model.named_modules()
        if isinstance(module, (nn.Linear, *CONVOLUTIONS)) and path
    ]
    try:
        with ExitStack() as stack:
            for context in (quiet(), *contexts(torch.device("cpu")), without_values(model), Bodies()):
                stack.enter_context(context)
            output = make_inputs(torch.device("cpu")).given_to(model)
    except Exception:  # the real pass will say what is wrong, and where
        return None
    finally:
        for handle in handles:
            handle.remove()
    given = tensors(output)
    if not executed or not given or given[0].dim() != 2:  # of several outputs (logits, features ...) the first
        return None
    layer = model.get_submodule(executed[-1])
    outputs = getattr(layer, "out_features", None) or getattr(layer, "out_channels", None)
    return (executed[-1], layer) if outputs == given[0].shape[1] else None


def _alike(layer: Any, classes: int) -> nn.Module:
    """A layer with as many outputs as there are classes, and all else as it was."""
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, classes, bias, dtype=layer.weight.dtype)
    same = ("in_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
    settings: dict[str, Any] = {name: getattr(layer, name) for name in same}
    build: Any = next(kind for kind in CONVOLUTIONS if isinstance(layer, kind))
    convolution: nn.Module = build(out_channels=classes, bias=bias, dtype=layer.weight.dtype, **settings)
    return convolution
