"""Running on ones: in pieces that take little memory, and all pieces together."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

import netsize
from netsize.costs.measurement import highest
from netsize.trace import ones

CONVOLUTIONS = [
    # a layer, its input, what it goes through by hand, padding included
    (nn.Conv2d(7, 5, 3, padding=1), (7, 6, 8), 5 * 6 * 8 * 7 * 9),
    (nn.Conv2d(7, 5, (2, 3), stride=(2, 1), dilation=(1, 2)), (7, 6, 8), 5 * 3 * 4 * 7 * 6),
    (nn.Conv2d(10, 4, 3, groups=2), (10, 5, 5), 4 * 9 * 5 * 9),
    (nn.Conv1d(5, 3, 4, padding="same"), (5, 9), 3 * 9 * 5 * 4),
    (nn.Conv3d(3, 2, 2), (3, 4, 4, 4), 2 * 27 * 3 * 8),
    (nn.ConvTranspose2d(7, 6, 2, stride=2), (7, 4, 4), 7 * 16 * 6 * 4),
    (nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1, groups=2), (6, 4, 4), 6 * 16 * 2 * 9),
]


@pytest.fixture(params=[1, 100, 2**20])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One channel at a time, a few of them with a rest, all."""
    monkeypatch.setattr(ones, "FEW", request.param)
    ones.convolution.cache_clear()
    yield
    ones.convolution.cache_clear()


@pytest.mark.parametrize("layer, input, connections", CONVOLUTIONS)
def test_channels_in_pieces(layer: nn.Module, input: tuple[int, ...], connections: int, few: None) -> None:
    report = netsize.analyze(layer, "x".join(map(str, input)), device="cpu")
    assert (report.verification.status, report.totals.connections) == ("passed", connections)


def test_a_large_layer_takes_little_memory() -> None:
    """The second layer of VGG: its input alone takes 12.25 MiB, which the network itself holds meanwhile."""
    shapes = ((1, 64, 224, 224), (64, 64, 3, 3), (1, 1), (0, 0), ((1, 1), (1, 1), False, 1), None, torch.device("cpu"))
    found = []
    assert highest(lambda: found.append(ones.convolution.__wrapped__(*shapes))) < 12 * 2**20
    assert [(run.connections, run.inside) for run in found] == [(64 * 224**2 * 576, 64 * (224 * 3 - 2) ** 2 * 64)]


def test_one_of_a_batch_of_products() -> None:
    func, left, right = torch.ops.aten.bmm.default, (6, 256, 64), (6, 64, 256)
    found = []
    run = ones._product.__wrapped__
    assert highest(lambda: found.append(run(func, left, right, None, 64, torch.device("cpu")))) < 4 * 256 * 64 * 2
    assert found[0].connections == found[0].inside == 6 * 256 * 64 * 256
