"""What torch's kernels for its meta device make of fake tensors: asked directly, where the kernels of the device that
those are on make the same."""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensor

from netsize.run import compiler
from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.silent_operations import is_elementwise, name_of

aten = torch.ops.aten
META = torch.device("meta")  # by its name it takes torch as long again to find


@dataclass(eq=False, slots=True)
class Layout:
    """How a tensor lies in memory."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    device: torch.device


layout = lru_cache(10_000)(Layout)  # the same for the same, so that comparing it compares nothing else


class Made(NamedTuple):
    """One result of an operation on arguments that lie in memory as they did then."""

    lies: Layout
    argument: int | None  # the tensor among the arguments in whose memory it lies
    itself: bool  # it is that argument


def layout_of(tensor: FakeTensor) -> Layout:
    return layout(tensor.size(), tensor.stride(), int(tensor.storage_offset()), tensor.dtype, tensor.fake_device)


def ask(func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> tuple[type | None, list[Made]] | None:
    """What `func` makes of its arguments; None where the meta kernel may say something else, or where there is none.
    `given`: all tensors among the arguments, in order, fake ones or constants."""
    if func is aten.native_batch_norm.default and not args[5]:
        return _normalised(args)
    devices = {tensor.fake_device if isinstance(tensor, FakeTensor) else tensor.device for tensor in given}
    if _goes_where_it_is_told(func):
        devices = {kwargs.get("device") or next(iter(devices), torch.device("cpu"))}
        kwargs = kwargs | {"device": META}
    if len(devices) != 1 or any(isinstance(value, torch.device) for value in args):
        return None
    (device,) = devices
    made = _elementwise(func, args, kwargs, given, device) if _lies_alike(func) else None
    if made is not None:
        return None, [made]
    if not _says_the_same(func, given, device):
        return None
    convolved = func is aten.convolution.default and any(map(_has_channels_last, given))
    try:
        lies = _format(*args) if convolved else None
        with torch._C._DisableTorchDispatch(), compiler.left_out():
            shapes = {id(tensor): _without_device(tensor) for tensor in given}
            before = [_lies(shape) for shape in shapes.values()]
            output = func(*_exchanged(args, shapes), **_exchanged(kwargs, shapes))
            output = output if lies is None else output.to(memory_format=lies)
    except Exception:  # what is wrong the fake tensors say
        return None
    if before != [_lies(shape) for shape in shapes.values()]:  # it has moved its arguments
        return None
    kind = type(output) if type(output) in (list, tuple) else None
    results = [output] if kind is None else output
    known = [made for result in results if (made := _from(result, given, shapes, device)) is not None]
    return (kind, known) if len(known) == len(results) else None


@cache
def _lies_alike(func: Any) -> bool:
    """An elementwise operation that is not told where or how its result lies. Random ones would use up numbers."""
    told = {argument.name for argument in func._schema.arguments} & {"memory_format", "device", "out"}
    return is_elementwise(func) and not told and torch.Tag.nondeterministic_seeded not in func.tags


def _elementwise(func: Any, args: Any, kwargs: Any, given: list[torch.Tensor], device: torch.device) -> Made | None:
    """Of tensors of one size, one behind the other in memory, what the kernel itself makes of one element: torch's
    meta kernels of these are Python, which takes thirty times as long. None if they are others."""
    size = given[0].size() if given else torch.Size()
    plain = torch.empty(size, device=META).stride()
    if not given or any(tensor.size() != size or tensor.stride() != plain for tensor in given):
        return None
    try:
        with torch._C._DisableTorchDispatch():
            ones = {id(tensor): torch.ones([1] * len(size), dtype=tensor.dtype) for tensor in given}
            result = func(*_exchanged(args, ones), **_exchanged(kwargs, ones))
    except Exception:  # what is wrong the fake tensors say
        return None
    for index, tensor in enumerate(given):
        if result is ones[id(tensor)]:
            return Made(layout_of(tensor), index, True) if isinstance(tensor, FakeTensor) else None
    one = isinstance(result, torch.Tensor) and result.dim() == len(size) and not result.is_conj()
    return Made(layout(size, plain, 0, result.dtype, device), None, False) if one else None


def _normalised(args: Any) -> tuple[type | None, list[Made]] | None:
    """Without training the CPU's kernel keeps nothing for backward, and its meta kernel does not know that."""
    images = args[0]
    if not isinstance(images, FakeTensor) or images.fake_device.type != "cpu" or not images.is_contiguous():
        return None
    dtype, device = images.dtype, images.fake_device
    normalised = layout(images.size(), images.stride(), 0, dtype, device)
    nothing = layout(torch.Size([0]), (1,), 0, dtype, device)
    return (tuple, [Made(lies, None, False) for lies in (normalised, nothing, nothing)])


