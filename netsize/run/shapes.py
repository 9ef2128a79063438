"""Shapes without values, made directly: fake parameters, and what operations make of fake tensors.

torch's fake tensors take one to twenty milliseconds for an operation that they have not seen, so that a small network
took longer without values than with them. The kernels for torch's meta device, which they ask in the end, take a tenth:
where those say the same, they are asked directly. And most operations were executed before, on the same shapes: what
they made then is remembered. torch's mode of fake tensors, for which torch imports its compiler (a second), is there
only if somebody asks for it.
"""

from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from netsize.run import compiler, meta_kernels
from netsize.run.meta_kernels import META, Layout, Made, layout, layout_of
from netsize.trace.executed import kind_of
from netsize.trace.operations import named, tensors

REMEMBERED = 10_000  # answers, of all networks together: about 20 MiB
aten = torch.ops.aten
_MOVES = {aten.as_strided_, aten.squeeze_, aten.t_, aten.transpose_, aten.unsqueeze_}  # how an argument lies
_ORDINARY = {torch.Tensor, nn.Parameter, nn.Buffer}
_made_before: dict[Any, tuple[type | None, list[Made]]] = {}
_HAS_VALUES: tuple[type | None, list[Made]] = (None, [])


class ShapeTensor(FakeTensor):
    """A fake tensor on the CPU whose mode is made when torch asks for that, or for another of the attributes that its
    own have."""

    _shapes: "Shapes"
    _lies: Layout | None = None  # how it does, until it is moved
    fake_device = torch.device("cpu")
    constant = None
    layout = torch.Tensor.layout  # torch's own fake tensors ask in Python

    @property  # type: ignore[misc]  # of torch's own there is a setter, too, which only raises
    def device(self) -> torch.device:  # type: ignore[override]  # the same
        mode = vars(self._shapes).get("mode")
        return self.fake_device if mode is None or not mode.in_kernel_invocation else META

    @property
    def data(self) -> torch.Tensor:
        return super().data

    @data.setter
    def data(self, other: torch.Tensor) -> None:
        self.moved()
        torch.Tensor.data.__set__(self, other)  # type: ignore[attr-defined]  # its stubs have a plain attribute

    def moved(self) -> None:
        """To other memory, or to another place in it."""
        self._lies = None

    def __getattr__(self, name: str) -> Any:
        if name in FakeTensor.__annotations__ or "_memo" in name:
            return getattr(self._shapes.first(self.fake_device), name)
        raise AttributeError(f"a tensor has no attribute {name!r}")


