"""Writes down every operation that torch executes, with the formula that describes it.

Counting hangs on executed operations, not on module classes: a dispatch mode sees every convolution, product
and lookup wherever it is called from, and the modules being called say which layer it belongs to.
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

from netsize.facts.network import Call, Execution, Step
from netsize.lecture.formulas import Shape
from netsize.sources.initialisers import materialised
from netsize.sources.wrappers import bytes_of, is_spread, is_wrapper, share_of
from netsize.trace import quantized, recurrent_kernel  # noqa: F401 - they add their readers
from netsize.trace.backward_pass import BackwardPass
from netsize.trace.biases import Biases
from netsize.trace.dispatch_mode import DispatchMode
from netsize.trace.drafts import Draft, StepDraft, as_called, settle, trained_products, unattributed
from netsize.trace.executed import Executed, Kind, kind_of
from netsize.trace.experts import Experts
from netsize.trace.flops import flops
from netsize.trace.flow import Flow
from netsize.trace.layers import Frame, Layers, Named, class_of
from netsize.trace.ones import entries
from netsize.trace.operations import READERS, Operation, named, read, tensors
from netsize.trace.origins import CHOOSES, Origins
from netsize.trace.others import Others
from netsize.trace.places import Places
from netsize.trace.products import outer
from netsize.trace.ragged import is_ragged, part_of, parts_of, shape_of
from netsize.trace.threads import Threads
from netsize.trace.weighted import OfTheNetwork

_DECIDED_BY_VALUES = {"aten._local_scalar_dense", "aten.equal", "torchvision.nms"}  # and those that torch marks


class Tracer(DispatchMode):
    """With `on_ones`, each counted operation is run again on ones as soon as it was executed. `named`: its
    `named_parameters`."""

    def __init__(
        self, model: nn.Module, named: Named, on_ones: bool, on_layer: Callable[[int], None] | None = None
    ) -> None:
        super().__init__()
        parameters, aliases = named
        self.sizes = {name: parameter.numel() for name, parameter in parameters.items()}
        self.stored = {name: bytes_of(parameter) for name, parameter in parameters.items()}
        self.origins = Origins(parameters)
        self.biases = Biases(self.origins, self.sizes)
        self.places = Places([], self.origins)
        self.flow = Flow([], self.origins)
        self.layers = Layers(model, parameters, aliases)
        self.experts = Experts()
        self.threads = Threads(Frame("", class_of(model)))
        self.drafts: list[Draft] = []
        self.steps: list[StepDraft] = []
        self.others = Others(self.origins.tensors)
        self.depends_on_values: dict[str, None] = {}
        self.unpadded: Shape | None = None  # input of the convolution with padding="same" that is being executed
        self.in_attention = False
        self.multiplies = False  # inside of an einsum that is executed pointwise
        self.keeps_outputs = False
        self.shapes_only = False  # nothing has values, and nothing goes backward
        self.bug: Exception | None = None  # of netsize, not of the network
        self.raised: BaseException | None = None  # the latest error of the network's own
        self.raised_in = self.threads.frames[0]
        self.guesses: list[str] = []  # operations that were answered without values: grows while the network runs
        self.is_own: Callable[[FakeTensor], bool] = lambda tensor: False  # whether it is one of a pass without values
        self.recall: Callable[..., Any] = lambda *_: None  # what an operation made of such arguments before, if known
        self.replaced: dict[int, tuple[str, torch.Tensor]] = {}  # parameters of which a pass without values has fakes
        self.before_write: Callable[[torch.Tensor], None] = lambda tensor: None
        self.guessed: dict[tuple[str, str], None] = {}  # the same, each with the layer that asked
        self.backward: BackwardPass | None = None
        self._on_ones = on_ones
        self._on_layer = on_layer
        self._measured: dict[Any, tuple[Execution | None, int | None]] = {}

    @property
    def frames(self) -> list[Frame]:
        """The modules that are being called, the innermost last."""
        return self.threads.frames

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.prim.device.default:  # a question, which is asked often about fake tensors
            return args[0].device
        if any(map(is_wrapper, types)) and not any(map(is_spread, types)):  # its own operations say more
            return NotImplemented
        if FakeTensor in types and self._asks_for_shapes(tensors((args, kwargs))):
            return func(*args, **kwargs)
        kind = kind_of(func)
        if not kind.whole and kind.name not in READERS and not any(map(is_ragged, tensors((args, kwargs)))):
            with self:  # in inference mode torch does not take it apart before it comes here
                return func.decompose(*args, **kwargs)
        with self.threads.turn:
            return self._follow(func, kind, args, kwargs)

    def _asks_for_shapes(self, given: list[torch.Tensor]) -> bool:
        """Whether somebody (distributed tensors) works out shapes beside the pass: it executes nothing."""
        return any(isinstance(tensor, FakeTensor) and not self.is_own(tensor) for tensor in given)

    def _follow(self, func: Any, kind: Kind, args: Any, kwargs: Any) -> Any:
        before, arguments = len(self.guesses), tensors((args, kwargs))
        for name in kind.written:
            for tensor in tensors(named(func, args, kwargs)[name]):
                self.before_write(tensor)
        output = self._execute(func, args, kwargs, arguments)
        for guess in self.guesses[before:]:
            self.guessed[guess, self.frames[-1].path] = None
        try:
            with torch._C.DisableTorchFunction():  # a question about a tensor (its shape) is none of the network's
                given = named(func, args, kwargs)
                given["unpadded"] = self.unpadded
                self._observe(Executed(func, kind, kind.name, args, kwargs, given, output, arguments, tensors(output)))
        except Exception as error:
            self.bug = error
            raise
        return output

    def _execute(self, func: Any, args: Any, kwargs: Any, given: list[torch.Tensor]) -> Any:
        """Parameters that were not given memory get it for this operation only: beside tensors that have values.
        Without those (a view of a parameter) the operation is executed on shapes."""
        known = self.recall(func, args, kwargs, given)
        if known is not None:
            return known
        if self.replaced:  # a module may hold one under a name that torch does not know
            self.origins.add(dict(self.replaced[id(tensor)] for tensor in given if id(tensor) in self.replaced))
        with torch._C.DisableTorchFunction():
            devices = [tensor.device for tensor in given]
        if _META not in devices:
            return func(*args, **kwargs)
        device = next((device for device in devices if device != _META), None)
        if device is None:
            return func(*args, **kwargs)
        return func(*_real(args, device), **_real(kwargs, device))

    def _observe(self, done: Executed) -> None:
        name, arguments, results, frame = done.name, done.arguments, done.results, self.frames[-1]
        path = frame.path
        special = [tensor for tensor in (*arguments, *results) if not _is_plain(tensor)]
        if special:
            self._as_spread(arguments)
            if any(map(is_ragged, special)):
                self._part_by_part(done)
                return
        operation = self._read(done, path)
        self.places.calls = len(self.drafts) - (operation is None)
        self.places.follow(done, operation, path)
        self.experts.routed(name, done.given)
        before = len(self.drafts)
        if operation is not None:
            depends = any(map(self.origins.is_activation, arguments))
            for part in (operation, *operation.parts):
                self._count(done, part, depends)
        else:
            self._step(done, frame)
            self.others.follow(done)
        self.flow.follow(done, self.drafts[before:], path)
        if name in ("aten.add", "aten.add_") and len(arguments) == 2:
            self.biases.added(*arguments)
        if self._decided_by_values(done):
            self.depends_on_values[name] = None
        counted = operation is not None and bool(operation.formula.units) and operation.formula.kind != "pooling"
        self.origins.follow(done, counted)
        if name in CHOOSES:
            self.experts.selected(arguments[0], self.origins.of(results[0]))
        if (done.kind.is_view or name == "aten._unsafe_view") and arguments:
            self.biases.viewed(arguments[0], results)
        if special:
            self._as_shares(results)

    def _read(self, done: Executed, path: str) -> Operation | None:
        by_hand = self.multiplies and done.name == "aten.mul"
        if not by_hand and done.name not in READERS:
            return None
        weighted = OfTheNetwork(self.layers, self.origins, self.sizes, self.stored, path)
        if by_hand:
            return outer(done.arguments[0], done.arguments[1], done.output, weighted)
        return read(done.func, done.given, done.output, weighted)

    def _as_spread(self, arguments: list[torch.Tensor]) -> None:
        """One that was put together from what each device holds comes from where that does."""
        for tensor in arguments:
            share = share_of(tensor)
            if share is not None and self.origins.of(tensor) is None:
                self._stands_for(tensor, share)

    def _as_shares(self, results: list[torch.Tensor]) -> None:
        """And the other way round."""
        for tensor in results:
            share = share_of(tensor)
            if share is not None:
                self._stands_for(share, tensor)

    def _stands_for(self, other: torch.Tensor, tensor: torch.Tensor) -> None:
        for follows in (self.origins, self.places, self.flow):
            follows.stands_for(other, tensor)

    def _part_by_part(self, done: Executed) -> None:
        """Tensors of several lengths have no shape: what is executed with them is counted for each of their parts."""
        arguments, results = done.arguments, done.results
        self.origins.touch(arguments)
        self.origins.mark_activations(results)
        self.flow.follow(done, (), self.frames[-1].path)
        if done.kind.silent:
            self._step(done, self.frames[-1])
            return
        nested = [tensor for tensor in arguments if is_ragged(tensor)]
        if not nested:  # it makes one in a way that netsize does not know
            self.others.unknown(done.name, arguments, results)
            return
        batched = done.func.overloadpacket is torch.ops.aten.bmm
        made: list[list[Draft]] = []
        for index in range(max(len(parts_of(tensor)) for tensor in nested)):
            own, by_name = part_of(done.args, index, batched), part_of(done.kwargs, index, batched)
            pairs = zip(arguments, tensors((own, by_name)))
            for whole, part in pairs:
                if part is not whole:
                    self.origins.mark_activations([part])
                    self.flow.stands_for(part, whole)
            mark = len(self.drafts)
            with self, self.flow.whole():
                done.func(*own, **by_name)
            made.append(self.drafts[mark:])
        self.flow.went_through(arguments, results, [made])

    def _count(self, done: Executed, operation: Operation, depends: bool) -> None:
        frame = self.frames[-1]
        operands = [self.origins.of(operand) for operand in operation.operands]
        self.experts.counted(operation.formula, operands)
        executed, flops = self._measure(done, operation)
        formula, biases = self.biases.of(operation)
        path = self.layers.of(frame.path, operands[0] if operands else None)
        kind = formula.kind
        call = Call(
            path=path,
            call=0,
            type=self.layers.types.get(path, frame.type),
            kind="attention" if kind == "matmul" and self.in_attention else kind,
            operation=done.name,
            formula=formula,
            input=tuple(operation.input.shape),
            output=tuple(operation.output.shape),
            elements=sum(map(entries, operation.operands)),
            bias_elements=sum(bias.numel() for bias in operation.biases) if biases else 0,
            executed=executed,
            flops=flops,
        )
        made = operation.output if self.keeps_outputs else None
        factors = tuple(map(memory_of, operation.factors)) if self.places.paused else ()
        seen = self.places.of(done.results[0])
        trained = trained_products(done.name, operation)
        draft = Draft(call, [o for o in operands if o], biases, depends, seen, made, factors, trained)
        self.add(draft)
        self.biases.made(operation.output, draft)

    def _step(self, done: Executed, frame: Frame) -> None:
        """An operation without connections; those that only prepare parameters or look at a tensor are none."""
        arguments, results = done.arguments, done.results
        looks = done.kind.is_view and not any(map(self.origins.is_activation, arguments))
        if not arguments or not results or looks or done.name in ("aten.t", "aten.detach", "aten.alias"):
            return
        origins = [origin for origin in map(self.origins.of, arguments) if origin is not None and origin.parameters]
        shapes = (shape_of(arguments[0]), shape_of(results[0]))
        self.steps.append(StepDraft(Step(len(self.drafts), frame.path, frame.type, done.name, *shapes), origins))

    def add(self, draft: Draft) -> None:
        self.drafts.append(draft)
        self.frames[-1].drafts.append(draft)
        if self._on_layer is not None:
            self._on_layer(len(self.drafts))

    def take_since(self, mark: int) -> list[Draft]:
        """Remove and return the drafts since the mark: parts of a whole that is counted as one."""
        taken, self.drafts = self.drafts[mark:], self.drafts[:mark]
        frame = self.frames[-1]
        frame.drafts = [draft for draft in frame.drafts if not any(draft is part for part in taken)]
        return taken

    def begin(self, inputs: list[torch.Tensor]) -> None:
        """The tensors that the network is given: what depends on them, and where they are seen, is followed."""
        self.origins.mark_activations(inputs)
        self.places = Places([tensor for tensor in inputs if not is_ragged(tensor)], self.origins)
        self.places.keeps_last = self.keeps_outputs
        self.flow = Flow(inputs, self.origins)

    def _measure(self, done: Executed, operation: Operation) -> tuple[Execution | None, int | None]:
        """What running it on ones gives, and what torch counts: once for all operations that are the same to the last
        argument."""
        arguments = (*map(_frozen, done.args), *((name, _frozen(value)) for name, value in done.kwargs.items()))
        key = (done.func, self.unpadded, operation.formula, arguments)
        if key not in self._measured:
            self._measured[key] = (operation.run_on_ones() if self._on_ones else None, flops(done, operation, key))
        return self._measured[key]

    def _decided_by_values(self, done: Executed) -> bool:
        """Whether the size of the result, or the way that the program takes, depends on the input's values."""
        decides = done.kind.of_values or done.name in _DECIDED_BY_VALUES
        if done.name == "aten.index":
            decides = any(index.dtype in (torch.bool, torch.uint8) for index in done.arguments[1:])
        return decides and any(map(self.origins.is_activation, done.arguments))

    def enter(self, module: nn.Module, *_: Any) -> None:
        """A forward pre-hook."""
        path = self.layers.paths[module]
        with torch._C.DisableTorchFunction():
            self._exchanged(module, path)
        self.threads.enter(Frame(path, class_of(module)))

    def _exchanged(self, module: nn.Module, path: str) -> None:
        """Parameters in the place of others, which is where each of several devices puts them together (FSDP)."""
        for part, parameter in module._parameters.items():
            name = f"{path}.{part}" if path else part
            unknown = parameter is not None and self.origins.of(parameter) is None
            if parameter is not None and unknown and self.sizes.get(name) == parameter.numel():
                self.origins.add({name: parameter})

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """A forward hook, called also if forward raised: then the first module that is left is the one that did."""
        error = sys.exc_info()[1]
        if error is not None and error is not self.raised:
            self.raised, self.raised_in = error, self.frames[-1]
        frame = self.threads.leave(self.layers.paths[module])
        called = [value for value in (*inputs[:1], output) if isinstance(value, torch.Tensor)]
        if len(frame.drafts) == 1 and len(called) == 2:
            as_called(frame.drafts[0], *map(shape_of, called))

    def calls(self) -> tuple[Call, ...]:
        """What was executed, settled: see `netsize.trace.drafts.settle`."""
        return settle(self.drafts, self.steps, self.sizes, self.places, self.backward)

    def unattributed(self) -> int:
        """Connections that backward went through, but for no product that was seen with gradients."""
        return unattributed(self.drafts, self.backward) if self.backward is not None else 0


_META = torch.device("meta")


def _is_plain(tensor: torch.Tensor) -> bool:
    """Neither several, nor spread over several devices."""
    kind = type(tensor)
    return (kind is torch.Tensor or kind is nn.Parameter or FakeTensor in kind.__mro__) and not tensor.is_nested


def _real(value: Any, device: torch.device) -> Any:
    """Arguments with values in the place of shapes."""
    if isinstance(value, torch.Tensor):
        return materialised(value, device) if value.is_meta else value
    if isinstance(value, dict):
        return {key: _real(item, device) for key, item in value.items()}
    return type(value)(_real(item, device) for item in value) if isinstance(value, (list, tuple)) else value


def memory_of(tensor: torch.Tensor) -> tuple[int, int]:
    """Where it begins: the same for every view of a whole tensor, transposed or expanded."""
    return (tensor.untyped_storage()._cdata, int(tensor.storage_offset()))


def _frozen(value: Any) -> Any:
    """An argument as far as it matters on ones: a tensor is its shape."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value