@cache
def _goes_where_it_is_told(func: Any) -> bool:
    """It makes a tensor, on a device that it may be told."""
    return any(argument.name == "device" for argument in func._schema.arguments)


_PRODUCTS = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm}  # what they put out is contiguous
_LAYS_OUT_ALIKE = """
    adaptive_max_pool2d _adaptive_avg_pool2d amax amin argmax avg_pool2d cat clone constant_pad_nd copy_ cumsum fill_
    flip index index_select _log_softmax max max_pool2d_with_indices mean native_group_norm native_layer_norm repeat
    roll _softmax sort stack std sum _to_copy topk var_mean zero_ zeros_like
"""
_KEEPS_CHANNELS_LAST = {f"aten.{name}" for name in _LAYS_OUT_ALIKE.split()}  # or loses them, on each device


def _says_the_same(func: Any, given: list[torch.Tensor], device: torch.device) -> bool:
    if _never_depends(func):
        return True
    if _values_matter(func, given):
        return False
    if "norm" in name_of(func) and any(tensor.dtype in (torch.float16, torch.bfloat16) for tensor in given):
        return False  # statistics of halves are halves, or not
    if name_of(func) in _KEEPS_CHANNELS_LAST or (func is aten.convolution.default and device.type == "cpu"):
        return True
    return not any(map(_has_channels_last, given))


@cache
def _never_depends(func: Any) -> bool:
    """Neither on the device nor on the layout of the arguments."""
    return bool(func.is_view or is_elementwise(func) or func.overloadpacket in _PRODUCTS)


def _values_matter(func: Any, given: list[torch.Tensor]) -> bool:
    """Whether they may decide a size, as those of a mask do."""
    if func is aten.index.Tensor:
        return any(tensor.dtype in (torch.bool, torch.uint8) for tensor in given[1:])
    return not {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}.isdisjoint(func.tags)


def _has_channels_last(tensor: torch.Tensor) -> bool:
    return tensor.dim() in (4, 5) and tensor.stride(1) == 1 and 0 not in tensor.stride() and not tensor.is_contiguous()


class _Devices(DispatchMode):
    """Where fake tensors say that they are."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return args[0].device if func is torch.ops.prim.device.default else func(*args, **(kwargs or {}))


def _format(images: Any, weight: Any, bias: Any, *settings: Any) -> torch.memory_format:
    """How a CPU's convolution lays out what it puts out: torch's own answer, which its fake tensors ask for, too."""
    with _Devices():
        backend = torch._C._select_conv_backend(images, weight, bias, *settings, None)
        return torch._C._conv_determine_backend_memory_format(images, weight, backend)


def _lies(tensor: torch.Tensor) -> Any:
    return tensor.size(), tensor.stride(), tensor.storage_offset()


def _without_device(tensor: torch.Tensor) -> torch.Tensor:
    """Of a fake tensor, lies in the same memory."""
    if not isinstance(tensor, FakeTensor):
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=META)
    shape = torch.empty(0, dtype=tensor.dtype, device=META)
    return shape.set_(tensor.untyped_storage(), int(tensor.storage_offset()), tensor.size(), tensor.stride())


def _exchanged(value: Any, others: dict[int, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return others[id(value)]
    if isinstance(value, dict):
        return {key: _exchanged(item, others) for key, item in value.items()}
    return type(value)(_exchanged(item, others) for item in value) if isinstance(value, (list, tuple)) else value


def _from(result: Any, given: list[torch.Tensor], shapes: dict[int, torch.Tensor], device: torch.device) -> Made | None:
    """None: not to be remembered."""
    if (
        not isinstance(result, torch.Tensor)
        or result.layout is not torch.strided
        or result.is_conj()
        or result.is_neg()
    ):
        return None
    memory = result.untyped_storage()._cdata
    lies = layout(result.size(), result.stride(), int(result.storage_offset()), result.dtype, device)
    for index, argument in enumerate(given):
        if shapes[id(argument)].untyped_storage()._cdata == memory:
            return Made(lies, index, shapes[id(argument)] is result) if isinstance(argument, FakeTensor) else None
    return Made(lies, None, False) if lies.offset == 0 else None