class Shapes:
    """Fake tensors of one mode."""

    def __init__(self) -> None:
        self._first: dict[torch.device, FakeTensor] = {}  # of each device, never given away
        self.parameters: dict[int, torch.Tensor] = {}  # by the identity of what they stand for
        self._memory: dict[int, torch.Tensor] = {}  # of parameters: one that lies there

    @cached_property
    def mode(self) -> FakeTensorMode:
        compiler.load()
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        mode.cache_enabled = False  # it grows for ever over many networks, and takes longer
        return mode

    def first(self, device: torch.device) -> FakeTensor:
        """One that torch made. All on a device have the same attributes, which take their constructor ten times as
        long."""
        if device not in self._first:
            self._first[device] = FakeTensor(self.mode, torch.empty(0, device=META), device)
        return self._first[device]

    def is_own(self, tensor: FakeTensor) -> bool:
        return isinstance(tensor, ShapeTensor) or tensor.fake_mode is vars(self).get("mode")

    def parameter(self, value: torch.Tensor, device: torch.device | None, dtype: torch.dtype | None) -> torch.Tensor:
        """A fake parameter or buffer on this device, of this type (None: as it is; without any memory, on the CPU):
        the same for the same, and those that share memory share it."""
        if id(value) not in self.parameters:
            plain = type(value) in _ORDINARY
            other = self._parameter(value, device, dtype) if plain else self.mode.from_tensor(value)
            self.parameters[id(value)] = other
        return self.parameters[id(value)]

    def _parameter(self, value: torch.Tensor, device: torch.device | None, dtype: torch.dtype | None) -> torch.Tensor:
        dtype = dtype or value.dtype
        device = device or (torch.device("cpu") if value.is_meta else value.device)
        memory = value.untyped_storage()
        beside, whole = self._memory.get(memory._cdata), value.is_contiguous() and value.nbytes == memory.nbytes()
        if beside is None and not whole:
            beside = torch.empty(memory.nbytes() // value.itemsize, dtype=dtype, device=META)
        lies = layout(value.size(), value.stride(), int(value.storage_offset()), dtype, device)
        made: torch.Tensor = self._fake(lies, beside, asks=value.requires_grad, asked=device.type == "cuda")
        self._memory[memory._cdata] = made
        if type(value) is nn.Parameter:
            made._is_param = True
        return made

    def forget(self) -> None:
        """The parameters, which know of this: without them nothing waits for Python to find that it is garbage."""
        self.parameters.clear()
        self._memory.clear()

    def recall(self, func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> Any:
        """What `func` makes of its arguments; None if that is not remembered, or if all of them have values, since then
        so has that. `given`: all tensors among those, in order."""
        for tensor in given:
            if isinstance(tensor, FakeTensor):
                break
        else:
            if given:
                return None
        return self._remembered(func, args, kwargs, given, _key(func, args, kwargs))

    def new_with_values(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A tensor that `func` makes of nothing but settings; it will have values each time."""
        key = _key(func, args, kwargs)
        if key is not None:
            _made_before[key] = _HAS_VALUES
        with torch._C._DisableTorchDispatch():
            return func(*args, **kwargs)

    def execute(self, func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> Any:
        """What `func` makes of its arguments, remembered or not; without values."""
        key = _key(func, args, kwargs)
        known = self._remembered(func, args, kwargs, given, key)
        if known is not None:
            return known
        if func.overloadpacket in _MOVES and type(args[0]) is ShapeTensor:
            args[0].moved()
            with torch._C._DisableTorchDispatch():
                return func(*args, **kwargs)
        if key is not None:
            directly = meta_kernels.ask(func, args, kwargs, given)
            if directly is not None:
                _made_before[key] = directly
                return self._remembered(func, args, kwargs, given, key)
        with self.mode:
            output = func(*args, **kwargs)
        if func._schema.is_mutable:
            for tensor in given:
                if type(tensor) is ShapeTensor:
                    tensor.moved()
        if key is not None and _key(func, args, kwargs) == key:  # it has not moved its arguments
            kind = type(output) if type(output) in (list, tuple) else None
            known = [_made(result, given) for result in ([output] if kind is None else output)]
            if None not in known:
                _made_before[key] = (kind, [made for made in known if made is not None])
        return output

    def _remembered(self, func: Any, args: Any, kwargs: Any, given: list[torch.Tensor], key: Any) -> Any:
        before = _made_before.get(key)
        if before is None:
            return None
        if before is _HAS_VALUES:
            with torch._C._DisableTorchDispatch():
                return func(*args, **kwargs)
        kind, made = before
        if kind is None:
            return self._again(made[0], given)
        return kind([self._again(one, given) for one in made])

    def _again(self, made: Made, given: list[torch.Tensor]) -> Any:
        if made.argument is None:
            return self._fake(made.lies, None)
        argument = given[made.argument]
        return argument if made.itself else self._fake(made.lies, argument)

    def _fake(self, lies: Layout, beside: torch.Tensor | None, asks: bool = False, asked: bool = False) -> Any:
        """One that lies so in the memory of `beside`, or in its own. `asks`: for a gradient. `asked`: where it lies may
        be asked for, as torch does of the weights of a recurrent network before it chooses cuDNN's kernel."""
        device = lies.device
        kind: Any = ShapeTensor if device == ShapeTensor.fake_device else FakeTensor
        with torch._C._DisableTorchDispatch():
            if beside is None:
                plain = torch.empty_strided(lies.size, lies.stride, dtype=lies.dtype, device=META)
            else:
                plain = torch.empty(0, dtype=lies.dtype, device=META)
                plain.set_(beside.untyped_storage(), lies.offset, lies.size, lies.stride)
            made = torch.Tensor._make_subclass(kind, plain, asks, dispatch_device=True, device_for_backend_keys=device)
        if asked:
            torch._C._set_warn_deprecated_on_mutable_data_ptr(made)
        elif type(beside) is not ShapeTensor:
            torch._C._set_throw_on_mutable_data_ptr(made)
        if kind is ShapeTensor:
            made._shapes, made._lies = self, lies
        else:
            vars(made).update(vars(self.first(device)))
        return made


def forget() -> None:
    """If much is remembered by now: networks that have nothing in common may be many."""
    if len(_made_before) > REMEMBERED:
        _made_before.clear()


def _key(func: Any, args: Any, kwargs: Any) -> Any:
    """The operation and its arguments, as far as they matter for shapes; None if more than shapes matters."""
    written = _written(func)
    if written is None:  # nobody else's is known to be constant
        return None
    parts: list[Any] = [id(func), torch.get_default_dtype()]  # torch's own operations live for ever
    if not _flatten(args, parts):
        return None
    if kwargs:
        parts += kwargs
        if not _flatten(kwargs.values(), parts):
            return None
    if written and _CONSTANT in parts:
        given = named(func, args, kwargs)
        if not all(isinstance(tensor, FakeTensor) for tensor in tensors([given[name] for name in written])):
            return None
    return tuple(parts)


@cache
def _written(func: Any) -> tuple[str, ...] | None:
    """The arguments that one of torch's own operations writes into; None if it is none of those."""
    own = isinstance(func, torch._ops.OpOverload) and func.namespace == "aten"
    return kind_of(func).written if own else None


def _flatten(values: Iterable[Any], parts: list[Any]) -> bool:
    """Append what matters of arguments. False if one is nothing that can be remembered."""
    for value in values:
        kind = type(value)
        if kind is ShapeTensor:
            lies = value._lies
            if lies is None:
                lies = value._lies = layout_of(value)
            parts.append(lies)
        elif kind is FakeTensor:
            if value.constant is not None or not _is_plain(value):
                return False
            parts.append(layout_of(value))
        elif kind in _PLAIN:
            parts += (kind, value)  # 1 and 1.0 and True are equal, but make other types
        elif isinstance(value, (list, tuple)):
            parts.append(len(value))
            if not _flatten(value, parts):
                return False
        elif kind is torch.Tensor and _is_plain(value):
            lies = layout(value.size(), value.stride(), value.storage_offset(), value.dtype, value.device)
            parts += (_CONSTANT, lies)
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


def _made(result: Any, given: list[torch.Tensor]) -> Made | None:
    """None: not to be remembered."""
    if not isinstance(result, FakeTensor) or result.constant is not None or not _is_plain(result):
        return None
    memory = result.untyped_storage()._cdata
    for index, argument in enumerate(given):
        if isinstance(argument, FakeTensor) and argument.untyped_storage()._cdata == memory:
            return Made(layout_of(result), index, argument is result)
    return Made(layout_of(result), None, False) if result.storage_offset() == 0 else None
