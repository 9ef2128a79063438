"""Where fake tensors are not what torch's kernels and its engine make of real ones: found by comparing real steps."""

from typing import Any

import torch

from netsize.trace.operations import Given, named
from netsize.trace.silent_operations import name_of

aten = torch.ops.aten


def added_in_place(func: Any, args: Any) -> Any:
    """Two gradients of one tensor are added up in the memory of the first, if nobody else holds it; that of a fake
    tensor is always spared (torch/csrc/autograd/input_buffer.cpp)."""
    return aten.add_.Tensor if func is aten.add.Tensor and _is_unshared(*args) else func


def _is_unshared(first: torch.Tensor, other: Any, *_: Any) -> bool:
    """One holder is the engine's buffer; the others are the call itself: two arguments and a Python object, and of the
    memory that object's."""
    if not isinstance(other, torch.Tensor) or (first.shape, first.dtype) != (other.shape, other.dtype):
        return False
    holders: int = first._use_count()  # type: ignore[attr-defined]  # torch has it, its stubs do not
    of_memory: int = torch._C._storage_Use_Count(first.untyped_storage()._cdata)
    return holders <= 4 and of_memory <= 2 and torch._debug_has_internal_overlap(first) == 0


# What is kept of a normalisation: fake tensors have it in the type of the input.
_STATISTICS = {
    "aten.native_batch_norm": "weight",
    "aten.native_layer_norm": "weight",
    "aten.native_group_norm": "weight",
    "aten._weight_norm_interface": "g",
}
_HALF = (torch.bfloat16, torch.float16)


def execute(func: Any, args: Any, kwargs: Any) -> Any:
    """On fake tensors, with outputs as torch's kernels make them."""
    if func is aten._cudnn_rnn.default:
        return _recurrent(func, named(func, args, kwargs))
    if func is aten._cudnn_rnn_backward.default:
        return _recurrent_backward(named(func, args, kwargs))
    return _as_they_do(func, args, kwargs, func(*args, **kwargs))


def _recurrent(func: Any, given: Given) -> Any:
    """Where the weights lie one behind the other in one buffer, it goes in and out; fake ones lie nowhere."""
    output = func(**given | {"weight_buf": None})
    return (*output[:4], given["weight"][0].detach() if given["weight_buf"] is None else given["weight_buf"])


def _recurrent_backward(given: Given) -> Any:
    """For which fake tensors have no kernel: a gradient for each that is wanted, those of all weights in one buffer."""
    firsts = [
        torch.empty_like(given[name]) if wanted and given[name] is not None else None
        for name, wanted in zip(("input", "hx", "cx"), given["output_mask"])
    ]
    weights = given["weight"]
    if not given["output_mask"][3]:
        return (*firsts, [None] * len(weights))
    buffer = weights[0].new_empty(sum(weight.numel() for weight in weights))
    pieces = buffer.split([weight.numel() for weight in weights])
    return (*firsts, [piece.view_as(weight) for piece, weight in zip(pieces, weights)])


def _as_they_do(func: Any, args: Any, kwargs: Any, output: Any) -> Any:
    """Outputs of fake tensors as the CPU's kernels make them: means and deviations of half a precision are float32 if
    the parameters are (ATen/native/cpu/mixed_data_type.h), and norms of float16 weights always."""
    which = _STATISTICS.get(name_of(func))
    if which is None or output[0].device.type != "cpu" or output[0].dtype not in _HALF:
        return output
    parameter = named(func, args, kwargs)[which]
    if which == "g" or (parameter is not None and parameter.dtype == torch.float32):
        statistics = (t.to(torch.float32) if t.dtype in _HALF else t for t in output[1:])
        return (output[0], *statistics)
    return output
