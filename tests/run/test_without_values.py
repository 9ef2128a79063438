"""Networks without values: what is known is worked out, what is guessed is said, and what values decide is told where
it decides something."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netsize


class Converts(nn.Module):
    """Moves its router to a type of its own whenever it is called: Switch Transformers."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer, self.router, self.dtype = nn.Linear(8, 8), nn.Linear(8, 4), dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.router = self.router.to(self.dtype)
        return self.router(self.layer(x).to(self.dtype))


@pytest.mark.parametrize("own", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("verify", [True, False])
def test_a_module_that_is_converted_in_forward(own: torch.dtype, dtype: torch.dtype, verify: bool) -> None:
    network = Converts(dtype).to(own)
    report = netsize.analyze(network, "8", device="cpu", verify=verify)
    assert (report.totals.connections, report.totals.weights, report.unused) == (96, 96, ())
    assert network.router.weight.dtype is own


class Lists(nn.Module):
    """Reaches its parameters through a list, of which torch knows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(3, 3, bias=False)
        self.known = [*self.first.parameters(), self.second.weight]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias, other = self.known
        return F.linear(F.linear(x, weight, bias), other.t() * 2)


@pytest.mark.parametrize("verify", [True, False])
def test_parameters_that_a_list_holds(verify: bool) -> None:
    totals = netsize.analyze(Lists(), "4", device="cpu", verify=verify).totals
    assert (totals.connections, totals.weights, totals.biases, totals.other_parameters) == (12 + 9, 12 + 9, 3, 0)


class Masked(nn.Module):
    """Adds features to the places that its whole numbers mark, as vision-language models do."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.layer, self.extra = nn.Embedding(9, 4), nn.Linear(4, 4), nn.Parameter(torch.rand(2, 4))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        found, mask = self.table(ids), ids == 7
        found[mask, :] = self.layer(found[mask, :]) + self.extra
        return found


@pytest.mark.parametrize("verify", [True, False])
def test_a_mask_that_is_known_is_no_guess(verify: bool) -> None:
    report = netsize.analyze(Masked(), torch.tensor([[1, 7, 2, 7, 3]]), device="cpu", verify=verify)
    assert (report.totals.connections, report.guessed) == (2 * 16, ())


class Padded(nn.Module):
    """Works out its padding in tensors of whole numbers, as sound codecs do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 3, stride=2)
        self.register_buffer("stride", torch.tensor(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        frames = torch.ceil((x.shape[-1] - 3) / self.stride).to(torch.int64) + 1
        return self.conv(F.pad(x, (0, int((frames - 1) * self.stride + 3 - x.shape[-1]))))


class Axes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        axes = torch.arange(x.dim())
        return self.layer(x.permute(torch.cat([axes[:1], axes[1:].flip(0)]).tolist()).transpose(1, 2))


class Counts(nn.Module):
    """Its buffer counts the calls: what it holds is known, and is put back."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("calls", torch.tensor(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        for _ in range(int(self.calls)):
            x = self.layer(x)
        return x


@pytest.mark.parametrize(
    "network, shape, connections",
    [
        (Padded(), "1x10", 5 * 4 * 3),  # ceil(7 / 2) + 1 = 5 frames
        (Axes(), "5x4", 5 * 12),
        (Counts(), "4", 2 * 16),
    ],
    ids=["sizes in tensors", "a list of axes", "a buffer that counts"],
)
def test_what_depends_on_no_input_is_known(network: nn.Module, shape: str, connections: int) -> None:
    for verify in (False, True):
        report = netsize.analyze(network, shape, device="cpu", verify=verify)
        assert (report.totals.connections, report.guessed) == (connections, ())
    assert int(getattr(network, "calls", 1)) == 1


class Asks(nn.Module):
    """Asks for a value: `how` says what hangs on it."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.layer, self.how = nn.Linear(4, 4), how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        if self.how == "error" and bool(torch.isnan(y).any()):
            raise ValueError("not a number")
        if self.how == "arithmetic" and bool((y > 5).all()):
            y = y * 2
        if self.how == "layer" and bool((y > 5).all()):
            y = self.layer(y)
        if self.how == "size":
            y = self.layer(y[:, : int(y.argmax()) % 3 + 1])
        return y


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("how, decides", [("error", False), ("arithmetic", False), ("layer", True), ("size", True)])
def test_values_are_told_where_connections_hang_on_them(how: str, decides: bool, verify: bool) -> None:
    report = netsize.analyze(Asks(how), "3x4", device="cpu", verify=verify)
    if how == "error":  # the first guess is what it refuses
        assert report.totals.connections == 48
    else:
        assert bool(report.depends_on_values) is decides
    text = str(report)
    assert "every candidate survives" not in text
    if decides:
        said = "the values of the input (here random ones)" if verify else "guessed, since there are no values: aten."
        assert said in text


class Positions(nn.Module):
    """Looks positions up by whole numbers that a network on the meta device does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.rand(9, 4))
        self.register_buffer("places", torch.arange(9).flip(0))
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x @ self.table[self.places].T @ self.table)


def test_constants_that_are_not_there_choose_anything() -> None:
    with torch.device("meta"):
        model = Positions()
    report = netsize.analyze(model, "3x4", device="cpu", verify=False)
    assert (report.totals.connections, report.totals.parameters) == (3 * (36 + 36 + 8), 36 + 10)
    assert report.totals.weights == 36 + 8


def test_a_loop_that_a_value_ends_is_refused() -> None:
    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            while bool(x.norm() > 0.1):
                x = self.layer(x) * 0 + x * 0.5
            return x

    assert netsize.analyze(Halves(), "4", device="cpu").depends_on_values == ("aten._local_scalar_dense",)
    with pytest.raises(netsize.NetsizeError, match="cannot be counted without values.*values decide when it ends"):
        netsize.analyze(Halves(), "4", device="cpu", verify=False)


def test_candidates_that_survive_are_said() -> None:
    class Chosen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x[x.sum(-1) > 2])

    report = netsize.analyze(Chosen(), "6x4", device="cpu", verify=False)
    assert report.totals.connections == 6 * 8
    assert "there are none, and every candidate survives): aten.index" in str(report)


def test_a_network_that_executes_nothing_of_its_own_is_no_pass() -> None:
    class Nothing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    report = netsize.analyze(Nothing(), "4", device="cpu")
    assert report.verification.status == "failed"
    assert "nothing that was executed used any of its 20 parameters" in str(report)
    norm = str(netsize.analyze(nn.BatchNorm1d(4), "4", device="cpu"))
    assert "there is nothing to verify" in norm and "✓" not in norm


class OnGpu(nn.Module):
    """Says itself where it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).cuda() + torch.zeros(4, device="cuda")


def test_a_network_for_a_gpu_is_counted_where_there_is_none() -> None:
    assert netsize.analyze(OnGpu(), "4", device="cpu", verify=False).totals.connections == 16
