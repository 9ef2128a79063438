"""One forward pass of a network, and what it wrote down. The network that is given is used up: its parameters
may be filled with values and its state may change. Global switches are put back."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import nn

from netsize.facts.network import Network, release
from netsize.run.fake_tensors import NeverEnds, without_values
from netsize.run.inputs import MakeInputs
from netsize.run.switches import contexts, untrained
from netsize.sources.built import Arguments, Built
from netsize.trace.backward_pass import BackwardPass
from netsize.trace.composites import Composites
from netsize.trace.dispatch import Tracer
from netsize.trace.higher_order import Bodies
from netsize.trace.layers import hooks, named_parameters
from netsize.trace.operations import tensors
from netsize.trace.ragged import shape_of

MOST_OUTPUTS = 10_000  # of a generator


class ForwardFailed(Exception):
    """The network's own forward raised, in the module at `path`. `decided`: by which operations it had let
    values decide before."""

    def __init__(self, path: str, type: str, error: BaseException, decided: tuple[str, ...]) -> None:
        super().__init__(str(error))
        self.path, self.type, self.error, self.decided = path, type, error, decided


class BackwardFailed(Exception):
    """torch's backward pass raised: something that it needs was changed in place, or has no backward."""

    decided = ()

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


def trace(
    built: Built,
    make_inputs: MakeInputs,
    device: torch.device,
    execute: bool,
    on_layer: Callable[[int], None] | None = None,
    stopping: AbstractContextManager[None] | None = None,
    loss: Callable[[Any], torch.Tensor] | None = None,
) -> Network:
    """Run the network once, on real tensors or (not `execute`) on fake ones that take no memory.

    `make_inputs(device)` gives the arguments of forward, at batch size 1. `stopping` may end the pass early: see
    `netsize.run.transfer.Until`. `loss`: of what comes out; go backward from there, too. Raises ForwardFailed,
    BackwardFailed.
    """

    def once(trained: bool) -> Network:
        return _traced(built, make_inputs, device, execute, on_layer, stopping, loss, trained)

    def otherwise(answer: bool) -> Network:
        """Without values, if everything that is asked of them were answered so."""
        return _traced(built, make_inputs, torch.device("cpu"), False, None, None, loss, loss is not None, answer)

    try:
        network = once(trained=loss is not None)
    except ForwardFailed as failure:
        if loss is None and _asks_for_gradients(failure.error):
            return once(trained=True)  # it computes gradients of its parameters: they are to be asked for
        if (
            not execute and failure.decided and not isinstance(failure.error, NeverEnds)
        ):  # what was guessed may be what it refuses: is anything not a number?
            with suppress(ForwardFailed):
                return otherwise(False)
        raise
    made = {name for name, _ in built.model.named_parameters()} - dict(network.parameters).keys()
    if not made and network.depends_on_values and set(network.depends_on_values) <= QUESTIONS and stopping is None:
        return _without_idle_questions(network, otherwise)
    if not made:
        return network
    if not execute:  # shapes without values are no parameters
        raise ForwardFailed(
            "", type(built.model).__name__, MadeWithoutValues(f"its first forward makes {min(made)}"), ()
        )
    return once(trained=loss is not None)  # layers that the first forward has made are now there to be seen


QUESTIONS = {"aten._local_scalar_dense", "aten.equal", "aten._is_all_true", "aten._is_any_true"}  # for one value


def _without_idle_questions(network: Network, otherwise: Callable[[bool], Network]) -> Network:
    """Most networks that look at a value (is anything masked?) execute the same whatever it is: that is tried. A way
    that ends in an error is none that they take."""
    executed = [(call.path, call.formula) for call in network.calls]
    same = []
    for answer in (True, False):
        with suppress(ForwardFailed, BackwardFailed):
            same.append([(call.path, call.formula) for call in otherwise(answer).calls] == executed)
    if not same or not all(same):
        return network
    return replace(network, depends_on_values=(), guessed=())


