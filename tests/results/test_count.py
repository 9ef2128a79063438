"""Facts held against each other: every comparison can fail, and nothing that failed is lost on the way to the table."""

from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from torch import nn

import netsize
from netsize.facts.network import Network
from netsize.render import render
from netsize.render.style import Style
from netsize.results.count import count
from netsize.results.rollup import keep_largest, roll_up
from netsize.run.examination import examine


@pytest.fixture(scope="module")
def facts() -> Network:
    model = nn.Sequential(nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), nn.Flatten()), nn.Linear(15, 4))
    return examine(model, "2x5", device="cpu")


def test_as_it_is_everything_agrees(facts: Network) -> None:
    assert count(facts).verification.status == "passed"
    assert [call.flops for call in facts.calls] == [2 * 15 * 6, 2 * 60]  # torch's own opinion was asked for


# what is changed in the facts of the first layer, and what is said
WRONG = {
    "FlopCounterMode": ({"flops": 2 * 91}, "connections: 90 by formula, 91 by torch's FlopCounterMode"),
    "the shape": ({"output": (1, 3, 6)}, "output: 1x3x5 by formula, 1x3x6 came out"),
    "the parameter": ({"elements": 19}, "weights: 18 by formula, 19 in the parameter that was used"),
    "the bias": ({"bias_elements": 4}, "biases: 3 by formula, 4 in the parameter that was added"),
}


@pytest.mark.parametrize("what", WRONG)
def test_every_opinion_is_compared(what: str, facts: Network) -> None:
    changes, said = WRONG[what]
    report = count(replace(facts, calls=(replace(facts.calls[0], **changes), *facts.calls[1:])))
    assert (report.verification.status, report.rows[0].problems) == ("failed", (said,))


def test_more_weights_than_parameters_are_no_pass(facts: Network) -> None:
    report = count(replace(facts, unused=(("0.0.weight", 18),)))
    assert report.verification.status == "failed"
    assert report.verification.problems == ("parameters: 85 counted as weights and biases, 85 in the network",)


def test_what_failed_is_seen_in_a_roll_up(facts: Network) -> None:
    wrong = replace(facts.calls[0], output=(1, 3, 6))
    report = count(replace(facts, calls=(facts.calls[1], wrong, facts.calls[1])))
    (row,) = roll_up([replace(row, path=f"all.{row.path}") for row in report.rows], 1)
    assert (row.verified, row.problems) == ("failed", ("output: 1x3x5 by formula, 1x3x6 came out",))
    assert row.padding_connections == 2 * 3 * 2  # two channels, three of them, one at each end
    assert (row.connections, row.biases, row.layers) == (60 + 90 + 60, 4 + 3 + 4, 3)
    *_, others = keep_largest(report.rows, 1, "weights")
    assert others.verified == "failed"


def test_biases_of_recurrent_layers_are_two_for_each_unit() -> None:
    """torch keeps one beside each of the two products; LeCun et al. 1998 count each as a connection of its unit."""
    for layer, gates in ((nn.LSTM(3, 2, batch_first=True), 4), (nn.GRU(3, 2, batch_first=True), 3)):
        units = 5 * gates * 2
        report = netsize.analyze(layer, "5x3", device="cpu", bias=True)
        assert report.totals.connections == units * (3 + 2 + 2)
        assert report.totals.weights == gates * 2 * (3 + 2 + 2) == report.totals.parameters


def test_a_bar_in_a_name_stays_in_its_column() -> None:
    model = nn.Sequential()
    model.add_module("left|right", nn.Linear(4, 3))
    text = render(netsize.analyze(model, "4", verify=False), "markdown", Style())
    assert r"| left\|right" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {rows[0].count("|")}


class Falls(nn.Module):
    """Raises inside of a layer; its caller goes on with another one."""

    class Raises(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.inside(x)
            raise ValueError

    def __init__(self) -> None:
        super().__init__()
        self.raises, self.after, self.w = self.Raises(), nn.Linear(4, 2), nn.Parameter(torch.rand(4, 3))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with suppress(ValueError):
            self.raises(x)
        return self.after(x), x @ self.w


def test_modules_that_raised_are_left() -> None:
    rows = netsize.analyze(Falls(), "4", device="cpu").rows
    assert [(row.path, row.connections) for row in rows] == [("raises.inside", 16), ("after", 8), ("", 12)]


def test_masks_of_bytes_decide_as_those_of_truth_values() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x[(x.sum(-1) > 2).to(torch.uint8)])

    assert netsize.analyze(Masked(), "6x4", device="cpu").depends_on_values == ("aten.index",)


def test_a_network_that_needs_gradients_inside_of_inference_mode() -> None:
    class Forces(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x.requires_grad_(True)
            return torch.autograd.grad(self.layer(x).sum(), x)[0]

    model = Forces()
    with torch.inference_mode():
        assert netsize.analyze(model, "3", device="cpu").totals.connections == 12
