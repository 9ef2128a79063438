"""What forward is called with: by position and by name, named tuples, dictionaries, packed and nested sequences."""

import logging
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import netsize


class Pair(NamedTuple):
    image: torch.Tensor
    ids: torch.Tensor


class OfPair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.table = nn.Linear(5, 6), nn.Embedding(7, 6)

    def forward(self, pair: Pair) -> torch.Tensor:
        return self.layer(pair.image) + self.table(pair.ids)


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(5, 2)

    def forward(self, x: torch.Tensor | None = None, mask: torch.Tensor | None = None, *, y: torch.Tensor):
        return self.first(x) * (1 if mask is None else mask), self.second(y)


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, values: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.layer(values["y"])


class Shared(nn.Module):
    """One of its arguments has no batch axis: as many rows as there are places."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        assert places.shape[0] == x.shape[1]
        return self.layer(x) + places.sum(-1)[None, :, None]


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(4, 3)

    def forward(self, packed: PackedSequence) -> torch.Tensor:
        return self.layer(packed)[0].data


class Jagged(nn.Module):
    def __init__(self, layout: torch.layout) -> None:
        super().__init__()
        self.layer, self.layout = nn.Linear(4, 3), layout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.nested.as_nested_tensor([x[0], x[0, :2]], layout=self.layout)).to_padded_tensor(0.0)


class Padded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, parts: torch.Tensor) -> torch.Tensor:
        return self.layer(parts).to_padded_tensor(0.0)


class Scores(nn.Module):
    """Attention of two sequences, of 5 and 2 places: scores, and attended values."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = torch.nested.nested_tensor([x[0], x[0, :2]])
        scores = torch.softmax(torch.bmm(parts, parts.transpose(1, 2)), -1)
        return torch.matmul(scores, parts).to_padded_tensor(0.0)


