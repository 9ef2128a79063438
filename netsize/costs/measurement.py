"""Real training steps: what they save, the memory that they take, and the time."""

import os
import statistics
import time
import weakref
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from netsize.costs.phases import Watch
from netsize.costs.recipe import Recipe, checkpointed, forward
from netsize.costs.simulation import rounded
from netsize.costs.training import Alive, Measured, Slow
from netsize.run import startup
from netsize.sources.built import Arguments
from netsize.trace.connections import connections
from netsize.trace.operations import tensors
from netsize.trace.silent_operations import name_of as name_of_operation

Tell = Callable[[int, int], None]
TIMED, PATIENCE = 3, 20.0  # steps that are timed, and seconds after which one is enough
BEFORE = 2  # steps: one makes the optimizer's state, and one is looked at for its memory


class RealSteps:
    """Training steps of a network with values, at one batch, on its device. `empty`: what was allocated there before
    the network was."""

    def __init__(
        self, model: nn.Module, arguments: Arguments, recipe: Recipe, device: torch.device, empty: "Allocated"
    ) -> None:
        self.model, self.arguments, self.recipe, self.device, self.empty = model, arguments, recipe, device, empty
        self.optimizer = recipe.optimizer_of(model, device)

    def run(self, watch: Watch | None = None, saving: Any = None) -> tuple[float, float, float]:
        """One step: seconds of forward, of backward and of all."""
        self.optimizer.zero_grad()
        started = self._now()
        with checkpointed(self.model, self.recipe.checkpoint, watch), watch or nullcontext():
            with saving or nullcontext():
                loss = forward(self.model, self.arguments, self.recipe, self.device)
            half = self._now()
            if watch is not None:
                watch.phase = "backward"
            loss.backward()
        del loss
        backward = self._now()
        self.optimizer.step()
        startup.check()
        return half - started, backward - half, self._now() - started

    def _now(self) -> float:
        synchronize(self.device)
        return time.perf_counter()

    def saved(self) -> int:
        """Bytes that autograd keeps for backward, each storage once, without parameters, buffers and the input."""
        own = {id(tensor.untyped_storage()) for tensor in self._own()}
        seen: dict[int, Any] = {}
        sizes: list[int] = []

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            known = seen.get(id(storage))
            if id(storage) not in own and (known is None or known() is None):
                seen[id(storage)] = weakref.ref(storage)
                sizes.append(rounded(storage.nbytes(), self.device.type))
            return tensor

        self.run(saving=torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor))
        return sum(sizes)

    def peak(self) -> int | None:
        """Bytes at the highest moment of a step; None where the device does not tell."""
        self.optimizer.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            self.run()
            return torch.cuda.max_memory_allocated(self.device) - self.empty.blocks
        if self.device.type != "cpu":
            self.run()
            return None
        return self._bytes() + highest(self.run)

    def alive(self) -> tuple[Alive, ...]:
        """What is allocated behind each operation of forward and backward; nothing where the device does not tell."""
        if self.device.type not in ("cpu", "cuda"):
            return ()
        self.optimizer.zero_grad()
        sampler = Sampler(self.model, self.device)
        if self.device.type == "cuda":
            with sampler.calls():
                self.run(sampler)
            return tuple(Alive(*operation, size - self.empty.asked) for operation, size in sampler.found)
        before = self._bytes()
        with sampler.calls():
            changes = allocations(lambda: self.run(sampler))
        ends = [moment for moment, _ in changes]
        sums = list(accumulate((size for _, size in changes), initial=before))
        return tuple(Alive(*operation, sums[bisect(ends, moment)]) for operation, moment in sampler.found)

    def _bytes(self) -> int:
        """What is there before a step, each storage once."""
        return sum({id(t.untyped_storage()): t.untyped_storage().nbytes() for t in self._own()}.values())

    def _own(self) -> list[torch.Tensor]:
        """What is there before a step."""
        state = tensors(list(self.optimizer.state.values()))
        return [*self.model.parameters(), *self.model.buffers(), *tensors(self.arguments.values), *state]


