"""Shapes without values, made directly: fake parameters, and what operations make of fake tensors.

torch's fake tensors take one to twenty milliseconds for an operation that they have not seen, so that a small network
took longer without values than with them. The kernels for torch's meta device, which they ask in the end, take a tenth:
where those say the same, they are asked directly. And most operations were executed before, on the same shapes: what
they made then is remembered.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from netsize.trace.silent_operations import is_elementwise

REMEMBERED = 10_000  # answers, of all networks together: about 20 MiB


class Layout(NamedTuple):
    """How a tensor lies in memory."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    device: torch.device


class Made(NamedTuple):
    """One result of an operation on arguments that lie in memory as they did then."""

    layout: Layout
    argument: int | None  # the tensor among the arguments in whose memory it lies
    itself: bool  # it is that argument


aten = torch.ops.aten
_META = torch.device("meta")  # by its name it takes torch as long again to find
_PRODUCTS = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm}  # what they put out is contiguous
_made_before: dict[Any, tuple[type | None, list[Made]]] = {}


class Shapes:
    """Fake tensors of one mode."""

    def __init__(self, mode: FakeTensorMode) -> None:
        self.mode = mode
        self._first: dict[torch.device, FakeTensor] = {}  # of each device, never given away
        self._parameters: dict[int, torch.Tensor] = {}
        self._memory: dict[int, torch.UntypedStorage] = {}  # of parameters

    def parameter(self, value: torch.Tensor, device: torch.device | None, dtype: torch.dtype | None) -> torch.Tensor:
        """A fake parameter or buffer on this device, of this type (None: as it is; without any memory, on the CPU):
        the same for the same, and those that share memory share it."""
        if id(value) not in self._parameters:
            plain = type(value) in (torch.Tensor, nn.Parameter, nn.Buffer)
            made = self._parameter(value, device, dtype) if plain else self.mode.from_tensor(value)
            self._parameters[id(value)] = made
        return self._parameters[id(value)]

    def _parameter(self, value: torch.Tensor, device: torch.device | None, dtype: torch.dtype | None) -> torch.Tensor:
        dtype = dtype or value.dtype
        device = device or (torch.device("cpu") if value.is_meta else value.device)
        memory = value.untyped_storage()
        known, whole = self._memory.get(memory._cdata), value.is_contiguous() and value.nbytes == memory.nbytes()
        if known is None and not whole:
            known = torch.UntypedStorage(memory.nbytes() // value.itemsize * dtype.itemsize, device=_META)
        layout = Layout(value.size(), value.stride(), int(value.storage_offset()), dtype, device)
        made = self._fake(layout, known, asked=device.type == "cuda")
        self._memory[memory._cdata] = made.untyped_storage()
        if isinstance(value, nn.Parameter):
            made._is_param = True
        return made.requires_grad_() if value.requires_grad else made

    def recall(self, func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> Any:
        """What `func` makes of its arguments; None if that is not remembered, or if all of them have values, since then
        so has that. `given`: all tensors among those, in order."""
        fake = any(isinstance(tensor, FakeTensor) for tensor in given)
        return self._remembered(_key(func, args, kwargs), given) if fake else None

    def execute(self, func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> Any:
        """What `func` makes of its arguments, remembered or not; without values."""
        key = _key(func, args, kwargs)
        known = self._remembered(key, given)
        if known is not None:
            return known
        if key is not None and all(isinstance(tensor, FakeTensor) for tensor in given):
            directly = _on_meta(func, args, kwargs, given)
            if directly is not None:
                _made_before[key] = directly
                return self._remembered(key, given)
        output = func(*args, **kwargs)
        if key is not None and _key(func, args, kwargs) == key:  # it has not moved its arguments
            kind = type(output) if type(output) in (list, tuple) else None
            known = [_made(result, given) for result in ([output] if kind is None else output)]
            if None not in known:
                _made_before[key] = (kind, [made for made in known if made is not None])
        return output

    def _remembered(self, key: Any, given: list[torch.Tensor]) -> Any:
        before = _made_before.get(key)
        if before is None:
            return None
        kind, made = before
        results = [self._again(one, given) for one in made]
        return results[0] if kind is None else kind(results)

    def _again(self, made: Made, given: list[torch.Tensor]) -> torch.Tensor:
        if made.argument is None:
            return self._fake(made.layout, None)
        argument = given[made.argument]
        return argument if made.itself else self._fake(made.layout, argument.untyped_storage())

    def _fake(self, layout: Layout, memory: torch.UntypedStorage | None, asked: bool = False) -> torch.Tensor:
        """One that lies so in this memory, or in its own. All on a device have the same attributes, which take their
        constructor ten times as long. `asked`: where it lies may be asked for, as torch does of the weights of a
        recurrent network before it chooses cuDNN's kernel."""
        size, stride, offset, dtype, device = layout
        with torch._C._DisableTorchDispatch():
            if memory is None:
                shape = torch.empty_strided(size, stride, dtype=dtype, device=_META)
            else:
                shape = torch.empty(0, dtype=dtype, device=_META)
                shape.set_(memory, offset, size, stride)
            if device not in self._first:
                self._first[device] = FakeTensor(self.mode, shape, device)
            first = self._first[device]
            made = torch.Tensor._make_subclass(
                FakeTensor, shape, False, dispatch_device=True, device_for_backend_keys=first.fake_device
            )
        if asked:
            torch._C._set_warn_deprecated_on_mutable_data_ptr(made)
        else:
            torch._C._set_throw_on_mutable_data_ptr(made)
        vars(made).update(vars(first))
        return made


def _on_meta(func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> tuple[type | None, list[Made]] | None:
    """What torch's meta kernel makes of the arguments, fake tensors; None where those may say something else, or where
    there is no such kernel."""
    if func is aten.native_batch_norm.default:
        return _normalised(args)
    devices = {tensor.fake_device for tensor in given if isinstance(tensor, FakeTensor)}
    if _goes_where_it_is_told(func):
        devices = {kwargs.get("device") or next(iter(devices), torch.device("cpu"))}
        kwargs = kwargs | {"device": _META}
    if len(devices) != 1 or any(isinstance(value, torch.device) for value in args):
        return None
    if not _says_the_same(func) and not (_says_the_same_of_contiguous(func) and all(map(_usual, given))):
        return None
    with torch._C._DisableTorchDispatch():
        shapes = {id(tensor): _without_device(tensor) for tensor in given}
        try:
            output = func(*_exchanged(args, shapes), **_exchanged(kwargs, shapes))
        except Exception:  # what is wrong the fake tensors say
            return None
        kind = type(output) if type(output) in (list, tuple) else None
        (device,) = devices
        known = [_from(result, given, shapes, device) for result in ([output] if kind is None else output)]
    if None in known or any(_lies(tensor) != _lies(shapes[id(tensor)]) for tensor in given):  # it has moved them
        return None
    return kind, [made for made in known if made is not None]


def _normalised(args: Any) -> tuple[type | None, list[Made]] | None:
    """Without training the CPU's kernel keeps nothing for backward, and its meta kernel does not know that."""
    images, training = args[0], args[5]
    if training or images.fake_device.type != "cpu" or not images.is_contiguous():
        return None
    nothing = _layout(images)._replace(size=torch.Size([0]), stride=(1,), offset=0)
    made = [_layout(images)._replace(offset=0), nothing, nothing]
    return (tuple, [Made(layout, None, False) for layout in made])


@cache
def _goes_where_it_is_told(func: Any) -> bool:
    """It makes a tensor, on a device that it may be told."""
    return any(argument.name == "device" for argument in func._schema.arguments)


@cache
def _says_the_same(func: Any) -> bool:
    """Whatever the layout of the arguments."""
    return bool(func.is_view or is_elementwise(func) or func.overloadpacket in _PRODUCTS)


@cache
def _says_the_same_of_contiguous(func: Any) -> bool:
    """How convolutions and others lay out what is not contiguous depends on the device, and so does whether a mean of
    halves is one; what is changed in place may be laid out anew; and values may decide a size."""
    decides = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags)
    return not func._schema.is_mutable and not decides


def _usual(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous() and tensor.dtype not in (torch.float16, torch.bfloat16)


def _lies(tensor: torch.Tensor) -> Any:
    return tensor.size(), tensor.stride(), tensor.storage_offset()


def _without_device(tensor: torch.Tensor) -> torch.Tensor:
    """Lies in the same memory."""
    shape = torch.empty(0, dtype=tensor.dtype, device=_META)
    return shape.set_(tensor.untyped_storage(), int(tensor.storage_offset()), tensor.size(), tensor.stride())


def _exchanged(value: Any, others: dict[int, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        return others[id(value)]
    if isinstance(value, dict):
        return {key: _exchanged(item, others) for key, item in value.items()}
    return type(value)(_exchanged(item, others) for item in value) if isinstance(value, (list, tuple)) else value


def _from(result: Any, given: list[torch.Tensor], shapes: dict[int, torch.Tensor], device: torch.device) -> Made | None:
    """None: not to be remembered."""
    if not isinstance(result, torch.Tensor) or result.layout is not torch.strided or result.is_conj():
        return None
    memory = result.untyped_storage()._cdata
    layout = Layout(result.size(), result.stride(), int(result.storage_offset()), result.dtype, device)
    for index, argument in enumerate(given):
        if argument.untyped_storage()._cdata == memory:
            return Made(layout, index, shapes[id(argument)] is result)
    return Made(layout, None, False) if layout.offset == 0 else None


def forget() -> None:
    """If much is remembered by now: networks that have nothing in common may be many."""
    if len(_made_before) > REMEMBERED:
        _made_before.clear()


def _key(func: Any, args: Any, kwargs: Any) -> Any:
    """The operation and its arguments, as far as they matter for shapes; None if more than shapes matters."""
    if not isinstance(func, torch._ops.OpOverload) or func.namespace != "aten":  # nobody else's is known to be constant
        return None
    parts: list[Any] = [func, torch.get_default_dtype(), *kwargs]
    if not _flatten(args, parts) or not _flatten(kwargs.values(), parts):
        return None
    return None if func._schema.is_mutable and _CONSTANT in parts else tuple(parts)


def _flatten(values: Iterable[Any], parts: list[Any]) -> bool:
    """Append what matters of arguments. False if one is nothing that can be remembered."""
    for value in values:
        kind = type(value)
        if kind is FakeTensor:
            if value.constant is not None or not _is_plain(value):
                return False
            parts.append(_layout(value))
        elif kind in _PLAIN:
            parts += (kind, value)  # 1 and 1.0 and True are equal, but make other types
        elif isinstance(value, (list, tuple)):
            parts.append(len(value))
            if not _flatten(value, parts):
                return False
        elif kind is torch.Tensor and _is_plain(value):
            parts += (_CONSTANT, value.size(), value.stride(), value.storage_offset(), value.dtype, value.device)
        else:
            return False
    return True


def _is_plain(tensor: torch.Tensor) -> bool:
    """Its layout says all about it, but for values."""
    return tensor.layout is torch.strided and not tensor.is_conj() and not tensor.is_neg() and not tensor.is_nested


_CONSTANT = "a tensor that has values"
_PLAIN = frozenset(
    (bool, int, float, complex, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format)
)


def _layout(tensor: FakeTensor) -> Layout:
    return Layout(tensor.size(), tensor.stride(), int(tensor.storage_offset()), tensor.dtype, tensor.fake_device)


def _made(result: Any, given: list[torch.Tensor]) -> Made | None:
    """None: not to be remembered."""
    if not isinstance(result, FakeTensor) or result.constant is not None or not _is_plain(result):
        return None
    memory = result.untyped_storage()._cdata
    for index, argument in enumerate(given):
        if isinstance(argument, FakeTensor) and argument.untyped_storage()._cdata == memory:
            return Made(_layout(result), index, argument is result)
    return Made(_layout(result), None, False) if result.storage_offset() == 0 else None
