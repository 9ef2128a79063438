"""The Python API: what it gives back, and that the network that is analysed stays exactly as it was."""

import dataclasses
import io
import json

import pytest
import torch
from rich.console import Console
from torch import nn

import netsize


class Stateful(nn.Module):
    """Changes its own state, draws random numbers, and asks whether it is being trained."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm, self.drop = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.seen.append(x)
        with torch.no_grad():
            self.layer.weight.data.clamp_(-0.01, 0.01)
        return self.drop(self.norm(self.layer(x))) + torch.rand(4)


@pytest.mark.parametrize("verify", [True, False])
def test_the_network_is_left_as_it_was(verify: bool) -> None:
    model = Stateful().train()
    handle = model.register_forward_hook(lambda *_: None)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    objects = {name: id(value) for name, value in model.named_parameters()}
    hooks = {id(module): dict(module._forward_hooks) | dict(module._forward_pre_hooks) for module in model.modules()}
    random, threads, default = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    switches = (torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled(), torch.backends.mkldnn.enabled)
    sdp = (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled())

    netsize.analyze(model, "4", device="cpu", verify=verify)

    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert {name: id(value) for name, value in model.named_parameters()} == objects
    assert all(module.training for module in model.modules())
    assert model.seen == []
    assert hooks == {id(m): dict(m._forward_hooks) | dict(m._forward_pre_hooks) for m in model.modules()}
    assert handle.id in model._forward_hooks
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, default)
    assert switches == (
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_grad_enabled(),
        torch.backends.mkldnn.enabled,
    )
    assert sdp == (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled())


def test_switches_are_put_back_when_a_network_fails() -> None:
    model = nn.Linear(4, 2)
    before = (torch.backends.mha.get_fastpath_enabled(), torch.get_rng_state())
    with pytest.raises(netsize.NetsizeError, match="it fails in Linear"):
        netsize.analyze(model, "3", device="cpu")
    assert torch.backends.mha.get_fastpath_enabled() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert type(torch.ones(1) + 1) is torch.Tensor  # no mode was left behind


@pytest.mark.parametrize(
    "given, seen",
    [
        ("3x8x8", ((1, 3, 8, 8),)),
        ((3, 8, 8), ((1, 3, 8, 8),)),
        (["3x8x8"], ((1, 3, 8, 8),)),
        (torch.rand(5, 3, 8, 8), ((1, 3, 8, 8),)),
        ((torch.rand(1, 3, 8, 8),), ((1, 3, 8, 8),)),
    ],
)
def test_inputs(given, seen) -> None:
    report = netsize.analyze(nn.Conv2d(3, 4, 3), given, device="cpu")
    assert report.input == seen
    assert report.totals.connections == 36 * 4 * 27


def test_example_input_array_is_the_default() -> None:
    model = nn.Linear(4, 2)
    model.example_input_array = torch.rand(8, 4)
    assert netsize.analyze(model, device="cpu").input == ((1, 4),)


def test_a_dictionary_as_input() -> None:
    class Takes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            return self.layer(batch["x"])

    assert netsize.analyze(Takes(), {"x": torch.rand(3, 4)}, device="cpu").totals.connections == 8


@pytest.mark.parametrize("wrong", [(0, 4), "0", "x"])
def test_wrong_inputs(wrong) -> None:
    with pytest.raises(netsize.NetsizeError):
        netsize.analyze(nn.Linear(4, 2), wrong, device="cpu")


def test_not_a_module() -> None:
    with pytest.raises(netsize.NetsizeError, match="int is neither a torch.nn.Module nor the name of a model"):
        netsize.analyze(3)


def test_reports_are_frozen_and_add_up() -> None:
    report = netsize.analyze(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), "4", device="cpu")
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.totals = None
    for quantity in ("units", "connections", "weights"):
        assert sum(getattr(row, quantity) for row in report.rows) == getattr(report.totals, quantity)
        assert sum(report.by_kind(quantity).values()) == getattr(report.totals, quantity)
        assert sum(report.by_part(quantity).values()) == getattr(report.totals, quantity)


def test_shown_in_terminals_and_notebooks() -> None:
    report = netsize.analyze(nn.Linear(4, 3), "4", device="cpu")
    assert "linear 4 -> 3" in str(report)
    terminal = io.StringIO()
    Console(file=terminal, width=60).print(report)
    assert "12 weights + 3 biases" in terminal.getvalue()
    assert max(map(len, terminal.getvalue().splitlines())) <= 60
    html = report._repr_html_()
    assert html.startswith("<pre") and "linear 4 -&gt; 3" in html and "font-weight: bold" in html


RESULTS = {
    "report": lambda: netsize.analyze("alexnet", verify=False),
    "compare": lambda: netsize.compare(["alexnet", "squeezenet1_1"], verify=False),
    "sweep": lambda: netsize.sweep("alexnet", [64, 96]),
    "train": lambda: netsize.training(nn.Linear(4, 3), "4", batch=2, device="cpu"),
    "explain": lambda: netsize.explain("alexnet", "features.3", verify=False),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_shows_itself_in_every_format(name: str) -> None:
    result = RESULTS[name]()
    assert result.to_csv().count("\n") > 1 and "," in result.to_csv().splitlines()[0]
    assert result.to_markdown().strip() and "\\" in result.to_latex()
    assert result.to_html().startswith("<!DOCTYPE html>") and result.to_svg().startswith("<?xml")
    assert json.loads(result.to_json())["schema"]
    shown = result._repr_html_()
    assert shown.count("<pre") == 1 and "monospace" in shown
    assert ("<iframe" in shown) == (name != "explain")  # words have no pictures


def test_a_result_as_a_table_of_pandas() -> None:
    report = RESULTS["report"]()
    try:
        import pandas
    except ImportError:
        with pytest.raises(ImportError, match="pip install pandas; to_csv"):
            report.to_dataframe()
        return
    frame = report.to_dataframe()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == len(report.rows)
    assert frame["connections"].sum() == report.totals.connections


LOGGED = [
    ("report", {"weights": 61_090_496, "macs": 714_188_480, "layers/features.0/units": 193_600}),
    ("compare", {"alexnet/weights": 61_090_496, "alexnet/weights_ratio": 1.0}),
    ("sweep", {"64/weights": 61_090_496}),
    ("train", {"(network)/forward": 12}),
]


@pytest.mark.parametrize("name, numbers", LOGGED)
def test_flat_numbers_for_logs(name: str, numbers: dict[str, float]) -> None:
    logged = RESULTS[name]().log_dict()
    assert all(isinstance(value, (int, float)) for value in logged.values())
    assert {key: logged.get(key) for key in numbers} == numbers


def test_a_network_with_double_precision() -> None:
    report = netsize.analyze(nn.Linear(4, 3).double(), "4", device="cpu")
    assert report.verification.status == "passed"


@pytest.mark.parametrize("network", [nn.Identity(), nn.Flatten(), nn.ReLU()])
def test_a_network_without_layers(network: nn.Module) -> None:
    report = netsize.analyze(network, "3x4", device="cpu")
    assert (report.rows, report.totals.units, report.verification.status) == ((), 0, "passed")
    assert "0 of 0 layers verified" in str(report)
    assert '"connections": {}' in report.to_json()
