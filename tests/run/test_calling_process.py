"""A process that calls netsize is left as it was, whoever calls, and from where."""

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

import netsize
from netsize.errors import NetsizeError
from netsize.run.meta_kernels import layout


class Net(nn.Module):
    """Convolution, attention in its fused form, and a head: each meets a switch that is turned."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.attention(self.conv(x).flatten(2).transpose(1, 2)).mean(1))


WEIGHTS = 3 * 8 * 9 + 3 * 8 * 8 + 8 * 8 + 2 * 8 * 16 + 8 * 5


def state() -> dict[str, Any]:
    """What belongs to the process, and netsize or torch may turn."""
    return {
        "torch's random numbers": torch.random.get_rng_state().tolist(),
        "numpy's": str(numpy.random.get_state()),
        "Python's": random.getstate(),
        "default type": torch.get_default_dtype(),
        "default device": str(torch.get_default_device()),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "oneDNN": torch.backends.mkldnn.enabled,
        "cuDNN": torch.backends.cudnn.enabled,
        "fast path": torch.backends.mha.get_fastpath_enabled(),
        "attention": (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled()),
        "compile": torch.compile,
        "recursion": sys.getrecursionlimit(),
        "threads": torch.get_num_threads(),
        "warnings": [str(one) for one in warnings.filters],
        "show": warnings.showwarning,
        "signal": signal.getsignal(signal.SIGINT),
        "collecting": (gc.isenabled(), gc.get_threshold()),
        "path": list(sys.path),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "excepthook": sys.excepthook,
        "stdout": sys.stdout,
        "alive": sorted(thread.name for thread in threading.enumerate() if "ThreadPool" not in thread.name),
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


CALLS: dict[str, Callable[[], Any]] = {
    "analyze": lambda: netsize.analyze(Net(), "3x8x8", device="cpu", receptive_field=True),
    "not verified": lambda: netsize.analyze(Net(), "3x8x8", device="cpu", verify=False),
    "an error": lambda: netsize.analyze(Net(), "1x8x8", device="cpu"),
    "training": lambda: netsize.training(Net(), "3x8x8", batch=2, device="cpu"),
    "compare": lambda: netsize.compare([Net(), Net()], "3x8x8", device="cpu"),
    "explain": lambda: netsize.explain(Net(), "conv", "3x8x8", device="cpu"),
}


def called(call: Callable[[], Any]) -> None:
    try:
        call()
    except netsize.NetsizeError as error:
        assert "cannot take" in str(error)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_changed(name: str) -> None:
    for each in (name, "an error"):  # what is imported on the way is imported
        called(CALLS[each])
    torch.manual_seed(1)
    random_numbers, before = torch.random.get_rng_state(), state()
    network = Net()
    torch.random.set_rng_state(random_numbers)
    values = {key: value.clone() for key, value in network.state_dict().items()}
    called(lambda: netsize.analyze(network, "3x8x8", device="cpu"))
    called(lambda: netsize.analyze(network, "1x8x8", device="cpu"))
    assert all(torch.equal(values[key], value) for key, value in network.state_dict().items())
    assert network.training and all(p.requires_grad and p.grad is None for p in network.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    torch.random.set_rng_state(random_numbers)
    assert differences(before, state()) == {}


ENVIRONMENT = """
import os, netsize, torch
from torch import nn
before = dict(os.environ)
try:
    netsize.analyze(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 5)), "1x8x8", device="cpu")
except netsize.NetsizeError as error:
    assert "cannot take" in str(error)
print({key for key in os.environ if os.environ[key] != before.get(key)}, set(before) - set(os.environ))
"""


def test_the_environment_after_an_error() -> None:
    """In a process that has imported nothing before: torch's compiler, imported on the way, names its folder there."""
    done = subprocess.run([sys.executable, "-c", ENVIRONMENT], capture_output=True, text=True)
    assert done.stdout == "set() set()\n", done.stderr


