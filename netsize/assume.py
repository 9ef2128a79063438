"""What fake tensors cannot know: how many boxes survive, which places are not zero.

A network that is counted without being run has no values to decide by. It is counted as if every candidate
survived: the most that it can execute. The report says so.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException
from torch.utils._python_dispatch import TorchDispatchMode

from netsize import silent

aten = torch.ops.aten


class EverythingSurvives(TorchDispatchMode):
    """Entered above the fake tensors: answers what they refuse to."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """See `netsize.tracer.Tracer`."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        try:
            return func(*args, **(kwargs or {}))
        except (DynamicOutputShapeException, DataDependentOutputException):
            answer = _ANSWERS.get(silent.name(func))
            if answer is None:
                raise
            return answer(*args)


def _nonzero(mask: torch.Tensor) -> torch.Tensor:
    return mask.new_empty((mask.numel(), mask.dim()), dtype=torch.int64)


def _index(tensor: torch.Tensor, indices: list[torch.Tensor | None]) -> Any:
    """A mask becomes one list of indices for each of its axes."""
    places: list[torch.Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype in (torch.bool, torch.uint8):
            places += [index.new_empty(index.numel(), dtype=torch.int64) for _ in range(index.dim())]
        else:
            places.append(index)
    return aten.index.Tensor(tensor, places)


def _unique(tensor: torch.Tensor, *_: Any) -> tuple[torch.Tensor, ...]:
    """One class of candidates: torchvision suppresses overlapping boxes class by class, without connections."""
    one = tensor.new_empty(1)
    return one, tensor.new_empty(tensor.shape, dtype=torch.int64), one.new_empty(1, dtype=torch.int64)


def _number(tensor: torch.Tensor) -> bool | int | float:
    return tensor.dtype.is_floating_point * 1.0 or (True if tensor.dtype == torch.bool else 1)


_ANSWERS: dict[str, Callable[..., Any]] = {
    "aten.nonzero": _nonzero,
    "aten.index": _index,
    "aten.masked_select": lambda tensor, mask: tensor.new_empty(tensor.numel()),
    "aten._unique2": _unique,
    "aten._local_scalar_dense": _number,
    "torchvision.nms": lambda boxes, scores, overlap: boxes.new_empty(len(boxes), dtype=torch.int64),
}