def _asks_for_gradients(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and "require grad" in str(error)


class MadeWithoutValues(Exception):
    """A network makes its parameters in its first forward, which was not really run."""


def _traced(
    built: Built,
    make_inputs: MakeInputs,
    device: torch.device,
    execute: bool,
    on_layer: Callable[[int], None] | None = None,
    stopping: AbstractContextManager[None] | None = None,
    loss: Callable[[Any], torch.Tensor] | None = None,
    trained: bool = False,
    answer: bool = True,
) -> Network:
    started, model = time.perf_counter(), built.model
    with ExitStack() as stack:
        for context in contexts(device):
            stack.enter_context(context)
        real, aliases = named_parameters(model)
        if any(map(nn.parameter.is_lazy, real.values())):  # they get their parameters in a first pass: a real one
            make_inputs(device).given_to(model)
            real, aliases = named_parameters(model)
        untrained_ones = tuple(name for name, parameter in real.items() if not parameter.requires_grad)
        guesses = stack.enter_context(without_values(model, answer=answer)) if not execute else None
        inputs = make_inputs(device)
        named = (real if guesses is None else guesses.exchanged(real), aliases)
        tracer = Tracer(model, named, on_ones=execute, on_layer=on_layer)
        if guesses is not None:
            tracer.guesses, tracer.recall, tracer.is_own = guesses.made, guesses.recall, guesses.is_own
            tracer.replaced = {id(value): (name, value) for name, value in real.items() if value is not named[0][name]}
        tracer.before_write = built.before_write
        tracer.shapes_only = not execute and loss is None
        tracer.begin(tensors(inputs.values))
        stack.enter_context(hooks(tracer.layers.paths, tracer.enter, tracer.leave))
        if not trained:
            stack.enter_context(untrained(named[0].values()))
        output = None  # of one that is stopped before its end
        with stopping or nullcontext():
            output = _run(model, inputs, tracer)
        if loss is not None:
            _backward(loss(output), tracer)
    calls, places = tracer.calls(), tracer.places
    touched = tracer.origins.touched
    return Network(
        source=built.source,
        input=tuple(map(shape_of, tensors(inputs.values))),
        calls=calls,
        unattributed=tracer.unattributed(),
        parameters=tuple(tracer.sizes.items()),
        unused=tuple((name, size) for name, size in tracer.sizes.items() if name not in touched),
        storage=tuple(
            sum(
                (tracer.stored[name] for name in tracer.sizes if not stopping or name in touched), start=Counter()
            ).items()
        ),
        uncounted=tracer.others.unknowns(),
        depends_on_values=tuple(tracer.depends_on_values),
        guessed=tuple(tracer.guessed),
        untrained=untrained_ones,
        aliases=tuple(aliases.items()),
        device=device.type,
        torch=release(torch.__version__),
        executed=execute,
        seconds=time.perf_counter() - started,
        steps=tuple(draft.step for draft in tracer.steps),
        depth=places.depth,
        field=places.field(places.last),
        last_map=places.last_call,
        settled=tuple(places.settled.items()),
        fixed=tuple(places.fixed.items()),
        besides=tracer.others.besides(),
        choices=tracer.experts.choices(),
        flow=tracer.flow.nodes(tracer.drafts),
        ends=tuple(dict.fromkeys(node for tensor in tensors(output) for node in tracer.flow.of(tensor))),
    )


def _run(model: nn.Module, inputs: Arguments, tracer: Tracer) -> Any:
    try:
        with tracer, Composites(tracer), tracer.threads.followed():
            return consumed(inputs.given_to(model))
    except (Exception, SystemExit) as error:
        if tracer.bug is error:
            raise
        frame = tracer.raised_in if tracer.raised is error else tracer.frames[-1]
        raise ForwardFailed(frame.path, frame.type, error, tuple(tracer.depends_on_values)) from error
    finally:
        tracer.raised = None  # it holds everything that was there where it was raised, and so the tracer itself


def consumed(output: Any) -> Any:
    """What a network puts out when somebody asks for it (a generator, a map): now. One that never ends is cut off."""
    if isinstance(output, Iterator):
        return [consumed(item) for item in islice(output, MOST_OUTPUTS)]
    if isinstance(output, dict):
        return type(output)({key: consumed(item) for key, item in output.items()}) if _lazy(output.values()) else output
    if type(output) in (list, tuple) and _lazy(output):
        return type(output)(consumed(item) for item in output)
    return output


def _lazy(items: Iterable[Any]) -> bool:
    return any(isinstance(item, Iterator) or (isinstance(item, (dict, list, tuple)) and _lazy(
        item.values() if isinstance(item, dict) else item)) for item in items)  # fmt: skip


def _backward(loss: torch.Tensor, tracer: Tracer) -> None:
    tracer.backward = BackwardPass(loss)
    try:
        with tracer.backward:
            loss.backward()
    except (RuntimeError, AssertionError) as error:  # NotImplementedError, of what has no backward, is a RuntimeError
        raise BackwardFailed(error) from error


def first_that_runs(model: nn.Module, attempts: Iterable[MakeInputs], patience: float) -> int | None:
    """Index of the first inputs that the network takes, tried without values; None if there is none, or if
    none was found in so many seconds of this process's own."""
    device = torch.device("cpu")
    until = time.process_time() + patience
    with ExitStack() as stack:
        for context in (*contexts(device), torch.no_grad(), without_values(model), Bodies()):
            stack.enter_context(context)
        for index, make_inputs in enumerate(attempts):
            with suppress(Exception):
                consumed(make_inputs(device).given_to(model))
                return index
            if time.process_time() > until:
                return None
    return None