def test_eight_threads_at_once() -> None:
    """Switches that threads turn in turns stayed turned: oneDNN off, the fast path of attention off."""
    before = state()
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: netsize.analyze(Net(), "3x8x8", device="cpu"), range(24)))
    assert {report.totals.weights for report in reports} == {WEIGHTS}
    assert {report.verification.status for report in reports} == {"passed"}
    after = state()
    random_numbers = "torch's random numbers"  # Net() draws them
    assert differences({**before, random_numbers: 0}, {**after, random_numbers: 0}) == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_of_a_fork_is_not_kept_waiting() -> None:
    """By a thread of its parent that was counting."""
    counting, go_on = threading.Event(), threading.Event()

    class Slow(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            counting.set()
            go_on.wait(60)
            return super().forward(x)

    thread = threading.Thread(target=lambda: netsize.analyze(Slow(4, 4), "4", device="cpu"))
    thread.start()
    counting.wait(60)
    child = os.fork()
    if not child:
        signal.alarm(60)
        report = netsize.analyze(nn.Linear(4, 4), "4", device="cpu", verify=False)
        os._exit(0 if report.totals.weights == 16 else 1)
    status = os.waitpid(child, 0)[1]
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


class Default(AbstractContextManager[None]):
    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def __enter__(self) -> None:
        self.before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)

    def __exit__(self, *_: Any) -> None:
        torch.set_default_dtype(self.before)


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "nothing": nullcontext,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "float64": lambda: Default(torch.float64),
    "bfloat16": lambda: Default(torch.bfloat16),
    "a default device": lambda: torch.device("cpu"),
    "the device of no values": lambda: torch.device("meta"),
    "a counter of operations": lambda: FlopCounterMode(display=False),
}


@pytest.mark.parametrize("inside", [True, False], ids=["built there", "built before"])
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_whatever_is_around_the_call(name: str, inside: bool) -> None:
    network = Net()
    with SURROUNDINGS[name]():
        report = netsize.analyze(Net() if inside else network, "3x8x8", device="cpu")
    assert (report.totals.weights, report.verification.status) == (WEIGHTS, "passed")


def test_inside_fake_tensors() -> None:
    """What was built before has values, and is run with them; what is built there has none."""
    network = Net()
    with FakeTensorMode():
        report = netsize.analyze(network, "3x8x8", device="cpu")
        named = netsize.analyze("lenet5", device="cpu")
        with pytest.raises(netsize.NetsizeError, match="Net was built inside a FakeTensorMode: its tensors have no"):
            netsize.analyze(Net(), "3x8x8", device="cpu")
    assert (report.totals.weights, report.verification.status) == (WEIGHTS, "passed")
    assert named.totals == netsize.analyze("lenet5", device="cpu").totals


class Nested(nn.Module):
    """Modules within modules."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.inner: nn.Module = Nested(depth - 1) if depth else nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


def test_modules_within_modules_as_deep_as_torch_takes_them() -> None:
    """Three frames of Python's limit of 1,000 for each (3.12 has one of C, too: 200 modules, others 240): what runs
    without netsize runs with it."""
    network = Nested(190)
    network(torch.rand(1, 4))
    report = netsize.analyze(network, "4", device="cpu")
    assert (report.totals.weights, report.verification.status) == (16, "passed")


def test_garbage_is_collected_as_before() -> None:
    """What is alive is out of the collector's sight only while a network runs; what somebody froze stays frozen."""
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()  # hundreds in Python 3.12, by itself
    gc.set_threshold(600, 9, 8)
    report = netsize.analyze("alexnet", device="cpu")
    assert gc.get_freeze_count() <= before and gc.isenabled() and gc.get_threshold() == (600, 9, 8)
    gc.set_threshold(*thresholds)
    assert str(report) and gc.isenabled()
    layout.cache_clear()  # full, it would let go of some that are frozen, which die then
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        netsize.analyze("alexnet", device="cpu", verify=False)
        assert gc.get_freeze_count() == frozen > before
    finally:
        gc.unfreeze()


class Refuses(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError(f"not {super().forward(x).shape}")


@pytest.mark.parametrize("kind", [nn.Sequential, Refuses])
@pytest.mark.parametrize("settings", [{}, {"until": "0"}, {"verify": False}, {"receptive_field": True}])
def test_a_network_is_let_go(kind: type[nn.Sequential], settings: dict[str, Any]) -> None:
    """At once, without the help of the garbage collector: it may be all of a machine's memory."""
    network = kind(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3))
    reference = weakref.ref(network)
    gc.disable()
    try:
        with suppress(NetsizeError):
            netsize.analyze(network, "3x32x32", device="cpu", **settings)
        del network
        assert reference() is None
    finally:
        gc.enable()


def test_what_was_garbage_before_does_not_stay() -> None:
    """A network that holds itself, and that nobody holds: freezing would take it for something old."""
    network = nn.Linear(4, 3)
    network.own = [network]
    reference = weakref.ref(network)
    del network
    netsize.analyze("lenet5", device="cpu", verify=False)
    assert reference() is None


class Aligned(nn.Linear):
    """As libraries of kernels choose one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x if x.data_ptr() % 16 == 0 == self.weight.data_ptr() % 16 else x.clone())


def test_a_network_may_ask_where_its_memory_lies() -> None:
    for verify in (True, False):
        assert netsize.analyze(Aligned(4, 3), "4", device="cpu", verify=verify).totals.weights == 12