pair = Pair(torch.rand(3, 5), torch.zeros(3, dtype=torch.int64))
sequences = pack_sequence([torch.rand(5, 4), torch.rand(3, 4)])
CASES = {
    "a named tuple": (OfPair(), pair, 30),
    "a named tuple in a tuple": (OfPair(), (pair,), 30),
    "by name": (Named(), {"x": torch.rand(1, 6, 4), "y": torch.rand(1, 5)}, 6 * 12 + 10),
    "a dictionary of other names": (Whole(), {"y": torch.rand(2, 4)}, 12),
    "a batch of two, beside what has none": (Shared(), (torch.rand(2, 6, 4), torch.rand(6, 3)), 6 * 16),
    "a batch of one, beside what has none": (Shared(), (torch.rand(1, 6, 4), torch.rand(6, 3)), 6 * 16),
    "a packed sequence": (Packed(), sequences, 5 * 12 * 7),
    "nested inside, jagged": (Jagged(torch.jagged), torch.rand(1, 5, 4), 7 * 12),
    "nested inside, strided": (Jagged(torch.strided), torch.rand(1, 5, 4), 7 * 12),
    "nested, strided": (Padded(), torch.nested.nested_tensor([torch.rand(5, 4), torch.rand(2, 4)]), 5 * 12),
    "products of nested ones": (Scores(), torch.rand(1, 5, 4), (25 + 4) * 4 * 2),
    "no elements": (nn.Linear(4, 3), torch.rand(1, 0, 4), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_arguments(name: str) -> None:
    network, given, connections = CASES[name]
    report = netsize.analyze(network, given, device="cpu")
    assert (report.totals.connections, report.verification.status) == (connections, "passed")


@pytest.mark.parametrize("name", ["a named tuple", "by name", "a dictionary of other names"])
def test_the_same_as_an_example(name: str) -> None:
    network, given, connections = CASES[name]
    network.example_input_array = given
    try:
        assert netsize.analyze(network, device="cpu").totals.connections == connections
        assert netsize.analyze(network, device="cpu", verify=False).totals.connections == connections
    finally:
        del network.example_input_array


class Heads(nn.Module):
    def __init__(self, output) -> None:
        super().__init__()
        self.body, self.head, self.output = nn.Linear(6, 8), nn.Linear(8, 2), output

    def forward(self, x: torch.Tensor):
        return self.output(self.head(self.body(x)))


@pytest.mark.parametrize("output", [lambda y: {"logits": y}, lambda y: (y, y), lambda y: [y]])
def test_the_classifier_of_an_output_in_a_container_is_replaced(output) -> None:
    report = netsize.analyze(Heads(output), "6", device="cpu", classes=7)
    assert (report.replaced, report.totals.connections) == ("head", 6 * 8 + 8 * 7)


def test_a_nested_tensor_needs_values() -> None:
    """But what is jagged on the way forward, once torch has made one for itself that has values: where its parts end
    is a constant there."""
    given = torch.rand(1, 5, 4)
    with pytest.raises(netsize.NetsizeError, match="cannot be counted without values.*\nLeave verify=False away"):
        netsize.analyze(Jagged(torch.strided), given, device="cpu", verify=False)
    for verify in (True, False):
        report = netsize.analyze(Jagged(torch.jagged), given, device="cpu", verify=verify)
        assert report.totals.connections == 7 * 12
    for layout, where in ((torch.strided, "Jagged"), (torch.jagged, "backward")):
        with pytest.raises(
            netsize.NetsizeError, match=f"training is predicted without values, which decide in {where}"
        ):
            netsize.training(Jagged(layout), given, device="cpu")


class Normalised(nn.Module):
    """What comes out is nested, too."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.layer = nn.LayerNorm(4), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(self.norm(torch.nested.nested_tensor([x[0], x[0, :2], x[0, :0]])))


def test_what_nested_tensors_go_through_is_an_operation_with_its_parameters() -> None:
    report = netsize.analyze(Normalised(), torch.rand(1, 5, 4), device="cpu", everything=True)
    found = [(row.path, row.operation, row.output, row.connections, row.other_parameters) for row in report.rows]
    assert found[-4:] == [
        ("norm", "layer norm", (7, 4), 0, 4 + 4),  # 5, 2 and 0 rows
        ("layer", "linear 4 -> 3", (5, 3), 60, 0),
        ("layer", "linear 4 -> 3", (2, 3), 24, 0),
        ("layer", "linear 4 -> 3", (0, 3), 0, 0),
    ]
    assert report.unused == ()
    assert report.verification.problems == ()


class WithoutParts(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.nested.nested_tensor([])
        torch.nested.nested_tensor([torch.tensor(1.0), torch.tensor(2.0)])  # of numbers
        return x @ x


def test_nested_tensors_without_parts_or_places() -> None:
    report = netsize.analyze(WithoutParts(), "3x3", device="cpu", batch=False)
    assert (report.totals.connections, report.verification.status) == (27, "passed")


def test_a_nested_input_needs_values() -> None:
    nested = torch.nested.nested_tensor([torch.rand(5, 4), torch.rand(2, 4)])
    with pytest.raises(netsize.NetsizeError, match="takes nested tensors, which have no shapes without their values"):
        netsize.analyze(Padded(), nested, device="cpu", verify=False)


class Logs(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in ("torch._dynamo", "torch.with_a_level", "torch.first_heard_of_here", "somebody.else"):
            logging.getLogger(name).error(f"from {name}")
        return x @ x


def test_torch_s_own_log_lines_are_not_heard(caplog) -> None:
    level = logging.getLogger("torch").level
    logging.getLogger("torch.with_a_level").setLevel(logging.DEBUG)
    netsize.analyze(Logs(), "3x3", device="cpu")
    assert caplog.messages == ["from somebody.else"]
    for name in ("torch.with_a_level", "torch.first_heard_of_here", "torch"):
        logging.getLogger(name).error(f"afterwards {name}")
    afterwards = ["afterwards torch.with_a_level", "afterwards torch.first_heard_of_here", "afterwards torch"]
    assert caplog.messages == ["from somebody.else", *afterwards]
    assert logging.getLogger("torch").level == level