def measure(steps: RealSteps, batch: int, tell: Tell = lambda done, total: None) -> Measured:
    """Run some steps. Raises whatever the network raises, and what torch raises when memory runs out."""
    total = BEFORE + TIMED + 1
    tell(0, total)
    saved = steps.saved()
    tell(1, total)
    peak = steps.peak()
    alive = steps.alive()
    times: list[tuple[float, float, float]] = []
    while len(times) < TIMED and sum(whole for _, _, whole in times) < PATIENCE:
        tell(BEFORE + len(times), total)
        times.append(steps.run())
    tell(total - 1, total)
    clock = Clock(steps.model, steps.device)
    with clock.calls():
        steps.run(clock)
    ahead, back, whole = (statistics.median(each) for each in zip(*times))
    return Measured(
        saved=saved,
        peak=peak,
        steps=len(times),
        seconds=whole,
        forward_seconds=ahead,
        backward_seconds=back,
        recomputation=clock.recomputed // batch,
        layers=clock.layers(),
        device=name_of(steps.device),
        held=clock.held - steps.empty.asked if clock.held else None,
        alive=alive,
    )


class Clock(Watch):
    """The time of each operation, by layer. A GPU is waited for after each of them: their sum is more than a step."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__(model)
        self.recomputed = 0
        self.held = 0  # bytes that were allocated at the highest moment between two operations, where a GPU tells
        self._device = device
        self._seconds: dict[str, dict[str, float]] = {}
        self._connections: Counter[str] = Counter()

    def execute(self, func: Any, args: Any, kwargs: Any, path: str) -> Any:
        synchronize(self._device)
        started = time.perf_counter()
        output = func(*args, **kwargs)
        synchronize(self._device)
        if self._device.type == "cuda":
            self.held = max(self.held, allocated(self._device).asked)
        seconds = time.perf_counter() - started
        gone = connections(func, args, kwargs, output)
        spent = self._seconds.setdefault(path, {"forward": 0.0, "backward": 0.0})
        spent["forward" if self.phase == "forward" else "backward"] += seconds
        self._connections[path] += gone
        self.recomputed += gone if self.phase == "recomputation" else 0
        return output

    def layers(self) -> tuple[Slow, ...]:
        """The slowest first."""
        found = [
            Slow(path, seconds["forward"], seconds["backward"], self._connections[path])
            for path, seconds in self._seconds.items()
        ]
        return tuple(sorted(found, key=lambda slow: -slow.forward - slow.backward))


class Sampler(Watch):
    """Behind each operation, bytes that are allocated on a GPU; elsewhere the time, at which others tell."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__(model)
        self.found: list[tuple[tuple[str, str, str], int]] = []  # with phase, path and name
        self._device = device

    def execute(self, func: Any, args: Any, kwargs: Any, path: str) -> Any:
        output = func(*args, **kwargs)
        now = allocated(self._device).asked if self._device.type == "cuda" else time.time_ns()
        self.found.append(((self.phase, path, name_of_operation(func)), now))
        return output


class Allocated(NamedTuple):
    """Bytes on a GPU, in whole blocks of its allocator, some of which leave up to a MiB unused at their ends; and those
    that were asked for. 0 elsewhere."""

    blocks: int
    asked: int


def allocated(device: torch.device) -> Allocated:
    if device.type != "cuda":
        return Allocated(0, 0)
    told = torch.cuda.memory_stats(device)
    return Allocated(told["allocated_bytes.all.current"], told["requested_bytes.all.current"])


def allocated_before(device: torch.device) -> Allocated:
    """What is no network's; what cuBLAS takes for itself at its first products, forward and backward, and keeps, among
    it."""
    if device.type != "cuda":
        return allocated(device)
    first = torch.ones(8, 8, device=device, requires_grad=True)
    nn.functional.linear(first, first, first[0]).sum().backward()
    del first
    synchronize(device)
    return allocated(device)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def highest(run: Callable[[], Any]) -> int:
    """Bytes that the CPU's allocator had handed out at the highest moment, beyond those before."""
    return max(accumulate((size for _, size in allocations(run)), initial=0))


def allocations(run: Callable[[], Any]) -> list[tuple[int, int]]:
    """What the CPU's allocator tells the profiler: of each allocation the time in nanoseconds, as time.time_ns has it,
    and the bytes, less than 0 of those that are given back."""
    with _no_log(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    results = profiler.profiler.kineto_results
    return sorted((e.start_ns(), e.nbytes()) for e in results.events() if e.name() == "[memory]")


@contextmanager
def _no_log() -> Iterator[None]:
    """The profiler's library writes to stderr that it was started, and that there is no GPU."""
    before = os.environ.get("KINETO_LOG_LEVEL")
    os.environ["KINETO_LOG_LEVEL"] = "99"
    try:
        yield
    finally:
        if before is None:
            del os.environ["KINETO_LOG_LEVEL"]
        else:
            os.environ["KINETO_LOG_LEVEL"] = before
