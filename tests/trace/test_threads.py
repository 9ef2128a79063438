"""Networks whose layers run in other threads: each operation is seen once, in the layer that it belongs to."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netsize


class Started(nn.Module):
    """A thread for one layer, which another one starts and waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: list[torch.Tensor] = []

        def inner() -> None:
            found.append(self.inner(x + torch.ones(8)))

        def outer() -> None:
            thread = threading.Thread(target=inner)
            thread.start()
            thread.join()

        thread = threading.Thread(target=outer)
        thread.start()
        thread.join()
        return self.last(found[0])


class Pooled(nn.Module):
    """A pool of threads that outlives the pass; `warm`: and was there before."""

    def __init__(self, warm: bool) -> None:
        super().__init__()
        self.pool = ThreadPoolExecutor(1)
        self.inner, self.last = nn.Linear(8, 16), nn.Linear(16, 4)
        if warm:
            self.pool.submit(int).result()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.pool.submit(self.inner, x).result())


class Functions(nn.Module):
    """What threads call without a module: products, attention, recurrent steps."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 8))
        self.lstm = nn.LSTM(8, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with ThreadPoolExecutor(1) as pool:
            x = pool.submit(F.linear, x, self.weight).result()
            x = pool.submit(F.scaled_dot_product_attention, x, x, x).result()
            return pool.submit(lambda: self.lstm(x)[0]).result()


class Squared(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(torch.bmm, x, x).result()


TWO_LAYERS = [("inner", "linear", 16, 128, 128), ("last", "linear", 4, 64, 64)]
CASES = [
    ("threads in threads", Started, "8", TWO_LAYERS),
    ("a pool", lambda: Pooled(warm=False), "8", TWO_LAYERS),
    ("a pool with a thread of its own", lambda: Pooled(warm=True), "8", TWO_LAYERS),
    (
        "functions",
        Functions,
        "5x8",
        [
            ("", "linear", 5 * 8, 5 * 64, 64),
            ("", "attention", 5 * 5, 5 * 5 * 8, 0),  # scores
            ("", "attention", 5 * 8, 5 * 5 * 8, 0),  # attended values
            ("lstm", "recurrent", 5 * 16, 5 * 16 * 12, 16 * 12),
        ],
    ),
    (
        "functions of a module inside",
        lambda: nn.Sequential(nn.ReLU(), Squared()),
        "5x5",
        [("1", "matmul", 5 * 5, 5 * 5 * 5, 0)],
    ),
]


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize(("build", "shape", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_layers_in_threads(build, shape: str, expected: list[tuple], verify: bool) -> None:
    start = threading.Thread.start
    report = netsize.analyze(build(), shape, device="cpu", verify=verify)
    assert [(row.path, row.kind, row.units, row.connections, row.weights) for row in report.rows] == expected
    assert report.verification.problems == ()
    assert threading.Thread.start is start


def test_a_thread_that_outlives_the_pass_executes_as_before() -> None:
    model = Pooled(warm=False)
    netsize.analyze(model, "8", device="cpu", verify=False)
    made = model.pool.submit(torch.ones, 3).result()
    assert type(made) is torch.Tensor
    assert made.sum() == 3


def test_an_error_in_a_thread_names_the_layer() -> None:
    model = Pooled(warm=True)
    model.inner = nn.Linear(3, 16)
    with pytest.raises(netsize.NetsizeError, match=r"it fails in inner \(Linear\)"):
        netsize.analyze(model, "8", device="cpu")
