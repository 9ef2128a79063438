"""A network that is given is run itself, so that closures, patched forwards and hooks reach what they were made with;
and it is left exactly as it was."""

import sys

import pytest
import torch
from torch import nn

import netsize


class Hooked(nn.Module):
    """Its head works on what a hook has kept."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.kept = nn.Sequential(nn.Linear(5, 6), nn.ReLU()), nn.Linear(6, 3), {}
        self.body[1].register_forward_hook(lambda module, inputs, output: self.kept.update(x=output))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.body(x)
        return self.head(self.kept["x"])


def patched() -> nn.Module:
    """A low-rank adapter in a forward that was exchanged."""
    network = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2))
    layer = network[0]
    layer.down, layer.up = nn.Parameter(torch.rand(2, 8)), nn.Parameter(torch.rand(6, 2))
    before = layer.forward
    layer.forward = lambda x: before(x) + x @ layer.down.t() @ layer.up.t()
    return network


class Closed(nn.Module):
    """Calls a layer that only a closure knows, and which changes when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        norm = self.norm = nn.BatchNorm1d(4, momentum=1.0)
        self.close = lambda x: norm(self.layer(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.close(x)


class Caches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.seen, self.last = nn.Linear(4, 4), [], None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.last = self.layer(x)
        self.seen.append(self.last)
        return self.last


class Yields(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(5, 6), nn.Linear(6, 2)])

    def forward(self, x: torch.Tensor):
        for layer in self.layers:
            x = layer(x)
            yield x


class Late(nn.Module):
    """Makes its layer when it first sees an input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not hasattr(self, "layer"):
            self.layer = nn.Linear(x.shape[-1], 3)
        return self.layer(x)


class Forces(nn.Module):
    """Computes a gradient of what it puts out: two more products."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x: torch.Tensor):
        x.requires_grad_(True)
        energy = self.net(x)
        return energy, torch.autograd.grad(energy.sum(), x, create_graph=True)[0]


class Learns(nn.Module):
    """Takes a step of its own before it answers: it needs gradients of its parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (gradient,) = torch.autograd.grad(self.layer(x).sum(), self.layer.weight)
        return nn.functional.linear(x, self.layer.weight - 0.1 * gradient)


class CompilersName(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self._orig_mod, self.head = nn.Linear(5, 6), nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self._orig_mod(x))


def exported() -> nn.Module:
    return torch.export.export(nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval(), (torch.rand(1, 4),)).module()


# network, input, connections, weights
CASES = {
    "a hook keeps features": (Hooked, "5", 30 + 18, 48),
    "a forward that was exchanged": (patched, "8", 48 + 16 + 12 + 12, 88),
    "a closure": (Closed, "4", 16, 16),
    "caches": (Caches, "4", 16, 16),
    "a generator": (Yields, "5", 42, 42),
    "a map": (lambda: Map(), "5", 60, 30),
    "layers made late": (Late, "4", 12, 12),
    "gradients of the input": (Forces, "3", 64, 32),
    "gradients of parameters": (Learns, "3", 6 + 6 + 6, 6),
    "a name of the compiler's": (CompilersName, "5", 42, 42),
    "an exported program": (exported, "4", 12, 12),
}


class Map(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 6)

    def forward(self, x: torch.Tensor):
        return {"results": map(self.layer, [x, x])}


def state(network: nn.Module) -> dict:
    """All that can be seen from outside."""
    values = {name: value.clone() for name, value in network.state_dict().items()}
    own = {name: list(vars(module)) for name, module in network.named_modules()}
    hooks = {name: list(module._forward_hooks) for name, module in network.named_modules()}
    asks = {name: (parameter.requires_grad, parameter.grad) for name, parameter in network.named_parameters()}
    modes = {name: module.training for name, module in network.named_modules()}
    kept = [len(getattr(network, name, ())) for name in ("seen", "kept")]
    return {"values": values, "own": own, "hooks": hooks, "asks": asks, "modes": modes, "kept": kept}


@pytest.mark.parametrize("name", CASES)
def test_it_is_run_itself_and_left_as_it_was(name: str) -> None:
    make, shape, connections, weights = CASES[name]
    network = make()
    if name != "an exported program":
        network.train()
    before = state(network)
    for verify in (True, False):
        if name == "layers made late" and not verify:
            with pytest.raises(
                netsize.NetsizeError, match="its first forward makes layer.bias.\nLeave verify=False away"
            ):
                netsize.analyze(network, shape, device="cpu", verify=False)
            continue
        report = netsize.analyze(network, shape, device="cpu", verify=verify)
        if name != "gradients of parameters":  # its backward product is one of activations
            assert report.totals.weights == weights
        assert report.totals.connections == connections
        assert report.verification.status == ("passed" if verify else "skipped")
    after = state(network)
    assert before.keys() == after.keys()
    for key in before.keys() - {"values"}:
        assert before[key] == after[key], key
    assert all(torch.equal(before["values"][name], after["values"][name]) for name in before["values"])


class Writes(nn.Module):
    """Into its parameters, in each forward: past autograd, into a view, and where no gradient is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.a.weight.data.mul_(2)
        self.b.weight.data[0].fill_(7)
        with torch.no_grad():
            self.a.bias.sub_(1)
            torch.add(self.b.bias, 1, out=self.b.bias)
        return self.b(self.a(x))


@pytest.mark.parametrize("settings", [{}, {"verify": False}, {"receptive_field": True}], ids=str)
def test_what_it_writes_into_its_parameters_is_put_back(settings: dict[str, bool]) -> None:
    network = Writes()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    netsize.analyze(network, "4", device="cpu", **settings)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_training_leaves_it_as_it_was() -> None:
    network = Closed()
    before = state(network)
    netsize.training(network, "4", batch=3, measure=True, device="cpu")
    after = state(network)
    assert all(torch.equal(before["values"][name], after["values"][name]) for name in before["values"])
    assert before["asks"] == after["asks"]


def test_what_is_compiled_in_parts_is_run_as_it_was_written(capfd) -> None:
    """Compiling would take a minute, and write to stderr."""
    compiled = torch.compile(lambda x, w: nn.functional.gelu(x @ w))

    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.rand(5, 6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return compiled(x, self.w)

    report = netsize.analyze(Part(), "5", device="cpu")
    assert (report.totals.connections, report.verification.status) == (30, "passed")
    assert capfd.readouterr().err == ""


def test_asking_by_path_again_and_again_leaves_one_entry(tmp_path) -> None:
    (tmp_path / "mine.py").write_text("from torch import nn\n\ndef net():\n    return nn.Linear(4, 3)\n")
    netsize.analyze(f"{tmp_path}/mine.py:net", "4", device="cpu")
    before = list(sys.path)
    for _ in range(3):
        netsize.analyze(f"{tmp_path}/mine.py:net", "4", device="cpu")
    assert sys.path == before
